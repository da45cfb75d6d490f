"""Solvers by name: settings in, value with bound and gap out."""

import json

import numpy as np
import pytest

import gcopt
from gcopt.console import jsonable
from gcopt.errors import InputError
from gcopt.families._approximate import approximate
from gcopt.files import save
from gcopt.solvers.result import Result, Status
from gcopt.solving import SOLVERS, Solution
from tests.helpers import worst_error, worst_noise
from tests.matrices import PETERSEN


@pytest.fixture
def path(tmp_path):
    return str(save(gcopt.families.cyclic_mds(9, 2), tmp_path / "code.npz"))


@pytest.mark.parametrize(("objective", "s"), [("error", 3), ("noise", 2)])
def test_worst_case_against_enumeration(path, objective, s):
    solution = SOLVERS["worst-case"]({"code": path, "stragglers": s, "objective": objective})
    matrix = gcopt.load(path).segments[0].encoding.toarray()
    expected = (worst_error if objective == "error" else worst_noise)(matrix, s)
    document = solution.to_dict()
    assert document["schema"] == "gcopt.solve/1"
    assert document["value"] == pytest.approx(expected, rel=1e-7)
    assert document["bound"] == pytest.approx(expected, rel=1e-7)
    assert (document["gap"], document["status"], solution.exit_code) == (0.0, "optimal", 0)
    assert len(document["set"]) <= s


def test_worst_case_of_one_segment(tmp_path):
    path = str(save(gcopt.families.two_stage(6, 1, 3.0), tmp_path / "two.npz"))
    values = [SOLVERS["worst-case"]({"code": path, "stragglers": 1, "segment": c}).result.value for c in (0, 1)]
    assert values == pytest.approx([1.0, 0.0], abs=1e-9)
    with pytest.raises(InputError, match="segment is 2; an integer from 0 to 1"):
        SOLVERS["worst-case"]({"code": path, "stragglers": 1, "segment": 2})


def test_worst_case_of_fixed_coefficients(tmp_path):
    graph = approximate(PETERSEN, 2, decoder="scaled")
    path = str(save(graph, tmp_path / "petersen.npz"))
    values = [SOLVERS["worst-case"]({"code": path, "stragglers": s}).result.value for s in (1, 2, 3, 4)]
    assert values == pytest.approx([0.288066, 0.763889, 1.564626, 2.962963], abs=1e-6)


def test_threshold_is_the_least_number_that_inflicts_the_error(path):
    document = SOLVERS["threshold"]({"code": path, "error": 1.0}).to_dict()
    matrix = gcopt.load(path).segments[0].encoding.toarray()
    assert (document["value"], document["bound"], document["status"]) == (document["value"],) * 2 + ("optimal",)
    assert worst_error(matrix, int(document["value"]) - 1) < 1.0 <= document["inflicted"]
    assert len(document["set"]) == document["value"]


def test_threshold_of_fixed_coefficients_is_refused(tmp_path):
    path = str(save(approximate(np.ones((4, 2)), 1, decoder="scaled"), tmp_path / "scaled.npz"))
    with pytest.raises(InputError, match="segment 0 has the scaled decoder; one that is decoded by"):
        SOLVERS["threshold"]({"code": path, "error": 1.0})


def test_order_statistics_are_harmonic():
    solution = SOLVERS["order-statistics"]({"workers": 5, "model": "exponential", "rate": 2.0})
    expected = np.cumsum(1 / np.arange(5, 0, -1)) / 2
    assert solution.to_dict()["expected"] == pytest.approx(expected.tolist(), rel=1e-9)
    assert solution.result.value == pytest.approx(expected[-1], rel=1e-9)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("worst-case", {"stragglers": 1}, "missing a required argument: 'code'; it takes: code, stragglers, objective"),
        ("worst-case", {"code": "x.npz", "straggler": 1}, "it takes: code, stragglers"),
        ("worst-case", {"code": "no-such-file.npz", "stragglers": 1}, "no-such-file.npz"),
        ("worst-case", {"code": None, "stragglers": 9}, "stragglers is 9; an integer from 0 to 8"),
        ("worst-case", {"code": None, "stragglers": 1, "objective": "fun"}, "one of error, noise would work"),
        ("worst-case", {"code": None, "stragglers": 1, "seed": 3}, "there is an option --seed"),
        ("threshold", {"code": None, "error": -1.0}, "error is -1.0"),
        ("threshold", {"code": None, "error": 10.0}, "losing everybody costs 9"),
        ("ordering", {"code": None, "seconds": 3}, "there is an option --seconds"),
        (
            "order-statistics",
            {"workers": 3},
            "missing a required argument: 'model'; it takes: workers, model and those of",
        ),
        ("order-statistics", {"workers": 3, "model": "exponential"}, "exponential needs rate"),
        ("order-statistics", {"workers": 3, "model": "sundial"}, "model is 'sundial'"),
        ("order-statistics", {"workers": 3, "model": "exponential", "rate": 1, "seconds": 2}, "an option --seconds"),
    ],
)
def test_impossible_settings_are_refused_in_one_line(path, name, given, message):
    settings = {key: path if value is None else value for key, value in given.items()}
    with pytest.raises(InputError, match=message) as caught:
        SOLVERS[name](settings)
    assert "\n" not in str(caught.value)


def test_every_solver_describes_itself():
    for name, solver in SOLVERS.items():
        assert solver.name == name
        assert solver.summary.endswith(".")
        assert solver.source
        assert {"seconds", "seed"}.isdisjoint(solver.signature.parameters)


@pytest.mark.parametrize(
    ("status", "code"),
    [(Status.OPTIMAL, 0), (Status.FEASIBLE, 0), (Status.INFEASIBLE, 1), (Status.ERROR, 1), (Status.LIMIT, 3)],
)
def test_exit_codes(status, code):
    assert Solution("mine", Result(value=1.0, bound=None, status=status, seconds=0.0)).exit_code == code


def test_a_saved_result_is_read_back(tmp_path):
    result = Result(value=np.inf, bound=None, status=Status.FEASIBLE, seconds=0.1, seed=7)
    solution = Solution("mine", result, {"set": [1, 2], "method": "by hand"})
    written = solution.save(tmp_path / "result.npz")
    with np.load(written, allow_pickle=False) as archive:
        assert json.loads(str(archive["result"])) == jsonable(solution.to_dict())
        assert archive["set"].tolist() == [1, 2]
        assert json.loads(str(archive["result"]))["value"] is None


def test_a_code_that_was_found_is_saved_as_a_code(tmp_path):
    code = gcopt.families.cyclic_mds(5, 2)
    result = Result(value=0.0, bound=0.0, status=Status.OPTIMAL, seconds=0.1)
    solution = Solution("mine", result, {"set": [1, 2]}, code)
    back = gcopt.load(solution.save(tmp_path / "code.npz"))
    assert (back.family, back.claims) == ("cyclic-mds", code.claims)
    assert "code" not in solution.to_dict()
    with pytest.raises(InputError, match="a code is written as"):
        solution.save(tmp_path / "code.csv")


def test_a_ragged_result_is_saved_as_json_only(tmp_path):
    path = str(save(gcopt.families.placement(4, 1, speeds=[1.0, 2.0, 3.0, 4.0], rng=0), tmp_path / "code.npz"))
    solution = SOLVERS["ordering"]({"code": path})
    with np.load(solution.save(tmp_path / "result.npz"), allow_pickle=False) as archive:
        assert archive.files == ["result"]
        order = json.loads(str(archive["result"]))["order"]
    assert len({len(mine) for mine in order}) > 1


def test_ordering_of_a_code_and_of_a_bare_matrix(tmp_path):
    ring = np.array([[1.5 * ((i - j) % 5 < 3) for i in range(5)] for j in range(5)])
    np.savetxt(tmp_path / "ring.csv", ring, delimiter=",")
    found = SOLVERS["ordering"]({"code": str(tmp_path / "ring.csv"), "blocks": 2}).to_dict()
    assert (found["value"], found["bound"], found["gap"], found["status"]) == (13.0, 13.0, 0.0, "optimal")
    assert [sorted(mine) for mine in found["order"]] == [np.flatnonzero(row).tolist() for row in ring]
    path = str(save(gcopt.families.fractional_repetition(6, 2), tmp_path / "code.npz"))
    # in groups of three a partition comes first, second and third: 3 + 2 + 1 of the 18 can be left undone
    assert SOLVERS["ordering"]({"code": path}).result.value == 1 + 18 - 6


@pytest.mark.parametrize("seconds", [float("nan"), -1.0])
def test_a_time_limit_is_a_number_of_at_least_0(path, seconds):
    with pytest.raises(InputError, match="seconds is"):
        SOLVERS["worst-case"]({"code": path, "stragglers": 2}, seconds=seconds)
