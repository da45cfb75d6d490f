"""The local engine with real processes: killed, stopped, continued, interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import gcopt
from gcopt.cluster import Cluster, Failures
from gcopt.delays import Delay
from gcopt.errors import InputError, TrainingError
from gcopt.training import Patience, train
from gcopt.training.local import LocalEngine
from gcopt.training.problems import Logistic
from gcopt.training.shared import Arena, Board
from tests.training.cases import X, Y, broken_in_workers, codes, descent, function, logistic

CODES = codes()
FRACTIONAL = CODES["fractional"]  # workers 0 2 4 do the same, and 1 3 5
ROOT = Path(__file__).parents[2]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def gone(pids, seconds=20.0):
    end = time.monotonic() + seconds
    while any(alive(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.01)
    return not any(alive(pid) for pid in pids)


def at(iteration, *acts):
    """Send signals, (worker, signal), after an iteration; what is killed is dead when it returns."""

    def act(progress):
        if progress.iteration == iteration:
            for worker, number in acts:
                os.kill(progress.pids[worker], number)
            assert gone([progress.pids[worker] for worker, number in acts if number == signal.SIGKILL])

    return act


@pytest.mark.parametrize("name", CODES)
def test_it_trains_like_the_virtual_engine(name):
    code, options = CODES[name], {"iterations": 30, "batch": 0.5, "step": 0.5, "rng": 3}
    seen = []
    local = train(code, logistic(), engine="local", on_iteration=seen.append, **options)
    virtual = train(code, logistic(), engine="virtual", **options)
    assert np.abs(local.parameters - virtual.parameters).max() < 1e-9
    assert local.final["loss"] == pytest.approx(virtual.final["loss"], rel=1e-9)
    assert local.failures == []
    assert len(set(seen[0].pids)) == code.workers
    assert gone(seen[0].pids)
    assert sum(row.used for row in local.workers) == local.responders.any(axis=1).sum()
    assert all(row.median > 0.0 for row in local.workers if row.answers)


def test_killed_and_stopped_workers_change_nothing():
    act = at(20, (2, signal.SIGKILL), (5, signal.SIGSTOP))
    result = train(FRACTIONAL, logistic(), iterations=200, step=0.5, on_iteration=act, rng=0)
    assert np.abs(result.parameters - descent(200, 0.5)).max() < 1e-12
    assert [(f.kind, f.worker) for f in result.failures if f.kind == "died"] == [("died", 2)]
    assert not result.responders[21:, 0, [2, 5]].any()
    undisturbed = train(FRACTIONAL, logistic(), engine="virtual", iterations=200, step=0.5, rng=0)
    assert np.abs(result.parameters - undisturbed.parameters).max() < 1e-12


def test_a_stopped_worker_that_goes_on_is_used_again():
    stop, go, kill = at(5, (1, signal.SIGSTOP)), at(15, (1, signal.SIGCONT)), at(25, (3, 9), (5, 9))

    def act(progress):
        stop(progress), go(progress), kill(progress)

    result = train(FRACTIONAL, logistic(), iterations=40, step=0.5, on_iteration=act)
    assert np.abs(result.parameters - descent(40, 0.5)).max() < 1e-12
    assert not result.responders[5:15, 0, 1].any()
    assert result.responders[26:, 0, 1].all()


def test_too_many_deaths_leave_a_checkpoint_that_resumes(tmp_path):
    act = at(10, (1, signal.SIGKILL), (3, signal.SIGKILL), (5, signal.SIGKILL))
    place = tmp_path / "c.npz"
    with pytest.raises(TrainingError, match="workers 1, 3, 5") as caught:
        train(FRACTIONAL, logistic(), iterations=30, step=0.5, on_iteration=act, checkpoint=place)
    assert str(place) in str(caught.value)
    result = train(FRACTIONAL, logistic(), iterations=30, step=0.5, resume=place)
    assert np.abs(result.parameters - descent(30, 0.5)).max() < 1e-12
    assert len(result.loss) == 31
    assert [f.kind for f in result.failures] == ["died"] * 3


def test_too_many_hanging_workers_end_the_run_too(tmp_path):
    act = at(10, (1, signal.SIGSTOP), (3, signal.SIGSTOP), (5, signal.SIGSTOP))
    patience, pids = Patience(floor=0.1, factor=2.0, least=0.2), []
    with pytest.raises(TrainingError, match=r"no answer for .* from workers 1, 3, 5"):
        train(
            FRACTIONAL,
            logistic(),
            iterations=30,
            on_iteration=lambda progress: (pids.extend(progress.pids), act(progress)),
            checkpoint=tmp_path / "c.npz",
            patience=patience,
        )
    assert gone(pids)


def test_recorded_responders_give_the_same_bits_also_after_a_resumption(tmp_path):
    code, options = CODES["complex"], {"optimizer": "adam", "batch": 0.5, "rng": 1}
    first = train(code, logistic(), iterations=25, **options)
    replayed = {"replay": first.responders, **options}
    part = train(code, logistic(), iterations=11, checkpoint=tmp_path / "c.npz", **replayed)
    assert part.loss == first.loss[:12]
    rest = train(code, logistic(), iterations=25, resume=tmp_path / "c.npz", **replayed)
    assert rest.parameters.tobytes() == first.parameters.tobytes()
    assert rest.loss == first.loss


def test_a_replay_that_needs_the_dead_ends(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    everybody = np.ones((30, 1, 6), dtype=bool)
    with pytest.raises(TrainingError, match="lost: worker 4"):
        train(FRACTIONAL, logistic(), iterations=30, replay=everybody, on_iteration=at(3, (4, signal.SIGKILL)), rng=8)
    assert (tmp_path / "gcopt-checkpoint-8-3.npz").exists()


def test_delays_hold_messages_back_and_slow_workers_are_left_behind():
    cluster = Cluster(6, Delay("deterministic", {"value": 0.06}), slowness=[1.0, 1.0, 1.0, 1.0, 100.0, 100.0])
    result = train(FRACTIONAL, logistic(), iterations=10, step=0.5, cluster=cluster, delays=True)
    assert np.abs(result.parameters - descent(10, 0.5)).max() < 1e-12
    assert min(result.durations) >= 0.03
    assert not result.responders[:, :, 4:].any()
    assert result.drift.predicted == pytest.approx(0.03)


def test_an_iteration_that_cannot_be_decoded_is_repeated():
    failures = Failures(probability=0.5, restart=0.01)
    cluster = Cluster(6, Delay("deterministic", {"value": 0.002}), failures=failures)
    result = train(FRACTIONAL, logistic(), iterations=20, step=0.5, cluster=cluster, delays=True, rng=0)
    assert np.abs(result.parameters - descent(20, 0.5)).max() < 1e-12
    repeated = {f.iteration for f in result.failures if f.kind == "undecodable"}
    assert repeated
    assert all(result.durations[i] >= 0.01 for i in repeated)


def test_many_workers_on_few_cores():
    code = gcopt.families.grouped(24, 3, rng=0)
    result = train(code, logistic(), iterations=20, step=0.5)
    assert np.abs(result.parameters - descent(20, 0.5)).max() < 1e-12


def test_the_users_own_functions():
    local, virtual = (
        train(FRACTIONAL, function(), engine=engine, iterations=10, step=0.1) for engine in ("local", "virtual")
    )
    assert np.abs(local.parameters - virtual.parameters).max() < 1e-12


def test_a_bug_in_the_users_function_is_told(tmp_path):
    with pytest.raises(TrainingError, match="ZeroDivisionError: a bug of the user's"):
        train(FRACTIONAL, function(broken_in_workers), step=0.1, checkpoint=tmp_path / "c.npz")


class Own(Logistic):
    """Importable by workers."""


def test_a_problem_that_workers_cannot_import_is_refused():
    class Hidden(Logistic):
        pass

    with pytest.raises(InputError, match="engine='virtual'"):
        train(FRACTIONAL, Hidden(X, Y))
    result = train(FRACTIONAL, Own(X, Y, regularization=1e-2), iterations=5, step=0.5)
    assert np.abs(result.parameters - descent(5, 0.5)).max() < 1e-12


SCRIPT = """import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs start with it ignored

import sys, time
import gcopt
from tests.training.cases import logistic

def tell(progress):
    if progress.iteration == 5:
        print(*progress.pids, flush=True)
    time.sleep(PAUSE)

code = gcopt.families.fractional_repetition(6, 2)
gcopt.train(code, logistic(), iterations=ITERATIONS, step=0.5, checkpoint=sys.argv[1], on_iteration=tell)
print("done", flush=True)
"""


def script(place, iterations, pause):
    text = SCRIPT.replace("ITERATIONS", str(iterations)).replace("PAUSE", str(pause))
    file = place / "script.py"
    file.write_text(text)
    return subprocess.Popen(
        [sys.executable, str(file), str(place / "c.npz")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def shared_memory():
    folder = Path("/dev/shm")
    return {path.name for path in folder.iterdir() if "gcopt" in path.name or "psm" in path.name}


def test_a_script_needs_no_main_guard(tmp_path):
    out, err = script(tmp_path, 20, 0.0).communicate(timeout=120)
    assert out.splitlines()[1:] == ["done"]
    assert err == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_however_the_master_ends(tmp_path, number):
    before = shared_memory()
    process = script(tmp_path, 10**6, 0.01)
    pids = [int(word) for word in process.stdout.readline().split()]
    assert len(pids) == 6
    # a stopped worker cannot see that its master is gone
    os.kill(pids[2], signal.SIGSTOP)
    keeper = int(Path(f"/proc/{pids[0]}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -number
    assert gone([*pids, keeper])
    assert shared_memory() <= before
    if number == signal.SIGINT:
        assert err.rstrip().endswith("KeyboardInterrupt")
        with np.load(tmp_path / "c.npz", allow_pickle=False) as file:
            assert len(file["durations"]) >= 5


def test_a_late_worker_reads_whole_parameters():
    shapes = Board.shapes(1, 1000, [1], ["<f8"])
    arena = Arena.create(shapes)
    board, reader = Board(arena), Board(Arena.attach(arena.descriptor, arena.places))
    if (child := os.fork()) == 0:
        for version in range(3000):
            board.show((version, version, 0), np.full(1000, float(version)), 0.0, None)
        os._exit(0)
    seen = set()
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        (version, batch, _), parameters, _ = reader.look(0)
        seen.add(version)
        assert batch == version
        assert parameters.min() == parameters.max() == version
    assert seen


def test_a_worker_that_dies_before_it_is_ready_is_told(monkeypatch):
    monkeypatch.setattr(LocalEngine, "worker", "tests.training.cases:Stillborn")
    monkeypatch.setattr("gcopt.training.local._PATIENCE_AT_THE_END", 0.1)
    with pytest.raises(TrainingError, match="the workers did not start: the process of a worker ended"):
        train(FRACTIONAL, logistic(), iterations=1)
