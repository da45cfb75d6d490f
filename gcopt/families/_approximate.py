"""What approximate codes share: who holds what, and one of three decoders, make a code with the claims that follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gcopt.checks import check_count, check_number
from gcopt.code import DECODERS, Claim, GradientCode, Segment, frozen
from gcopt.errors import InputError

Floats = NDArray[np.float64]

_AT_ONCE = 2**20

_SNAP = 1e-9


def approximate(
    assignment: Any,
    stragglers: Any,
    claims: Sequence[Claim] = (),
    *,
    decoder: str = "least-squares",
    probability: float | None = None,
) -> GradientCode:
    """Return the code of an assignment: partition i counts 1 / gamma_i on each of its gamma_i workers.

    Where an entry is larger than 1 (multigraphs) it counts so many times, and gamma_i is the sum of its column.

    Parameters
    ----------
    assignment : sparse array or array, shape (n, k)
        1 where worker j holds partition i, else 0; every partition is held.
    stragglers : int
        s, how many workers the master leaves behind.
    claims : sequence of Claim
        What the scheme promises beyond what follows from the decoder.
    decoder : str
        ``least-squares`` (optimal); ``one-step`` (the best weight for random sets of so many responders, the same for
        everybody); ``scaled`` (n / responders for everybody); ``sum`` (1 for everybody, entries divided by 1 - q).
    probability : float, optional
        q below 1, with which workers straggle independently; for ``sum`` only, which needs it.

    Returns
    -------
    GradientCode
        Claims the largest load, the least replication, what was given and, for fixed coefficients, that the estimate
        is unbiased and its exact mean error.

    Raises
    ------
    InputError
        If a partition has no worker, a number is impossible, or decoder and probability do not fit.

    Examples
    --------
    >>> code = approximate(np.ones((4, 2)), 1, decoder="scaled")
    >>> print(code.claims[-1])
    mean squared error at most 0 over random sets of 1 stragglers
    """
    held = sparse.csr_array(assignment)
    n, k = held.shape
    s = check_count("stragglers", stragglers, 0, n - 1, f" (fewer than the {n} workers)")
    copies = np.asarray(held.sum(axis=0))
    if not copies.all():
        raise InputError(f"partition {int(copies.argmin())} is on no worker; every one needs a worker")
    q = check_decoder(decoder, probability)
    weights, entries = 1.0 / (copies * (1.0 - q)), np.empty(held.nnz)
    for start in range(0, held.nnz, _AT_ONCE):  # an index array of the whole would take as much memory as the code
        part = slice(start, start + _AT_ONCE)
        np.multiply(weights[held.indices[part]], held.data[part], out=entries[part])
    encoding = frozen(sparse.csr_array((entries, held.indices, held.indptr), shape=(n, k)))
    segment = Segment(encoding, stragglers=s, decoder=decoder, approximate=True)
    promised = [
        Claim("load", float(segment.load.max()), "the assignment"),
        Claim("replication", float(segment.replication.min()), "the assignment"),
        *claims,
        *fixed_claims(segment, None if decoder != "sum" else q),
    ]
    return GradientCode((segment,), claims=tuple(promised))


def check_decoder(decoder: str, probability: float | None) -> float:
    """Return q, 0 where there is none; refuse a decoder that does not exist or lacks its q.

    Examples
    --------
    >>> check_decoder("sum", 0.25)
    0.25
    """
    if decoder not in DECODERS:
        raise InputError(f"decoder is {decoder!r}; one of {', '.join(DECODERS)} would work")
    if decoder != "sum":
        if probability is not None:
            raise InputError(f"probability is given and the {decoder} decoder needs none; leave it out, or take sum")
        return 0.0
    if probability is None:
        raise InputError("probability is missing; the sum decoder needs that of a worker to straggle, below 1")
    q = check_number("probability", probability, 0.0, 1.0)
    if q == 1.0:
        raise InputError("probability is 1; below 1 is needed, or nobody ever answers")
    return q


def unbiased(
    alpha: Any, probability: float | Floats, stragglers: Any = None, *, source: str, compressor: Any = None
) -> GradientCode:
    """Return the code with entries alpha_ji / (1 - p_j) and the ``sum`` decoder; a message lost is made up for by all.

    Parameters
    ----------
    alpha : sparse array, shape (n, k)
        Columns that sum to 1.
    probability : float or array, shape (n,)
        p below 1, with which all workers, or each with its own, straggle independently.
    stragglers : int, optional
        How many workers the ``count`` rule leaves behind; as many as straggle on average, rounded down, by default.
    source : str
        Where loads and replication come from.
    compressor : Compressor or str, optional
        Of the messages; what is claimed is about the coefficients before that.

    Examples
    --------
    >>> code = unbiased(sparse.eye_array(2), np.array([0.5, 0.75]), source="one partition each")
    >>> code.segments[0].encoding.toarray().tolist(), code.stragglers
    ([[2.0, 0.0], [0.0, 4.0]], 1)
    """
    n = alpha.shape[0]
    chances = np.broadcast_to(probability, n)
    s = min(n - 1, int(chances.sum() + _SNAP)) if stragglers is None else stragglers
    matrix = sparse.csr_array(sparse.diags_array(1.0 / (1.0 - chances)) @ alpha)
    segment = Segment(matrix, stragglers=s, decoder="sum", approximate=True)
    about = probability if isinstance(probability, float) else tuple(chances.tolist())
    claims = [
        Claim("load", float(segment.load.max()), source),
        Claim("replication", float(segment.replication.min()), source),
        *fixed_claims(segment, about),
    ]
    return GradientCode((segment,), claims=tuple(claims), compressor=compressor)


def fixed_claims(segment: Segment, probability: float | tuple[float, ...] | None) -> list[Claim]:
    """Return what the mean estimate of a decoder with fixed coefficients is, and its exact mean error.

    Nothing for least squares. ``scaled`` and ``one-step`` over random sets of the segment's stragglers, ``sum`` over
    independent ones with ``probability``.
    """
    if not segment.is_linear:
        return []
    from gcopt.averages import moments
    from gcopt.decoding import Decoder

    s = segment.stragglers if probability is None else 0
    found = moments(Decoder(segment), stragglers=s, probability=probability, samples=2, rng=np.random.default_rng(0))
    about: dict[str, Any] = {"probability": probability} if probability is not None else {"stragglers": s}
    source = "derived: the columns of the encoding matrix sum to 1 over the chance of being heard"
    direction = Claim("unbiased", 0.0, source, **about)
    if segment.decoder == "one-step":
        source = "derived: the columns of the encoding matrix sum to 1, and all responders count alike"
        direction = Claim("proportional", found.factor, source, **about)
    return [direction, Claim("mean", found.error.value, "derived: second moments of the responders", **about)]
