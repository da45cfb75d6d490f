"""Checkpoints: the same bits after a resumption, and nothing else let in."""

from __future__ import annotations

import numpy as np
import pytest

import gcopt
from gcopt.cluster import Cluster
from gcopt.delays import Delay
from gcopt.errors import InputError
from gcopt.training import train
from gcopt.training.checkpoint import fingerprint_of_code, fingerprint_of_problem
from gcopt.training.problems import Logistic
from tests.training.cases import X, Y, codes, function, logistic

CODE = gcopt.families.cyclic_repetition(6, 2, rng=0)
CLUSTER = Cluster(6, Delay("exponential", {"rate": 1.0}))


def run(**options):
    return train(CODE, logistic(), **{"engine": "virtual", "cluster": CLUSTER, "iterations": 20, "rng": 4, **options})


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam"])
def test_a_resumed_run_ends_with_the_same_bits(tmp_path, optimizer):
    options = {"optimizer": optimizer, "batch": 0.4}
    whole = run(**options)
    run(**options, iterations=13, checkpoint=tmp_path / "c.npz", every=5)
    rest = run(**options, resume=tmp_path / "c.npz", rng=99)
    assert rest.parameters.tobytes() == whole.parameters.tobytes()
    assert (rest.loss, rest.time, rest.evaluated) == (whole.loss, whole.time, whole.evaluated)
    assert rest.responders.tobytes() == whole.responders.tobytes()
    assert (rest.seed, rest.stragglers_ignored) == (whole.seed, whole.stragglers_ignored)


def test_a_checkpoint_is_kept_up_to_date_during_the_run(tmp_path):
    place, seen = tmp_path / "c.npz", []

    def look(at):
        if place.exists():
            with np.load(place, allow_pickle=False) as file:
                seen.append((at.iteration, len(file["responders.shape"]), len(file["durations"])))

    run(checkpoint=place, every=6, on_iteration=look)
    assert seen == [(i, 3, 6 * (i // 6)) for i in range(6, 20)] + [(20, 3, 18)]
    assert [path.name for path in tmp_path.iterdir()] == ["c.npz"]


def test_a_finished_checkpoint_can_be_looked_at_and_gone_on_from(tmp_path):
    first = run(checkpoint=tmp_path / "c.npz")
    again = run(resume=tmp_path / "c.npz")
    assert again.parameters.tobytes() == first.parameters.tobytes()
    assert again.iterations == 20
    assert run(resume=tmp_path / "c.npz", iterations=25).parameters.tobytes() == run(iterations=25).parameters.tobytes()


def test_a_replay_gives_the_same_bits_at_other_times():
    first = run()
    other = run(rng=5)
    replayed = run(rng=5, replay=first.responders)
    assert other.parameters.tobytes() != first.parameters.tobytes()
    assert replayed.parameters.tobytes() == first.parameters.tobytes()
    assert replayed.responders.tobytes() == first.responders.tobytes()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"code": codes()["cyclic"].from_matrix(np.eye(6))}, "code"),
        ({"problem": Logistic(X, 1 - Y, regularization=1e-2)}, "problem"),
        ({"problem": Logistic(X, Y, regularization=2e-2)}, "problem"),
        ({"optimizer": "adam"}, "optimizer"),
        ({"batch": 0.5}, "batch"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(tmp_path, options, word):
    run(checkpoint=tmp_path / "c.npz", iterations=2)
    given = {"code": CODE, "problem": logistic(), "engine": "virtual", "resume": tmp_path / "c.npz", **options}
    with pytest.raises(InputError, match=f"c.npz: the checkpoint belongs to another {word}"):
        train(**given)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    place = tmp_path / "c.npz"
    run(checkpoint=place, iterations=2)
    whole = place.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"PK\x03\x04" + bytes(99)):
        place.write_bytes(content)
        with pytest.raises(InputError, match="not a readable checkpoint"):
            run(resume=place)
    np.savez(place, manifest=np.array([{}], dtype=object))
    with pytest.raises(InputError, match="not a readable checkpoint"):
        run(resume=place)


def test_a_checkpoint_beyond_the_end_is_refused(tmp_path):
    run(checkpoint=tmp_path / "c.npz", iterations=5)
    with pytest.raises(InputError, match="at 5 steps and iterations is 3"):
        run(resume=tmp_path / "c.npz", iterations=3)


def test_fingerprints_tell_apart_what_differs():
    prints = {fingerprint_of_code(code) for code in codes().values()}
    assert len(prints) == len(codes())
    assert fingerprint_of_code(CODE) == fingerprint_of_code(gcopt.families.cyclic_repetition(6, 2, rng=0))
    problems = [logistic(), Logistic(X, Y), Logistic(X + 1e-9, Y), function()]
    assert len({fingerprint_of_problem(problem) for problem in problems}) == len(problems)
    assert fingerprint_of_problem(function()) == fingerprint_of_problem(function())
