"""Timing logs as people have them, good and bad."""

import numpy as np
import pytest

from gcopt.errors import InputError
from gcopt.logs import check_log, read_log

LOG = np.array([[1.0, 2.0, 3.0], [4.0, np.inf, 6.5]])


@pytest.mark.parametrize(
    "text",
    [
        "1,2,3\n4,,6.5\n",
        "a,b,c\n1,2,3\n4,inf,6.5\n",
        "\ufeffworker 0,worker 1,worker 2\r\n1.0, 2,3e0\r\n\r\n4, ,6.5",
    ],
    ids=["bare", "header", "windows"],
)
def test_csv_with_and_without_a_header(tmp_path, text):
    path = tmp_path / "log.csv"
    path.write_text(text, encoding="utf-8", newline="")
    assert (read_log(path) == LOG).all()


def test_npz_with_one_or_several_arrays(tmp_path):
    np.savez(tmp_path / "one.npz", LOG.astype(np.float32))
    np.savez(tmp_path / "two.npz", first=LOG, second=LOG + 1)
    assert (read_log(tmp_path / "one.npz") == LOG).all()
    assert (read_log(f"{tmp_path}/two.npz:second") == LOG + 1).all()
    with pytest.raises(InputError, match=r"holds 2 arrays; name one as .*two.npz:NAME of first, second"):
        read_log(tmp_path / "two.npz")
    with pytest.raises(InputError, match="holds no array 'third'; there are: first, second"):
        read_log(f"{tmp_path}/two.npz:third")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,2\n3\n", r"line 2: 1 columns; 2 are expected as in line 1"),
        ("a,b\n1,2\n1,2,3\n", r"line 3: 3 columns; 2 are expected as in line 2"),
        ("1,2\n3,-4\n", r"line 2, column 2: -4; seconds >= 0"),
        ("1,2\nnan,4\n", r"line 2, column 1: nan; seconds >= 0"),
        ("1,2\n3,-inf\n", r"line 2, column 2: -inf; seconds >= 0"),
        ("1,2\n3,4s\n", r"line 2, column 2: '4s'; seconds are expected"),
        ("round,1,2\n0,1,2\n", r"line 1, column 1: 'round'; seconds are expected"),
        ("a,b\n", "holds no rounds"),
        ("", "holds no rounds"),
        ("1,\n2,\n", "worker 1 never answered"),
    ],
)
def test_bad_csv_is_told_where(tmp_path, text, words):
    path = tmp_path / "log.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        read_log(path)
    assert str(path) in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    for name in ("none.csv", "none.npz"):
        with pytest.raises(InputError, match="no such file"):
            read_log(tmp_path / name)
    with pytest.raises(InputError, match="a folder"):
        read_log(tmp_path)
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match="not a readable CSV"):
        read_log(tmp_path / "binary.csv")


def test_npz_that_is_truncated_pickled_or_none(tmp_path):
    path = tmp_path / "log.npz"
    np.savez(path, np.ones((50, 50)))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="not a readable npz"):
        read_log(path)
    np.savez(path, np.array([[1.0, None]], dtype=object))
    with pytest.raises(InputError, match="not a readable npz file without pickles"):
        read_log(path)
    with path.open("wb") as file:
        np.save(file, LOG)
    with pytest.raises(InputError, match="a single array"):
        read_log(path)
    path.write_text("hello")
    with pytest.raises(InputError, match="not a readable npz"):
        read_log(path)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.ones(3), r"shape \(3,\); \(rounds, workers\)"),
        (np.ones((0, 3)), r"shape \(0, 3\)"),
        ([["a"]], "entries of type"),
        ([[1j]], "entries of type complex128"),
        ([[1.0, 2.0], [np.nan, 1.0]], "round 1, worker 0 is nan"),
        ([[1.0, -2.0]], "round 0, worker 1 is -2"),
    ],
)
def test_bad_arrays(array, words):
    with pytest.raises(InputError, match=words):
        check_log(array)


@pytest.mark.parametrize("first", [0, 1])
def test_a_column_that_counts_the_rounds_is_not_a_worker(tmp_path, first):
    path = tmp_path / "log.csv"
    path.write_text("round,w0,w1\n" + "".join(f"{first + i},1.{i},1.1\n" for i in range(4)))
    with pytest.raises(InputError, match="column 1: counts the rounds"):
        read_log(path)
