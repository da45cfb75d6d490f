"""Whether a gradient suits a code: what usually breaks it is found, what does not is let through."""

from __future__ import annotations

import numpy as np
import pytest

from gcopt.errors import GcoptWarning, InputError
from gcopt.training.problems import (
    FunctionProblem,
    LeastSquares,
    Logistic,
    Softmax,
    check_additive,
    check_breaks,
)

X = np.random.default_rng(0).standard_normal((120, 6)) + 0.5
Y = X @ np.arange(6.0) + np.random.default_rng(1).standard_normal(120)
DRAW = np.random.default_rng(2)
ROWS = np.array([[0, 120]])
ONE = np.ones(1)


def gradient(w, rows):
    return X[rows].T @ (X[rows] @ w - Y[rows])


def loss(w, rows):
    return 0.5 * np.sum((X[rows] @ w - Y[rows]) ** 2)


def dropout(w, rows):
    mask = DRAW.random(6) < 0.8
    return (X[rows] * mask).T @ ((X[rows] * mask) @ w - Y[rows])


def batch_norm(w, rows):
    x = X[rows] - X[rows].mean(axis=0)
    return x.T @ (x @ w - Y[rows])


def clipped(w, rows):
    g = gradient(w, rows)
    return g / max(1.0, np.linalg.norm(g) / 10.0)


def clipped_by_row(w, rows):
    g = X[rows] * (X[rows] @ w - Y[rows])[:, None]
    return (g / np.maximum(1.0, np.linalg.norm(g, axis=1, keepdims=True))).sum(axis=0)


def mean(w, rows):
    return gradient(w, rows) / (rows.stop - rows.start)


def single(w, rows):
    return gradient(w, rows).astype(np.float32)


def problem(function, **options):
    return FunctionProblem(function, loss, 120, 6, **options)


@pytest.mark.parametrize("function", [gradient, clipped_by_row])
@pytest.mark.parametrize("seed", range(5))
def test_sums_over_rows_pass(function, seed):
    check_additive(problem(function), rng=seed)


@pytest.mark.parametrize("function", [batch_norm, clipped, mean])
@pytest.mark.parametrize("seed", range(5))
def test_what_is_no_sum_is_found(function, seed):
    with pytest.raises(InputError, match=r"not a sum over rows.*batch statistics, clipping.*mean"):
        check_additive(problem(function), rng=seed)


def test_random_draws_are_found():
    with pytest.raises(InputError, match="changed when it was computed again: dropout"):
        check_additive(problem(dropout), rng=0)


def test_single_precision_warns_and_passes():
    with pytest.warns(GcoptWarning, match="float32"):
        check_additive(problem(single), rng=0)


@pytest.mark.parametrize("kind", [LeastSquares, Logistic, Softmax])
def test_our_own_problems_pass(kind):
    check_additive(kind(X, (Y > 0).astype(int)), rng=0)


def test_one_row_is_enough():
    check_additive(FunctionProblem(gradient, loss, 1, 6))


def test_declared_breaks_are_refused():
    check_breaks(problem(gradient))
    with pytest.raises(InputError, match=r"uses dropout, clipping before coding.*no code can decode"):
        check_breaks(problem(gradient, breaks=("dropout", "clipping before coding")))


def test_function_problem_is_least_squares():
    own, ours = problem(gradient, regularization=0.1), LeastSquares(X, Y, regularization=0.1)
    w, windows, c = np.linspace(-1, 1, 6), np.array([[0, 9], [40, 120]]), np.array([1.0, -0.5])
    np.testing.assert_allclose(own.gradient(w, windows, c), ours.gradient(w, windows, c), rtol=1e-12)
    assert own.loss(w) == pytest.approx(ours.loss(w))
    # half of the curvature lies in one direction, so the power iteration on differences finds it
    assert own.smoothness() == pytest.approx(ours.smoothness(), rel=0.1)
    own.compile()
    assert own.cost(5) == 0.0
    assert own.metrics(w) == {}


def test_function_problem_is_rebuilt():
    own = problem(gradient, initial=np.ones(6), regularization=0.3)
    again = FunctionProblem.from_arrays(own.arrays(), **own.meta())
    assert (again.initial() == 1.0).all()
    assert again.regularization == 0.3
    assert (again.gradient(np.ones(6), ROWS, ONE) == own.gradient(np.ones(6), ROWS, ONE)).all()


def test_workers_must_be_able_to_import_the_functions():
    with pytest.raises(InputError, match=r"gradient is .*lambda.*top level of a module"):
        problem(lambda w, rows: w).meta()

    def inner(w, rows):
        return 0.0

    with pytest.raises(InputError, match=r"loss is .*inner.*top level"):
        FunctionProblem(gradient, inner, 120, 6).meta()


def test_stretches_of_a_function_are_refused():
    with pytest.raises(InputError, match="one segment and blocks = 1"):
        problem(gradient).residual(np.zeros(6), ROWS)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda w, rows: np.zeros(5), r"gradient of rows 0 to 120 has shape \(5,\)"),
        (lambda w, rows: np.full(6, np.nan), "gradient of rows 0 to 120 holds NaN"),
        (lambda w, rows: np.zeros(6, dtype=complex), "complex128"),
    ],
)
def test_bad_gradients(function, message):
    with pytest.raises(InputError, match=message):
        problem(function).gradient(np.zeros(6), ROWS, ONE)


def test_bad_sizes_and_losses():
    with pytest.raises(InputError, match="samples, parameters are 0, 6"):
        FunctionProblem(gradient, loss, 0, 6)
    with pytest.raises(InputError, match="initial has shape"):
        problem(gradient, initial=np.ones(3))
    with pytest.raises(InputError, match="loss of rows 0 to 120 is nan"):
        FunctionProblem(gradient, lambda w, rows: np.nan, 120, 6).loss(np.zeros(6))
