"""For those who search for codes: solvers, tables, families."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from gcopt import console
from gcopt.cli._app import verb
from gcopt.cli.options import Json, Seed, Sets


@verb
def solve(
    solver: Annotated[str, typer.Argument(metavar="SOLVER", help="Name of a solver; see solvers.")],
    sets: Sets = None,
    seconds: Annotated[float | None, typer.Option(help="Time limit.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the result to this npz.")] = None,
    moves: Annotated[
        str | None, typer.Option(help="Of a search: moves of each chain, as an earlier one recorded them: 512,256.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="Of a search: how many work on it at once.")] = 1,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Of a search: keep its chains in this npz, and go on from it if it exists.")
    ] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Run one solver: value, proven bound, gap.

    For example: gcopt solve assignment --set workers=24 --set load=4 --set stragglers=4 --seconds 60 -o code.npz

    A search under a time limit records the moves of its chains; --moves makes it again, bit for bit. Interrupted, it
    gives what it has (exit code 130).
    """
    # matrices are small, and threads of a linear algebra library wait for each other; read when numpy is loaded
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from gcopt.effort import Effort
    from gcopt.files import check_destination
    from gcopt.report.searching import print_solution
    from gcopt.solving import SOLVERS

    for path in (output, checkpoint):
        if path is not None:
            check_destination(path)
    with console.progress(solver) as bar:
        effort = Effort(
            seconds,
            console.integers("--moves", moves),
            processes,
            checkpoint,
            lambda done, total, value: bar.update(done, total, note=f"best {value:.6g}"),
        )
        solution = SOLVERS[solver](console.settings(sets or []), seed=seed, effort=effort)
    if output is not None:
        solution.save(output)
    if json:
        console.print_json({**solution.to_dict(), "output": output and str(output)})
    else:
        print_solution(solution, output)
    if solution.exit_code:
        raise typer.Exit(solution.exit_code)


@verb
def table(
    name: Annotated[
        str,
        typer.Argument(
            metavar="TABLE",
            help="approximate, exact-noise, block-coordinate, communication, communication-runtime, "
            "communication-training, diversity, one-bit, search or training.",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for NAME.csv and NAME.md.")] = Path(),
    plot: Annotated[bool, typer.Option("--plot", help="Draw its pictures (png) beside it.")] = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Compute a table again and write it as CSV and Markdown.

    approximate: worst and mean error of every family, side by side (some minutes). exact-noise: noise amplification of
    exact codes. block-coordinate: every method at every point of the figures of Wang et al. 2022, with pictures (some
    minutes). communication: the error figures of Munim & Ramamoorthy 2026 (two minutes). communication-training: loss
    with messages half as long, from many starts (an hour). communication-runtime: expected times of codes of every load
    and number of blocks. diversity: optimal allocations of redundancy, to be looked up. one-bit: error and loss
    against bytes with compressed messages (half an hour). search: what the searches find beside all families (some
    minutes). training: does a smaller error pay, on the clusters among the examples (some minutes).
    """
    from gcopt.tabulating import TABLES

    with console.progress(f"table {name}") as bar:
        paths = TABLES[name].write(
            output, seed=seed, plot=plot, tell=lambda done, total, note: bar.update(done, note=note)
        )
    if json:
        console.print_json({"schema": "gcopt.table/1", "table": name, "files": [str(p) for p in paths], "seed": seed})
    else:
        for path in paths:
            typer.echo(f"wrote {path}")


@verb
def families(
    family: Annotated[str | None, typer.Argument(metavar="[FAMILY]", help="Say everything about this one.")] = None,
    sets: Sets = None,
    json: Json = False,
) -> None:
    """List the families of codes with their parameters, or ask whether a code exists.

    For example: gcopt families projective-plane --set order=6 --set stragglers=2

    Exit code 0 if it exists, 1 if a theorem forbids it, 3 if nobody here knows.
    """
    from gcopt.errors import InputError
    from gcopt.families import FAMILIES
    from gcopt.report.searching import print_entries, print_existence, print_family

    if family is None and sets:
        raise InputError(f"--set {sets[0]}: of which family? gcopt families FAMILY --set {sets[0]}")
    if family is None:
        print_entries("families", "gcopt.families/1", FAMILIES.items(), as_json=json)
    elif not sets:
        print_family(FAMILIES[family], as_json=json)
    else:
        parameters = console.settings(sets)
        found = FAMILIES[family].exists(**parameters)
        print_existence(family, parameters, found, as_json=json)
        if found.answer != "yes":
            raise typer.Exit(1 if found.answer == "no" else 3)


@verb
def compressors(
    length: Annotated[int, typer.Option(min=1, help="Coordinates of a message.")] = 100_000, json: Json = False
) -> None:
    """List what may be done to messages before they are sent: bytes, bias, error."""
    from gcopt.report.compressors import print_compressors

    print_compressors(length, as_json=json)


@verb
def solvers(json: Json = False) -> None:
    """List the solvers with their parameters."""
    from gcopt.report.searching import print_entries
    from gcopt.solving import SOLVERS

    print_entries("solvers", "gcopt.solvers/1", SOLVERS.items(), as_json=json)
