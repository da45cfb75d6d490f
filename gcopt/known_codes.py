"""Every family that has a code of given size: what tables compare and searches start from."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from gcopt.code import GradientCode
from gcopt.errors import InputError
from gcopt.families import FAMILIES

Builder = Callable[[int, int, int, int], GradientCode]


def known_codes(workers: int, replication: int, stragglers: int, seed: int) -> Iterator[tuple[str, GradientCode]]:
    """Yield the code of every family that exists with so many workers and copies of every partition.

    Parameters
    ----------
    workers, replication, stragglers : int
        n, gamma and s.
    seed : int
        Of the random constructions.

    Examples
    --------
    >>> [name for name, _ in known_codes(7, 3, 2, 0)][:3]
    ['grouped (exact)', 'circulant', 'random-regular']
    """
    for name, build in BUILDERS.items():
        try:
            yield name, build(workers, replication, stragglers, seed)
        except InputError:
            continue


def _regular(name: str, **more: object) -> Builder:
    """Return a builder of a family that takes workers, stragglers and load."""
    return lambda n, gamma, s, seed: _built(name, seed, workers=n, stragglers=s, load=gamma, **more)


def _built(name: str, seed: int, **parameters: object) -> GradientCode:
    family = FAMILIES[name]
    given = {"rng": seed} if "rng" in family.signature.parameters else {}
    return family(**parameters, **given)


def _margulis(n: int, gamma: int, s: int, seed: int) -> GradientCode:
    if gamma != 8:
        raise InputError(f"replication is {gamma}; that of a Margulis graph is 8")
    return _built("margulis", seed, workers=n, stragglers=s)


def _block_design(n: int, gamma: int, s: int, seed: int) -> GradientCode:
    """Build the design with the fewest partitions: the smallest index that exists."""
    for index in range(1, gamma):
        if FAMILIES["block-design"].exists(workers=n, replication=gamma, index=index, stragglers=s).answer == "yes":
            return _built("block-design", seed, workers=n, replication=gamma, index=index, stragglers=s)
    raise InputError(f"workers is {n}; no block design with replication {gamma} is known")


def _graph_assignment(n: int, gamma: int, s: int, seed: int) -> GradientCode:
    if 2 * n % gamma or 2 * n // gamma <= gamma:
        raise InputError(f"workers is {n}; no {gamma}-regular graph has so many edges")
    return _built("graph-assignment", seed, graph="random-regular", workers=n, replication=gamma, stragglers=s)


def _stochastic_block(n: int, gamma: int, s: int, seed: int) -> GradientCode:
    """Half of the load inside one of n / (2 gamma) communities."""
    communities = next((t for t in range(n // (2 * gamma), 1, -1) if n % t == 0), 0)
    if not communities:
        raise InputError(f"workers is {n}; it has no divisor that suits communities")
    size = n // communities
    chances = {"inside": gamma / 2 / size, "across": gamma / 2 / (n - size)}
    return _built("stochastic-block", seed, workers=n, stragglers=s, communities=communities, **chances)


def _product(n: int, gamma: int, s: int, seed: int) -> GradientCode:
    """Build the product of two block designs, or of one with itself, whose sizes and replications multiply to these."""
    design = FAMILIES["block-design"]
    for a, b in itertools.product(range(3, n // 3 + 1), range(2, gamma // 2 + 1)):
        if n % a or gamma % b or b >= a or gamma // b >= n // a:
            continue
        pair = [_symmetric(a, b), _symmetric(n // a, gamma // b)]
        if all(pair):
            first, second = (design(**one, stragglers=1) for one in pair if one)
            return _built("product", seed, first=first, second=second, stragglers=s)
    raise InputError(f"workers is {n}; no two symmetric designs multiply to replication {gamma}")


def _symmetric(points: int, size: int) -> dict[str, int] | None:
    """Return the parameters of a design with as many blocks as points, if there is one."""
    index, rest = divmod(size * (size - 1), points - 1)
    if rest or not index:
        return None
    given = {"workers": points, "replication": size, "index": index}
    return given if FAMILIES["block-design"].exists(**given, stragglers=1).answer == "yes" else None


BUILDERS: dict[str, Builder] = {
    "fractional-repetition": _regular("fractional-repetition"),
    "grouped (exact)": lambda n, gamma, s, seed: _built("grouped", seed, workers=n, stragglers=gamma - 1),
    "circulant": _regular("circulant"),
    "random-regular": _regular("random-regular"),
    "random-regular-graph": _regular("random-regular-graph"),
    "margulis": _margulis,
    "bernoulli": _regular("bernoulli"),
    "bernoulli, regularised": _regular("bernoulli", regularised=True),
    "stochastic-block": _stochastic_block,
    "soft-design": lambda n, gamma, s, seed: _built("soft-design", seed, workers=n, replication=gamma, stragglers=s),
    "product": _product,
    "strongly-regular": _regular("strongly-regular"),
    "block-design": _block_design,
    "graph-assignment": _graph_assignment,
}
