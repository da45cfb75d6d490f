import json

import numpy as np
import pytest

import gcopt
from tests.helpers import worst_noise

QUICK = ("--seconds", "0", "--json")


def sets(**settings):
    return [word for key, value in settings.items() for word in ("--set", f"{key}={json.dumps(value)}")]


def test_a_code_is_found_written_and_proved(gcopt, tmp_path):
    file = str(tmp_path / "code.npz")
    done = gcopt("solve", "exact-code", *sets(workers=7, stragglers=2), "--seconds", "0.2", "-o", file)
    assert done.code == 0, done.err
    assert "groups: [" in done.out
    proved = gcopt("verify", file, "--json")
    assert proved.code == 0
    claims = {claim["kind"]: claim for claim in proved.json["claims"]}
    assert set(claims) == {"exact", "load", "replication", "noise"}
    assert {claim["status"] for claim in claims.values()} == {"proved"}
    assert claims["load"]["measured"] == claims["replication"]["measured"] == 3


def test_the_result_is_that_of_the_solver(gcopt):
    done = gcopt("solve", "exact-code", *sets(workers=13, stragglers=2), *QUICK)
    assert done.json["value"] == pytest.approx(np.sqrt((16 - np.sqrt(5)) / 13))
    assert done.json["bound"] < done.json["value"]
    assert (done.json["status"], done.json["load"], done.json["groups"]) == ("feasible", 3, [3, 5, 5])
    assert done.json["moves"] == [0]


def test_more_load_and_finer_partitions(gcopt):
    lighter, heavier, finer = (
        gcopt("solve", "exact-code", *sets(workers=8, stragglers=2, **more), *QUICK).json
        for more in ({}, {"load": 4}, {"partitions": 16})
    )
    assert heavier["value"] < lighter["value"]
    assert (lighter["load"], heavier["load"], finer["load"]) == (3, 4, 6)


def test_loads_follow_speeds_or_a_list(gcopt, tmp_path):
    file = tmp_path / "code.npz"
    done = gcopt("solve", "exact-code", *sets(workers=4, stragglers=1, speeds=[1, 1, 2, 4]), *QUICK, "-o", str(file))
    assert done.code == 0, done.err
    held = (np.abs(_encoding(file)) > 0).sum(axis=1)
    assert (held <= [8, 8, 16, 32]).all()
    done = gcopt("solve", "exact-code", *sets(workers=4, stragglers=1, loads=[1, 2, 2, 3]), *QUICK, "-o", str(file))
    assert ((np.abs(_encoding(file)) > 0).sum(axis=1) <= [1, 2, 2, 3]).all()
    assert done.json["value"] == pytest.approx(worst_noise(_encoding(file), 1))


def test_an_assignment_as_a_list_or_a_file(gcopt, tmp_path):
    held = [[1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0], [0, 1, 1, 1]]
    listed = gcopt("solve", "exact-code", *sets(workers=4, stragglers=2, assignment=held), *QUICK)
    file = tmp_path / "held.json"
    file.write_text(json.dumps(held))
    filed = gcopt("solve", "exact-code", *sets(workers=4, stragglers=2, assignment=str(file)), *QUICK)
    assert listed.json["value"] == filed.json["value"] == pytest.approx(np.sqrt(16.3193 / 4), rel=1e-4)


def test_a_known_code_is_a_start(gcopt, tmp_path):
    file = str(_save(tmp_path / "known.npz"))
    found = gcopt("solve", "exact-code", *sets(workers=9, stragglers=2, start=file), *QUICK)
    assert found.json["value"] <= np.sqrt(5 / 9) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"workers": 4, "stragglers": 4}, "stragglers is 4"),
        ({"workers": 4, "stragglers": 1, "load": 1}, "load is 1; an integer from 2 to 4"),
        ({"workers": 4, "stragglers": 1, "load": 2, "loads": [2, 2, 2, 2]}, "load and loads say the same thing"),
        ({"workers": 4, "stragglers": 1, "loads": [2, 2]}, "a list of 4 integers"),
        ({"workers": 4, "stragglers": 1, "loads": [2, 2, 2, 9]}, "loads[3] is 9; an integer from 0 to 4"),
        ({"workers": 4, "stragglers": 1, "loads": [1, 1, 1, 1]}, "loads add up to 4; 2 copies of 4 partitions need 8"),
        ({"workers": 4, "stragglers": 1, "speeds": [1, 2]}, "speeds has shape"),
        ({"workers": 4, "stragglers": 1, "partitions": 0}, "partitions is 0"),
        ({"workers": 4, "stragglers": 1, "chains": 0}, "chains is 0"),
        ({"workers": 2, "stragglers": 1, "assignment": [[1], [1]], "load": 1}, "assignment says already"),
        ({"workers": 2, "stragglers": 1, "assignment": [["a"], [1]]}, "assignment is no matrix"),
        ({"workers": 2, "stragglers": 1, "assignment": [[1], [0]]}, "holders has a partition on 1 workers"),
        ({"workers": 41, "stragglers": 20}, "too many straggler sets"),
    ],
)
def test_impossible_settings_are_refused(gcopt, settings, message):
    done = gcopt("solve", "exact-code", *sets(**settings), *QUICK)
    assert done.code != 0
    assert message in done.err


def test_a_complex_start_is_refused(gcopt, tmp_path):
    file = str(_save(tmp_path / "complex.npz", complex_=True))
    done = gcopt("solve", "exact-code", *sets(workers=6, stragglers=2, start=file), *QUICK)
    assert (done.code, "is complex" in done.err) == (2, True)


def _encoding(file):
    return gcopt.load(file).segments[0].encoding.toarray()


def _save(path, complex_=False):
    made = gcopt.families.cyclic_mds(6, 2) if complex_ else gcopt.families.fractional_repetition(9, 2)
    return gcopt.save(made, path)


def test_moves_processes_and_a_checkpoint(gcopt, tmp_path):
    given = ("solve", "exact-code", *sets(workers=9, stragglers=2), "--json")
    first, second, file = (str(tmp_path / name) for name in ("a.npz", "b.npz", "chains.npz"))
    alone = gcopt(*given, "--moves", "3,2", "-o", first)
    assert gcopt(*given, "--moves", "1,1", "--checkpoint", file).code == 0
    resumed = gcopt(*given, "--moves", "3,2", "--processes", "2", "--checkpoint", file, "-o", second)
    assert resumed.json["moves"] == alone.json["moves"] == [3, 2]
    np.testing.assert_array_equal(_encoding(first), _encoding(second))
