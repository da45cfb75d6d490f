"""What a table is and how it is written: the same cells as CSV and, in sections that can be read, as Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from pathlib import Path

from gcopt.errors import InputError
from gcopt.files import write_atomically

Row = Mapping[str, str]
Tell = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Section:
    """A part of the Markdown: a heading, a paragraph (either may be empty) and rows that all have the same columns."""

    title: str
    text: str
    rows: Sequence[Row]

    def markdown(self) -> str:
        """Return the section as Markdown.

        Examples
        --------
        >>> print(Section("Sizes", "", [{"n": "4", "s": "1"}]).markdown())
        ## Sizes
        <BLANKLINE>
        | n | s |
        |---|---|
        | 4 | 1 |
        """
        header = list(self.rows[0])
        lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
        lines += ["| " + " | ".join(row.values()) + " |" for row in self.rows]
        parts = [f"## {self.title}" if self.title else "", self.text, "\n".join(lines)]
        return "\n\n".join(part for part in parts if part)


def whole(rows: Sequence[Row]) -> list[Section]:
    """Return all rows as the only section."""
    return [Section("", "", rows)]


@dataclass(frozen=True)
class Table:
    """A table of a paper or of our own.

    Attributes
    ----------
    name, title, source : str
    rows : callable
        Takes a seed and yields the rows; all have the same columns.
    sections : callable
        Takes the rows and returns the sections of the Markdown.
    draw : callable or None
        Takes the rows and a folder, writes pictures into it and returns their paths.
    keys : int
        So many columns, the first ones, say what a row is about.
    """

    name: str
    title: str
    source: str
    rows: Callable[[int], Iterator[Row]]
    sections: Callable[[Sequence[Row]], Iterable[Section]] = whole
    draw: Callable[[Sequence[Row], Path], list[Path]] | None = None
    keys: int = 2

    def write(self, folder: Path, *, seed: int = 0, plot: bool = False, tell: Tell | None = None) -> list[Path]:
        """Compute the table and write ``NAME.csv`` and ``NAME.md``, and its pictures if there is to be a ``plot``.

        Raises
        ------
        InputError
            If pictures are asked for and the table has none, or the folder cannot be made.
        """
        if plot and self.draw is None:
            raise InputError(f"--plot: the table {self.name} has no pictures; without --plot it is written")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{folder}: not a folder that can be written ({error.strerror}); name another") from error
        rows = []
        for row in self.rows(seed):
            rows.append(row)
            if tell is not None:
                tell(len(rows), 0, " ".join(cell for cell in list(row.values())[: self.keys] if cell))
        contents = {"csv": _csv(rows), "md": self._markdown(rows, seed)}
        paths = []
        for form, text in contents.items():
            content = text.encode()
            paths.append(write_atomically(folder / f"{self.name}.{form}", content, content.__eq__))
        return paths + (self.draw(rows, folder) if plot and self.draw is not None else [])

    def _markdown(self, rows: Sequence[Row], seed: int) -> str:
        made = f"Made by `gcopt table {self.name} --seed {seed}`."
        parts = [f"# {self.title}", self.source, made, *(one.markdown() for one in self.sections(rows))]
        return "\n\n".join(parts) + "\n"


def _csv(rows: Sequence[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def significant(value: float, digits: int, rounding: str = ROUND_HALF_EVEN) -> str:
    """Return a number with so many significant digits, rounded to the side asked for (a constant of `decimal`).

    Examples
    --------
    >>> from decimal import ROUND_FLOOR
    >>> significant(70494401.2, 5), significant(0.99996, 4, ROUND_FLOOR)
    ('70494000', '0.9999')
    """
    return f"{Context(prec=digits, rounding=rounding).create_decimal_from_float(value).normalize():f}"


def fixed(value: float, places: int, rounding: str = ROUND_HALF_EVEN) -> str:
    """Return a number with so many decimals, rounded to the side asked for; never minus zero.

    Examples
    --------
    >>> from decimal import ROUND_CEILING
    >>> fixed(0.990699, 4), fixed(0.990699, 4, ROUND_CEILING), fixed(-1e-12, 2)
    ('0.9907', '0.9907', '0.00')
    """
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-places), rounding=rounding)
    return f"{rounded if rounded else abs(rounded):f}"
