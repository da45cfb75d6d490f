"""The error figures of Munim & Ramamoorthy 2026 as tables: bounds, means, baseline, and what nothing can be below."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.averages import draw, mean_error
from gcopt.bounds import BOUNDS
from gcopt.bounds.dominance import lemma_two
from gcopt.bounds.redrawn import lemma_one
from gcopt.code import GradientCode
from gcopt.decoding import Decoder
from gcopt.families import FAMILIES
from gcopt.moments import Mean
from gcopt.redrawn import mean_over_draws
from gcopt.solvers.seeding import generator
from gcopt.tabulating.communication_views import draw as draw_figures
from gcopt.tabulating.communication_views import sections
from gcopt.tabulating.table import Row, Table, significant

_COUNTS = 16  # numbers of stragglers in a published figure, from 0 to a quarter of the workers
_DIGITS = 6

Curve = Iterator[tuple[str, Mean]]


@dataclass(frozen=True)
class Figure:
    """One published figure.

    Attributes
    ----------
    name : str
    curves : callable
        Takes the figure, a number of stragglers and a seed, and yields a label and a number per curve.
    assignment : mapping
        The recipe of the assignment.
    blocks : int
        m.
    epsilon : float
    sets : int
        Random sets of responders for a mean, or for a largest value.
    """

    name: str
    curves: Callable[[Figure, int, int], Curve]
    assignment: Mapping[str, Any]
    blocks: int = 2
    epsilon: float = 0.0
    sets: int = 1000

    def code(self, family: str, stragglers: int, **settings: Any) -> GradientCode:
        """Return a code on the assignment."""
        return FAMILIES[family](assignment=self.assignment, blocks=self.blocks, stragglers=stragglers, **settings)

    def counts(self) -> list[int]:
        """Return the numbers of stragglers of the published figures."""
        n = self.code("stacked", 0).workers
        return sorted(set(np.linspace(0, n / 4, _COUNTS, dtype=int).tolist()))

    def rows(self, seed: int) -> Iterator[Row]:
        """Yield a row per number of stragglers and curve."""
        for s in self.counts():
            for label, found in self.curves(self, s, seed):
                yield {
                    "figure": self.name,
                    "stragglers": str(s),
                    "curve": label,
                    "value": _number(found.value),
                    "+-": "exact" if found.exact else significant(found.stderr, 2),
                }


def communication(seed: int = 0, figures: Sequence[Figure] | None = None) -> Iterator[Row]:
    """Yield the rows of the published figures.

    Parameters
    ----------
    seed : int
        Of signs, random assignments and sets of responders.
    figures : sequence of Figure, optional
        Some only.
    """
    for one in FIGURES if figures is None else figures:
        yield from one.rows(seed)


def _design(one: Figure, s: int, seed: int) -> Curve:
    """Construction I on a block design: every curve but the sampled mean is a formula."""
    code, alike = one.code("random-signs", s, rng=seed), one.code("stacked", s)
    yield "bound (10)", _formula("redrawn-design", code, s)
    yield "mean, exact", _formula("redrawn-design-exact", code, s)
    yield "mean, sampled", _over_draws(code, s, one.sets, seed)
    yield "stacked", _mean(alike, s, one.sets, seed)
    yield "no worst case below (21)", _formula("lost-by-load", code, s)
    yield "no mean below", _formula("lost-on-average", code, s)


def _cosets(one: Figure, s: int, seed: int) -> Curve:
    """Construction I on a coset graph, whose factors are not only signs; and its tight frame."""
    code, alike = one.code("random-signs", s, epsilon=one.epsilon, rng=seed), one.code("stacked", s)
    assert code.segments[0].signs is not None
    held, heard = code.support.toarray().astype(float), _heard(code.workers, s, one.sets, seed)
    lemma = lemma_one(held, one.blocks, code.segments[0].signs.spread, heard)
    yield "bound (8), worst of sets", _exactly(float(lemma.max()))
    yield "bound (8), mean of sets", Mean.of(lemma.tolist())
    yield "bound (17)", _formula("redrawn-cosets", code, s)
    yield "mean, sampled", _over_draws(code, s, one.sets, seed)
    yield "tight frame", _mean(one.code("tight-frame", s), s, one.sets, seed)
    yield "stacked", _mean(alike, s, one.sets, seed)
    yield "no worst case below (21)", _formula("lost-by-load", code, s)
    yield "no mean below", _formula("lost-on-average", code, s)


def _products(one: Figure, s: int, seed: int) -> Curve:
    """Construction II on a random assignment, with signs and with Gaussian vectors."""
    code = None
    for vectors in ("signs", "gaussian"):
        code = one.code("hadamard-products", s, vectors=vectors, rng=seed)
        bound = lemma_two(code.segments[0], _heard(code.workers, s, one.sets, seed))
        yield f"{vectors}: bound (20), worst of sets", _exactly(float(bound.max()))
        yield f"{vectors}: mean", _mean(code, s, one.sets, seed)
    yield "stacked", _mean(one.code("stacked", s), s, one.sets, seed)
    assert code is not None
    yield "no worst case below (21)", _formula("lost-by-load", code, s)
    yield "no mean below", _formula("lost-on-average", code, s)


def _formula(name: str, code: GradientCode, s: int) -> Mean:
    return _exactly(BOUNDS[name].formula(code, stragglers=s))


def _exactly(value: float) -> Mean:
    return Mean(value, 0.0, True)


def _over_draws(code: GradientCode, s: int, sets: int, seed: int) -> Mean:
    rng = generator(seed, s)
    return mean_over_draws(code.segments[0], stragglers=s, probability=None, samples=sets, rng=rng)


def _mean(code: GradientCode, s: int, sets: int, seed: int) -> Mean:
    rng = generator(seed, s)
    return mean_error(Decoder(code.segments[0]), stragglers=s, probability=None, samples=sets, rng=rng)


def _heard(n: int, s: int, sets: int, seed: int) -> NDArray[np.bool_]:
    """Return random sets of responders, the same as those of sampled means, shape (sets, n)."""
    rng = generator(seed, s)
    return np.array([draw(rng, n, s, None) for _ in range(sets)])


def _number(value: float) -> str:
    """Return a number with six digits; what is below rounding is none."""
    return significant(value, _DIGITS) if abs(value) > 1e-9 else "0"


FIGURES = (
    Figure("design", _design, {"family": "projective-plane", "order": 9, "stragglers": 0}),
    Figure(
        "cosets", _cosets, {"family": "coset-graph", "partitions": 27, "copies": 2, "load": 5, "stragglers": 0}, 2, 0.1
    ),
    Figure(
        "products",
        _products,
        {"family": "random-regular", "workers": 40, "partitions": 20, "load": 3, "stragglers": 0, "rng": 0},
    ),
)

TABLE = Table(
    "communication",
    "Errors of approximate codes with shorter messages",
    "The error figures of Munim & Ramamoorthy 2026, Communication-Efficient Approximate Gradient Coding, as tables: "
    "squared error ||R B - T||^2, not normalised (2 k where nothing is heard), m = 2, s from 0 to n / 4. Sampled "
    "means are over 1000 pairs of a draw and a set of responders, or 1000 sets (the CSV has standard errors). What no "
    "code of that load is below: their (21) for the worst case, and for random stragglers the mean of "
    "sum_i max(0, m - responders that hold i).",
    communication,
    sections,
    draw_figures,
    keys=3,
)
