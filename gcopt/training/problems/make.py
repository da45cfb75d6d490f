"""From rows and labels to a problem: the labels say which, a seed shuffles the rows once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from gcopt.errors import InputError
from gcopt.registry import Registry
from gcopt.solvers.seeding import RngLike, generator, seed_of
from gcopt.training.problems._classes import ClassProblem
from gcopt.training.problems._linear import LinearProblem
from gcopt.training.problems.least_squares import LeastSquares
from gcopt.training.problems.logistic import Logistic
from gcopt.training.problems.multilayer import Multilayer
from gcopt.training.problems.softmax import Softmax

PROBLEMS: Registry[type[LinearProblem]] = Registry(
    "problem",
    "gcopt.problems",
    {"least-squares": LeastSquares, "logistic": Logistic, "multilayer": Multilayer, "softmax": Softmax},
)

_MANY_CLASSES = 100


def make_problem(
    name: str,
    X: Any,
    y: ArrayLike,
    *,
    regularization: float = 0.0,
    hidden: int | None = None,
    rng: RngLike = None,
) -> LinearProblem:
    """Return the problem of some rows and labels.

    Parameters
    ----------
    name : str
        ``logistic`` (two different labels: the larger is 1), ``softmax`` (integer labels, renumbered in their order),
        ``multilayer`` (a perceptron with one hidden layer, labels as for softmax), ``least-squares``, or ``auto``:
        logistic where there are two different labels, softmax where there are up to 100 different integers and ten
        rows for each on average, least squares otherwise.
    X : array or scipy sparse array, shape (N, features)
    y : array, shape (N,)
    regularization : float
        l2 penalty.
    hidden : int, optional
        Hidden units of ``multilayer``; 128 by default.
    rng : None, int, Generator or SeedSequence
        Of the shuffle: partitions are stretches of rows, and files are often sorted. The seed is kept in the problem;
        where the start is random, it is drawn from the same seed.

    Raises
    ------
    InputError
        If the name does not exist, the labels or ``hidden`` do not suit it, or X or y is not finite or of the wrong
        shape.

    Examples
    --------
    >>> import numpy as np
    >>> problem = make_problem("auto", np.eye(4), [-1, 1, 1, -1], rng=0)
    >>> problem.name, problem.samples, problem.seed
    ('logistic', 4, 0)
    """
    is_sparse = sparse.issparse(X)
    array: Any = sparse.csr_array(X) if is_sparse else np.asarray(X)
    labels = np.asarray(y)
    if array.ndim != 2 or labels.shape != array.shape[:1]:
        raise InputError(f"X has shape {array.shape} and y {labels.shape}; (N, features) and (N,) are expected")
    if labels.dtype.kind not in "biuf" or not np.isfinite(labels).all():
        raise InputError("y holds something other than finite numbers; encode the labels first")
    values = np.unique(labels)
    chosen = _choose(values, len(labels)) if name == "auto" else name
    kind = PROBLEMS[chosen]
    if issubclass(kind, (Logistic, ClassProblem)):
        labels = _number(chosen, labels, values)
    options: dict[str, Any] = {} if hidden is None else {"hidden": hidden}
    if options and not issubclass(kind, Multilayer):
        raise InputError(f"hidden is {hidden} and the problem {chosen}; only multilayer has hidden units")
    seed = seed_of(rng)
    order = generator(seed).permutation(len(labels))
    return kind(array[order], labels[order], regularization=regularization, seed=seed, **options)


def _choose(values: NDArray[Any], samples: int) -> str:
    if len(values) == 2:
        return "logistic"
    whole = bool((values == np.floor(values)).all())
    return "softmax" if whole and 2 < len(values) <= min(_MANY_CLASSES, samples // 10) else "least-squares"


def _number(name: str, labels: NDArray[Any], values: NDArray[Any]) -> NDArray[np.int64]:
    if len(values) < 2 or (name == "logistic" and len(values) > 2):
        wanted = "exactly 2" if name == "logistic" else "at least 2"
        raise InputError(f"y holds {len(values)} different labels; {name} needs {wanted}")
    if name != "logistic" and not (values == np.floor(values)).all():
        raise InputError(f"y holds {values[values != np.floor(values)][0]}; {name} needs integer labels")
    return np.searchsorted(values, labels).astype(np.int64)
