"""The search over families for a cluster: which code makes an iteration fastest, what it gains, whether coding pays.

Every family says which parameters are worth a try on a cluster. All candidates are timed on the same random draws; the
few best and the uncoded baseline are timed again on many fresh draws, exactly where a formula covers them; differences
within the noise are decided for the code that does less work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcopt.averages import draw
from gcopt.clairvoyant import clairvoyant_time
from gcopt.cluster import Cluster, Times
from gcopt.code import GradientCode
from gcopt.decoding import EXACT, components
from gcopt.errors import InfeasibleError, InputError
from gcopt.evaluate import evaluate_component
from gcopt.expectation import expected_time
from gcopt.families import FAMILIES
from gcopt.simulation import completed, mean_and_stderr
from gcopt.solvers.result import Status
from gcopt.solvers.seeding import RngLike, generator, seed_of
from gcopt.waiting import WAITS, Waiting, arrivals

OBJECTIVES = ("runtime",)
_FINALISTS = 6
_FIRST_LOOK = 2_000
_CHUNK = 2_000_000
_ENTRIES = 20_000_000
_TRIES = 8
_HARDLY = 0.005  # a gain this small does not pay for more work
_LOUD = 1e4  # relative error of the gradient per relative error of a message; float64 leaves twelve digits then

Floats = NDArray[np.float64]
Tell = Callable[[int, int, str], None]


@dataclass(frozen=True, eq=False)
class Choice:
    """One code on the cluster.

    Attributes
    ----------
    code : GradientCode
    value : float
        Expected seconds per iteration.
    stderr : float
        Of the value; 0 where it is exact.
    gain : float
        How many times faster than uncoded with equal loads.
    """

    code: GradientCode
    value: float
    stderr: float
    gain: float

    def to_dict(self) -> dict[str, Any]:
        """Return a row of ``gcopt design --json``."""
        return {
            "family": self.code.family,
            "parameters": dict(self.code.parameters),
            "load": self.code.load,
            "stragglers": self.code.stragglers,
            "value": self.value,
            "stderr": self.stderr,
            "gain": self.gain,
        }


@dataclass(frozen=True, eq=False)
class Design:
    """What `design` found.

    Attributes
    ----------
    best : Choice
    alternatives : tuple of Choice
        Everything that was tried, fastest first; the finalists with many draws, the others with few.
    uncoded : float
        Seconds per iteration without coding and with equal loads.
    bound : float
        No exact code can be faster on average: a master that knew every time in advance would need this long to have
        each partition computed once (lower end of a three-sigma interval).
    status : Status
    objective, wait : str
    seconds : float
    seed : int
    """

    best: Choice
    alternatives: tuple[Choice, ...]
    uncoded: float
    bound: float
    status: Status
    objective: str
    wait: str
    seconds: float
    seed: int

    @property
    def advice(self) -> str:
        """One paragraph for people."""
        code, gain = self.best.code, self.best.gain
        faster = f"an iteration is {gain:.2f} times faster than uncoded with equal shares"
        if gain == np.inf:
            faster = "with equal shares and no coding, no iteration was ever completed"
        if code.family == "uncoded" and "speeds" in code.parameters:
            return (
                f"Do not code. Give slower workers less data instead: {faster}, and no code that was tried is "
                "faster still."
            )
        if code.family == "uncoded":
            return "Do not code: no code that was tried makes an iteration faster than equal shares without redundancy."
        return (
            f"Run {code.family} with load {code.load}: no worker computes more than {code.load} of {code.partitions} "
            f"partitions and {_spared(code)}; {faster}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what ``gcopt design --json`` prints (without the file name)."""
        code, value = self.best.code, self.best.value
        return {
            "schema": "gcopt.design/1",
            "family": code.family,
            "parameters": dict(code.parameters),
            "objective": self.objective,
            "wait": self.wait,
            "value": value,
            "stderr": self.best.stderr,
            "bound": self.bound,
            "gap": 0.0 if value == self.bound else abs(value - self.bound) / value,
            "status": str(self.status),
            "expected_runtime": value,
            "uncoded": self.uncoded,
            "gain": self.best.gain,
            "advice": self.advice,
            "alternatives": [choice.to_dict() for choice in self.alternatives],
            "seconds": self.seconds,
            "seed": self.seed,
        }


def _spared(code: GradientCode) -> str:
    """Say whom the master can do without."""
    if len(code.segments) == 1:
        return f"the master can do without any {code.stragglers} of {code.workers} workers"
    parts = zip(code.shares, code.segments, strict=True)
    listed = [f"without any {s.stragglers} for {share:.0%} of the gradient" for share, s in parts]
    return f"the master can do {' and '.join(listed)}"


def design(
    cluster: Cluster,
    *,
    family: str | None = None,
    settings: Mapping[str, Any] | None = None,
    objective: str = "runtime",
    wait: str = "decodable",
    iterations: int = 40_000,
    rng: RngLike = 0,
    tell: Tell | None = None,
) -> Design:
    """Find the code whose iterations are fastest on a cluster.

    Parameters
    ----------
    cluster : Cluster
    family : str, optional
        Search this family only.
    settings : mapping, optional
        Parameters that candidates must have, such as ``{"stragglers": 2}``.
    objective : str
        ``runtime``: expected seconds per iteration.
    wait : str
        When the master stops waiting: ``decodable`` or ``count``.
    iterations : int
        Draws with which the finalists are compared.
    rng : None, int, Generator or SeedSequence
    tell : callable, optional
        Called with (candidates done, candidates in all, best so far).

    Returns
    -------
    Design

    Raises
    ------
    InputError
        If an argument is impossible.
    InfeasibleError
        If no candidate fits the settings and can be decoded, or none ever completes an iteration.

    Examples
    --------
    >>> import gcopt
    >>> text = '[cluster]\\nworkers = 6\\n[cluster.compute]\\nmodel = "deterministic"\\nvalue = 1.0'
    >>> print(design(gcopt.Cluster.loads(text)).advice)
    Do not code: no code that was tried makes an iteration faster than equal shares without redundancy.
    """
    if objective not in OBJECTIVES:
        raise InputError(f"objective is {objective!r}; {', '.join(OBJECTIVES)} would work")
    _check(wait, iterations)
    begin = time.perf_counter()
    seed = seed_of(rng)
    codes = list(candidates(cluster, family=family, settings=settings or {}, seed=seed))
    if not codes:
        raise InfeasibleError(_nothing_fits(family, settings or {}))
    first = _timed(codes, cluster, wait, _FIRST_LOOK, generator(seed, 1), tell)
    order = np.argsort([value for value, _ in first], kind="stable")
    finalists = [codes[i] for i in order[:_FINALISTS]]
    kept, uncoded = _finals(finalists, cluster, wait, iterations, seed)
    chosen = _decided(kept)
    best = chosen if "draws" in (settings or {}) else replace(chosen, code=_polished(chosen.code))
    if not np.isfinite(best.value):
        raise InfeasibleError(
            "no code that was tried ever completes an iteration on this cluster; allow more stragglers"
        )
    others = [Choice(codes[i], first[i][0], first[i][1], _gain(uncoded, first[i][0])) for i in order[_FINALISTS:]]
    bound = min(clairvoyant_time(cluster, _draws(cluster, iterations, generator(seed, 3))), best.value)
    status = Status.OPTIMAL if best.value - bound <= 1e-3 * best.value else Status.FEASIBLE
    ranked = (best, *(c for c in kept if c is not chosen), *others)
    return Design(best, ranked, uncoded, bound, status, objective, wait, time.perf_counter() - begin, seed)


def compare(
    cluster: Cluster, *, wait: str = "decodable", iterations: int = 40_000, rng: RngLike = 0, tell: Tell | None = None
) -> list[Choice]:
    """Return the fastest code of every family on a cluster, fastest family first.

    Parameters are those of `design`.

    Examples
    --------
    >>> import gcopt
    >>> text = '[cluster]\\nworkers = 6\\n[cluster.compute]\\nmodel = "exponential"\\nrate = 1.0'
    >>> compare(gcopt.Cluster.loads(text))[0].code.load
    6
    """
    _check(wait, iterations)
    seed = seed_of(rng)
    codes = list(candidates(cluster, family=None, settings={}, seed=seed))
    first = _timed(codes, cluster, wait, _FIRST_LOOK, generator(seed, 1), tell)
    best: dict[str, int] = {}
    for i in np.argsort([value for value, _ in first], kind="stable"):
        best.setdefault(codes[i].family, int(i))
    return _finals([codes[i] for i in best.values()], cluster, wait, iterations, seed)[0]


def _check(wait: str, iterations: int) -> None:
    if wait not in WAITS:
        raise InputError(f"wait is {wait!r}; {' or '.join(WAITS)} would work")
    if iterations < 100:
        raise InputError(f"iterations is {iterations}; at least 100 are needed to compare codes")


def _finals(
    codes: list[GradientCode], cluster: Cluster, wait: str, iterations: int, seed: int
) -> tuple[list[Choice], float]:
    """Time codes and the uncoded baseline on many fresh draws; return the codes, fastest first, and the baseline."""
    iterations = min(iterations, max(_FIRST_LOOK, _ENTRIES // cluster.workers))
    *timed, (uncoded, _) = _timed(
        [*codes, FAMILIES["uncoded"](cluster.workers)], cluster, wait, iterations, generator(seed, 2), None
    )
    kept = [
        Choice(code, value, stderr, _gain(uncoded, value)) for code, (value, stderr) in zip(codes, timed, strict=True)
    ]
    return sorted(kept, key=lambda choice: choice.value), uncoded


def _gain(uncoded: float, value: float) -> float:
    if uncoded == value:
        return 1.0
    return uncoded / value if value > 0 else np.inf


def candidates(
    cluster: Cluster, *, family: str | None, settings: Mapping[str, Any], seed: int
) -> Iterator[GradientCode]:
    """Build every code worth a try; a family that is named must exist and know the settings."""
    settings = dict(settings)
    if settings.pop("workers", cluster.workers) != cluster.workers:
        raise InputError(f"the settings ask for other workers than the cluster has; {cluster.workers} would work")
    if "partitions" in settings:
        cluster = cluster.replace(job=replace(cluster.job, partitions=settings.pop("partitions")))
    k = cluster.job.partitions
    for name in _takers(settings) if family is None else [family]:
        entry = FAMILIES[name]
        entry.check_names(settings)
        sets = list(entry.candidates(cluster)) if entry.candidates is not None else []
        fixed = {key: value for key, value in settings.items() if key not in ("rng", "draws")}
        fitting = [s for s in sets if all(s.get(key, value) == value for key, value in fixed.items())]
        for parameters in fitting or ([{"workers": cluster.workers}] if family is not None else []):
            given = {**parameters, **({} if k is None else {"partitions": k})}
            if "rng" in entry.signature.parameters:
                given["rng"] = seed
            try:
                code = entry(**{**given, **settings})
            except InputError:
                if family is not None and (settings or not fitting):
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
        if segment.decoder != "least-squares":
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


def _nothing_fits(family: str | None, settings: Mapping[str, Any]) -> str:
    wanted = ", ".join(f"{key}={value}" for key, value in settings.items()) or "this cluster"
    return (
        f"no candidate of {family or 'any family'} fits {wanted} and can be decoded in floating point; leave out a "
        "setting, or use build"
    )


def _timed(
    codes: list[GradientCode], cluster: Cluster, wait: str, iterations: int, rng: np.random.Generator, tell: Tell | None
) -> list[tuple[float, float]]:
    """Return (mean, stderr) of every code: by formula where there is one, else on draws that are the same for all."""
    draws = list(_draws(cluster, iterations, rng))
    values: list[tuple[float, float]] = []
    for done, code in enumerate(codes):
        exact = expected_time(code, cluster, wait=wait)
        values.append((exact, 0.0) if exact is not None else _sampled(code, cluster, wait, draws))
        if tell is not None:
            lowest = int(np.argmin([value for value, _ in values]))
            tell(done + 1, len(codes), f"best so far: {codes[lowest].family}, {values[lowest][0]:.4g} s")
    return values


def _draws(cluster: Cluster, iterations: int, rng: np.random.Generator) -> Iterator[Times]:
    rows = max(1, _CHUNK // cluster.workers)
    for start in range(0, iterations, rows):
        yield cluster.sample(min(rows, iterations - start), rng, start=start)


def _sampled(code: GradientCode, cluster: Cluster, wait: str, draws: list[Times]) -> tuple[float, float]:
    waiting = Waiting(code, wait)
    drawn = np.concatenate([waiting.until(arrivals(code, cluster, times)).max(axis=1) for times in draws])
    return mean_and_stderr(completed(drawn, cluster.failures.restart))


def _decided(ranked: list[Choice]) -> Choice:
    """Return the fastest; among those that are hardly slower, or not surely, the one with the least work."""
    fastest = ranked[0]
    level = fastest.value * (1 + _HARDLY) + 2 * fastest.stderr
    near = [choice for choice in ranked if choice.value <= level]
    return min(near, key=lambda choice: (round(_work(choice.code), 9), choice.code.dtype.kind == "c"))


def _work(code: GradientCode) -> float:
    """Return what all workers compute together, in whole gradients."""
    parts = zip(code.segments, code.shares, strict=True)
    return float(sum(share * s.pairs.sum() / s.blocks for s, share in parts)) / code.partitions


def _polished(code: GradientCode) -> GradientCode:
    """Build the winner with as many draws as its family likes; candidates get one, since their times are the same."""
    if "draws" not in code.parameters:
        return code
    kept = {key: value for key, value in code.parameters.items() if key != "draws"}
    return FAMILIES[code.family](**kept, rng=code.seed)
