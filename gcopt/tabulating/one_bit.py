"""How far one bit per coordinate goes: error and loss against iterations and bytes, for every compressor."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from gcopt.tabulating import one_bit_regression, one_bit_training
from gcopt.tabulating.one_bit_views import draw, sections
from gcopt.tabulating.table import Row, Table


def one_bit(seed: int = 0) -> Iterator[Row]:
    """Yield the rows of linear regression, then those of classifiers."""
    return chain(one_bit_regression.rows(seed), one_bit_training.rows(seed))


TABLE = Table(
    "one-bit",
    "One bit per coordinate",
    "20 workers and partitions on the virtual engine; every worker straggles in every iteration with probability p, "
    "and the master adds up what arrives: stochastic gradient coding (Bitar, Wootters, El Rouayheb 2020), or, uncoded, "
    "one partition on each worker and stragglers ignored (d = 1). Bytes are those that reach the master; uncompressed "
    "numbers have 8 bytes.\n\n"
    "regression: the comparison that Li & Skoglund 2024 suggest, on data of our own (no reproduction): 1000 standard "
    "normal rows of 50 features, labels with standard normal noise, 1500 steps of 0.05, one draw of the copies, 4 runs "
    "with other stragglers and dither. Errors are |w - w*|^2 / |w*|^2, w* the least-squares solution, means over the "
    "runs after so many iterations (+- 1500: their standard error); exact: what `gcopt.convergence.second_moment` "
    "predicts; kB to 1e-2 and 1e-4: where the mean error first is there. Wherever d < 20 the error settles where the "
    "noise of a step is as large as its progress, and what compression adds to that noise decides: none, feedback on "
    "signs, a scale of the largest coordinate with the dither subtracted, without, the scale of the 2-norm, in this "
    "order. More copies lower all of it, more stragglers raise it. Where every worker holds everything (d = 20), noise "
    "vanishes together with the gradient: unbiased compressors and feedback converge to rounding errors (float16 to "
    "1e-12, below which it has no numbers), and signs alone come to a stop.\n\n"
    "flights and digits: p = 0.2 and d = 3; logistic regression on every tenth of the flights that come along, from 0, "
    "and a perceptron 64-128-10 on scikit-learn's digits, 3 runs. The goal of each run is the loss of uncompressed "
    "messages after 200 steps. Every compressor has the step size (step) with the smallest loss after 200 steps of a "
    "run of its own, of 2.5, 5, 10, 20, 40 or 0.25, 0.5, 1, 2, unless it diverges in one of the runs; never: not "
    "within 400 steps. Times fewer: bytes of uncompressed messages to the goal by those of this one; than float32: if "
    "uncompressed numbers had 4 "
    "bytes. Unbiased compressors save because messages are short. Signs also need fewer steps: they move all "
    "coordinates alike, which suits rare features, and bear longer steps; their best one was the longest offered.",
    one_bit,
    sections,
    draw,
    keys=5,
)
