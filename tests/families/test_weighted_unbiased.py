import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gcopt
from gcopt.errors import InputError
from gcopt.families import weighted_unbiased
from gcopt.families.weighted_unbiased import optimal_shares
from tests.families.enumeration import independent
from tests.helpers import claim, dense

CHANCES = [0.1, 0.2, 0.4, 0.5]


def criterion(code, chances):
    """Sum of delta_i (sum_j alpha_j^i)^2, what the paper minimises."""
    chances = np.asarray(chances)
    carried = dense(code).sum(axis=1) * (1 - chances)
    return float(np.sum(chances / (1 - chances) * carried**2))


def test_published_shares_and_optimum():
    assert optimal_shares(np.array(CHANCES), 6) == pytest.approx([3.483871, 1.548387, 0.580645, 0.387097], abs=5e-7)
    for scheme in ("chain", "shared"):
        code = weighted_unbiased(4, CHANCES, 6, scheme)
        assert criterion(code, CHANCES) == pytest.approx(2.322581, abs=5e-7)
        assert independent(code, CHANCES)[2] == pytest.approx(2.322581, abs=5e-7)
    uniform = np.full(4, 1.5)
    assert np.sum(np.array(CHANCES) / (1 - np.array(CHANCES)) * uniform**2) == pytest.approx(4.5625)


def test_a_chain_of_four_has_three_copies_too_many():
    code = weighted_unbiased(4, CHANCES, 6)
    assert code.segments[0].load.sum() == 9  # 1.5 per partition
    assert dense(code)[0].tolist() == pytest.approx([1 / 0.9] * 3 + [0.483871 / 0.9, 0, 0], abs=1e-6)


chances = st.lists(st.floats(0.01, 0.95), min_size=1, max_size=6)


@given(chances=chances, k=st.integers(1, 9), scheme=st.sampled_from(["chain", "shared"]))
@settings(deadline=None, max_examples=60)
def test_unbiased_optimal_and_exact(chances, k, scheme):
    n = len(chances)
    code = weighted_unbiased(n, chances, k, scheme)
    mean, error, variance = independent(code, chances)
    np.testing.assert_allclose(mean, 1.0)
    assert claim(code, "mean") == pytest.approx(error, abs=1e-9)
    best = k**2 / np.sum((1 - np.array(chances)) / chances)
    assert variance == pytest.approx(best)
    assert criterion(code, chances) == pytest.approx(best)
    assert code.segments[0].load.sum() <= n + k - 1
    if scheme == "chain":
        assert dense(code).min() >= 0.0
    else:
        assert (code.segments[0].replication[:-1] == 1).all()


@given(chances=chances, k=st.integers(1, 6), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_no_other_unbiased_code_has_less_variance(chances, k, seed):
    rng = np.random.default_rng(seed)
    alpha = rng.normal(size=(len(chances), k))
    alpha += (1 - alpha.sum(axis=0)) / len(chances)
    odds = np.array(chances) / (1 - np.array(chances))
    other = float(np.sum(odds * alpha.sum(axis=1) ** 2))
    assert criterion(weighted_unbiased(len(chances), chances, k), chances) <= other * (1 + 1e-9) + 1e-12


def test_equal_workers_with_whole_shares_hold_their_own_partitions_only():
    for scheme, copies in (("chain", 6), ("shared", 6)):
        code = weighted_unbiased(3, [0.2] * 3, 6, scheme)
        assert code.segments[0].load.sum() == copies
        np.testing.assert_allclose(dense(code).sum(axis=0), 1.25)


def test_defaults_and_proofs():
    code = weighted_unbiased(4, CHANCES)
    assert (code.partitions, code.stragglers, code.segments[0].decoder) == (4, 1, "sum")
    assert {check.status for check in gcopt.verify(code).checks} == {"proved"}
    assert gcopt.verify(code, probability=CHANCES).segments[0].mean.value == pytest.approx(claim(code, "mean"))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: weighted_unbiased(2, [0.1, 0]), r"probability\[1\] is 0; a worker that never straggles would be"),
        (lambda: weighted_unbiased(2, [1.0, 0.1]), r"probability\[0\] is 1.0; a number above 0 and below 1"),
        (lambda: weighted_unbiased(2, [0.1, float("nan")]), r"probability\[1\] is nan"),
        (lambda: weighted_unbiased(2, [0.1, "x"]), r"probability\[1\] is 'x'"),
        (lambda: weighted_unbiased(2, 0.1), "probability is 0.1; 2 numbers between"),
        (lambda: weighted_unbiased(3, [0.1, 0.2]), "probability is 2 numbers; 3 numbers between"),
        (lambda: weighted_unbiased(2, [0.1, 0.2], scheme="star"), "one of chain, shared"),
        (lambda: weighted_unbiased(2, [0.1, 0.2], partitions=0), "partitions is 0"),
        (lambda: weighted_unbiased(2, [0.1, 0.2], stragglers=2), "stragglers is 2"),
    ],
)
def test_bad_parameters_say_what_would_work(make, words):
    with pytest.raises(InputError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_the_noise_of_a_compressor_evens_out_the_shares():
    p = np.array([0.1, 0.5, 0.8])
    np.testing.assert_allclose(optimal_shares(p, 6), [5.26829268, 0.58536585, 0.14634146], atol=1e-8)
    for w, value in ((0.0, 3.5121951220), (2.0, None)):
        shares, delta = optimal_shares(p, 6, w), (p + w) / (1 - p)
        assert delta @ shares**2 == pytest.approx(36 / np.sum(1 / delta) if value is None else value)
        assert delta @ shares**2 < delta @ np.full(3, 2.0) ** 2
    assert p / (1 - p) @ np.full(3, 2.0) ** 2 == pytest.approx(20.4444444)


def test_a_compressor_comes_with_its_variance():
    code = weighted_unbiased(3, [0.0, 0.5, 0.8], partitions=6, compressor="dither1:norm", length=11)
    assert str(code.compressor) == "dither1:norm"
    row = code.segments[0].encoding.sum(axis=1) * (1 - np.array([0.0, 0.5, 0.8]))
    np.testing.assert_allclose(row, optimal_shares(np.array([0.0, 0.5, 0.8]), 6, 10.0))
    for wrong in ({"variance": -1.0}, {"length": 3}, {"variance": 1.0, "length": 3, "compressor": "sign"}, {}):
        with pytest.raises(InputError):
            weighted_unbiased(2, [0.0, 0.5], **wrong)
