"""No term of a guarantee can be left out: runs in which nothing else is left, and random ones."""

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
    nonconvex,
    second_moment,
    strongly_convex,
)
from tests.convergence.cases import cyclic, random_quadratic, with_feedback

T, P = 200, 0.3


def mean_square(loss):
    """Mean of E |grad F|^2 over t < T, where F is quadratic with L = 1."""
    return 2.0 * float(np.mean(loss[:T]))


def test_the_start_alone():
    """Nobody straggles: noise is none, and what is left is the start."""
    noise, step = Noise(0.0, 4, 4), 0.5
    about = {"probability": 0.0, "step": step, "iterations": T, "start": [1.0]}
    found = second_moment(cyclic(4, 0.0), np.full((4, 1, 1), 0.25), np.zeros((4, 1)), **about)
    loss = 0.5 * found.distance
    about = {"smoothness": 1.0, "step": step, "iterations": T, "gradients": 0.0}
    bound = convex(noise, distance=1.0, **about)
    assert bound.unmet == []
    assert bound.value / 3.1 < np.mean(loss[:T]) <= bound.value
    bound = nonconvex(noise, gap=loss[0], **about)
    assert bound.value / 2.0 < mean_square(loss) <= bound.value
    bound = feedback_nonconvex(
        smoothness=1.0, step=step, iterations=T, gap=loss[0], straggling=0.0, contraction=1.0, messages=[9.0]
    )
    assert bound.value / 3.1 < mean_square(loss) <= bound.value


def test_the_noise_alone():
    """The run starts at the minimum, where parts disagree on two workers each; all it has is noise."""
    code = families.one_bit(9, P, allocation="affine-plane", compressor="none")
    noise, k = Noise.of(code, P), code.partitions
    hessians = np.full((k, 1, 1), 1.0 / k)
    slopes = np.resize([1.0, -1.0], (k, 1))
    step = 0.1
    found = second_moment(code, hessians, slopes, probability=P, step=step, iterations=T)
    loss = 0.5 * found.distance
    assert loss[0] == 0.0
    # |grad f_i|^2 = (theta / k -+ 1)^2, of which the cross terms cancel in the sum
    squares = max(k + found.distance / k)
    about = {"smoothness": 1.0, "step": step, "iterations": T, "gradients": squares}
    bound = convex(noise, distance=0.0, **about)
    assert bound.unmet == []
    assert bound.value / 5.0 < np.mean(loss[:T]) <= bound.value
    bound = nonconvex(noise, gap=0.0, **about)
    assert bound.value / 2.5 < mean_square(loss) <= bound.value
    bound = dominated(noise, gap=0.0, strong_convexity=1.0, **about)
    assert bound.value / 2.5 < loss[T] <= bound.value
    straggling = P * (1 - P) * noise_of_messages(code, hessians, slopes, found.distance[:T])
    bound = feedback_nonconvex(
        smoothness=1.0, step=step, iterations=T, gap=0.0, straggling=straggling, contraction=1.0, messages=[9.0]
    )
    assert bound.value / 2.5 < mean_square(loss) <= bound.value


def noise_of_messages(code, hessians, slopes, distance):
    """Mean over t of sum_j E |y_j|^2 in one dimension; the mean of theta stays at the minimum, 0."""
    rows = code.segments[0].encoding.toarray()
    return float(np.sum((rows @ hessians[:, 0]) ** 2) * np.mean(distance) + np.sum((rows @ slopes) ** 2))


@pytest.mark.parametrize(("step", "word"), [(0.1, "none"), (0.02, "dither1:norm")])
def test_what_all_workers_hold_attains_strong_convexity(step, word):
    """For d = n and one curvature in all directions the guarantee is the exact recursion."""
    width = 3
    w = 0.0 if word == "none" else width - 1.0
    hessians = np.tile(np.eye(width), (4, 1, 1))
    code, about = cyclic(4, 0.4), {"probability": 0.4, "step": step, "iterations": 20, "compressor": word}
    found = second_moment(code, hessians, np.ones((4, width)), **about)
    for t in (1, 7, 20):
        bound = strongly_convex(
            Noise.of(code, 0.4, w),
            smoothness=4.0,
            strong_convexity=4.0,
            parts=[1.0] * 4,
            step=step,
            iterations=t,
            distance=float(found.distance[0]),
            gradients=0.0,
        )
        assert found.distance[t] == pytest.approx(bound.value, rel=1e-9)


def test_copies_that_differ_slow_down_strong_convexity():
    """All minima agree, so that no floor is left; without the L_i the rate would be too good."""
    code = families.one_bit(8, P, allocation="hadamard", compressor="none")
    found = second_moment(code, np.ones((7, 1, 1)), np.ones((7, 1)), probability=P, step=0.12, iterations=10)
    common = {"smoothness": 7.0, "strong_convexity": 7.0, "step": 0.12, "iterations": 10, "gradients": 0.0}
    distance = float(found.distance[0])
    bound = strongly_convex(Noise.of(code, P), parts=[1.0] * 7, distance=distance, **common)
    assert bound.unmet == []
    assert found.distance[10] <= bound.value
    assert found.distance[10] > strongly_convex(Noise.of(code, P), parts=[0.0] * 7, distance=distance, **common).value


@pytest.mark.parametrize("word", ["sign", "top:1"])
def test_the_memory_alone(word):
    """Nobody straggles and the run starts at the minimum; what moves it is that messages lose something."""
    step, steps = 0.02, 200
    # of four workers with two parts each, opposite ones send opposite messages at the minimum, and lose the same
    hessians, linear, theta, _, sent, _ = with_feedback(word, 0.0, step, steps, 3, n=5, at_minimum=True)
    whole = hessians.sum(axis=0)
    gradients = theta[:-1] @ whole - linear.sum(axis=0)
    about = {"smoothness": float(np.linalg.eigvalsh(whole)[-1]), "iterations": steps, "gap": 0.0, "straggling": 0.0}
    largest = np.linalg.norm(sent, axis=2).max(axis=0).tolist()
    bound = feedback_nonconvex(step=step, contraction=parse(word).contraction(6), messages=largest, **about)
    assert bound.unmet == []
    assert 1e-6 < np.mean(np.sum(gradients**2, axis=1)) <= bound.value
    late = feedback_nonconvex(step=1.0 / about["smoothness"], contraction=0.5, messages=largest, **about)
    assert late.value == np.inf
    assert len(late.unmet) == 1
    assert late.unmet[0].startswith("step < 1 / L")


WORDS = {"none": 0.0, "dither1:norm": 2.0, "dither1:norm,subtractive": 1.0, "random:2": 0.5}
CODES = [(8, "hadamard", None), (9, "affine-plane", None), (4, "cyclic", 4)]


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 9999),
    st.sampled_from(CODES),
    st.sampled_from(sorted(WORDS)),
    st.floats(0.0, 0.8),
    st.floats(0.05, 1.0),
)
def test_guarantees_hold_on_random_instances(seed, about_code, word, p, relative_step):
    """Left-hand sides are exact, in three dimensions; gradients of parts are bounded over all steps."""
    (n, allocation, d), w, steps = about_code, WORDS[word], 8
    code = families.one_bit(n, p, d, allocation=allocation, compressor="none")
    noise, k = Noise.of(code, p, w), code.partitions
    hessians, linear = random_quadratic(np.random.default_rng(seed), k, 3)
    whole = hessians.sum(axis=0)
    low, *_, high = np.linalg.eigvalsh(whole)
    about = {"smoothness": float(high), "step": relative_step / (high * noise.relative)}
    options = {"probability": p, "step": about["step"], "compressor": word}
    runs = [second_moment(code, hessians, linear, iterations=t, **options) for t in range(1, steps + 1)]
    minimum = runs[0].minimum
    seconds = [np.outer(minimum, minimum), *(run.second for run in runs)]
    means = [-minimum, *(run.mean - minimum for run in runs)]
    loss = np.array([0.5 * np.sum(whole * second) for second in seconds])
    off = hessians @ minimum - linear
    squares = np.array(
        [
            np.einsum("kij,kil,jl->", hessians, hessians, second) + 2 * np.einsum("ki,kij,j->", off, hessians, mean)
            for second, mean in zip(seconds, means, strict=True)
        ]
    ) + np.sum(off**2)
    gradients, distance = float(squares.max()), float(minimum @ minimum)
    slack = 1.0 + 1e-9
    bound = nonconvex(noise, iterations=steps, gap=loss[0], gradients=gradients, **about)
    assert np.mean([np.sum((whole @ whole) * second) for second in seconds[:steps]]) <= bound.value * slack
    bound = convex(noise, iterations=steps, distance=distance, gradients=gradients, **about)
    assert loss[:steps].mean() <= bound.value * slack
    parts = [float(np.linalg.eigvalsh(one)[-1]) for one in hessians]
    common = {**about, "strong_convexity": float(low), "iterations": steps}
    assert loss[steps] <= dominated(noise, gap=loss[0], gradients=gradients, **common).value * slack
    floor = float(np.sum(off**2))
    found = strongly_convex(noise, parts=parts, distance=distance, gradients=floor, **common)
    assert runs[-1].distance[-1] <= found.value * slack
