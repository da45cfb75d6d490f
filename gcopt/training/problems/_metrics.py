"""Scores of a classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def auc(scores: NDArray[Any], labels: NDArray[Any]) -> float:
    """Area under the ROC curve, exactly: the Mann-Whitney statistic by ranks, ties counting half.

    Parameters
    ----------
    scores : array, shape (N,)
    labels : array, shape (N,)
        Positive where above 0.5.

    Returns
    -------
    float
        0.5 where all labels agree.

    Examples
    --------
    >>> import numpy as np
    >>> auc(np.array([0.1, 0.4, 0.4, 0.8]), np.array([0, 0, 1, 1]))
    0.875
    """
    positive = labels > 0.5
    p, n = int(positive.sum()), int((~positive).sum())
    if p == 0 or n == 0:
        return 0.5
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    edges = np.append(np.flatnonzero(first), len(scores))
    # every member of a tie has the mean rank (1-based) of the tie
    ranks = (0.5 * (edges[:-1] + edges[1:] + 1))[np.cumsum(first) - 1]
    return float((ranks[positive[order]].sum() - p * (p + 1) / 2) / (p * n))
