"""Cyclic MDS codes: the shifts of one codeword of smallest weight, with known coefficients instead of random ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.code import Claim, GradientCode, single
from gcopt.errors import InputError
from gcopt.families._family import check_sizes, family
from gcopt.families._matrices import refuse_loud

SOURCE = "Raviv, Tandon, Dimakis, Tamo 2018, Gradient Coding from Cyclic MDS Codes and Expander Graphs"
OPTIMAL = "Tandon, Lei, Dimakis, Karampatziakis 2017, Gradient Coding, Theorem 1 (optimal)"
ZEROS = ("centred", "first")


@family("cyclic-mds", source=f"{SOURCE}, exact gradient coding from cyclic MDS codes")
def cyclic_mds(workers: int, stragglers: int, zeros: str = "centred") -> GradientCode:
    """Worker i holds partitions i to i + s with the coefficients of a cyclic MDS code; exact for any n and s.

    Parameters
    ----------
    workers : int
        n; there are k = n partitions.
    stragglers : int
        s, tolerated in every pattern.
    zeros : str
        Which s consecutive powers of exp(2 pi i / n) are the zeros of the code: ``centred`` puts them opposite 1,
        which makes the all-ones word easy to reach (far less noise) and the code real where n - s is odd;
        ``first`` takes the powers 1 to s. Complex codes have messages of twice the size.

    Returns
    -------
    GradientCode
        Load and replication s + 1, largest entry 1 in size.

    Raises
    ------
    InputError
        If s is not below n, ``zeros`` is another word, or rounding would destroy the code (large n and s).

    Examples
    --------
    >>> cyclic_mds(5, 2).segments[0].encoding.toarray().round(3)[0].tolist()
    [0.618, 1.0, 0.618, 0.0, 0.0]
    >>> cyclic_mds(6, 2).dtype
    dtype('complex128')
    """
    n, s = check_sizes(workers, stragglers)
    if zeros not in ZEROS:
        raise InputError(f"zeros is {zeros!r}; one of {', '.join(ZEROS)} would work")
    claims = [
        Claim("exact", 0.0, f"{SOURCE}: a cyclic MDS code that contains the all-ones word", stragglers=s),
        Claim("load", s + 1.0, OPTIMAL),
        Claim("replication", s + 1.0, OPTIMAL),
    ]
    return refuse_loud("cyclic-mds", single(cyclic_mds_matrix(n, s, zeros), s, claims))


def cyclic_mds_matrix(n: int, s: int, zeros: str = "centred") -> sparse.csr_array:
    """Return the n shifts of the generator, shape (n, n)."""
    generator = generator_coefficients(n, s, 1 if zeros == "first" else (n - s + 1) // 2)
    columns = (np.arange(n)[:, None] + np.arange(s + 1)) % n
    indptr = np.arange(n + 1) * (s + 1)
    return sparse.csr_array((np.tile(generator, n), columns.ravel(), indptr), shape=(n, n))


def generator_coefficients(n: int, s: int, first: int) -> NDArray[Any]:
    """Return prod_t (x - w^t), t = first, ..., first + s - 1, w = exp(2 pi i / n), scaled to largest coefficient 1.

    By Gauss's q-binomial theorem the coefficient of x^(s-i) is, up to sign, the Gaussian binomial of (s, i) at w
    times a phase: a product of quotients of sines of angles below pi, so that nothing cancels for any n. With
    ``2 first + s - 1 == n`` all phases are 1 and the polynomial is real.

    Parameters
    ----------
    n, s, first : int
        0 < first, first + s <= n.

    Returns
    -------
    array, shape (s + 1,)
        In ascending powers, float64 where the polynomial is real, else complex128.

    Examples
    --------
    >>> generator_coefficients(4, 1, 2).tolist()
    [1.0, 1.0]
    """
    i = np.arange(1, s + 1)
    quotients = np.sin(np.pi * (s - i + 1) / n) / np.sin(np.pi * i / n)
    size = np.concatenate([[1.0], np.cumprod(quotients)])
    size /= size.max()
    middle = 2 * first + s - 1
    if s == 0 or middle == n:
        return size[::-1].copy()
    powers = np.arange(s, -1, -1)
    # (-1)^i w^(i middle / 2) as one angle, reduced exactly in integers before it is rounded
    angle = np.pi * ((powers * (n + middle)) % (2 * n)) / n
    return np.asarray(size[::-1] * np.exp(1j * angle))
