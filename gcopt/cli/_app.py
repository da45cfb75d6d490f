"""The command itself, and what makes a function one of its verbs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from gcopt import console

app = typer.Typer(
    name="gcopt",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # help must be instant; typer's rich help loads a markdown parser
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="""Train on machines that are not equally fast.

When every iteration waits for the slowest worker, one late machine holds up all the others. gcopt finds out, from a
timing log or a description of your cluster, whether giving data redundantly to the workers ("gradient coding") or
giving slower ones less of it makes training faster, and by how much; it proves what the result promises, writes it to
files that other tools read, and runs it.

Start with "gcopt quickstart". With a timing log of your own: "gcopt fit rounds.csv -o cluster.toml", then
"gcopt design cluster.toml -o code.npz".""",
)

F = TypeVar("F", bound=Callable[..., Any])


def verb(function: F) -> F:
    """Register a verb whose errors become one line on stderr and an exit code."""

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> None:
        from gcopt.errors import GcoptError

        try:
            function(*args, **kwargs)
        except GcoptError as error:
            console.say(f"error: {error}")
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            console.say("interrupted")
            raise typer.Exit(130) from None

    app.command()(guarded)
    return function


def load_cluster(path: Path) -> Any:
    """Read a cluster file."""
    from gcopt.cluster import Cluster

    return Cluster.load(path)


def _version(wanted: bool) -> None:
    if wanted:
        from gcopt import __version__

        typer.echo(f"gcopt {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass
