"""Data: the flights as described, round trips of every format, and the place of every fault."""

from __future__ import annotations

import io
import pickle
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gcopt.errors import InputError
from gcopt.training.data import load_data, load_digits, load_flights, load_problem
from gcopt.training.optimizers import Nesterov
from gcopt.training.problems import make_problem

X = np.array([[1.5, 0.0, -2.0], [0.0, 1e-300, 3.0], [7.0, 0.0, 0.1]])
Y = np.array([1.0, 0.0, 1.0])


@pytest.fixture(scope="module")
def flights():
    return load_flights()


def test_flights(flights):
    assert flights.X.shape == (327_346, 4_975)
    assert len(flights.features) == len(set(flights.features)) == 4_975
    assert (np.diff(flights.X.indptr) == 10).all()
    assert (np.diff(flights.X.indices.reshape(-1, 10), axis=1) > 0).all()
    assert (flights.X.data.reshape(-1, 10)[:, [0, 1, 2, 3, 4, 5, 6, 7, 9]] == 1.0).all()
    distance = flights.X.data.reshape(-1, 10)[:, 8].astype(float)
    assert distance.mean() == pytest.approx(0.0, abs=1e-6)
    assert distance.std() == pytest.approx(1.0, abs=1e-6)
    first = {flights.features[i] for i in flights.X.indices[:10]}
    # the first flight of the year: United 1545, 5:15, Newark to Houston
    assert {"hour=5", "carrier=UA", "origin=EWR", "dest=IAH", "date=1-1", "carrier-hour=UA-5", "route=EWR-IAH"} <= first


def test_flights_can_be_learned(flights):
    """Full-batch accelerated gradient, 50 iterations: AUC .757 with a step of 1.5 / L, .744 with the safe 1 / L."""
    problem = make_problem("auto", flights.X, flights.y, rng=0)
    assert problem.name == "logistic"
    for factor, auc in ((1.5, 0.757), (1.0, 0.744)):
        w, rule = problem.initial(), Nesterov(factor / problem.smoothness())
        for _ in range(50):
            w = rule.step(w, problem.gradient(w, np.array([[0, problem.samples]]), np.ones(1)))
        assert problem.metrics(w)["auc"] == pytest.approx(auc, abs=2e-3)


def write_csv(path, header=None, table=None, delimiter=","):
    lines = [] if header is None else [delimiter.join(header)]
    lines += [delimiter.join(repr(float(v)) for v in row) for row in (np.c_[X, Y] if table is None else table)]
    path.write_text("\n".join(lines) + "\n")
    return path


def same(found, intercept=False):
    dense = found.X.toarray() if sparse.issparse(found.X) else found.X
    np.testing.assert_array_equal(dense, np.c_[X, np.ones(3)] if intercept else X)
    np.testing.assert_array_equal(found.y, Y)
    assert len(found.features) == dense.shape[1]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv(tmp_path, delimiter):
    same(load_data(write_csv(tmp_path / "a.csv", delimiter=delimiter), intercept=False))
    named = load_data(write_csv(tmp_path / "b.csv", ["a", "b", "c", "late"], delimiter=delimiter))
    same(named, intercept=True)
    assert named.features == ("a", "b", "c", "intercept")
    assert named.label == "late"


def test_csv_label_by_name_blank_lines_quotes_and_byte_order_mark(tmp_path):
    path = tmp_path / "a.csv"
    rows = "".join(f'"{y}",{a!r},{b!r},{c!r}\n\n' for y, (a, b, c) in zip(Y.tolist(), X.tolist(), strict=True))
    path.write_bytes(b"\xef\xbb\xbf\r\n" + ('"late",a,"b",c\n' + rows).encode())
    found = load_data(path, label="late", intercept=False)
    same(found)
    assert found.features == ("a", "b", "c")


def test_npz(tmp_path):
    np.savez(tmp_path / "a.npz", X=X.astype(np.float32), y=Y.astype(int))
    found = load_data(tmp_path / "a.npz")
    assert found.X.dtype == np.float32
    np.testing.assert_array_equal(found.X, np.c_[X.astype(np.float32), np.ones(3)])
    csr = sparse.csr_array(X)
    parts = {"data": csr.data, "indices": csr.indices, "indptr": csr.indptr, "shape": np.array(csr.shape)}
    np.savez_compressed(tmp_path / "b.npz", late=Y, **parts)
    same(load_data(tmp_path / "b.npz", label="late"), intercept=True)
    file = io.BytesIO()
    sparse.save_npz(file, csr)  # scipy's own file, with y added
    file.seek(0)
    with np.load(file) as stored:
        np.savez(tmp_path / "c.npz", y=Y, **stored)
    same(load_data(tmp_path / "c.npz", intercept=False))


def svmlight(X, y, base=1):
    def line(label, row):
        return " ".join([repr(float(label)), *(f"{i + base}:{float(row[i])!r}" for i in np.flatnonzero(row))])

    return "".join(line(label, row) + "\n" for label, row in zip(y, X, strict=True))


@pytest.mark.parametrize("base", [0, 1])
def test_svmlight(tmp_path, base):
    path = tmp_path / "data.txt"
    path.write_text("# made by hand\n" + svmlight(X, Y, base).replace("\n", "  # note: 1:2\r\n\n", 1))
    same(load_data(path, intercept=False))
    same(load_data(path), intercept=True)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_svmlight_agrees_with_scikit_learn(tmp_path_factory, data):
    from sklearn.datasets import dump_svmlight_file, load_svmlight_file

    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    table = rng.standard_normal(shape) * (rng.random(shape) < 0.5)
    table[0, 0] = 1.0
    labels = rng.integers(-1, 3, shape[0])
    path = tmp_path_factory.mktemp("svm") / "a.svm"
    dump_svmlight_file(table, labels, str(path), zero_based=data.draw(st.booleans()))
    theirs, y = load_svmlight_file(str(path), zero_based="auto")
    ours = load_data(path, intercept=False)
    np.testing.assert_array_equal(ours.X.toarray(), theirs.toarray())
    np.testing.assert_array_equal(ours.y, y)


def test_csv_gives_back_every_bit(tmp_path):
    table = np.random.default_rng(0).standard_normal((50, 4)) * 10.0 ** np.arange(-200, 200, 100)
    found = load_data(write_csv(tmp_path / "a.csv", table=table), intercept=False)
    np.testing.assert_array_equal(np.c_[found.X, found.y], table)


FAULTY_TEXT = [
    ("a.csv", "", "the file is empty"),
    ("a.csv", "\n\n", "the file is empty"),
    ("a.csv", "a,b\n", "line 1 is a header and no rows follow"),
    ("a.csv", "a,b\n1,2\n3\n", "line 3 has 1 columns; 2 are expected"),
    ("a.csv", "1,2\n3,4,5\n", "line 2 has 3 columns; 2 are expected"),
    ("a.csv", "a,b\n1,2,3\n4,5,6\n", "line 2 has 3 columns; 2 are expected"),
    ("a.csv", "a,b\n1,2\n\n3,nan\n", r"line 4, column 2 \(b\) is nan; a finite number is expected"),
    ("a.csv", "1,2\n3,-inf\n", "line 2, column 2 is -inf; a finite number is expected"),
    ("a.csv", "1,2\n3,\n", "line 2, column 2 is empty"),
    ("a.csv", "a,b\n1,2\nUA,3\n", r"line 3, column 1 \(a\) is 'UA'; .*one column of 0 and 1 for each"),
    ("a.csv", "1,2\n3,1_0\n", "line 2, column 2 is '1_0'"),
    ("a.csv", "1\n2\n", "X has shape"),
    ("a.svm", "", "the file is empty"),
    ("a.svm", "# nothing\n", "the file is empty"),
    ("a.svm", "1 1:2\n0 2:nan\n", "line 2, column 2 is '2:nan'"),
    ("a.svm", "1 1:2\nx 2:1\n", "line 2, column 1 is 'x'; a label"),
    ("a.svm", "1 1:2\n0 2:1 1:1\n", "line 2, column 3 is '1:1'; indices must increase"),
    ("a.svm", "1 1:2\n0 2:1 2:1\n", "line 2, column 3 is '2:1'; indices must increase"),
    ("a.svm", "1 1:2\n0 2\n", "line 2, column 2 is '2'; index:value"),
    ("a.svm", "1 1:2\n0 2: 3\n", "line 2, column 2 is '2:'; index:value"),
    ("a.svm", "1 1:2\n0 2 :3\n", "line 2, column 2 is '2'; index:value"),
    ("a.svm", "1 1:2\n3:4 1:2\n", "line 2, column 1 is '3:4'; a label"),
    ("a.svm", "1 1:2\n1 qid:3 1:2\n", "line 2, column 2 is 'qid:3'; index:value"),
    ("a.svm", "1 1:2:3\n", "line 1, column 2 is '1:2:3'; index:value"),
    ("a.svm", "1 -1:2\n", "line 1, column 2 is '-1:2'; index:value"),
    ("a.svm", "1 1.5:2\n", "line 1, column 2 is '1.5:2'; index:value"),
    ("a.svm", "1 4294967296:2\n", "line 1, column 2 is '4294967296:2'; an index below"),
    ("a.svm", "1 1:x\n", "line 1, column 2 is '1:x'; index:value"),
    ("a.svm", "1\n0\n", "X has shape"),
]


@pytest.mark.parametrize(("name", "text", "message"), FAULTY_TEXT)
def test_faulty_text_is_refused_with_its_place(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        load_data(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


PARTS = {"data": np.ones(2), "indices": np.array([0, 1]), "indptr": np.array([0, 1, 2]), "shape": np.array([2, 2])}

FAULTY_ARRAYS = [
    ({"X": X}, "there is no array 'y'; the file holds: X"),
    ({"y": Y}, "neither an array 'X'"),
    ({"X": X, "y": Y[:2]}, "y has 2 entries and X 3 rows"),
    ({"X": X[0], "y": Y}, "X has shape"),
    ({"X": np.where(X == 7.0, np.nan, X), "y": Y}, r"X\[2, 0\] is nan"),
    ({"X": X, "y": np.array([1.0, np.inf, 0.0])}, r"y\[1\] is inf"),
    ({"X": X.astype(str), "y": Y}, "X has entries of type <U"),
    ({"X": X.astype(complex), "y": Y}, "X has entries of type complex128"),
    ({"X": X.astype(object), "y": Y}, "holds pickled objects, which are never read"),
    ({"X": np.zeros((0, 3)), "y": np.zeros(0)}, "X has shape"),
    ({**PARTS, "y": Y[:2], "indices": np.array([0, 2])}, "indices reach 2"),
    ({**PARTS, "y": Y[:2], "indices": np.array([0, -1])}, "indices reach"),
    ({**PARTS, "y": Y[:2], "indptr": np.array([0, 2, 1])}, "do not fit together"),
    ({**PARTS, "y": Y[:2], "indptr": np.array([0, 2])}, "do not fit together"),
    ({**PARTS, "y": Y[:2], "indptr": np.array([0.0, 1.0, 2.0])}, "do not fit together"),
    ({**PARTS, "y": Y[:2], "data": np.array([1.0, np.nan])}, r"data\[1\] is nan"),
    ({**PARTS, "y": Y[:2], "format": np.array(b"csc")}, "format is b'csc'"),
]


@pytest.mark.parametrize(("arrays", "message"), FAULTY_ARRAYS)
def test_faulty_arrays_are_refused(tmp_path, arrays, message):
    path = tmp_path / "a.npz"
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=message) as caught:
        load_data(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("keep", [0, 10, 200, -30])
def test_truncated_npz(tmp_path, keep):
    path = tmp_path / "a.npz"
    np.savez(path, X=X, y=Y)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="not a readable npz"):
        load_data(path)


def test_files_that_are_something_else(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_data(tmp_path / "missing.csv")
    with pytest.raises(InputError, match="no such file"):
        load_data(tmp_path)
    pickled = tmp_path / "a.npz"
    pickled.write_bytes(pickle.dumps({"X": 1}))
    with pytest.raises(InputError, match="holds pickled objects"):
        load_data(pickled)
    single = tmp_path / "b.npz"
    with single.open("wb") as file:
        np.save(file, X)
    with pytest.raises(InputError, match="one array without a name"):
        load_data(single)
    binary = tmp_path / "c.csv"
    binary.write_bytes(b"1,2\n\xff\xfe\x00")
    with pytest.raises(InputError, match="byte 4 is not text"):
        load_data(binary)


def test_labels_that_do_not_exist(tmp_path):
    with pytest.raises(InputError, match="0 columns are called 'lat'; there are: a, b, c, late"):
        load_data(write_csv(tmp_path / "a.csv", ["a", "b", "c", "late"]), label="lat")
    with pytest.raises(InputError, match="2 columns are called 'b'"):
        load_data(write_csv(tmp_path / "b.csv", ["a", "b", "b", "late"]), label="b")
    with pytest.raises(InputError, match="the file has no header"):
        load_data(write_csv(tmp_path / "c.csv"), label="late")
    path = tmp_path / "d.svm"
    path.write_text("1 1:2\n")
    with pytest.raises(InputError, match="begins every line with the label"):
        load_data(path, label="late")


def test_digits_are_those_of_scikit_learn_between_0_and_1():
    digits = load_digits()
    assert (digits.X.shape, digits.y.shape, len(digits.features)) == ((1797, 64), (1797,), 64)
    assert (digits.X.min(), digits.X.max()) == (0.0, 1.0)
    assert np.unique(digits.y).tolist() == list(range(10))


@pytest.mark.parametrize(("name", "parameters"), [("auto", 650), ("multilayer", 64 * 128 + 128 + 128 * 10 + 10)])
def test_digits_are_data_by_name(name, parameters):
    """Only a perceptron has intercepts of its own."""
    assert load_problem("digits", name=name, rng=0).parameters == parameters


def test_a_file_called_digits_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").write_text("1,2,0\n3,4,1\n5,7,1\n")
    assert load_problem("digits", rng=0).samples == 3
    assert load_problem("digits", name="multilayer", hidden=3, rng=0).parameters == 2 * 3 + 3 + 3 * 2 + 2


def test_what_digits_cannot_be(monkeypatch):
    with pytest.raises(InputError, match="the digits have their own label"):
        load_problem("digits", label="x")
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(InputError, match=r"digits needs scikit-learn.*pip install 'gcopt\[digits\]'"):
        load_digits()
