"""Claims are proved when true and refuted when not; the measured numbers against enumeration and the literature."""

from dataclasses import replace
from itertools import combinations
from math import comb
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt.averages import mean_error
from gcopt.code import Claim, GradientCode, Segment
from gcopt.decoding import Decoder
from gcopt.errors import InputError, LimitError
from gcopt.evaluate import evaluate
from gcopt.families import FAMILIES, cyclic_mds, fractional_repetition, grouped, two_stage
from gcopt.families._approximate import approximate
from gcopt.families._regular import spectral_claim
from gcopt.families.cyclic_mds import cyclic_mds_matrix
from gcopt.measuring import Measured
from gcopt.report.codes import print_build, print_verify
from gcopt.solvers.adversary import WorstCase
from gcopt.verdicts import verdict
from gcopt.verification import verify
from tests.helpers import least_squares, straggler_sets
from tests.matrices import FANO, PETERSEN

EXACT = {
    "uncoded": {"workers": 5, "partitions": 7},
    "fractional-repetition": {"workers": 12, "stragglers": 3},
    "cyclic-repetition": {"workers": 13, "stragglers": 4, "rng": 0},
    "cyclic-mds": {"workers": 12, "stragglers": 4},
    "grouped": {"workers": 13, "stragglers": 3},
    "placement": {"workers": 8, "stragglers": 2, "speeds": [1, 1, 1, 1, 2, 2, 3, 1], "rng": 0},
    "two-stage": {"workers": 8, "stragglers": 2, "alpha": 3.0},
    "block-coordinate": {"workers": 8, "allocation": [3, 1, 0, 1, 1, 0, 0.5, 2]},
}


def statuses(report):
    return {(check.claim.kind, check.claim.segment): check.status for check in report.checks}


def changed(code, edit, **options):
    """The same code and claims with an edited matrix in its last segment."""
    matrix = code.segments[-1].encoding.toarray()
    edit(matrix)
    last = replace(code.segments[-1], encoding=matrix, **options)
    return replace(code, segments=(*code.segments[:-1], last))


@pytest.mark.parametrize("name", EXACT)
def test_every_claim_of_an_exact_family_is_proved(name):
    report = verify(FAMILIES[name](**EXACT[name]))
    assert set(statuses(report).values()) == {"proved"}
    assert report.ok
    for part in report.segments:
        assert part.worst.exact
        assert part.worst.upper < 1e-12 * report.code.partitions
        assert (part.mean.value, part.mean.exact) == (0.0, True)
        assert part.noise.exact
        assert part.condition >= 1.0


@pytest.mark.parametrize("name", EXACT)
def test_a_wrong_entry_is_noticed(name):
    code = FAMILIES[name](**EXACT[name])
    row, column = (index[0] for index in code.segments[-1].encoding.nonzero())

    def spoil(matrix):
        matrix[row, column] *= 1.001

    report = verify(changed(code, spoil))
    last = len(code.segments) - 1
    if name == "uncoded":  # alone with its partitions, a worker may send any multiple of one, not of the others
        assert code.segments[0].load[row] > 1
    assert not report.ok
    assert statuses(report)["exact", last] == "refuted"
    refuted = next(check for check in report.checks if check.status == "refuted")
    lost = report.segments[last].worst.set
    assert str(list(lost)) in refuted.method
    assert refuted.measured > 1e-9


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("exact", {"stragglers": 4}),
        ("load", {"value": 3.0}),
        ("replication", {"value": 5.0}),
        ("noise", {"value": 0.7}),
    ],
)
def test_an_exaggerated_claim_is_refuted_and_the_others_are_not(kind, change):
    code = fractional_repetition(12, 3)
    report = verify(code.with_claims(replace(c, **change) if c.kind == kind else c for c in code.claims))
    assert {k for (k, _), status in statuses(report).items() if status == "refuted"} == {kind}
    assert not report.ok


def test_claims_nobody_can_check_are_not_called_proved():
    code = fractional_repetition(4, 1)
    report = verify(code.with_claims([Claim("speed", 1.0, "hearsay"), Claim("unbiased", 0.0, "", stragglers=1)]))
    assert [check.status for check in report.checks] == ["sampled", "proved"]
    assert "speed" in report.checks[0].method


@pytest.mark.parametrize(
    ("matrix", "s", "worst"),
    [(PETERSEN, 1, 2 / 11), (PETERSEN, 2, 8 / 17), (PETERSEN, 3, 1.0), (PETERSEN, 4, 16 / 7), (PETERSEN, 0, 0.0)],
)
def test_petersen_graph(matrix, s, worst):
    report = verify(GradientCode.from_matrix(matrix), stragglers=s).to_dict()
    assert report["worst_case"]["lower"] == pytest.approx(worst, abs=1e-12)
    assert report["worst_case"]["upper"] == pytest.approx(worst, abs=1e-12)
    assert report["worst_case"]["certificate"] == "exact"
    assert report["worst_case"]["relative"] == pytest.approx(worst / 10, abs=1e-12)
    assert least_squares(matrix, report["worst_case"]["set"])[0] == pytest.approx(worst, abs=1e-9)


@pytest.mark.parametrize("s", range(5))
def test_fano_plane(s):
    """Two lines meet in one point: B B^T = 2 I + J, so any q responders leave 7 - 9 q / (2 + q)."""
    report = verify(GradientCode.from_matrix(FANO), stragglers=s)
    expected = 7 - 9 * (7 - s) / (9 - s)
    (part,) = report.segments
    assert part.worst.lower == pytest.approx(expected, abs=1e-12)
    assert part.worst.exact
    assert part.mean.exact
    assert part.mean.value == pytest.approx(expected, abs=1e-12)


def test_a_bare_matrix_is_judged_at_its_replication():
    report = verify(GradientCode.from_matrix(PETERSEN))
    assert report.segments[0].worst.stragglers == 2
    assert report.checks == ()
    assert report.ok
    assert verify(GradientCode.from_matrix([[1.0, 0.0]])).segments[0].worst.lower == 1.0


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 7), k=st.integers(1, 6), seed=st.integers(0, 10**6), data=st.data())
def test_worst_and_mean_against_enumeration(n, k, seed, data):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-1, 2, (n, k)) * rng.integers(1, 3, (n, k)).astype(float)
    matrix[0, 0] = 1.0
    s = data.draw(st.integers(0, n - 1))
    part = verify(GradientCode.from_matrix(matrix), stragglers=s).segments[0]
    errors = [least_squares(matrix, lost)[0] for lost in straggler_sets(n, s)]
    assert part.worst.lower == pytest.approx(max(errors), abs=1e-9)
    assert part.worst.upper == pytest.approx(max(errors), abs=1e-9)
    assert part.mean.exact
    assert part.mean.value == pytest.approx(np.mean(errors), abs=1e-9)
    q = data.draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    sets = [lost for t in range(n + 1) for lost in combinations(range(n), t)]
    mean = sum(
        q ** len(lost) * (1 - q) ** (n - len(lost)) * least_squares(matrix, lost)[0]
        for lost in sets
        if any_left(lost, n)
    )
    mean += q**n * k
    found = verify(GradientCode.from_matrix(matrix), stragglers=s, probability=q).segments[0].mean
    assert found.exact
    assert found.value == pytest.approx(mean, abs=1e-9)


def any_left(lost, n):
    return len(lost) < n


def test_sampled_means_agree_with_exact_ones(monkeypatch):
    decoder = Decoder(Segment(PETERSEN))
    for probability in (None, 0.3):
        options = {"stragglers": 3, "probability": probability, "samples": 4000}
        exact = mean_error(decoder, rng=np.random.default_rng(0), **options)
        with monkeypatch.context() as patch:
            patch.setattr("gcopt.enumeration.SETS", 10)
            sampled = mean_error(decoder, rng=np.random.default_rng(0), **options)
        assert (exact.exact, exact.stderr, sampled.exact) == (True, 0.0, False)
        assert abs(sampled.value - exact.value) < 5 * sampled.stderr


def test_a_mean_of_few_sets_refutes_nothing_by_chance():
    """Two sets that happen to be alike have next to no spread, and five standard errors of nothing are nothing."""
    code = FAMILIES["random-regular"](60, 20, 4, rng=0)
    true = 1.0001 * Measured(code, seed=0, samples=3000, seconds=60.0).mean(0, 20, None).value
    promise = Claim("mean", true, "a good estimate", stragglers=20)
    for seed in range(40):
        check = verdict(Measured(code, seed, samples=2, seconds=1.0), promise)
        assert check.status == "sampled"
        assert check.method.startswith("2 random sets")
    (check,) = verify(code.with_claims([replace(promise, value=0.5 * true)]), samples=100, seconds=1.0).checks
    assert check.status == "refuted"


def test_what_never_happened_in_a_sample_refutes_nothing():
    """Petersen's edges at q = 0.05: the mean estimate is 1 - 1e-4, and most samples lose nothing of a vertex."""
    code = FAMILIES["graph-assignment"]("petersen", 3)
    factor = 1.0 - verify(code, probability=0.05).segments[0].mean.value / 10
    promise = Claim("proportional", factor, "vertex-transitive", probability=0.05)
    (check,) = verify(code.with_claims([promise]), samples=200).checks
    assert check.status == "proved"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gcopt.enumeration.SETS", 10)
        for seed in range(5):
            check = verdict(Measured(code, seed, samples=200, seconds=60.0), promise)
            assert check.status == "sampled"
        (check,) = verify(code.with_claims([replace(promise, value=0.5)]), samples=200).checks
        assert check.status == "refuted"


def test_the_time_limit_holds_for_means(monkeypatch):
    """A second in all: the worst case may take three quarters, and half of what is left is for the mean."""
    given = []

    def watched(decoder, **options):
        given.append(options["seconds"])
        return mean_error(decoder, **options)

    monkeypatch.setattr("gcopt.measuring.mean_error", watched)
    report = verify(FAMILIES["random-regular"](400, 40, 5, rng=0), seconds=1.0, samples=10**9)
    assert 0 < min(given) <= max(given) <= 0.5
    mean = report.to_dict()["mean"]
    assert (mean["exact"], 2 <= mean["sets"] < 10**9) == (False, True)


def test_what_is_out_of_reach_is_an_interval_and_a_sample():
    """C(150, 30) sets in a fifth of a second: nothing can be called exact, and nothing is."""
    graph = nx.to_numpy_array(nx.random_regular_graph(5, 150, seed=0))
    bare = GradientCode.from_matrix(graph)
    options = {"stragglers": 30, "seconds": 0.8, "samples": 200}
    (loose,) = verify(bare.with_claims([Claim("noise", 1e9, "a guess", stragglers=30)]), **options).checks
    assert loose.status == "proved"  # by a bound on every set
    tight = bare.with_claims([Claim("noise", 1.1 * loose.measured, "a guess", stragglers=30)])
    report = verify(tight, **options)
    assert [check.status for check in report.checks] == ["sampled"]
    (part,) = report.segments
    assert not part.worst.exact
    assert part.worst.lower == pytest.approx(least_squares(graph, part.worst.set)[0], rel=1e-9)
    assert part.worst.upper is None or part.worst.upper > part.worst.lower
    assert report.to_dict()["worst_case"]["certificate"] == "bounds"
    assert not part.mean.exact
    assert part.mean.value <= part.worst.lower + 1e-9


NOISES = [
    (cyclic_mds(13, 2, zeros="first"), 12.97236054),
    (cyclic_mds(13, 4, zeros="first"), 51.21041068),
    (cyclic_mds(13, 2), 3.62663768),
    (cyclic_mds(13, 4), 25.26888102),
    (cyclic_mds(16, 5), 102.81295),
    (grouped(13, 2, inner="cyclic-mds"), 0.91986621),
    (grouped(13, 4, inner="cyclic-mds"), 2.36832880),
    (grouped(16, 5, inner="cyclic-mds"), 3.05642804),
    (fractional_repetition(12, 2), np.sqrt(0.5)),
]


@pytest.mark.parametrize(("code", "noise"), NOISES, ids=[f"{c.family}-{c.workers}-{c.stragglers}" for c, _ in NOISES])
def test_noise_of_the_literature(code, noise):
    found = verify(code).to_dict()["noise"]
    assert found["lower"] == pytest.approx(noise, rel=1e-7)
    assert found["upper"] == pytest.approx(noise, rel=1e-7)
    assert evaluate(code.segments[0], found["set"]).noise == pytest.approx(noise, rel=1e-7)
    assert len(found["set"]) <= code.stragglers


def test_evaluation_is_plain_least_squares():
    code = cyclic_mds(9, 3)
    matrix = code.segments[0].encoding.toarray()
    for lost in combinations(range(9), 3):
        found, (error, noise) = evaluate(code.segments[0], lost), least_squares(matrix, lost)
        assert found.error == pytest.approx(error, abs=1e-12)
        assert found.noise == pytest.approx(noise, rel=1e-7)
        unit = np.delete(matrix, lost, axis=0)
        unit = unit / np.linalg.norm(unit, axis=1)[:, None]
        assert found.condition == pytest.approx(np.linalg.cond(unit), rel=1e-6)
    assert evaluate(Segment(np.eye(2)), (0, 1)).error == 2.0
    assert evaluate(Segment(np.eye(2)), ()).error == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("code", [fractional_repetition(10_000, 99), grouped(256, 20)], ids=["repetition", "grouped"])
def test_large_codes_are_proved(code):
    report = verify(code, samples=10)
    assert report.ok
    assert {status for (kind, _), status in statuses(report).items() if kind != "noise"} == {"proved"}


def test_segments_are_weighted_by_length():
    code = GradientCode((Segment(PETERSEN, length=3), Segment(np.eye(10), length=1)))
    report = verify(code, stragglers=2).to_dict()
    assert [part["worst_case"]["lower"] for part in report["segments"]] == pytest.approx([8 / 17, 2.0])
    assert report["worst_case"]["lower"] == pytest.approx(0.75 * 8 / 17 + 0.25 * 2)
    assert report["worst_case"]["upper"] == pytest.approx(0.75 * 8 / 17 + 0.25 * 2)
    assert report["worst_case"]["certificate"] == "exact"
    assert report["mean"]["exact"]
    parts = [part["mean"]["value"] for part in report["segments"]]
    assert report["mean"]["value"] == pytest.approx(0.75 * parts[0] + 0.25 * parts[1])
    assert report["noise"] is None
    both = verify(FAMILIES["two-stage"](8, 2, 3.0)).to_dict()
    noises = [part["noise"]["upper"] for part in both["segments"]]
    shares = [part["share"] for part in both["segments"]]
    assert both["noise"]["upper"] == pytest.approx(np.dot(shares, noises))


def test_ignored_stragglers_are_unbiased_and_never_exact():
    n, s = 6, 2
    report = verify(FAMILIES["ignore-stragglers"](n, s))
    assert report.ok
    assert set(statuses(report).values()) == {"proved"}
    (part,) = report.segments
    error = s + (n - s) * (n / (n - s) - 1) ** 2
    assert (part.worst.lower, part.worst.upper) == pytest.approx((error, error))
    assert (part.mean.value, part.mean.exact) == (pytest.approx(error), True)
    doubled = changed(report.code, lambda matrix: matrix.__imul__(2.0))
    assert statuses(verify(doubled))["unbiased", 0] == "refuted"


def test_worst_case_of_the_constant_decoder_against_enumeration():
    rng = np.random.default_rng(0)
    matrix = np.diag(rng.uniform(0, 2, 7)).repeat(2, axis=1)
    for overlapping in (False, True):
        matrix[0, -1] = 0.3 * overlapping
        code = GradientCode.from_matrix(matrix, decoder="scaled", stragglers=3)
        weights = [np.where(np.isin(np.arange(7), lost), 0, 7 / 4) for lost in combinations(range(7), 3)]
        worst = max(float(np.sum((w @ matrix - 1) ** 2)) for w in weights)
        (part,) = verify(code, samples=2000).segments
        assert part.worst.lower == pytest.approx(worst)
        assert part.worst.exact


def test_spectral_promises_are_proved_where_no_search_ends():
    assignment = nx.to_numpy_array(nx.random_regular_graph(6, 200, seed=0))
    second = np.sort(np.linalg.svd(assignment, compute_uv=False))[-2] ** 2
    for factor, status in ((1.0, "proved"), (0.99, "sampled")):
        promise = spectral_claim(200, 200, 6, 30, second)
        promise = replace(promise, value=factor * promise.value)
        report = verify(approximate(assignment, 30, [promise]), seconds=2.0, samples=20)
        assert statuses(report)["error", 0] == status


def test_promises_of_fixed_coefficients_are_proved():
    assignment = nx.to_numpy_array(nx.random_regular_graph(6, 60, seed=0))
    second = np.sort(np.abs(np.linalg.eigvalsh(assignment)))[-2]
    raviv = Claim("error", 60 * second**2 * 12 / (36 * 48), "Raviv et al. 2018", stragglers=12)
    report = verify(approximate(assignment, 12, [raviv], decoder="scaled"), seconds=2.0)
    assert statuses(report)["error", 0] == "proved"
    loose = replace(raviv, value=report.segments[0].worst.lower - 1e-6)
    assert (
        statuses(verify(approximate(assignment, 12, [loose], decoder="scaled"), seconds=2.0))["error", 0] == "refuted"
    )


def test_noise_of_fixed_coefficients_is_that_of_the_longest_rows():
    matrix = np.diag([1.0, 2.0, 3.0, 1.5])
    for decoder, factor in (("scaled", 4 / 3), ("sum", 1.0)):
        code = GradientCode.from_matrix(matrix, decoder=decoder, stragglers=1)
        found = Measured(code, 0, 10, 1.0).worst("noise", 0, 1)
        rows = [factor * np.sqrt((np.diag(matrix)[list(kept)] ** 2).sum() / 4) for kept in combinations(range(4), 3)]
        assert (found.lower, found.upper, found.set) == (pytest.approx(max(rows)), found.lower, (0,))


def test_the_report_says_what_it_is():
    code = fractional_repetition(12, 3)
    report = verify(code, rng=5)
    document = report.to_dict()
    assert document["schema"] == "gcopt.verify/1"
    assert document["ok"] is True
    assert {
        "workers": 12,
        "partitions": 12,
        "blocks": 1,
        "load": 4,
        "replication": 4,
        "seed": 5,
    }.items() <= document.items()
    assert [c["status"] for c in document["claims"]] == ["proved"] * 4
    assert {"claim", "source", "claimed", "measured", "status", "method"} <= set(document["claims"][0])
    assert document["segments"][0]["load_bound"] == 4.0
    again = verify(code, rng=5).to_dict()
    assert {**again, "seconds": 0} == {**document, "seconds": 0}


def test_complex_codes_with_blocks_are_verified():
    rng = np.random.default_rng(1)
    matrix = rng.standard_normal((6, 4)) + 1j * rng.standard_normal((6, 4))
    claims = [Claim("exact", 0.0, "random", stragglers=2)]
    code = GradientCode((Segment(matrix, blocks=2, stragglers=2),), claims=tuple(claims))
    report = verify(code)
    assert statuses(report) == {("exact", 0): "proved"}
    beyond = verify(code, stragglers=3).segments[0]
    assert beyond.worst.exact
    assert beyond.worst.lower > 1e-3
    assert beyond.mean.exact
    assert comb(6, 3) * beyond.mean.value == pytest.approx(
        sum(evaluate(code.segments[0], lost).error for lost in combinations(range(6), 3))
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stragglers": 4}, r"stragglers is 4; an integer from 0 to 3 is needed \(fewer than the 4 workers\)"),
        ({"stragglers": -1}, "stragglers is -1"),
        ({"stragglers": 1.5}, "stragglers is 1.5"),
        ({"probability": 1.5}, "probability is 1.5; a number from 0 to 1"),
        ({"probability": float("nan")}, "probability is nan"),
        ({"samples": 1}, "samples is 1"),
        ({"seconds": 0}, "seconds is 0"),
        ({"rng": "x"}, "rng is 'x'"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        verify(fractional_repetition(4, 1), **options)


def test_what_is_not_proved_tells_how_many_sets_were_tried():
    report = verify(FAMILIES["cyclic-repetition"](workers=100, stragglers=20, rng=0), samples=50, seconds=20)
    exact = report.checks[0]
    assert exact.status == "sampled"
    assert int(exact.method.split("; ")[-1].split()[0].replace(",", "")) > 50


def test_what_is_too_large_to_search_is_sampled(monkeypatch):
    def too_large(*args, **options):
        raise LimitError("9 workers hang together")

    monkeypatch.setattr("gcopt.solvers.adversary.WorstCase.solve", too_large)
    report = verify(cyclic_mds(9, 2), samples=20)
    assert [check.status for check in report.checks] == ["sampled", "proved", "proved"]
    assert report.checks[0].method == "9 workers hang together; 21 sets tried"


def test_a_structural_proof_is_not_believed_where_rounding_destroys_the_decoding():
    promise = Claim("exact", 0.0, "a cyclic MDS code", stragglers=15)
    report = verify(GradientCode.from_matrix(cyclic_mds_matrix(150, 15), stragglers=15).with_claims([promise]))
    assert report.checks[0].status == "refuted"
    assert report.segments[0].worst.upper is None
    assert not report.segments[0].worst.exact
    assert "rounding" in report.segments[0].worst.method


def test_many_segments_are_proved_and_weighted():
    code = FAMILIES["block-coordinate"](20, np.arange(20.0, 0.0, -1.0))
    document = verify(code).to_dict()
    assert len(document["segments"]) == 20
    assert [entry["status"] for entry in document["claims"]] == ["proved"] * len(code.claims)
    assert [part["worst_case"]["stragglers"] for part in document["segments"]] == list(range(20))
    assert document["worst_case"]["certificate"] == "exact"
    assert document["worst_case"]["upper"] < 1e-12 * 20
    noises = [part["noise"]["upper"] for part in document["segments"]]
    assert document["noise"]["upper"] == pytest.approx(np.dot(code.shares, noises))


def test_many_segments_are_printed_together_but_what_is_false_is_not(capsys):
    code = FAMILIES["block-coordinate"](10, [1.0] * 10)
    print_build(code, Path("c.npz"))
    built = capsys.readouterr().out
    assert "9 segments: exact for every set of 1 to 9 stragglers" in built
    assert len(built.splitlines()) < 12
    print_verify(verify(code))
    printed = capsys.readouterr().out
    assert "10 segments: no worker holds more than 1 to 10 partitions" in printed
    assert f"{len(code.claims)} of {len(code.claims)} claims proved" in printed
    wrong = Claim("load", 1.0, "nobody", segment=4)
    print_verify(verify(code.with_claims([*code.claims, wrong])))
    printed = capsys.readouterr().out
    assert "segment 4: no worker holds more than 1 partitions" in printed
    assert "A CLAIM IS FALSE" in printed


def test_few_segments_are_printed_one_by_one(capsys):
    code = FAMILIES["block-coordinate"](8, [1.0] * 8)
    print_build(code, Path("c.npz"))
    assert len(capsys.readouterr().out.splitlines()) == len(code.claims) + 2


def test_only_the_longest_of_very_many_segments_are_shown(capsys):
    code = FAMILIES["block-coordinate"](24, [*[1.0] * 22, 0.1, 0.1])
    print_verify(verify(code, seconds=10))
    printed = capsys.readouterr().out
    assert "(4 shorter segments not shown" in printed
    assert " 22 (" not in printed


def test_noise_without_a_bound_is_not_called_proved(capsys):
    report = verify(grouped(50, 29), seconds=4)
    (part,) = report.segments
    assert part.worst.exact
    assert part.noise.upper is None
    assert not part.noise.exact
    assert report.to_dict()["noise"]["upper"] is None
    print_verify(report)
    assert f"{part.noise.lower:.6g} to ?" in capsys.readouterr().out


def test_what_is_left_over_goes_to_later_promises(monkeypatch):
    """Each of two segments may use a quarter of its half; the first needs next to nothing."""
    given = []

    class Watched(WorstCase):
        def solve(self, *args, **options):
            given.append((self.objective, self.seconds))
            return super().solve(*args, **options)

    code = FAMILIES["two-stage"](8, 2, 3.0)
    monkeypatch.setattr("gcopt.solvers.adversary.WorstCase", Watched)
    verify(code.with_claims([k for k in code.claims if k.kind == "exact"]), seconds=8000.0)
    assert given == [
        ("error", pytest.approx(1000.0, rel=0.05)),
        ("noise", 1000.0),
        ("error", pytest.approx(2000.0, rel=0.05)),
        ("noise", 1000.0),
    ]


def test_the_first_of_several_segments_is_named(capsys):
    print_build(two_stage(6, 1, 3.0), Path("x.npz"))
    print_verify(verify(two_stage(6, 1, 3.0)))
    told = capsys.readouterr().out
    assert told.count("segment 0: no worker holds more than 1 partitions") == 2
    print_build(grouped(6, 1), Path("x.npz"))
    assert "segment" not in capsys.readouterr().out
