"""Random signs: approximate codes with messages m times shorter, their signs drawn anew in every iteration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from gcopt.alike import alike
from gcopt.checks import check_count
from gcopt.code import Claim, GradientCode, Segment, frozen
from gcopt.decoding import Decoder
from gcopt.decoding.design import Design
from gcopt.families._approximate import check_decoder
from gcopt.families._base import base_code, recipe
from gcopt.families._family import family
from gcopt.signs import Signs
from gcopt.solvers.seeding import RngLike, seed_of

SOURCE = "Munim & Ramamoorthy 2026, Communication-Efficient Approximate Gradient Coding, Section IV, equation (7)"

_WEIGHT = "derived: the weight that is best for random sets of so many; for designs equation (10)"
_ALIKE = f"{SOURCE}; Remark 3: blocks that are all sent with the same signs, the worst there are"
_MEANS = "derived: signs are independent, so that what a block leaves in others is 0 on average"


@family("random-signs", source=SOURCE)
def random_signs(
    assignment: Any,
    blocks: int,
    stragglers: int,
    epsilon: float = 0.0,
    decoder: str = "least-squares",
    probability: float | None = None,
    rng: RngLike = None,
) -> GradientCode:
    """Any assignment with messages m times shorter: worker j sends sum_u h_j[u] sum_i g_i[block u], signs h_j redrawn.

    The signs follow from the code's seed and the number of the iteration, so that workers and master know them without
    a word. On average over the draws the error is at most that of one weight for all responders; on designs,
    vertex-transitive graphs and coset graphs the mean estimate is a multiple of the gradient.

    Parameters
    ----------
    assignment : GradientCode, path or mapping
        Who holds what: a code with one segment and m = 1, the file of one, or ``{"family": name, **parameters}``.
    blocks : int
        m.
    stragglers : int
        s.
    epsilon : float
        From 0 to below 1: signs become factors uniform on +-[1 - epsilon, 1 + epsilon], with which some assignments
        decode exactly when nobody is missing (coset graphs, Proposition 1).
    decoder : str
        ``least-squares``; ``one-step`` (the best common weight), ``scaled``, or ``sum`` (fixed, unbiased).
    probability : float, optional
        Of a worker to straggle; for ``sum`` only, which needs it.
    rng : None, int, Generator or SeedSequence
        Of the signs.

    Returns
    -------
    GradientCode
        Its encoding matrix is that of draw 0; ``code.at(t)`` is the code of draw t.

    Raises
    ------
    InputError
        If the assignment is no such code, a number is impossible, or decoder and probability do not fit.

    Examples
    --------
    >>> fano = {"family": "circulant", "workers": 7, "stragglers": 1, "shifts": [0, 1, 3]}
    >>> code = random_signs(fano, blocks=2, stragglers=1, rng=0)
    >>> print(code.claims[2])
    on average over the draws of the code: mean squared error at most 4.18182 over random sets of 1 stragglers
    """
    base = base_code("assignment", assignment)
    n, m = base.workers, check_count("blocks", blocks, 1)
    s = check_count("stragglers", stragglers, 0, n - 1, f" (fewer than the {n} workers)")
    q = check_decoder(decoder, probability)
    signs = Signs(seed_of(rng), epsilon)
    held = sparse.csr_array(base.support.astype(np.float64))
    shared = sparse.csr_array(held @ sparse.diags_array(1.0 / (np.asarray(held.sum(axis=0)) * (1.0 - q))))
    stretches = [sparse.diags_array(h) @ shared for h in signs.factors(0, n, m).T]
    encoding = frozen(sparse.csr_array(sparse.hstack(stretches, format="csr")))
    segment = Segment(encoding, m, stragglers=s, decoder=decoder, approximate=True, signs=signs)
    claims = [
        Claim("load", float(segment.load.max()), "the assignment"),
        Claim("replication", float(segment.replication.min()), "the assignment"),
        *(_optimal(segment, shared) if decoder == "least-squares" else _fixed(segment, probability)),
    ]
    kept = {"blocks": m, "stragglers": s, "epsilon": signs.epsilon, "decoder": decoder}
    kept |= {} if probability is None else {"probability": probability}
    parameters = {"assignment": recipe("assignment", assignment, base), **kept}
    return GradientCode((segment,), tuple(claims), family="random-signs", parameters=parameters)


def _optimal(segment: Segment, shared: sparse.csr_array) -> list[Claim]:
    """Bound the mean by that of one weight; for designs with signs the worst by that of blocks sent alike."""
    s, m, n = segment.stragglers, segment.blocks, segment.workers
    weighted = alike(Decoder(replace(segment, decoder="one-step")), s, None, over_draws=True)
    assert weighted is not None
    found = [Claim("mean", weighted.error.value, _WEIGHT, stragglers=s, on_average=True)]
    if segment.signs is not None and segment.signs.epsilon == 0.0 and Design.fits(shared, 1):
        stacked = Design(shared, 1).error(np.arange(n) >= s) + (m - 1) * segment.partitions
        found.append(Claim("error", stacked, _ALIKE, stragglers=s))
    return found


def _fixed(segment: Segment, probability: float | None) -> list[Claim]:
    """Promise the exact mean of a decoder that lets all responders count alike, and that it is unbiased if it is."""
    about: dict[str, Any] = {"stragglers": segment.stragglers} if probability is None else {"probability": probability}
    chances = None if probability is None else np.full(segment.workers, probability)
    found = alike(Decoder(segment), segment.stragglers, chances, over_draws=True)
    assert found is not None
    means = [Claim("mean", found.error.value, _MEANS, on_average=True, **about)]
    if segment.decoder == "one-step":
        return means
    return [Claim("unbiased", 0.0, _MEANS, on_average=True, **about), *means]
