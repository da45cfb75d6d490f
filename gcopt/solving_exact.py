"""Quiet exact codes as the command line finds them: sizes or a placement in, a code with little noise out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

import gcopt
from gcopt.checks import check_count
from gcopt.code import Claim, GradientCode, Segment
from gcopt.decoding import components
from gcopt.effort import Effort
from gcopt.errors import InputError
from gcopt.families._family import check_sizes
from gcopt.families._speeds import PER_WORKER, check_speeds, weighted_loads
from gcopt.files import load as read
from gcopt.solvers.exact_code import ExactCode
from gcopt.solving import Solution, Solver


def exact_code(
    workers: int,
    stragglers: int,
    load: int | None = None,
    partitions: int | None = None,
    loads: list[int] | None = None,
    speeds: list[float] | None = None,
    assignment: Any = None,
    start: str | None = None,
    chains: int = 4,
    *,
    effort: Effort,
    seed: int,
) -> Solution:
    """Which code, exact for every s stragglers, amplifies noise (rounding, low precision) least.

    Parameters
    ----------
    workers, stragglers : int
        n and s.
    load : int
        The most partitions on a worker; by default the least that all can do with. More makes less noise.
    partitions : int
        k; n by default, 8 n where speeds are given. Multiples of n leave more to choose from.
    loads : list of int
        The most partitions on each worker.
    speeds : list of float
        Loads in proportion.
    assignment : list or str
        Who holds what (n rows of 0 and 1, or a file): then only the coefficients are searched.
    start : str
        File of a code to start from; the result is no worse.
    chains : int
        Searches side by side.
    """
    about = {key: value for key, value in locals().items() if key != "effort"}
    n, s = check_sizes(workers, stragglers)
    solver = ExactCode(effort.search(check_count("chains", chains, 1)))
    kept = effort.kept({"solver": "exact-code", **about})
    walked: dict[str, Any] = {"rng": seed, "chains": kept.chains, "tell": effort.tell, "keep": kept.write}
    starts = [] if start is None else [_matrix(start)]
    if assignment is not None:
        for name, value in (("load", load), ("partitions", partitions), ("loads", loads), ("speeds", speeds)):
            if value is not None:
                raise InputError(f"{name} is {value!r}; assignment says already who holds what, leave one of them out")
        found = solver.solve(n, s, holders=_holders(assignment), starts=starts, **walked)
    else:
        k = _partitions(partitions, n, speeds)
        found = solver.solve(n, s, partitions=k, loads=_loads(n, s, k, load, loads, speeds), starts=starts, **walked)
    segment = Segment(sparse.csr_array(found.encoding), stragglers=s)
    groups = sorted(part.workers.size for part in components(segment))
    more = {
        "load": int(segment.load.max()),
        "replication": int(segment.replication.min()),
        "groups": groups,
        "moves": list(found.moves),
        "stopped": found.stopped,
    }
    return Solution("exact-code", found, more, _code(segment, found.value, seed))


def _code(segment: Segment, noise: float, seed: int) -> GradientCode:
    s, source = segment.stragglers, "computed: the worst of all straggler sets"
    claims = (
        Claim("exact", 0.0, source, stragglers=s),
        Claim("load", float(segment.load.max()), "the placement"),
        Claim("replication", float(segment.replication.min()), "the placement"),
        Claim("noise", noise, source, stragglers=s),
    )
    given = {"workers": segment.workers, "stragglers": s, "partitions": segment.partitions}
    return GradientCode((segment,), claims, "exact-code", given, seed, gcopt.__version__)


def _partitions(partitions: Any, n: int, speeds: Any) -> int:
    if partitions is None:
        return n if speeds is None else PER_WORKER * n
    return check_count("partitions", partitions, 1)


def _loads(n: int, s: int, k: int, load: Any, loads: Any, speeds: Any) -> NDArray[np.int64] | None:
    """Return the most that each worker may hold; None where nothing was said."""
    given = {"load": load, "loads": loads, "speeds": speeds}
    several = [name for name, value in given.items() if value is not None]
    if len(several) > 1:
        raise InputError(f"{' and '.join(several)} say the same thing; one of them is enough")
    if speeds is not None:
        return weighted_loads((s + 1) * k, check_speeds(speeds, n), cap=k)
    if load is not None:
        least = -(-k * (s + 1) // n)
        return np.full(n, check_count("load", load, least, k, f" (s + 1 copies of {k} partitions on {n} workers)"))
    if loads is None:
        return None
    if not isinstance(loads, (list, tuple)) or len(loads) != n:
        raise InputError(f"loads is {loads!r}; a list of {n} integers is needed, one per worker")
    return np.array([check_count(f"loads[{j}]", value, 0, k) for j, value in enumerate(loads)], dtype=np.int64)


def _holders(assignment: Any) -> NDArray[Any]:
    if isinstance(assignment, str):
        return np.asarray(read(assignment).support.toarray())
    try:
        return np.asarray(assignment, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("assignment is no matrix; rows of 0 and 1, one per worker, or a file are needed") from None


def _matrix(path: str) -> NDArray[np.float64]:
    code = read(path)
    if len(code.segments) > 1 or code.blocks > 1 or code.dtype.kind == "c":
        raise InputError(f"start {path} is complex or has several segments or blocks; a real matrix is needed")
    return np.asarray(code.segments[0].encoding.toarray())


EXACT = Solver("exact-code", "Tandon et al. 2017; Wang et al. 2019; Raviv et al. 2018; the search is ours", exact_code)
