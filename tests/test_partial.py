"""Partial work: the paper's protocol against its own algebra, its times against an event-by-event clock."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gcopt
from gcopt.arrivals import arrivals
from gcopt.cluster import Cluster, Failures, Job, Network
from gcopt.delays import Delay
from gcopt.errors import InputError
from gcopt.partial import PartialWork, encode_partial, partial_times
from gcopt.solvers.ordering import worst_work
from gcopt.solvers.seeding import generator
from gcopt.waiting import Waiting

RING = np.array([[(i - j) % 5 < 3 for i in range(5)] for j in range(5)])
BY_TURNS = [[(j + t) % 5 for t in range(3)] for j in range(5)]


def exchange(work, progress, gradients):
    """Messages of all workers, each from its own gradients and its own answer alone."""
    answers = work.coefficients(progress)
    return [encode_partial(gradients[mine], c) for mine, c in zip(work.order, answers, strict=True)]


@pytest.mark.parametrize(
    ("progress", "counts", "missing"), [((1, 1, 2, 2, 2), (2, 1, 1, 2, 2), 2), ((2, 2, 3, 3, 0), (2, 2, 2, 2, 2), 0)]
)
def test_the_ring_of_five(progress, counts, missing):
    work = PartialWork.of(RING, BY_TURNS, blocks=2, rng=0)
    assert tuple(work.counts(progress)) == counts
    assert (work.residual(progress), work.ready(progress)) == (missing, missing == 0)
    gradients = np.random.default_rng(1).standard_normal((5, 7))
    found = work.decode(exchange(work, progress, gradients), parameters=7)
    wrong = np.abs(found - gradients.sum(axis=0)).max()
    assert wrong < 1e-12 if missing == 0 else wrong > 1e-2


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 3), st.integers(0, 10**6))
def test_any_progress_misses_what_the_formula_says(data, blocks, seed):
    work = PartialWork.of(RING, BY_TURNS, blocks=blocks, rng=seed)
    progress = [data.draw(st.integers(0, 3)) for _ in range(5)]
    segment = work.segment(progress)
    # what R^T makes of the messages, as a matrix on the blocks of all chunks
    miss = work.mixing.T @ segment.encoding.toarray() - segment.target
    target = np.einsum("uv,i->uvi", np.eye(blocks), np.ones(5)).reshape(blocks, -1)
    assert np.array_equal(segment.target, target)
    assert np.sum(miss**2) == pytest.approx(work.residual(progress), abs=1e-9)
    assert work.residual(progress) == sum(max(0, blocks - c) for c in work.counts(progress))
    gradients = np.random.default_rng(seed).standard_normal((5, 8))
    messages = exchange(work, progress, gradients)
    assert np.allclose(messages, segment.encode(gradients), atol=1e-10)
    assert not any(sent.any() for sent, done in zip(messages, progress, strict=True) if done == 0)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 3))
def test_as_much_work_as_the_metric_says_is_always_enough(data, blocks):
    work = PartialWork.of(RING, blocks=blocks, rng=0)
    progress = [data.draw(st.integers(0, 3)) for _ in range(5)]
    enough = worst_work(RING, [mine.tolist() for mine in work.order], blocks=blocks).max()
    assert work.ready(progress) or sum(progress) < enough


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
def test_decoding_does_not_blow_up_rounding(blocks):
    ring = np.array([[(i - j) % 20 < 8 for i in range(20)] for j in range(20)])
    work = PartialWork.of(ring, blocks=blocks, rng=0)
    rng = np.random.default_rng(0)
    gradients = rng.standard_normal((20, 12))
    ready = [p for p in rng.integers(0, 9, (3000, 20)) if work.counts(p).min() == blocks]
    assert ready
    for progress in ready:
        found = work.decode(exchange(work, progress, gradients), parameters=12)
        assert np.abs(found - gradients.sum(axis=0)).max() < 1e-11


def test_the_rows_drawn_again_are_better_than_the_first():
    ring = np.array([[(i - j) % 20 < 8 for i in range(20)] for j in range(20)])
    pairs = [(a, b) for a in range(20) for b in range(a) if (ring[a] & ring[b]).any()]

    def worst(mixing):
        return np.linalg.svd(mixing[np.array(pairs)], compute_uv=False)[:, -1].min()

    first = generator(0).standard_normal((20, 2))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    assert worst(PartialWork.of(ring, blocks=2, rng=0).mixing) > 5 * worst(first)


def by_the_clock(work, cluster, compute, begun, transfer):
    """One iteration, event by event."""
    n, job, net = work.workers, cluster.job, cluster.network
    unit = job.unit * job.samples * job.parameters / work.chunks
    events = sorted(
        (begun[j] + compute[j] * unit * (p + 1) + net.latency, j)
        for j in range(n)
        for p in range(len(work.order[j]))
        if np.isfinite(begun[j])
    )
    progress = np.zeros(n, dtype=int)
    for when, j in events:
        progress[j] += 1
        if work.ready(progress):
            size = 8 * job.parameters / work.blocks
            sent = when + net.latency + size / net.bandwidth + net.latency + transfer / work.blocks
            free = 0.0
            for came in sorted(sent[progress > 0]):
                free = max(free, came) + size / net.master_bandwidth
            return free
    return np.inf


@pytest.mark.parametrize("blocks", [1, 2])
def test_times_are_those_of_a_clock(blocks):
    cluster = Cluster(
        5,
        Delay("exponential", {"rate": 2.0}),
        overhead=Delay("exponential", {"rate": 9.0}),
        slowness=[1.0, 1.0, 4.0, 1.0, 2.0],
        network=Network(latency=0.01, bandwidth=4e3, master_bandwidth=9e3),
        failures=Failures(probability=0.2),
        job=Job(parameters=20, samples=30, unit=0.01),
        transfer=Delay("exponential", {"rate": 5.0}),
    )
    work = PartialWork.of(RING, blocks=blocks, rng=0)
    found = partial_times(work, cluster, iterations=200, rng=4)
    times = cluster.sample(200, generator(4))
    begun = times.overhead + times.stall
    expected = [by_the_clock(work, cluster, times.compute[r], begun[r], times.transfer[r]) for r in range(200)]
    assert np.allclose(found, expected, rtol=1e-12)
    assert 0 < np.isinf(found).sum() < 150


def test_partial_work_of_repetition_is_never_slower():
    code = gcopt.families.fractional_repetition(12, 3)
    cluster = Cluster(12, Delay("shifted-exponential", {"rate": 1.0, "shift": 0.5}))
    found = partial_times(PartialWork.of(code.support, rng=0), cluster, iterations=2000, rng=1)
    whole = Waiting(code).until(arrivals(code, cluster, cluster.sample(2000, generator(1)))).max(axis=1)
    assert (found <= whole + 1e-12).all()
    assert found.mean() < 0.9 * whole.mean()


def test_good_orders_are_faster_than_bad_ones():
    held = gcopt.families.cyclic_repetition(12, 3, rng=0).support.toarray()
    cluster = Cluster(12, Delay("exponential", {"rate": 1.0}))
    bad = [np.flatnonzero(row).tolist() for row in held]
    good, worse = (
        partial_times(PartialWork.of(held, order, rng=0), cluster, iterations=4000, rng=1).mean()
        for order in (None, bad)
    )
    assert good < worse


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((RING,), {"blocks": 4}, "blocks is 4 and chunk 0 is on 3 workers"),
        ((RING,), {"blocks": 0}, "blocks is 0"),
        ((RING, [[0]]), {}, "order has 1 entries"),
        ((np.zeros(3),), {}, r"shape \(3,\)"),
    ],
)
def test_impossible_work_is_refused(arguments, options, message):
    with pytest.raises(InputError, match=message):
        PartialWork.of(*arguments, **options)


@pytest.mark.parametrize("progress", [(4, 0, 0, 0, 0), (-1, 0, 0, 0, 0), (1, 1), (0.5, 0, 0, 0, 0), (np.nan,) * 5])
def test_impossible_progress_is_refused(progress):
    with pytest.raises(InputError, match="progress is"):
        PartialWork.of(RING, BY_TURNS).ready(progress)


def test_another_cluster_is_refused():
    with pytest.raises(InputError, match="5 workers and the cluster has 4"):
        partial_times(PartialWork.of(RING, BY_TURNS), Cluster(4, Delay("exponential", {"rate": 1.0})), iterations=1)
