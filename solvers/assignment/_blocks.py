"""A block of moves of a chain, free or around circles, from arrays to arrays. Imports numba."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..chains import Chain
from ..seeding import generator
from ._circle_kernels import settle, unroll, walk_circles
from ._setup import Setup
from ._walk_kernels import UNIFORMS, walk
from .question import Question

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Arrays = Mapping[str, NDArray[Any]]
_Circles = tuple[Ints, Floats]


def free(setup: Setup, chain: Chain, fresh: bool, uniforms: Floats, temperatures: Floats) -> tuple[float, Arrays]:
    """Make moves, from the best so far if ``fresh``. Returns the record and the arrays of the chain that change."""
    arrays = chain.arrays
    place = setup.place(arrays["best" if fresh else "current"], arrays["bad"])
    best, ridge = arrays["best"].copy(), setup.ridge(place.matrix)
    value, known = setup.value(place), _to_beat(setup, chain)
    _, record, _ = walk(place, setup.fit, setup.wanted, value, known, best, ridge, uniforms, temperatures)
    if setup.attacked:
        best = place.matrix
    record, bad = _checked(setup, chain, record, best, place.bad)
    changed = {"current": place.matrix, "bad": bad}
    return (record, {**changed, "best": best}) if record < chain.value else (chain.value, changed)


def around(setup: Setup, chain: Chain, fresh: bool, uniforms: Floats, temperatures: Floats) -> tuple[float, Arrays]:
    """Make moves of a quasi-cyclic code, likewise."""
    arrays, tuned = chain.arrays, setup.question.tuned
    best: _Circles = arrays["best copies"].copy(), arrays["best coefficients"].copy()
    now: _Circles = (
        (best[0].copy(), best[1].copy()) if fresh else (arrays["copies"].copy(), arrays["coefficients"].copy())
    )
    circle, place = gcd(*arrays["best"].shape), setup.place(arrays["best"], arrays["bad"])
    matrix = np.empty_like(place.matrix)
    ridge = setup.ridge(place.matrix)
    unroll(*now, circle, place.matrix)
    settle(place, setup.fit, ridge)
    value, known = setup.value(place), _to_beat(setup, chain)
    _, record = walk_circles(
        place,
        setup.fit,
        setup.wanted._replace(roots=len(matrix) // circle),
        *now,
        circle,
        tuned,
        value,
        known,
        *best,
        ridge,
        uniforms,
        temperatures,
    )
    if setup.attacked:
        best = now
    unroll(*best, circle, matrix)
    record, bad = _checked(setup, chain, record, matrix, place.bad)
    changed = {"copies": now[0], "coefficients": now[1], "bad": bad}
    if record >= chain.value:
        return chain.value, changed
    return record, {**changed, "best": matrix, "best copies": best[0], "best coefficients": best[1]}


def _to_beat(setup: Setup, chain: Chain) -> float:
    """Return the record a walk is to beat: none where only an attack on its end says what that is worth."""
    return -np.inf if setup.attacked else chain.value


def _checked(setup: Setup, chain: Chain, record: float, matrix: Floats, bad: Ints) -> tuple[float, Ints]:
    """Return the value of what may be a new best, from scratch: updates of an inverse lose digits; and bad sets."""
    if setup.attacked:
        return setup.judge(matrix, bad)
    return (setup.value(setup.place(matrix, bad)) if record < chain.value else record), bad


def rehearsal(question: Question) -> None:
    """Compile the kernels on three workers that hold two of three partitions."""
    n, s = 3, min(question.stragglers, 1)
    rounds = question.rounds and replace(question.rounds, overhead=np.ones((2, n)), pace=np.ones((2, n)))
    small = replace(
        question,
        caps=np.full(n, 2, dtype=np.int64),
        partitions=n,
        stragglers=s,
        probability=None if question.probability is None else np.full(n, 0.5),
        replication=None,
        clusters=None,
        rounds=rounds,
        samples=2,
    )
    setup, matrix = Setup(small, np.ones(n, dtype=np.int64), 0), 1.0 - np.eye(n)
    value, bad = setup.judge(matrix, np.empty((0, s), dtype=np.int64))
    copies = {"copies": np.array([[0, 0, 1], [0, 0, 2]]), "coefficients": np.ones(2)}
    arrays = {"best": matrix, "current": matrix, "bad": bad, **copies}
    chain = Chain(0, 0, value, {**arrays, **{f"best {name}": array for name, array in copies.items()}})
    for block in (free, around):
        block(setup, chain, True, generator(0).random((2, UNIFORMS)), np.ones(2))
    if question.weights.worst and not question.exact:
        setup.attack(matrix, bad)
