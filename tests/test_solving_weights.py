"""Better entries for a code, as the command line finds, writes and checks them."""

import json

import numpy as np
import pytest

import gcopt as package
from gcopt.files import save
from gcopt.solvers.weights import SpectralWeights
from tests.helpers import claim


@pytest.fixture(scope="module")
def regular(tmp_path_factory):
    code = package.families.random_regular(12, 3, 4, rng=1)
    return str(save(code, tmp_path_factory.mktemp("weights") / "regular.npz"))


def test_spectral_weights_are_written_as_a_code_whose_claims_hold(gcopt, regular, tmp_path):
    path = str(tmp_path / "better.npz")
    done = gcopt("solve", "spectral-weights", "--set", f"code={regular}", "-o", path, "--json")
    assert done.code == 0, done.err
    found = SpectralWeights().solve(package.load(regular).support)
    assert done.json["value"] == pytest.approx(found.value)
    assert done.json["bound"] <= done.json["value"] < done.json["equal_split"]
    assert (done.json["gap"] <= 1e-6, done.json["status"]) == (True, "optimal")
    code = package.load(path)
    assert (code.family, code.stragglers, code.load) == ("spectral-weights", 3, 4)
    assert np.array_equal(code.segments[0].encoding.toarray(), found.weights)
    assert claim(code, "error") == done.json["error"] == found.error(3)
    assert claim(code, "error") < claim(package.load(regular), "error")
    checked = gcopt("verify", path, "--json")
    assert (checked.code, {c["status"] for c in checked.json["claims"]}) == (0, {"proved"})


@pytest.mark.parametrize("settings", [["correlation=0.7"], ["correlation=1", "nonnegative=true", "stragglers=4"]])
def test_unbiased_weights_are_written_as_a_code_whose_claims_hold(gcopt, regular, tmp_path, settings):
    path, chances = str(tmp_path / "unbiased.npz"), [0.0, 0.05, *[0.3] * 9, 1.0]
    given = [word for s in [*settings, f"probability={json.dumps(chances)}"] for word in ("--set", s)]
    done = gcopt("solve", "unbiased-weights", "--set", f"code={regular}", *given, "-o", path, "--json")
    assert done.code == 0, done.err
    assert done.json["status"] == "optimal"
    code = package.load(path)
    assert code.segments[0].decoder == "sum"
    assert code.stragglers == (4 if len(settings) > 1 else 3)  # 0.05 + 9 * 0.3 + 1, rounded down
    assert code.segments[0].encoding.min() < 0 or "nonnegative=true" in settings
    checked = gcopt("verify", path, "--json")
    assert (checked.code, {c["status"] for c in checked.json["claims"]}) == (0, {"proved"})


def test_equal_workers_have_the_published_error(gcopt, tmp_path):
    np.savetxt(tmp_path / "fano.csv", [[float((i - j) % 7 in (0, 1, 3)) for i in range(7)] for j in range(7)])
    path = tmp_path / "fano.csv"
    path.write_text(path.read_text().replace(" ", ","))
    output = str(tmp_path / "sum.npz")
    done = gcopt("solve", "unbiased-weights", "--set", f"code={path}", "--set", "probability=0.3", "-o", output)
    assert done.code == 0, done.err
    assert "value 1, bound 1, gap 0, optimal" in done.out
    (mean,) = [c for c in package.load(output).claims if c.kind == "mean"]
    assert (mean.value, mean.probability) == (pytest.approx(1.0), 0.3)


@pytest.mark.parametrize(
    ("solver", "settings", "code", "words"),
    [
        ("spectral-weights", ["stragglers=12"], 2, "stragglers is 12; an integer from 0 to 11"),
        ("spectral-weights", ["nonnegative=maybe"], 2, "nonnegative is 'maybe'; true or false"),
        ("spectral-weights", ["blocks=0"], 2, "blocks is 0"),
        ("unbiased-weights", [], 2, "missing a required argument: 'probability'"),
        ("unbiased-weights", ["probability=1"], 1, "partition 0 is only on workers that always straggle"),
        ("unbiased-weights", ["probability=[0.1, 0.2]"], 2, "probability has 2 numbers; one for all, or 12"),
        ("unbiased-weights", ["probability=often"], 2, "probability is 'often'; a number from 0 to 1"),
        ("unbiased-weights", ["probability=0.1", "correlation=-1"], 2, "correlation is -1"),
    ],
)
def test_impossible_settings_are_refused_in_one_line(gcopt, regular, solver, settings, code, words):
    done = gcopt("solve", solver, "--set", f"code={regular}", *[word for s in settings for word in ("--set", s)])
    assert (done.code, words in done.err, done.err.count("\n")) == (code, True, 1), done.err
