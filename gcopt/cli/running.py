"""A code at work: simulated, trained with, tried."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gcopt import console
from gcopt.cli._app import load_cluster, verb
from gcopt.cli.options import (
    Batch,
    Checkpoint,
    ClusterFile,
    ClusterOption,
    CodeFile,
    Compress,
    Data,
    Debias,
    Delays,
    Engine,
    Expected,
    Json,
    Parameters,
    Rule,
    Seconds,
    Seed,
    Tolerate,
    TrainRule,
)


@verb
def simulate(
    file: CodeFile,
    cluster: ClusterFile,
    iterations: Annotated[int, typer.Option(help="Iterations to draw.")] = 100_000,
    wait: Rule = "decodable",
    tolerate: Tolerate = None,
    deadline: Seconds = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Simulate how long iterations take on a cluster, and how wrong approximate ones are."""
    from gcopt.files import load
    from gcopt.report.running import print_simulation
    from gcopt.simulation import simulate as run

    with console.progress("simulating"):
        found = run(
            load(file),
            load_cluster(cluster),
            iterations=iterations,
            wait=wait,
            tolerate=tolerate,
            deadline=deadline,
            rng=seed,
        )
    if json:
        console.print_json(found.to_dict())
    else:
        print_simulation(found)


@verb
def train(
    file: CodeFile,
    engine: Engine = "local",
    iterations: Annotated[int, typer.Option(min=1, help="Steps to take.")] = 100,
    workers: Annotated[int | None, typer.Option(help="Must be the workers of the code; a check.")] = None,
    data: Data = None,
    label: Annotated[str | None, typer.Option(help="Label column of a CSV; default: the last.")] = None,
    problem: Annotated[str, typer.Option(help="auto, logistic, softmax, multilayer or least-squares.")] = "auto",
    hidden: Annotated[int | None, typer.Option(min=1, help="Hidden units of multilayer; default: 128.")] = None,
    regularization: Annotated[float, typer.Option(min=0.0, help="l2 penalty.")] = 0.0,
    optimizer: Annotated[str, typer.Option(help="sgd, momentum, nesterov or adam.")] = "nesterov",
    step: Annotated[
        float | None, typer.Option(help="Step size; default 1/L from the data; multilayer has none.")
    ] = None,
    batch: Batch = None,
    cluster: ClusterOption = None,
    delays: Delays = False,
    wait: TrainRule = "decodable",
    tolerate: Tolerate = None,
    deadline: Seconds = None,
    debias: Debias = False,
    probability: Expected = None,
    compress: Compress = None,
    checkpoint: Checkpoint = None,
    every: Annotated[int, typer.Option(min=1, help="Iterations between checkpoints.")] = 100,
    resume: Annotated[Path | None, typer.Option(help="Go on from this checkpoint.")] = None,
    output: Parameters = None,
    plot: Annotated[Path | None, typer.Option(help="Draw loss against time (png, svg, pdf).")] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Train a model with a code, on real processes or a simulated clock.

    Without --data it is logistic regression: will a flight from New York arrive more than 15 minutes late?
    """
    from gcopt.errors import InputError
    from gcopt.files import load
    from gcopt.pictures import plot_training
    from gcopt.report.running import print_training, save_parameters
    from gcopt.training import train as run
    from gcopt.training.data import load_problem

    code = load(file)
    if workers is not None and workers != code.workers:
        raise InputError(f"--workers is {workers} and the code has {code.workers}; they must agree")
    loaded = load_problem(data, label=label, name=problem, regularization=regularization, hidden=hidden, rng=seed)
    with console.progress("training", total=iterations) as bar:
        result = run(
            code,
            loaded,
            engine=engine,
            iterations=iterations,
            cluster=None if cluster is None else load_cluster(cluster),
            delays=delays,
            wait=wait,
            tolerate=tolerate,
            deadline=deadline,
            debias=debias,
            probability=probability,
            compress=compress,
            optimizer=optimizer,
            step=step,
            batch=batch,
            checkpoint=checkpoint,
            every=every,
            resume=resume,
            on_iteration=lambda at: bar.update(at.iteration, note="" if at.loss is None else f"loss {at.loss:.6g}"),
            rng=seed,
        )
    if output is not None:
        save_parameters(result, output)
    if plot is not None:
        plot_training(result, plot)
    if json:
        console.print_json(result.to_dict())
    else:
        print_training(result, [path for path in (output, plot, checkpoint) if path is not None])


@verb
def quickstart(
    folder: Annotated[Path, typer.Option(help="Where everything is written.")] = Path("quickstart-results"),
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Try the whole flow on two real clusters, in under a minute."""
    from gcopt.quickstart import quickstart as run
    from gcopt.report.running import print_quickstart

    with console.progress("quickstart") as bar:
        tried = run(folder, seed=seed, tell=bar.update)
    ok = all(one.verified and one.speedup >= 1 for one in tried)
    if json:
        document = {
            "schema": "gcopt.quickstart/1",
            "ok": ok,
            "speedup": min(one.speedup for one in tried),
            "clusters": [one.to_dict() for one in tried],
            "folder": str(folder),
            "seed": seed,
        }
        console.print_json(document)
    else:
        print_quickstart(tried, folder)
    if not ok:
        raise typer.Exit(1)
