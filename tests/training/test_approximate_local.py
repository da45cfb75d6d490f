"""Training with approximate codes on real processes: killed, late, replayed."""

from __future__ import annotations

import signal

import numpy as np
import pytest

from gcopt.cluster import Cluster
from gcopt.delays import Delay
from gcopt.errors import TrainingError
from gcopt.training import Patience, train
from tests.approximates import CODES, petersen
from tests.training.cases import logistic
from tests.training.test_local import at

STEP = {"step": 0.5}
# workers 8 and 9 answer after an hour
LATE = Cluster(10, Delay("deterministic", {"value": 0.01}), slowness=[1.0] * 8 + [1.2e6] * 2)


def same_on_the_virtual_engine(code, local, **options):
    """The same parameters from the same responders."""
    again = train(code, logistic(), engine="virtual", iterations=local.iterations, replay=local.responders, **options)
    assert np.abs(again.parameters - local.parameters).max() < 1e-9
    assert again.errors == pytest.approx(local.errors, abs=1e-12)
    assert again.estimate.factor == pytest.approx(local.estimate.factor, rel=1e-9)


@pytest.mark.parametrize(
    "options", [{"wait": "count"}, {"tolerate": 0.08}, {"wait": "deadline", "deadline": 1e-4}, {"tolerate": 0.0}]
)
@pytest.mark.parametrize("name", ["least-squares", "scaled", "two-segments"])
def test_it_trains_like_the_virtual_engine_from_the_same_responders(name, options):
    code = CODES[name]
    local = train(code, logistic(), iterations=25, batch=0.5, rng=3, **options, **STEP)
    assert local.failures == []
    same_on_the_virtual_engine(code, local, batch=0.5, rng=3, **STEP)
    if options == {"tolerate": 0.08}:
        assert local.errors.max() <= 0.08 * (1 + 1e-6)
    elif options == {"tolerate": 0.0} and name != "scaled":
        assert local.error["max"] == 0.0


def test_whoever_is_late_for_the_deadline_is_left_behind():
    result = train(
        petersen(), logistic(), iterations=6, cluster=LATE, delays=True, wait="deadline", deadline=0.15, rng=0, **STEP
    )
    assert not result.responders[:, :, 8:].any()
    assert min(result.durations) >= 0.15
    assert result.drift.predicted == pytest.approx(0.15)


def test_who_is_killed_is_not_waited_for_until_the_deadline():
    act = at(5, (2, signal.SIGKILL), (7, signal.SIGKILL))
    options = {"wait": "deadline", "deadline": 60.0, "on_iteration": act, "rng": 0}
    result = train(petersen(decoder="scaled"), logistic(), iterations=12, **options, **STEP)
    assert result.responders[6:, 0].sum(axis=1).tolist() == [8] * 6
    assert sum(result.durations) < 60.0
    assert sorted(f.worker for f in result.failures) == [2, 7]
    same_on_the_virtual_engine(petersen(decoder="scaled"), result, **STEP)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_within_a_tolerance_it_goes_on_with_fewer_than_n_minus_s(number):
    """Five of ten are lost, s is 3: what is left is taken, and is said to be worse than was asked for."""
    act = at(10, *((worker, number) for worker in range(5)))
    options = {"tolerate": 0.02, "on_iteration": act, "rng": 0, "patience": Patience(floor=2.0)}
    result = train(petersen(), logistic(), iterations=25, **options, **STEP)
    assert (result.errors[:10] <= 0.02 * (1 + 1e-6)).all()
    assert (result.responders[11:, 0].sum(axis=1) == 5).all()
    assert result.beyond == (result.errors > 0.02 * (1 + 1e-6)).sum() >= 14
    assert {f.worker for f in result.failures} >= set(range(5))
    same_on_the_virtual_engine(petersen(), result, **STEP)


def test_by_count_more_deaths_than_stragglers_end_the_run(tmp_path):
    act, place = at(10, *((worker, signal.SIGKILL) for worker in range(4))), tmp_path / "c.npz"
    with pytest.raises(
        TrainingError, match="the 6 of 10 workers that are left cannot decode; lost: workers 0, 1, 2, 3"
    ):
        train(petersen(), logistic(), iterations=25, on_iteration=act, checkpoint=place, rng=0, **STEP)
    result = train(petersen(), logistic(), iterations=25, resume=place, **STEP)
    same_on_the_virtual_engine(petersen(), result, **STEP)


def test_when_nobody_is_left_the_run_ends(tmp_path):
    act = at(3, *((worker, signal.SIGKILL) for worker in range(10)))
    with pytest.raises(TrainingError, match="the 0 of 10 workers that are left cannot decode"):
        train(petersen(), logistic(), iterations=9, tolerate=0.1, on_iteration=act, checkpoint=tmp_path / "c.npz")


def test_a_debiased_run_resumes_to_the_same_bits_from_the_same_responders(tmp_path):
    options = {"debias": True, "rng": 1, "optimizer": "adam"}
    first = train(petersen(), logistic(), iterations=20, **options)
    assert first.estimate.expected_factor == pytest.approx(1 - 0.0726407, abs=1e-6)
    replayed = {"replay": first.responders, **options}
    train(petersen(), logistic(), iterations=8, checkpoint=tmp_path / "c.npz", **replayed)
    rest = train(petersen(), logistic(), iterations=20, resume=tmp_path / "c.npz", **replayed)
    assert rest.parameters.tobytes() == first.parameters.tobytes()
    assert rest.estimate == first.estimate
