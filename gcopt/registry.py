"""Names to things, loaded on first use and open to third parties through entry points."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from gcopt.errors import InputError

T = TypeVar("T")


class Registry(Generic[T]):
    """A table of named objects.

    Parameters
    ----------
    word : str
        What an entry is called in messages, such as ``family``.
    group : str
        Entry-point group in which other packages may add entries.
    builtin : mapping
        Our own entries: the object itself, or ``"module:attribute"`` to load it on first use.

    Examples
    --------
    >>> r = Registry("number", "gcopt.numbers", {"pi": "math:pi"})
    >>> list(r), round(r["pi"], 2)
    (['pi'], 3.14)
    """

    def __init__(self, word: str, group: str, builtin: Mapping[str, T | str]) -> None:
        self.word = word
        self._entries: dict[str, T | str] = dict(builtin)
        for entry in entry_points(group=group):
            self.add(entry.name, entry.value)

    def add(self, name: str, entry: T | str) -> None:
        """Add an entry; a name that is taken by another is refused."""
        if self._entries.get(name, entry) != entry:
            raise InputError(f"the {self.word} name {name!r} is taken by {self._entries[name]}")
        self._entries[name] = entry

    def __getitem__(self, name: str) -> T:
        if name not in self._entries:
            raise InputError(f"no {self.word} is called {name!r}; there are: {', '.join(sorted(self._entries))}")
        entry = self._entries[name]
        if isinstance(entry, str):
            module, _, attribute = entry.partition(":")
            try:
                loaded: T = getattr(importlib.import_module(module), attribute)
            except (ImportError, AttributeError) as error:
                raise InputError(f"the {self.word} {name!r} cannot be loaded from {entry}: {error}") from error
            self._entries[name] = loaded
            return loaded
        return entry

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def items(self) -> Iterator[tuple[str, T]]:
        """Iterate over names and loaded entries."""
        return ((name, self[name]) for name in list(self._entries))
