"""From a timing log to the code a cluster should run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gcopt import console
from gcopt.cli._app import load_cluster, verb
from gcopt.cli.options import ClusterFile, Condition, Deadline, Diversity, Json, Objective, Seed, Sets, Target, Wait

if TYPE_CHECKING:
    from gcopt.learning import Learning


@verb
def fit(
    logs: Annotated[
        list[str],
        typer.Argument(metavar="LOG...", help="CSV or npz (FILE.npz:NAME), one row per round, one column per worker."),
    ],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the cluster to this TOML file.")] = None,
    load: Annotated[
        list[float] | None,
        typer.Option(help="Fraction of the whole job each worker did in each log, in the same order; default 1/n."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Use this delay model; best or trace also work.")] = None,
    json: Json = False,
) -> None:
    """Turn a timing log into a cluster file; say who is slow.

    An empty cell or inf means that there was no answer. Several logs taken at different loads tell the overhead from
    the time per unit of work: gcopt fit idle.csv full.csv --load 0 --load 1

    Models and their parameters (as scipy.stats defines them): deterministic value; exponential rate;
    shifted-exponential rate, shift; weibull shape, scale, shift; pareto shape, scale; lognormal sigma, scale, shift;
    gamma shape, scale, shift; generalized-extreme-value shape (minus scipy's c), location, scale.

    What no log tells may be added to the file by hand: [cluster.network] latency, bandwidth, master_bandwidth; and
    [cluster.transfer], a model like these: the seconds to send one message as long as the whole gradient.
    """
    from gcopt.fitting import fit as fit_logs
    from gcopt.report.designing import print_fit

    found = fit_logs(logs if len(logs) > 1 else logs[0], load=load or None, model=model)
    if output is not None:
        found.cluster.save(output)
    if json:
        console.print_json({"schema": "gcopt.fit/1", **found.to_dict(), "cluster": output and str(output)})
    else:
        print_fit(found, output)


def _learning(target: float | None, condition: float | None, diversity: float | None) -> Learning | None:
    """Return what was said of the learning; None where nothing was."""
    from gcopt.learning import Learning

    given = {"target": target, "condition": condition, "diversity": diversity}
    said = {name: value for name, value in given.items() if value is not None}
    return Learning(**said) if said else None


@verb
def design(
    cluster: ClusterFile,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the winning code to this npz.")] = None,
    family: Annotated[str | None, typer.Option(help="Search this family only; see families.")] = None,
    sets: Sets = None,
    objective: Objective = "runtime",
    deadline: Deadline = None,
    wait: Wait = "decodable",
    target: Target = None,
    condition: Condition = None,
    diversity: Diversity = None,
    iterations: Annotated[int, typer.Option(help="Draws with which the best candidates are compared.")] = 40_000,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Find the code to run on a cluster, and whether coding pays."""
    from gcopt.designer import design as search
    from gcopt.files import save
    from gcopt.report.designing import print_design

    with console.progress("designing") as bar:
        found = search(
            load_cluster(cluster),
            family=family,
            settings=console.settings(sets or []),
            objective=objective,
            deadline=deadline,
            wait=wait,
            learning=_learning(target, condition, diversity),
            iterations=iterations,
            rng=seed,
            tell=bar.update,
        )
    if output is not None:
        save(found.best.code, output)
    if json:
        console.print_json({**found.to_dict(), "code": output and str(output)})
    else:
        print_design(found, output)


@verb
def compare(
    cluster: ClusterFile,
    objective: Objective = "runtime",
    deadline: Deadline = None,
    wait: Wait = "decodable",
    target: Target = None,
    condition: Condition = None,
    diversity: Diversity = None,
    iterations: Annotated[int, typer.Option(help="Draws with which the best candidates are compared.")] = 40_000,
    plot: Annotated[Path | None, typer.Option(help="Draw the probability of being done against time (png).")] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Show the best code of every family side by side."""
    from gcopt.designer import compare as search
    from gcopt.goal import Goal
    from gcopt.pictures import plot_completion
    from gcopt.report.designing import print_compare

    goal = Goal(objective, deadline, wait, seed, _learning(target, condition, diversity))
    loaded = load_cluster(cluster)
    with console.progress("comparing") as bar:
        rows = search(
            loaded,
            objective=objective,
            deadline=deadline,
            wait=wait,
            learning=_learning(target, condition, diversity),
            iterations=iterations,
            rng=seed,
            tell=bar.update,
        )
    if plot is not None:
        plot_completion(rows, loaded, plot, goal)
    if json:
        asked = {"objective": objective, "deadline": deadline, "wait": wait}
        document = {"schema": "gcopt.compare/1", **asked, "families": [row.to_dict() for row in rows], "seed": seed}
        console.print_json({**document, "plot": plot and str(plot)})
    else:
        print_compare(rows, goal, plot)
