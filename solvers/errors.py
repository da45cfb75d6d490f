"""Every exception of the project. One line each: the argument or file, what was found, what would work."""


class GcoptError(Exception):
    """Base of all errors raised on purpose; ``exit_code`` is what the command line returns."""

    exit_code = 2


class InputError(GcoptError, ValueError):
    """An argument or a file holds something impossible."""


class ImpossibleError(InputError):
    """No such object exists; the message names the theorem."""


class UnknownError(InputError):
    """Nobody has shown that no such object exists, and no construction of it is known here."""


class InfeasibleError(GcoptError):
    """The question is well posed and the answer is that nothing satisfies it."""

    exit_code = 1


class LimitError(GcoptError):
    """A limit (time, memory, sets) was reached before there was any valid result."""

    exit_code = 3


class DecodingError(GcoptError):
    """The responders do not determine the gradient within the tolerance."""

    exit_code = 1


class TrainingError(GcoptError):
    """A run cannot go on; the message says where its checkpoint is."""

    exit_code = 1


class GcoptWarning(UserWarning):
    """Something is allowed but probably not wanted."""
