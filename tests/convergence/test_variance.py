"""Exact variances: full enumeration, closed forms of balanced allocations, Monte Carlo with real messages."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt import GradientCode, bounds, families
from gcopt.compression import Stream, parse
from gcopt.convergence import kappa, redundancy, variance
from gcopt.errors import InputError
from tests.convergence.cases import GRADIENTS, cyclic, subsets


def enumerated(messages, p):
    """Mean and variance of the sum of 1-bit messages over all sets of responders and all bits."""
    sets, chances = subsets(len(messages), np.full(len(messages), p))
    bits = np.array(list(product([-1.0, 1.0], repeat=messages.size))).reshape(-1, *messages.shape)
    scale = np.linalg.norm(messages, axis=1, keepdims=True)
    likely = np.prod((1.0 + bits * messages / scale) / 2.0, axis=(1, 2))
    sums = np.einsum("sn,bnd->sbd", sets, bits * scale)
    weights = chances[:, None] * likely
    mean = np.einsum("sb,sbd->d", weights, sums)
    return mean, float(np.sum(weights * np.sum((sums - mean) ** 2, axis=2)))


def test_every_set_of_responders_and_every_bit():
    code = cyclic(2)
    mean, total = enumerated(code.encode(GRADIENTS)[0], 0.25)
    found = variance(code, GRADIENTS, 0.25, compressor="dither1:norm")
    assert mean == pytest.approx([0.5, 6.0], abs=1e-12)
    assert found.mean == pytest.approx(mean)
    assert (found.total, found.stragglers) == (pytest.approx(28.125, rel=1e-6), pytest.approx(5.625))
    assert total == pytest.approx(28.125)
    assert variance(code, GRADIENTS, 0.25).total == pytest.approx(5.625)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.integers(0, 9999))
def test_the_straggling_part_is_that_over_all_sets(workers, partitions, width, seed):
    rng = np.random.default_rng(seed)
    code = GradientCode.from_matrix(rng.standard_normal((workers, partitions)), decoder="sum", approximate=True)
    gradients, chances = rng.standard_normal((partitions, width)), rng.uniform(0.0, 0.9, workers)
    sets, likely = subsets(workers, chances)
    sums = sets @ code.encode(gradients)[0]
    found = variance(code, gradients, chances)
    assert found.mean == pytest.approx(likely @ sums)
    assert found.total == pytest.approx(likely @ np.sum((sums - likely @ sums) ** 2, axis=1))
    assert found.compression == 0.0


@pytest.mark.parametrize("word", ["dither1:max", "dither1:max,subtractive", "dither1:8.0", "dither1:norm,block=8"])
def test_what_compression_adds_is_what_messages_do(word):
    rng, chosen = np.random.default_rng(0), parse(word)
    code, gradients = cyclic(2), rng.standard_normal((4, 20))
    messages, sums = code.encode(gradients)[0], []
    heard = rng.random((1500, 4)) >= 0.25
    for t, who in enumerate(heard):
        streams = [Stream(3, version=t, worker=j) for j in range(4)]
        sent = [chosen.decompress(chosen.compress(y, s), 20, s) for y, s in zip(messages, streams, strict=True)]
        sums.append(who @ np.array(sent))
    found = variance(code, gradients, 0.25, compressor=word)
    squares = np.sum((np.array(sums) - found.mean) ** 2, axis=1)
    assert squares.mean() == pytest.approx(found.total, abs=4 * squares.std() / np.sqrt(len(squares)))


def test_copies_count_by_how_many_workers_two_partitions_share():
    """Hadamard designs are balanced exactly, symmetric designs have one lambda; both have closed forms."""
    rng = np.random.default_rng(1)
    hadamard = redundancy(families.one_bit(8, 0.3, allocation="hadamard"))
    assert np.array_equal(hadamard.shared, 2.0 + 2.0 * np.eye(7))
    assert hadamard.balanced
    fano = redundancy(families.one_bit(7, 0.3, 3, allocation="symmetric"))
    assert np.array_equal(fano.shared, 1.0 + 2.0 * np.eye(7))
    assert not fano.balanced
    gradients = rng.standard_normal((7, 5))
    for found, name, d in ((hadamard, "hadamard", None), (fano, "symmetric", 3)):
        messages = families.one_bit(len(found.shared) + (name == "hadamard"), 0.3, d, allocation=name).encode(gradients)
        direct = np.sum(messages[0] ** 2)
        assert found.message_squares(gradients, 0.3) == pytest.approx(direct, rel=1e-14)
        assert found.design_squares(gradients, 0.3) == pytest.approx(direct, rel=1e-14)
    assert hadamard.balanced_squares(gradients, 0.3) == pytest.approx(hadamard.message_squares(gradients, 0.3))
    with pytest.raises(InputError, match="share workers unevenly"):
        fano.balanced_squares(gradients, 0.3)


def test_closed_forms_refuse_what_they_do_not_describe():
    ring = redundancy(cyclic(2))
    assert (ring.even, ring.common, ring.balanced) == (2.0, None, False)
    with pytest.raises(InputError, match="all alike are needed"):
        ring.design_squares(GRADIENTS, 0.25)
    with pytest.raises(InputError, match=r"gradients has shape \(3, 2\); \(4, D\)"):
        ring.message_squares(GRADIENTS[:3], 0.25)
    with pytest.raises(InputError, match="finite numbers"):
        ring.message_squares(GRADIENTS * np.nan, 0.25)
    with pytest.raises(InputError, match="probability is 1"):
        ring.message_squares(GRADIENTS, 1.0)
    alone = redundancy(GradientCode.from_matrix([[1.0, 0.0], [1.0, 0.0]], decoder="sum"))
    with pytest.raises(InputError, match="1 partitions are on no worker"):
        alone.message_squares(np.ones((2, 2)), 0.25)


@pytest.mark.parametrize("word", ["none", "dither1:norm"])
def test_kappa_times_the_balanced_form_is_the_variance(word):
    rng, p, width = np.random.default_rng(2), 0.3, 6
    code = families.one_bit(8, p, allocation="hadamard", compressor=word)
    gradients = rng.standard_normal((7, width))
    w = 0.0 if word == "none" else width - 1.0
    expected = kappa(p, w) * (1 - p) ** 2 * redundancy(code).balanced_squares(gradients, p)
    assert variance(code, gradients, p).total == pytest.approx(expected, rel=1e-6)
    assert bounds.variance is variance


def test_what_is_not_covered_is_refused():
    with pytest.raises(InputError, match="the least-squares decoder"):
        variance(families.uncoded(3), np.ones((3, 2)), 0.1)
    with pytest.raises(InputError, match="compressor is sign, which is biased"):
        variance(cyclic(2), GRADIENTS, 0.25, compressor="sign")
    with pytest.raises(InputError, match="a larger scale would work"):
        variance(cyclic(2), GRADIENTS, 0.25, compressor="dither1:0.1")
    with pytest.raises(InputError, match="rotated messages have coordinates up to"):
        variance(cyclic(2), GRADIENTS, 0.25, compressor="rotate+dither1:0.1")
    assert variance(cyclic(2), GRADIENTS, 0.25, compressor="rotate+dither1:9").compression > 0.0
    with pytest.raises(InputError, match="probability is 1"):
        variance(cyclic(2), GRADIENTS, 1.0)
    with pytest.raises(InputError, match="probability is 3 numbers"):
        variance(cyclic(2), GRADIENTS, [0.1, 0.1, 0.1])
