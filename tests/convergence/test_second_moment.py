"""The exact recursion: published figures, Monte Carlo, unequal workers, steps that change, real runs."""

from __future__ import annotations

import numpy as np
import pytest

from gcopt import GradientCode, bounds
from gcopt.convergence import second_moment
from gcopt.errors import InputError
from tests.convergence.cases import (
    HESSIANS,
    LINEAR,
    by_norm,
    by_norm_subtracted,
    cyclic,
    drawn,
    random_quadratic,
    simulate,
)

WORDS = {"none": None, "dither1:norm": by_norm, "dither1:norm,subtractive": by_norm_subtracted}
TABLE = [
    (1, "none", (0.4463471074, 0.0582685577, 0.0036643502, 3.6661453104e-03)),
    (1, "dither1:norm", (0.4511471074, 0.0731039443, 0.0187240709, 1.8754076988e-02)),
    (2, "none", (0.4458137741, 0.0557742445, 0.0005237335, 5.1934159918e-04)),
    (2, "dither1:norm", (0.4484804408, 0.0604224781, 0.0026536251, 2.6511517624e-03)),
    (4, "none", (0.4457137741, 0.0553412129, 0.0000052041, 0.0)),
    (4, "dither1:norm", (0.4479804408, 0.0582208640, 0.0000067065, 0.0)),
    (4, "dither1:norm,subtractive", (0.4472248852, 0.0572463407, 0.0000061637, 0.0)),
]


@pytest.mark.parametrize(("d", "word", "figures"), TABLE)
def test_figures(d, word, figures):
    found = second_moment(cyclic(d), HESSIANS, LINEAR, probability=0.25, step=0.02, iterations=400, compressor=word)
    assert found.minimum == pytest.approx([2 / 11, 8 / 11])
    assert found.distance[[1, 10, 50, 400]] == pytest.approx(figures, abs=6e-11)
    if d == 4:  # what everybody has is known exactly in the end, to all digits
        assert found.distance[400] < 1e-25


@pytest.mark.parametrize("word", WORDS)
def test_monte_carlo_agrees_to_one_per_cent(word):
    ends = simulate(cyclic(2), HESSIANS, LINEAR, 0.25, 0.02, 50, 60_000, np.random.default_rng(0), WORDS[word])
    found = second_moment(cyclic(2), HESSIANS, LINEAR, probability=0.25, step=0.02, iterations=50, compressor=word)
    squares = np.sum((ends - found.minimum) ** 2, axis=1)
    assert squares.mean() == pytest.approx(found.distance[-1], rel=0.01)
    assert ends.mean(axis=0) == pytest.approx(found.mean, abs=5 * ends.std() / np.sqrt(len(ends)))
    off = ends - found.minimum
    assert off.T @ off / len(ends) == pytest.approx(found.second, abs=0.03 * found.distance[-1])


@pytest.mark.parametrize("kept", [1, 2])
def test_coordinates_drawn_at_random(kept):
    hessians, linear = random_quadratic(np.random.default_rng(8), 4, 3)
    about = {"probability": 0.25, "step": 0.05, "iterations": 10}
    ends = simulate(cyclic(2), hessians, linear, 0.25, 0.05, 10, 60_000, np.random.default_rng(kept), drawn(kept))
    found = second_moment(cyclic(2), hessians, linear, compressor=f"random:{kept}", **about)
    off = ends - found.minimum
    squares = np.sum(off**2, axis=1)
    assert squares.mean() == pytest.approx(found.distance[-1], rel=0.01)
    products = off[:, :, None] * off[:, None, :]
    error = products.std(axis=0) / np.sqrt(len(off))
    assert (np.abs(products.mean(axis=0) - found.second) <= 4 * error).all()


def test_all_coordinates_drawn_are_no_compression_and_one_coordinate_is_all():
    about = {"probability": 0.25, "step": 0.02, "iterations": 5}
    plain = second_moment(cyclic(2), HESSIANS, LINEAR, compressor="none", **about)
    assert second_moment(cyclic(2), HESSIANS, LINEAR, compressor="random:2", **about).distance == pytest.approx(
        plain.distance, rel=1e-14
    )
    single = (HESSIANS[:, :1, :1], LINEAR[:, :1])
    plain = second_moment(cyclic(2), *single, compressor="none", **about)
    assert np.array_equal(second_moment(cyclic(2), *single, compressor="random:1", **about).distance, plain.distance)


@pytest.mark.filterwarnings("error")
def test_runs_that_grow_beyond_all_numbers_are_stopped():
    with pytest.raises(InputError, match=r"step is 100, with which moments pass 1.8e308 at iteration \d+"):
        second_moment(cyclic(2), HESSIANS, LINEAR, probability=0.25, step=100.0, iterations=400)


def test_any_weights_unequal_workers_and_steps_that_change():
    rng = np.random.default_rng(5)
    hessians, linear = random_quadratic(rng, 3, 2)
    code = GradientCode.from_matrix(rng.uniform(0.2, 0.8, (4, 3)), decoder="sum", approximate=True)
    chances, steps = np.array([0.0, 0.2, 0.4, 0.7]), np.linspace(0.2, 0.05, 12)
    found = second_moment(
        code, hessians, linear, probability=chances, step=steps, iterations=12, start=[1.0, -1.0], compressor="none"
    )
    theta = np.tile([1.0, -1.0], (40_000, 1))
    for step in steps:
        theta = simulate(code, hessians, linear, chances[:, None], step, 1, 40_000, rng, start=theta)
    squares = np.sum((theta - found.minimum) ** 2, axis=1)
    assert squares.mean() == pytest.approx(found.distance[-1], abs=4 * squares.std() / 200)


def test_it_predicts_the_curve_of_real_runs():
    """The executor, messages packed bit by bit, against the recursion."""
    from gcopt.cluster import Cluster, Failures
    from gcopt.delays import Delay
    from gcopt.training import train
    from gcopt.training.problems import LeastSquares

    n, d, p, step = 4, 3, 0.3, 0.15
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((8, d)), rng.standard_normal(8)
    problem = LeastSquares(X, y)
    code = cyclic(2, p, n, "dither1:norm")
    # rows 2 i and 2 i + 1 are partition i
    parts = [(X[2 * i : 2 * i + 2], y[2 * i : 2 * i + 2]) for i in range(n)]
    hessians = np.array([x.T @ x / 8 for x, _ in parts])
    linear = np.array([x.T @ t / 8 for x, t in parts])
    found = second_moment(code, hessians, linear, probability=p, step=step, iterations=12)
    cluster = Cluster(n, Delay("deterministic", {"value": 1.0}), failures=Failures(probability=p))
    options = {"engine": "virtual", "cluster": cluster, "wait": "deadline", "deadline": 1e3, "step": step}
    ends = np.array(
        [train(code, problem, iterations=12, evaluate_every=12, rng=s, **options).parameters for s in range(250)]
    )
    squares = np.sum((ends - found.minimum) ** 2, axis=1)
    # an iteration in which nobody answers, p^4 of them, is repeated and not lost
    assert squares.mean() == pytest.approx(
        found.distance[-1], abs=4 * squares.std() / np.sqrt(250) + 0.02 * squares.mean()
    )


def test_what_has_no_closed_form_is_refused():
    about = {"probability": 0.25, "step": 0.1, "iterations": 3}
    with pytest.raises(InputError, match="compressor is dither1:max, whose covariance has no closed form"):
        second_moment(cyclic(2), HESSIANS, LINEAR, compressor="dither1:max", **about)
    with pytest.raises(InputError, match="eigenvalue 0; all above 0"):
        second_moment(cyclic(2), 0 * HESSIANS, LINEAR, **about)
    with pytest.raises(InputError, match="not symmetric"):
        second_moment(cyclic(2), HESSIANS + np.array([[0, 1], [0, 0]]), LINEAR, **about)
    with pytest.raises(InputError, match="NaN"):
        second_moment(cyclic(2), HESSIANS * np.nan, LINEAR, **about)
    assert bounds.second_moment is second_moment
