import json

import numpy as np
import pytest

WANG = [
    *("--set", "samples=50", "--set", "unit=1", "--set", "model=shifted-exponential"),
    *("--set", "rate=0.001", "--set", "shift=50", "--set", "parameters=20000"),
]
LATE = [
    *("--set", "samples=50", "--set", "model=shifted-exponential", "--set", "rate=0.1", "--set", "shift=1"),
    *("--set", "parameters=40000", "--set", "workers=20"),
]


@pytest.mark.parametrize(("workers", "optimum"), [(10, 1.16916e8), (20, 7.04944e7), (50, 3.99708e7)])
def test_published_settings_are_solved_and_proved(gcopt, workers, optimum):
    done = gcopt("solve", "diversity-runtime", "--set", f"workers={workers}", *WANG, "--json")
    assert done.code == 0, done.err
    assert done.json["value"] == pytest.approx(optimum, rel=1e-4)
    assert done.json["bound"] <= done.json["value"]
    assert done.json["gap"] < 1e-4
    assert done.json["status"] == "optimal"
    assert sum(done.json["x"]) == 20000
    assert all(isinstance(x, int) for x in done.json["x"])


@pytest.mark.parametrize(
    ("method", "value"),
    [("x-t", 7.8853e7), ("x-f", 7.8438e7), ("single", 1e8), ("tandon-partial", 1.4074e8)],
)
def test_published_methods_are_judged_by_the_proved_bound(gcopt, method, value):
    done = gcopt("solve", "diversity-runtime", "--set", "workers=20", *WANG, "--set", f"method={method}", "--json")
    assert done.json["value"] == pytest.approx(value, rel=1e-4)
    assert done.json["bound"] == pytest.approx(7.04944e7, rel=1e-3)


@pytest.mark.parametrize(("method", "value"), [("auto", 0.99070), ("x-lg", 0.7115), ("single", 0.6872)])
def test_completion_by_a_deadline(gcopt, method, value):
    deadline = ("--set", f"deadline={10**6.5}", "--set", f"method={method}")
    done = gcopt("solve", "diversity-completion", *LATE, *deadline, "--json")
    assert done.json["value"] == pytest.approx(value, abs=6e-5)
    assert done.json["bound"] >= done.json["value"]


def test_a_hopeless_deadline_says_which_could_be_met(gcopt):
    done = gcopt("solve", "diversity-completion", *LATE, "--set", "deadline=90000", "--json")
    assert done.code == 1
    assert (done.json["status"], done.json["value"]) == ("infeasible", 0.0)
    assert done.json["x"] == [40000] + [0] * 19
    assert "deadlines above 100000 seconds" in done.json["note"]


def test_a_cluster_file_is_enough(gcopt, root):
    file = root / "examples" / "shifted-exponential-20.toml"
    done = gcopt("solve", "diversity-runtime", "--set", f"cluster={file}", "--json")
    assert done.json["value"] == pytest.approx(7.04944e7, rel=1e-4)
    early = gcopt("solve", "diversity-runtime", "--set", f"cluster={file}", "--set", "wait=decodable", "--json")
    assert early.json["value"] < 0.9 * done.json["value"]


def test_lightest_allocation_within_a_share(gcopt):
    done = gcopt("solve", "diversity-runtime", *LATE, "--set", "within=0.2", "--json")
    free = gcopt("solve", "diversity-runtime", *LATE, "--json")
    load = int(np.flatnonzero(done.json["x"]).max()) + 1
    assert free.json["value"] < done.json["value"] <= 1.2 * free.json["value"] * (1 + 1e-6)
    lighter = gcopt("solve", "diversity-runtime", *LATE, "--set", f"load={load - 1}", "--json")
    assert lighter.json["value"] > 1.2 * free.json["value"]


def test_results_are_written_and_printed_readably(gcopt, tmp_path):
    done = gcopt("solve", "diversity-runtime", "--set", "workers=100", *WANG, "-o", str(tmp_path / "x.npz"))
    assert done.code == 0, done.err
    assert "36 more, --json lists all" in done.out
    with np.load(tmp_path / "x.npz") as written:
        assert written["x"].sum() == 20000
        assert json.loads(str(written["result"]))["solver"] == "diversity-runtime"


PARETO = ["--set", "workers=4", "--set", "parameters=100", "--set", "model=pareto", "--set", "scale=1"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["--set", "workers=4"], "parameters is missing"),
        ([*PARETO, "--set", "shape=0.2"], "diversity-completion"),
        ([*PARETO, "--set", "shape=0.9", "--set", "method=x-t"], "no E T"),
        ([*PARETO, "--set", "shape=2", "--set", "method=best"], "one of auto, exact"),
        ([*PARETO, "--set", "shape=2", "--set", "method=stationary"], "deadline"),
        ([*PARETO, "--set", "shape=2", "--set", "method=x-t", "--set", "load=2"], "cannot be combined"),
        ([*PARETO, "--set", "shape=2", "--set", "segments=0"], "segments is 0"),
        ([*PARETO, "--set", "shape=2", "--set", "cluster=c.toml"], "cannot be combined"),
    ],
)
def test_bad_input_is_answered_in_one_line(gcopt, settings, words):
    done = gcopt("solve", "diversity-runtime", *settings)
    assert done.code == 2
    assert words in done.err
    assert done.err.count("\n") == 1


def test_no_shift_means_no_inverse(gcopt):
    plain = ["--set", "workers=4", "--set", "parameters=100", "--set", "model=exponential", "--set", "rate=1"]
    done = gcopt("solve", "diversity-runtime", *plain, "--set", "method=x-f")
    assert done.code == 2
    assert "use x-t" in done.err


@pytest.mark.parametrize("setting", ["wait=decodable", "relaxed=maybe", "draws=0"])
def test_settings_that_would_be_ignored_are_refused(gcopt, setting):
    done = gcopt("solve", "diversity-runtime", "--set", "workers=5", *WANG, "--set", setting)
    assert done.code == 2
    assert f"{setting.split('=')[0]} is" in done.err


def test_a_cluster_file_has_its_own_delay_model(gcopt, root):
    file = root / "examples" / "shifted-exponential-20.toml"
    done = gcopt("solve", "diversity-runtime", "--set", f"cluster={file}", "--set", "rate=3")
    assert (done.code, "rate is 3 and cannot be combined with cluster" in done.err) == (2, True)
