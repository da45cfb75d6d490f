"""The command line: one thin function per verb. Heavy imports happen inside a verb, so that help is instant."""

from __future__ import annotations

from gcopt.cli import designing, codes, running, searching  # noqa: F401  # isort: skip  # order of the verbs in the help
from gcopt.cli._app import app

__all__ = ["app", "main"]


def main() -> None:
    """Entry point of the ``gcopt`` command."""
    app()
