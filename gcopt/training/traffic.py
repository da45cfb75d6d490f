"""How many bytes of messages reach the master, and how many they would be if they were not shortened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gcopt.training.partial import PartialPolicy

if TYPE_CHECKING:
    from gcopt.training.policy import Policy


@dataclass(frozen=True)
class Traffic:
    """The messages that reached the master since the start or the resumption, those that came too late included.

    Counted are the numbers that a message carries, 8 bytes each, 16 where they are complex, or what its compressor has
    made of them; not what a transport adds, the parameters sent out, or reports of progress. On the virtual engine a
    message that is under way when its iteration ends never arrives.

    Attributes
    ----------
    messages : int
    received : int
        Bytes.
    unshortened : int
        Bytes of as many messages of the whole lengths of their segments, as a code with m = 1 would send them in
        float64.
    iterations : int
        Iterations since then.

    Examples
    --------
    >>> import gcopt
    >>> from gcopt.training.policy import Policy
    >>> policy = Policy(gcopt.families.uncoded(3))
    >>> Traffic.of(policy, parameters=100, messages=[6], iterations=2)
    Traffic(messages=6, received=4800, unshortened=4800, iterations=2)
    """

    messages: int
    received: int
    unshortened: int
    iterations: int

    @classmethod
    def of(cls, policy: Policy, parameters: int, messages: Sequence[int], iterations: int) -> Traffic:
        """Count the bytes of so many messages of each segment."""
        code = policy.code
        sizes = code.message_bytes(parameters).tolist()
        if isinstance(policy, PartialPolicy):  # whose code says only who holds what
            sizes = [8 * -(-parameters // policy.work.blocks)]
        received = sum(count * size for count, size in zip(messages, sizes, strict=True))
        wholes = np.diff(code.cuts(parameters)) * [segment.encoding.dtype.itemsize for segment in code.segments]
        unshortened = sum(count * size for count, size in zip(messages, wholes.tolist(), strict=True))
        return cls(sum(messages), received, unshortened, iterations)

    @property
    def per_message(self) -> float:
        """Bytes of a message, on average."""
        return self.received / self.messages if self.messages else 0.0

    @property
    def saved(self) -> float:
        """How many times fewer bytes than unshortened ones; 1 where there were none."""
        return self.unshortened / self.received if self.received else 1.0

    @property
    def per_iteration(self) -> float:
        """Bytes that reached the master in an iteration, on average."""
        return self.received / self.iterations if self.iterations else 0.0

    def to_dict(self) -> dict[str, float]:
        """Return what ``gcopt train --json`` says of it."""
        return {
            "received": self.received,
            "unshortened": self.unshortened,
            "messages": self.messages,
            "per_message": self.per_message,
            "per_iteration": self.per_iteration,
        }
