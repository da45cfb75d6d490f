"""The worst case of any gradient code: which stragglers hurt most, and the proof that none hurt more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, sqrt
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from ._worst_setup import EXACT, Component, Ints, distribute, split
from ._worst_tables import Table, Tables, attacked
from .errors import InputError
from .result import Result, Status
from .seeding import RngLike, seed_of

OBJECTIVES = ("error", "noise")


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
    one where only the error matters; then one set of each kind is visited, a Schur complement carried along, subtrees
    pruned by upper bounds; groups of plain repetition, cyclic codes and block designs need no search.

    Attributes
    ----------
    objective : str
        ``error``: max of err(S) = min_R \|\|R B - T\|\|_F^2 over S, \|S\| <= s, R zero on S, T = I_m (x) 1_k^T.
        ``noise``: max of nu(S) = sqrt(sum_j \|\|R_j\|\|^2 \|\|b_j\|\|^2 / (m k)), R the smallest of least error.
    seconds : float or None
        Time after which the best interval so far is returned; None waits for the proof.
    restarts : int
        Random first guesses of the noise where the sets are too many to expect an end; for the error these are the
        `StandardAttack`'s, so that the worst set found is not less bad than its own.
    sets : int or None
        More sets than that, of a component, are not searched through: the interval is then that of the attack and of
        bounds, and the same on every machine, which one cut off by ``seconds`` is not.

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
    sets: int | None = None

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise InputError(f"objective is {self.objective!r}; one of {', '.join(OBJECTIVES)} would work")
        if self.seconds is not None and not self.seconds > 0:
            raise InputError(f"seconds is {self.seconds}; a positive number or None would work")
        if self.restarts < 0:
            raise InputError(f"restarts is {self.restarts}; 0 or more would work")
        if self.sets is not None and not self.sets > 0:
            raise InputError(f"sets is {self.sets}; a positive number or None would work")

    def solve(
        self,
        encoding: NDArray[Any] | sparse.sparray,
        *,
        blocks: int = 1,
        stragglers: int,
        symmetries: Sequence[ArrayLike] | None = None,
        rng: RngLike = None,
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
        symmetries : sequence of permutations (n,), optional
            Renamings of the workers that change no inner product of rows (of length 1) and no part of the target; they
            are checked, and spare the error sets that are symmetric to others. By default the search looks for them in
            components of up to 400 workers; an empty sequence does without.
        rng : None, int, Generator or SeedSequence
            For the random first guesses.

        Returns
        -------
        WorstCaseResult
            Status optimal (bound equals value) or feasible (the worst case lies between value and bound).

        Raises
        ------
        InputError
            If the matrix, a number or a symmetry is impossible.
        LimitError
            If more than 10,000 workers (4000 for the noise) hang together and are not plain repetition.

        References
        ----------
        Least squares under a_S = 0; the formulas are derived in `_adversary_kernels` and `_worst_setup`. Cyclic codes:
        the BCH bound (Bose, Ray-Chaudhuri 1960; Hocquenghem 1959).
        """
        matrix = checked_encoding(encoding, blocks, stragglers)
        permutations = None if symmetries is None else _permutations(matrix, blocks, symmetries)
        seed = seed_of(rng)
        components, unheld = split(matrix, blocks)
        if stragglers and not all(component.is_rank_one for component in components):
            from ._attack_search import compile_search
            from ._worst_search import compile_kernels

            dtype = "<c16" if matrix.dtype.kind == "c" else "<f8"
            compile_kernels(dtype)
            n = matrix.shape[0]
            if self.objective == "error" and (n + 1) * comb(n, min(stragglers, n // 2)) > attacked(self.sets):
                compile_search(dtype)
        started = perf_counter()
        deadline = np.inf if self.seconds is None else started + self.seconds
        noise = self.objective == "noise"
        tables = Tables(noise, stragglers, deadline, seed, self.restarts, permutations, self.sets).of(components)
        return self._combine(components, tables, matrix.shape, blocks * unheld, stragglers, seed, started)

    def _combine(
        self,
        components: list[Component],
        tables: list[Table],
        shape: tuple[int, int],
        unheld: int,
        stragglers: int,
        seed: int,
        started: float,
    ) -> WorstCaseResult:
        """Spread the stragglers over the components; ``unheld`` is the error of what nobody holds."""
        (n, scale), noise = shape, self.objective == "noise"
        value, spread = distribute([table.values for table in tables], stragglers)
        bound = max(value, distribute([table.bounds for table in tables], stragglers)[0])
        value, bound = (sqrt(value / scale), sqrt(bound / scale)) if noise else (value + unheld, bound + unheld)
        parts = [
            component.workers[table.lost[t]] for component, table, t in zip(components, tables, spread, strict=True)
        ]
        lost: Ints = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
        if not noise:  # more stragglers never make the error smaller
            lost = np.append(lost, np.setdiff1d(np.arange(n), lost)[: stragglers - len(lost)])
        distinct = list({id(table): table for table in tables}.values())
        methods = list(dict.fromkeys(method for table in distinct for method in table.methods))
        groups = f"{len(components)} independent groups: " if len(components) > 1 else ""
        return WorstCaseResult(
            value=value,
            bound=bound if np.isfinite(bound) else None,
            status=Status.OPTIMAL if bound <= value else Status.FEASIBLE,
            seconds=perf_counter() - started,
            seed=seed,
            objective=self.objective,
            stragglers=stragglers,
            set=tuple(sorted(int(worker) for worker in lost)),
            evaluated=sum(table.evaluated for table in distinct),
            sets=comb(n, stragglers),
            scale=scale,
            smallest_pivot=min((table.pivot for table in distinct if table.pivot is not None), default=None),
            method=groups + ("; ".join(methods) or "nobody is lost"),
        )


def checked_encoding(encoding: Any, blocks: int, stragglers: int) -> sparse.csr_array:
    """Return an encoding matrix as sparse numbers; refuse what is none, and impossible numbers."""
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


def _permutations(matrix: sparse.csr_array, blocks: int, symmetries: Sequence[ArrayLike]) -> list[Ints]:
    """The symmetries as arrays; refuse what changes the numbers that decide an error."""
    n = matrix.shape[0]
    lengths = np.sqrt(np.asarray(abs(matrix).power(2).sum(axis=1)).ravel())
    unit = sparse.csr_array(sparse.diags_array(1.0 / np.where(lengths > 0.0, lengths, 1.0)) @ matrix)
    gram = sparse.csr_array(unit @ unit.conj().T)
    seen = np.asarray(unit.reshape((n * blocks, -1)).sum(axis=1)).reshape(n, blocks)
    shares = sparse.csr_array(seen @ seen.conj().T)
    found = []
    for i, given in enumerate(symmetries):
        p = np.asarray(given)
        if p.shape != (n,) or p.dtype.kind not in "iu" or not np.array_equal(np.sort(p), np.arange(n)):
            raise InputError(f"symmetries[{i}] is no permutation; each of 0 to {n - 1} once would work")
        for part in (gram, shares):
            change = float(abs(part[p][:, p] - part).max())
            if change > 1e-9 * max(1.0, float(abs(part).max())):
                raise InputError(
                    f"symmetries[{i}] changes products of the workers' rows by up to {change:.3g}; a permutation that "
                    "keeps them would work"
                )
        found.append(p.astype(np.int64))
    return found
