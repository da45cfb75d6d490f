"""Designs checked by looking at every pair of points."""

from __future__ import annotations

import numpy as np
from scipy import sparse


def found_parameters(matrix: sparse.csr_array) -> tuple[int, int, int]:
    """(v, k, lambda) of an incidence matrix, or an error if two pairs, blocks or entries are unlike."""
    dense = matrix.toarray().astype(float)
    assert set(np.unique(dense)) <= {0, 1}
    together = dense @ dense.T
    (size,) = set(dense.sum(axis=0).tolist())
    (index,) = set(together[~np.eye(len(dense), dtype=bool)].tolist())
    return len(dense), int(size), int(index)
