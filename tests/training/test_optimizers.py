"""Optimisers: their formulas written out, and checkpoints to the same bits."""

from __future__ import annotations

import numpy as np
import pytest

from gcopt.errors import InputError
from gcopt.training.optimizers import OPTIMIZERS, SGD, Adam, Momentum, Nesterov, make_optimizer

GRADIENTS = np.random.default_rng(0).standard_normal((7, 5))
START = np.random.default_rng(1).standard_normal(5)


def run(rule, gradients=GRADIENTS, start=START):
    w = start.copy()
    for g in gradients:
        w = rule.step(w, g.copy())
    return w


def test_sgd():
    np.testing.assert_allclose(run(SGD(0.1)), START - 0.1 * GRADIENTS.sum(axis=0), rtol=1e-14)


def test_momentum():
    w, v = START, np.zeros(5)
    for g in GRADIENTS:
        v = 0.8 * v + g
        w = w - 0.1 * v
    np.testing.assert_allclose(run(Momentum(0.1, momentum=0.8)), w, rtol=1e-14)


@pytest.mark.parametrize("constant", [None, 0.7])
def test_nesterov(constant):
    x, w = START, START
    for t, g in enumerate(GRADIENTS):
        b = t / (t + 3) if constant is None else constant
        x, before = w - 0.1 * g, x
        w = x + b * (x - before)
    np.testing.assert_allclose(run(Nesterov(0.1, momentum=constant)), w, rtol=1e-14)


def test_adam():
    w, m, v = START, np.zeros(5), np.zeros(5)
    for t, g in enumerate(GRADIENTS, 1):
        m = 0.8 * m + 0.2 * g
        v = 0.9 * v + 0.1 * g**2
        w = w - 0.1 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.9**t)) + 1e-6)
    np.testing.assert_allclose(run(Adam(0.1, beta1=0.8, beta2=0.9, epsilon=1e-6)), w, rtol=1e-13)


def test_nesterov_reaches_its_guarantee_on_a_quadratic():
    """f(x_t) - f* <= 2 L |x_0 - x*|^2 / (t + 1)^2 (Su, Boyd, Candes 2016, Theorem 3, with their r = 3)."""
    curvature = np.geomspace(1e-4, 1.0, 30)
    rule, w, start = Nesterov(1.0), np.ones(30), np.ones(30)
    for t in range(1, 200):
        w = rule.step(w, curvature * w)
        plain = rule.state()["plain"]
        assert 0.5 * curvature @ plain**2 <= 2 * (start @ start) / (t + 1) ** 2


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_restored_in_the_middle_to_the_same_bits(name):
    whole = run(make_optimizer(name, 0.05))
    first = make_optimizer(name, 0.05)
    middle = run(first, GRADIENTS[:3])
    saved = first.state()
    run(first, GRADIENTS[3:])  # what was saved does not change with it
    second = make_optimizer(name, 0.05)
    second.restore(saved)
    assert (run(second, GRADIENTS[3:], middle) == whole).all()
    assert all(isinstance(value, np.ndarray) for value in saved.values())


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_the_gradient_is_not_touched_and_the_parameters_are(name):
    g, w = GRADIENTS[0].copy(), START.copy()
    assert make_optimizer(name, 0.1).step(w, g) is w
    assert (g == GRADIENTS[0]).all()
    assert (w != START).any()


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_settings_rebuild_it(name):
    rule = make_optimizer(name, 0.25)
    assert make_optimizer(name, **rule.settings()) == rule


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: make_optimizer("sdg", 0.1), "no optimizer is called 'sdg'"),
        (lambda: make_optimizer("sgd", 0.1, momentum=0.5), "sgd has no parameter 'momentum'; it takes: rate"),
        (lambda: make_optimizer("sgd", 0.0), "sgd rate is 0"),
        (lambda: make_optimizer("adam", float("nan")), "adam rate is nan"),
        (lambda: make_optimizer("adam", float("inf")), "adam rate is inf"),
        (lambda: make_optimizer("momentum", 0.1, momentum=1.0), "momentum is 1"),
        (lambda: make_optimizer("nesterov", 0.1, momentum=-0.1), "momentum is -0.1"),
        (lambda: make_optimizer("adam", 0.1, beta2=1.5), "beta2 is 1.5"),
        (lambda: make_optimizer("adam", 0.1, epsilon=0.0), "epsilon is 0"),
    ],
)
def test_impossible_settings(action, message):
    with pytest.raises(InputError, match=message):
        action()


@pytest.mark.parametrize("name", ["momentum", "nesterov", "adam"])
def test_memory_of_another_length(name):
    rule = make_optimizer(name, 0.1)
    run(rule)
    with pytest.raises(InputError, match="remembers 5 parameters; w has 4"):
        rule.step(np.zeros(4), np.zeros(4))
