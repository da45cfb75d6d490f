"""Options and arguments of the command line that several verbs share, or that would make one too long to read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all random choices; it is stored in what is written.")]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A parameter; repeatable.")]
Wait = Annotated[
    str,
    typer.Option(
        help="When the master stops waiting: decodable (as soon as the answers so far give the gradient) "
        "or count (after the first n - s answers)."
    ),
]
Rule = Annotated[
    str,
    typer.Option(
        help="When the master stops waiting: decodable (as soon as the answers so far give the gradient, or nearly: "
        "--tolerate), count (after the first n - s answers) or deadline (with whoever has answered by --deadline)."
    ),
]
Tolerate = Annotated[
    float | None,
    typer.Option(help="Wait until the squared decoding error is at most this fraction of the largest; from 0 to 1."),
]
Seconds = Annotated[float | None, typer.Option("--deadline", help="Seconds per iteration, for --wait deadline.")]
Objective = Annotated[
    str,
    typer.Option(
        help="runtime: least expected time per iteration; completion: most iterations done by the --deadline; "
        "accuracy, bytes: least time, or fewest bytes, until the --target is reached."
    ),
]
Target = Annotated[
    float | None,
    typer.Option(help="Squared distance to the minimum, relative to that of the start; 0.01 by default."),
]
Condition = Annotated[float | None, typer.Option(help="Condition number of the problem; 100 by default.")]
Diversity = Annotated[
    float | None,
    typer.Option(
        help="How far the gradients of partitions at the minimum are from 0, in units of L / k; 0.1 by default."
    ),
]
Deadline = Annotated[float | None, typer.Option(help="Seconds, for the objective completion.")]
CodeFile = Annotated[Path, typer.Argument(metavar="CODE", help="A code written by build or design, or a bare matrix.")]
ClusterFile = Annotated[Path, typer.Argument(metavar="CLUSTER.toml", help="A cluster file, as fit writes it.")]
Blocks = Annotated[int, typer.Option(min=1, help="Of a bare matrix: blocks m a message is shortened by.")]

# of train, too many to be spelled out there
Engine = Annotated[str, typer.Option(help="local: processes on this machine; virtual: a simulated clock.")]
Batch = Annotated[float | None, typer.Option(help="Fraction of every partition per iteration; default: all.")]
ClusterOption = Annotated[
    Path | None, typer.Option(help="Cluster file: times of the virtual engine, and what is expected.")
]
Delays = Annotated[bool, typer.Option("--delays", help="On the local engine: delay messages as CLUSTER says.")]
TrainRule = Annotated[
    str,
    typer.Option(
        help="When an iteration ends: decodable (exactly, or within --tolerate), count, deadline, or partial "
        "(workers report progress, and what each has finished counts)."
    ),
]
Debias = Annotated[
    bool, typer.Option("--debias", help="Divide an approximate gradient by what it is expected to be of the true.")
]
Expected = Annotated[
    float | None, typer.Option(help="With --debias: expect independent stragglers of this probability.")
]
Compress = Annotated[
    str | None,
    typer.Option(
        help="What is done to messages, such as dither1:max or feedback+sign (`gcopt compressors` lists them); "
        "default: what the code says."
    ),
]
Data = Annotated[
    str | None,
    typer.Option(help="CSV, npz or svmlight file, or digits (scikit-learn's); default: the shipped flights."),
]
Checkpoint = Annotated[Path | None, typer.Option(help="Save the run to this npz, every --every iterations.")]
Parameters = Annotated[Path | None, typer.Option("-o", "--output", help="Write the parameters to this npz.")]
