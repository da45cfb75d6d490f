"""How many stragglers to tolerate and how short to make messages: expected times of all loads and numbers of blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from gcopt.cluster import Cluster, Job
from gcopt.delays import Delay
from gcopt.errors import InputError
from gcopt.expectation import expected_answers
from gcopt.families import FAMILIES
from gcopt.pictures import figure, save_figure
from gcopt.simulation import mean_and_stderr, sample_iterations
from gcopt.tabulating.table import Row, Section, Table, fixed


def one_by_one(workers: int, compute: tuple[float, float], transfer: tuple[float, float]) -> Cluster:
    """Return a cluster whose workers need T1 per partition and T2 for a whole gradient, each (rate, shift).

    Examples
    --------
    >>> one_by_one(4, (1.0, 0.5), (0.1, 2.0)).transfer.mean
    12.0
    """
    t1, t2 = (Delay("shifted-exponential", {"rate": rate, "shift": shift}) for rate, shift in (compute, transfer))
    return Cluster(workers, t1, transfer=t2, job=Job(samples=workers))


CLUSTERS: Mapping[str, Cluster] = {
    "published": one_by_one(8, (0.8, 1.6), (0.1, 6.0)),
    "slow links": one_by_one(20, (1.0, 1.0), (0.05, 40.0)),
    "fast links": one_by_one(20, (0.2, 0.5), (2.0, 0.1)),
}

_ITERATIONS = 20_000
_TRIES = 20


def expected(cluster: Cluster, load: int, blocks: int) -> float:
    """Return E T_tot of an exact code with load d, m blocks and d - m stragglers, k = n.

    Examples
    --------
    >>> round(expected(CLUSTERS["published"], 8, 1), 4)
    24.1063
    """
    assert isinstance(cluster.compute, Delay)
    assert isinstance(cluster.transfer, Delay)
    n = cluster.workers
    work = cluster.job.work / n * load
    return expected_answers(cluster.compute, work, cluster.transfer, 1.0 / blocks, workers=n, needed=n - load + blocks)


def communication_runtime(seed: int = 0, clusters: Sequence[str] = ()) -> Iterator[Row]:
    """Expected time of an iteration of every load and number of blocks, and the mean of draws with a code.

    Parameters
    ----------
    seed : int
        Of codes and draws.
    clusters : sequence of str, optional
        Some of `CLUSTERS` only.
    """
    for name in clusters or CLUSTERS:
        cluster, n = CLUSTERS[name], CLUSTERS[name].workers
        seconds = {(d, m): expected(cluster, d, m) for d in range(1, n + 1) for m in range(1, d + 1)}
        best = min(seconds, key=seconds.__getitem__)
        shown = {min((one for one in seconds if one[1] == m), key=seconds.__getitem__) for m in range(1, n + 1)}
        for (d, m), exact in seconds.items():
            drawn = ("", "")
            if name == "published" or (d, m) in shown:
                mean, stderr = simulated(cluster, d, m, seed)
                drawn = fixed(mean, 4), fixed(stderr, 4)
            yield {
                "cluster": name,
                "workers": str(n),
                "load": str(d),
                "blocks": str(m),
                "stragglers": str(d - m),
                "exact": fixed(exact, 4),
                "simulated": drawn[0],
                "+-": drawn[1],
                "best": "yes" if (d, m) == best else "",
            }


def simulated(cluster: Cluster, load: int, blocks: int, seed: int) -> tuple[float, float]:
    """Return the mean time of an iteration of a real code that waits for n - s answers, and its standard error."""
    sizes = {
        "workers": cluster.workers,
        "stragglers": load - blocks,
        "blocks": blocks,
        "matrix": "gaussian",
        "draws": 1,
    }
    for again in range(_TRIES):  # a random matrix may be too near a singular one
        try:
            code = FAMILIES["communication-efficient"](**sizes, rng=seed + again)
        except InputError:
            continue
        return mean_and_stderr(sample_iterations(code, cluster, iterations=_ITERATIONS, wait="count", seed=seed))
    raise InputError(f"{sizes}: no matrix of {_TRIES} is usable; another seed would work")


def sections(rows: Sequence[Row]) -> Iterator[Section]:
    """Yield the published example as matrices, the others by the number of blocks."""
    for name, group in groupby(rows, key=lambda row: row["cluster"]):
        mine = list(group)
        if name == "published":
            yield Section("The published example: exact", _PUBLISHED, list(_matrix(mine, "exact")))
            yield Section("The published example: simulated", _SIMULATED, list(_matrix(mine, "simulated")))
        else:
            yield Section(name.capitalize(), _ABOUT[name], list(_by_blocks(mine)))


def _matrix(rows: Sequence[Row], column: str) -> Iterator[Row]:
    """Yield a row per load, a column per number of blocks; the best in bold."""
    for load, group in groupby(rows, key=lambda row: row["load"]):
        cells = {row["blocks"]: f"**{row[column]}**" if row["best"] else row[column] for row in group}
        yield {"load": load, **{f"m = {m}": cells.get(str(m), "") for m in range(1, int(rows[0]["workers"]) + 1)}}


def _by_blocks(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the best load of each number of blocks, which is what was simulated."""
    drawn = sorted((row for row in rows if row["simulated"]), key=lambda row: int(row["blocks"]))
    for row in drawn:
        mark = "**" if row["best"] else ""
        yield {
            "blocks": row["blocks"],
            "best load": row["load"],
            "stragglers": row["stragglers"],
            "exact": f"{mark}{row['exact']}{mark}",
            "simulated": row["simulated"],
            "+-": row["+-"],
            "share of m = 1": fixed(float(row["exact"]) / float(drawn[0]["exact"]), 3),
        }


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Draw a heat map of each cluster."""
    groups = [(name, list(group)) for name, group in groupby(rows, key=lambda row: row["cluster"])]
    path = folder / "communication-runtime.png"
    with figure(width=4.6, columns=len(groups)) as (picture, axes):
        for one, (name, mine) in zip(np.atleast_1d(axes), groups, strict=True):
            n = int(mine[0]["workers"])
            seconds = np.full((n, n), np.nan)
            for row in mine:
                d, m = int(row["load"]), int(row["blocks"])
                seconds[d - 1, m - 1] = float(row["exact"])
                if row["best"]:
                    one.plot(m, d, "o", color="white", markeredgecolor="black")
            ends = (0.5, n + 0.5, 0.5, n + 0.5)
            image = one.imshow(seconds, origin="lower", extent=ends, norm="log", cmap="viridis_r", aspect="auto")
            scale = picture.colorbar(image, ax=one, label="seconds", format="%g")
            scale.ax.yaxis.set_minor_formatter("%g")
            one.grid(False)
            one.locator_params(integer=True)
            one.set_title(f"{name}, {n} workers")
            one.set_xlabel("blocks m")
            one.set_ylabel("load d")
        save_figure(picture, path)
    return [path]


_PUBLISHED = (
    "8 workers, rates 0.8 and 0.1, shifts 1.6 and 6. The expected time with load d (rows) and m blocks (columns), the "
    "least in bold; d = m = 1 is no coding."
)
_SIMULATED = f"The mean of {_ITERATIONS} iterations with a code of communication-efficient, matrix=gaussian: a check."
_ABOUT = {
    "slow links": "20 workers, rates 1 and 0.05, shifts 1 and 40: short messages win. The best load for every m.",
    "fast links": "20 workers, rates 0.2 and 2, shifts 0.5 and 0.1: whole messages win. The best load for every m.",
}

TABLE = Table(
    "communication-runtime",
    "Expected times of communication-efficient codes",
    "n workers, n partitions, load d, messages m times shorter, s = d - m stragglers. A worker needs d T1 + T2 / m "
    "seconds, T1 and T2 shifted exponential, and the master waits for n - s of them (Ye, Abbe 2018, "
    "Communication-Computation Efficient Gradient Coding). exact: the expected order statistic; simulated: with a code "
    "that was built, of a Gaussian matrix (zeros in a matrix would save work). The CSV has all pairs (d, m).",
    communication_runtime,
    sections,
    draw,
    keys=4,
)
