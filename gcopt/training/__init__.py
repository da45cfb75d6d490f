"""The executor: problems, the master's protocol, the engines.

Loaded on first use: a worker process imports this package too, and needs little of it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOME = {
    "Patience": "gcopt.training.patience",
    "Progress": "gcopt.training.loop",
    "TrainingResult": "gcopt.training.result",
    "train": "gcopt.training.run",
}

if TYPE_CHECKING:
    from gcopt.training.loop import Progress as Progress
    from gcopt.training.patience import Patience as Patience
    from gcopt.training.result import TrainingResult as TrainingResult
    from gcopt.training.run import train as train

__all__ = ["Patience", "Progress", "TrainingResult", "train"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'gcopt.training' has no attribute {name!r}")
