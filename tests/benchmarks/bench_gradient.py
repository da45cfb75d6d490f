"""How fast gradients are, as ratios to something measured in the same run.

    OPENBLAS_NUM_THREADS=1 pytest tests/benchmarks/bench_gradient.py -s

Everything runs on one thread, numpy included (its two passes would otherwise use every core). Rounds of the
contenders alternate, and the best of each counts, so that a noisy neighbour hits all of them. The rate of reading is a
sum over the same memory, compiled with the same flags.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
    if "numpy" in sys.modules:
        raise RuntimeError("set OPENBLAS_NUM_THREADS=1: numpy is already imported and would use several threads")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import pytest
from scipy import sparse

from gcopt.solvers.jit import fast_kernel
from gcopt.training.data import load_flights
from gcopt.training.problems import LeastSquares, Logistic, Multilayer, Softmax, make_problem

ROUNDS = 40


@fast_kernel
def read(x: Any) -> float:
    """Sum of all entries, float64: what one pass over that many bytes costs."""
    total = 0.0
    for row in range(x.shape[0]):
        for f in range(x.shape[1]):
            total += x[row, f]
    return total


def race(contenders: dict[str, Callable[[], Any]], rounds: int = ROUNDS) -> dict[str, float]:
    """Best seconds of each contender, rounds alternating."""
    best = dict.fromkeys(contenders, float("inf"))
    for function in contenders.values():
        function()
    for _ in range(rounds):
        for name, function in contenders.items():
            start = time.perf_counter()
            function()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def report(benchmark: Any, title: str, best: dict[str, float], ours: str, function: Callable[[], Any]) -> None:
    """Print the ratios and keep them with the benchmark."""
    ratios = {name: seconds / best[ours] for name, seconds in best.items() if name != ours}
    text = ", ".join(f"{ratio:.2f} x as fast as {name}" for name, ratio in ratios.items())
    print(f"\n{title}: {best[ours] * 1e3:.2f} ms, {text}")
    benchmark.extra_info.update(ratios)
    benchmark.pedantic(function, rounds=5)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", [Logistic, LeastSquares])
def test_dense_out_of_cache(benchmark, kind, dtype):
    """To be at least 0.8 x as fast as reading and 1.5 x as fast as numpy's two passes."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((24000, 1000)).astype(dtype)
    y = rng.integers(0, 2, 24000)
    problem = kind(X, y)
    memory = problem.arrays()["x"]
    x = memory[:, :1000]
    same_bytes = np.ones((24000, memory.nbytes // 24000 // 8))
    w = rng.standard_normal(1000) / 30.0
    rows, one = np.array([[0, 24000]]), np.ones(1)
    own = w.astype(dtype)

    def numpy() -> Any:
        scores = x @ own
        r = (1.0 / (1.0 + np.exp(-scores)) if kind is Logistic else scores) - y
        return x.T @ r.astype(dtype) / 24000

    def ours() -> Any:
        return problem.gradient(w, rows, one)

    np.testing.assert_allclose(ours(), numpy(), atol=1e-4 if dtype is np.float32 else 1e-12)
    best = race({"ours": ours, "reading": lambda: read(same_bytes), "numpy": numpy})
    report(benchmark, f"{kind.name} dense 24000 x 1000 {np.dtype(dtype).name}", best, "ours", ours)


def one_hot(dtype):
    """The shape of the Amazon employee data after one-hot encoding: 26215 x 241915, 9 to a row and an intercept."""
    rng = np.random.default_rng(1)
    columns = np.sort(rng.integers(0, 26000, (26215, 9)) + 26000 * np.arange(9), axis=1)
    columns = np.c_[columns, np.full(26215, 241914)]
    data = np.ones(columns.size, dtype=dtype)
    X = sparse.csr_array((data, columns.ravel(), np.arange(0, columns.size + 1, 10)), shape=(26215, 241915))
    return X, rng.integers(0, 2, 26215)


def flights(dtype):
    """The shipped flights, 327346 x 4975, 10 to a row."""
    data = load_flights()
    return data.X.astype(dtype), data.y


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [one_hot, flights])
def test_csr(benchmark, shape, dtype):
    """To be at least as fast as scipy with 32-bit indices, forward by rows and backward by rows or by columns."""
    X, y = shape(dtype)
    problem = make_problem("logistic", X, y, rng=0)
    X = sparse.csr_array(X[np.random.default_rng(0).permutation(X.shape[0])])
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    Y = problem.y
    parts = problem.arrays()
    X.data, X.indices, X.indptr = parts["data"], parts["indices"].astype(np.int32), parts["indptr"].astype(np.int32)
    T = X.T.tocsr()  # what scipy needs to go through columns; made once, not timed
    N, d = X.shape
    w = np.random.default_rng(2).standard_normal(d) / 10.0
    rows, one = np.array([[0, N]]), np.ones(1)

    def slopes() -> Any:
        return 1.0 / (1.0 + np.exp(-(X @ w))) - Y

    def ours() -> Any:
        return problem.gradient(w, rows, one)

    contenders = {
        "ours": ours,
        "scipy, X.T @ r": lambda: X.T @ slopes() / N,
        "scipy, transposed CSR": lambda: T @ slopes() / N,
    }
    np.testing.assert_allclose(ours(), contenders["scipy, transposed CSR"](), atol=1e-6)
    report(benchmark, f"logistic {shape.__name__} {np.dtype(dtype).name}", race(contenders), "ours", ours)


@pytest.mark.parametrize("storage", ["dense", "csr"])
def test_two_steps(benchmark, storage):
    """What a forward pass alone costs: the 0.7 fused gradients of `Problem.cost`."""
    if storage == "dense":
        rng = np.random.default_rng(0)
        problem: Any = Logistic(rng.standard_normal((24000, 1000)), rng.integers(0, 2, 24000))
    else:
        problem = make_problem("logistic", *flights(np.float32), rng=0)
    w = np.random.default_rng(2).standard_normal(problem.parameters) / 10.0
    rows, one = np.array([[0, problem.samples]]), np.ones(1)
    residual = problem.residual(w, rows)

    def fused() -> Any:
        return problem.gradient(w, rows, one)

    contenders = {
        "fused": fused,
        "forward": lambda: problem.residual(w, rows),
        "backward": lambda: problem.backward(residual, rows, one, 0, problem.parameters),
        "a quarter backward": lambda: problem.backward(residual, rows, one, 0, problem.parameters // 4),
    }
    report(benchmark, f"two steps {storage}", race(contenders), "fused", fused)


def test_softmax_digits(benchmark):
    """Ten classes on 8 x 8 pixels, against numpy's two products."""
    rng = np.random.default_rng(0)
    X, y = rng.random((20000, 64)), rng.integers(0, 10, 20000)
    problem = Softmax(X, y)
    w = rng.standard_normal(640) / 10.0
    rows, one = np.array([[0, 20000]]), np.ones(1)

    def numpy() -> Any:
        e = X @ w.reshape(64, 10)
        e = np.exp(e - e.max(axis=1, keepdims=True))
        e /= e.sum(axis=1, keepdims=True)
        e[np.arange(20000), y] -= 1.0
        return (X.T @ e).ravel() / 20000

    def ours() -> Any:
        return problem.gradient(w, rows, one)

    np.testing.assert_allclose(ours(), numpy(), atol=1e-12)
    report(benchmark, "softmax 20000 x 64, 10 classes", race({"ours": ours, "numpy": numpy}), "ours", ours)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(1797, 64), (6000, 784)], ids=["digits", "mnist"])
def test_multilayer(benchmark, shape, dtype):
    """128 hidden units, ten classes: to be at least as fast as numpy, whose matrices of all rows leave the cache.

    numpy has everything in the type of the rows, so that for float32 it also sums in float32; ours never does.
    """
    rng = np.random.default_rng(0)
    N, features = shape
    X, y = rng.random(shape).astype(dtype), rng.integers(0, 10, N)
    problem = Multilayer(X, y, rng=0)
    start = problem.initial()
    cuts = np.cumsum([features * 128, 128, 1280])
    W1, b1, W2, b2 = (part.astype(dtype) for part in np.split(start, cuts))
    W1, W2 = W1.reshape(features, 128), W2.reshape(128, 10)
    rows, one = np.array([[0, N]]), np.ones(1)

    def numpy() -> Any:
        h = np.maximum(X @ W1 + b1, 0)
        e = h @ W2 + b2
        e = np.exp(e - e.max(axis=1, keepdims=True))
        e /= e.sum(axis=1, keepdims=True)
        e[np.arange(N), y] -= 1
        e /= dtype(N)
        delta = (e @ W2.T) * (h > 0)
        return np.concatenate([(X.T @ delta).ravel(), delta.sum(axis=0), (h.T @ e).ravel(), e.sum(axis=0)])

    def ours() -> Any:
        return problem.gradient(start, rows, one)

    np.testing.assert_allclose(ours(), numpy(), atol=1e-6 if dtype is np.float32 else 1e-12)
    contenders = {
        "ours": ours,
        "numpy": numpy,
        "a forward pass": lambda: problem.residual(start, rows),
    }
    title = f"multilayer {N} x {features}, 128 hidden, {np.dtype(dtype).name}"
    report(benchmark, title, race(contenders), "ours", ours)
