"""The search for assignments and coefficients."""

from __future__ import annotations

from .question import Question, Rounds, Weights
from .search import Assignment, AssignmentResult

__all__ = ["Assignment", "AssignmentResult", "Question", "Rounds", "Weights"]
