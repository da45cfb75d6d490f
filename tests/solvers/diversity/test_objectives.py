"""Objectives agree with each other, with their definition and with finite differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from gcopt.solvers.diversity import _kernels
from gcopt.solvers.diversity.levels import Levels
from gcopt.solvers.diversity.objectives import (
    ExactCompletion,
    ExactRuntime,
    SampledRuntime,
    SmoothedCompletion,
    check_delays,
)
from gcopt.solvers.errors import InputError

SHIFTED = stats.expon(50.0, 1000.0)


def rows_of(workers, rows=40_000, seed=0):
    drawn = SHIFTED.rvs((rows, workers), random_state=np.random.default_rng(seed))
    return np.ascontiguousarray(np.sort(drawn, axis=1)[:, ::-1])


def differences(objective, z, step):
    return [(objective(z + d)[0] - objective(z - d)[0]) / (2 * step) for d in step * np.eye(z.size)]


def test_sampled_runtime_is_the_mean_of_the_latest():
    delays, z = rows_of(7, 500), np.linspace(1.0, 4.0, 7)
    value, slope = SampledRuntime(delays)(z)
    assert value == pytest.approx((delays * z).max(axis=1).mean(), rel=1e-13)
    np.testing.assert_allclose(SampledRuntime(delays).times(z), (delays * z).max(axis=1), rtol=1e-15)
    assert slope @ z == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(slope, differences(SampledRuntime(delays), z, 1e-9), rtol=1e-4, atol=1e-4 * value)


def test_exact_runtime_is_what_samples_tend_to():
    levels = Levels.of(12, [0, 3, 4, 8, 11])
    delays, z = rows_of(12)[:, levels.diversities], np.array([1.0, 1.3, 1.5, 4.0, 9.0])
    times = SampledRuntime(np.ascontiguousarray(delays)).times(z)
    value, slope = ExactRuntime(SHIFTED, levels)(z)
    assert abs(value - times.mean()) < 4 * times.std() / 200
    np.testing.assert_allclose(slope, differences(ExactRuntime(SHIFTED, levels, nodes=24), z, 1e-4), rtol=1e-4)


@given(arrays(float, (5, 4), elements=st.floats(0, 1e6)), arrays(float, 4, elements=st.floats(0, 1e3)))
@settings(max_examples=30, deadline=None)
def test_kernels_are_the_same_as_plain_python(delays, z):
    for kernel in (_kernels.latest, _kernels.latest.py_func):
        times, which = np.empty(5), np.empty(5, np.int64)
        kernel(delays, z, times, which)
        np.testing.assert_array_equal(times, (delays * z).max(axis=1))
        np.testing.assert_array_equal(which, (delays * z).argmax(axis=1))
    mean, slope = SampledRuntime(delays)(z)
    assert slope @ z == pytest.approx(mean, rel=1e-9)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=25)
def test_runtimes_are_convex_and_homogeneous(seed):
    rng = np.random.default_rng(seed)
    levels = Levels.of(9)
    a, b = (np.cumsum(rng.random(9) ** 4 + 1e-3) for _ in range(2))
    for objective in (ExactRuntime(SHIFTED, levels, nodes=16), SampledRuntime(rows_of(9, 200, seed % 7))):
        (fa, slope), (fb, _) = objective(a), objective(b)
        assert objective((a + b) / 2)[0] <= (fa + fb) / 2 * (1 + 1e-8)
        assert slope @ b <= fb * (1 + 1e-6)
        assert objective(3.0 * a)[0] == pytest.approx(3.0 * fa, rel=1e-9)


def test_completion_is_the_share_in_time_and_falls_with_the_work():
    levels = Levels.of(12, [0, 3, 4, 8, 11])
    delays, z = rows_of(12)[:, levels.diversities], np.array([1.0, 1.3, 1.5, 4.0, 9.0])
    objective = ExactCompletion(SHIFTED, levels, 3500.0)
    share = ((delays * z).max(axis=1) <= 3500.0).mean()
    value, slope = objective(z)
    assert 0.2 < share < 0.8
    assert abs(value - share) < 4 * np.sqrt(share * (1 - share) / 40_000)
    assert (slope < 0).all()
    np.testing.assert_allclose(slope, differences(objective, z, 1e-6), rtol=1e-5)
    assert objective.value(z) == value


def test_completion_of_nothing_to_do_is_certain():
    value, slope = ExactCompletion(SHIFTED, Levels.of(3), 1.0)(np.zeros(3))
    assert value == pytest.approx(1.0)
    assert not slope.any()


def test_smoothed_completion_tends_to_the_share():
    delays, z = rows_of(6, 3000), np.linspace(1.0, 3.0, 6)
    share = (SampledRuntime(delays).times(z) <= 2500.0).mean()
    wide, narrow = (SmoothedCompletion(delays, 2500.0, width) for width in (0.1, 1e-4))
    assert abs(narrow(z)[0] - share) < 1e-3 < abs(wide(z)[0] - share)
    np.testing.assert_allclose(wide(z)[1], differences(wide, z, 1e-6), rtol=1e-4, atol=1e-7)


def test_smoothed_completion_knows_rows_that_take_no_time():
    value, slope = SmoothedCompletion(np.array([[0.0, 0.0], [2.0, 1.0]]), 1.0, 0.01)(np.array([1.0, 1.0]))
    assert value == pytest.approx(0.5)
    assert np.isfinite(slope).all()


@pytest.mark.parametrize(
    ("delays", "message"),
    [
        (np.ones(3), "shape"),
        (np.ones((1, 3)), "at least 2 rows"),
        (np.ones((4, 2)), "shape"),
        ([[1.0, np.nan, 1.0]] * 2, "NaN"),
        ([[1.0, -1.0, 1.0]] * 2, "negative"),
    ],
)
def test_bad_delays(delays, message):
    with pytest.raises(InputError, match=message):
        check_delays(delays, 3)
