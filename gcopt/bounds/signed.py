"""Block designs whose workers send every block with a sign: the error of a set follows from the signs it has.

With the signs v_j of the responders as the rows of V and mu the eigenvalues of V^T V,
Err = m k - delta^2 sum_u mu_u / (m (delta - lambda) + lambda mu_u).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from gcopt.bounds.bound import bound
from gcopt.bounds.case import Case
from gcopt.bounds.counting import MUNIM
from gcopt.bounds.hypotheses import block_design, one_probability, signed_rows
from gcopt.bounds.quantities import MEAN, MEAN_OF_DRAWS, WORST
from gcopt.bounds.rows import patterns
from gcopt.bounds.ways import of_drawn, of_given, ways

_OPTIMAL = ("least-squares",)
_FLAT = 1e-9

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def _few(case: Case) -> str | None:
    """The counts of sign patterns can be looked at."""
    found = _given(case)
    return None if found is not None else f"{case.segment.blocks} blocks have too many patterns of signs to count"


def _few_drawn(case: Case) -> str | None:
    found = _drawn(case, case.responders)
    return None if found is not None else f"{case.segment.blocks} blocks have too many patterns of signs to count"


_DESIGN = (signed_rows, block_design)
_EXACT = f"derived: exact error of block designs with signs (construction I of {MUNIM})"


@bound("signed-design", MEAN, "equality", source=_EXACT, decoders=_OPTIMAL, needs=(*_DESIGN, _few))
def signed_mean(case: Case) -> float:
    """The mean of m k - delta^2 sum_u mu_u / (m (delta - lambda) + lambda mu_u), mu the eigenvalues of V^T V.

    The rows of V are the signs of the responders.
    """
    counts = _given(case)
    assert counts is not None
    return float(of_given(_kinds(case), counts) @ errors(case, counts))


@bound("signed-design-worst", WORST, "equality", source=_EXACT, decoders=_OPTIMAL, needs=(*_DESIGN, _few))
def signed_worst(case: Case) -> float:
    """The most of m k - delta^2 sum_u mu_u / (m (delta - lambda) + lambda mu_u), mu the eigenvalues of V^T V.

    The rows of V are the signs of the responders.
    """
    counts = _given(case)
    assert counts is not None
    return float(errors(case, counts).max())


@bound("stacked", WORST, "upper", source=f"{MUNIM}, Remark 3 (derived: for all signs)", decoders=_OPTIMAL, needs=_DESIGN)
def stacked(case: Case) -> float:
    """At most m k - delta^2 (n - s) / (delta + (n - s - 1) lambda), what equal signs for all blocks leave."""
    load, common, r = case.structure.load or 0, case.structure.design or 0, case.responders
    return case.segment.blocks * case.code.partitions - load**2 * r / (load + (r - 1) * common)


@bound("orthogonal-signs", MEAN, "lower", source=_EXACT, decoders=_OPTIMAL, needs=_DESIGN)
def orthogonal(case: Case) -> float:
    """At least m k - m delta^2 (n - s) / (m (delta - lambda) + (n - s) lambda), what orthogonal signs would leave."""
    load, common, r, m = case.structure.load or 0, case.structure.design or 0, case.responders, case.segment.blocks
    return m * case.code.partitions - m * load**2 * r / (m * (load - common) + r * common)


@bound("redrawn-design-exact", MEAN_OF_DRAWS, "equality", source=_EXACT, decoders=_OPTIMAL, needs=(*_DESIGN, _few_drawn))
def drawn_mean(case: Case) -> float:
    """The mean of m k - delta^2 sum_u mu_u / (m (delta - lambda) + lambda mu_u) over all signs.

    mu are the eigenvalues of V^T V; m = 2: (n - s +- c) / 2 with c a sum of n - s signs.
    """
    return _of_draws(case, case.responders)


def errors(case: Case, counts: Ints) -> Floats:
    """Return the error for each way to have so many responders of every pattern of signs, shape (ways,)."""
    load, common, m = case.structure.load or 0, case.structure.design or 0, case.segment.blocks
    signs = patterns(m)
    products = (signs[:, :, None] * signs[:, None, :]).reshape(len(signs), m * m)
    mu = np.linalg.eigvalsh((counts @ products).reshape(-1, m, m))
    some = mu > _FLAT * np.maximum(1, counts.sum(axis=1))[:, None]
    won = np.divide(mu, m * (load - common) + common * mu, out=np.zeros_like(mu), where=some)
    return np.asarray(m * case.code.partitions - load**2 * won.sum(axis=1))


def _of_draws(case: Case, responders: int) -> float:
    counts = _drawn(case, responders)
    assert counts is not None
    return float(of_drawn(counts) @ errors(case, counts))


def _kinds(case: Case) -> Ints:
    rows = case.structure.rows
    assert rows is not None, "the rows are no multiples of one combination"
    return rows.kinds


def _given(case: Case) -> Ints | None:
    return ways(_kinds(case), case.responders)


def _drawn(case: Case, responders: int) -> Ints | None:
    return ways(np.full(1 << (case.segment.blocks - 1), responders), responders)
