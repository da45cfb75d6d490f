import json
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from scipy.io import mmwrite

from tests.matrices import PETERSEN

CLUSTER = """[cluster]
workers = 6
[cluster.compute]
model = "shifted-exponential"
rate = 0.001
shift = 50.0
[job]
parameters = 2000
samples = 50
"""


@pytest.fixture
def cluster(tmp_path):
    (tmp_path / "c.toml").write_text(CLUSTER)
    return "c.toml"


def built(gcopt, family="fractional-repetition", n=6, s=2, file="c.npz"):
    return gcopt("build", family, "--set", f"workers={n}", "--set", f"stragglers={s}", "-o", file, "--json")


@pytest.mark.parametrize(
    ("family", "n", "s"),
    [("fractional-repetition", 12, 3), ("cyclic-repetition", 13, 4), ("placement", 40, 5), ("grouped", 13, 4)],
)
def test_build_and_prove(gcopt, family, n, s):
    made = built(gcopt, family, n, s)
    assert made.code == 0, made.err
    document = made.json
    assert document["schema"] == "gcopt.build/1"
    assert (document["workers"], document["load"], document["replication"]) == (n, s + 1, s + 1)
    report = gcopt("verify", "c.npz", "--json")
    assert report.code == 0
    exact = [c for c in report.json["claims"] if c["kind"] == "exact"]
    assert [c["status"] for c in exact] == ["proved"]
    assert report.json["worst_case"]["certificate"] == "exact"
    assert report.json["worst_case"]["upper"] <= 1e-9


@pytest.mark.parametrize(("s", "worst"), [(1, 2 / 11), (2, 8 / 17), (3, 1.0), (4, 16 / 7)])
def test_anybodys_matrix(gcopt, s, worst):
    mmwrite("petersen.mtx", PETERSEN)
    found = gcopt("verify", "petersen.mtx", "--stragglers", s, "--json").json["worst_case"]
    assert found["lower"] == pytest.approx(worst, rel=1e-9)
    assert found["upper"] == pytest.approx(worst, rel=1e-9)


def test_how_each_part_is_decoded_is_explained(gcopt):
    mmwrite("k4.mtx", abs(nx.incidence_matrix(nx.complete_graph(4))).T)
    shown = gcopt("verify", "k4.mtx", "--stragglers", 1, "--explain")
    assert "graph assignment" in shown.out
    assert "every worker holds two partitions" in shown.out
    assert "graph assignment" not in gcopt("verify", "k4.mtx", "--stragglers", 1).out
    (segment,) = gcopt("verify", "k4.mtx", "--stragglers", 1, "--json").json["segments"]
    (found,) = segment["decoders"]
    assert (found["workers"], found["partitions"], found["components"]) == (6, 4, 1)
    assert found["rule"] == "graph assignment"
    assert found["why"]


def test_a_false_claim_is_exit_code_1(gcopt):
    import gcopt as package
    from gcopt.code import Claim

    code = package.families.uncoded(4)
    package.save(code.with_claims([Claim("exact", 0.0, "nobody", stragglers=1)]), "false.npz")
    report = gcopt("verify", "false.npz", "--json")
    assert report.code == 1
    assert report.json["ok"] is False
    assert report.json["claims"][0]["status"] == "refuted"


@pytest.mark.parametrize("form", ["mtx", "csv", "mat", "json", "npz"])
def test_export_and_verify_the_export(gcopt, form):
    built(gcopt, "cyclic-repetition", 7, 2)
    assert gcopt("export", "c.npz", "--format", form, "-o", f"out.{form}").code == 0
    assert gcopt("verify", f"out.{form}", "--stragglers", 2, "--json").json["worst_case"]["upper"] < 1e-9


def test_placement(gcopt):
    built(gcopt)
    assert gcopt("export", "c.npz", "--placement", "-o", "who.json", "--samples", 60).code == 0
    workers = json.loads(Path("who.json").read_text())["workers"]
    assert workers[0]["rows"] == [[0, 10], [10, 20], [20, 30]]


def test_design_agrees_with_simulation(gcopt, cluster):
    found = gcopt("design", cluster, "-o", "best.npz", "--json").json
    assert found["schema"] == "gcopt.design/1"
    assert found["bound"] <= found["value"]
    simulated = gcopt("simulate", "best.npz", cluster, "--json").json
    assert abs(simulated["mean"] - found["expected_runtime"]) <= 5 * simulated["stderr"] + 1e-3 * simulated["mean"]


def test_design_restricted_to_a_family(gcopt, cluster):
    found = gcopt("design", cluster, "--family", "grouped", "--set", "stragglers=1", "--json").json
    assert found["family"] == "grouped"
    assert found["parameters"]["stragglers"] == 1


def test_design_by_a_deadline(gcopt, cluster):
    asked = ("design", cluster, "--objective", "completion", "--deadline", "2e7", "--iterations", 4000)
    found = gcopt(*asked, "-o", "best.npz", "--json").json
    assert (found["objective"], found["deadline"]) == ("completion", 2e7)
    assert found["uncoded"] < found["value"] <= found["bound"] <= 1
    assert found["stderr"] > 0
    assert found["gap"] == pytest.approx((found["bound"] - found["value"]) / found["value"])
    simulated = gcopt("simulate", "best.npz", cluster, "--json").json
    assert simulated["mean"] == pytest.approx(found["expected_runtime"], rel=0.05)
    met = max(point["probability"] for point in simulated["completion"] if point["seconds"] <= 2e7)
    assert abs(met - found["value"]) < 1 / 40 + 5 * found["stderr"]
    shown = gcopt(*asked).out
    assert "Iterations done within 2e+07 s" in shown
    assert "meets the deadline of 2e+07 s with probability" in shown
    assert f"{found['value']:.2%}" in shown


def test_design_tells_what_several_redundancies_gain(gcopt, cluster):
    asked = ("design", cluster, "--family", "two-stage", "--iterations", 500)
    found = gcopt(*asked, "--json").json
    assert set(found["best_single"]) == {"family", "parameters", "value"}
    shown = gcopt(*asked).out
    gain = found["best_single"]["value"] / found["value"]
    assert f"{gain:.2f} times faster than the best code with one redundancy ({found['best_single']['family']}" in shown
    assert "0-5" in shown


def test_long_lists_are_not_printed(gcopt, cluster):
    allocation = "allocation=[5, 1, 1, 0, 0, 3]"
    shown = gcopt("design", cluster, "--family", "block-coordinate", "--set", allocation, "--iterations", 500).out
    assert "allocation=..." in shown
    assert "4 segments: 50% need every worker, 20% can do without any 1 to 2 and 30%" in shown


def test_compare_by_a_deadline(gcopt, cluster):
    asked = ("compare", cluster, "--objective", "completion", "--deadline", "2e7", "--iterations", 500)
    found = gcopt(*asked, "--plot", "p.png", "--json").json
    values = [row["value"] for row in found["families"]]
    assert values == sorted(values, reverse=True)
    assert all(0 <= value <= 1 for value in values)
    assert found["deadline"] == 2e7
    assert Path("p.png").read_bytes().startswith(b"\x89PNG")
    assert "Iterations done within 2e+07 s" in gcopt(*asked).out


def test_a_deadline_nobody_meets_is_infeasible(gcopt, cluster):
    for verb in ("design", "compare"):
        done = gcopt(verb, cluster, "--objective", "completion", "--deadline", "1", "--iterations", 100)
        assert (done.code, done.out) == (1, "")
        assert "seconds would be met half of the time" in done.err
        assert done.err.count("\n") == 1


def test_compare_draws_a_picture(gcopt, cluster):
    found = gcopt("compare", cluster, "--plot", "p.png", "--json")
    assert found.code == 0, found.err
    names = [row["family"] for row in found.json["families"]]
    assert len(names) == len(set(names)) >= 3
    assert Path("p.png").read_bytes().startswith(b"\x89PNG")


def test_fit_a_log(gcopt):
    rng = np.random.default_rng(0)
    log = 1.0 + rng.exponential(0.5, (80, 6))
    log[:, 2] *= 3
    np.savetxt("log.csv", log, delimiter=",")
    found = gcopt("fit", "log.csv", "-o", "cluster.toml", "--json")
    assert found.json["schema"] == "gcopt.fit/1"
    assert found.json["per_worker"][2]["verdict"] == "chronic"
    assert gcopt("design", "cluster.toml").code == 0
    assert "worker 2" in gcopt("fit", "log.csv").out


def test_train_agrees_on_both_engines(gcopt, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 4))
    np.savetxt("d.csv", np.column_stack([X, X @ [1, 2, 3, 4] > 0]), delimiter=",")
    built(gcopt)
    common = ("train", "c.npz", "--data", "d.csv", "--iterations", 10, "--workers", 6, "--json")
    virtual = gcopt(*common, "--engine", "virtual", "--plot", "loss.png", "-o", "w.npz").json
    local = gcopt(*common, "--engine", "local").json
    assert virtual["schema"] == "gcopt.train/1"
    assert virtual["loss"][-1] < virtual["loss"][0]
    assert local["final"]["loss"] == pytest.approx(virtual["final"]["loss"], rel=1e-9)
    with np.load("w.npz") as saved:
        assert saved["parameters"].shape == (5,)
    assert Path("loss.png").exists()


def test_train_a_perceptron_on_digits(gcopt):
    built(gcopt)
    asked = ("train", "c.npz", "--data", "digits", "--problem", "multilayer", "--engine", "virtual", "--iterations", 30)
    found = gcopt(*asked, "--hidden", 8, "--step", 0.5, "--json").json
    assert (found["problem"], found["bytes"]["per_message"]) == ("multilayer", 8 * (64 * 8 + 8 + 8 * 10 + 10))
    assert found["loss"][-1] < 0.8 * found["loss"][0]
    without = gcopt(*asked)
    assert without.code == 2
    assert "step 0.5 often works, and the optimizer adam needs none" in without.err


@pytest.fixture
def petersen(gcopt, tmp_path):
    import gcopt as package

    package.save(package.GradientCode.from_matrix(PETERSEN, stragglers=3, approximate=True), "p.npz")
    (tmp_path / "ten.toml").write_text(CLUSTER.replace("workers = 6", "workers = 10"))
    np.savetxt("d.csv", np.column_stack([np.arange(40.0), np.arange(40) % 3 > 1]), delimiter=",")
    return "p.npz"


def test_simulate_knows_the_rules_of_train(gcopt, petersen):
    asked = ("simulate", petersen, "ten.toml", "--iterations", 300, "--json")
    counted = gcopt(*asked).json
    near = gcopt(*asked, "--tolerate", "0.02").json
    timed = gcopt(*asked, "--wait", "deadline", "--deadline", "5e6").json
    assert near["tolerate"] == 0.02
    assert 0 < near["error"]["mean"] <= near["error"]["max"] <= 0.02001 < counted["error"]["mean"]
    assert near["mean"] > counted["mean"]
    assert (timed["wait"], timed["deadline"]) == ("deadline", 5e6)
    assert timed["quantiles"]["0.5"] <= 5e6
    assert 0 < timed["error"]["mean"] < 1


def test_train_within_a_tolerance_by_a_deadline_and_debiased(gcopt, petersen):
    asked = ("train", petersen, "--engine", "virtual", "--cluster", "ten.toml", "--data", "d.csv", "--iterations", 20)
    near = gcopt(*asked, "--tolerate", "0.02", "--json").json
    assert 0 < near["error"]["mean"] <= near["error"]["max"] <= 0.02001
    timed = gcopt(*asked, "--wait", "deadline", "--deadline", "5e6", "--debias", "--json").json
    assert timed["estimate"]["debiased"]
    assert timed["estimate"]["expected_factor"] < 1
    given = gcopt(*asked, "--debias", "--probability", "0.3", "--json").json
    assert given["estimate"]["expected_factor"] == pytest.approx(0.91, abs=0.02)
    assert "THE GRADIENT WAS APPROXIMATE" in gcopt(*asked).out


def test_solve_worst_case(gcopt):
    built(gcopt)
    found = gcopt("solve", "worst-case", "--set", "code=c.npz", "--set", "stragglers=3", "-o", "r.npz", "--json").json
    assert (found["value"], found["bound"], found["gap"], found["status"]) == (3.0, 3.0, 0.0, "optimal")
    with np.load("r.npz") as saved:
        assert saved["set"].tolist() == found["set"]


def test_solve_order_statistics(gcopt):
    settings = ("--set", "workers=3", "--set", "model=exponential", "--set", "rate=2")
    found = gcopt("solve", "order-statistics", *settings, "--json").json
    assert found["expected"] == pytest.approx([1 / 6, 1 / 6 + 1 / 4, 1 / 6 + 1 / 4 + 1 / 2])


@pytest.mark.parametrize("word", ["families", "solvers"])
def test_listings(gcopt, word):
    document = gcopt(word, "--json").json
    assert document["schema"] == f"gcopt.{word}/1"
    for row in document[word]:
        assert row["name"]
        assert row["description"]
        assert row["source"]
        assert row["name"] in gcopt(word).out


BAD = [
    ("design", "nosuch.toml"),
    ("design", "typo.toml"),
    ("design", "c.toml", "--family", "nosuch"),
    ("design", "c.toml", "--objective", "beauty"),
    ("design", "c.toml", "--wait", "forever"),
    ("design", "c.toml", "--objective", "completion"),
    ("design", "c.toml", "--objective", "completion", "--deadline", "-1"),
    ("design", "c.toml", "--objective", "completion", "--deadline", "nan"),
    ("compare", "c.toml", "--deadline", "3"),
    ("design", "c.toml", "--set", "color=red", "--family", "grouped"),
    ("verify", "junk.npz"),
    ("verify", "c.npz", "--stragglers", "6"),
    ("verify", "c.npz", "--probability", "2"),
    ("verify", "nan.csv"),
    ("verify", "c.csv", "--blocks", "4"),
    ("verify", "c.npz", "--blocks", "2"),
    ("build", "grouped", "--set", "workers=61", "--set", "stragglers=30", "-o", "x.npz"),
    ("fit", "negative.csv"),
    ("fit", "ragged.csv"),
    ("fit", "nosuch.csv"),
    ("build", "fractional-repetition", "--set", "workers=13", "--set", "stragglers=3", "-o", "x.npz"),
    ("build", "nosuch", "-o", "x.npz"),
    ("build", "grouped", "--set", "workers=0", "--set", "stragglers=0", "-o", "x.npz"),
    ("build", "grouped", "--set", "workers=4", "--set", "stragglers=4", "-o", "x.npz"),
    ("build", "grouped", "--set", "workers", "-o", "x.npz"),
    ("build", "grouped", "--set", "workers=many", "--set", "stragglers=1", "-o", "x.npz"),
    ("build", "uncoded", "--set", "workers=4", "-o", "nosuch/x.npz"),
    ("simulate", "c.npz", "other.toml"),
    ("simulate", "c.npz", "c.toml", "--iterations", "0"),
    ("simulate", "c.npz", "c.toml", "--tolerate", "1"),
    ("simulate", "c.npz", "c.toml", "--wait", "count", "--tolerate", "0.1"),
    ("simulate", "c.npz", "c.toml", "--wait", "deadline"),
    ("simulate", "c.npz", "c.toml", "--deadline", "3"),
    ("train", "c.npz", "--data", "d.csv", "--wait", "deadline", "--deadline", "-1"),
    ("train", "c.npz", "--data", "d.csv", "--probability", "0.1"),
    ("export", "c.npz", "-o", "x.nosuch"),
    ("train", "c.npz", "--workers", "5"),
    ("train", "c.npz", "--data", "nosuch.csv"),
    ("train", "c.npz", "--engine", "warp", "--data", "d.csv"),
    ("solve", "nosuch"),
    ("solve", "worst-case", "--set", "stragglers=1"),
]


@pytest.mark.parametrize("args", BAD, ids=" ".join)
def test_bad_input_is_one_line_and_exit_code_2(gcopt, cluster, args):
    built(gcopt)
    gcopt("export", "c.npz", "-o", "c.csv")
    Path("other.toml").write_text(CLUSTER.replace("workers = 6", "workers = 7"))
    Path("typo.toml").write_text(CLUSTER.replace("shift =", "shfit ="))
    Path("junk.npz").write_bytes(b"PK\x03\x04" + bytes(99))
    Path("nan.csv").write_text("1,nan\n")
    Path("negative.csv").write_text("1,2\n3,-4\n")
    Path("ragged.csv").write_text("1,2\n3\n")
    Path("d.csv").write_text("1,0\n2,1\n3,1\n4,0\n5,1\n6,0\n")
    before = sorted(p.name for p in Path().iterdir())
    done = gcopt(*args)
    assert done.code == 2, done
    assert done.out == ""
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1, done.err
    assert sorted(p.name for p in Path().iterdir()) == before


def test_a_setting_no_candidate_has_is_infeasible(gcopt, cluster):
    done = gcopt("design", cluster, "--set", "stragglers=17")
    assert done.code == 1
    assert "stragglers=17" in done.err


def test_unknown_verbs_and_options_are_exit_code_2(gcopt):
    for args in (["nosuch"], ["verify"], ["verify", "x", "--nosuch"]):
        done = gcopt(*args)
        assert (done.code, done.out) == (2, "")
        assert "Usage: " in done.err


def test_help_of_every_verb(gcopt):
    verbs = [line.split()[0] for line in gcopt("--help").out.split("Commands:")[1].splitlines() if line.strip()]
    assert verbs[:5] == ["fit", "design", "compare", "build", "verify"]  # in the order in which people need them
    for verb in verbs:
        page = gcopt(verb, "--help")
        assert page.code == 0
        assert "Usage:" in page.out


def test_version(gcopt):
    import gcopt as package

    assert gcopt("--version").out.strip() == f"gcopt {package.__version__}"


def test_compressors_are_listed_with_what_they_cost(gcopt):
    shown = gcopt("compressors", "--length", "1000").out
    assert "feedback+sign" in shown
    assert "rotate+dither1:max,subtractive" in shown
    found = gcopt("compressors", "--length", "1000", "--json").json
    assert found["schema"] == "gcopt.compressors/1"
    about = {row["word"]: row for row in found["compressors"]}
    assert about["dither1:max"]["bytes"] == 129
    assert about["dither1:max"]["unbiased"]
    assert about["dither1:0.5"]["relative_variance"] is None
    assert not about["sign"]["unbiased"]


def test_a_compressed_run_says_what_was_saved(gcopt):
    gcopt("build", "one-bit", "--set", "workers=8", "--set", "replication=3", "--set", "probability=0.2", "-o", "c.npz")
    ran = gcopt("train", "c.npz", "--engine", "virtual", "--iterations", "3", "--optimizer", "sgd", "--step", "1")
    assert "times shorter than whole ones in float64 (compressed by dither1:max)" in ran.out
    ran = gcopt("train", "c.npz", "--engine", "virtual", "--iterations", "2", "--compress", "dither1:1e-6", "--json")
    assert ran.json["compression"]["saturated"] > 0
    assert ran.json["compression"]["saved"] > 60
    assert gcopt("train", "c.npz", "--compress", "zip").code == 2


def test_families_say_everything_about_one_and_whether_a_code_exists(gcopt):
    assert "Source: Tandon" in gcopt("families", "fractional-repetition").out
    found = gcopt("families", "fractional-repetition", "--set", "workers=12", "--set", "stragglers=3", "--json")
    assert (found.code, found.json["schema"], found.json["answer"]) == (0, "gcopt.exists/1", "yes")
    found = gcopt("families", "fractional-repetition", "--set", "workers=13", "--set", "stragglers=3")
    assert found.code == 1
    assert found.out.startswith("no: ")
    assert "of which family" in gcopt("families", "--set", "workers=13").err


def test_an_export_says_what_a_matrix_does_not_tell(gcopt):
    given = ("--set", "workers=13", "--set", "stragglers=4")
    gcopt("build", "paley", *given, "--set", "decoder=scaled", "-o", "p.npz")
    shown = gcopt("export", "p.npz", "-o", "p.mtx").out
    lacks = "its claims, its 4 stragglers, the scaled decoder, that it is approximate"
    assert f"a matrix does not tell {lacks}; keep p.npz" in shown
    assert "does not tell" not in gcopt("export", "p.mtx", "-o", "q.csv").out
    assert "does not tell" not in gcopt("export", "p.npz", "--placement", "-o", "p.json").out
    assert set(gcopt("export", "p.npz", "-o", "p.csv", "--json").json) == {"schema", "file", "workers"}
    gcopt("build", "two-stage", "--set", "workers=6", "--set", "stragglers=2", "--set", "alpha=2.0", "-o", "t.npz")
    assert "a matrix does not tell its claims; keep t.npz" in gcopt("export", "t.npz", "-o", "t", "--format", "csv").out


@pytest.mark.parametrize(
    ("family", "given", "message"),
    [
        ("bernoulli", {"workers": 8, "stragglers": 2, "load": 3, "regularised": "maybe"}, "true or false is needed"),
        (
            "bernoulli",
            {"workers": 8, "stragglers": 2, "load": 0},
            "load is 0; a number above 0 and at most 8",
        ),
        ("block-design", {"workers": 1, "replication": 1, "stragglers": 0}, "workers is 1; an integer of at least 2"),
        ("random-regular-graph", {"workers": 1, "load": 0, "stragglers": 0}, "workers is 1; an integer of at least 2"),
        ("weighted-unbiased", {"workers": 4, "probability": 0.2}, "probability is 0.2; 4 numbers between"),
        ("weighted-unbiased", {"workers": 4, "probability": [0.1, 0.2]}, "probability is 2 numbers; 4 numbers"),
        ("product", {"first": "paley", "second": "paley", "stragglers": 1}, "first is 'paley', a family; "),
    ],
)
def test_messages_name_what_was_found_and_what_would_work(gcopt, family, given, message):
    sets = [word for key, value in given.items() for word in ("--set", f"{key}={json.dumps(value)}")]
    refused = gcopt("build", family, *sets, "-o", "x.npz")
    assert refused.code == 2
    assert message in refused.err
    assert refused.err.count("\n") == 1


@pytest.mark.parametrize(
    ("family", "given", "code"),
    [
        ("projective-plane", ["order=6"], 1),
        ("projective-plane", ["order=7"], 0),
        ("projective-plane", ["order=12"], 3),
        ("steiner-triple", ["workers=10"], 1),
        ("paley", ["workers=13"], 0),
    ],
)
def test_existence_needs_no_stragglers(gcopt, family, given, code):
    assert gcopt("families", family, *(word for one in given for word in ("--set", one))).code == code
