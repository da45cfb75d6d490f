"""From responders to decoding coefficients: least squares, made fast by the structure found in the encoding matrix.

A segment falls into components (workers and partitions that are connected by its support); they decode independently,
each by the first of these rules that fits its entries. Where a code came from proves nothing.

- repetition: all rows are multiples of one; a look-up (`repetition`).
- block design: B B^H = a I + b J; one weight for all responders, in closed form (`design`).
- signed block design: with m > 1 blocks, each sent with a sign; m equations (`signed_design`).
- graph assignment: every worker holds two partitions; linear time (`graph`).
- anything else up to some thousands: one factorisation, then systems as large as the missing workers (`correction`).
- anything larger: an iterative method on the sparse rows (`iterative`).

Decoders that are no least squares have fixed coefficients (`fixed`); where messages are compressed at random, the noise
that this adds is weighed against the error (`noisy`).

**The same responders always give the same bits.** Runs that are resumed, replayed or simulated see other sets before a
given one, so coefficients may not depend on what was decoded before: every rule computes them from the code and the
responders alone, starting from the factorisation for all workers. What is carried along from one set to the next by
rank-one changes (`running`) are errors and answers to "does this decode?" while the master waits, and such an answer is
given without the rule only where the error is larger than what counts as exact by so much that no rounding decides it.
"""

from gcopt.decoding.component import Component, Explanation, components
from gcopt.decoding.decoder import Decoder, Decoding, residual
from gcopt.decoding.estimate import decode
from gcopt.decoding.fresh import Fresh
from gcopt.decoding.noisy import noise_aware
from gcopt.decoding.rule import EXACT

__all__ = [
    "EXACT",
    "Component",
    "Decoder",
    "Decoding",
    "Explanation",
    "Fresh",
    "components",
    "decode",
    "noise_aware",
    "residual",
]
