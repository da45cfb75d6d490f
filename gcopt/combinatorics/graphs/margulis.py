"""The expander of Margulis, in the form of Gabber and Galil, on a torus of m x m points."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from gcopt.combinatorics.graphs.building import from_neighbours


def margulis(m: int) -> sparse.csr_array:
    """Return the 8-regular multigraph on Z_m x Z_m; entries count edges, and loops are on the diagonal.

    (x, y) is joined to (x +- 2y, y), (x +- (2y + 1), y), (x, y +- 2x) and (x, y +- (2x + 1)), mod m. Every
    eigenvalue but 8 is at most 5 sqrt(2) = 7.07 in size (Gabber & Galil 1981; Hoory, Linial & Wigderson 2006,
    Theorem 8.2).

    Parameters
    ----------
    m : int
        At least 1.

    Returns
    -------
    csr_array, shape (m^2, m^2)
        Symmetric, rows sum to 8.

    Examples
    --------
    >>> margulis(2).toarray().tolist()[0]
    [4, 2, 2, 0]
    """
    x, y = np.divmod(np.arange(m * m)[:, None], m)
    slope, sign = np.array([0, 1, 0, 1]), np.array([1, 1, -1, -1])
    along, across = (x + sign * (2 * y + slope)) % m, (y + sign * (2 * x + slope)) % m
    return from_neighbours(np.concatenate([along * m + y, x * m + across], axis=1))
