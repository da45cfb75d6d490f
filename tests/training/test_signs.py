"""Training with signs that are drawn anew: nobody tells anybody which, and the run repeats bit for bit."""

import numpy as np
import pytest

from gcopt.cluster import Cluster
from gcopt.decoding import Fresh
from gcopt.delays import Delay
from gcopt.families import random_signs
from gcopt.training import train
from gcopt.training.debias import expected_factors
from gcopt.waiting import Waiting
from tests.training.cases import logistic

FANO = {"family": "circulant", "workers": 7, "stragglers": 1, "shifts": [0, 1, 3]}
CLUSTER = Cluster(7, Delay("exponential", {"rate": 1.0}))


def run(code, **options):
    given = {"engine": "virtual", "iterations": 20, "cluster": CLUSTER, "step": 0.3, "rng": 1, **options}
    return train(code, logistic(), **given)


@pytest.mark.parametrize("options", [{}, {"epsilon": 0.4}, {"decoder": "scaled"}])
def test_processes_and_the_virtual_engine_draw_the_same_signs(options):
    code = random_signs(FANO, 2, 2, rng=5, **options)
    virtual = run(code)
    local = run(code, engine="local", replay=virtual.responders)
    assert np.allclose(local.loss, virtual.loss, rtol=1e-12)
    assert np.allclose(local.parameters, virtual.parameters, atol=1e-12)
    assert local.error == virtual.error


def test_every_iteration_is_decoded_in_its_own_draw():
    code = random_signs(FANO, 2, 2, rng=5)
    result = run(code)
    errors = [Fresh(code.at(t).segments[0])(heard[0]).error / 14 for t, heard in enumerate(result.responders)]
    assert np.allclose(result.errors[:, 0], errors, rtol=1e-12)
    same = [Fresh(code.segments[0])(heard[0]).error / 14 for heard in result.responders]
    assert not np.allclose(result.errors[:, 0], same)


def test_a_tolerance_is_kept_draw_by_draw():
    result = run(random_signs(FANO, 2, 2, rng=5), tolerate=0.3)
    within = result.errors[:, 0] <= 0.3 * (1 + 1e-6)
    assert (within | result.responders[:, 0].all(axis=1)).all()
    assert not result.responders[:, 0].all()


def test_a_resumed_run_goes_on_with_the_draws_of_its_iterations(tmp_path):
    code = random_signs(FANO, 2, 2, epsilon=0.2, rng=5)
    whole = run(code)
    run(code, iterations=9, checkpoint=tmp_path / "half.npz")
    rest = run(code, resume=tmp_path / "half.npz")
    assert np.array_equal(rest.parameters, whole.parameters)


def test_debiasing_divides_by_the_average_over_draws():
    """T7: alpha of Fano with m = 2, workers straggling with probability 1/4."""
    code = random_signs(FANO, 2, 2, rng=5)
    factor = expected_factors(Waiting(code), None, 0.25, seed=0)[0]
    assert factor == pytest.approx(0.6788439580, abs=0.02)
    result = run(code, iterations=400, evaluate_every=400, debias=True)
    assert result.estimate.factor == pytest.approx(1.0, abs=0.05)
