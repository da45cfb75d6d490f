"""Ye and Abbe's polynomials: exact codes with messages m times shorter, whose coefficients are known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.checks import check_count
from gcopt.code import Claim, GradientCode, single
from gcopt.errors import InputError
from gcopt.families._family import check_sizes, family
from gcopt.families._matrices import refuse_loud
from gcopt.families._shorter import SOURCE, check_load, cyclic_holders

_TRIED = 8


@family("communication-polynomial", source=f"{SOURCE}, Section 4, equation (7)")
def communication_polynomial(workers: int, stragglers: int, blocks: int, points: Any = None) -> GradientCode:
    """Block u of partition i has the coefficient p_i^(u)(theta_j) on worker j; for few workers, and for comparison.

    Usable up to about 20 workers: at d = n / 2, m = n / 4 the largest relative error of 100 random sets of stragglers
    is 7e-13 for n = 12, 9e-11 for 16, 6e-8 for 20, and from about 24 on the code is refused; `communication-efficient`
    has 3e-14 for 20 and 7e-13 for 30. Chebyshev nodes as points, in the same order, keep one to three digits more.

    Parameters
    ----------
    workers : int
        n; there are k = n partitions, worker j holds partitions j to j + d - 1, d = s + m.
    stragglers : int
        s, tolerated in every pattern.
    blocks : int
        m, by which messages are shorter.
    points : list of float, shape (n,), optional
        The theta_j, all different. By default those that the paper recommends, (0 and) +-(1 + i / 2), with the signs
        taking turns: neighbours on the circle of workers are then far apart.

    Returns
    -------
    GradientCode
        Load and replication d = s + m.

    Raises
    ------
    ImpossibleError
        If d is more than n.
    InputError
        If a number is impossible, points are equal, or rounding would destroy the code.

    Examples
    --------
    >>> code = communication_polynomial(5, stragglers=1, blocks=2, points=[-2, -1, 0, 1, 2])
    >>> code.segments[0].encoding.toarray()[0].tolist()
    [2.0, 6.0, 12.0, 0.0, 0.0, -6.0, -6.0, 12.0, 0.0, 0.0]
    """
    n, s = check_sizes(workers, stragglers)
    m = check_count("blocks", blocks, 1)
    d = check_load(None, n, s, m)
    thetas = recommended_points(n) if points is None else _check_points(points, n)
    holders = cyclic_holders(n, d)
    zeros = np.stack([np.setdiff1d(np.arange(n), row) for row in holders])
    at = thetas[holders]
    first = np.prod(at[:, :, None] - thetas[zeros][:, None, :], axis=2)
    powers = at[..., None] ** np.arange(m)
    entries = first[..., None] * np.einsum("iuc,ijc->iju", quotients(thetas[zeros], m), powers)
    columns = np.broadcast_to(np.arange(n)[:, None, None] + n * np.arange(m), entries.shape)
    rows = np.broadcast_to(holders[..., None], entries.shape)
    matrix = sparse.csr_array((entries.ravel(), (rows.ravel(), columns.ravel())), shape=(n, m * n))
    claims = [
        Claim("exact", 0.0, f"{SOURCE}, Section 4: any n - s rows of a Vandermonde matrix", stragglers=s),
        Claim("load", float(d), f"{SOURCE}, Theorem 1 (optimal)"),
        Claim("replication", float(d), f"{SOURCE}, Theorem 1 (optimal)"),
    ]
    code = single(matrix, s, claims, blocks=m)
    return refuse_loud("communication-polynomial", code, "communication-efficient", random=_TRIED)


def recommended_points(workers: int) -> NDArray[np.float64]:
    """Return 1, -1, 3/2, -3/2, ..., and 0 at the end where the number is odd.

    Examples
    --------
    >>> recommended_points(5).tolist()
    [1.0, -1.0, 1.5, -1.5, 0.0]
    """
    sizes = 1.0 + np.arange(workers // 2) / 2
    return np.append(np.stack([sizes, -sizes], axis=1).ravel(), np.zeros(workers % 2))


def quotients(zeros: NDArray[np.float64], blocks: int) -> NDArray[np.float64]:
    """Return p^(u) / p^(1) for polynomials with these zeros: p^(u) = x p^(u-1) - c p^(1) (equation (7)).

    c is the coefficient of x^(n-d-1) in p^(u-1), n - d the degree of p^(1), so that p^(u) has none of x^(n-d) and more
    but its highest.

    Parameters
    ----------
    zeros : array, shape (k, n - d)
    blocks : int
        m.

    Returns
    -------
    array, shape (k, m, m)
        Coefficients, those of low powers first.

    Examples
    --------
    >>> quotients(np.array([[1.0, 2.0]]), 2).tolist()
    [[[1.0, 0.0], [3.0, 1.0]]]
    """
    k, degree = zeros.shape
    found = np.zeros((k, blocks, blocks))
    found[:, 0, 0] = 1.0
    first = np.stack([np.poly(row)[::-1] for row in zeros]) if degree else np.ones((k, 1))
    for u in range(1, blocks):
        before = found[:, u - 1, : min(u, degree)]
        # the coefficient of x^(degree - 1) in p^(1) times the quotient before
        c = np.sum(before * first[:, degree - 1 :: -1][:, : before.shape[1]], axis=1) if degree else np.zeros(k)
        found[:, u, 1:] = found[:, u - 1, :-1]
        found[:, u, 0] = -c
    return found


def _check_points(points: Any, n: int) -> NDArray[np.float64]:
    wanted = f"{n} different finite numbers are needed, one per worker"
    try:
        array = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"points is {points!r}; {wanted}") from None
    if array.shape != (n,):
        raise InputError(f"points has shape {array.shape}; {wanted}")
    if not np.isfinite(array).all() or np.unique(array).size < n:
        raise InputError(f"points holds equal numbers, NaN or infinity; {wanted}")
    return array
