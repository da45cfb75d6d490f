"""The search for exact codes with little noise."""

from __future__ import annotations

from .search import ExactCode, ExactCodeResult

__all__ = ["ExactCode", "ExactCodeResult"]
