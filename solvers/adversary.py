"""The worst case of any gradient code: which stragglers hurt most, and the proof that none hurt more."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import comb, sqrt
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ._worst_setup import Component, Floats, Ints, LeastSquares, cyclic_zeros, distribute, merge_twins, split
from .errors import InputError, LimitError
from .result import Result, Status
from .seeding import RngLike, generator, seed_of

OBJECTIVES = ("error", "noise")
LARGEST = 4000  # workers of one component that the dense factorisation takes
EXACT = 1e-12  # error per column of T that counts as rounding
FEW = 1_000_000  # sets that are looked at one by one even where structure would do


@dataclass(frozen=True, kw_only=True)
class WorstCaseResult(Result):
    """The worst stragglers found and what is proved about all others.

    ``value`` is the plain least-squares figure of ``set``; ``bound`` is at least the worst case (None: nothing proved).

    Attributes
    ----------
    objective : str
        ``error`` or ``noise``.
    stragglers : int
        s, how many may be lost.
    set : tuple of int
        Workers whose loss gives ``value``: s for the error, at most s for the noise.
    evaluated : int
        Sets looked at one by one; the others were excluded by bounds, symmetry or structure.
    sets : int
        Number of sets of s workers there are.
    scale : int
        m k, the largest possible error.
    smallest_pivot : float or None
        Smallest pivot of the projector on the code's null space over all sets that were looked at: well above rounding
        it proves that every loss is made up for. None where the proof needs none.
    method : str
        How the bound was proved, in a phrase.
    """

    objective: str
    stragglers: int
    set: tuple[int, ...]
    evaluated: int
    sets: int
    scale: int
    smallest_pivot: float | None
    method: str

    @property
    def exact(self) -> bool:
        """Whether it is proved that no set of s stragglers causes an error (more than 1e-12 m k)."""
        return self.objective == "error" and self.bound is not None and self.bound <= EXACT * self.scale


@dataclass(frozen=True)
class WorstCase:
    r"""Search for the worst set of stragglers of an encoding matrix, exactly when the time allows.

    The code falls apart into components of workers that share partitions; in each, workers that do the same count as
    one where only the error matters; then all sets are visited depth first, a Schur complement carried along, subtrees
    pruned by an upper bound; groups of plain repetition and cyclic codes need no search.

    Attributes
    ----------
    objective : str
        ``error``: max of err(S) = min_R \|\|R B - T\|\|_F^2 over S, \|S\| <= s, R zero on S, T = I_m (x) 1_k^T.
        ``noise``: max of nu(S) = sqrt(sum_j \|\|R_j\|\|^2 \|\|b_j\|\|^2 / (m k)), R the smallest of least error.
    seconds : float or None
        Time after which the best interval so far is returned; None waits for the proof.
    restarts : int
        Random first guesses where the sets are too many to expect an end.

    Raises
    ------
    InputError
        If an option is impossible.

    Examples
    --------
    >>> import networkx as nx
    >>> petersen = nx.to_numpy_array(nx.petersen_graph())
    >>> worst = WorstCase().solve(petersen, stragglers=2, rng=0)
    >>> print(worst.status, round(worst.value * 17, 9), worst.bound == worst.value)
    optimal 8.0 True
    """

    objective: str = "error"
    seconds: float | None = 60.0
    restarts: int = 8

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise InputError(f"objective is {self.objective!r}; one of {', '.join(OBJECTIVES)} would work")
        if self.seconds is not None and not self.seconds > 0:
            raise InputError(f"seconds is {self.seconds}; a positive number or None would work")
        if self.restarts < 0:
            raise InputError(f"restarts is {self.restarts}; 0 or more would work")

    def solve(
        self, encoding: NDArray[Any] | sparse.sparray, *, blocks: int = 1, stragglers: int, rng: RngLike = None
    ) -> WorstCaseResult:
        """Find the worst stragglers of one encoding matrix.

        Parameters
        ----------
        encoding : array or sparse array, shape (n, m * k), real or complex
            B; column ``u * k + i`` is block u of partition i, rows are workers.
        blocks : int
            m.
        stragglers : int
            s, at most n.
        rng : None, int, Generator or SeedSequence
            For the random first guesses.

        Returns
        -------
        WorstCaseResult
            Status optimal (bound equals value) or feasible (the worst case lies between value and bound).

        Raises
        ------
        InputError
            If the matrix or a number is impossible.
        LimitError
            If more than 4000 workers hang together and are not plain repetition.

        References
        ----------
        Least squares under a_S = 0; the formulas are derived in `_adversary_kernels` and `_worst_setup`. Cyclic codes:
        the BCH bound (Bose, Ray-Chaudhuri 1960; Hocquenghem 1959).
        """
        matrix = _checked(encoding, blocks, stragglers)
        seed = seed_of(rng)
        components, unheld = split(matrix, blocks)
        if stragglers and not all(component.is_rank_one for component in components):
            from ._worst_search import compile_kernels

            compile_kernels("<c16" if matrix.dtype.kind == "c" else "<f8")
        started = perf_counter()
        deadline = np.inf if self.seconds is None else started + self.seconds
        run = _Run(self.objective == "noise", stragglers, deadline, seed, self.restarts)
        tables = run.tables(components)
        answer = _combine(components, tables, stragglers, run.noise)
        return _result(self, answer, matrix.shape, blocks * unheld, stragglers, seed, started)


def _checked(encoding: Any, blocks: int, stragglers: int) -> sparse.csr_array:
    given: Any = encoding if sparse.issparse(encoding) else np.atleast_2d(np.asarray(encoding))
    if given.ndim != 2:
        raise InputError(f"encoding has shape {given.shape}; a matrix is needed")
    if given.dtype.kind not in "biufc":
        raise InputError(f"encoding holds {given.dtype}; real or complex numbers are needed")
    kind = np.complex128 if given.dtype.kind == "c" else np.float64
    matrix: sparse.csr_array = sparse.csr_array(given.astype(kind))
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    n, columns = matrix.shape
    if not np.isfinite(matrix.data).all():
        raise InputError("encoding holds NaN or infinity; finite numbers are needed")
    if n == 0 or columns == 0:
        raise InputError(f"encoding has shape {matrix.shape}; at least one worker and one partition are needed")
    if blocks < 1 or columns % blocks:
        raise InputError(f"blocks is {blocks}; it must divide the {columns} columns of the encoding matrix")
    if not 0 <= stragglers <= n:
        raise InputError(f"stragglers is {stragglers}; with {n} workers 0 to {n} would work")
    return matrix


@dataclass(eq=False)
class _Table:
    """Worst cases of one component for 0, 1, .. of its workers lost (squared norms where noise is meant)."""

    component: Component
    values: Floats
    bounds: Floats
    lost: list[Ints]
    evaluated: int = 0
    pivot: float | None = None
    strained: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    methods: list[str] = field(default_factory=list)
    checks: dict[int, float] = field(default_factory=dict)

    def checked(self, t: int, noise: bool) -> float:
        """The value for t lost workers, by plain least squares."""
        if t not in self.checks:
            self.checks[t] = self.component.least_squares(self.lost[t])[int(noise)]
        return self.checks[t]


@dataclass(eq=False)
class _Run:
    """One solve: fills the tables of all components."""

    noise: bool
    stragglers: int
    deadline: float
    seed: int
    restarts: int
    tasks: int = 0

    def tables(self, components: list[Component]) -> list[_Table]:
        """One table per component; equal components share theirs."""
        keys = [component.key for component in components]
        distinct = dict(zip(reversed(keys), reversed(components), strict=True))
        alone = len(components) == 1
        self.tasks = sum(len(self._asked(c, alone)) for c in distinct.values() if not c.is_rank_one)
        by_size = sorted(distinct.items(), key=lambda item: item[1].size)
        made = {key: self._repetition(c) if c.is_rank_one else self._general(c, alone) for key, c in by_size}
        return [made[key] for key in keys]

    def _most(self, component: Component) -> int:
        """Largest loss in a table: for the noise, somebody must be left."""
        return min(self.stragglers, component.size - int(self.noise))

    def _asked(self, component: Component, alone: bool) -> list[int]:
        """Losses that need a search: the largest first, since it answers the others when it does no harm."""
        most = min(self.stragglers, component.size - 1)
        if alone:
            return [most] if most == self._most(component) and most > 0 else []
        return [most, *range(1, most)] if most > 0 else []

    def _repetition(self, component: Component) -> _Table:
        """All send the same: nothing is lost before the last one; c - t responders share what c would."""
        size, most = component.size, self._most(component)
        error, norm = component.least_squares(np.arange(1, size))
        values = norm / (size - np.arange(most + 1)) if self.noise else np.full(most + 1, error)
        if not self.noise and most == size:
            values[size] = component.whole
        lost = [np.arange(t) for t in range(most + 1)]
        return _Table(component, values, values.copy(), lost, methods=["plain repetition"])

    def _general(self, component: Component, alone: bool) -> _Table:
        if component.size > LARGEST:
            raise LimitError(f"{component.size} workers hang together; the search takes up to {LARGEST}")
        data = LeastSquares.of(component.dense, component.target)
        start = float(np.linalg.norm(data.solution) ** 2) if self.noise else data.error
        most = self._most(component)
        lost: list[Ints] = [np.zeros(0, dtype=np.int64)] * (most + 1)
        table = _Table(component, np.full(most + 1, start), np.full(most + 1, start), lost)
        if most == component.size:
            table.values[most] = table.bounds[most] = component.whole
            table.lost[most] = np.arange(most)
            table.methods.append("everybody lost")
        groups, leaders = [np.array([j]) for j in range(component.size)], np.arange(component.size)
        if not self.noise:
            groups, leaders = merge_twins(component.dense)
            if len(leaders) < component.size:
                data = LeastSquares.of(component.dense[leaders], component.target)
        for t in self._asked(component, alone):
            self._fill(table, t, data, groups)
            if not self.noise and table.bounds[t] <= start + EXACT * component.whole:
                break
        return table

    def _fill(self, table: _Table, t: int, data: LeastSquares, groups: list[Ints]) -> None:
        """Answer for t lost workers of one component."""
        component = table.component
        if not self.noise and comb(component.size, t) > FEW and t <= cyclic_zeros(component):
            table.lost[t] = np.arange(t)  # neighbours are the worst conditioned
            table.methods.append("BCH bound on a cyclic code")
            return
        from ._worst_search import Question, search

        now = perf_counter()
        deadline = now + (self.deadline - now) / max(self.tasks, 1)
        self.tasks -= 1
        weight = np.array([len(group) for group in groups], dtype=np.int64)
        question = Question(data, weight, t, self.noise, component.whole, deadline)
        found = search(question, generator(self.seed, int(component.workers[0]), t), self.restarts)
        table.values[t] = found.value
        table.bounds[t] = np.inf if found.bound is None else found.bound
        table.lost[t] = np.concatenate([groups[j] for j in found.lost] or [np.zeros(0, dtype=np.int64)])
        table.evaluated += found.evaluated
        table.methods.append(found.method)
        if found.pivot is not None and (table.pivot is None or found.pivot < table.pivot):
            table.pivot = found.pivot
            table.strained = np.concatenate([groups[j] for j in found.strained])


@dataclass(frozen=True)
class _Answer:
    """The components put together; values still without the partitions that nobody holds."""

    value: float
    bound: float
    lost: Ints
    trusted: bool
    evaluated: int
    pivot: float | None
    method: str


def _combine(components: list[Component], tables: list[_Table], stragglers: int, noise: bool) -> _Answer:
    """Spread the stragglers over the components and check the set by plain least squares."""
    value, spread = distribute([table.values for table in tables], stragglers)
    bound = distribute([table.bounds for table in tables], stragglers)[0]
    parts = [component.workers[table.lost[t]] for component, table, t in zip(components, tables, spread, strict=True)]
    checked = float(sum(table.checked(t, noise) for table, t in zip(tables, spread, strict=True)))
    distinct = list({id(table): table for table in tables}.values())
    allowance = 1e-9 * sum(c.whole for c in components) + (1e-3 if noise else 1e-6) * value
    trusted = abs(checked - value) <= allowance
    for table in distinct:
        if not noise and len(table.strained):  # the set that came nearest to a loss that cannot be made up for
            error = table.component.least_squares(table.strained)[0]
            trusted = trusted and error <= table.bounds.max() + 1e-9 * table.component.whole
    pivots = [table.pivot for table in distinct if table.pivot is not None]
    methods = list(dict.fromkeys(method for table in distinct for method in table.methods))
    groups = f"{len(components)} independent groups: " if len(components) > 1 else ""
    return _Answer(
        checked,
        bound if abs(bound - value) > 1e-9 * abs(value) else checked,
        np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64),
        trusted,
        sum(table.evaluated for table in distinct),
        min(pivots, default=None),
        groups + ("; ".join(methods) or "nobody is lost"),
    )


def _result(
    options: WorstCase,
    answer: _Answer,
    shape: tuple[int, int],
    unheld: int,
    stragglers: int,
    seed: int,
    started: float,
) -> WorstCaseResult:
    """Give the answer its units and its status; ``unheld`` is the error of what nobody holds."""
    n, scale = shape
    noise, method = options.objective == "noise", answer.method
    lost = answer.lost
    if not noise:  # more stragglers never make the error smaller
        lost = np.append(lost, np.setdiff1d(np.arange(n), lost)[: stragglers - len(lost)])
    value, bound = answer.value + (0 if noise else unheld), answer.bound + (0 if noise else unheld)
    if not answer.trusted:
        method += "; least squares disagrees: too ill-conditioned for the search, nothing proved"
        bound = np.inf if noise else float(scale)
    if noise:
        value, bound = sqrt(value / scale), sqrt(bound / scale)
    return WorstCaseResult(
        value=value,
        bound=bound if np.isfinite(bound) else None,
        status=Status.OPTIMAL if bound <= value else Status.FEASIBLE,
        seconds=perf_counter() - started,
        seed=seed,
        objective=options.objective,
        stragglers=stragglers,
        set=tuple(sorted(int(worker) for worker in lost)),
        evaluated=answer.evaluated,
        sets=comb(n, stragglers),
        scale=scale,
        smallest_pivot=answer.pivot,
        method=method,
    )
