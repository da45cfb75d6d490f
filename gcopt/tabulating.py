"""Tables that one command makes again: CSV for programs, Markdown for people, every value recomputed by `verify`."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from pathlib import Path

import gcopt
from gcopt.code import GradientCode
from gcopt.errors import InputError
from gcopt.files import write_atomically
from gcopt.registry import Registry
from gcopt.verification import verify

Row = Mapping[str, str]
Tell = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Table:
    """A table of a paper or of our own.

    Attributes
    ----------
    name, title, source : str
    rows : callable
        Takes a seed and yields the rows; all have the same columns.
    """

    name: str
    title: str
    source: str
    rows: Callable[[int], Iterator[Row]]

    def write(self, folder: Path, *, seed: int = 0, tell: Tell | None = None) -> list[Path]:
        """Compute the table and write ``NAME.csv`` and ``NAME.md``."""
        rows = []
        for row in self.rows(seed):
            rows.append(row)
            if tell is not None:
                tell(len(rows), 0, " ".join(list(row.values())[:2]))
        contents = {"csv": _csv(rows), "md": self._markdown(rows, seed)}
        paths = []
        for form, text in contents.items():
            content = text.encode()
            paths.append(write_atomically(folder / f"{self.name}.{form}", content, content.__eq__))
        return paths

    def _markdown(self, rows: list[Row], seed: int) -> str:
        header = list(rows[0])
        lines = [f"# {self.title}", "", self.source, "", f"Made by `gcopt table {self.name} --seed {seed}`.", ""]
        lines += ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
        lines += ["| " + " | ".join(row.values()) + " |" for row in rows]
        return "\n".join(lines) + "\n"


def _csv(rows: list[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def exact_noise(seed: int = 0, sizes: tuple[tuple[int, int], ...] = ()) -> Iterator[Row]:
    """Worst-case noise amplification nu of every exact code with load s + 1.

    Parameters
    ----------
    seed : int
        Of the families that draw at random.
    sizes : sequence of (workers, stragglers), optional
        Some rows only.
    """
    for n, s in sizes or _SIZES:
        row = {"workers": str(n), "stragglers": str(s), "load": str(s + 1)}
        for column, build in _BUILDERS.items():
            try:
                row[column] = _noise(build(n, s, seed))
            except InputError:
                row[column] = ""
        yield row


def _noise(code: GradientCode) -> str:
    """Return nu to five digits, rounded to the side that stays true; ``>=`` where not proved, ``c`` if complex."""
    (part,) = verify(code, rng=0).segments
    if part.noise is None:
        return "not exact"
    exact = part.noise.exact
    rounding = ROUND_CEILING if exact else ROUND_FLOOR
    value = Context(prec=5, rounding=rounding).create_decimal_from_float(part.noise.lower)
    return ("" if exact else ">= ") + f"{value.normalize():f}" + (" c" if code.dtype.kind == "c" else "")


_SIZES = ((12, 2), (12, 3), (13, 2), (13, 4), (16, 3), (16, 5), (20, 3), (20, 5), (24, 5))

_BUILDERS: dict[str, Callable[[int, int, int], GradientCode]] = {
    "fractional-repetition": lambda n, s, seed: gcopt.families.fractional_repetition(n, s),
    "cyclic-repetition": lambda n, s, seed: gcopt.families.cyclic_repetition(n, s, rng=seed),
    "placement": lambda n, s, seed: gcopt.families.placement(n, s, rng=seed),
    "cyclic-mds first": lambda n, s, seed: gcopt.families.cyclic_mds(n, s, zeros="first"),
    "cyclic-mds centred": lambda n, s, seed: gcopt.families.cyclic_mds(n, s),
    "grouped cyclic-mds": lambda n, s, seed: gcopt.families.grouped(n, s, inner="cyclic-mds"),
    "grouped (default)": lambda n, s, seed: gcopt.families.grouped(n, s, rng=seed),
}

TABLES: Registry[Table] = Registry(
    "table",
    "gcopt.tables",
    {
        "exact-noise": Table(
            "exact-noise",
            "Noise amplification of exact codes",
            "nu = max over sets of s stragglers of the least sqrt(sum_j ||R_j||^2 ||b_j||^2 / k): relative error of "
            "the decoded gradient per unit of relative error in the messages. Exact worst cases; c: complex entries; "
            ">=: the worst set found, not proved; empty: no such code.",
            exact_noise,
        )
    },
)
