"""Guarantees hold, with exact left-hand sides where losses are quadratic, and name the hypotheses that fail."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt import families
from gcopt.compression import parse
from gcopt.convergence import (
    Noise,
    convex,
    dominated,
    feedback_nonconvex,
    memory_bound,
    nonconvex,
    second_moment,
    strongly_convex,
    virtual_residual,
)
from gcopt.errors import InputError
from tests.convergence.cases import cyclic, random_quadratic, with_feedback

P, D, W = 0.3, 4, {"none": 0.0, "dither1:norm": 3.0, "dither1:norm,subtractive": 4 / 3}


class Quadratic:
    """A random quadratic on the Hadamard design of eight workers, and exact moments of its runs."""

    def __init__(self, seed, word, relative_step, iterations):
        rng = np.random.default_rng(seed)
        self.hessians, self.linear = random_quadratic(rng, 7, D)
        self.code = families.one_bit(8, P, allocation="hadamard", compressor=word)
        self.noise = Noise.of(self.code, P, W[word])
        self.whole = self.hessians.sum(axis=0)
        values = np.linalg.eigvalsh(self.whole)
        self.about = {"smoothness": float(values[-1])}
        self.mu, self.iterations = float(values[0]), iterations
        self.step = relative_step / (self.about["smoothness"] * self.noise.relative)
        # second moments around the minimum before every step, and the means
        self.seconds, self.means = [], []
        for t in range(iterations + 1):
            moment = self.after(t)
            self.minimum = moment.minimum
            self.seconds.append(moment.second)
            self.means.append(moment.mean - moment.minimum)
        self.gap = self.loss(self.seconds[0])

    def after(self, steps):
        options = {"probability": P, "step": self.step, "iterations": max(steps, 1)}
        found = second_moment(self.code, self.hessians, self.linear, **options)
        if steps:
            return found
        start = -found.minimum
        return type(found)(found.distance[:1], found.minimum, np.zeros(D), np.outer(start, start))

    def loss(self, second):
        """E F - F*."""
        return 0.5 * float(np.sum(self.whole * second))

    def squares(self, t):
        """sum_i E |grad f_i(theta_t)|^2."""
        off = self.hessians @ self.minimum - self.linear
        total = np.einsum("kij,kil,jl->", self.hessians, self.hessians, self.seconds[t])
        cross = 2.0 * np.einsum("ki,kij,j->", off, self.hessians, self.means[t])
        return float(total + cross + np.sum(off**2))

    @property
    def largest(self):
        return max(self.squares(t) for t in range(self.iterations))


@pytest.fixture(
    scope="module", params=[(0, "none", 0.9), (1, "dither1:norm", 0.45), (2, "dither1:norm,subtractive", 0.2)]
)
def case(request):
    return Quadratic(*request.param, iterations=25)


def test_nonconvex(case):
    about = {**case.about, "step": case.step, "iterations": 25, "gap": case.gap}
    gradient = [float(np.sum((case.whole @ case.whole) * second)) for second in case.seconds[:25]]
    mean = np.mean([case.squares(t) for t in range(25)])
    bound = nonconvex(case.noise, gradients=mean, **about)
    assert bound.unmet == []
    assert np.mean(gradient) <= bound.value <= nonconvex(case.noise, gradients=case.largest, **about).value
    assert np.mean(gradient) > 0.2 * bound.value


def test_convex(case):
    distance = float(np.trace(case.seconds[0]))
    options = {**case.about, "step": case.step, "iterations": 25, "distance": distance, "gradients": case.largest}
    bound = convex(case.noise, **options)
    # F of the mean is at most the mean of F
    assert np.mean([case.loss(second) for second in case.seconds[:25]]) <= bound.value
    assert bool(bound.unmet) == (case.step > 0.5 / (case.about["smoothness"] * case.noise.relative))


def test_dominated_and_strongly_convex(case):
    common = {**case.about, "strong_convexity": case.mu, "step": case.step}
    off = case.hessians @ case.minimum - case.linear
    parts = [float(np.linalg.eigvalsh(one)[-1]) for one in case.hessians]
    for t in (1, 5, 25):
        bound = dominated(case.noise, **common, iterations=t, gap=case.gap, gradients=case.largest)
        assert case.loss(case.seconds[t]) <= bound.value
        bound = strongly_convex(
            case.noise,
            **common,
            parts=parts,
            iterations=t,
            distance=float(np.trace(case.seconds[0])),
            gradients=float(np.sum(off**2)),
        )
        assert float(np.trace(case.seconds[t])) <= bound.value


def test_what_everybody_has_is_found_exactly():
    noise = Noise.of(families.one_bit(4, 0.5, 4, allocation="cyclic"), 0.5, 10.0)
    about = {"smoothness": 1.0, "strong_convexity": 0.5, "step": 1 / noise.relative, "gap": 1.0, "gradients": 1e9}
    assert noise.spread == 0.0
    assert dominated(noise, iterations=2000, **about).value < 1e-20


def test_hypotheses_that_fail_are_named():
    about = {"smoothness": 2.0, "strong_convexity": 3.0, "iterations": 5, "gap": 1.0, "gradients": 1.0}
    found = dominated(Noise(1.0, 4, 2), step=0.9, **about)
    assert found.value == np.inf
    assert found.unmet == ["step <= 1 / (L A) = 0.4", "strong_convexity <= smoothness"]
    with pytest.raises(InputError, match="share workers unevenly; a balanced allocation is needed"):
        Noise.of(cyclic(2), 0.25)
    with pytest.raises(InputError, match="other weights than"):
        Noise.of(families.one_bit(8, 0.3, allocation="hadamard"), 0.2)
    with pytest.raises(InputError, match="replication is 5"):
        Noise(1.0, 4, 5)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(["sign", "top:1", "top:2"]), st.sampled_from([0.0, 0.2, 0.6]), st.integers(0, 999))
def test_feedback_is_a_virtual_sequence_with_a_bounded_memory(word, p, seed):
    step, steps = 0.02, 300
    hessians, linear, theta, kept, sent, heard = with_feedback(word, p, step, steps, seed)
    assert virtual_residual(theta, kept, sent, heard, step) < 1e-12
    largest = np.linalg.norm(sent, axis=2).max(axis=0)
    delta = parse(word).contraction(6)
    for g, memory in zip(largest, kept.transpose(1, 0, 2), strict=True):
        assert np.sum(memory**2, axis=1).max() <= memory_bound(delta, step, float(g))
    whole, total = hessians.sum(axis=0), linear.sum(axis=0)
    gradients = theta[:-1] @ whole - total
    minimum = np.linalg.solve(whole, total)
    bound = feedback_nonconvex(
        smoothness=float(np.linalg.eigvalsh(whole)[-1]),
        step=step,
        iterations=steps,
        gap=0.5 * float(minimum @ whole @ minimum),
        straggling=float(p * (1 - p) * np.sum(sent**2) / steps),
        contraction=delta,
        messages=largest.tolist(),
    )
    assert bound.unmet == []
    assert np.mean(np.sum(gradients**2, axis=1)) <= bound.value


def test_the_identity_notices_what_breaks_it():
    _, _, theta, kept, sent, heard = with_feedback("sign", 0.3, 0.02, 20, 0)
    heard = heard.copy()
    heard[7, 2] = ~heard[7, 2]
    assert virtual_residual(theta, kept, sent, heard, 0.02) > 1e-4
    with pytest.raises(InputError, match="are expected"):
        virtual_residual(theta[1:], kept, sent, heard, 0.02)


NOISE, BASE = Noise(1.0, 4, 2), {"smoothness": 1.0, "step": 0.1, "iterations": 10}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
@pytest.mark.parametrize(
    ("guarantee", "constants"),
    [
        (nonconvex, {"gap": 1.0, "gradients": 1.0}),
        (convex, {"distance": 1.0, "gradients": 1.0}),
        (dominated, {"strong_convexity": 0.5, "gap": 1.0, "gradients": 1.0}),
        (strongly_convex, {"strong_convexity": 0.5, "distance": 1.0, "gradients": 1.0, "parts": [1.0]}),
    ],
)
def test_no_constant_is_nan_infinite_or_negative(guarantee, constants, bad):
    assert np.isfinite(guarantee(NOISE, **BASE, **constants).value)
    for name, good in {**BASE, **constants}.items():
        wrong = [bad] if isinstance(good, list) else bad
        with pytest.raises(InputError, match=f"^{name}"):
            guarantee(NOISE, **{**BASE, **constants, name: wrong})


def test_feedback_takes_no_nan():
    good = {**BASE, "gap": 1.0, "straggling": 1.0, "contraction": 0.5, "messages": [1.0]}
    assert np.isfinite(feedback_nonconvex(**good).value)
    for name in good:
        with pytest.raises(InputError, match=f"^{name}"):
            feedback_nonconvex(**{**good, name: [np.nan] if name == "messages" else np.nan})
    with pytest.raises(InputError, match=r"^step is nan"):
        memory_bound(0.5, np.nan, 1.0)
    with pytest.raises(InputError, match="NaN"):
        virtual_residual([[0.0], [np.nan]], [[[0.0]], [[0.5]]], [[[1.0]]], [[True]], 1.0)
