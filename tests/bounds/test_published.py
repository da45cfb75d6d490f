"""The numbers of the literature, and formulas against enumeration."""

import networkx as nx
import numpy as np
import pytest

from gcopt.bounds import BOUNDS
from gcopt.bounds.counting import lost
from gcopt.code import GradientCode
from gcopt.families import FAMILIES, fractional_repetition
from tests.bounds.codes import code, groups
from tests.bounds.test_each import bernoulli, stochastic_block
from tests.helpers import least_squares, straggler_sets
from tests.matrices import FANO, PETERSEN, PLANE, circulant, incidence

K5 = incidence(nx.complete_graph(5))
EDGES = incidence(nx.petersen_graph())


def values(name, code, stragglers):
    return [BOUNDS[name].formula(code, stragglers=s) for s in stragglers]


def test_petersen_graph():
    graph, upto = code(PETERSEN), range(7)
    assert values("strongly-regular", graph, upto) == pytest.approx(
        [3.571429, 3.769231, 4.0, 4.272727, 4.6, 5.0, 5.5], abs=1e-6
    )
    assert values("spectral", graph, upto) == pytest.approx([0, 8 / 17, 1.0, 1.6, 16 / 7, 3.076923, 4.0], abs=1e-6)
    assert values("raviv", graph, range(1, 5)) == pytest.approx([0.493827, 1.111111, 1.904762, 2.962963], abs=1e-6)
    worst = [2 / 11, 8 / 17, 1.0, 16 / 7, 29 / 11, 4.0]
    mean = [2 / 11, 0.416290, 0.726407, 1.146022, 1.719156, 2.500799]
    found = [BOUNDS["spectral"].check(graph, stragglers=s) for s in range(1, 7)]
    assert [f.measured for f in found] == pytest.approx(worst)
    found = [BOUNDS["lost-on-average"].check(graph, stragglers=s) for s in range(1, 7)]
    assert [f.measured for f in found] == pytest.approx(mean, abs=1e-6)


def test_petersen_graph_with_the_fixed_decoder():
    found = [BOUNDS["raviv"].check(code(PETERSEN, "scaled"), stragglers=s) for s in range(1, 5)]
    assert [f.measured for f in found] == pytest.approx([0.288066, 0.763889, 1.564626, 2.962963], abs=1e-6)
    assert found[-1].ratio == pytest.approx(1.0)
    assert {f.status for f in found} == {"proved"}


def test_block_designs():
    assert values("block-design", code(FANO), range(7)) == pytest.approx([0, 1 / 4, 4 / 7, 1, 1.6, 2.5, 4.0], abs=1e-9)
    assert values("block-design", code(PLANE), range(1, 5)) == pytest.approx([0.2, 3 / 7, 9 / 13, 1.0])
    # the projective plane of order 9 by the difference set of Singer, as exact as any
    singer = code(circulant(91, 0, 1, 3, 9, 27, 49, 56, 61, 77, 81))
    assert values("block-design", singer, (9, 22)) == pytest.approx([0.890110, 2.538462], abs=1e-6)
    found = BOUNDS["block-design"].check(singer, stragglers=2)
    assert found.status == "proved"


def test_thresholds_are_where_the_error_is_reached():
    for e in (0.1, 0.25, 0.26, 1.0, 1.6, 1.7, 4.0, 7.0):
        threshold = BOUNDS["block-design-threshold"].formula(code(FANO), error=e)
        errors = [*values("block-design", code(FANO), range(7)), 7.0]
        assert threshold == next(s for s, error in enumerate(errors) if error >= e - 1e-12)


def test_graph_assignment():
    assert BOUNDS["glasgow-wootters-graph"].formula(code(EDGES), stragglers=3) == pytest.approx(1.6667, abs=1e-4)
    assert BOUNDS["glasgow-wootters-graph"].formula(code(K5), stragglers=6) == pytest.approx(2.8125)
    assert BOUNDS["spectral"].formula(code(EDGES), stragglers=3) == pytest.approx(1.4286, abs=1e-4)
    found = BOUNDS["spectral"].check(code(K5), stragglers=6)
    assert (found.claimed, found.ratio) == (pytest.approx(1.8), pytest.approx(1.0))
    for assignment in (code(EDGES), code(K5)):
        general, graph = (BOUNDS[f"glasgow-wootters{more}"] for more in ("", "-graph"))
        assert general.formula(assignment, stragglers=2) == pytest.approx(graph.formula(assignment, stragglers=2))


@pytest.mark.parametrize(("vertices", "q", "mean", "lower"), [(4, 0.2, 0.01312, 0.008), (5, 0.2, 0.00223504, 0.0016)])
def test_random_stragglers_on_complete_graphs(vertices, q, mean, lower):
    graph = code(incidence(nx.complete_graph(vertices)))
    found = BOUNDS["lost-independently"].check(graph, probability=q)
    assert (found.claimed, found.measured) == (
        pytest.approx(vertices * lower),
        pytest.approx(vertices * mean, abs=1e-5),
    )
    bias = BOUNDS["bias"].check(graph, probability=q)
    assert (bias.claimed, bias.status) == (pytest.approx(1.0 - mean, abs=1e-6), "proved")


def test_bias_of_designs_and_graphs():
    assert BOUNDS["bias"].formula(code(FANO), probability=0.25) == pytest.approx(0.9206346784)
    found = BOUNDS["bias"].check(code(EDGES), probability=0.1)
    assert found.measured == pytest.approx(1.0 - 0.00121778, abs=1e-8)
    assert found.status == "proved"


@pytest.mark.parametrize(
    ("n", "s", "responders", "one_step", "optimal"),
    [(6, 2, 4, 1.2, 0.4), (6, 3, 4, 0.6, 0.0), (8, 2, 4, 3.428571, 1.714286), (12, 3, 6, 3.272727, 1.090909)],
)
def test_fractional_repetition(n, s, responders, one_step, optimal):
    matrix = groups(n // s, s, s)
    lost = n - responders
    found = BOUNDS["one-step"].check(code(matrix, "scaled"), stragglers=lost)
    assert (found.claimed, found.measured) == (pytest.approx(one_step, abs=1e-6), pytest.approx(one_step, abs=1e-6))
    found = BOUNDS["repetition"].check(code(matrix), stragglers=lost)
    assert (found.claimed, found.measured) == (pytest.approx(optimal, abs=1e-6), pytest.approx(optimal, abs=1e-6))


@pytest.mark.parametrize(("s", "failure", "lost"), [(3, 0.0181818, 0.0045455), (6, 0.3571429, 0.0909091)])
def test_how_often_repetition_fails(s, failure, lost):
    repetition = fractional_repetition(12, 2)
    found = BOUNDS["repetition-failure"].check(repetition, stragglers=s)
    assert found.measured == pytest.approx(failure, abs=1e-7)
    assert found.claimed == pytest.approx(4 * lost, abs=1e-6)
    assert found.status == "proved"
    found = BOUNDS["repetition-lost"].check(repetition, stragglers=s)
    assert found.measured == pytest.approx(12 * lost, abs=1e-5)
    assert found.claimed == pytest.approx(12 * (s / 12) ** 3)


@pytest.mark.parametrize(
    ("name", "draw", "value"),
    [
        ("bernoulli", lambda seed: bernoulli(20, 4, seed), 5.714286),
        ("stochastic-block", lambda seed: stochastic_block(20, 4, 0.6, 0.1, seed), 4.015595),
    ],
)
def test_random_codes_on_average_over_draws(name, draw, value):
    found = [BOUNDS[name].check(draw(seed), stragglers=6) for seed in range(300)]
    assert [f.claimed for f in found] == pytest.approx([value] * 300, abs=1e-6)
    measured = [f.measured for f in found]
    assert abs(np.mean(measured) - value) < 4 * np.std(measured) / np.sqrt(300)


@pytest.mark.parametrize("decoder", ["scaled", "least-squares"])
@pytest.mark.parametrize("name", ["bernoulli", "stochastic-block"])
def test_families_of_random_codes_keep_below_their_bound(name, decoder):
    given = {"load": 4} if name == "bernoulli" else {"communities": 4, "inside": 0.6, "across": 0.1}
    draws = [FAMILIES[name](workers=12, stragglers=3, decoder=decoder, rng=seed, **given) for seed in range(40)]
    found = [BOUNDS[name].check(draw, stragglers=3) for draw in draws]
    measured = [f.measured for f in found]
    assert np.mean(measured) < found[0].claimed + 4 * np.std(measured) / np.sqrt(40)
    assert {f.status for f in found} == {"sampled"}
    (promised,) = [c for c in draws[0].claims if c.on_average]
    assert promised.value == pytest.approx(found[0].claimed)


def test_fixed_coefficients():
    fano = code(FANO, "sum", 0.3)
    found = BOUNDS["equal-coefficients"].check(fano, probability=0.3)
    assert (found.claimed, found.measured) == (pytest.approx(1.0), pytest.approx(1.0))
    found = BOUNDS["song-choi"].check(fano, probability=0.3)
    assert (found.claimed, found.measured) == (pytest.approx(3.0), pytest.approx(3.0))


def test_song_and_choi():
    """Their second scheme: shares of the workers laid out along [0, n], cut at the integers."""
    q = np.array([0.1, 0.2, 0.4, 0.5])
    inverse = (1 - q) / q
    shares = 6 * inverse / inverse.sum()
    assert shares == pytest.approx([3.483871, 1.548387, 0.580645, 0.387097], abs=1e-6)
    ends = np.concatenate([[0.0], np.cumsum(shares)])
    overlap = np.minimum(ends[1:, None], np.arange(1, 7)) - np.maximum(ends[:-1, None], np.arange(6))
    matrix = np.maximum(overlap, 0.0) / (1 - q)[:, None]
    scheme = GradientCode.from_matrix(matrix, decoder="sum", approximate=True)
    found = BOUNDS["song-choi"].check(scheme, probability=q.tolist())
    assert (found.claimed, found.measured) == (pytest.approx(2.322581, abs=1e-6), pytest.approx(2.322581, abs=1e-6))
    spread = np.full((4, 6), 0.25) / (1 - q)[:, None]
    uniform = GradientCode.from_matrix(spread, decoder="sum", approximate=True)
    found = BOUNDS["song-choi"].check(uniform, probability=q.tolist())
    assert (found.measured, found.status) == (pytest.approx(4.5625), "proved")


def test_product_of_a_plane_and_a_triangle():
    product = code(np.kron(FANO, np.ones((3, 3)) - np.eye(3)))
    assert BOUNDS["kronecker"].formula(product) == pytest.approx(9.0)
    assert BOUNDS["kronecker"].check(product).status == "proved"
    assert values("spectral", product, (1, 2, 3)) == pytest.approx([0.259259, 0.538462, 0.84], abs=1e-6)
    found = [BOUNDS["spectral"].check(product, stragglers=s) for s in (1, 2, 3)]
    assert [f.measured for f in found] == pytest.approx([1 / 12, 0.25, 0.75])
    found = [BOUNDS["lost-on-average"].check(product, stragglers=s) for s in (2, 3)]
    assert [f.measured for f in found] == pytest.approx([0.178143, 0.286797], abs=1e-6)


def test_lower_bounds_with_blocks():
    """n = k, load 4, m = 2 and the plane of order 9; the average for the Fano plane and the Petersen graph."""
    random = np.random.default_rng(0)

    def twice(held):
        return GradientCode.from_matrix(np.hstack([held, held]) * random.standard_normal((len(held), 1)), blocks=2)

    assert values("lost-by-load", twice(circulant(9, 0, 1, 2, 3)), (3, 5)) == [1.0, 2.0]
    singer = twice(circulant(91, 0, 1, 3, 9, 27, 49, 56, 61, 77, 81))
    assert values("lost-by-load", singer, (0, 1, 4, 9, 10, 13, 18, 22)) == [0, 0, 0, 1, 2, 2, 2, 4]
    assert values("lost-by-load", twice(FANO), range(7)) == [0, 0, 1, 2, 2, 2, 4]
    assert values("lost-on-average", twice(FANO), range(7)) == pytest.approx([0, 0, 1.0, 2.8, 5.2, 8.0, 11.0])
    assert values("lost-on-average", twice(PETERSEN), [6]) == pytest.approx([8.3333], abs=1e-4)
    assert BOUNDS["load-of-exact"].applies(twice(FANO), stragglers=2)


def test_nothing_can_do_better_than_what_is_lost():
    for matrix in (PETERSEN, FANO, groups(3, 2, 2)):
        segment = code(matrix).segments[0]
        for s in range(6):
            for gone in straggler_sets(len(matrix), s):
                heard = ~np.isin(np.arange(len(matrix)), gone)
                assert least_squares(matrix, gone)[0] >= lost(segment, heard) - 1e-9


def test_repetition_loses_no_more_than_must_be_lost():
    repetition = code(groups(3, 2, 2))
    for s in range(6):
        errors = [least_squares(groups(3, 2, 2), lost)[0] for lost in straggler_sets(6, s)]
        worst, mean = max(errors), np.mean(errors)
        assert BOUNDS["lost-on-average"].formula(repetition, stragglers=s) == pytest.approx(mean, abs=1e-9)
        assert BOUNDS["repetition-worst"].formula(repetition, stragglers=s) == pytest.approx(worst, abs=1e-9)
        assert BOUNDS["lost-greedily"].formula(repetition, stragglers=s) == pytest.approx(worst, abs=1e-9)


def test_theorem_on_random_stragglers():
    """At q = 0.1 on K8: lambda = 8, and the largest eps makes t smallest."""
    bound = BOUNDS["glasgow-wootters-random"]
    found = bound.check(code(incidence(nx.complete_graph(8))), probability=0.1, samples=400)
    epsilon = 5 * (1 - 0.1 * np.exp(1 / 8)) - 1
    t = np.exp(2) * 0.1 ** (8 * (1 - 1 / (3 + epsilon))) / (1 - 0.1 * np.exp(1 / 8)) ** 2
    assert found.claimed == pytest.approx(6 / 8 + t)
    assert found.status == "sampled"
    for graph, q, message in (
        (nx.complete_graph(6), 0.1, "the graph is too small"),
        (nx.complete_graph(8), 0.8, "no eps > 0 fits"),
        (nx.frucht_graph(), 0.1, "no symmetry is found that moves every partition"),
    ):
        assert message in bound.applies(code(incidence(graph)), probability=q)
