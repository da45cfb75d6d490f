"""Who is left behind on a cluster when the master takes the first n - s answers, which fixed coefficients need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gcopt.code import GradientCode
from gcopt.solvers.seeding import generator

if TYPE_CHECKING:
    from gcopt.cluster import Cluster

_STREAM = 11
_SURE = 4.0  # standard errors
_HOPELESS = 0.98


def straggling(code: GradientCode, cluster: Cluster, seed: int) -> float | list[float] | None:
    """Return with which probability workers are not among the first n - s: one number where all are alike.

    Parameters
    ----------
    code : GradientCode
        With one segment; only its loads, the length of its messages and s count.
    cluster : Cluster
    seed : int

    Returns
    -------
    float, list of float or None
        None where some worker hardly ever answers in time, so that nothing can be unbiased.

    Examples
    --------
    >>> import gcopt
    >>> cluster = gcopt.Cluster(4, gcopt.delays.Delay("exponential", {"rate": 1.0}))
    >>> straggling(gcopt.families.ignore_stragglers(4, 1), cluster, 0)
    0.25
    """
    # both ask the families themselves
    from gcopt.inexact import responders
    from gcopt.waiting import Waiting

    n, s = code.workers, code.stragglers
    if s == 0:
        return 0.0
    heard = responders(Waiting(code, "count"), cluster, generator(seed, _STREAM))[:, 0]
    if not len(heard):
        return None
    away = 1.0 - heard.mean(axis=0)
    even = s / n
    if np.abs(away - even).max() <= _SURE * np.sqrt(even * (1.0 - even) / len(heard)):
        return even
    return None if away.max() > _HOPELESS else [float(p) for p in away.round(4)]
