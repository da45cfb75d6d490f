"""Block designs whose workers send every block with a sign: the error of a set follows from the signs it has.

With the signs v_j of the responders as the rows of V and mu the eigenvalues of V^T V,
Err = m k - delta^2 sum_u mu_u / (m (delta - lambda) + lambda mu_u).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from gcopt.bounds.blocks import redrawn_sums, signed_rows, signs_only
from gcopt.bounds.bound import bound
from gcopt.bounds.case import Case
from gcopt.bounds.counting import MUNIM
from gcopt.bounds.hypotheses import block_design, one_probability
from gcopt.bounds.quantities import INDEPENDENT, MEAN_OF_DRAW, MEAN_OF_DRAWS, WORST
from gcopt.bounds.rows import patterns
from gcopt.bounds.ways import of_drawn, of_given, ways

_OPTIMAL = ("least-squares",)
_EXACT = f"derived: exact error of block designs with signs (construction I of {MUNIM})"
_FLAT = 1e-9

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def _few(case: Case) -> str | None:
    """The patterns of signs that sets of responders may have can be counted."""
    return None if _given(case) is not None else _too_many(case)


def _few_drawn(case: Case) -> str | None:
    """Likewise, whatever signs are drawn."""
    return None if _drawn(case, case.responders) is not None else _too_many(case)


def _too_many(case: Case) -> str:
    return f"the signs of {case.segment.blocks} blocks may fall out in too many ways to count them"


_DESIGN = (signed_rows, block_design)
_DRAWN = (redrawn_sums, signs_only, block_design, _few_drawn)


@bound("signed-design", MEAN_OF_DRAW, "equality", source=_EXACT, decoders=_OPTIMAL, needs=(*_DESIGN, _few))
def signed_mean(case: Case) -> float:
    """The mean of m k - delta^2 sum_u mu_u / (m (delta - lambda) + lambda mu_u).

    mu are the eigenvalues of V^T V, the rows of V the signs of the responders.
    """
    counts = _given(case)
    assert counts is not None, "too many ways"
    return float(of_given(_kinds(case), counts) @ errors(case, counts))


@bound("signed-design-worst", WORST, "equality", source=_EXACT, decoders=_OPTIMAL, needs=(*_DESIGN, _few))
def signed_worst(case: Case) -> float:
    """The largest m k - delta^2 sum_u mu_u / (m (delta - lambda) + lambda mu_u) of a set of responders.

    mu are the eigenvalues of V^T V, the rows of V the signs of the responders.
    """
    counts = _given(case)
    assert counts is not None, "too many ways"
    return float(errors(case, counts).max())


@bound("stacked", WORST, "upper", source=f"{MUNIM}, Remark 3 (derived: any signs)", decoders=_OPTIMAL, needs=_DESIGN)
def stacked(case: Case) -> float:
    """At most m k - delta^2 (n - s) / (delta + (n - s - 1) lambda), what equal signs for all blocks leave."""
    load, common, r = case.structure.load or 0, case.structure.design or 0, case.responders
    return case.segment.blocks * case.code.partitions - load**2 * r / (load + (r - 1) * common)


@bound("orthogonal-signs", MEAN_OF_DRAW, "lower", source=_EXACT, decoders=_OPTIMAL, needs=_DESIGN)
def orthogonal(case: Case) -> float:
    """At least m k - m delta^2 (n - s) / (m (delta - lambda) + (n - s) lambda), what orthogonal signs would leave."""
    load, common, r, m = case.structure.load or 0, case.structure.design or 0, case.responders, case.segment.blocks
    return m * case.code.partitions - m * load**2 * r / (m * (load - common) + r * common)


@bound("redrawn-design-exact", MEAN_OF_DRAWS, "equality", source=_EXACT, decoders=_OPTIMAL, needs=_DRAWN)
def drawn_mean(case: Case) -> float:
    """The mean of m k - delta^2 sum_u mu_u / (m (delta - lambda) + lambda mu_u) over all signs of n - s workers.

    mu are the eigenvalues of V^T V; for m = 2 they are n - s +- c, c a sum of n - s signs.
    """
    return _over_signs(case, case.responders)


@bound(
    "redrawn-design-independent",
    INDEPENDENT,
    "equality",
    source=_EXACT,
    decoders=_OPTIMAL,
    needs=(*_DRAWN, one_probability),
)
def drawn_independent(case: Case) -> float:
    """The mean of m k - delta^2 sum_u mu_u / (m (delta - lambda) + lambda mu_u) over all signs and responders."""
    heard = np.arange(case.code.workers + 1)
    chances = binom.pmf(heard, heard[-1], 1.0 - case.q)
    return float(sum(chance * _over_signs(case, r) for chance, r in zip(chances, heard.tolist(), strict=True)))


def errors(case: Case, counts: Ints) -> Floats:
    """Return the error for each way to have so many responders of every pattern of signs, shape (ways,)."""
    load, common, m = case.structure.load or 0, case.structure.design or 0, case.segment.blocks
    signs = patterns(m)
    products = (signs[:, :, None] * signs[:, None, :]).reshape(len(signs), m * m)
    mu = np.linalg.eigvalsh((counts @ products).reshape(-1, m, m))
    some = mu > _FLAT * np.maximum(1, counts.sum(axis=1))[:, None]
    won = np.divide(mu, m * (load - common) + common * mu, out=np.zeros_like(mu), where=some)
    return np.asarray(m * case.code.partitions - load**2 * won.sum(axis=1))


def _over_signs(case: Case, responders: int) -> float:
    counts = _drawn(case, responders)
    assert counts is not None, "too many ways"
    return float(of_drawn(counts) @ errors(case, counts))


def _kinds(case: Case) -> Ints:
    rows = case.structure.rows
    assert rows is not None, "the rows are no multiples of one combination"
    return rows.kinds


def _given(case: Case) -> Ints | None:
    return ways(_kinds(case), case.responders)


def _drawn(case: Case, responders: int) -> Ints | None:
    return ways(np.full(1 << (case.segment.blocks - 1), responders), responders)
