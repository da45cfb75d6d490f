"""The best few levels are the best of all subsets."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from gcopt.solvers.diversity.few import FewLevels
from gcopt.solvers.diversity.levels import Levels
from gcopt.solvers.diversity.objectives import ExactRuntime, SampledRuntime
from gcopt.solvers.diversity.search import minimise

DELAYS = [stats.expon(0.05), stats.expon(2.0), stats.weibull_min(0.5, 0.1), stats.pareto(2.5)]


def searched(distribution, workers, count, **options):
    levels = Levels.of(workers)

    def runtime(of):
        return ExactRuntime(distribution, of)

    start = 1.0 / np.arange(1.0, workers + 1.0)[::-1]
    return FewLevels(runtime, levels, count, 1000.0, start, **options).solve()


def by_enumeration(distribution, workers, count):
    values = {}
    for chosen in combinations(range(workers), count):
        levels = Levels.of(workers, chosen)
        start = 1.0 / (workers - np.array(chosen))
        found = minimise(ExactRuntime(distribution, levels), levels, start, 1000.0, tolerance=1e-4, evaluations=60)
        values[chosen] = found.value
    return values


CASES = [
    (DELAYS[0], 8, 1),
    (DELAYS[0], 8, 2),
    (DELAYS[0], 8, 3),
    (DELAYS[1], 6, 3),
    (DELAYS[2], 8, 2),
    (DELAYS[3], 6, 3),
]


@pytest.mark.parametrize(("distribution", "workers", "count"), CASES)
def test_branch_and_bound_against_all_subsets(distribution, workers, count):
    chosen, found, bound = searched(distribution, workers, count)
    values = by_enumeration(distribution, workers, count)
    least = min(values.values())
    assert bound <= least * (1 + 1e-6)
    assert found.value <= least * (1 + 1e-6)
    assert found.value / bound - 1 <= 1.2e-4
    assert len(chosen) <= count
    assert values[chosen] == pytest.approx(found.value, rel=1e-4)


def test_more_levels_are_never_worse_and_tend_to_all():
    levels = Levels.of(7)
    everything = minimise(ExactRuntime(DELAYS[0], levels), levels, np.linspace(1.0, 2.0, 7), 1000.0)
    found = [searched(DELAYS[0], 7, count) for count in (1, 2, 4, 7)]
    values = [best.value for _, best, _ in found]
    assert (np.diff(values) <= 1e-6 * values[0]).all()
    assert all(best.value >= bound >= everything.bound * (1 - 1e-6) for _, best, bound in found[:-1])
    assert values[0] / values[1] > 1.02
    assert values[-1] == pytest.approx(everything.value, rel=2e-4)


def test_what_is_not_settled_when_time_is_up_is_not_claimed():
    _, found, bound = searched(DELAYS[0], 8, 3, seconds=0.0)
    assert np.isfinite(found.value)
    assert 0 <= bound < found.value
    _, _, proved = searched(DELAYS[0], 8, 3)
    assert bound <= proved


def test_guess_is_one_of_the_choices():
    few = FewLevels(lambda of: ExactRuntime(DELAYS[0], of), Levels.of(10), 2, 100.0, np.linspace(1.0, 2.0, 10))
    chosen, guessed = few.guess()
    _, best, bound = few.solve()
    assert len(chosen) == 2
    assert bound <= best.value <= guessed.value <= 1.02 * best.value


def test_samples_of_unequal_workers():
    rng = np.random.default_rng(0)
    drawn = np.sort((1 + rng.exponential(size=(300, 6))) * np.array([1, 1, 1, 2, 2, 5]), axis=1)[:, ::-1]
    levels = Levels.of(6)

    def runtime(of):
        return SampledRuntime(np.ascontiguousarray(drawn[:, 6 - of.needed]))

    _, best, bound = FewLevels(runtime, levels, 2, 60.0, np.linspace(1.0, 2.0, 6), tolerance=1e-3).solve()
    values = []
    for pair in combinations(range(6), 2):
        some = levels.only(list(pair))
        values.append(minimise(runtime(some), some, np.array([1.0, 2.0]), 60.0, tolerance=1e-4).value)
    assert bound <= min(values) * (1 + 1e-9)
    assert best.value <= min(values) * (1 + 2e-3)
