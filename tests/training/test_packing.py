"""Training with compressed messages: what is sent, what is kept, who is lost, what is refused."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt import families
from gcopt.cluster import Cluster
from gcopt.cluster_parts import Failures
from gcopt.compression import Stream, parse
from gcopt.compression.messages import real_widths
from gcopt.delays import Delay
from gcopt.errors import InputError, TrainingError
from gcopt.training import train
from gcopt.training.batches import Batches
from gcopt.training.events import Message
from gcopt.training.packing import Memory, Packing
from tests.training.cases import Huge, Spoiling, X, Y, logistic
from tests.training.test_local import at

ENGINES = ("virtual", "local")
# every worker is away in a third of the iterations
AWAY = Cluster(8, Delay("deterministic", {"value": 1e-3}), failures=Failures(probability=1 / 3))
RANDOM = {"engine": "virtual", "cluster": AWAY, "wait": "deadline", "deadline": 1.0, "rng": 5, "step": 0.1}


def summing(workers=8, replication=3):
    return families.pairwise_balanced(workers, replication, 1 / 3, rng=0)


def run(compress, **options):
    return train(summing(), logistic(), compress=compress, **{"iterations": 12, **RANDOM, **options})


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("code", [summing(), families.cyclic_mds(8, 2)], ids=["real", "complex"])
def test_compression_by_nothing_changes_nothing(code, engine):
    found = [
        train(code, logistic(), engine=engine, compress=word, iterations=5, rng=0, step=0.1, replay=np.ones((5, 1, 8)))
        for word in (None, "none")
    ]
    assert np.array_equal(found[0].parameters, found[1].parameters)


@pytest.mark.parametrize("word", ["dither1:max", "dither1:norm,subtractive", "sign", "feedback+sign", "dither1:0.5"])
def test_both_engines_send_the_same(word):
    """The dither follows from seed, iteration and worker, so that the same responders give the same parameters."""
    local = train(summing(), logistic(), compress=word, iterations=15, batch=0.5, rng=3, step=0.1, wait="count")
    again = train(
        summing(),
        logistic(),
        engine="virtual",
        compress=word,
        iterations=15,
        batch=0.5,
        rng=3,
        step=0.1,
        replay=local.responders,
    )
    assert np.abs(again.parameters - local.parameters).max() < 1e-9
    assert again.compressor == local.compressor == word


@pytest.mark.parametrize("engine", ENGINES)
def test_bytes_are_those_of_the_compressor(engine):
    problem = logistic()
    found = train(summing(), problem, engine=engine, compress="dither1:max", iterations=4, rng=0, step=0.1)
    size = parse("dither1:max").size(problem.parameters)
    assert found.traffic.per_message == size
    assert found.traffic.unshortened == 8 * problem.parameters * found.traffic.messages
    assert found.to_dict()["compression"] == {"compressor": "dither1:max", "saved": found.traffic.saved, "saturated": 0}


def test_what_the_code_says_is_done_unless_told_otherwise():
    code, options = summing().compressed("sign"), {"engine": "virtual", "iterations": 3, "rng": 0, "step": 0.1}
    found = [train(code, logistic(), compress=word, **options) for word in (None, "dither1:max", "none")]
    assert [one.compressor for one in found] == ["sign", "dither1:max", None]


@pytest.mark.parametrize("word", ["feedback+sign", "feedback+dither1:max"])
def test_with_feedback_a_virtual_sequence_moves_as_without_compression(word, monkeypatch):
    """theta - step sum_i e_i moves by the uncompressed sum of what was used (COCO-EF, an exact identity)."""
    from gcopt.training.virtual import VirtualEngine

    seen, vectors = [], VirtualEngine._vectors

    def spy(self, c, segment, version):
        found = vectors(self, c, segment, version)
        kept = sum(self.memory.now(0, j) for j in range(8))
        seen.append((self._parameters, kept, found))
        return found

    monkeypatch.setattr(VirtualEngine, "_vectors", spy)
    result = run(word, optimizer="sgd", iterations=20)
    used = result.responders[:, 0]
    assert 0 < used.mean() < 0.8
    for (before, kept, sent), (after, left, _), heard in zip(seen[:-1], seen[1:], used[:-1], strict=True):
        moved = sent[heard].sum(axis=0) + logistic().regularization * before
        assert after - 0.1 * left == pytest.approx(before - 0.1 * kept - 0.1 * moved, abs=1e-12)


def test_feedback_mends_what_signs_alone_cannot():
    options = {"iterations": 300, "optimizer": "sgd", "step": 0.2, "evaluate_every": 300}
    exact, plain, mended = (run(word, **options).loss[-1] for word in (None, "sign", "feedback+sign"))
    assert abs(mended - exact) < 0.05 * (plain - exact)


@pytest.mark.parametrize("word", ["feedback+sign", "dither1:max"])
def test_a_resumed_run_goes_on_to_the_same_bits(word, tmp_path):
    whole = run(word, iterations=20)
    run(word, iterations=9, checkpoint=tmp_path / "c.npz")
    rest = run(word, iterations=20, resume=tmp_path / "c.npz")
    assert np.array_equal(whole.parameters, rest.parameters)
    with pytest.raises(InputError, match="belongs to another code"):
        run("dither1:norm", iterations=20, resume=tmp_path / "c.npz")


def test_a_resumed_run_of_processes_goes_on_to_the_same_bits(tmp_path):
    options = {"engine": "local", "cluster": None, "wait": "count", "deadline": None}
    whole = run("feedback+sign", iterations=14, **options)
    kept = {**options, "replay": whole.responders}
    run("feedback+sign", iterations=6, checkpoint=tmp_path / "c.npz", **kept)
    rest = run("feedback+sign", iterations=14, resume=tmp_path / "c.npz", **kept)
    assert np.array_equal(whole.parameters, rest.parameters)


@pytest.mark.parametrize("word", ["dither1:max", "feedback+sign"])
def test_two_of_eight_are_killed_and_the_run_ends_well(word):
    act = at(10, (2, signal.SIGKILL), (5, signal.SIGKILL))
    found = train(
        summing(),
        logistic(),
        compress=word,
        iterations=40,
        on_iteration=act,
        rng=0,
        step=0.1,
        wait="deadline",
        deadline=30.0,
    )
    assert sorted(failure.worker for failure in found.failures) == [2, 5]
    assert found.responders[12:, 0].sum(axis=1).tolist() == [6] * 28
    assert found.traffic.saved > 8
    assert found.loss[-1] < found.loss[0]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("word", ["dither1:max", "dither1:norm", "dither1:0.1", "sign", "feedback+sign", "none"])
def test_a_gradient_that_is_not_finite_ends_the_run(word, engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (partition,) = (i for i, (a, b) in enumerate(Batches(301, 8, 1.0, 0).rows(0, np.arange(8))[0]) if a <= 230 < b)
    code = families.fractional_repetition(8, 1).compressed(word)
    holders = code.support[:, [partition]].nonzero()[0].tolist()
    named = f"worker [{holders[0]}{holders[1]}] found NaN or infinity in the gradient of partition {partition} after"
    plain = "the decoded gradient holds NaN"
    with pytest.raises(TrainingError, match=f"iteration [1-9]: {plain if word == 'none' else named}"):
        train(code, Spoiling(X, Y), engine=engine, iterations=20, step=0.1, rng=0)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_message_beyond_single_precision_is_refused_in_words(engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = families.fractional_repetition(8, 1).compressed("dither1:max")
    with pytest.raises(TrainingError, match=r"worker [0-7] cannot compress its message: numbers above 3\.4e38"):
        train(code, Huge(X, Y), engine=engine, iterations=20, step=0.1, rng=0)


def test_what_a_fixed_scale_cannot_express_is_counted():
    for engine in ENGINES:
        found = train(summing(), logistic(), engine=engine, compress="dither1:1e-3", iterations=3, rng=0, step=0.1)
        assert found.saturated > 50
        assert found.to_dict()["compression"]["saturated"] == found.saturated


def test_a_scale_known_to_suffice_is_not_sent_and_nothing_is_counted():
    found = run("dither1:2.5")
    assert found.saturated == 0
    assert found.traffic.per_message == 2


def test_partial_work_is_not_compressed():
    with pytest.raises(InputError, match="wait is 'partial' and messages are compressed by sign; none would work"):
        train(families.fractional_repetition(8, 1), logistic(), wait="partial", compress="sign")


def test_an_unknown_compressor_is_refused():
    with pytest.raises(InputError, match="compress is 'zip'; there are: "):
        run("zip")


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.integers(1, 40), st.booleans(), st.integers(0, 2**32))
def test_messages_are_added_up_as_if_unpacked_one_by_one(blocks, length, imaginary, seed):
    rng, packing = np.random.default_rng(seed), Packing(parse("dither1:max,subtractive"), 7)
    width = -(-length // blocks)
    vectors, weights = rng.standard_normal((4, width)), rng.standard_normal((blocks, 4))
    if imaginary:
        vectors, weights = vectors + 1j * rng.standard_normal((4, width)), weights * (1 + 2j)
    messages, unpacked = [], []
    for j, vector in enumerate(vectors):
        room = np.empty(packing.compressor.size(vector.view(float).size), dtype=np.uint8)
        packing.pack(vector, 3, j, 1, room)
        messages.append(Message(j, 1, 3, 0, 0, room, 0.0, 0.0))
        back = packing.compressor.decompress(room, vector.view(float).size, Stream(7, 3, j, 1))
        unpacked.append(back.view(vector.dtype))
    out = np.full(length, np.nan)
    packing.combine(weights, messages, out)
    assert out == pytest.approx((weights @ np.array(unpacked)).real.ravel()[:length], rel=1e-12, abs=1e-12)


def test_memory_changes_places_only_for_what_is_used():
    memory = Memory.empty(3, [2, 1])
    memory.next(0, 1)[:] = 4.0
    memory.next(0, 2)[:] = 5.0
    memory.keep(0, 1)
    assert [kept.tolist() for kept in memory.snapshot()] == [[[0, 0], [4, 4], [0, 0]], [[0], [0], [0]]]
    other = Memory.empty(3, [2, 1])
    other.restore(memory.snapshot())
    assert np.array_equal(other.snapshot()[0], memory.snapshot()[0])


def test_complex_messages_count_double():
    assert real_widths(families.cyclic_mds(6, 2), 10) == [20]
    assert families.cyclic_mds(6, 2).compressed("sign").message_bytes(10).tolist() == [7]


@pytest.mark.parametrize("engine", ENGINES)
def test_least_squares_weigh_the_noise_of_compression_where_they_are_not_exact(engine):
    """Answers that decode exactly still do; others are the same multiple of the gradient; what is kept is no noise."""
    code, options = (
        families.circulant(7, 3, shifts=[0, 1, 3]),
        {"engine": engine, "iterations": 2, "rng": 0, "step": 0.1},
    )
    for heard in (np.ones(7), np.array([1, 0, 1, 1, 1, 0, 0])):
        plain, packed, kept = (
            train(code, logistic(), compress=word, replay=np.tile(heard, (2, 1, 1)), **options)
            for word in (None, "dither1:max", "feedback+dither1:max")
        )
        assert np.array_equal(plain.errors, kept.errors)
        if heard.all():
            assert packed.errors.max() < 1e-12
        else:
            assert (packed.errors >= plain.errors * (1 - 1e-9)).all()
            assert packed.estimate.factor == pytest.approx(plain.estimate.factor)


def test_weighing_the_noise_makes_the_gradient_better():
    """Mean squared distance of the first step from the exact one, over many seeds."""
    from gcopt.training.policy import Policy

    code, heard = families.cyclic_repetition(8, 3, rng=1), np.arange(8) > 3
    options = {"engine": "virtual", "iterations": 1, "step": 1.0, "optimizer": "sgd"}
    exact = train(code, logistic(), rng=0, **options).parameters

    def off():
        options["replay"] = heard[None, None]
        ends = [train(code, logistic(), compress="dither1:norm", rng=s, **options).parameters for s in range(60)]
        return np.mean([np.sum((end - exact) ** 2) for end in ends])

    weighed = off()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Policy, "weighs", lambda self, segment: False)
        assert weighed < 0.8 * off()
