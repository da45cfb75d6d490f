"""The search for codes with messages that are m times shorter."""

from __future__ import annotations

from .question import Question
from .search import ShortMessages, ShortMessagesResult

__all__ = ["Question", "ShortMessages", "ShortMessagesResult"]
