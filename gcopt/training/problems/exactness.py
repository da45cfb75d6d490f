"""Whether a problem's gradient is what codes need: a sum over rows that comes out the same wherever it is computed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gcopt.errors import InputError
from gcopt.solvers.seeding import RngLike, generator, seed_of
from gcopt.training.problems._problem import Problem, Vector

_ROWS = 4096


def check_breaks(problem: Problem) -> None:
    """Refuse a problem that declares something which breaks exact decoding.

    Raises
    ------
    InputError
        If `Problem.breaks` is not empty.
    """
    if problem.breaks:
        raise InputError(
            f"the problem {problem.name!r} uses {', '.join(problem.breaks)}: workers that hold the same rows would not "
            "compute the same gradient, and no code can decode that; turn it off, or clip after decoding"
        )


def check_additive(problem: Problem, rng: RngLike = 0) -> None:
    """Test that a gradient is a sum over rows and repeats to the same bits.

    At three points (the start and two random ones), up to 4096 rows are differentiated together, cut in two at two
    random places, with coefficients 2 and -1, and once more.

    Parameters
    ----------
    problem : Problem
        Usually a `FunctionProblem` or one of the user's own.
    rng : None, int, Generator or SeedSequence
        Of the points and cuts.

    Raises
    ------
    InputError
        If it is not; the message names what usually does this.

    Examples
    --------
    >>> import numpy as np
    >>> from gcopt.training.problems import FunctionProblem, LeastSquares
    >>> X = np.eye(4)
    >>> check_additive(LeastSquares(X, X[0]))
    >>> mean = FunctionProblem(lambda w, rows: (X[rows] + 1).mean(axis=0), lambda w, rows: 0.0, 4, 4)
    >>> check_additive(mean)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    gcopt.solvers.errors.InputError: the gradient is not a sum over rows: ...
    """
    draw = generator(seed_of(rng))
    rows = min(problem.samples, _ROWS)
    for w in _points(problem, draw):
        whole = problem.gradient(w, np.array([[0, rows]]), np.ones(1))
        if not np.array_equal(whole, problem.gradient(w, np.array([[0, rows]]), np.ones(1))):
            raise InputError(
                f"the gradient of rows 0 to {rows} changed when it was computed again: dropout or another random draw "
                "does this; turn it off or draw it from a seed that depends on the row alone"
            )
        for cut in draw.integers(1, rows, size=2).tolist() if rows > 1 else []:
            windows = np.array([[0, cut], [cut, rows]])
            left = problem.gradient(w, windows[:1], np.ones(1))
            right = problem.gradient(w, windows[1:], np.ones(1))
            _compare(
                whole, left + right, problem.precision, f"rows 0 to {cut} and {cut} to {rows} apart, then together"
            )
            weighted = problem.gradient(w, windows, np.array([2.0, -1.0]))
            _compare(
                weighted, 2.0 * left - right, problem.precision, f"rows 0 to {cut} twice less rows {cut} to {rows}"
            )


def _points(problem: Problem, draw: np.random.Generator) -> Iterator[Vector]:
    start = problem.initial()
    yield start
    for scale in (1.0, 10.0):
        yield start + scale * draw.standard_normal(problem.parameters) / np.sqrt(problem.parameters)


def _compare(found: Vector, expected: Vector, precision: float, what: str) -> None:
    size = max(float(np.abs(found).max()), float(np.abs(expected).max()))
    difference = float(np.abs(found - expected).max())
    # a sum of thousands of rows may lose some digits; the mistakes looked for are of the order of the gradient
    if difference > min(0.1, max(1e-8, 1e4 * precision)) * size:
        raise InputError(
            f"the gradient is not a sum over rows: {what} differ by {difference / size:.2g} of it; dropout, batch "
            "statistics, clipping inside the gradient or a mean in place of a sum do this"
        )
