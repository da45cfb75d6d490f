"""One code: built, proved, written for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gcopt import console
from gcopt.cli._app import verb
from gcopt.cli.options import Blocks, CodeFile, Json, Seed, Sets


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
    from gcopt.report.codes import print_build

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
            "compressor": None if code.compressor is None else str(code.compressor),
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
    from gcopt.report.codes import print_decoders, print_verify
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
    draw: Annotated[int, typer.Option(min=0, help="Which draw of the signs, where they are drawn anew.")] = 0,
    json: Json = False,
) -> None:
    """Write the matrices for other tools, or who stores what.

    What is written is read back and compared bit for bit. Claims, how messages are compressed, and how and for how many
    stragglers a code is decoded, stay behind: only the npz that build or design wrote holds them.
    """
    from gcopt.files import export as write
    from gcopt.files import export_placement, load
    from gcopt.report.codes import what_a_matrix_lacks

    code = load(file).at(draw)
    path = export_placement(code, output, samples=samples) if placement else write(code, output, format=format)
    if json:
        console.print_json({"schema": "gcopt.export/1", "file": str(path), "workers": code.workers})
    else:
        typer.echo(f"wrote {path}: {code.workers} workers, {code.partitions} partitions")
        if not placement and (lacks := what_a_matrix_lacks(code)):
            typer.echo(f"a matrix does not tell {lacks}; keep {file}")
