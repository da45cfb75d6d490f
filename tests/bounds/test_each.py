"""Every bound holds on at least three codes it applies to, and says why it does not apply to others."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from gcopt.bounds import BOUNDS
from gcopt.code import DECODERS, GradientCode, Segment
from gcopt.errors import InputError
from gcopt.families import cyclic_mds, fractional_repetition, grouped, two_stage, uncoded
from tests.bounds.codes import CUBE, CYCLE, OCTAHEDRON, PALEY, RAGGED, ROOK, code, groups, pairs
from tests.bounds.draws import COSETS, HADAMARD, random_signs, redrawn, signed
from tests.matrices import FANO, PETERSEN, PLANE, circulant, incidence

GRAPHS = [incidence(g) for g in (nx.complete_graph(5), nx.petersen_graph(), nx.cubical_graph())]
TWO = code(FANO / 3), code(PETERSEN / 3)


def bernoulli(workers, load, seed, decoder="scaled", **more):
    """A draw with at least one worker on every partition."""
    rng = np.random.default_rng(seed)
    held = rng.random((workers, workers)) < load / workers
    parameters = {"workers": workers, "load": load, "stragglers": 2, "regularised": False, **more}
    base = GradientCode.from_matrix(held / load, decoder=decoder, approximate=True)
    return replace(base, family="bernoulli", parameters=parameters)


def stochastic_block(workers, communities, inside, across, seed):
    rng = np.random.default_rng(seed)
    size = workers // communities
    same = np.kron(np.eye(communities), np.ones((size, size)))
    held = rng.random((workers, workers)) < np.where(same > 0, inside, across)
    load = size * inside + (workers - size) * across
    parameters = {"workers": workers, "communities": communities, "inside": inside, "across": across}
    base = GradientCode.from_matrix(held / load, decoder="scaled", approximate=True)
    return replace(base, family="stochastic-block", parameters=parameters)


def at(s=None, q=None, **more):
    return {"stragglers": s, "probability": q, **more}


MANY = [(code(RAGGED), at(2, 0.3)), (code(FANO, "scaled"), at(3, 0.1)), (code(PETERSEN, "sum", 0.2), at(4, 0.2))]
OPTIMAL = [(code(PETERSEN), at(4)), (code(PALEY), at(3)), (code(FANO), at(3)), (code(circulant(8, 0, 1, 3)), at(5))]
SYMMETRIC = [(code(PETERSEN), at(4)), (code(PALEY, "scaled"), at(3)), (code(ROOK), at(5))]
DESIGNS = [(code(FANO), at(4)), (code(PLANE), at(3)), (code(pairs(6)), at(3)), (code(7.0 * FANO), at(6))]
REPEATED = [(code(groups(3, 2, 2)), at(4)), (code(groups(2, 3, 1)), at(4)), (fractional_repetition(12, 2), at(6))]
SUMS = [(code(m, "sum", q), at(None, q)) for m, q in ((FANO, 0.3), (PETERSEN, 0.2), (RAGGED, 0.5))]
BALANCED = [(code(m, "sum", q), at(None, q)) for m, q in ((CUBE, 0.3), (np.ones((4, 3)), 0.2), (CUBE[:, :3], 0.4))]

PATH = np.array([[1.0, 1, 0], [0, 1, 1], [1, 0, 0], [0, 0, 1]])
DRAWN = [(redrawn(FANO), at(2)), (redrawn(PETERSEN), at(1)), (redrawn(COSETS, epsilon=0.2), at(3))]
SIGNED = [(signed(m, random_signs(len(m), 2)), at(s)) for m, s in ((FANO, 2), (PLANE, 1), (pairs(5), 3))]
SHORT = [*DRAWN, (signed(RAGGED, random_signs(4, 2)), at(1))]
SHARED = [
    (redrawn(m, b, decoder="scaled", epsilon=e), at(2)) for m, b, e in ((FANO, 2, 0), (RAGGED, 3, 0.3), (CUBE, 2, 0))
]
ADDED = [(redrawn(m, 2, decoder="sum", probability=0.2), at(None, 0.2)) for m in (FANO, PETERSEN, RAGGED)]

APPLIES = {
    "lost-by-load": MANY,
    "lost-greedily": MANY,
    "lost-on-average": MANY,
    "lost-independently": [*MANY, (code(RAGGED), at(None, [0.1, 0.2, 0.3, 0.4]))],
    "load-of-exact": [(fractional_repetition(6, 2), at(2)), (cyclic_mds(7, 2), at(2)), (grouped(8, 2), at(1))],
    "spectral": OPTIMAL,
    "strongly-regular": [(code(PETERSEN), at(4)), (code(PALEY), at(3)), (code(ROOK), at(5))],
    "glasgow-wootters": [*OPTIMAL, (code(FANO, "scaled"), at(3))],
    "glasgow-wootters-graph": [(code(m), at(3)) for m in GRAPHS],
    "raviv": SYMMETRIC,
    "kronecker": [
        (code(np.kron(FANO, CYCLE)), at()),
        (code(groups(3, 2, 2)), at()),
        (code(np.kron(CYCLE, PLANE)), at()),
    ],
    "redrawn": DRAWN,
    "redrawn-mean": DRAWN,
    "redrawn-average": [*DRAWN, (redrawn(RAGGED, 3), at(2))],
    "redrawn-design": [(redrawn(m, 2, epsilon=e), at(2)) for m, e in ((FANO, 0.0), (PLANE, 0.2), (pairs(5), 0.0))],
    "redrawn-strongly-regular": [(redrawn(m, b), at(2)) for m, b in ((PETERSEN, 2), (PETERSEN, 3), (ROOK, 2))],
    "redrawn-cosets": [(redrawn(COSETS, epsilon=e), at(s)) for e, s in ((0.0, 1), (0.2, 3), (0.5, 5))],
    "redrawn-spectral": [*DRAWN, (redrawn(CYCLE, 3), at(1))],
    "redrawn-one-step": [
        (redrawn(m, decoder="one-step", epsilon=e), at(2)) for m, e in ((FANO, 0), (CYCLE, 0.3), (RAGGED, 0.2))
    ],
    "redrawn-scaled": SHARED,
    "redrawn-sum": ADDED,
    "cosets-exact": [(redrawn(COSETS, epsilon=e), at(0)) for e in (0.1, 0.3)] + [(signed(COSETS, HADAMARD), at(0))],
    "signed-design": SIGNED,
    "signed-design-worst": SIGNED,
    "stacked": SIGNED,
    "orthogonal-signs": SIGNED,
    "redrawn-design-exact": [(redrawn(m, b), at(2)) for m, b in ((FANO, 2), (PLANE, 2), (FANO, 3))],
    "redrawn-design-independent": [(redrawn(m, b), at(None, 0.2)) for m, b in ((FANO, 2), (pairs(5), 2), (FANO, 3))],
    "dominance": SHORT,
    "dominance-mean": SHORT,
    "block-design": DESIGNS,
    "block-design-threshold": [
        (code(FANO), at()),
        (code(PLANE), at(error=2.5)),
        (code(pairs(6)), at(error=3.0)),
        (code(FANO), at(error=0.25)),
    ],
    "repetition": REPEATED,
    "repetition-worst": REPEATED,
    "repetition-failure": REPEATED,
    "repetition-lost": REPEATED,
    "one-step": [(code(m, "scaled"), at(2)) for m in (FANO, RAGGED, groups(3, 2, 2))],
    "bernoulli": [
        (bernoulli(n, 4, n, decoder), at(2)) for n, decoder in ((12, "scaled"), (15, "scaled"), (20, "least-squares"))
    ],
    "stochastic-block": [(stochastic_block(n, 3, 0.6, 0.2, n), at(2)) for n in (12, 15, 18)],
    "unbiased": [(code(FANO), at(None, 0.2)), (code(PETERSEN), at(None, 0.3)), *SUMS, *ADDED],
    "fixed-coefficients": [*SUMS, *ADDED],
    "equal-coefficients": [*SUMS, (signed(COSETS / 4.8, HADAMARD, decoder="sum"), at(None, 0.2))],
    "pairwise-balanced": BALANCED,
    "song-choi": [*SUMS, *BALANCED],
    "bias": [
        (code(PETERSEN), at(None, 0.2)),
        (code(pairs(5)), at(None, 0.4)),
        (code(circulant(16, 0, 1, 5)), at(None, 0.1)),
    ],
    "debiased": [
        (code(PETERSEN), at(None, 0.2)),
        (redrawn(FANO), at(None, 0.3)),
        (redrawn(COSETS, epsilon=0.2), at(None, 0.2)),
    ],
    "glasgow-wootters-random": [
        (code(incidence(nx.complete_graph(k))), at(None, q)) for k, q in ((8, 0.1), (9, 0.2), (10, 0.1))
    ],
}

REFUSES = {
    "lost-by-load": (two_stage(8, 2, 3.0), at(2), "the code has 2 segments"),
    "lost-greedily": (code(RAGGED), at(), "stragglers is not given; this speaks of the worst error"),
    "lost-on-average": (two_stage(8, 2, 3.0), at(2), "the code has 2 segments"),
    "lost-independently": (code(RAGGED), at(2), "probability is not given"),
    "load-of-exact": (code(PETERSEN), at(2), "the code is not exact: some 2 stragglers cost 0.471"),
    "spectral": (code(RAGGED), at(1), "workers hold 1 to 3 partitions; equal loads are needed"),
    "strongly-regular": (code(OCTAHEDRON), at(1), "delta = mu = 4; they must differ"),
    "glasgow-wootters": (code(FANO + np.eye(7)), at(1), "the nonzero entries differ"),
    "glasgow-wootters-graph": (code(FANO), at(1), "workers are not the edges of a graph"),
    "raviv": (code(FANO), at(1), "the support is not symmetric"),
    "kronecker": (code(FANO), at(), "no Kronecker product"),
    "redrawn": (signed(FANO, np.ones((7, 2))), at(1), "the code draws no signs"),
    "redrawn-mean": (redrawn(circulant(40, 0, 1, 3)), at(9), "the sets of 9 workers are too many"),
    "redrawn-average": (redrawn(FANO, 1), at(1), "messages are as long as the gradient; this speaks of m > 1"),
    "redrawn-design": (redrawn(PETERSEN), at(1), "the support is no block design"),
    "redrawn-strongly-regular": (redrawn(FANO), at(1), "not the adjacency matrix of a strongly regular graph"),
    "redrawn-cosets": (redrawn(FANO), at(1), "1 workers hold each row of a circulant; m are needed, 2"),
    "redrawn-spectral": (redrawn(PATH), at(1), "workers hold 1 to 2 partitions"),
    "redrawn-one-step": (signed(FANO, np.ones((7, 2)), decoder="one-step"), at(1), "the code draws no signs"),
    "redrawn-scaled": (
        redrawn(FANO, decoder="sum", probability=0.2),
        at(1),
        "the code uses the sum decoder; this speaks of scaled",
    ),
    "redrawn-sum": (redrawn(FANO, decoder="sum", probability=0.2), at(1, 0.3), "but for the factors"),
    "cosets-exact": (redrawn(COSETS, epsilon=0.1), at(1), "s is 1; this speaks of answers from all workers"),
    "signed-design": (
        signed(FANO, np.arange(14.0).reshape(7, 2) + 1.0),
        at(1),
        "the factors of the blocks are no signs",
    ),
    "signed-design-worst": (
        signed(circulant(21, 0, 1, 4, 14, 16), random_signs(21, 9)),
        at(2),
        "the signs of 9 blocks may fall out in too many",
    ),
    "stacked": (signed(PETERSEN, random_signs(10, 2)), at(1), "the support is no block design"),
    "orthogonal-signs": (code(FANO), at(1), "this speaks of m > 1"),
    "redrawn-design-exact": (redrawn(FANO, epsilon=0.2), at(1), "epsilon is 0.2; this speaks of signs alone"),
    "redrawn-design-independent": (redrawn(FANO), at(1, [0.1] * 6 + [0.2]), "with different probabilities"),
    "dominance": (redrawn(circulant(201, 0, 1, 3)), at(0), "201 workers are too many for a system of equations"),
    "dominance-mean": (code(FANO), at(1), "this speaks of m > 1"),
    "block-design": (code(PETERSEN), at(1), "the support is no block design"),
    "block-design-threshold": (code(np.ones((3, 3))), at(), "every worker holds everything"),
    "repetition": (code(FANO), at(1), "do not fall into equal groups"),
    "repetition-worst": (cyclic_mds(6, 2), at(1), "do not fall into equal groups"),
    "repetition-failure": (code(groups(3, 2, 2), "scaled"), at(1), "the code uses the scaled decoder"),
    "repetition-lost": (code(np.kron(np.eye(2), FANO)), at(1), "do not fall into equal groups"),
    "one-step": (replace(TWO[0], segments=(Segment(FANO, decoder="scaled"),)), at(1), "are not 1 / replication"),
    "bernoulli": (bernoulli(12, 4, 0, regularised=True), at(2), "the draw was regularised"),
    "stochastic-block": (bernoulli(12, 4, 0), at(2), "the code is of the family bernoulli"),
    "unbiased": (code(RAGGED), at(None, 0.2), "the mean estimate is not proportional to the gradient"),
    "fixed-coefficients": (
        code(FANO, "sum", 0.2),
        at(None, 0.3),
        "the mean estimate is not unbiased: a partition is off by",
    ),
    "equal-coefficients": (code(FANO, "sum", 0.2), at(None, 0.3), r"are not 1 / \(\(1 - q\) replication"),
    "pairwise-balanced": (code(FANO, "sum", 0.2), at(None, 0.2), "the support is not pair-wise balanced"),
    "song-choi": (uncoded(3), at(None, 0.2), "the code uses the least-squares decoder"),
    "debiased": (redrawn(RAGGED), at(None, 0.2), "draws and sets of workers are too many"),
    "bias": (code(RAGGED), at(None, 0.2), "the mean estimate is not proportional to the gradient"),
    "glasgow-wootters-random": (code(incidence(nx.cycle_graph(9))), at(None, 0.1), "the spectral expansion is"),
}


def cases():
    return [
        pytest.param(name, *case, id=f"{name}-{i}") for name, all_ in APPLIES.items() for i, case in enumerate(all_)
    ]


def test_every_bound_is_here():
    assert set(APPLIES) == set(REFUSES) == set(BOUNDS)
    assert all(len(applied) >= 3 for applied in APPLIES.values())


@pytest.mark.parametrize(("name", "code", "given"), cases())
def test_each_holds(name, code, given):
    bound = BOUNDS[name]
    assert bound.applies(code, **given) is None
    found = bound.check(code, **given, samples=100)
    drawn = name in ("bernoulli", "stochastic-block") or "random sets" in found.method or "draws each" in found.method
    expected = "sampled" if drawn else "proved"
    assert drawn or found.claimed == bound.formula(code, **given)
    assert found.status == expected
    if bound.direction == "equality" and expected == "proved":
        assert found.measured == pytest.approx(found.claimed, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", REFUSES)
def test_each_refuses(name):
    refused, given, message = REFUSES[name]
    bound = BOUNDS[name]
    with pytest.raises(InputError, match=rf"{name} does not apply: .*{message}") as error:
        bound.formula(refused, **given)
    assert "\n" not in str(error.value)
    assert bound.applies(refused, **given) in str(error.value)
    with pytest.raises(InputError, match=message):
        bound.check(refused, **given)


@pytest.mark.parametrize("name", list(BOUNDS))
def test_each_says_what_it_is(name):
    told = BOUNDS[name].to_dict()
    assert told["name"] == name
    assert told["direction"] in ("upper", "lower", "equality")
    assert len(told["statement"]) > 20
    assert told["source"]
    assert told["quantity"]
    assert set(told["decoders"]) <= set(DECODERS)
