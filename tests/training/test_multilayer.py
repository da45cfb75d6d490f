"""The perceptron against plain numpy, finite differences and itself: dense, CSR, float32, float64, both outputs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

import gcopt
from gcopt.cluster import Cluster
from gcopt.code import GradientCode, Segment
from gcopt.delays import Delay
from gcopt.errors import InputError
from gcopt.training import _class_kernels, _layer_kernels, train
from gcopt.training.batches import Batches, partition_windows
from gcopt.training.problems import Multilayer, Softmax, check_additive, make_problem
from gcopt.training.problems._problem import frozen
from gcopt.training.problems.multilayer import OUTPUTS
from gcopt.training.work import Pass, Stretch, Term
from tests.training.cases import blocks

N, FEATURES, HIDDEN, CLASSES = 301, 7, 5, 4
SIZES = (FEATURES, HIDDEN, CLASSES)
EVERYTHING = np.array([[0, N]])
ONE = np.ones(1)
WINDOWS, COEFFICIENTS = np.array([[0, 20], [90, N], [33, 34], [7, 7]]), np.array([1.0, -2.5, 0.5, 9.0])
CASES = [
    ("dense", np.float64, "softmax"),
    ("dense", np.float32, "sigmoid"),
    ("csr", np.float64, "sigmoid"),
    ("csr", np.float32, "softmax"),
]

_draw = np.random.default_rng(0)
X = _draw.standard_normal((N, FEATURES)) * (_draw.random((N, FEATURES)) < 0.7)
Y = _draw.integers(0, CLASSES, N)
W = _draw.standard_normal(FEATURES * HIDDEN + HIDDEN + HIDDEN * CLASSES + CLASSES)


def build(storage="dense", dtype=np.float64, output="softmax", **options):
    rows = X.astype(dtype)
    rows = rows if storage == "dense" else sparse.csr_array(rows)
    return Multilayer(rows, Y, **{"hidden": HIDDEN, "output": output, **options})


def textbook(output, w, windows, coefficients):
    """Backpropagation, one row at a time."""
    cuts = np.cumsum([FEATURES * HIDDEN, HIDDEN, HIDDEN * CLASSES])
    W1, b1, W2, b2 = np.split(w, cuts)
    W1, W2 = W1.reshape(FEATURES, HIDDEN), W2.reshape(HIDDEN, CLASSES)
    total = np.zeros_like(w)
    for (start, stop), c in zip(windows, coefficients, strict=True):
        for x, y in zip(X[start:stop], Y[start:stop], strict=True):
            a = W1.T @ x + b1
            s = W2.T @ np.maximum(a, 0) + b2
            p = np.exp(s) / np.exp(s).sum() if output == "softmax" else 1 / (1 + np.exp(-s))
            error = p - np.eye(CLASSES)[y]
            back = (W2 @ error) * (a > 0)
            parts = np.outer(x, back), back, np.outer(np.maximum(a, 0), error), error
            total += c * np.concatenate([part.ravel() for part in parts])
    return total / N


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{np.dtype(case[1]).name}-{case[2]}")
def case(request):
    return build(*request.param), request.param


def test_gradient_is_the_textbook_sum(case):
    problem, (_, dtype, output) = case
    found = problem.gradient(W, WINDOWS, COEFFICIENTS)
    assert (found.dtype, found.shape) == (np.float64, (problem.parameters,))
    expected = textbook(output, W, WINDOWS, COEFFICIENTS)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 if dtype == np.float32 else 1e-12)


def test_gradient_is_the_derivative_of_the_loss(case):
    problem, _ = case
    found = problem.gradient(W, EVERYTHING, ONE)
    h = 1e-6
    for i, direction in enumerate(np.eye(problem.parameters)):
        difference = (problem.loss(W + h * direction) - problem.loss(W - h * direction)) / (2 * h)
        assert found[i] == pytest.approx(difference, abs=1e-7)


def test_every_stretch_is_that_of_the_gradient(case):
    problem, _ = case
    whole = problem.gradient(W, WINDOWS, COEFFICIENTS)
    residual = problem.residual(W, WINDOWS)
    for start in range(0, problem.parameters + 1, 3):
        for stop in range(start, problem.parameters + 1):
            found = problem.backward(residual, WINDOWS, COEFFICIENTS, start, stop)
            assert found.shape == (stop - start,)
            np.testing.assert_allclose(found, whole[start:stop], rtol=0, atol=1e-12)


def test_residuals_are_one_per_row_in_the_order_of_the_windows(case):
    problem, _ = case
    both = problem.residual(W, np.array([[60, 64], [2, 9]]))
    apart = [problem.residual(W, np.array([window])) for window in ([60, 64], [2, 9])]
    np.testing.assert_array_equal(both, np.concatenate(apart))


def test_a_gradient_is_a_sum_over_rows_and_repeats_to_the_same_bits(case):
    problem, _ = case
    check_additive(problem)
    parts = [problem.gradient(W, window[None], ONE) for window in partition_windows(N, 7)]
    np.testing.assert_allclose(sum(parts), problem.gradient(W, EVERYTHING, ONE), rtol=0, atol=1e-12)


def test_rebuilt_from_arrays_to_the_same_bits(case):
    problem, _ = case
    again = Multilayer.from_arrays(problem.arrays(), **problem.meta())
    assert (again.gradient(W, EVERYTHING, ONE) == problem.gradient(W, EVERYTHING, ONE)).all()
    assert (again.initial() == problem.initial()).all()
    assert again.loss(W) == problem.loss(W)
    assert all(np.shares_memory(a, b) for a, b in zip(again.arrays().values(), problem.arrays().values(), strict=True))


def test_not_a_number_stays_not_a_number(case):
    problem, _ = case
    for i in range(0, problem.parameters, 4):
        w = W.copy()
        w[i] = np.nan
        assert np.isnan(problem.gradient(w, EVERYTHING, ONE)).any()
        assert np.isnan(problem.loss(w))


def test_compiles_for_one_kind_of_array_only(case):
    problem, _ = case
    problem.compile()
    modules = (_class_kernels, _layer_kernels)
    kernels = [f for module in modules for name, f in vars(module).items() if name.startswith(("dense_", "csr_"))]
    kernels += [_layer_kernels.forward, _layer_kernels.activate]
    before = [len(kernel.signatures) for kernel in kernels]
    problem.gradient(W[::-1], EVERYTHING.astype(np.int32), [1.0])
    problem.backward(problem.residual(W[::-1], EVERYTHING), np.asfortranarray(EVERYTHING), ONE, 1, 50)
    problem.metrics(W[::-1])
    assert [len(kernel.signatures) for kernel in kernels] == before


def test_compiled_kernels_are_their_python_source(case):
    problem, (storage, _, output) = case
    kernel = getattr(_layer_kernels, f"{storage}_gradient")
    parts = [frozen(part, part.dtype) for part in problem.rows.arrays().values()]
    w, windows, c = frozen(W, np.float64), frozen(WINDOWS, np.int64), frozen(COEFFICIENTS, np.float64)
    link = OUTPUTS.index(output)
    arguments = (*parts, problem.y, w, SIZES, windows, c, link)
    np.testing.assert_allclose(kernel(*arguments), kernel.py_func(*arguments), rtol=1e-12, atol=1e-12)
    w1, *rest = _layer_kernels.layers(w, SIZES)
    both = [
        forward(X @ w1, problem.y, frozen([[0, N]], np.int64), *rest, link)
        for forward in (_layer_kernels.forward, _layer_kernels.forward.py_func)
    ]
    np.testing.assert_allclose(*both, rtol=1e-12, atol=1e-12)


def test_the_start_is_random_scaled_and_that_of_the_seed():
    one, again, other = (build(hidden=2000, rng=seed).initial() for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()
    w1, b1, w2, b2 = _layer_kernels.layers.py_func(one, (FEATURES, 2000, CLASSES))
    assert w1.var() == pytest.approx(2 / FEATURES, rel=0.05)
    assert w2.var() == pytest.approx(2 / 2000, rel=0.05)
    assert not b1.any()
    assert not b2.any()
    assert (build(seed=3).initial() == build(rng=3).initial()).all()


def test_a_loss_of_each_kind_by_hand():
    # x = 1: h = max(0, (2 + 1, -1 - 5)) = (3, 0)
    w = np.array([2.0, -1.0, 1.0, -5.0, -2.0, 1.0, 7.0, 7.0, 0.1, 0.3])
    scores = np.array([3.0 * -2.0 + 0.1, 3.0 * 1.0 + 0.3])
    rows = {"hidden": 2, "classes": 2}
    soft = Multilayer([[1.0]], [1], **rows)
    np.testing.assert_allclose(soft.scores(w), [scores])
    assert soft.loss(w) == pytest.approx(np.log(np.exp(scores).sum()) - scores[1])
    sigmoid = Multilayer([[1.0]], [1], output="sigmoid", **rows)
    assert sigmoid.loss(w) == pytest.approx(-np.log(1 / (1 + np.exp(-scores[1]))) - np.log(1 / (1 + np.exp(scores[0]))))
    assert soft.metrics(w) == {"accuracy": 1.0}


@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_losses_do_not_overflow(output):
    problem = build(output=output)
    assert np.isfinite(problem.loss(1e3 * W))
    assert np.isfinite(problem.gradient(1e3 * W, EVERYTHING, ONE)).all()


@pytest.mark.parametrize("code", [blocks(), gcopt.families.cyclic_repetition(6, 2, rng=0)], ids=["blocks", "cyclic"])
def test_both_engines_take_the_same_way(code):
    options = {"iterations": 8, "step": 0.3, "rng": 2}
    problem = build(rng=1)
    virtual = train(code, problem, engine="virtual", cluster=Cluster(6, Delay("exponential", {"rate": 1.0})), **options)
    local = train(code, problem, engine="local", replay=virtual.responders, **options)
    np.testing.assert_allclose(local.loss, virtual.loss, rtol=1e-11)
    w = problem.initial()
    for _ in range(8):
        w = w - 0.3 * textbook("softmax", w, EVERYTHING, ONE)
    np.testing.assert_allclose(virtual.parameters, w, rtol=0, atol=1e-10)


def test_a_forward_pass_is_made_once_per_partition(monkeypatch):
    """Four segments of two blocks ask for many stretches of each partition."""
    problem, rows = build(), []
    forward = Multilayer.residual

    def counted(self, w, windows):
        rows.append(int((windows[:, 1] - windows[:, 0]).sum()))
        return forward(self, w, windows)

    monkeypatch.setattr(Multilayer, "residual", counted)
    draw = np.random.default_rng(1)
    code = GradientCode(tuple(Segment(draw.standard_normal((6, 6)), blocks=2, length=0.25) for _ in range(4)))
    train(code, problem, engine="virtual", iterations=3, step=0.1, rng=0)
    # one more, of one row, asks whether the problem can do it at all, and one compiles
    assert sum(rows) == 3 * N + 2


def test_terms_of_other_partitions_have_their_own_residuals():
    problem, d = build(), W.size
    view = Pass(problem, Batches(N, 4, 1.0, 0), 0, W)
    for partitions in ([0, 1], [1, 2], [1, 2], [3], [0, 3]):
        term = Term(0, 2, d - 3, np.array(partitions), np.arange(1.0, 1.0 + len(partitions)), 1)
        found = view.compute(Stretch(d - 5, np.dtype(float), (term,)))
        whole = problem.gradient(W, partition_windows(N, 4)[partitions], term.coefficients)
        np.testing.assert_allclose(found, whole[2 : d - 3], rtol=0, atol=1e-12)


def test_no_step_can_be_taken_from_the_curvature():
    code = gcopt.families.uncoded(3)
    with pytest.raises(InputError, match="no step is given, and the curvature of multilayer has no bound"):
        train(code, build(), engine="virtual", iterations=1)
    result = train(code, build(), engine="virtual", iterations=30, optimizer="adam")
    assert result.loss[-1] < result.loss[0]


def test_it_learns_what_no_linear_model_can():
    draw = np.random.default_rng(5)
    points = draw.uniform(-1, 1, (400, 2))
    labels = (points.prod(axis=1) > 0).astype(int)
    problem = make_problem("multilayer", points, labels, hidden=32, rng=0)
    result = train(gcopt.families.uncoded(4), problem, engine="virtual", optimizer="adam", step=0.03, iterations=200)
    assert result.final["accuracy"] > 0.95
    linear = Softmax(np.c_[points, np.ones(400)], labels)
    result = train(gcopt.families.uncoded(4), linear, engine="virtual", iterations=200)
    assert result.final["accuracy"] < 0.7


BAD = [
    (lambda: build(hidden=0), "hidden is 0"),
    (lambda: build(hidden=2.5), "hidden is 2.5"),
    (lambda: build(output="relu"), "output is 'relu'; softmax or sigmoid would work"),
    (lambda: build(classes=2), "y holds 3; with 2 classes 0 to 1 would work"),
    (lambda: Multilayer([[1.0]], [0.5]), "y holds 0.5"),
    (lambda: Multilayer([[np.nan]], [0]), "X holds NaN"),
    (lambda: make_problem("multilayer", np.ones((3, 1)), [0.5, 1, 2]), "y holds 0.5; multilayer needs integer labels"),
    (lambda: make_problem("softmax", np.ones((2, 1)), [0, 1], hidden=3), "only multilayer has hidden units"),
    (lambda: build().gradient(W[1:], EVERYTHING, ONE), "w has shape"),
    (lambda: build().gradient(W, EVERYTHING + 1, ONE), "windows leave"),
    (lambda: build().backward(np.zeros((N, 14)), EVERYTHING, ONE, 3, 2), "start, stop are"),
    (lambda: build().backward(np.zeros((2, 14)), EVERYTHING, ONE, 0, 2), "residual has 2 rows"),
]


@pytest.mark.parametrize(("action", "message"), BAD)
def test_what_cannot_be_is_refused(action, message):
    with pytest.raises(InputError, match=message) as caught:
        action()
    assert "\n" not in str(caught.value)
