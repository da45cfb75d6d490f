"""The parts of a code that decode independently, and which rule decodes each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from gcopt.code import Segment
from gcopt.decoding.correction import Correction
from gcopt.decoding.design import Design
from gcopt.decoding.graph import Graph
from gcopt.decoding.iterative import Iterative
from gcopt.decoding.needed import needed
from gcopt.decoding.repetition import Repetition
from gcopt.decoding.rule import Bools, Rule
from gcopt.decoding.running import Running, follow
from gcopt.decoding.signed_design import SignedDesign
from gcopt.decoding.teams import teams

RULES: tuple[type[Rule], ...] = (Repetition, Design, SignedDesign, Graph, Correction, Iterative)
"""In the order in which they are tried: what costs least per set of responders first."""


class Explanation(NamedTuple):
    """Which rule decodes components of one size, and why.

    Attributes
    ----------
    workers, partitions : int
        Of each such component.
    rule, why : str
    components : int
        How many there are.
    """

    workers: int
    partitions: int
    rule: str
    why: str
    components: int


@dataclass(frozen=True, eq=False)
class Component:
    """Workers and partitions that are connected by the support of a segment.

    Attributes
    ----------
    workers : array of int
        Members, ascending.
    partitions : array of int
        The partitions they hold.
    matrix : csr_array
        Their encoding matrix, shape (members, m * partitions).
    blocks : int
        m.

    Examples
    --------
    >>> import numpy as np
    >>> (component,) = components(Segment(np.array([[1.0, 1, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]])))
    >>> component.kind.name, round(component.error(np.array([True, True, False, False])), 9)
    ('graph assignment', 0.333333333)
    """

    workers: NDArray[np.intp]
    partitions: NDArray[np.intp]
    matrix: sparse.csr_array
    blocks: int

    @cached_property
    def kind(self) -> type[Rule]:
        """The first rule that fits the entries."""
        return next(rule for rule in RULES if rule.fits(self.matrix, self.blocks))

    @cached_property
    def rule(self) -> Rule:
        """The rule, ready to decode."""
        return self.kind(self.matrix, self.blocks)

    def explain(self) -> Explanation:
        """Say which rule decodes the component, and why."""
        return Explanation(self.workers.size, self.partitions.size, self.kind.name, self.kind.why, 1)

    def decode(self, heard: Bools) -> NDArray[Any]:
        """Return coefficients, shape (members, m), zero where nobody was heard."""
        return self.rule.decode(heard)

    def decodes(self, heard: Bools) -> bool:
        """Whether these members, bool, shape (members,), determine the component exactly."""
        return self.rule.decodes(heard)

    def error(self, heard: Bools) -> float:
        """Return the squared decoding error of these members on the component's partitions."""
        return self.rule.error(heard)

    def running(self) -> Running:
        """Return what tells errors fast of one set after the other, where few members change in between."""
        return follow(self.rule)

    @cached_property
    def teams(self) -> list[NDArray[np.intp]]:
        """Members (numbered within the component) that send multiples of the same message; most are alone.

        Whatever can be decoded is decided by which teams were heard at all.
        """
        return [np.arange(self.workers.size)] if self.kind is Repetition else teams(self.matrix)

    @cached_property
    def needed(self) -> int | None:
        """How many teams decode the component, whichever they are, while fewer never do; None if no number does."""
        if len(self.teams) in (1, self.workers.size):
            return needed(self.rule)
        first = [team[0] for team in self.teams]
        rows = sparse.csr_array(self.matrix[first])
        return Component(np.arange(len(first)), self.partitions, rows, self.blocks).needed


def components(segment: Segment) -> list[Component]:
    """Split a segment into its connected components; workers without work and partitions without workers are left out.

    Examples
    --------
    >>> import numpy as np
    >>> [c.workers.tolist() for c in components(Segment(np.eye(2)))]
    [[0], [1]]
    """
    n, m = segment.workers, segment.blocks
    held = segment.support.astype(np.float64)
    graph: Any = sparse.block_array([[None, held], [held.T, None]], format="csr")
    _, label = connected_components(graph, directed=False)
    members, parts = _by_label(label[:n]), _by_label(label[n:])
    # all entries are brought in the order of the components at once: there may be thousands of these
    place, size = np.zeros(segment.partitions, dtype=np.intp), np.zeros(segment.partitions, dtype=np.intp)
    for partitions in parts.values():
        place[partitions], size[partitions] = np.arange(partitions.size), partitions.size
    rows = segment.encoding[np.concatenate(list(members.values()))]
    block, partition = np.divmod(rows.indices, segment.partitions)
    columns = block * size[partition] + place[partition]
    found, begin = [], 0
    for name, workers in members.items():
        starts = rows.indptr[begin : begin + workers.size + 1]
        begin += workers.size
        if name in parts:
            entries, partitions = slice(starts[0], starts[-1]), parts[name]
            shape = (workers.size, m * partitions.size)
            matrix = sparse.csr_array((rows.data[entries], columns[entries], starts - starts[0]), shape=shape)
            found.append(Component(workers, partitions, matrix, m))
    return found


def _by_label(labels: NDArray[Any]) -> dict[int, NDArray[np.intp]]:
    order = np.argsort(labels, kind="stable")
    names, starts = np.unique(labels[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, starts[1:]), strict=True))
