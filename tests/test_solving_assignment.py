"""Assignments searched from the command line: codes that verify, in the same way again, resumed and interrupted."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from typer.testing import CliRunner

import gcopt
from gcopt.cli import app
from gcopt.cluster import Job, Network
from gcopt.effort import Effort
from gcopt.errors import InfeasibleError, InputError
from gcopt.files import load, save
from gcopt.known_codes import known_codes
from gcopt.solvers.assignment import Weights
from gcopt.solving import SOLVERS
from gcopt.solving_assignment import _rounds
from gcopt.verification import verify

SMALL = {"workers": 11, "load": 3, "stragglers": 3}


def solve(settings, moves=(256, 256), **effort):
    return SOLVERS["assignment"](settings, seed=1, effort=Effort(moves=moves, **effort))


@pytest.mark.parametrize(
    "settings",
    [
        SMALL,
        {**SMALL, "objective": "mean", "partitions": 15, "load": 4},
        {**SMALL, "objective": {"worst": 1, "mean": 5}, "replication": 3, "coefficients": "equal"},
        {**SMALL, "load": [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6]},
        {**SMALL, "objective": "mean", "probability": [0.1, 0.5] * 5 + [0.3]},
        {**SMALL, "clusters": 5, "load": 4},
    ],
    ids=str,
)
def test_value_is_the_verifiers_and_not_below_the_bound(settings, tmp_path):
    solution = solve(settings)
    document = json.loads(json.dumps(solution.to_dict()))
    code = load(solution.save(tmp_path / "a.npz"))
    q = settings.get("probability")
    report = verify(code, stragglers=3, probability=q, samples=5000, rng=1)
    assert report.ok
    weights = settings.get("objective", "worst")
    weights = {weights: 1.0} if isinstance(weights, str) else weights
    (part,) = report.segments
    measured = weights.get("worst", 0.0) * part.worst.lower + weights.get("mean", 0.0) * part.mean.value
    slack = 1e-9 if part.mean.exact or "mean" not in weights else 5 * part.mean.stderr + 0.01
    assert document["value"] == pytest.approx(measured, rel=1e-6, abs=slack)
    assert document["bound"] <= document["value"] + 1e-12
    assert (code.segments[0].load <= settings["load"]).all()
    assert code.family == "assignment"


def test_the_projective_plane_has_the_least_second_singular_value():
    settings = {"workers": 13, "load": 4, "replication": 4, "coefficients": "equal", "objective": "spectral"}
    solution = solve(settings, (0,))
    assert solution.result.value == pytest.approx(3 / 16)  # q / (q + 1)^2
    assert (solution.result.bound, solution.result.status) == (pytest.approx(3 / 16), "optimal")


def test_at_least_as_good_as_every_family():
    n, gamma, s = 13, 4, 4  # the projective plane of order 3 exists here
    value = SOLVERS["assignment"]({"workers": n, "load": gamma, "stragglers": s}, seconds=0.0).result.value
    names = []
    for name, code in known_codes(n, gamma, s, 0):
        if (code.segments[0].load <= gamma).all() and code.partitions == n:
            names.append(name)
            assert value <= verify(code, stragglers=s, rng=0).segments[0].worst.lower + 1e-6, name
    assert {"block-design", "grouped (exact)"} <= set(names)


def test_the_same_moves_again_write_the_same_bytes(tmp_path):
    paths = [solve(SMALL).save(tmp_path / f"{i}.npz") for i in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_search_goes_on_from_its_checkpoint(tmp_path):
    file = tmp_path / "chains.npz"
    solve(SMALL, (256, 256), checkpoint=file)
    resumed = solve(SMALL, (1024, 512), checkpoint=file)
    whole = solve(SMALL, (1024, 512))
    assert resumed.more["moves"] == [1024, 512]
    assert resumed.result.value == whole.result.value
    np.testing.assert_array_equal(
        resumed.code.segments[0].encoding.toarray(), whole.code.segments[0].encoding.toarray()
    )


def test_a_start_is_never_made_worse(tmp_path):
    petersen = gcopt.families.strongly_regular(10, stragglers=3, load=3, adjacent=0, apart=1)
    path = str(save(petersen, tmp_path / "petersen.npz"))
    solution = solve({**SMALL, "workers": 10, "start": path}, (0,))
    assert solution.result.value <= verify(petersen, stragglers=3).segments[0].worst.lower + 1e-6


def test_time_on_a_cluster_at_a_bounded_error(root):
    settings = {
        "cluster": str(root / "examples" / "two-speed-20.toml"),
        "load": 4,
        "objective": "time",
        "tolerate": 0.1,
    }
    solution = solve(settings, (256,))
    cluster = gcopt.Cluster.load(settings["cluster"])
    again = gcopt.simulate(solution.code, cluster, iterations=20_000, tolerate=0.1, rng=5)
    spread = 5 * (again.stderr + solution.more["time"]["stderr"])
    assert solution.result.value == pytest.approx(again.mean, abs=spread)
    assert solution.result.bound <= solution.result.value
    repetition = gcopt.families.fractional_repetition(20, 3)
    assert again.mean < gcopt.simulate(repetition, cluster, iterations=20_000, tolerate=0.1, rng=5).mean


def test_messages_take_their_time_in_the_search():
    cluster = gcopt.Cluster(
        5,
        gcopt.delays.Delay("deterministic", {"value": 4.0}),
        network=Network(latency=0.5, bandwidth=16.0),
        job=Job(parameters=2),
        transfer=gcopt.delays.Delay("deterministic", {"value": 3.0}),
    )
    rounds = _rounds(Weights(time=1.0), cluster, 0.1, 8, 0)
    assert (rounds.overhead == 0.5 + 16 / 16 + 3.0).all()
    assert (rounds.pace == 4.0 * 2 / 8).all()


def walked(checkpoint):
    if not checkpoint.exists():
        return False
    with np.load(checkpoint) as archive:
        return any(chain["moves"] for chain in json.loads(str(archive["search"]))["chains"])


def test_an_interrupt_gives_the_best_so_far_and_can_be_resumed(tmp_path, monkeypatch):
    text = "solve assignment --set workers=24 --set load=4 --set stragglers=4 --json -o a.npz --checkpoint c.npz"
    script = "import gcopt.solvers.searching as s; s._KEPT_EVERY = 0.0; import gcopt.cli as c; c.main()"
    command = [sys.executable, "-c", script, *text.split(), "--seconds", "60"]
    run = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    while run.poll() is None and not walked(tmp_path / "c.npz"):
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    document = json.loads(run.communicate(timeout=60)[0])
    assert (run.returncode, document["stopped"]) == (130, "interrupted")
    assert load(tmp_path / "a.npz").workers == 24
    monkeypatch.chdir(tmp_path)
    resumed = json.loads(CliRunner().invoke(app, [*text.split(), "--seconds", "0"]).stdout)
    assert resumed["value"] <= document["value"]
    assert resumed["moves"] >= document["moves"]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({}, InputError, "workers is missing; a number, or cluster=FILE.toml"),
        ({"workers": 1, "load": 1}, InputError, "workers is 1"),
        ({"workers": 5}, InputError, "load is missing"),
        ({"workers": 5, "load": 6}, InputError, "load is 6; an integer from 1 to 5"),
        ({"workers": 5, "load": [1, 2]}, InputError, "load has 2 entries; 5 are needed"),
        ({"workers": 5, "partitions": 12, "load": 2}, InfeasibleError, "hold at most 10 partitions .* load=3 would do"),
        ({"workers": 6, "partitions": 4, "replication": 2}, InfeasibleError, "replication=3 would, or load=2"),
        ({"workers": 5, "load": 2, "replication": 3}, InfeasibleError, "replication up to 2 fits"),
        ({"workers": 5, "load": 2, "stragglers": 5}, InputError, "stragglers is 5"),
        ({"workers": 5, "load": 2, "objective": "best"}, InputError, "objective is 'best'; one of worst, mean"),
        ({"workers": 5, "load": 2, "objective": {"worst": -1}}, InputError, "objective worst is -1"),
        ({"workers": 5, "load": 2, "objective": {"worst": 0}}, InputError, "weights are all 0"),
        ({"workers": 5, "load": 2, "objective": "time"}, InputError, "cluster is missing"),
        ({"workers": 5, "load": 2, "tolerate": 0.1}, InputError, "tolerate is given and the time is not wanted"),
        ({"workers": 5, "load": 2, "coefficients": "real"}, InputError, "one of tuned, equal"),
        ({"workers": 5, "load": 2, "probability": 2}, InputError, "probability is 2"),
        ({"workers": 5, "load": 2, "clusters": 6}, InputError, "clusters is 6"),
        ({"workers": 5, "load": 2, "start": "none.npz"}, InputError, "none.npz"),
        ({"workers": 5, "load": 2, "start": 5}, InputError, "start is 5; the name of a file"),
        ({"workers": 10**9, "load": 2}, InputError, "workers is 1000000000; an integer from 2 to 2000"),
        ({"workers": 6, "partitions": 2, "replication": 3, "clusters": 1}, InfeasibleError, "from 6 would work"),
        ({"workers": 5, "load": 2, "chains": 0}, InputError, "chains is 0"),
        ({"workers": 5, "load": 2, "moves": 3}, InputError, "there is an option --moves"),
    ],
    ids=str,
)
def test_impossible_settings_are_refused_in_one_line(settings, error, message):
    with pytest.raises(error, match=message) as caught:
        solve(settings)
    assert "\n" not in str(caught.value)


def test_a_sampled_mean_below_its_bound_does_not_end_the_search():
    settings = {"workers": 6, "load": 2, "objective": "mean", "probability": 0.3, "samples": 2}
    solution = solve(settings, (256,))
    assert (solution.more["moves"], solution.more["stopped"]) == ([256], "moves")
    assert solution.result.bound <= solution.result.value


def test_chains_ahead_of_the_moves_asked_for_are_left_out(tmp_path):
    file = tmp_path / "chains.npz"
    solve(SMALL, (512, 512, 256), checkpoint=file)
    kept, fresh = (solve(SMALL, (256, 512), **given) for given in ({"checkpoint": file}, {}))
    assert kept.more == fresh.more
    assert kept.more["moves"] == [256, 512]


def test_a_checkpoint_that_cannot_be_written_is_refused_before_the_search(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        solve(SMALL, (10**9,), checkpoint=tmp_path / "nowhere" / "chains.npz")


def test_what_makes_no_moves_says_so(tmp_path):
    path = str(save(gcopt.families.fractional_repetition(4, 1), tmp_path / "code.npz"))
    with pytest.raises(InputError, match="worst-case makes no moves; --moves, --processes and --checkpoint"):
        SOLVERS["worst-case"]({"code": path, "stragglers": 1}, effort=Effort(processes=2))
