"""The exceptions a user may catch. They are defined beside the solvers, which know nothing of this package."""

from gcopt.solvers.errors import (
    DecodingError,
    GcoptError,
    GcoptWarning,
    InfeasibleError,
    InputError,
    LimitError,
    TrainingError,
)

__all__ = [
    "DecodingError",
    "GcoptError",
    "GcoptWarning",
    "InfeasibleError",
    "InputError",
    "LimitError",
    "TrainingError",
]
