"""The outer loop: what it finds depends on the moves alone; a killed process or an interrupt loses nothing."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from gcopt.solvers.chains import Chain
from gcopt.solvers.errors import InputError, LimitError
from gcopt.solvers.searching import Search
from gcopt.solvers.seeding import generator


@dataclass(frozen=True)
class Wander:
    """A random walk; ten moves at a time, each as slow as asked."""

    slow: float = 0.0
    deadly: str = ""

    def compile(self):
        pass

    def start(self, seed, number):
        return Chain(number, 0, 10.0 + number, {"x": np.array([10.0 + number])})

    def advance(self, chain, seed):
        time.sleep(self.slow)
        if self.deadly and chain.number == 1 and chain.moves == 20:
            with open(self.deadly, "a+") as deaths:
                deaths.seek(0)
                if len(deaths.read()) < (1 if "once" in self.deadly else 99):
                    deaths.write("x")
                    deaths.flush()
                    os.kill(os.getpid(), signal.SIGKILL)
        x = chain.arrays["x"] + generator(seed, chain.number, chain.moves).normal(size=10).sum()
        return Chain(
            chain.number,
            chain.moves + 10,
            min(chain.value, abs(float(x[0]))),
            {"x": x, "process": np.array(os.getpid())},
        )


def same(one, other):
    assert one.moves == other.moves
    assert [c.value for c in one.chains] == [c.value for c in other.chains]
    assert (one.best.number, one.best.value) == (other.best.number, other.best.value)


def test_moves_replay_a_timed_search_on_one_process_and_on_two():
    timed = Search(seconds=0.2, chains=3).run(Wander(0.001), rng=5)
    assert timed.stopped == "time"
    assert min(timed.moves) > 0
    same(timed, Search(moves=timed.moves).run(Wander(), rng=5))
    same(timed, Search(moves=timed.moves, processes=2).run(Wander(), rng=5))


def test_two_processes_work_at_once():
    found = Search(moves=[100, 100], processes=2).run(Wander(0.05), rng=0)
    at_work = {int(chain.arrays["process"]) for chain in found.chains}
    assert len(at_work | {os.getpid()}) == 3


def test_a_search_goes_on_from_its_chains():
    whole = Search(moves=200, chains=2).run(Wander(), rng=3)
    half = Search(moves=[100, 30]).run(Wander(), rng=3)
    same(whole, Search(moves=200, chains=2).run(Wander(), rng=3, chains=half.chains))


def test_a_time_limit_of_zero_starts_one_chain_and_no_more():
    found = Search(seconds=0.0).run(Wander(), rng=0)
    assert (found.moves, found.best.value, found.stopped) == ((0,), 10.0, "time")


def test_a_bound_that_is_met_ends_it():
    found = Search(seconds=60.0, chains=2).run(Wander(), rng=0, enough=10.0)
    assert (found.stopped, found.best.value) == ("enough", 10.0)
    assert found.seconds < 30.0


def test_given_moves_do_not_hang_on_another_chain_that_meets_the_bound():
    one, two = (Search(moves=[50, 50], processes=p).run(Wander(), rng=0, enough=10.0) for p in (1, 2))
    same(one, two)
    assert one.stopped == "enough"
    assert one.moves[0] == 0  # where chain 0 starts the bound is met
    assert one.moves[1] > 0


def test_what_is_found_is_told_and_kept(monkeypatch):
    monkeypatch.setattr("gcopt.solvers.searching._KEPT_EVERY", 0.0)
    told, kept = [], []
    found = Search(moves=[50, 50]).run(Wander(), rng=1, tell=lambda *a: told.append(a), keep=kept.append)
    assert told[-1] == (100.0, 100.0, found.best.value)
    assert [c.moves for c in kept[-1]] == [50, 50]
    assert len(kept) >= 2


def test_the_work_of_a_killed_process_is_done_again(tmp_path):
    deadly = Wander(deadly=str(tmp_path / "once"))
    found = Search(moves=[60, 60, 60], processes=2).run(deadly, rng=2)
    assert (tmp_path / "once").read_text() == "x"
    same(found, Search(moves=[60, 60, 60]).run(Wander(), rng=2))


def test_processes_end_with_a_parent_that_is_killed(root):
    script = """if __name__ == "__main__":
        from tests.solvers.test_searching import Search, Wander
        tell = lambda *a: print("going", flush=True)
        Search(seconds=60, chains=2, processes=2).run(Wander(0.02), rng=0, tell=tell)"""
    run = subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True)
    assert run.stdout.readline() == "going\n"
    children = (Path("/proc") / str(run.pid) / "task" / str(run.pid) / "children").read_text().split()
    assert len(children) >= 2
    run.kill()
    run.communicate()
    until = time.monotonic() + 30
    while any(Path("/proc", child).exists() for child in children) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [child for child in children if Path("/proc", child).exists()]


def test_no_more_processes_than_chains():
    found = Search(moves=[50, 50], processes=100_000).run(Wander(), rng=0)
    same(found, Search(moves=[50, 50]).run(Wander(), rng=0))


def test_processes_that_always_die_end_the_search(tmp_path):
    with pytest.raises(LimitError, match="ended one of them 4 times"):
        Search(moves=[60, 60], processes=2).run(Wander(deadly=str(tmp_path / "always")), rng=2)


@pytest.mark.parametrize("processes", [1, 2])
def test_an_interrupt_leaves_the_best_so_far_and_no_process(processes, root):
    script = f"""if __name__ == "__main__":
        import sys
        from tests.solvers.test_searching import Search, Wander
        tell = lambda *a: print("going", flush=True)
        found = Search(seconds=60, chains=2, processes={processes}).run(Wander(0.02), rng=0, tell=tell)
        print(found.stopped, found.moves[0] > 0, found.seconds < 30)"""
    run = subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True)
    assert run.stdout.readline() == "going\n"
    run.send_signal(signal.SIGINT)
    assert run.communicate(timeout=60)[0].splitlines()[-1] == "interrupted True True"
    assert run.returncode == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "seconds and moves are both None"),
        ({"seconds": -1.0}, "seconds is -1.0; a number from 0"),
        ({"seconds": float("nan")}, "seconds is nan"),
        ({"moves": []}, r"moves is \[\]; integers from 0"),
        ({"moves": [3, -1]}, r"moves is \[3, -1\]"),
        ({"moves": 5, "chains": 0}, "chains is 0; an integer from 1"),
        ({"moves": 5, "processes": 0}, "processes is 0"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        Search(**options)
