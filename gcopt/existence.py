"""Does a code with these parameters exist? Yes, no (with the theorem), or nobody here knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gcopt.errors import ImpossibleError, UnknownError


@dataclass(frozen=True)
class Existence:
    """An answer and its reason.

    Attributes
    ----------
    answer : str
        ``yes`` (it can be built here), ``no`` (a theorem forbids it) or ``unknown`` (neither is known here).
    reason : str
        The construction, the theorem, or what was tried.
    nearest : tuple of mapping
        Parameters close to those asked for with which it exists, nearest first.

    Examples
    --------
    >>> print(Existence("no", "an odd number cannot be halved", ({"workers": 4}, {"workers": 6})))
    no: an odd number cannot be halved; the nearest that exist: workers = 4; workers = 6
    """

    answer: str
    reason: str
    nearest: tuple[Mapping[str, Any], ...] = ()

    def __str__(self) -> str:
        return f"{self.answer}: {self._sentence}"

    @property
    def _sentence(self) -> str:
        listed = "; ".join(", ".join(f"{key} = {value}" for key, value in one.items()) for one in self.nearest)
        return self.reason + (f"; the nearest that exist: {listed}" if listed else "")

    def require(self, what: str) -> None:
        """Raise ImpossibleError or UnknownError, naming ``what`` was asked for, unless the answer is yes."""
        if self.answer != "yes":
            kind = ImpossibleError if self.answer == "no" else UnknownError
            verdict = "does not exist" if self.answer == "no" else "is not known here"
            raise kind(f"{what} {verdict}: {self._sentence}")


def exists(family: str, **parameters: Any) -> Existence:
    """Say whether a family has a code with these parameters.

    Parameters
    ----------
    family : str
        Its name, as in ``gcopt families``.
    **parameters
        As for the constructor.

    Raises
    ------
    InputError
        If the family or a parameter is unknown, or a value is of the wrong kind.

    Examples
    --------
    >>> exists("fractional-repetition", workers=12, stragglers=3).answer
    'yes'
    >>> exists("fractional-repetition", workers=13, stragglers=3).answer
    'no'
    """
    from gcopt.families import FAMILIES

    return FAMILIES[family].exists(**parameters)
