"""What bounds on several blocks need of a code; as in `hypotheses`, None or the sentence that says what is wrong."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from gcopt.bounds.case import Case
from gcopt.combinatorics.integers import prime_power

CLOSE = 1e-9
_WORKERS = 200


def several_blocks(case: Case) -> str | None:
    """Messages are shorter than the gradient: m > 1."""
    return None if case.segment.blocks > 1 else "messages are as long as the gradient; this speaks of m > 1"


def flat(case: Case) -> str | None:
    """Every worker sends the same sum of its partitions for each block, but for a factor."""
    rows = case.structure.rows
    found = rows is not None and rows.flat
    return None if found else "the nonzero entries differ: blocks of some worker are no multiples of a plain sum"


def signed_rows(case: Case) -> str | None:
    """m > 1, every worker sends the sum of its partitions, each block with a sign of that worker."""
    rows = case.structure.rows
    if (failed := several_blocks(case)) is not None:
        return failed
    if rows is None or not rows.flat:
        return "the blocks of some worker are no multiples of the sum of its partitions"
    return None if rows.signs is not None else "the factors of the blocks are no signs: their magnitudes differ"


def tight(case: Case) -> str | None:
    """The signs of the workers of every partition are a tight frame: orthogonal blocks; always so where m = 1."""
    if case.segment.blocks == 1:
        return None
    if case.segment.signs is not None:
        return "the signs are drawn again; this speaks of ones that are a tight frame for every partition"
    rows = case.structure.rows
    if rows is None or rows.signs is None or (rows.shared.data < 0.0).any():
        return "the entries of some worker are no signs times one combination of partitions"
    wanted = case.segment.replication[:, None, None] * np.eye(case.segment.blocks)
    wrong = int((np.abs(rows.frames() - wanted).max(axis=(1, 2)) > CLOSE * case.code.workers).sum())
    return None if wrong == 0 else f"the signs of the workers of {wrong} partitions are no tight frame"


def told_apart(case: Case) -> str | None:
    """Any m workers that hold the same (all, if they are fewer) tell the blocks of the sum of it apart."""
    rows, m = case.structure.rows, case.segment.blocks
    if (failed := flat(case)) is not None or rows is None:
        return failed
    for team in case.structure.teams:
        found = rows.independent(team)
        if found is None:
            return f"the {team.size} workers that hold what worker {team[0]} does are too many to look at every {m}"
        if not found:
            drawn = case.segment.signs is not None and case.epsilon == 0.0
            alone = "; signs alone often do, epsilon > 0 would work" if drawn else ""
            return f"{min(m, team.size)} workers that hold what worker {team[0]} does send dependent factors{alone}"
    return None


def redrawn(case: Case) -> str | None:
    """m > 1, and what a worker sends of each block has a factor that is drawn again in every iteration."""
    rows, signs = case.structure.rows, case.segment.signs
    if (failed := several_blocks(case)) is not None:
        return failed
    if signs is None:
        return "the code draws no signs; this speaks of ones that are drawn again in every iteration"
    if rows is None or np.iscomplexobj(rows.factors):
        return "the blocks of some worker are no multiples of one combination of partitions"
    return None if rows.sizes(signs) is not None else f"the factors in the entries are not those of draw {signs.draw}"


def redrawn_sums(case: Case) -> str | None:
    """Likewise, and what has a factor is a plain sum."""
    return redrawn(case) or flat(case)


def combinations(case: Case) -> sparse.csr_array:
    """Return what a redrawn code multiplies with its factors: the combinations a_j of partitions, shape (n, k)."""
    rows, signs = case.structure.rows, case.segment.signs
    assert rows is not None, "the rows are no multiples of one combination"
    assert signs is not None, "nothing is drawn again"
    sizes = rows.sizes(signs)
    assert sizes is not None, "the factors are not those of the draw"
    return sparse.csr_array(sparse.diags_array(sizes) @ rows.shared)


def signs_only(case: Case) -> str | None:
    """What is drawn are signs: epsilon = 0."""
    return None if case.epsilon == 0.0 else f"epsilon is {case.epsilon:g}; this speaks of signs alone, epsilon = 0"


def redrawn_shares(case: Case) -> str | None:
    """The factors are drawn again, and a partition counts 1 / replication on each of its workers but for them."""
    return _redrawn_share(case, 1.0, "1 / replication of their partition")


def redrawn_boosted(case: Case) -> str | None:
    """The factors are drawn again, and a partition counts 1 / ((1 - q) replication) but for them."""
    return _redrawn_share(case, 1.0 / (1.0 - case.q), "1 / ((1 - q) replication of their partition)")


def few_workers(case: Case) -> str | None:
    """Workers are few enough to solve a system of as many equations for each of many sets."""
    n = case.code.workers
    return None if n <= _WORKERS else f"{n} workers are too many for a system of equations for each set"


def few_sets(case: Case) -> str | None:
    """All sets of s can be looked at."""
    return None if case.few_sets else f"the sets of {case.s} workers are too many to look at each"


def cosets(case: Case) -> str | None:
    """The assignment is m copies of a circulant."""
    copies, m = case.structure.copies, case.segment.blocks
    if copies is None:
        return "the assignment does not consist of copies of one circulant"
    return None if copies == m else f"{copies} workers hold each row of a circulant; m are needed, {m}"


def invertible(case: Case) -> str | None:
    """k is the power of a prime that does not divide the load."""
    k, load = case.code.partitions, case.structure.load or 0
    if k == 1:
        return None
    found = prime_power(k)
    if found is None:
        return f"there are {k} partitions; a power of a prime is needed"
    return None if load % found[0] else f"the load {load} is a multiple of {found[0]}, of which {k} is a power"


def nobody_missing(case: Case) -> str | None:
    """s = 0."""
    return None if case.s == 0 else f"s is {case.s}; this speaks of answers from all workers"


def _redrawn_share(case: Case, wanted: float, words: str) -> str | None:
    if (failed := redrawn(case)) is not None:
        return failed
    entries = combinations(case)
    away = np.abs(entries.data * case.segment.replication[entries.indices] - wanted).max()
    return None if away <= CLOSE * wanted else f"the entries are not {words}, but for the factors"
