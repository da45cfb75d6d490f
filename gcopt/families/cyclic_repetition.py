"""Cyclic repetition: worker i holds partitions i, ..., i + s, with random coefficients that fit together."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from gcopt.code import Claim, GradientCode, single
from gcopt.families._family import check_sizes, family
from gcopt.solvers.seeding import RngLike, generator, seed_of

SOURCE = "Tandon, Lei, Dimakis, Karampatziakis 2017, Gradient Coding"


@family("cyclic-repetition", source=f"{SOURCE}, Section 3.2, Algorithm 2")
def cyclic_repetition(workers: int, stragglers: int, rng: RngLike = None) -> GradientCode:
    """Worker i holds partitions i to i + s; exact for any s, but its random coefficients amplify rounding errors.

    Algorithm 2 of the paper as published, for comparison: `grouped` has the same load and far smaller noise, and
    from about n = 60, s = 8 this one loses more digits than exactness can spare. For the same reason the search of
    ``gcopt.design`` leaves it out.

    Parameters
    ----------
    workers : int
        n; there are k = n partitions.
    stragglers : int
        s, tolerated in every pattern.
    rng : None, int, Generator or SeedSequence
        Of the Gaussian s x n matrix H, whose null space holds the rows of B.

    Returns
    -------
    GradientCode
        Load and replication s + 1, entries on the diagonal 1.

    Raises
    ------
    InputError
        If s is not below n.

    Examples
    --------
    >>> code = cyclic_repetition(5, 2, rng=0)
    >>> code.segments[0].support.toarray()[3].astype(int).tolist()
    [1, 0, 0, 1, 1]
    """
    n, s = check_sizes(workers, stragglers)
    h = generator(seed_of(rng)).standard_normal((s, n))
    h[:, -1] = -h[:, :-1].sum(axis=1)
    columns = (np.arange(n)[:, None] + np.arange(s + 1)) % n
    entries = np.ones((n, s + 1))
    for row, held in zip(entries, columns, strict=True):
        row[1:] = -np.linalg.solve(h[:, held[1:]], h[:, held[0]])
    indptr = np.arange(n + 1) * (s + 1)
    matrix = sparse.csr_array((entries.ravel(), columns.ravel(), indptr), shape=(n, n))
    claims = [
        Claim("exact", 0.0, f"{SOURCE}, Theorem 3 (with probability one over the draw of H)", stragglers=s),
        Claim("load", s + 1.0, f"{SOURCE}, Theorem 1 (optimal)"),
        Claim("replication", s + 1.0, f"{SOURCE}, Theorem 1"),
    ]
    return single(matrix, s, claims)
