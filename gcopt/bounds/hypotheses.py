"""What bounds need of a code: each function returns None, or the sentence that says what is wrong."""

from __future__ import annotations

import numpy as np

from gcopt.bounds.blocks import CLOSE, flat, redrawn_sums
from gcopt.bounds.case import Case
from gcopt.enumeration import enumerable


def one_block(case: Case) -> str | None:
    """Messages are as long as the gradient: m = 1."""
    m = case.segment.blocks
    return None if m == 1 else f"messages are cut into {m} blocks; this speaks of one block"


def all_held(case: Case) -> str | None:
    """Every partition is on a worker."""
    lost = int((case.segment.replication == 0).sum())
    return None if lost == 0 else f"{lost} partitions are on no worker; every one needs a worker"


def equal_loads(case: Case) -> str | None:
    """All workers hold equally many partitions."""
    loads = case.segment.load
    return None if case.structure.load else f"workers hold {_range(loads)} partitions; equal loads are needed"


def equal_replication(case: Case) -> str | None:
    """All partitions are on equally many workers."""
    copies = case.segment.replication
    return (
        None if case.structure.replication else f"partitions are on {_range(copies)} workers; equally many are needed"
    )


def equal_entries(case: Case) -> str | None:
    """All nonzero entries are equal; for the scaled decoder, 1 / replication."""
    if case.structure.entry is None:
        return "the nonzero entries differ; equal ones are needed"
    return shared_out(case) if case.segment.decoder == "scaled" else None


def shared_out(case: Case) -> str | None:
    """Every partition counts 1 / replication on each of its workers."""
    return _share(case, 1.0, "1 / replication of their partition")


def shared_and_boosted(case: Case) -> str | None:
    """Every partition counts 1 / ((1 - q) replication) on each of its workers."""
    return _share(case, 1.0 / (1.0 - case.q), "1 / ((1 - q) replication of their partition)")


def bi_regular(case: Case) -> str | None:
    """Equal loads, equal replication, equal entries, m = 1; sigma_2 can be found."""
    tests = (one_block, equal_loads, equal_replication, equal_entries, known_second)
    return next((failed for test in tests if (failed := test(case)) is not None), None)


def known_second(case: Case) -> str | None:
    """Equal loads, equal replication; sigma_2 can be found."""
    if (failed := equal_loads(case) or equal_replication(case)) is not None:
        return failed
    found = case.structure.second is not None
    return None if found else "the iteration for the second singular value of this large matrix does not converge"


def symmetric(case: Case) -> str | None:
    """The support is the adjacency matrix of a graph."""
    return None if case.structure.symmetric else "the support is not symmetric; the adjacency of a graph is needed"


def regular_graph(case: Case) -> str | None:
    """Workers are the edges and partitions the vertices of a regular graph; its spectral expansion can be found."""
    found = case.structure
    if found.graph is None:
        return "workers are not the edges of a graph: each needs two partitions, a different pair"
    if found.replication is None:
        return f"vertices have {_range(case.segment.replication)} edges; a regular graph is needed"
    return None if found.expansion is not None else "the iteration for the spectral expansion does not converge"


def block_design(case: Case) -> str | None:
    """Any two workers share equally many partitions, loads and replication are equal."""
    if case.structure.design:
        return None
    if case.structure.transposed.design:
        return "the support is a block design whose points are the partitions; the workers must be the points"
    return "the support is no block design with workers as points"


def strongly_regular(case: Case) -> str | None:
    """The support is the adjacency matrix of a strongly regular graph with 0 < delta != mu."""
    found = case.structure.strongly_regular
    if found is None:
        return "the support is not the adjacency matrix of a strongly regular graph"
    return None if found[0] != found[2] else f"delta = mu = {found[0]}; they must differ"


def repetition(case: Case) -> str | None:
    """Workers fall into equal groups, within which all hold the same and between which nothing is shared."""
    found = case.structure.repetition
    return None if found else "workers do not fall into equal groups that hold the same and share nothing"


def transitive(case: Case) -> str | None:
    """Some symmetry of the assignment moves every partition to every other."""
    if case.structure.transitive:
        return None
    return "no symmetry is found that moves every partition to every other (cyclic shifts, or any of a small code)"


def pairwise_balanced(case: Case) -> str | None:
    """Any two partitions have d d' / n workers in common."""
    found = case.structure.balanced
    return None if found else "the support is not pair-wise balanced: some two partitions do not share d d' / n workers"


def product(case: Case) -> str | None:
    """The support is a Kronecker product of two bi-regular ones."""
    factors = case.structure.factors
    if factors is None:
        return "the support is no Kronecker product of smaller ones"
    return None if all(f.second is not None for f in factors) else "the factors of the support are not bi-regular"


def one_probability(case: Case) -> str | None:
    """All workers straggle with the same probability q < 1."""
    if np.ptp(case.chances) > 0.0:
        return "workers straggle with different probabilities; one for all is needed"
    return None if case.q < 1.0 else "probability is 1; below 1 is needed"


def some_straggle(case: Case) -> str | None:
    """Every worker straggles with a probability strictly between 0 and 1."""
    between = bool(((case.chances > 0.0) & (case.chances < 1.0)).all())
    return (
        None if between else "some worker never or always straggles; probabilities strictly between 0 and 1 are needed"
    )


def unbiased(case: Case) -> str | None:
    """The mean estimate is the gradient."""
    return _multiple(case, "unbiased", 1.0)


def proportional(case: Case) -> str | None:
    """The mean estimate is a multiple of the gradient, provably."""
    return _multiple(case, "proportional to the gradient", None)


def symmetric_in_mean(case: Case) -> str | None:
    """The mean estimate is a multiple of the gradient by symmetry (least squares), or by enumeration or formula.

    What is symmetric are rows with equal entries, for several blocks with signs that are drawn again: for them a block
    design is symmetric enough only where all factors are as large.
    """
    segment, found = case.segment, case.structure
    plain = flat(case) if segment.blocks == 1 else redrawn_sums(case)
    known = not segment.is_linear and plain is None
    if known and (found.transitive or (found.design and case.epsilon == 0.0)):
        return None
    return proportional(case)


def exact(case: Case) -> str | None:
    """No set of s stragglers causes an error, provably."""
    worst = case.worst()
    if worst.upper is not None and worst.upper <= case.measured.decoders[0].tolerance:
        return None
    if worst.lower > case.measured.decoders[0].tolerance:
        return f"the code is not exact: some {case.s} stragglers cost {worst.lower:.3g}"
    return f"it is not proved that the code is exact for every set of {case.s} stragglers"


def _share(case: Case, wanted: float, words: str) -> str | None:
    found = case.structure.share
    if found is not None and abs(found - wanted) <= CLOSE * wanted:
        return None
    return f"the entries are not {words}"


def _multiple(case: Case, words: str, factor: float | None) -> str | None:
    linear, n, signs = case.segment.is_linear, case.code.workers, case.segment.signs
    few = signs is None and enumerable(n, case.s, case.probability)
    found = case.moments(independent=True) if linear or few else None
    if found is None or not found.exact:
        many = f"the sets of {n} workers are" if signs is None else "draws and sets of workers are"
        return f"it is not proved that the mean estimate is {words}: {many} too many"
    wanted = found.factor if factor is None else factor
    away = float(np.abs(found.mean - wanted * found.target).max())
    if away > CLOSE * max(1.0, wanted):
        return f"the mean estimate is not {words}: a partition is off by {away:.3g}"
    return None if wanted > CLOSE else "the mean estimate is 0"


def _range(values: np.ndarray) -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low} to {high}"
