"""Bytes of messages: m times shorter with m blocks, as counted and as they lie in shared memory."""

from __future__ import annotations

import numpy as np
import pytest

import gcopt
from gcopt.cluster import Cluster
from gcopt.code import GradientCode, Segment
from gcopt.delays import Delay
from gcopt.training import train
from gcopt.training.local import LocalEngine
from tests.training.cases import X, codes, logistic

D = X.shape[1]
CLUSTER = Cluster(6, Delay("exponential", {"rate": 1.0}))


def full(m, length=1.0):
    return Segment(np.random.default_rng(m).standard_normal((6, 6 * m)), blocks=m, length=length)


def run(code, **options):
    given = {"engine": "virtual", "cluster": CLUSTER, "wait": "count", "iterations": 10, "step": 1e-3, "rng": 0}
    return train(code, logistic(), **{**given, **options})


@pytest.mark.parametrize(("engine", "m"), [("virtual", 1), ("virtual", 2), ("virtual", 11), ("local", 1), ("local", 2)])
def test_with_m_blocks_messages_are_m_times_shorter(engine, m):
    """All six answer in each of ten iterations."""
    result = run(GradientCode((full(m),)), engine=engine)
    size = 8 * -(-D // m)
    assert result.bytes_per_message == size
    assert result.bytes_received == 60 * size
    assert result.to_dict()["bytes"] == {
        "received": 60 * size,
        "unshortened": 60 * 8 * D,
        "messages": 60,
        "per_message": size,
        "per_iteration": 6 * size,
    }


@pytest.mark.parametrize("name", ["cyclic", "complex", "blocks"])
def test_what_is_counted_is_what_lies_in_shared_memory(monkeypatch, name):
    sizes, make = [], LocalEngine._event

    def looked_at(self, *report):
        event = make(self, *report)
        sizes.append(event.payload.nbytes)
        return event

    monkeypatch.setattr(LocalEngine, "_event", looked_at)
    result = run(codes()[name], engine="local", cluster=None)
    assert result.bytes_received == sum(sizes)
    assert result.traffic.messages == len(sizes)


def test_segments_have_lengths_of_their_own():
    code = GradientCode((full(2, 0.6), full(1, 0.4)))
    long, short = np.diff(code.cuts(D)).tolist()
    result = run(code)
    assert result.bytes_received == 60 * 8 * (-(-long // 2) + short)
    assert result.traffic.unshortened == 60 * 8 * D


def test_complex_messages_count_double():
    result = run(gcopt.families.cyclic_mds(6, 2))
    assert result.bytes_per_message == 16 * D
    assert result.traffic.messages == 40


@pytest.mark.parametrize("engine", ["virtual", "local"])
def test_partial_work_sends_short_messages_too(engine):
    placed = gcopt.families.fractional_repetition(6, 2).segments[0].encoding.toarray()
    code = GradientCode((Segment(np.hstack([placed, placed]), blocks=2, stragglers=1),))
    result = run(code, engine=engine, wait="partial")
    assert result.bytes_per_message == 8 * -(-D // 2)
    assert result.traffic.unshortened / result.traffic.messages == 8 * D
    assert 10 * 2 <= result.traffic.messages <= 10 * 6


def test_a_resumed_run_counts_its_own(tmp_path):
    code = GradientCode((full(2),))
    run(code, iterations=4, checkpoint=tmp_path / "c.npz")
    rest = run(code, resume=tmp_path / "c.npz", checkpoint=tmp_path / "c.npz")
    assert (rest.traffic.messages, rest.traffic.iterations) == (36, 6)
    nothing = run(code, resume=tmp_path / "c.npz")
    assert nothing.to_dict()["bytes"]["per_iteration"] == nothing.bytes_per_message == 0.0


def test_the_report_says_how_much_shorter(gcopt):
    import gcopt as package

    for m in (1, 2):
        package.save(GradientCode((full(m),)), f"{m}.npz")
    np.savetxt(
        "d.csv", np.column_stack([np.random.default_rng(0).standard_normal((60, 3)), np.arange(60) % 2]), delimiter=","
    )
    asked = ("--data", "d.csv", "--engine", "virtual", "--iterations", 2, "--step", 1e-3)
    assert "received per iteration: 192 B in 6 messages of 32 B\n" in gcopt("train", "1.npz", *asked).out
    short = gcopt("train", "2.npz", *asked).out
    assert "received per iteration: 96 B in 6 messages of 16 B, 2 times shorter than without blocks (m = 1)\n" in short
