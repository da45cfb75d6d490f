"""Bounds on codes whose signs are drawn again: the numbers of the literature, and formulas against all signs."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcopt.bounds import BOUNDS
from gcopt.bounds.dominance import lemma_two
from gcopt.bounds.redrawn import lemma_one
from gcopt.code import GradientCode
from gcopt.errors import InputError
from gcopt.families import FAMILIES
from tests.bounds.codes import groups
from tests.bounds.draws import COSETS, HADAMARD, all_signs, errors, estimates, means, redrawn, responders, signed
from tests.matrices import FANO, PETERSEN, circulant


def values(name, code, stragglers):
    return [BOUNDS[name].formula(code, stragglers=s) for s in stragglers]


def test_fano_with_two_blocks():
    code, upto = redrawn(FANO), range(7)
    most = [3.5, 4.181818, 5.0, 6.0, 7.25, 8.857143, 11.0]
    for name in ("redrawn", "redrawn-mean", "redrawn-average", "redrawn-design", "redrawn-spectral"):
        assert values(name, code, upto) == pytest.approx(most, abs=1e-6)
    exact = [3.003906, 3.724330, 4.598214, 5.675000, 7.025000, 8.750000, 11.0]
    assert values("redrawn-design-exact", code, upto) == pytest.approx(exact, abs=1e-6)
    assert [means(FANO, 2, s).mean() for s in upto] == pytest.approx(exact, abs=1e-6)
    stacked = [7.0, 7.25, 7.571429, 8.0, 8.6, 9.5, 11.0]
    assert values("stacked", code, upto) == pytest.approx(stacked, abs=1e-6)
    alike = signed(FANO, np.ones((7, 2)))
    assert values("signed-design", alike, upto) == pytest.approx(stacked, abs=1e-6)
    one_step = redrawn(FANO, decoder="one-step")
    found = [BOUNDS["redrawn-one-step"].check(one_step, stragglers=s) for s in upto]
    assert [f.claimed for f in found] == pytest.approx(most, abs=1e-6)
    assert {f.status for f in found} == {"proved"}


@pytest.mark.parametrize(("flipped", "error"), [(4, 2.6), (5, 3.0714286), (6, 4.25), (7, 7.0)])
def test_fano_by_the_sum_of_its_signs(flipped, error):
    """|c| = 1, 3, 5, 7 at s = 0; the mean, least and most of all sets otherwise."""
    signs = np.ones((7, 2))
    signs[:flipped, 1] = -1.0
    code = signed(FANO, signs)
    found = BOUNDS["signed-design"].check(code, stragglers=0)
    assert (found.claimed, found.status) == (pytest.approx(error), "proved")
    for s in range(7):
        exact = [errors(FANO, signs[None], heard)[0] for heard in responders(7, s)]
        assert BOUNDS["signed-design"].formula(code, stragglers=s) == pytest.approx(np.mean(exact))
        assert BOUNDS["signed-design-worst"].formula(code, stragglers=s) == pytest.approx(max(exact))
        assert BOUNDS["orthogonal-signs"].formula(code, stragglers=s) <= min(exact) + 1e-9


def test_fano_with_three_blocks():
    most = [8.4, 9.428571, 10.615385, 12.0, 13.636364, 15.6, 18.0]
    code = redrawn(FANO, 3)
    assert values("redrawn-design", code, range(7)) == pytest.approx(most, abs=1e-6)
    held = errors(FANO, all_signs(7, 3), np.ones(7))
    assert values("redrawn-design-exact", code, [0]) == pytest.approx([held.mean()])
    signs = all_signs(7, 3)[1234]
    exact = [errors(FANO, signs[None], heard)[0] for heard in responders(7, 3)]
    assert values("signed-design", signed(FANO, signs), [3]) == pytest.approx([np.mean(exact)])
    assert values("signed-design-worst", signed(FANO, signs), [3]) == pytest.approx([max(exact)])


def test_petersen_graph_with_two_blocks():
    code = redrawn(PETERSEN)
    most = [9.411765, 9.875, 10.4, 11.0, 11.692308, 12.5]
    assert values("redrawn-strongly-regular", code, range(6)) == pytest.approx(most, abs=1e-6)
    general = [5.0, 5.913043, 6.909091, 8.0, 9.2, 10.526316]
    assert values("redrawn-spectral", code, range(6)) == pytest.approx(general, abs=1e-6)
    assert values("redrawn", code, [0]) == pytest.approx([5.0])
    assert means(PETERSEN, 2, 0)[0] == pytest.approx(3.98255, abs=1e-5)
    assert means(PETERSEN, 2, 1).mean() == pytest.approx(4.72718, abs=1e-5)
    found = BOUNDS["redrawn-sum"].formula(redrawn(PETERSEN, decoder="sum", probability=0.25), probability=0.25)
    assert found == pytest.approx(11.111111, abs=1e-6)


def test_plane_of_order_nine():
    """The values of the paper's third figure, all by formula."""
    code, some = redrawn(circulant(91, 0, 1, 3, 9, 27, 49, 56, 61, 77, 81)), (0, 1, 4, 9, 13, 18, 22)
    most = [16.5455, 16.8624, 17.8491, 19.6238, 21.1753, 23.3043, 25.1818]
    assert values("redrawn-design", code, some) == pytest.approx(most, abs=1e-4)
    exact = [15.2865, 15.5967, 16.5629, 18.3027, 19.8257, 21.9187, 23.7672]
    assert values("redrawn-design-exact", code, some) == pytest.approx(exact, abs=1e-4)
    stacked = [91.0, 91.0909, 91.3750, 91.8901, 92.3448, 92.9756, 93.5385]
    assert values("stacked", code, some) == pytest.approx(stacked, abs=1e-4)


def test_coset_graphs():
    some, large = (0, 3, 7, 10, 13), np.vstack([circulant(27, 0, 1, 3, 7, 12)] * 2)
    most = [4.9691, 7.6931, 11.3250, 14.0489, 16.7729]
    assert values("redrawn-cosets", redrawn(large, epsilon=0.1), some) == pytest.approx(most, abs=1e-4)
    small = redrawn(COSETS, epsilon=0.1)
    most = [1.4450, 2.3005, 3.1560, 4.0115, 4.8670]
    assert values("redrawn-cosets", small, range(5)) == pytest.approx(most, abs=1e-4)
    for s in range(1, 5):
        assert values("redrawn-spectral", small, [s]) < values("redrawn-cosets", small, [s])
    found = BOUNDS["cosets-exact"].check(small, stragglers=0)
    assert (found.claimed, found.status) == (0.0, "proved")
    found = BOUNDS["redrawn-sum"].check(redrawn(COSETS, decoder="sum", probability=0.25), probability=0.25)
    assert (found.claimed, found.status) == (pytest.approx(2.777778, abs=1e-6), "proved")


def test_frames_that_need_no_drawing():
    """A Hadamard matrix for the two workers of each row of the circulant."""
    code = signed(COSETS, HADAMARD)
    found = BOUNDS["cosets-exact"].check(code, stragglers=0)
    assert (found.status, found.measured) == ("proved", pytest.approx(0.0, abs=1e-12))
    fixed = signed(COSETS / (6 * 0.75), HADAMARD, decoder="sum")
    for name in ("equal-coefficients", "fixed-coefficients", "unbiased"):
        found = BOUNDS[name].check(fixed, probability=0.25)
        assert (found.status, found.measured) == ("proved", pytest.approx(10 / 9))
    assert BOUNDS["fixed-coefficients"].formula(fixed, probability=0.25) == pytest.approx(10 / 9)


def test_the_mean_estimate_over_all_signs_and_sets():
    """The Fano plane at q = 0.25: the optimal decoder is unbiased but for a factor, the fixed one wholly."""
    signs, q, target = all_signs(7, 2), 0.25, np.kron(np.eye(2), np.ones(7))
    optimal, fixed, square = np.zeros((2, 14)), np.zeros((2, 14)), 0.0
    for bits in range(2**7):
        heard = (bits >> np.arange(7)) & 1
        chance = np.prod(np.where(heard, 1.0 - q, q))
        optimal += chance * estimates(FANO, signs, heard).mean(axis=0)
        each = np.einsum("pju,pjv,ji,j->puvi", signs, signs, FANO, heard / (0.75 * 3)).reshape(-1, 2, 14)
        fixed += chance * each.mean(axis=0)
        square += chance * ((each - target) ** 2).sum(axis=(1, 2)).mean()
    alpha = 0.6788439580
    assert np.abs(optimal - alpha * target).max() < 1e-9
    assert np.abs(fixed - target).max() < 1e-12
    code = redrawn(FANO)
    assert BOUNDS["bias"].formula(code, probability=q) == pytest.approx(alpha)
    assert BOUNDS["redrawn-design-independent"].formula(code, probability=q) == pytest.approx(4.4961845875)
    assert BOUNDS["debiased"].formula(code, probability=q) == pytest.approx(6.6232961703)
    found = BOUNDS["redrawn-sum"].check(redrawn(FANO, decoder="sum", probability=q), probability=q)
    assert (found.claimed, found.measured) == (pytest.approx(square), pytest.approx(square))
    assert square == pytest.approx(7.7777778)


@st.composite
def instances(draw):
    """Assignments of up to six workers, with loads and replication that are equal or not; blocks and stragglers."""
    rng, m = np.random.default_rng(draw(st.integers(0, 10**6))), draw(st.sampled_from([2, 2, 3]))
    n = draw(st.integers(2, 4 if m == 3 else 6))
    held = circulant(n, *rng.choice(n, draw(st.integers(1, n)), replace=False).tolist())
    if draw(st.booleans()):
        held = (rng.random((n, draw(st.integers(1, 5)))) < 0.6).astype(float)
        held[rng.integers(n), held.sum(axis=0) == 0] = 1.0
    return held, m, draw(st.integers(0, n - 1))


@settings(max_examples=60, deadline=None)
@given(instance=instances())
def test_lower_bounds_are_below_all_signs_and_upper_ones_above(instance):
    held, m, s = instance
    exact, code, sets = means(held, m, s), redrawn(held, m), responders(len(held), s)
    slack = 1e-9 * m * held.shape[1]
    assert (exact <= lemma_one(held, m, 1.0, sets) + slack).all()
    lost = np.maximum(0, m - sets @ held).sum(axis=1)
    assert (exact >= lost - slack).all()
    found = {"worst": exact.max(), "mean": exact.mean()}
    for name, of, above in (
        ("redrawn", "worst", True),
        ("redrawn-mean", "mean", True),
        ("redrawn-average", "mean", True),
        ("redrawn-design", "worst", True),
        ("redrawn-strongly-regular", "worst", True),
        ("redrawn-cosets", "worst", True),
        ("redrawn-spectral", "worst", True),
        ("redrawn-design-exact", "mean", True),
        ("redrawn-design-exact", "mean", False),
        ("lost-on-average", "mean", False),
    ):
        bound = BOUNDS[name]
        if bound.applies(code, stragglers=s) is None:
            claimed = bound.formula(code, stragglers=s)
            assert found[of] <= claimed + slack if above else found[of] >= claimed - slack, name


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), m=st.integers(1, 3))
def test_lemma_two_bounds_any_code(seed, m):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((5, 4 * m)) * (rng.random((5, 4 * m)) < 0.7)
    segment = GradientCode.from_matrix(rows, blocks=m).segments[0]
    target = np.kron(np.eye(m), np.ones(4))
    for heard in responders(5, 2):
        some = rows[heard]
        error = m * 4 - np.sum((target @ np.linalg.pinv(some) @ some) * target)
        assert error <= lemma_two(segment, heard[None])[0] + 1e-9


def test_lower_bounds_on_independent_stragglers():
    """By enumeration over how many of the workers of a partition respond, workers unlike each other."""
    held, chances = np.array([[1.0, 0], [1, 1], [1, 1], [0, 1]]), np.array([0.1, 0.3, 0.5, 0.2])
    code = signed(held, np.array([[1.0, 1], [1, -1], [1, 1], [1, -1]]))
    least = 0.0
    for bits in range(16):
        heard = (bits >> np.arange(4)) & 1
        chance = np.prod(np.where(heard, 1.0 - chances, chances))
        least += chance * np.maximum(0, 2 - heard @ held).sum()
    found = BOUNDS["lost-independently"].check(code, probability=chances.tolist())
    assert (found.claimed, found.status) == (pytest.approx(least), "proved")


@pytest.mark.parametrize("workers", [2, 3, 4])
def test_groups_that_tell_blocks_apart(workers):
    rng = np.random.default_rng(0)
    held = groups(3, workers, 2)
    code = signed(held, rng.standard_normal((len(held), 3)))
    for s in range(len(held)):
        lost = np.array(
            [2.0 * np.maximum(0, 3 - heard.reshape(3, -1).sum(axis=1)).sum() for heard in responders(len(held), s)]
        )
        assert values("repetition", code, [s]) == pytest.approx([lost.mean()])
        assert values("repetition-worst", code, [s]) == pytest.approx([lost.max()])
    found = [
        BOUNDS[name].check(code, stragglers=2) for name in ("repetition", "repetition-worst", "repetition-failure")
    ]
    assert {f.status for f in found} == {"proved"}


def test_kadhes_groups():
    code = signed(groups(2, 3, 3), np.random.default_rng(0).standard_normal((6, 2)))
    assert values("repetition", code, range(1, 5)) == pytest.approx([0.0, 1.2, 3.3, 6.0])
    assert values("repetition-worst", code, range(1, 5)) == pytest.approx([0.0, 3.0, 6.0, 6.0])


@pytest.mark.parametrize(
    ("name", "code", "given", "message"),
    [
        ("redrawn", signed(FANO, np.ones((7, 2))), {}, "the code draws no signs"),
        ("redrawn-design", redrawn(PETERSEN), {}, "the support is no block design"),
        ("redrawn-cosets", redrawn(COSETS, 3), {}, "2 workers hold each row of a circulant; m are needed, 3"),
        (
            "cosets-exact",
            redrawn(np.vstack([circulant(12, 0, 1, 2, 4, 10)] * 2)),
            {},
            "there are 12 partitions; a power",
        ),
        ("cosets-exact", redrawn(np.vstack([circulant(4, 0, 1)] * 2)), {}, "the load 2 is a multiple of 2, of which 4"),
        ("cosets-exact", redrawn(COSETS), {}, "send dependent factors; signs alone often do, epsilon > 0"),
        ("cosets-exact", redrawn(COSETS, epsilon=0.1), {"stragglers": 1}, "s is 1; this speaks of answers from all"),
        ("repetition", signed(groups(2, 3, 2), np.ones((6, 2))), {}, "2 workers that hold what worker 0 does send dep"),
        (
            "repetition",
            signed(groups(1, 25, 1), np.ones((25, 9))),
            {},
            "the 25 workers .* are too many to look at every 9",
        ),
        (
            "repetition",
            signed(groups(2, 3, 2) * [1, 2, 1, 2], np.ones((6, 2))),
            {},
            "the nonzero entries differ: blocks",
        ),
        (
            "equal-coefficients",
            signed(COSETS / 6 * [1, -1, 1, 1, 1], HADAMARD, decoder="sum"),
            {"probability": 0.0},
            "the entries of some worker are no signs times one combination",
        ),
        (
            "equal-coefficients",
            signed(COSETS / 6, np.ones((10, 2)), decoder="sum"),
            {"probability": 0.0},
            "the signs of the workers of 5 partitions are no tight frame",
        ),
        ("redrawn-design-exact", redrawn(FANO, epsilon=0.2), {}, "epsilon is 0.2; this speaks of signs alone"),
        ("signed-design", redrawn(FANO, epsilon=0.2), {}, "the factors of the blocks are no signs"),
        ("redrawn", redrawn(FANO, 1), {}, "messages are as long as the gradient; this speaks of m > 1"),
        ("redrawn-mean", redrawn(circulant(40, 0, 1, 3)), {"stragglers": 9}, "the sets of 9 workers are too many"),
        ("redrawn", redrawn(circulant(201, 0, 1, 3)), {}, "201 workers are too many for a system of equations"),
    ],
)
def test_hypotheses_are_enforced(name, code, given, message):
    with pytest.raises(InputError, match=message):
        BOUNDS[name].formula(code, **{"stragglers": 0, **given})


def test_designs_the_other_way_round_are_told_so():
    lines = FAMILIES["steiner-triple"](9, 1).support.toarray().T  # workers are the blocks
    assert "points are the partitions; the workers must be the points" in BOUNDS["redrawn-design"].applies(
        redrawn(lines), stragglers=0
    )


def test_signs_alone_do_not_make_an_unbiased_estimate():
    ragged = np.array([[1.0, 1, 0], [0, 1, 1], [1, 1, 1], [1, 0, 0]])
    assert "draws and sets of workers are too many" in BOUNDS["bias"].applies(redrawn(ragged), probability=0.2)
    assert BOUNDS["bias"].applies(redrawn(FANO[:, :6]), probability=0.2) is None
    frucht = nx.to_numpy_array(nx.frucht_graph())
    assert "are too many" in BOUNDS["bias"].applies(redrawn(frucht), probability=0.2)
    assert BOUNDS["bias"].applies(redrawn(PETERSEN, epsilon=0.3), probability=0.2) is None
    triples = FAMILIES["steiner-triple"](13, 1).support.toarray()
    assert BOUNDS["bias"].applies(redrawn(triples), probability=0.2) is None
    assert "are too many" in BOUNDS["bias"].applies(redrawn(triples, epsilon=0.3), probability=0.2)
