"""Block graphs of Steiner triple systems."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from gcopt.combinatorics.steiner_triples import steiner_triples


def steiner(points: int) -> sparse.csr_array:
    """Return the graph of the triples of a Steiner triple system, adjacent if they share a point.

    SRG(v (v - 1) / 6, 3 (v - 3) / 2, (v + 3) / 2, 9) for v points (Bose 1963).

    Parameters
    ----------
    points : int
        v, at least 9 and 1 or 3 mod 6.

    Examples
    --------
    >>> steiner(13).shape, steiner(13).sum(axis=1)[0].item()
    ((26, 26), 15)
    """
    triples: Any = steiner_triples(points)
    shared = sparse.csr_array(triples.T @ triples).astype(np.int32)
    shared.setdiag(0)
    shared.eliminate_zeros()
    shared.sort_indices()
    return shared
