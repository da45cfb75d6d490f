"""The command line: one thin function per verb. Heavy imports happen inside a verb, so that help is instant."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from gcopt import console
from gcopt.options import (
    Batch,
    Blocks,
    Checkpoint,
    ClusterFile,
    ClusterOption,
    CodeFile,
    Data,
    Deadline,
    Debias,
    Delays,
    Engine,
    Expected,
    Json,
    Objective,
    Parameters,
    Rule,
    Seconds,
    Seed,
    Sets,
    Tolerate,
    TrainRule,
    Wait,
)

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
    """
    from gcopt.fitting import fit as fit_logs
    from gcopt.report import print_fit

    found = fit_logs(logs if len(logs) > 1 else logs[0], load=load or None, model=model)
    if output is not None:
        found.cluster.save(output)
    if json:
        console.print_json({"schema": "gcopt.fit/1", **found.to_dict(), "cluster": output and str(output)})
    else:
        print_fit(found, output)


@verb
def design(
    cluster: ClusterFile,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the winning code to this npz.")] = None,
    family: Annotated[str | None, typer.Option(help="Search this family only; see families.")] = None,
    sets: Sets = None,
    objective: Objective = "runtime",
    deadline: Deadline = None,
    wait: Wait = "decodable",
    iterations: Annotated[int, typer.Option(help="Draws with which the best candidates are compared.")] = 40_000,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Find the code to run on a cluster, and whether coding pays."""
    from gcopt.designer import design as search
    from gcopt.files import save
    from gcopt.report import print_design

    with console.progress("designing") as bar:
        found = search(
            _cluster(cluster),
            family=family,
            settings=console.settings(sets or []),
            objective=objective,
            deadline=deadline,
            wait=wait,
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
    iterations: Annotated[int, typer.Option(help="Draws with which the best candidates are compared.")] = 40_000,
    plot: Annotated[Path | None, typer.Option(help="Draw the probability of being done against time (png).")] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Show the best code of every family side by side."""
    from gcopt.designer import compare as search
    from gcopt.goal import Goal
    from gcopt.report import plot_completion, print_compare

    goal = Goal(objective, deadline, wait, seed)
    loaded = _cluster(cluster)
    with console.progress("comparing") as bar:
        rows = search(
            loaded,
            objective=objective,
            deadline=deadline,
            wait=wait,
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


@verb
def build(
    family: Annotated[str, typer.Argument(metavar="FAMILY", help="Name of a family; see families.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Write the code to this npz.")],
    sets: Sets = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Build one code with given parameters.

    For example: gcopt build grouped --set workers=12 --set stragglers=2 -o code.npz
    """
    from gcopt.families import FAMILIES
    from gcopt.files import save
    from gcopt.report import print_build

    maker = FAMILIES[family]
    parameters = console.settings(sets or [])
    if "rng" in maker.signature.parameters:
        parameters["rng"] = seed
    code = maker(**parameters)
    save(code, output)
    if json:
        document = {
            "schema": "gcopt.build/1",
            "family": code.family,
            "parameters": dict(code.parameters),
            "workers": code.workers,
            "partitions": code.partitions,
            "blocks": code.blocks,
            "load": code.load,
            "replication": code.replication,
            "claims": [{"claim": str(claim), "kind": claim.kind, "source": claim.source} for claim in code.claims],
            "code": str(output),
            "seed": code.seed,
        }
        console.print_json(document)
    else:
        print_build(code, output)


@verb
def verify(
    file: CodeFile,
    stragglers: Annotated[
        int | None, typer.Option(help="s of the worst case; default: what the code promises.")
    ] = None,
    probability: Annotated[float | None, typer.Option(help="Average over independent stragglers of this q.")] = None,
    samples: Annotated[int, typer.Option(help="Sets drawn where they cannot be enumerated.")] = 1000,
    seconds: Annotated[float, typer.Option(help="Time limit.")] = 60.0,
    bounds: Annotated[bool, typer.Option("--bounds", help="Hold published bounds against what is measured.")] = False,
    blocks: Blocks = 1,
    explain: Annotated[bool, typer.Option("--explain", help="Say also how each part is decoded, and why.")] = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Prove or refute what a code (or any matrix) promises.

    Everything is recomputed from the matrices alone.

    Takes anybody's matrix (npz, mtx, csv, mat, json): rows are workers, columns are partitions; for blocks m > 1 column
    u k + i is block u of partition i. Exit code 1 if a claim is false or a bound is violated.
    """
    from gcopt.files import load
    from gcopt.report import print_decoders, print_verify
    from gcopt.verification import verify as check

    with console.progress(f"verifying {file.name}"):
        report = check(
            load(file, blocks=blocks),
            stragglers=stragglers,
            probability=probability,
            samples=samples,
            seconds=seconds,
            bounds=bounds,
            rng=seed,
        )
    if json:
        console.print_json(report.to_dict())
    else:
        print_verify(report)
        if explain:
            print_decoders(report)
    if not report.ok:
        raise typer.Exit(1)


@verb
def export(
    file: CodeFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write; a folder for several segments.")],
    format: Annotated[str | None, typer.Option(help="npz, mtx, csv, mat or json; default: the ending.")] = None,
    placement: Annotated[bool, typer.Option("--placement", help="Write who stores which partitions instead.")] = False,
    samples: Annotated[
        int | None, typer.Option(min=1, help="With --placement: rows of the data, to list them.")
    ] = None,
    json: Json = False,
) -> None:
    """Write the matrices for other tools, or who stores what.

    What is written is read back and compared bit for bit. Claims, and how and for how many stragglers a code is
    decoded, stay behind: only the npz that build or design wrote holds them.
    """
    from gcopt.files import export as write
    from gcopt.files import export_placement, load
    from gcopt.report import what_a_matrix_lacks

    code = load(file)
    path = export_placement(code, output, samples=samples) if placement else write(code, output, format=format)
    if json:
        console.print_json({"schema": "gcopt.export/1", "file": str(path), "workers": code.workers})
    else:
        typer.echo(f"wrote {path}: {code.workers} workers, {code.partitions} partitions")
        if not placement and (lacks := what_a_matrix_lacks(code)):
            typer.echo(f"a matrix does not tell {lacks}; keep {file}")


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
    from gcopt.report import print_simulation
    from gcopt.simulation import simulate as run

    with console.progress("simulating"):
        found = run(
            load(file),
            _cluster(cluster),
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
    problem: Annotated[str, typer.Option(help="auto, logistic, softmax or least-squares.")] = "auto",
    regularization: Annotated[float, typer.Option(min=0.0, help="l2 penalty.")] = 0.0,
    optimizer: Annotated[str, typer.Option(help="sgd, momentum, nesterov or adam.")] = "nesterov",
    step: Annotated[float | None, typer.Option(help="Step size; default 1/L from the data.")] = None,
    batch: Batch = None,
    cluster: ClusterOption = None,
    delays: Delays = False,
    wait: TrainRule = "decodable",
    tolerate: Tolerate = None,
    deadline: Seconds = None,
    debias: Debias = False,
    probability: Expected = None,
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
    from gcopt.report import plot_training, print_training, save_parameters
    from gcopt.training import train as run
    from gcopt.training.data import load_problem

    code = load(file)
    if workers is not None and workers != code.workers:
        raise InputError(f"--workers is {workers} and the code has {code.workers}; they must agree")
    loaded = load_problem(data, label=label, name=problem, regularization=regularization, rng=seed)
    with console.progress("training", total=iterations) as bar:
        result = run(
            code,
            loaded,
            engine=engine,
            iterations=iterations,
            cluster=None if cluster is None else _cluster(cluster),
            delays=delays,
            wait=wait,
            tolerate=tolerate,
            deadline=deadline,
            debias=debias,
            probability=probability,
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
    from gcopt.report import print_quickstart

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


@verb
def solve(
    solver: Annotated[str, typer.Argument(metavar="SOLVER", help="Name of a solver; see solvers.")],
    sets: Sets = None,
    seconds: Annotated[float | None, typer.Option(help="Time limit.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the result to this npz.")] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Run one solver: value, proven bound, gap."""
    from gcopt.report import print_solution
    from gcopt.solving import SOLVERS

    solution = SOLVERS[solver](console.settings(sets or []), seconds=seconds, seed=seed)
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
        str, typer.Argument(metavar="TABLE", help="approximate, exact-noise, block-coordinate or diversity.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for NAME.csv and NAME.md.")] = Path(),
    plot: Annotated[bool, typer.Option("--plot", help="Draw its pictures (png) beside it.")] = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Compute a table again and write it as CSV and Markdown.

    approximate: worst and mean error of every family, side by side (some minutes). exact-noise: noise amplification of
    exact codes. block-coordinate: every method at every point of the figures of Wang et al. 2022, with pictures (some
    minutes). diversity: optimal allocations of redundancy, to be looked up.
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
    from gcopt.report import print_entries, print_existence, print_family

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
def solvers(json: Json = False) -> None:
    """List the solvers with their parameters."""
    from gcopt.report import print_entries
    from gcopt.solving import SOLVERS

    print_entries("solvers", "gcopt.solvers/1", SOLVERS.items(), as_json=json)


def _cluster(path: Path) -> Any:
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


def main() -> None:
    """Entry point of the ``gcopt`` command."""
    app()
