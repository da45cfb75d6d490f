"""Codes of graphs: numbers of the literature by enumeration, claims, and what is refused."""

import numpy as np
import pytest

import gcopt
from gcopt.averages import mean_error, moments
from gcopt.combinatorics.graphs.random_regular import best_of
from gcopt.combinatorics.spectrum import second_singular_squared
from gcopt.decoding import Decoder
from gcopt.errors import ImpossibleError, InputError, UnknownError
from gcopt.families import (
    graph_assignment,
    margulis,
    paley,
    ramanujan,
    random_regular_graph,
    strongly_regular,
)
from tests.families.enumeration import errors
from tests.families.samples import SAMPLES
from tests.helpers import claim, dense

NAMES = ["strongly-regular", "paley", "random-regular-graph", "margulis", "ramanujan", "graph-assignment"]


def mean(code, probability, samples=2):
    rng, decoder = np.random.default_rng(0), Decoder(code.segments[0])
    return mean_error(decoder, stragglers=0, probability=probability, samples=samples, rng=rng)


@pytest.mark.parametrize(
    ("s", "worst", "average"),
    [
        (1, 2 / 11, 2 / 11),
        (2, 8 / 17, 0.416290),
        (3, 1.0, 0.726407),
        (4, 16 / 7, 1.146022),
        (5, 29 / 11, 1.719156),
        (6, 4.0, 2.500799),
    ],
)
def test_petersen_with_least_squares(s, worst, average):
    code = strongly_regular(10, s, graph="petersen")
    found = errors(code, s)
    assert found.max() == pytest.approx(worst, abs=1e-9)
    assert found.mean() == pytest.approx(average, abs=1e-6)
    assert claim(code, "error") == pytest.approx([8 / 17, 1.0, 1.6, 16 / 7, 3.076923, 4.0][s - 1], abs=1e-6)
    assert claim(code, "error") >= worst
    assert claim(code, "mean") >= average


@pytest.mark.parametrize(
    ("s", "worst", "bound"),
    [(1, 0.288066, 0.493827), (2, 0.763889, 1.111111), (3, 1.564626, 1.904762), (4, 2.962963, 2.962963)],
)
def test_petersen_with_the_fixed_decoder_of_raviv_et_al(s, worst, bound):
    code = strongly_regular(10, s, graph="petersen", decoder="scaled")
    found = errors(code, s)
    assert found.max() == pytest.approx(worst, abs=1e-6)
    assert claim(code, "error") == pytest.approx(bound, abs=1e-6)
    assert claim(code, "mean") == pytest.approx(found.mean())
    summed = strongly_regular(10, s, graph="petersen", decoder="sum", probability=s / 10)
    assert errors(summed, s) == pytest.approx(found)  # 1 / (1 - q) is n / (n - s)
    assert claim(summed, "error") == pytest.approx(bound, abs=1e-6)


@pytest.mark.parametrize("decoder", ["least-squares", "scaled", "sum"])
@pytest.mark.parametrize(
    "build",
    [
        lambda **how: paley(9, 3, **how),
        lambda **how: strongly_regular(16, 2, 6, 2, 2, **how),
        lambda **how: random_regular_graph(9, 3, 4, draws=3, rng=1, **how),
        lambda **how: margulis(9, 3, **how),
        lambda **how: margulis(4, 1, **how),
        lambda **how: graph_assignment("complete", 3, workers=10, **how),
        lambda **how: graph_assignment("random-regular", 2, partitions=8, replication=3, rng=2, **how),
        lambda **how: graph_assignment("cycle", 2, workers=9, **how),
    ],
)
def test_claims_hold_for_every_set(build, decoder):
    code = build(decoder=decoder, probability=0.3 if decoder == "sum" else None)
    found = errors(code, code.stragglers)
    assert found.max() <= claim(code, "error") + 1e-9
    if decoder != "sum":
        assert found.mean() <= claim(code, "mean") + 1e-9
    assert gcopt.verify(code, samples=50).ok


def test_the_mean_is_met_where_all_sets_are_alike():
    """In a symmetric design every set of responders has the same sums."""
    for code in (strongly_regular(16, 2, 6, 2, 2), strongly_regular(15, 2, 8, 4, 4)):
        found = errors(code, 2)
        assert np.ptp(found) < 1e-9
        assert claim(code, "error") == pytest.approx(found[0])
        assert claim(code, "mean") == pytest.approx(found[0])


@pytest.mark.parametrize("name", NAMES)
def test_verification_refutes_nothing(name):
    report = gcopt.verify(gcopt.families.FAMILIES[name](**SAMPLES[name]), samples=5, seconds=1)
    assert [c.status for c in report.checks[:2]] == ["proved", "proved"]
    assert {c.status for c in report.checks} <= {"proved", "sampled"}


@pytest.mark.parametrize(
    ("graph", "size", "s", "average", "worst"),
    [
        ("complete", {"partitions": 4}, 3, 0.4, 1.0),
        ("complete", {"partitions": 4}, 4, 1.066667, 4 / 3),
        ("petersen", {}, 3, 0.0263736, 1.0),
        ("petersen", {}, 4, 0.105495, None),
        ("petersen", {}, 5, 0.272172, 2.0),
    ],
)
def test_edges_as_workers(graph, size, s, average, worst):
    code = graph_assignment(graph, s, **size)
    found = errors(code, s)
    assert found.mean() == pytest.approx(average, abs=1e-6)
    assert worst is None or found.max() == pytest.approx(worst, abs=1e-9)
    assert code.load == 2
    assert (code.segments[0].replication == code.replication).all()


@pytest.mark.parametrize(
    ("size", "q", "value"),
    [(4, 0.2, 0.01312), (5, 0.2, 0.00223504)],
)
def test_complete_graphs_with_random_stragglers_by_enumeration(size, q, value):
    code = graph_assignment("complete", 0, partitions=size)
    found = mean(code, q)
    assert found.exact
    assert found.value / size == pytest.approx(value, abs=5e-9)
    assert found.value / size >= q ** (size - 1)  # nobody can do without all copies of a partition
    both = moments(Decoder(code.segments[0]), stragglers=0, probability=q, samples=2, rng=np.random.default_rng(0))
    assert both.mean == pytest.approx(np.full((1, size), 1 - value), abs=1e-8)  # proportional: the graph is transitive


def test_the_petersen_graph_with_random_stragglers_by_enumeration():
    code = graph_assignment("petersen", 0)
    heard = (np.arange(2**15)[:, None] >> np.arange(15) & 1).astype(float)
    matrix = dense(code)
    values, vectors = np.linalg.eigh(np.einsum("fj,ja,jb->fab", heard, matrix, matrix, optimize=True))
    error = np.sum(np.where(values < 1e-9, vectors.sum(axis=1) ** 2, 0.0), axis=1)  # 1, projected on the null space
    decoder, lost = Decoder(code.segments[0]), 15 - heard.sum(axis=1)
    for number in np.random.default_rng(0).integers(0, 2**15, size=200):
        assert decoder(heard[number]).error == pytest.approx(error[number], abs=1e-9)
    for q, value in ((0.1, 0.00121778), (0.3, 0.0335226)):
        assert error @ (q**lost * (1 - q) ** (15 - lost)) / 10 == pytest.approx(value, abs=1e-7)


def test_larger_graphs_with_random_stragglers_by_sampling():
    """Components decide: a bipartite one with sides a > b costs (a - b)^2 / (a + b), any other nothing."""
    import networkx as nx

    code = graph_assignment("clebsch", 0)
    found = mean(code, 0.5, samples=400)
    held = dense(code) > 0
    rng, costs = np.random.default_rng(1), []
    for _ in range(400):
        graph = nx.Graph([tuple(np.flatnonzero(row).tolist()) for row in held[rng.random(40) >= 0.5]])
        cost = 16.0 - graph.number_of_nodes()
        for part in map(graph.subgraph, nx.connected_components(graph)):
            if nx.is_bipartite(part):
                left, right = map(len, nx.bipartite.sets(part))
                cost += (left - right) ** 2 / (left + right)
        costs.append(cost)
    assert not found.exact
    spread = np.hypot(found.stderr, np.std(costs) / 20)
    assert abs(found.value - np.mean(costs)) < 5 * spread
    assert spread < 0.1 * np.mean(costs)


@pytest.mark.parametrize(
    ("graph", "size", "s", "optimal", "fixed"),
    [("petersen", {}, 3, 1.428571, 1.6667), ("complete", {"partitions": 5}, 6, 1.8, 2.8125)],
)
def test_adversarial_bounds_of_edges_as_workers(graph, size, s, optimal, fixed):
    assert claim(graph_assignment(graph, s, **size), "error") == pytest.approx(optimal, abs=1e-6)
    assert claim(graph_assignment(graph, s, decoder="scaled", **size), "error") == pytest.approx(fixed, abs=1e-4)


def test_the_bound_is_tight_for_the_complete_graph_on_five_vertices():
    code = graph_assignment("complete", 6, workers=10)
    assert errors(code, 6).max() == pytest.approx(claim(code, "error"))


def test_paley_codes_know_their_second_eigenvalue():
    for q in (5, 9, 13, 25, 49):
        code = paley(q, 1)
        assert (code.load, code.replication) == ((q - 1) // 2, (q - 1) // 2)
        second = second_singular_squared(code.segments[0].encoding * (q - 1) / 2)
        assert second == pytest.approx(((1 + np.sqrt(q)) / 2) ** 2)
        bound = q * second / (((q - 1) / 2) ** 2 * (q - 1) + second)
        assert claim(code, "error") == pytest.approx(bound)


def test_partitions_reached_twice_count_twice_on_the_torus():
    code = margulis(100, 5)
    assert code.segments[0].encoding.sum(axis=0) == pytest.approx(np.ones(100))
    assert code.segments[0].encoding.sum(axis=1) == pytest.approx(np.ones(100))
    assert set(np.round(8 * code.segments[0].encoding.data)) > {1.0}
    bound = 100 * 50 * 5 / (64 * 95 + 50 * 5)  # 5 sqrt(2), squared
    assert claim(code, "error") <= bound


def test_two_sides_of_a_bipartite_ramanujan_graph_are_workers_and_partitions():
    code = ramanujan(1092, 100, 6)  # X^(5,13) is bipartite
    assert claim(code, "error") <= 1092 * 20 * 100 / (36 * 992 + 20 * 100)
    assert (code.segments[0].load == 6).all()
    assert (code.segments[0].replication == 6).all()
    both = graph_assignment("ramanujan", 50, workers=6552)
    assert (both.partitions, both.replication) == (2184, 6)  # the graph of Glasgow & Wootters


def test_seeds_repeat_random_graphs_and_more_draws_are_no_worse():
    first = random_regular_graph(40, 4, 5, rng=3)
    again = random_regular_graph(**first.parameters, rng=first.seed)
    other = random_regular_graph(40, 4, 5, rng=4)
    assert dense(first).tobytes() == dense(again).tobytes()
    assert dense(first).tobytes() != dense(other).tobytes()
    assert claim(first, "error") <= claim(random_regular_graph(40, 4, 5, draws=1, rng=3), "error")
    second = best_of(40, 5, 10, rng=3)[1]
    assert claim(first, "error") == pytest.approx(40 * 4 * second / (25 * 36 + 4 * second))


def test_ten_thousand_workers():
    codes = [
        strongly_regular(10_000, 500, graph="lattice"),
        random_regular_graph(10_000, 500, 6, draws=2),
        margulis(10_000, 500),
        ramanujan(12_180, 500, 6),
        graph_assignment("random-regular", 500, workers=10_000, replication=4),
    ]
    for code in codes:
        assert code.workers >= 10_000
        assert 0 < claim(code, "mean") < claim(code, "error") < code.partitions / 10


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: paley(12, 1),
            "12 is no prime power, so there is no field of 12 elements .*: workers = 13; workers = 9",
        ),
        (lambda: paley(7, 1), "7 is 3 mod 4, so -1 is no square in the field .*: workers = 5; workers = 9"),
        (lambda: paley(8, 1), "8 is 0 mod 4, so -1 is its own negative"),
        (lambda: margulis(10, 1), "10 is no square; the nearest that exist: workers = 9; workers = 16"),
        (lambda: ramanujan(1000, 1, 6), "X.*q > 2 sqrt.p.; the nearest that exist: workers = 1092, load = 6"),
        (lambda: ramanujan(1092, 1, 7), "workers = 1092, load = 6"),
        (lambda: random_regular_graph(9, 1, 3), "13.5 edges"),
        (lambda: strongly_regular(21, 1, 10, 4, 5), "sum of two squares"),
        (lambda: strongly_regular(11, 1, 3), "nearest that exist: workers = 10, load = 3"),
        (
            lambda: strongly_regular(20, 1, graph="lattice"),
            "no lattice graph has workers = 20; .*: workers = 16, load = 6",
        ),
        (
            lambda: graph_assignment("petersen", 1, workers=16),
            "no petersen graph has workers = 16; the nearest: workers",
        ),
        (lambda: graph_assignment("complete", 1, workers=11), "the nearest: workers = 10, partitions = 5"),
        (lambda: graph_assignment("random-regular", 1, workers=7, replication=4), "8 workers would work"),
        (lambda: graph_assignment("random-regular", 1, workers=7, partitions=4, replication=3), "6 workers would work"),
        (lambda: graph_assignment("random-regular", 1, partitions=5, replication=3), "7.5 edges"),
    ],
)
def test_graphs_that_do_not_exist_are_refused_with_the_nearest_that_do(build, message):
    with pytest.raises(ImpossibleError, match=message) as caught:
        build()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: strongly_regular(10, 1), "load is missing; name one, or a graph"),
        (
            lambda: strongly_regular(25, 1, graph="latin-square"),
            "load is missing; latin-square graphs on 25 .* 12, 16, 20",
        ),
        (lambda: strongly_regular(10, 1, graph="cycle"), "graph is 'cycle'; one of petersen"),
        (lambda: strongly_regular(10, 1, 3, adjacent=0.5), "adjacent is 0.5"),
        (lambda: strongly_regular(10, 10, 3), "stragglers is 10"),
        (lambda: paley(9, 1, decoder="best"), "decoder is 'best'"),
        (lambda: paley(9, 1, decoder="sum"), "probability is missing"),
        (lambda: random_regular_graph(9, 1, 9), "load is 9; an integer from 1 to 8"),
        (lambda: random_regular_graph(9, 1, 4, draws=0), "draws is 0"),
        (lambda: graph_assignment(5, 1), "graph is 5; a name, or the path of a file as text"),
        (lambda: graph_assignment("pentagon", 1), "graph is 'pentagon'; a file or one of random-regular, petersen"),
        (
            lambda: graph_assignment("complete", 1),
            "complete graphs with no size given have 1, 3, 6, 10, 15, ... workers",
        ),
        (lambda: graph_assignment("random-regular", 1, workers=10), "needs two of workers, partitions, replication"),
        (lambda: graph_assignment("petersen", 15), "stragglers is 15"),
        (lambda: graph_assignment("none.txt", 1), "none.txt: cannot be read"),
    ],
)
def test_bad_parameters_are_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()


def test_every_small_question_has_an_answer():
    for n in range(4, 14):
        for d in range(n):
            answer = gcopt.exists("strongly-regular", workers=n, stragglers=1, load=d)
            assert answer.answer in ("yes", "no")  # nothing is open so early
            if answer.answer == "yes":
                assert strongly_regular(n, 1, d).load == d
            else:
                assert answer.reason
                assert answer.nearest


def test_what_nobody_here_can_build_is_unknown():
    with pytest.raises(UnknownError, match=r"\(65, 32, 15, 16\) passes every condition known here"):
        strongly_regular(65, 1, 32, 15, 16)
    assert gcopt.exists("strongly-regular", workers=65, stragglers=1, load=32).answer == "unknown"
    assert gcopt.exists("strongly-regular", workers=10, stragglers=1, load=3).answer == "yes"
    assert gcopt.exists("paley", workers=12, stragglers=1).nearest == ({"workers": 13}, {"workers": 9})
    assert gcopt.exists("margulis", workers=12, stragglers=1).nearest == ({"workers": 9}, {"workers": 16})
    assert gcopt.exists("ramanujan", workers=2448, stragglers=1, load=14).answer == "yes"
    assert gcopt.exists("graph-assignment", graph="complete", workers=11, stragglers=1).answer == "no"


def test_a_graph_from_a_file(tmp_path):
    path = tmp_path / "pentagon.txt"
    path.write_text("0 1\n1 2\n2 3\n3 4\n4 0\n")
    code = graph_assignment(str(path), 1)
    assert (code.workers, code.partitions, code.replication) == (5, 5, 2)
    assert dense(code).tolist() == dense(graph_assignment("cycle", 1, workers=5)).tolist()
    with pytest.raises(InputError, match=r"workers is 6; the graph in .*pentagon\.txt has 5"):
        graph_assignment(str(path), 1, workers=6)
