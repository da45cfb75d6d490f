"""How much redundancy each coordinate of the gradient gets: block-coordinate gradient coding.

Wang, Cui, Li, Zou, Xiong, "Optimization-based Block Coordinate Gradient Coding for Mitigating Partial Stragglers in
Distributed Learning" (arXiv 2206.02450). Their methods are in `published`, `subgradient` and `stationary`; what is
proved optimal here, in `solver`, with the structure of the problem in `levels`, `objectives` and `search`.
"""

from __future__ import annotations

from .levels import Levels
from .solver import Allocation, DiversityCompletion, DiversityRuntime

__all__ = ["Allocation", "DiversityCompletion", "DiversityRuntime", "Levels"]
