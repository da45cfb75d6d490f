import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse
from scipy.io import mmread

import gcopt
from gcopt.code import GradientCode, Segment
from gcopt.errors import InputError
from gcopt.files import export_placement, load, save
from gcopt.formats import FORMATS


def codes():
    rng = np.random.default_rng(1)
    dense = rng.standard_normal((4, 6)) * 10.0 ** rng.integers(-300, 300, (4, 6))
    return {
        "repetition": gcopt.families.fractional_repetition(6, 2),
        "real": GradientCode.from_matrix(dense),
        "complex": GradientCode.from_matrix(dense[:, :3] + 1j * dense[:, 3:]),
        "empty-row": GradientCode.from_matrix([[0.0, 0.0], [1.0, -0.1]]),
    }


@pytest.mark.parametrize("name", codes())
def test_native_file_keeps_everything(name, tmp_path):
    code = codes()[name]
    back = load(save(code, tmp_path / "c.npz"))
    assert back.claims == code.claims
    assert (back.family, dict(back.parameters), back.seed, back.version) == (
        code.family,
        dict(code.parameters),
        code.seed,
        code.version,
    )
    assert np.array_equal(back.segments[0].encoding.toarray(), code.segments[0].encoding.toarray())
    assert back.segments[0].stragglers == code.segments[0].stragglers


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", codes())
def test_export_is_bitwise(name, form, tmp_path):
    code = codes()[name]
    back = load(gcopt.export(code, tmp_path / f"B.{form}"))
    assert np.array_equal(back.segments[0].encoding.toarray(), code.segments[0].encoding.toarray())


@settings(max_examples=25, deadline=None)
@given(arrays(float, (3, 4), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_export_keeps_any_float(matrix):
    for form in FORMATS.values():
        back = sparse.csr_array(form.parse(form.dump(sparse.csr_array(matrix))))
        assert np.array_equal(back.toarray(), matrix)


@pytest.mark.filterwarnings("ignore:The default value for `spmatrix`")
def test_matrix_market_read_with_scipy_alone_decodes(tmp_path):
    gcopt.export(gcopt.families.fractional_repetition(6, 2), tmp_path / "B.mtx")
    matrix = mmread(tmp_path / "B.mtx").toarray()
    for lost in itertools.combinations(range(6), 2):
        rows = np.delete(matrix, lost, axis=0)
        weights = np.linalg.lstsq(rows.T, np.ones(6), rcond=None)[0]
        assert np.allclose(rows.T @ weights, 1.0, atol=1e-12)


def test_several_segments_become_a_folder(tmp_path):
    code = GradientCode((Segment(np.eye(3), length=3.0), Segment(np.ones((3, 6)), blocks=2, stragglers=1)))
    folder = gcopt.export(code, tmp_path / "out", format="mtx")
    back = load(folder)
    assert [s.length for s in back.segments] == [3.0, 1.0]
    assert [s.blocks for s in back.segments] == [1, 2]
    assert np.array_equal(back.segments[1].encoding.toarray(), np.ones((3, 6)))
    assert load(save(code, tmp_path / "c.npz")).shares.tolist() == [0.75, 0.25]


def test_placement_lists_the_rows_of_every_worker(tmp_path):
    import json

    path = export_placement(gcopt.families.fractional_repetition(4, 1), tmp_path / "p.json", samples=10)
    document = json.loads(path.read_text())
    assert document["workers"][1] == {"worker": 1, "partitions": [2, 3], "rows": [[5, 7], [7, 10]]}


def bad_files(folder):
    (folder / "junk.npz").write_bytes(b"PK\x03\x04" + bytes(99))
    whole = save(gcopt.families.fractional_repetition(4, 1), folder / "whole.npz").read_bytes()
    (folder / "half.npz").write_bytes(whole[: len(whole) // 2])
    np.savez(folder / "pickle.npz", B=np.array([{"a": 1}, None], dtype=object))
    np.savez(folder / "two.npz", a=np.eye(2), b=np.eye(2))
    np.savez(folder / "nan.npz", B=np.array([[1.0, np.nan]]))
    np.savez(folder / "vector.npz", B=np.ones(3))
    np.savez(folder / "text.npz", B=np.array([["a", "b"]]))
    (folder / "ragged.csv").write_text("1,2\n3\n")
    (folder / "word.csv").write_text("1,2\n3,four\n")
    (folder / "empty.csv").write_text("")
    (folder / "x.mtx").write_text("%%MatrixMarket matrix nonsense\n")
    (folder / "x.mat").write_bytes(b"MATLAB 5.0 nothing")
    (folder / "x.json").write_text('{"shape": [1, 2]}')
    (folder / "cut.json").write_text('{"shape": [1, 2')
    (folder / "x.bin").write_bytes(b"")
    (folder / "folder").mkdir()
    return sorted(p.name for p in folder.iterdir() if p.name != "whole.npz")


def test_bad_files_are_answered_in_one_line_that_names_them(tmp_path):
    for name in [*bad_files(tmp_path), "nosuch.npz"]:
        with pytest.raises(InputError) as caught:
            load(tmp_path / name)
        text = str(caught.value)
        assert name in text, name
        assert "\n" not in text, name


def test_a_pickle_is_never_executed(tmp_path):
    script = (
        "import numpy as np, os, sys\n"
        "class Evil:\n"
        "    def __reduce__(self): return (os.mkdir, (sys.argv[1] + '/owned',))\n"
        "np.savez(sys.argv[1] + '/evil.npz', B=np.array([Evil()], dtype=object))\n"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path], check=True)
    with pytest.raises(InputError):
        load(tmp_path / "evil.npz")
    assert not (tmp_path / "owned").exists()


def test_nothing_half_written(tmp_path):
    code = gcopt.families.fractional_repetition(4, 1)
    with pytest.raises(InputError, match="cannot be written"):
        save(code, tmp_path / "missing" / "c.npz")
    with pytest.raises(InputError, match="format"):
        gcopt.export(code, tmp_path / "B.xyz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc as a folder nobody can write to")
def test_read_only_folder():
    with pytest.raises(InputError, match="cannot be written"):
        save(gcopt.families.fractional_repetition(4, 1), "/proc/self/c.npz")


def test_same_code_same_bytes(tmp_path):
    code = gcopt.families.fractional_repetition(4, 1)
    assert save(code, tmp_path / "a.npz").read_bytes() == save(code, tmp_path / "b.npz").read_bytes()


def test_a_code_is_not_written_under_the_ending_of_another_format(tmp_path):
    with pytest.raises(InputError, match=r"written as \.npz"):
        save(gcopt.families.fractional_repetition(4, 1), tmp_path / "code.mtx")
    assert not list(tmp_path.iterdir())
