"""Codes with short messages searched from the command line: better than published ones, verified, the same again."""

import json

import pytest

import gcopt
from gcopt.effort import Effort
from gcopt.errors import InfeasibleError, InputError, LimitError
from gcopt.files import load, save
from gcopt.solving import SOLVERS
from gcopt.verification import verify

FANO = {"workers": 7, "load": 3, "blocks": 2}


def solve(settings, moves=(0,), **effort):
    return SOLVERS["short-messages"]({"compare": False, **settings}, seed=1, effort=Effort(moves=moves, **effort))


@pytest.mark.parametrize(
    ("sizes", "stragglers", "expected", "reached"),
    [
        (FANO, 1, 3.724330, 0.0),
        (FANO, 2, 4.598214, 1.5),
        (FANO, 3, 5.675000, 3.7),
        ({**FANO, "workers": 13, "load": 4}, 3, 6.53, 0.5),
    ],
)
def test_mean_is_below_that_of_construction_one(sizes, stragglers, expected, reached, tmp_path):
    """Test T1: the expected error of construction I on the projective planes, over all signs."""
    solution = solve({**sizes, "stragglers": stragglers}, (0, 0))
    code = load(solution.save(tmp_path / "a.npz"))
    report = verify(code, stragglers=stragglers, rng=0)
    assert report.ok
    assert solution.result.value == pytest.approx(report.segments[0].mean.value, abs=1e-9)
    assert solution.result.bound <= solution.result.value <= reached < expected
    assert (code.load, code.blocks) == (sizes["load"], 2)


def test_comparison_has_the_published_numbers():
    about = solve({**FANO, "stragglers": 2, "compare": True}).more["compared"]
    design = about["construction I on block-design"]
    assert design["expected"] == pytest.approx(4.598214, abs=1e-5)  # T1: the mean, the largest and the smallest
    assert about["stacked block-design"]["value"] == pytest.approx(7.571429, abs=1e-5)
    assert design["best"] >= 4.1
    assert about["groups + MDS"]["value"] >= 1.0


@pytest.mark.parametrize(
    "settings",
    [
        {**FANO, "stragglers": 3, "objective": "worst"},
        {**FANO, "stragglers": 2, "objective": {"worst": 1, "mean": 5}, "coefficients": "signs"},
        {**FANO, "partitions": 9, "probability": 0.3, "load": 4},
        {**FANO, "stragglers": 2, "blocks": 3, "clusters": 4},
    ],
    ids=str,
)
def test_value_is_the_verifiers_and_not_below_the_bound(settings):
    solution = solve(settings, (32,))
    document = json.loads(json.dumps(solution.to_dict()))
    s, q = settings.get("stragglers", 0), settings.get("probability")
    (part,) = verify(solution.code, stragglers=s, probability=q, rng=1).segments
    weights = settings.get("objective", "mean")
    weights = {weights: 1.0} if isinstance(weights, str) else weights
    measured = weights.get("worst", 0.0) * part.worst.lower + weights.get("mean", 0.0) * part.mean.value
    assert document["value"] == pytest.approx(measured, rel=1e-6, abs=1e-9)
    assert document["bound"] <= document["value"] + 1e-12
    assert (solution.code.segments[0].load <= settings["load"]).all()


def test_unbiased_codes_add_up_to_the_gradient(tmp_path):
    solution = solve({"workers": 8, "load": 4, "blocks": 2, "probability": 0.25, "unbiased": True}, (64,))
    code = load(solution.save(tmp_path / "a.npz"))
    report = verify(code, stragglers=0, rng=0)
    assert [check.status for check in report.checks] == ["proved"] * 4
    assert {check.claim.kind for check in report.checks} >= {"unbiased", "mean"}
    assert solution.result.value == pytest.approx(8 * 4 * 0.25 / (0.75 * 4))  # k m^2 q / ((1 - q) g): tight frames
    assert solution.result.status == "optimal"
    with pytest.raises(LimitError, match="no code without bias was found for 3 blocks"):
        solve({"workers": 3, "load": 3, "blocks": 3, "probability": 0.25, "unbiased": True})


def test_the_same_moves_again_write_the_same_bytes_and_go_on_from_a_checkpoint(tmp_path):
    settings, file = {**FANO, "stragglers": 2}, tmp_path / "chains.npz"
    whole = [solve(settings, (32, 16)).save(tmp_path / f"{i}.npz").read_bytes() for i in range(2)]
    assert whole[0] == whole[1]
    solve(settings, (16, 16), checkpoint=file)
    assert solve(settings, (32, 16), checkpoint=file).save(tmp_path / "2.npz").read_bytes() == whole[0]


def test_a_start_is_never_made_worse(tmp_path):
    first = solve({**FANO, "stragglers": 2}, (32,))
    path = str(save(first.code, tmp_path / "start.npz"))
    again = solve({**FANO, "stragglers": 2, "start": path}, (0,))
    assert again.result.value <= first.result.value + 1e-6
    other = str(save(gcopt.families.fractional_repetition(6, 2), tmp_path / "other.npz"))
    with pytest.raises(InputError, match="has 6 workers, 6 partitions and 1 blocks"):
        solve({**FANO, "stragglers": 2, "start": other})


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({**FANO}, InputError, "stragglers is missing"),
        ({**FANO, "stragglers": 7}, InputError, "stragglers is 7"),
        ({**FANO, "stragglers": 2, "blocks": 0}, InputError, "blocks is 0"),
        ({**FANO, "stragglers": 2, "blocks": 4}, InfeasibleError, "blocks is 4: .* load=4 or blocks=3 would do"),
        ({**FANO, "stragglers": 2, "load": 8}, InputError, "load is 8"),
        ({**FANO, "stragglers": 2, "objective": "time"}, InputError, "objective is 'time'; one of mean, worst"),
        ({**FANO, "stragglers": 2, "objective": {"mean": 0}}, InputError, "not both 0"),
        ({**FANO, "stragglers": 2, "clusters": 2}, InputError, "clusters is 2; from 3"),
        ({**FANO, "stragglers": 2, "unbiased": True}, InputError, "unbiased is asked for with probability None"),
        ({**FANO, "stragglers": 2, "unbiased": "yes"}, InputError, "unbiased is 'yes'; true or false"),
        ({**FANO, "probability": float("nan")}, InputError, "probability is nan"),
        ({**FANO, "probability": 0.1, "objective": "worst"}, InputError, "stragglers is missing"),
        ({**FANO, "stragglers": 2, "coefficients": "real"}, InputError, "one of free, signs"),
        ({**FANO, "stragglers": 2, "start": 5}, InputError, "start is 5; the name of a file"),
        ({**FANO, "workers": 10**6, "stragglers": 2}, InputError, "workers is 1000000"),
    ],
    ids=str,
)
def test_impossible_settings_are_refused_in_one_line(settings, error, message):
    with pytest.raises(error, match=message) as caught:
        solve(settings)
    assert "\n" not in str(caught.value)
