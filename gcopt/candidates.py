"""The codes worth a try on a cluster: what the families propose, as far as settings and floating point allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gcopt.averages import draw
from gcopt.cluster import Cluster
from gcopt.code import GradientCode
from gcopt.decoding import EXACT, components
from gcopt.errors import InputError
from gcopt.evaluate import evaluate_component
from gcopt.families import FAMILIES
from gcopt.families._family import Family
from gcopt.goal import Goal

_TRIES = 8
_OVERRULED = ("rng", "draws", "probability", "compressor")  # settings that replace what a family proposes
_LOUD = 1e4  # relative error of the gradient per relative error of a message; float64 leaves twelve digits then


def candidates(
    cluster: Cluster, goal: Goal, *, family: str | None = None, settings: Mapping[str, Any] | None = None
) -> Iterator[GradientCode]:
    """Build every code worth a try; a family that is named must exist and know the settings.

    Parameters
    ----------
    cluster : Cluster
    goal : Goal
        Families may propose other parameters for other goals; its seed is that of random constructions.
    family : str, optional
        This family only.
    settings : mapping, optional
        Parameters that candidates must have.

    Raises
    ------
    InputError
        If the settings are unknown or impossible.

    Examples
    --------
    >>> import gcopt
    >>> cluster = gcopt.Cluster(6, gcopt.delays.Delay("exponential", {"rate": 1.0}))
    >>> [code.stragglers for code in candidates(cluster, Goal(), family="fractional-repetition")]
    [1, 2, 5]
    """
    settings = dict(settings or {})
    if settings.pop("workers", cluster.workers) != cluster.workers:
        raise InputError(f"the settings ask for other workers than the cluster has; {cluster.workers} would work")
    cluster = _cut(cluster, settings.pop("partitions", cluster.job.partitions))
    for name in _takers(settings) if family is None else [family]:
        FAMILIES[name].check_names(settings)
        yield from _built(FAMILIES[name], cluster, goal, settings, named=family is not None)


def references(cluster: Cluster, goal: Goal, *, partitions: int | None = None) -> Iterator[GradientCode]:
    """Build the codes with one redundancy for all coordinates that a code with several is compared with.

    Examples
    --------
    >>> import gcopt
    >>> cluster = gcopt.Cluster(6, gcopt.delays.Delay("exponential", {"rate": 1.0}))
    >>> {len(code.segments) for code in references(cluster, Goal())}
    {1}
    """
    cluster = _cut(cluster, cluster.job.partitions if partitions is None else partitions)
    for name in ("uncoded", "fractional-repetition", "grouped", "placement"):
        yield from _built(FAMILIES[name], cluster, goal, {}, named=False)


def _cut(cluster: Cluster, partitions: int | None) -> Cluster:
    return cluster.replace(job=replace(cluster.job, partitions=partitions))


def _built(
    entry: Family, cluster: Cluster, goal: Goal, settings: Mapping[str, Any], *, named: bool
) -> Iterator[GradientCode]:
    """Build what one family proposes; where the user named it, impossible settings are an error and not passed over."""
    k = cluster.job.partitions
    sets = list(entry.candidates(cluster, goal)) if entry.candidates is not None else []
    fixed = {key: value for key, value in settings.items() if key not in _OVERRULED}
    fitting = [s for s in sets if all(s.get(key, value) == value for key, value in fixed.items())]
    sized = {"workers": cluster.workers} if "workers" in entry.signature.parameters else {}
    tried: list[dict[str, Any]] = []
    for parameters in fitting or ([sized] if named else []):
        given = {**parameters, **({} if k is None else {"partitions": k})}
        if "rng" in entry.signature.parameters:
            given["rng"] = goal.seed
        given |= settings
        if given in tried:
            continue
        tried.append(given)
        try:
            code = entry(**given)
        except InputError:
            if named and (settings or not fitting):
                raise
        else:
            if usable(code):
                yield code


def _takers(settings: Mapping[str, Any]) -> list[str]:
    """Return the families that have all these parameters; a parameter that none has is refused."""
    known = {name: set(FAMILIES[name].signature.parameters) for name in FAMILIES}
    for key in settings:
        if not any(key in names for names in known.values()):
            raise InputError(f"no family has a parameter {key!r}; `gcopt families` lists them")
    return [name for name, names in known.items() if names.issuperset(settings)]


def usable(code: GradientCode) -> bool:
    """Whether floating point can decode what is exact on paper: random losses of every kind of component are tried.

    Examples
    --------
    >>> import gcopt
    >>> usable(gcopt.families.cyclic_mds(9, 4)), usable(gcopt.families.cyclic_repetition(60, 8, rng=1))
    (True, True)
    """
    rng = np.random.default_rng(0)
    for segment in code.segments:
        if segment.is_linear or segment.approximate:
            continue
        kinds = {(part.workers.size, part.matrix.nnz): part for part in components(segment)}
        for part in kinds.values():
            for _ in range(_TRIES):
                heard = draw(rng, part.workers.size, min(segment.stragglers, part.workers.size - 1), None)
                found = evaluate_component(part, heard)
                scale = part.blocks * part.partitions.size
                if found.error > EXACT * scale or found.noise > _LOUD * np.sqrt(scale):
                    return False
    return True
