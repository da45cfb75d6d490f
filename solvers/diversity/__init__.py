"""How much redundancy each coordinate of the gradient gets: block-coordinate gradient coding.

Wang, Cui, Li, Zou, Xiong, "Optimization-based Block Coordinate Gradient Coding for Mitigating Partial Stragglers in
Distributed Learning" (arXiv 2206.02450). Their methods are in `published`, `subgradient` and `stationary`; what is
proved best here, in `runtime` and `completion`; the structure of the problem, in `levels`, `objectives` and `search`.
"""

from __future__ import annotations

from .allocation import Allocation
from .completion import DiversityCompletion
from .levels import Levels
from .runtime import DiversityRuntime

__all__ = ["Allocation", "DiversityCompletion", "DiversityRuntime", "Levels"]
