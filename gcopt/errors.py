"""The exceptions a user may catch. They are defined beside the solvers, which know nothing of this package."""

from gcopt.solvers.errors import (
    DecodingError,
    GcoptError,
    GcoptWarning,
    ImpossibleError,
    InfeasibleError,
    InputError,
    LimitError,
    TrainingError,
    UnknownError,
)

__all__ = [
    "DecodingError",
    "GcoptError",
    "GcoptWarning",
    "ImpossibleError",
    "InfeasibleError",
    "InputError",
    "LimitError",
    "TrainingError",
    "UnknownError",
]
