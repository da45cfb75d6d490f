"""The model of learning: against enumeration, against its own recursion, and against runs it is a model of."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt import families
from gcopt.cluster import Cluster, Failures
from gcopt.code import GradientCode
from gcopt.decoding import Decoder
from gcopt.delays import Delay
from gcopt.designer import design
from gcopt.errors import InfeasibleError, InputError
from gcopt.goal import Goal
from gcopt.learning import Learning, Plan, Spread
from gcopt.objectives import spread_of
from gcopt.training import train
from gcopt.training.problems import LeastSquares
from gcopt.waiting import Waiting

SLOW_LINKS = "\n".join(
    [
        "[cluster]",
        "workers = 10",
        "[cluster.compute]",
        'model = "shifted-exponential"',
        "rate = 2.0",
        "shift = 0.5",
        "[cluster.network]",
        "bandwidth = 1e4",
        "[job]",
        "parameters = 20000",
        "samples = 10",
        "unit = 5e-6",
    ]
)


def independent(workers, p):
    """All sets of responders and how likely each is."""
    sets = np.array(list(product([False, True], repeat=workers)))
    return sets, np.prod(np.where(sets, 1.0 - p, p), axis=1)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 5), st.integers(1, 5), st.floats(0.05, 0.6), st.floats(0.0, 30.0), st.integers(0, 1000))
def test_the_spread_is_the_mean_over_sets_gradients_and_compression(workers, partitions, p, w, seed):
    """Gradients h / k + sigma_i with sigma_i that add up to zero: both parts of the variance, one by one."""
    rng = np.random.default_rng(seed)
    code = GradientCode.from_matrix(rng.standard_normal((workers, partitions)), decoder="sum", approximate=True)
    segment, decoder = code.segments[0], Decoder(code.segments[0])
    sets, chances = independent(workers, p)
    found = Spread.of(code, [[(decoder(one), chance) for one, chance in zip(sets, chances, strict=True)]], [w])
    matrix = segment.encoding.toarray()
    mean = chances @ (sets @ matrix)
    factor = mean.sum() / partitions
    assert found.factor == pytest.approx(factor)

    def variance(gradients):
        messages = matrix @ gradients
        sums = sets @ messages
        straggling = chances @ (sums - chances @ sums) ** 2
        return straggling + w * (chances @ (sets @ messages**2))

    assert found.relative == pytest.approx(variance(np.full(partitions, 1.0 / partitions)))
    if partitions > 1:
        # directions that add up to zero, all alike: the mean over an orthonormal basis of them
        basis = np.linalg.svd(np.ones((1, partitions)))[2][1:]
        size = partitions * np.array([variance(v / partitions) for v in basis]).mean()
        assert found.absolute == pytest.approx(size)
        bias = partitions * np.mean([(mean @ v / partitions) ** 2 for v in basis])
        assert found.bias == pytest.approx(bias, abs=1e-12)


def test_an_exact_code_needs_what_gradient_descent_needs():
    plan = Learning(target=1e-3, condition=50.0).exact
    rate = (49 / 51) ** 2
    assert plan.iterations == np.ceil(np.log(1e-3) / np.log(rate))
    assert plan.step == pytest.approx(2 / (1 + 1 / 50), rel=1e-6)


@given(st.floats(0.0, 50.0), st.floats(0.0, 5.0), st.floats(0.3, 2.0), st.floats(0.001, 0.5))
def test_the_plan_reaches_the_target_and_no_step_does_so_faster(relative, absolute, factor, target):
    learning, spread = Learning(target, 20.0, 1.0), Spread(factor, relative, absolute)
    plan = learning.plan(spread)

    def left(step, iterations):
        rho = max((1 - step * factor * x) ** 2 + step**2 * relative * x**2 for x in (1 / 20, 1.0))
        floor = step**2 * absolute / (1 - rho) if rho < 1 else np.inf
        return floor + rho**iterations * (1 - floor) if rho < 1 else np.inf

    assert np.isfinite(plan.iterations)
    assert left(plan.step, plan.iterations) <= target * (1 + 1e-6)
    for step in np.geomspace(1e-4, 2.0, 200):
        assert not left(step, 0.99 * (plan.iterations - 1)) < target


def test_a_bias_that_no_factor_mends_puts_targets_out_of_reach():
    learning = Learning(target=0.01, condition=10.0, diversity=1.0)
    found = learning.plan(Spread(bias=1e-3))
    assert found == Plan(0.0, np.inf, found.floor)
    assert found.floor == pytest.approx(0.1, rel=1e-3)


@pytest.mark.parametrize("word", [None, "dither1:norm"])
def test_runs_come_as_near_as_the_recursion_says(word):
    """Real runs of problems that are as the model says: partitions with the Hessian I / n, the start at distance 1."""
    n, d, q, step, steps, runs = 6, 5, 0.3, 0.1, 12, 150
    cluster = Cluster(n, Delay("deterministic", {"value": 1.0}), failures=Failures(probability=q))
    code = families.pairwise_balanced(n, 2, q, rng=0).compressed(word)
    options = {"engine": "virtual", "cluster": cluster, "wait": "deadline", "deadline": 1e3, "step": step}
    rng, reached, sizes = np.random.default_rng(1), [], []
    for seed in range(runs):
        off = rng.standard_normal((n, d))
        off -= off.mean(axis=0)
        middle = np.full(d, 1.0)  # sqrt(d) times a vector of length 1
        problem = LeastSquares(np.tile(np.eye(d) * np.sqrt(d), (n, 1)), (off + middle).ravel())
        end = train(code, problem, iterations=steps, evaluate_every=steps, rng=seed, **options).parameters
        reached.append(np.sum((end - middle / np.sqrt(d)) ** 2))
        sizes.append(np.mean(np.sum(off**2, axis=1)) / d)
    sets, chances = independent(n, q)
    decoder, chances = Decoder(code.segments[0]), chances * sets.any(axis=1) / chances[sets.any(axis=1)].sum()
    decodings = [(decoder(one), chance) for one, chance in zip(sets, chances, strict=True)]
    spread = Spread.of(code, [decodings], [0.0 if word is None else d - 1.0])
    expected = 1.0
    for _ in range(steps):
        expected = ((1 - step * spread.factor) ** 2 + step**2 * spread.relative) * expected
        expected += step**2 * spread.absolute * np.mean(sizes)
    assert np.mean(reached) == pytest.approx(expected, abs=4 * np.std(reached) / np.sqrt(runs))
    assert np.std(reached) / np.sqrt(runs) < 0.06 * expected


def test_compression_pays_where_links_are_slow_and_not_where_they_are_fast():
    slow = Cluster.loads(SLOW_LINKS)
    fast = slow.replace(network=replace(slow.network, bandwidth=1e12))
    bare = summing(slow, None), summing(fast, None)
    packed = summing(slow, "dither1:max"), summing(fast, "dither1:max")
    assert packed[0].expected_runtime < bare[0].expected_runtime / 5
    assert packed[1].expected_runtime == pytest.approx(bare[1].expected_runtime, rel=1e-3)
    assert all(a.plan.iterations > b.plan.iterations for a, b in zip(packed, bare, strict=True))


def summing(cluster, word):
    """What a plain summing code takes to reach the target there."""
    from gcopt.objectives import measure

    code = families.pairwise_balanced(10, 10, 0.1, rng=0).compressed(word)
    return measure([code], cluster, Goal("accuracy"), 2000, 1)[0]


def test_nothing_covers_a_bias_of_compression_and_feedback_counts_as_none():
    code = families.pairwise_balanced(4, 2, 0.25, rng=0)
    heard = np.array([[True, True, True, False], [False, True, True, True]])[:, None]
    assert spread_of(Waiting(code.compressed("sign")), heard, 100) is None
    kept, bare = (spread_of(Waiting(one), heard, 100) for one in (code.compressed("feedback+sign"), code))
    assert replace(kept, slowdown=1.0) == bare
    assert 1.2 < kept.slowdown < 1.3


@pytest.mark.parametrize("word", ["feedback+sign", "feedback+sign:block=16"])
def test_feedback_needs_about_as_many_more_steps_as_the_rule_of_thumb_says(word):
    """A quadratic with eigenvalues from 1 / 30 to 1 in any directions; everybody answers; each at its best step."""
    n, d = 8, 64
    turned = np.linalg.qr(np.random.default_rng(0).standard_normal((d, d)))[0]
    rows = np.sqrt(d * np.geomspace(1 / 30, 1.0, d))[:, None] * turned
    start = np.full(d, 1.0 / np.sqrt(d))
    problem = LeastSquares(np.tile(rows, (n, 1)), np.tile(rows @ start, n))
    code = families.pairwise_balanced(n, 1, 0.0, rng=3)

    def needed(one):
        found = []
        for step in (1.0, 1.4, 1.7, 1.9):
            options = {"engine": "virtual", "step": step, "optimizer": "sgd", "rng": 0}
            seen = train(one, problem, iterations=60, replay=np.ones((60, 1, n)), **options).loss
            found.append(next((t for t, loss in enumerate(seen) if loss < 0.002 * seen[0]), np.inf))
        return min(found)

    expected = spread_of(Waiting(code.compressed(word)), np.ones((1, 1, n), dtype=bool), d).slowdown
    assert needed(code.compressed(word)) / needed(code) == pytest.approx(expected, rel=0.3)


def test_designs_say_what_a_target_takes():
    cluster = Cluster.loads(SLOW_LINKS)
    found = design(cluster, family="grouped", objective="accuracy", learning=Learning(target=0.1), iterations=500)
    assert found.best.value == pytest.approx(found.best.expected_runtime * found.best.plan.iterations)
    assert found.bound is None
    assert found.to_dict()["gap"] is None
    assert found.to_dict()["plan"]["iterations"] == found.best.plan.iterations


def test_numbers_of_no_use_are_refused():
    with pytest.raises(InputError, match="target is 1, which is where the run starts"):
        Learning(target=1.0)
    with pytest.raises(InputError, match=r"condition is 0\.5; a number of at least 1 is needed"):
        Learning(condition=0.5)
    with pytest.raises(InputError, match="learning is given and the objective is 'runtime'"):
        Goal(learning=Learning())


def test_a_target_that_nobody_reaches_is_infeasible():
    from gcopt.design_result import Choice
    from gcopt.designer import _decided

    choice = Choice(families.uncoded(2), np.inf, 0.0, 1.0, 1.0, Plan(0.0, np.inf, 0.25))
    with pytest.raises(InfeasibleError, match=r"target is 0\.01 and no code .* reaches it: .* comes to 0\.25"):
        _decided([choice], Goal("accuracy"))
