"""Random Hadamard products with null-space constraints: codes with shorter messages, exact when everybody answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import null_space

from gcopt.checks import check_count, check_number
from gcopt.code import Claim, GradientCode, Segment
from gcopt.errors import InputError
from gcopt.families._base import assignment_of, base_code, recipe
from gcopt.families._choice import best_segment, computed_claims
from gcopt.families._family import family
from gcopt.families._frame_claims import frame_claims
from gcopt.families._frames import Floats, blockwise, check_blocks, orbit_vectors, sign_vectors
from gcopt.solvers.seeding import RngLike, generator, seed_of

SOURCE = "Munim & Ramamoorthy 2026, Communication-Efficient Approximate Gradient Coding, Section V, Algorithm 1"

VECTORS = ("gaussian", "signs", "orbits")

_VANISHED = 1e-20


@family("hadamard-products", source=SOURCE)
def hadamard_products(
    assignment: Any,
    blocks: int,
    stragglers: int,
    vectors: str = "gaussian",
    draws: int = 20,
    dual: bool = False,
    seconds: float = 60.0,
    rng: RngLike = None,
) -> GradientCode:
    """Block u of every partition is weighted by v_u, and v_u is orthogonal to what comes of the other blocks: B v = 1.

    Entries are B[j, u, i] = v_u[j] / sum of v_u^2 over the workers of partition i. The vectors after the first are
    taken one by one from the null space of the blocks before, so that R = [v_1 | ... | v_m] decodes exactly when
    everybody answers. The published algorithm has n = m k workers; (m - 1) k < n suffices, and less where the rows of
    the assignment depend on each other.

    Parameters
    ----------
    assignment : GradientCode, path or mapping
        Who holds what: a code with one segment and m = 1, the file of one, or ``{"family": name, **parameters}``.
    blocks : int
        m, not above the replication.
    stragglers : int
        s.
    vectors : str
        ``gaussian``: v_1 and the following at random; small mean error, if not in the worst case. ``signs``: v_1 = 1,
        the following +-1 by a 0/1 program, which need not have a solution. ``orbits``: constant on rounds of workers
        that hold every partition equally often, in closed form (see ``tight-frame``).
    draws : int
        Of Gaussian vectors; that with the least mean error on random sets of s stragglers is taken.
    dual : bool
        Whether workers and partitions of the assignment change places: the blocks of a design become the workers.
    seconds : float
        Time limit of the 0/1 program.
    rng : None, int, Generator or SeedSequence

    Returns
    -------
    GradientCode
        Exact without stragglers; with ``signs`` and ``orbits``, equal loads and equal replication also bounds on the
        worst and the mean error, with ``gaussian`` the mean error where all sets of s stragglers are few.

    Raises
    ------
    InputError
        If the assignment is no such code, too small for so many blocks, or a number is impossible.
    ImpossibleError
        If it is proved that there are no such signs.
    LimitError
        If none were found.

    Examples
    --------
    >>> triples = {"family": "circulant", "workers": 26, "stragglers": 1, "shifts": [[0, 1, 4], [0, 2, 7]]}
    >>> code = hadamard_products(triples, blocks=2, stragglers=1, vectors="orbits")
    >>> code, str(code.claims[2])
    (<GradientCode hadamard-products: n=26, k=13, load=3, stragglers=1>, 'exact for every set of 0 stragglers')
    """
    base = base_code("assignment", assignment)
    held = assignment_of(base, dual)
    n, m = held.shape[0], check_blocks(blocks, held)
    s = check_count("stragglers", stragglers, 0, n - 1, f" (fewer than the {n} workers)")
    if vectors not in VECTORS:
        raise InputError(f"vectors is {vectors!r}; one of {', '.join(VECTORS)} would work")
    many, limit = check_count("draws", draws, 1), check_number("seconds", seconds, 0.0, open_low=True)
    seed, promised = seed_of(rng), []
    if vectors == "gaussian":
        segment = best_segment(_gaussian(held, m, s, many, seed), seed)
        promised = [claim for claim in computed_claims(segment) if claim.stragglers]
    else:
        found = orbit_vectors(held, m) if vectors == "orbits" else sign_vectors(held, m, limit, seed, required=True)
        if found is None:
            raise InputError(
                f"vectors is 'orbits' and the workers are not in {m} or more rounds that hold every partition equally "
                "often; signs or gaussian would work"
            )
        segment = _segment(held, found, s)
        promised = frame_claims(held, found, s, None)
    claims = [
        Claim("load", float(segment.load.max()), "the assignment"),
        Claim("replication", float(segment.replication.min()), "the assignment"),
        Claim("exact", 0.0, f"{SOURCE}, Lemma 2", stragglers=0),
        *promised,
    ]
    kept = {"blocks": m, "stragglers": s, "vectors": vectors, "draws": many, "dual": dual, "seconds": limit}
    parameters = {"assignment": recipe("assignment", assignment, base), **kept}
    return GradientCode((segment,), tuple(claims), family="hadamard-products", parameters=parameters)


def _segment(held: sparse.csr_array, vectors: Floats, stragglers: int) -> Segment:
    """Divide the vectors by their squared lengths on the workers of each partition."""
    squares = np.asarray(held.T @ vectors**2)
    if squares.min() <= _VANISHED * squares.max():
        i, u = np.unravel_index(squares.argmin(), squares.shape)
        raise InputError(
            f"vector {u + 1} is 0 on all workers of partition {i}; fewer blocks, or another assignment, would work"
        )
    encoding = blockwise(held, vectors)
    encoding.data /= squares.T.ravel()[encoding.indices]
    return Segment(encoding, vectors.shape[1], stragglers=stragglers, approximate=True)


def _gaussian(held: sparse.csr_array, blocks: int, stragglers: int, draws: int, seed: int) -> Iterator[Segment]:
    """Yield segments of random vectors."""
    n, k = held.shape
    for draw in range(draws):
        numbers = generator(seed, draw)
        found = [numbers.standard_normal(n)]
        while len(found) < blocks:
            rows = sparse.vstack([held.multiply(v[:, None]).T for v in found]).toarray()
            free = null_space(rows)
            if not free.shape[1]:
                raise InputError(
                    f"blocks is {blocks}; of {n} workers and {k} partitions nothing is left after {len(found)}: "
                    f"blocks = {len(found)} would be the most, and more than (blocks - 1) partitions workers suffice"
                )
            found.append(free @ numbers.standard_normal(free.shape[1]))
        yield _segment(held, np.stack(found, axis=1), stragglers)
