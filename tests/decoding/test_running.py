"""Errors that are carried along agree with fresh ones, whatever came before; coefficients never depend on it."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gcopt
from gcopt.code import Segment
from gcopt.decoding import Decoder, components
from gcopt.decoding.running import RunningInverse, RunningSpan, RunningSums
from tests.matrices import FANO, PETERSEN, incidence

RNG = np.random.default_rng(0)
CODES = {
    "full rank": Segment(RNG.standard_normal((30, 40))),
    "complex": Segment(RNG.standard_normal((12, 15)) + 1j * RNG.standard_normal((12, 15))),
    "blocks": Segment(RNG.standard_normal((12, 20)), blocks=2),
    "Petersen": Segment(PETERSEN),
    "redundant": gcopt.families.cyclic_repetition(14, 4, rng=0).segments[0],
    "redundant, some 4 do": gcopt.families.cyclic_mds(9, 4).segments[0],
    "low rank": Segment(RNG.standard_normal((12, 5)) @ RNG.standard_normal((5, 12))),
    "cube": Segment(nx.to_numpy_array(nx.hypercube_graph(3))),
    "graph": Segment(incidence(nx.petersen_graph())),
    "design": Segment(FANO),
    "groups": gcopt.families.grouped(13, 3).segments[0],
    "sum": Segment(RNG.standard_normal((12, 9)), decoder="sum"),
    "scaled": Segment(RNG.standard_normal((12, 9)) * (RNG.random((12, 9)) < 0.4), decoder="scaled"),
    "scaled and exact": Segment(np.eye(5), decoder="scaled"),
    "nobody holds partition 0": Segment(np.array([[0.0, 1.0, 2.0], [0.0, 1.0, 1.0], [0.0, 2.0, -1.0]])),
}


def walk(n, steps, rng):
    """Sets of responders that change by a few workers, and now and then altogether."""
    heard = np.ones(n, dtype=bool)
    for step in range(steps):
        if step % 17 == 16:
            heard = rng.random(n) < rng.random()
        else:
            heard = heard ^ (rng.random(n) < 2 / n)
        yield heard


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(list(CODES)), st.integers(0, 10**6))
def test_errors_agree_with_fresh_ones(name, seed):
    decoder = Decoder(CODES[name])
    running = decoder.running()
    for heard in walk(decoder.segment.workers, 40, np.random.default_rng(seed)):
        fresh = decoder(heard).error
        assert running.error(heard) == pytest.approx(fresh, rel=1e-8, abs=1e-12 * decoder.segment.encoding.shape[1])
        assert running.decodes(heard) == decoder.decodes(heard)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(CODES)), st.integers(0, 10**6))
def test_answers_of_components_agree_with_fresh_ones(name, seed):
    for component in components(CODES[name]):
        running = component.running()
        for heard in walk(component.workers.size, 40, np.random.default_rng(seed)):
            assert running.decodes(heard) == component.decodes(heard)


@pytest.mark.parametrize(
    ("kind", "segment"),
    [
        (RunningInverse, CODES["full rank"]),
        (RunningSpan, gcopt.families.cyclic_mds(30, 12).segments[0]),
        (RunningSums, Segment(RNG.standard_normal((30, 9)), decoder="sum")),
    ],
)
def test_sets_that_differ_by_one_worker_are_reached_by_changes(kind, segment, monkeypatch):
    running = Decoder(segment).running() if segment.is_linear else components(segment)[0].running()
    assert isinstance(running, kind)
    running.decodes(np.arange(30) >= 26)
    fresh = []
    monkeypatch.setattr(running, "_fresh", lambda: fresh.append(1))
    for lost in range(25, 14, -1):
        assert not running.decodes(np.arange(30) >= lost)
    assert not fresh


def test_what_has_drifted_is_made_anew():
    component = components(CODES["full rank"])[0]
    running, n = component.running(), component.workers.size
    running.error(np.arange(n) >= 10)
    running._inverse += 1e-2
    heard = np.arange(n) >= 11
    assert running.error(heard) == pytest.approx(component.error(heard), rel=1e-9)


@pytest.mark.parametrize("name", CODES)
def test_coefficients_do_not_depend_on_what_was_decoded_before(name):
    segment = CODES[name]
    sets = list(walk(segment.workers, 25, np.random.default_rng(3)))
    first, second, running = Decoder(segment), Decoder(segment), Decoder(segment)
    follow = running.running()
    found = [first(heard) for heard in sets]
    for heard in sets:
        follow.error(heard)
    for heard, one in zip(reversed(sets), reversed(found), strict=True):
        other, third = second(heard), running(heard)
        assert one.matrix.tobytes() == other.matrix.tobytes() == third.matrix.tobytes()
        assert one.error == other.error == third.error
