"""Tight frames: approximate codes with messages m times shorter that are exact when everybody answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from gcopt.checks import check_count, check_number
from gcopt.code import Claim, GradientCode, Segment
from gcopt.decoding.fixed import FIXED
from gcopt.errors import InputError, LimitError
from gcopt.families._approximate import check_decoder, fixed_claims
from gcopt.families._base import assignment_of, base_code, recipe
from gcopt.families._family import family
from gcopt.families._frame_claims import direction_claim, frame_claims
from gcopt.families._frames import Floats, are_signs, blockwise, check_blocks, orbit_vectors, sign_vectors
from gcopt.solvers.seeding import RngLike, seed_of

SOURCE = (
    "derived from Munim & Ramamoorthy 2026, Communication-Efficient Approximate Gradient Coding, Section IV: signs "
    "designed instead of drawn"
)

FRAMES = ("auto", "orbits", "signs", "search")


@family("tight-frame", source=SOURCE)
def tight_frame(
    assignment: Any,
    blocks: int,
    stragglers: int,
    frame: str = "auto",
    decoder: str = "least-squares",
    probability: float | None = None,
    dual: bool = False,
    seconds: float = 20.0,
    rng: RngLike = 0,
) -> GradientCode:
    """Worker j sends sum_u h_j[u] sum_i g_i[block u], with designed h_j: a tight frame of R^m on every partition.

    Where sum_j h_j h_j^T = gamma I over the workers of every partition and all h_j have length sqrt(m), the decoding
    R = H / gamma is exact when everybody answers, and the fixed unbiased one has an error of k m^2 q / ((1 - q) gamma),
    never more than with signs that are drawn anew (``random-signs``); nothing need be drawn. n >= m k workers are
    usually enough.

    Parameters
    ----------
    assignment : GradientCode, path or mapping
        Who holds what: a code with one segment and m = 1, the file of one, or ``{"family": name, **parameters}``.
    blocks : int
        m, not above the replication.
    stragglers : int
        s.
    frame : str
        ``orbits``: equal on rounds of workers that hold every partition equally often, in closed form (copies of a
        ``coset-graph``, rounds of a ``circulant`` with several lists of shifts, parallel classes of an affine plane);
        ``signs``: +-1, by a 0/1 program; ``search``: any, numerically; ``auto``: the first of these that is found.
    decoder : str
        ``least-squares``; where all entries are +-1 also ``one-step`` (the best common weight), ``scaled``, or ``sum``
        (fixed, unbiased).
    probability : float, optional
        Of a worker to straggle; for ``sum`` only, which needs it.
    dual : bool
        Whether workers and partitions of the assignment change places: the blocks of a design become the workers.
    seconds : float
        Time limit of the 0/1 program, and of the search.
    rng : None, int, Generator or SeedSequence
        Of these; the same code every time by default.

    Returns
    -------
    GradientCode
        Exact without stragglers; with equal loads and replications, worst and mean error are bounded, with ``sum`` the
        mean is k m^2 q / ((1 - q) gamma). Claims that the mean estimate is a multiple of the gradient where all sets of
        stragglers are few and show it.

    Raises
    ------
    InputError
        If the assignment is no such code, a number is impossible, or decoder and frame do not fit.
    ImpossibleError
        If it is proved that there are no such signs.
    LimitError
        If none were found.

    Examples
    --------
    >>> coset = {"family": "coset-graph", "partitions": 5, "copies": 2, "stragglers": 1, "generators": [0, 1, 3]}
    >>> print(*tight_frame(coset, blocks=2, stragglers=1).claims[2:], sep="\\n")
    exact for every set of 0 stragglers
    squared error at most 0.338965 for every set of 1 stragglers
    mean squared error at most 0.28 over random sets of 1 stragglers
    the mean estimate is 0.990909 times the gradient over random sets of 1 stragglers
    """
    base = base_code("assignment", assignment)
    held = assignment_of(base, dual)
    n, m = held.shape[0], check_blocks(blocks, held)
    s = check_count("stragglers", stragglers, 0, n - 1, f" (fewer than the {n} workers)")
    q, limit = check_decoder(decoder, probability), check_number("seconds", seconds, 0.0, open_low=True)
    seed = seed_of(rng)
    if frame not in FRAMES:
        raise InputError(f"frame is {frame!r}; one of {', '.join(FRAMES)} would work")
    vectors = _vectors(held, m, frame, limit, seed)
    if decoder != "least-squares" and not are_signs(vectors):
        raise InputError(f"decoder is {decoder!r} and the frame has entries other than +-1; least-squares would work")
    shared = sparse.csr_array(held @ sparse.diags_array(1.0 / (np.asarray(held.sum(axis=0)) * (1.0 - q))))
    segment = Segment(blockwise(shared, vectors), m, stragglers=s, decoder=decoder, approximate=True)
    claims = [
        Claim("load", float(segment.load.max()), "the assignment"),
        Claim("replication", float(segment.replication.min()), "the assignment"),
        *([] if segment.is_linear else [Claim("exact", 0.0, "R = H / gamma, for the frames are tight", stragglers=0)]),
        *frame_claims(held, vectors, s, _share(segment)),
        *direction_claim(segment),
        *fixed_claims(segment, probability),
    ]
    kept = {"blocks": m, "stragglers": s, "frame": frame, "decoder": decoder, "dual": dual, "seconds": limit}
    kept |= {} if probability is None else {"probability": probability}
    parameters = {"assignment": recipe("assignment", assignment, base), **kept}
    return GradientCode((segment,), tuple(claims), family="tight-frame", parameters=parameters)


def _vectors(held: sparse.csr_array, m: int, frame: str, seconds: float, seed: int) -> Floats:
    """Return h, shape (n, m)."""
    found = orbit_vectors(held, m) if frame in ("auto", "orbits") else None
    if found is not None:
        return found
    if frame == "orbits":
        raise InputError(
            f"frame is 'orbits' and the workers are not in {m} or more rounds that hold every partition equally often; "
            "signs or search would work"
        )
    if frame in ("auto", "signs"):
        signs = sign_vectors(held, m, seconds, seed, required=frame == "signs")
        if signs is not None:
            return signs
    from gcopt.solvers.frames import TightFrames

    result = TightFrames(seconds=seconds).solve(held, m, rng=seed)
    if result.status != "optimal":
        n, k = held.shape
        raise LimitError(
            f"no tight frame of {m} blocks was found in {result.seconds:.3g} s for {n} workers and {k} partitions; "
            f"fewer blocks, more workers (n >= {m * k}) or more time might work"
        )
    return result.vectors


def _share(segment: Segment) -> float | None:
    """Return how much a partition counts with fixed decoders, on average over the partitions."""
    if not segment.is_linear:
        return None
    heard = segment.workers - segment.stragglers
    weight = float(FIXED[segment.decoder](segment).factors(heard))
    mass = float(abs(segment.encoding).sum()) / (segment.blocks * segment.partitions)
    return weight * mass * heard / segment.workers
