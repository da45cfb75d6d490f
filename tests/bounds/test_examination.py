"""All bounds at once, against what the verifier measures; and what a false bound looks like."""

import json
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import mmwrite

import gcopt
from gcopt.bounds import BOUNDS, Case, examine
from gcopt.bounds._failures import failure_probability
from gcopt.bounds.bound import bound
from gcopt.bounds.quantities import EVERY, MEAN, WORST
from gcopt.code import GradientCode
from gcopt.decoding import Decoder
from gcopt.errors import InputError
from gcopt.families import FAMILIES
from gcopt.measuring import Measured
from gcopt.moments import Mean
from gcopt.verification import verify
from tests.bounds.codes import PALEY, code, groups
from tests.bounds.draws import redrawn
from tests.families.samples import SAMPLES
from tests.helpers import straggler_sets
from tests.matrices import FANO, PETERSEN, circulant, incidence


def examined(code, **given):
    return examine(Case(Measured(code, seed=0, samples=200, seconds=60.0), **given))


@st.composite
def matrices(draw):
    """Circulants, regular graphs, their edges, permuted, and matrices without any structure."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    kind = draw(st.sampled_from(["circulant", "graph", "edges", "groups", "any"]))
    n = draw(st.integers(3, 7))
    if kind == "circulant":
        matrix = circulant(n, *rng.choice(n, draw(st.integers(1, n)), replace=False).tolist())
    elif kind in ("graph", "edges"):
        degree = 4 if kind == "graph" and n > 4 else 2
        graph = nx.random_regular_graph(degree, n, seed=int(rng.integers(1000)))
        matrix = nx.to_numpy_array(graph) if kind == "graph" else incidence(graph)
    elif kind == "groups":
        matrix = groups(draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 2)))
    else:
        matrix = (rng.random((n, draw(st.integers(1, 6)))) < 0.5).astype(float)
        matrix[rng.integers(n), matrix.sum(axis=0) == 0] = 1.0
    return matrix[rng.permutation(len(matrix))]


@settings(max_examples=60, deadline=None)
@given(matrix=matrices(), decoder=st.sampled_from(["least-squares", "scaled", "sum"]), data=st.data())
def test_every_bound_holds_on_every_code(matrix, decoder, data):
    s, q = data.draw(st.integers(0, len(matrix) - 1)), data.draw(st.sampled_from([0.1, 0.3, 0.6]))
    found = examined(code(matrix, decoder, q if decoder == "sum" else 0.0), stragglers=s, probability=q)
    assert {f.bound.name for f in found.findings} >= {"lost-by-load", "lost-greedily", "lost-on-average"}
    for finding in found.findings:
        assert finding.status == "proved", finding
        slack = 1e-9 * max(1.0, abs(finding.claimed))
        if finding.bound.direction != "lower":
            assert finding.measured <= finding.claimed + slack
        if finding.bound.direction != "upper":
            assert finding.measured >= finding.claimed - slack


@settings(max_examples=8, deadline=None)
@given(matrix=matrices(), blocks=st.integers(2, 3), epsilon=st.sampled_from([0.0, 0.3]), data=st.data())
def test_no_bound_is_violated_by_signs_that_are_drawn_again(matrix, blocks, epsilon, data):
    s, q = data.draw(st.integers(0, len(matrix) - 1)), data.draw(st.sampled_from([0.1, 0.4]))
    decoder = data.draw(st.sampled_from(["least-squares", "sum", "scaled", "one-step"]))
    chance = {"probability": q} if decoder == "sum" else {}
    drawn = redrawn(matrix, blocks, decoder=decoder, epsilon=epsilon, **chance)
    found = examine(Case(Measured(drawn, seed=0, samples=60, seconds=60.0), stragglers=s, probability=q))
    assert found.ok, [f for f in found.findings if f.status == "violated"]
    assert {f.bound.name for f in found.findings} & {"redrawn", "redrawn-sum", "redrawn-scaled", "redrawn-one-step"}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), blocks=st.integers(1, 3), s=st.integers(0, 5))
def test_what_is_lost_bounds_codes_with_any_entries(seed, blocks, s):
    rng = np.random.default_rng(seed)
    held = rng.random((6, 4)) < 0.6
    matrix = np.tile(held, blocks) * rng.standard_normal((6, 4 * blocks))
    chances = rng.random(6).tolist()
    found = examined(GradientCode.from_matrix(matrix, blocks=blocks), stragglers=s, probability=chances)
    names = {f.bound.name for f in found.findings}
    assert names >= {"lost-by-load", "lost-greedily", "lost-on-average", "lost-independently"}
    assert {f.status for f in found.findings} == {"proved"}


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - {"ramanujan"}))
def test_every_bound_holds_on_every_family(name):
    built = FAMILIES[name](**SAMPLES[name])
    promised = [c.probability for c in built.claims if c.probability is not None]
    found = examined(built, stragglers=max(1, built.stragglers), probability=promised[0] if promised else 0.2)
    assert found.ok
    assert len(found.findings) >= 4 or len(built.segments) > 1


def false(quantity, direction, value):
    """A bound that is wrong or not, as the value says."""

    def formula(case):
        """Somebody's number."""
        return value

    return bound("false", quantity, direction, source="nobody")(formula)


@pytest.mark.parametrize(
    ("quantity", "direction", "value", "status"),
    [
        (WORST, "upper", 0.4, "violated"),
        (WORST, "upper", 0.5, "proved"),
        (WORST, "lower", 0.5, "violated"),
        (WORST, "lower", 0.4, "proved"),
        (WORST, "equality", 0.4, "violated"),
        (WORST, "equality", 8 / 17, "proved"),
        (MEAN, "upper", 0.41, "violated"),
        (MEAN, "lower", 0.42, "violated"),
        (MEAN, "equality", 0.42, "violated"),
        (EVERY, "equality", 8 / 17, "violated"),  # so much is lost in the worst case, and less on average
        (EVERY, "equality", 0.45, "violated"),
        (EVERY, "equality", 0.3, "violated"),
    ],
)
def test_false_bounds_are_found_out(quantity, direction, value, status):
    assert false(quantity, direction, value).check(code(PETERSEN), stragglers=2).status == status


@pytest.mark.parametrize("direction", ["upper", "lower", "equality"])
def test_samples_find_out_what_is_far_off_and_prove_nothing(monkeypatch, direction):
    monkeypatch.setattr("gcopt.enumeration.SETS", 1)
    given = {"stragglers": 3, "samples": 300}
    mean = 0.726407
    assert false(MEAN, direction, mean).check(code(PETERSEN), **given).status == "sampled"
    wrong = mean - 0.3 if direction == "upper" else mean + 1.0
    assert false(MEAN, direction, wrong).check(code(PETERSEN), **given).status == "violated"


def test_what_a_sample_may_have_missed_violates_nothing(monkeypatch):
    """An exact code whose failures are too rare to be seen: the sampled mean is 0, what must be lost is not."""
    rare = gcopt.families.cyclic_mds(20, 5)
    found = BOUNDS["lost-independently"].check(rare, probability=0.03, samples=100)
    assert found.measured < 1e-9 < found.claimed
    assert found.status == "sampled"
    monkeypatch.setattr("gcopt.enumeration.SETS", 200)
    found = BOUNDS["bias"].check(code(groups(2, 6, 1)), probability=0.2, samples=100)
    assert found.claimed < 0.99999 < found.measured
    assert found.status == "sampled"


def test_a_violated_bound_is_not_ok(monkeypatch, capsys):
    from gcopt.report.codes import print_verify

    wrong = false(WORST, "upper", 0.4)
    monkeypatch.setitem(BOUNDS._entries, "false", wrong)
    report = verify(code(PETERSEN), stragglers=2, bounds=True)
    assert not report.ok
    print_verify(report)
    assert "A BOUND IS VIOLATED" in capsys.readouterr().out


def test_the_ratio_is_that_of_measured_and_claimed():
    found = false(WORST, "upper", 2.0).check(code(PETERSEN), stragglers=3)
    assert (found.measured, found.ratio) == (pytest.approx(1.0), pytest.approx(0.5))
    assert false(WORST, "lower", 0.0).check(code(PETERSEN), stragglers=3).ratio is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"stragglers": 10}, "stragglers is 10; an integer from 0 to 9"),
        ({"probability": 1.5}, "probability is 1.5"),
        ({"probability": [0.1]}, "probability has 1 entries; 10 are needed"),
        ({"probability": float("nan")}, "probability is nan"),
        ({"error": 0.0}, "error is 0.0; a positive number"),
    ],
)
def test_impossible_numbers_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        BOUNDS["lost-by-load"].applies(code(PETERSEN), **given)


def test_an_unknown_bound_is_named():
    with pytest.raises(InputError, match="no bound is called 'nosuch'; there are: bernoulli, bias, "):
        BOUNDS["nosuch"]


@pytest.mark.parametrize("s", range(7))
def test_failures_are_counted_as_by_enumeration(s):
    uneven = np.zeros((6, 4))
    uneven[:2, 0] = uneven[2:5, 1:3] = 1.0
    uneven[5, 3] = 1.0
    for matrix in (uneven, np.vstack([FANO[:3], FANO[:3]]), np.vstack([uneven, np.zeros((1, 4))])):
        decoder = Decoder(code(matrix).segments[0])
        n = len(matrix)
        if s >= n or (matrix.sum(axis=0) == 0).any():
            continue
        sets = [~np.isin(np.arange(n), lost) for lost in straggler_sets(n, s)]
        share = np.mean([not decoder.decodes(heard) for heard in sets])
        found = failure_probability(decoder, s, 0, 0)
        assert (found.value, found.exact) == (pytest.approx(share, abs=1e-15), True)


def test_failures_that_are_too_many_to_count_are_sampled(monkeypatch):
    decoder = Decoder(code(groups(4, 3, 3)).segments[0])
    exact = failure_probability(decoder, 6, 0, 0)
    assert exact.exact
    monkeypatch.setattr("gcopt.bounds._failures._SETS", 3)
    sampled = failure_probability(decoder, 6, 2000, 0)
    assert 0 < sampled.stderr < 0.02
    assert abs(sampled.value - exact.value) < 5 * sampled.stderr
    assert failure_probability(decoder, 6, 2000, 0, seconds=0.0).sets == 2
    unheld = Decoder(GradientCode.from_matrix([[1.0, 0.0]]).segments[0])
    assert failure_probability(unheld, 0, 5, 0) == Mean(1.0, 0.0, True)


def test_whole_partitions_are_lost_where_the_search_gives_up():
    """5000 workers hang together, too many for the search: the cheapest partitions prove what must be lost."""
    large = code(circulant(50, 0, 1, 7))
    graph = GradientCode.from_matrix(nx.to_scipy_sparse_array(nx.random_regular_graph(3, 5000, seed=0)), stragglers=30)
    for one, s, least in ((large, 9, 3), (graph, 30, 10)):
        found = BOUNDS["lost-by-load"].check(one, stragglers=s, samples=2, seconds=1.0)
        assert (found.claimed, found.status) == (least, "proved")
        assert found.measured >= least - 1e-9


def test_verify_reports_bounds_only_when_asked():
    assert verify(code(PALEY), stragglers=2).to_dict()["bounds"] is None
    report = verify(code(PALEY), stragglers=2, probability=0.2, bounds=True)
    listed = report.to_dict()["bounds"]
    assert sorted(entry["name"] for entry in listed) == sorted(BOUNDS)
    by_name = {entry["name"]: entry for entry in listed}
    spectral = by_name["spectral"]
    assert spectral["applies"] is True
    assert {"statement", "source", "direction", "quantity", "claimed", "measured", "ratio", "status", "method"} <= set(
        spectral
    )
    assert spectral["measured"] == report.segments[0].worst.lower
    assert by_name["block-design"]["applies"] is False
    assert by_name["block-design"]["reason"] == "the support is no block design with workers as points"


def test_command_line(gcopt):
    mmwrite("petersen.mtx", PETERSEN)
    shown = gcopt("verify", "petersen.mtx", "--stragglers", 4, "--probability", 0.2, "--bounds")
    assert shown.code == 0
    assert "Published bounds at s = 4, q = 0.2" in shown.out
    row = next(line.split() for line in shown.out.splitlines() if line.strip().startswith("spectral "))
    assert row[-6:] == ["2.28571", "2.28571", "1", "proved", "spectral", "bound"]
    applied = sum("at most" in line or "at least" in line or "equals" in line for line in shown.out.splitlines())
    assert f"({len(list(BOUNDS)) - applied} bounds do not apply; --json lists them" in shown.out
    found = gcopt("verify", "petersen.mtx", "--stragglers", 4, "--bounds", "--json").json
    assert len(found["bounds"]) == len(list(BOUNDS))
    assert json.dumps(found["bounds"])


def test_codes_with_several_segments_are_told_so():
    found = examined(gcopt.families.two_stage(8, 2, 3.0), stragglers=2)
    assert found.findings == ()
    assert {why for _, why in found.others} == {"the code has 2 segments; bounds speak of codes with one"}


def test_the_setting_is_in_words():
    petersen = code(PETERSEN)
    assert examined(petersen, stragglers=2).setting == "s = 2"
    assert examined(petersen, stragglers=2, probability=[0.1] * 9 + [0.2]).setting == "s = 2, q by worker"


def test_means_are_measured_once(monkeypatch):
    calls = []
    measure = gcopt.averages.mean_error
    monkeypatch.setattr("gcopt.measuring.mean_error", lambda *a, **k: calls.append(k) or measure(*a, **k))
    measured = Measured(code(PETERSEN), seed=0, samples=10, seconds=1.0)
    first = measured.mean(0, 2, [0.1] * 10)
    assert measured.mean(0, 2, tuple([0.1] * 10)) is first
    assert measured.mean(0, 2, None) is not first
    assert len(calls) == 2


def test_provenance_alone_convinces_no_bound():
    named = replace(code(PETERSEN), family="block-design", parameters={"workers": 10, "lambda": 1})
    assert BOUNDS["block-design"].applies(named, stragglers=1) is not None
