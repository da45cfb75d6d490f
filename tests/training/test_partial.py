"""Training with partial work: always the exact gradient, never later than whole answers, whoever is lost when."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gcopt
from gcopt.cluster import Cluster, Failures, Network, Trace
from gcopt.code import GradientCode
from gcopt.delays import Delay
from gcopt.errors import InputError, TrainingError
from gcopt.partial import PartialWork, encode_partial
from gcopt.training import Patience, train
from gcopt.training.events import Answer, GiveUp, Lost, Message, Reached, Step, Tick
from gcopt.training.partial import PartialMaster, PartialPolicy, assignment_of
from tests.training.cases import broken_in_workers, codes, descent, function, logistic, stuck_after_one

CODES = codes()
OPTIONS = {"step": 0.5, "wait": "partial"}
GRADIENTS = np.random.default_rng(3).standard_normal((7, 9))


def exponential(n, **other):
    return Cluster(n, Delay("shifted-exponential", {"rate": 1.0, "shift": 0.3}), **other)


def master_of(name, blocks=None, **patience):
    code = CODES[name]
    work = PartialWork.of(code.support, blocks=blocks or code.blocks, rng=0)
    return PartialMaster(PartialPolicy(assignment_of(code), work), Patience(**patience)), work


def decoded(master, step):
    out = np.empty(GRADIENTS.shape[1])
    (part,) = step.parts
    master.policy.combine(part, out)
    return out


class Workers:
    """What every worker would report and send, one by one."""

    def __init__(self, work, version=0):
        self.work, self.version, self.done = work, version, [0] * work.workers

    def report(self, j):
        self.done[j] += 1
        return Reached(j, self.done[j], self.version, self.version, 0, 1.0, 1.0)

    def message(self, j, answer):
        mine = GRADIENTS[self.work.order[j]]
        return Message(
            j, 0, self.version, self.version, answer.draw, encode_partial(mine, answer.coefficients[j]), 1.0, 1.0
        )


@pytest.mark.parametrize(("name", "blocks"), [("fractional", 1), ("cyclic", 2), ("grouped", 3)])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_whatever_happens_in_whatever_order_the_gradient_is_exact(name, blocks, data):
    master, work = master_of(name, blocks)
    master.begin(version=4, batch=4, now=0.0)
    workers, answer, dead, unsent = Workers(work, 4), None, set(), set()
    stale = []
    for _ in range(1000):
        living = [j for j in range(work.workers) if j not in dead]
        busy = [j for j in living if workers.done[j] < work.load[j]]
        acts = [("report", j) for j in busy] + [("send", j) for j in sorted(unsent)]
        if len(dead) < code_copies(work) - blocks:
            acts += [("die", j) for j in living]
        # whoever speaks is not dead
        acts += [("stale", k) for k, message in enumerate(stale) if message.worker not in dead]
        what, j = data.draw(st.sampled_from(acts))
        if what == "report":
            action = master.handle(workers.report(j))
        elif what == "send":
            unsent.remove(j)
            stale.append(workers.message(j, answer))
            action = master.handle(stale[-1])
        elif what == "die":
            dead.add(j)
            unsent.discard(j)
            action = master.handle(Lost(j, 1.0, "gone"))
        else:
            wrong = {"draw": 99} if stale[j].draw == answer.draw else {}
            action = master.handle(stale[j]._replace(payload=np.full_like(stale[j].payload, np.nan), **wrong))
        if isinstance(action, Answer):
            assert answer is None or action.draw == answer.draw + 1
            assert work.ready(action.progress)
            assert not action.progress[sorted(dead)].any()
            answer, unsent = action, set(np.flatnonzero(action.progress).tolist())
        if isinstance(action, Step):
            break
    assert isinstance(action, Step)
    assert np.abs(decoded(master, action) - GRADIENTS[: work.chunks].sum(axis=0)).max() < 1e-11
    assert action.parts[0].heard.tolist() == (answer.progress > 0).tolist()


def code_copies(work):
    return int(work.held.sum(axis=0).min())


def test_a_message_that_comes_while_nobody_is_asked_ends_nothing():
    """Workers 0 and 1 are asked; 0 is lost before it sends, and 2 and 4 have not processed what it had."""
    master, work = master_of("fractional")
    master.begin(version=0, batch=0, now=0.0)
    workers = Workers(work)
    answer = next(a for j in (0, 0, 0, 1, 1, 1) if (a := master.handle(workers.report(j))) is not None)
    assert master.handle(Lost(0, 1.0, "killed")) is None
    assert master.handle(workers.message(1, answer)) is None
    again = next(a for _ in range(3) if (a := master.handle(workers.report(2))) is not None)
    assert again.progress[0] == 0
    assert master.handle(workers.message(1, again)) is None
    assert isinstance(master.handle(workers.message(2, again)), Step)


def test_a_worker_lost_after_it_was_asked_is_replaced():
    master, work = master_of("fractional")
    master.begin(version=0, batch=0, now=0.0)
    workers = Workers(work)
    # workers 0 2 4 do the same in other orders, and 1 3 5
    actions = [master.handle(workers.report(j)) for j in range(6)]
    first = actions[-1]
    assert isinstance(first, Answer)
    for j in (0, 1, 2, 3, 5):
        assert master.handle(workers.message(j, first)) is None
    assert master.handle(Lost(4, 1.0, "gone")) is None
    second = master.handle(workers.report(0)) or master.handle(workers.report(0))
    assert (second.draw, second.progress[4]) == (2, 0)
    assert master.handle(workers.message(5, first)) is None
    found = [master.handle(workers.message(j, second)) for j in (0, 1, 2, 3, 5)]
    assert found[:4] == [None] * 4
    assert np.allclose(decoded(master, found[4]), GRADIENTS[:6].sum(axis=0), atol=1e-12)
    assert [(f.kind, f.worker) for f in master.failures] == [("died", 4)]


def test_a_worker_silent_after_it_was_asked_is_done_without():
    master, work = master_of("fractional", floor=1.0, window=2)
    master.begin(version=0, batch=0, now=0.0)
    workers = Workers(work)
    for _ in range(3):
        for j in range(5):
            answer = master.handle(workers.report(j)) or None
            if isinstance(answer, Answer):
                asked = answer
    for j in np.flatnonzero(asked.progress)[1:]:
        assert master.handle(workers.message(j, asked)) is None
    silent = int(np.flatnonzero(asked.progress)[0])
    again = master.handle(Tick(master.deadline + 1.0))
    assert isinstance(again, Answer)
    assert (again.draw, again.progress[silent]) == (2, 0)
    assert silent in master.silent


def test_too_many_deaths_end_it():
    master, _ = master_of("fractional")
    master.begin(version=0, batch=0, now=0.0)
    found = [master.handle(Lost(j, 1.0, "gone")) for j in (1, 3, 5)]
    assert found[:2] == [None, None]
    assert isinstance(found[2], GiveUp)
    assert isinstance(master.check(), GiveUp)


@pytest.mark.parametrize("name", CODES)
def test_the_virtual_engine_is_gradient_descent(name):
    code = CODES[name]
    cluster = exponential(code.workers)
    result = train(code, logistic(), engine="virtual", cluster=cluster, iterations=40, rng=0, **OPTIONS)
    assert np.abs(result.parameters - descent(40, 0.5)).max() < 1e-12
    assert result.responders.shape == (40, 1, code.workers)
    assert result.late == 0
    assert result.drift.predicted == pytest.approx(np.mean(result.durations), rel=0.2)


@pytest.mark.parametrize("name", ["fractional", "grouped", "cyclic"])
def test_it_is_never_later_than_whole_answers(name):
    options = {"engine": "virtual", "cluster": exponential(CODES[name].workers), "iterations": 200, "rng": 5}
    partial, whole = (train(CODES[name], logistic(), wait=wait, **options) for wait in ("partial", "decodable"))
    assert (np.array(partial.durations) <= np.array(whole.durations) + 1e-9).all()
    assert partial.seconds < 0.8 * whole.seconds
    assert np.abs(partial.parameters - whole.parameters).max() < 1e-12


def test_its_clock_counts_reports_answers_and_messages():
    network = Network(latency=0.5, bandwidth=16.0, master_bandwidth=32.0)
    cluster = Cluster(6, Delay("deterministic", {"value": 6.0}), network=network)
    # all six report their first partition at 1 s, and between them that is all; one number, 8 bytes, is the gradient
    for late in (np.zeros(6), np.array([0.0, 0.0, 9.0, 0.0, 7.0, 0.0])):
        cluster = cluster.replace(transfer=Trace(late[None]))
        result = train(CODES["fractional"], logistic(), engine="virtual", cluster=cluster, iterations=2, **OPTIONS)
        # six messages in a row, or the last one comes when the link is free
        expected = 1.0 + 3 * 0.5 + 8 / 16 + (9.0 + 8 / 32 if late.any() else 6 * 8 / 32)
        assert result.durations == pytest.approx([expected] * 2)


def test_stalls_and_restarts():
    cluster = exponential(6, failures=Failures(probability=0.2, restart=100.0))
    result = train(CODES["fractional"], logistic(), engine="virtual", cluster=cluster, iterations=150, rng=0, **OPTIONS)
    repeated = [f.iteration for f in result.failures if f.kind == "undecodable"]
    assert repeated
    assert np.flatnonzero(np.array(result.durations) > 100.0).tolist() == repeated
    assert np.abs(result.parameters - descent(150, 0.5)).max() < 1e-12


@pytest.mark.parametrize("engine", ["virtual", "local"])
def test_functions_of_the_users_own_with_messages_in_blocks(engine):
    """Whole gradients of partitions are all it takes, also where the code itself would need blocks of them."""
    found = train(CODES["blocks"], function(), engine=engine, iterations=10, step=0.1, wait="partial", rng=0)
    plain = train(CODES["fractional"], function(), engine="virtual", iterations=10, step=0.1)
    assert np.abs(found.parameters - plain.parameters).max() < 1e-12


@pytest.mark.parametrize(
    ("code", "options", "message"),
    [
        (CODES["cyclic"], {"wait": "long"}, "wait is 'long'; decodable, count, deadline or partial would work"),
        (CODES["cyclic"], {"replay": np.ones((5, 1, 6))}, "replay is given and wait is 'partial'"),
        (GradientCode.from_matrix(np.tile(np.eye(4), 2), blocks=2), {}, "blocks is 2 and chunk 0 is on 1 workers"),
        (CODES["cyclic"], {"cluster": exponential(5)}, "6 workers and the cluster 5"),
    ],
)
def test_the_impossible_is_refused(code, options, message):
    with pytest.raises(InputError, match=message):
        train(code, logistic(), **{"engine": "virtual", "iterations": 5, **OPTIONS, **options})


@pytest.mark.parametrize("name", ["fractional", "blocks", "two-stage"])
def test_the_local_engine_trains_like_the_virtual_one(name):
    options = {"iterations": 30, "batch": 0.5, "rng": 3, **OPTIONS}
    local, virtual = (train(CODES[name], logistic(), engine=engine, **options) for engine in ("local", "virtual"))
    assert np.abs(local.parameters - virtual.parameters).max() < 1e-12
    assert local.failures == []
    assert all(row.median > 0.0 for row in local.workers if row.answers)


def test_killed_and_stopped_workers_change_nothing():
    def act(progress):
        if progress.iteration == 20:
            os.kill(progress.pids[2], signal.SIGKILL)
            os.kill(progress.pids[5], signal.SIGSTOP)

    result = train(CODES["fractional"], logistic(), iterations=100, on_iteration=act, rng=0, **OPTIONS)
    assert np.abs(result.parameters - descent(100, 0.5)).max() < 1e-12
    assert {(f.kind, f.worker) for f in result.failures} >= {("died", 2)}
    assert not result.responders[30:, 0, [2, 5]].any()


def test_delays_are_those_of_the_simulation():
    cluster = exponential(6, slowness=[0.1, 0.1, 0.1, 0.1, 0.1, 5.0])
    options = {"cluster": cluster, "iterations": 8, "rng": 1, **OPTIONS}
    local = train(CODES["cyclic"], logistic(), delays=True, **options)
    virtual = train(CODES["cyclic"], logistic(), engine="virtual", **options)
    assert (np.array(local.durations) >= np.array(virtual.durations) - 1e-6).all()
    assert np.abs(local.parameters - virtual.parameters).max() < 1e-12


def test_a_worker_answers_while_it_computes():
    code = gcopt.families.fractional_repetition(2, 1)
    patience = Patience(window=2, floor=0.1, factor=2.0, least=20.0)
    result = train(code, function(stuck_after_one), iterations=1, step=0.1, wait="partial", patience=patience)
    assert result.responders.tolist() == [[[True, True]]]
    plain = train(code, function(), engine="virtual", iterations=1, step=0.1)
    assert np.abs(result.parameters - plain.parameters).max() < 1e-12


def test_a_bug_in_the_users_function_is_told(tmp_path):
    with pytest.raises(TrainingError, match="ZeroDivisionError: a bug of the user's"):
        train(CODES["fractional"], function(broken_in_workers), checkpoint=tmp_path / "c.npz", **OPTIONS)


def test_a_checkpoint_goes_on(tmp_path):
    place, options = tmp_path / "c.npz", {"engine": "virtual", "cluster": exponential(6), "rng": 2, **OPTIONS}
    train(CODES["two-stage"], logistic(), iterations=11, checkpoint=place, **options)
    rest = train(CODES["two-stage"], logistic(), iterations=25, resume=place, **options)
    whole = train(CODES["two-stage"], logistic(), iterations=25, **options)
    assert rest.parameters.tobytes() == whole.parameters.tobytes()
    assert rest.durations == whole.durations


def test_a_checkpoint_of_whole_answers_is_refused(tmp_path):
    place, options = tmp_path / "c.npz", {"engine": "virtual", "iterations": 3, "step": 0.5}
    train(CODES["cyclic"], logistic(), checkpoint=place, **options)
    with pytest.raises(InputError, match="another code, or to partial work"):
        train(CODES["cyclic"], logistic(), resume=place, wait="partial", **options)
