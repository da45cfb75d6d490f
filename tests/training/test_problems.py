"""Problems against plain numpy, finite differences and themselves: every loss x {dense, CSR} x {float32, float64}."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gcopt.errors import GcoptWarning, InputError
from gcopt.training import _class_kernels, _kernels
from gcopt.training.batches import partition_windows
from gcopt.training.problems import PROBLEMS, LeastSquares, Logistic, Softmax, make_problem
from gcopt.training.problems._metrics import auc

N, FEATURES, CLASSES = 83, 11, 4
EVERYTHING = np.array([[0, N]])
ONE = np.ones(1)
CASES = list(itertools.product((LeastSquares, Logistic, Softmax), ("dense", "csr"), (np.float32, np.float64)))


def rows(dtype, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((N, FEATURES)) * (rng.random((N, FEATURES)) < 0.6)).astype(dtype)


def labels(kind, seed=1):
    rng = np.random.default_rng(seed)
    if kind is LeastSquares:
        return rng.standard_normal(N)
    return rng.integers(0, 2 if kind is Logistic else CLASSES, N)


def build(kind, storage, dtype, **options):
    X = rows(dtype)
    return kind(X if storage == "dense" else sparse.csr_array(X), labels(kind), **options)


def slopes(kind, X, y, w):
    """Derivative of each row's loss by its scores, by the textbook."""
    if kind is LeastSquares:
        return X @ w - y
    if kind is Logistic:
        return 1.0 / (1.0 + np.exp(-(X @ w))) - y
    e = np.exp(X @ w.reshape(X.shape[1], -1))
    return e / e.sum(axis=1, keepdims=True) - np.eye(e.shape[1])[y]


def expected_gradient(kind, w, windows, coefficients):
    X, y = rows(np.float64), labels(kind)
    if kind is not LeastSquares:
        y = y.astype(int)
    r = slopes(kind, X, y, w)
    parts = [c * X[a:b].T @ r[a:b] for (a, b), c in zip(windows, coefficients, strict=True)]
    return sum(parts).ravel() / N


@pytest.fixture(params=CASES, ids=lambda c: f"{c[0].name}-{c[1]}-{np.dtype(c[2]).name}")
def case(request):
    kind, storage, dtype = request.param
    problem = build(kind, storage, dtype)
    w = np.random.default_rng(2).standard_normal(problem.parameters)
    return kind, problem, w


def tolerance(problem):
    """float32 rows are rounded before any sum; everything after is float64."""
    single = next(a.dtype for name, a in problem.arrays().items() if name in ("x", "data")) == np.float32
    return 1e-6 if single else 1e-13


def test_gradient_is_the_textbook_sum(case):
    kind, problem, w = case
    windows = np.array([[0, 20], [40, N], [33, 34], [7, 7]])
    coefficients = np.array([1.0, -2.5, 0.5, 9.0])
    found = problem.gradient(w, windows, coefficients)
    assert found.dtype == np.float64
    np.testing.assert_allclose(
        found, expected_gradient(kind, w, windows, coefficients), rtol=0, atol=tolerance(problem)
    )


def test_gradient_is_the_derivative_of_the_loss(case):
    _, problem, w = case
    found = problem.gradient(w, EVERYTHING, ONE)
    h = 1e-6
    for i, direction in enumerate(np.eye(problem.parameters)):
        difference = (problem.loss(w + h * direction) - problem.loss(w - h * direction)) / (2 * h)
        assert found[i] == pytest.approx(difference, abs=1e-8)


def test_two_steps_give_the_gradient_on_every_stretch(case):
    _, problem, w = case
    windows, coefficients = np.array([[3, 21], [50, 71]]), np.array([2.0, -1.0])
    whole = problem.gradient(w, windows, coefficients)
    residual = problem.residual(w, windows)
    for start in range(problem.parameters + 1):
        for stop in range(start, problem.parameters + 1, 3):
            found = problem.backward(residual, windows, coefficients, start, stop)
            assert found.shape == (stop - start,)
            np.testing.assert_allclose(found, whole[start:stop], rtol=0, atol=1e-13)


def test_residuals_are_one_per_row_in_the_order_of_the_windows(case):
    _, problem, w = case
    both = problem.residual(w, np.array([[60, 64], [2, 9]]))
    apart = [problem.residual(w, np.array([window])) for window in ([60, 64], [2, 9])]
    assert len(both) == 11
    np.testing.assert_array_equal(both, np.concatenate(apart))


@pytest.mark.parametrize("k", [1, 2, 7, 83])
def test_partitions_add_up(case, k):
    _, problem, w = case
    parts = [problem.gradient(w, window[None], ONE) for window in partition_windows(N, k)]
    np.testing.assert_allclose(sum(parts), problem.gradient(w, EVERYTHING, ONE), rtol=0, atol=1e-13)


def test_repeats_to_the_same_bits(case):
    _, problem, w = case
    windows, c = np.array([[0, 50], [55, 83]]), np.array([1.0, 0.3])
    assert (problem.gradient(w, windows, c) == problem.gradient(w, windows, c)).all()


def test_rebuilt_from_arrays_to_the_same_bits(case):
    kind, problem, w = case
    again = kind.from_arrays(problem.arrays(), **problem.meta())
    assert again.parameters == problem.parameters
    assert (again.gradient(w, EVERYTHING, ONE) == problem.gradient(w, EVERYTHING, ONE)).all()
    assert again.loss(w) == problem.loss(w)
    assert all(np.shares_memory(a, b) for a, b in zip(again.arrays().values(), problem.arrays().values(), strict=True))


def test_compiles_for_one_kind_of_array_only(case):
    _, problem, w = case
    problem.compile()
    module = _class_kernels if problem.name == "softmax" else _kernels
    kernels = [getattr(module, name) for name in dir(module) if name.startswith(("dense_", "csr_"))]
    before = [len(kernel.signatures) for kernel in kernels]
    frozen = w.copy()
    frozen.flags.writeable = False
    problem.gradient(frozen, EVERYTHING.astype(np.int32), [1.0])
    problem.gradient(w[::-1], np.asfortranarray(np.array([[0, 4], [5, 9]])), np.ones(2))
    assert [len(kernel.signatures) for kernel in kernels] == before


def test_smoothness_bounds_the_curvature(case):
    kind, problem, _ = case
    X = rows(np.float64)
    share = {LeastSquares: 1.0, Logistic: 0.25, Softmax: 0.5}[kind]
    exact = share * np.linalg.eigvalsh(X.T @ X)[-1] / N
    assert exact <= problem.smoothness() <= 1.03 * exact
    assert problem.smoothness(rng=5) == problem.smoothness(rng=5)


def test_gradient_descent_with_the_default_step_decreases_the_loss(case):
    _, problem, w = case
    step, losses = 1.0 / problem.smoothness(), []
    for _ in range(20):
        losses.append(problem.loss(w))
        w = w - step * problem.gradient(w, EVERYTHING, ONE)
    assert (np.diff(losses) < 0).all()


def test_penalty_is_in_the_loss_and_the_curvature_and_left_to_the_master_in_the_gradient():
    w = np.arange(FEATURES) / 10.0
    plain, ridge = (build(Logistic, "dense", np.float64, regularization=r) for r in (0.0, 0.5))
    assert ridge.loss(w) == pytest.approx(plain.loss(w) + 0.25 * w @ w, rel=1e-14)
    assert ridge.smoothness() == pytest.approx(plain.smoothness() + 0.5)
    assert (ridge.gradient(w, EVERYTHING, ONE) == plain.gradient(w, EVERYTHING, ONE)).all()


@pytest.mark.parametrize("features", [1, 127, 128, 129, 257, 300])
def test_padded_rows_count_for_nothing(features):
    rng = np.random.default_rng(features)
    for dtype in (np.float32, np.float64):
        X, y, w = (
            rng.standard_normal((9, features)).astype(dtype),
            rng.standard_normal(9),
            rng.standard_normal(features),
        )
        problem = LeastSquares(X, y)
        x = problem.arrays()["x"]
        assert x.ctypes.data % 64 == 0
        assert features * x.itemsize < 1024 or x.strides[0] % 64 == 0
        X = X.astype(np.float64)
        np.testing.assert_allclose(
            problem.gradient(w, np.array([[0, 9]]), ONE), X.T @ (X @ w - y) / 9, rtol=0, atol=1e-12
        )


@pytest.mark.parametrize("score", [-1e4, -40.0, 0.0, 40.0, 1e4])
def test_losses_do_not_overflow(score):
    binary = Logistic([[1.0], [1.0]], [0, 1])
    w = np.array([score])
    assert binary.loss(w) == pytest.approx(np.mean(np.logaddexp(0.0, [score, -score])), rel=1e-14)
    many = Softmax([[1.0], [1.0]], [0, 1])
    assert many.loss(np.array([0.0, score])) == pytest.approx(binary.loss(w), rel=1e-12)
    np.testing.assert_allclose(
        many.gradient(np.array([0.0, score]), np.array([[0, 2]]), ONE)[1],
        binary.gradient(w, np.array([[0, 2]]), ONE)[0],
        atol=1e-15,
    )


def test_float32_rows_are_summed_in_float64():
    X = np.full((4096, 3), 0.1, dtype=np.float32)
    found = LeastSquares(X, np.zeros(4096)).gradient(np.ones(3), np.array([[0, 4096]]), ONE)
    tenth = float(np.float32(0.1))
    np.testing.assert_allclose(found, 3 * tenth * tenth, rtol=1e-12)


def kernel_arguments(storage, dtype, classes):
    X = rows(dtype)
    csr = sparse.csr_array(X)
    parts = (X,) if storage == "dense" else (csr.data, csr.indices.astype(np.uint32), csr.indptr.astype(np.uint64))
    w = np.random.default_rng(3).standard_normal((FEATURES, CLASSES) if classes else FEATURES)
    return parts, w, np.array([[0, 10], [15, 38]]), np.array([1.0, -2.0])


@pytest.mark.parametrize("storage", ["dense", "csr"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("module", [_kernels, _class_kernels])
def test_compiled_kernels_are_their_python_source(storage, dtype, module):
    classes = module is _class_kernels
    parts, w, windows, c = kernel_arguments(storage, dtype, classes)
    y = labels(Softmax) if classes else labels(Logistic).astype(float)
    link = () if classes else (1,)
    gradient, scores, backward = (getattr(module, f"{storage}_{name}") for name in ("gradient", "scores", "backward"))
    s = scores(*parts, w, windows)
    r = module.slopes(s, y, windows, *link)
    pairs = [
        (gradient, (*parts, y, w, windows, c, *link)),
        (scores, (*parts, w, windows)),
        (backward, (*parts, r, windows, c, 2, 9)),
        (module.slopes, (s, y, windows, *link)),
    ]
    for kernel, arguments in pairs:
        np.testing.assert_allclose(kernel(*arguments), kernel.py_func(*arguments), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("form", ["compiled", "python"])
def test_exponentials_to_the_last_place(form):
    x = -np.concatenate(
        [[0.0, 5e-324, 1e-20, 0.34657, 0.34658], np.linspace(0, 700, 5001), np.geomspace(1e-9, 700, 999)]
    )
    found, scratch = x.copy(), np.empty(len(x), dtype=np.int64)
    function = _kernels.exponentials if form == "compiled" else _kernels.exponentials.py_func
    function(found, scratch)
    np.testing.assert_allclose(found, np.exp(x), rtol=4.5e-16)
    extreme = np.array([-701.0, -1e300, -np.inf])
    function(extreme, scratch[:3])
    assert (extreme <= np.exp(-700.0)).all()


def test_not_a_number_stays_not_a_number(case):
    _, problem, w = case
    w[3] = np.nan
    assert np.isnan(problem.gradient(w, EVERYTHING, ONE)).any()
    assert np.isnan(problem.loss(w))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_windows_and_coefficients(data):
    kind = data.draw(st.sampled_from([LeastSquares, Logistic, Softmax]))
    problem = build(kind, data.draw(st.sampled_from(["dense", "csr"])), np.float64)
    bounds = st.tuples(st.integers(0, N), st.integers(0, N)).map(sorted)
    windows = data.draw(st.lists(bounds, min_size=1, max_size=5))
    coefficients = data.draw(st.lists(st.floats(-5, 5), min_size=len(windows), max_size=len(windows)).map(np.array))
    w = np.random.default_rng(data.draw(st.integers(0, 9))).standard_normal(problem.parameters)
    found = problem.gradient(w, np.array(windows), coefficients)
    np.testing.assert_allclose(found, expected_gradient(kind, w, windows, coefficients), rtol=0, atol=1e-12)


def test_metrics():
    X, y = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([0, 1, 0, 1])
    assert Logistic(X, y).metrics(np.array([1.0])) == {"accuracy": 0.5, "auc": 0.75}
    assert Softmax(X, y).metrics(np.array([0.0, 1.0])) == {"accuracy": 0.5}
    exact = LeastSquares(X, 2 * X[:, 0]).metrics(np.array([2.0]))
    assert exact == {"rmse": 0.0, "r2": 1.0}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=40))
def test_auc_counts_pairs(rows_of_scores):
    scores = np.array([s for s, _ in rows_of_scores], dtype=float)
    truth = np.array([t for _, t in rows_of_scores])
    high, low = scores[truth], scores[~truth]
    won = [0.5 if a == b else float(a > b) for a in high for b in low]
    assert auc(scores, truth) == pytest.approx(np.mean(won) if won else 0.5, abs=1e-12)


def test_agrees_with_scikit_learn_on_digits():
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    digits = load_digits()
    X, y = digits.data / 16.0, digits.target
    problem = make_problem("auto", X, y, regularization=0.1, rng=0)
    assert (problem.name, problem.parameters) == ("softmax", 640)
    model = LogisticRegression(C=1.0 / (0.1 * len(y)), fit_intercept=False, tol=1e-7).fit(X, y)
    best = model.coef_.T.ravel()
    gradient = problem.gradient(best, np.array([[0, len(y)]]), ONE) + 0.1 * best
    assert np.abs(gradient).max() < 1e-5
    assert problem.metrics(best)["accuracy"] == pytest.approx(model.score(X, y))
    binary = make_problem("auto", X, y > 4, rng=0)
    scores = binary.scores(np.linspace(-1, 1, 64))
    assert binary.metrics(np.linspace(-1, 1, 64))["auc"] == pytest.approx(roc_auc_score(binary.y, scores))


def test_make_problem_chooses_by_the_labels():
    X = rows(np.float64)
    assert make_problem("auto", X, np.where(labels(Logistic) == 1, 5, -5), rng=0).name == "logistic"
    assert make_problem("auto", X, labels(Softmax) * 10, rng=0).name == "softmax"
    assert make_problem("auto", X, labels(LeastSquares), rng=0).name == "least-squares"
    assert make_problem("auto", X, np.arange(N), rng=0).name == "least-squares"
    assert make_problem("least-squares", X, labels(Logistic), rng=0).name == "least-squares"


@pytest.mark.parametrize("storage", [np.asarray, sparse.csr_array])
def test_make_problem_shuffles_rows_with_their_labels(storage):
    X = np.arange(1.0, 51.0)[:, None]
    one, again, other = (make_problem("least-squares", storage(X), X[:, 0], rng=seed) for seed in (1, 1, 2))
    assert one.loss(np.ones(1)) == 0.0
    assert (one.y == again.y).all()
    assert one.seed == again.seed == 1
    assert sorted(one.y) == sorted(X[:, 0])
    assert (one.y != X[:, 0]).any()
    assert (one.y != other.y).any()


def test_costs_of_a_forward_pass():
    problem = build(Logistic, "dense", np.float64)
    assert problem.cost(0) == 0.0
    assert problem.cost(6) == 6 * problem.cost(1) > 0.0


BAD = [
    (lambda: LeastSquares(np.ones(3), np.ones(3)), "X has shape"),
    (lambda: LeastSquares(np.ones((0, 3)), np.ones(0)), "X has shape"),
    (lambda: LeastSquares([["a"]], [1]), "X has entries of type"),
    (lambda: LeastSquares([[1j]], [1]), "X has entries of type"),
    (lambda: LeastSquares([[np.nan]], [1]), "X holds NaN"),
    (lambda: LeastSquares(sparse.csr_array([[np.inf]]), [1]), "X holds NaN"),
    (lambda: LeastSquares([[1.0]], [1, 2]), "y has shape"),
    (lambda: LeastSquares([[1.0]], [np.nan]), "y holds something"),
    (lambda: LeastSquares([[1.0]], ["late"]), "y holds something"),
    (lambda: LeastSquares([[1.0]], [1.0], regularization=-1.0), "regularization is -1"),
    (lambda: LeastSquares([[1.0]], [1.0], regularization=np.nan), "regularization is nan"),
    (lambda: Logistic([[1.0]], [2]), "y holds 2"),
    (lambda: Softmax([[1.0]], [0.5]), "y holds 0.5"),
    (lambda: Softmax([[1.0]], [-1]), "y holds -1"),
    (lambda: Softmax([[1.0]], [3], classes=3), "y holds 3"),
    (lambda: make_problem("ridge", [[1.0]], [1.0]), "no problem is called 'ridge'"),
    (lambda: make_problem("logistic", np.ones((3, 1)), [0, 1, 2]), "y holds 3 different labels"),
    (lambda: make_problem("softmax", np.ones((3, 1)), [1, 1, 1]), "y holds 1 different labels"),
    (lambda: make_problem("softmax", np.ones((3, 1)), [0.5, 1, 2]), "y holds 0.5"),
    (lambda: make_problem("auto", np.ones((3, 1)), ["a", "b", "c"]), "y holds something"),
    (lambda: make_problem("auto", np.ones((3, 1)), [1, 2]), "X has shape"),
]


@pytest.mark.parametrize(("action", "message"), BAD)
def test_bad_problems_are_refused(action, message):
    with pytest.raises(InputError, match=message) as caught:
        action()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("windows", "coefficients", "message"),
    [
        ([[0, N + 1]], [1.0], "windows leave the 83 rows"),
        ([[-1, 2]], [1.0], "windows leave the 83 rows"),
        ([[5, 2]], [1.0], "windows leave the 83 rows"),
        ([0, 2], [1.0], "windows has shape"),
        ([[0, 2]], [1.0, 2.0], "coefficients has shape"),
    ],
)
def test_kernels_are_never_given_rows_that_do_not_exist(case, windows, coefficients, message):
    _, problem, w = case
    with pytest.raises(InputError, match=message):
        problem.gradient(w, np.array(windows), np.array(coefficients))


def test_kernels_are_never_given_parameters_or_stretches_that_do_not_exist(case):
    _, problem, w = case
    with pytest.raises(InputError, match="w has shape"):
        problem.gradient(w[1:], EVERYTHING, ONE)
    residual = problem.residual(w, EVERYTHING)
    for start, stop in ((-1, 2), (3, 2), (0, problem.parameters + 1)):
        with pytest.raises(InputError, match="start, stop are"):
            problem.backward(residual, EVERYTHING, ONE, start, stop)
    with pytest.raises(InputError, match="residual has 82 rows"):
        problem.backward(residual[1:], EVERYTHING, ONE, 0, 2)


def test_half_precision_rows_are_kept_as_float32_with_a_warning():
    with pytest.warns(GcoptWarning, match="X is float16"):
        problem = LeastSquares(np.ones((2, 2), dtype=np.float16), [1, 2])
    assert problem.arrays()["x"].dtype == np.float32


def test_integer_rows_become_float64():
    assert LeastSquares(np.eye(2, dtype=np.int8), [1, 2]).arrays()["x"].dtype == np.float64


def test_duplicates_and_disorder_in_csr_are_summed_and_sorted_without_touching_the_given_matrix():
    X = sparse.csr_array((np.array([1.0, 2.0, 4.0]), np.array([2, 0, 2]), np.array([0, 3])), shape=(1, 3))
    problem = LeastSquares(X, [0.0])
    assert problem.gradient(np.ones(3), np.array([[0, 1]]), ONE).tolist() == [14.0, 0.0, 35.0]
    assert X.data.tolist() == [1.0, 2.0, 4.0]


def test_names_are_those_of_the_registry():
    assert all(kind.name == name for name, kind in PROBLEMS.items())
