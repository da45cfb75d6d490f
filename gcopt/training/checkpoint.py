"""Checkpoints: everything a run needs to go on to the same bits, in one npz without pickles."""

from __future__ import annotations

import hashlib
import io
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gcopt.code import GradientCode
from gcopt.errors import InputError
from gcopt.files import write_atomically
from gcopt.training.events import Failure

if TYPE_CHECKING:
    from gcopt.training.problems import Problem

SCHEMA = "gcopt.checkpoint/1"

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(eq=False)
class State:
    """Where a run is.

    Attributes
    ----------
    parameters : array, shape (d,)
    optimizer : dict of array
        State of the optimiser by name.
    seed : int
        Of batches and arrival times.
    iteration : int
        Steps done.
    clock : float
        Seconds of training so far.
    evaluated, loss, time : list
        After how many steps the loss was evaluated, what it was, and when.
    durations : list of float
        Seconds of each iteration.
    responders : list of bool array, shape (segments, n)
        Whose messages each iteration used.
    errors : list of array, shape (segments,)
        Decoding error of each iteration relative to m k, 0 where exact.
    excess : list of array, one per segment, shape (m, m k)
        Sum over the iterations of R B - T; empty until one is not decoded exactly.
    factors : list of float
        What each segment is divided by; empty for nothing.
    memory : list of array, one per segment, shape (n, width)
        What every worker keeps of what its messages lost; empty where they keep nothing.
    ignored, late : int
    saturated : int
        Coordinates that were too large for what the compressor can express.
    failures : list of Failure
    """

    parameters: Floats
    seed: int
    optimizer: dict[str, NDArray[Any]] = field(default_factory=dict)
    iteration: int = 0
    clock: float = 0.0
    evaluated: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    time: list[float] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    responders: list[Bools] = field(default_factory=list)
    errors: list[Floats] = field(default_factory=list)
    excess: list[Floats] = field(default_factory=list)
    factors: list[float] = field(default_factory=list)
    memory: list[Floats] = field(default_factory=list)
    ignored: int = 0
    late: int = 0
    saturated: int = 0
    failures: list[Failure] = field(default_factory=list)


_NUMBERS = ("seed", "iteration", "clock", "ignored", "late", "saturated")
_SERIES = ("evaluated", "loss", "time", "durations")


def save(path: str | os.PathLike[str], state: State, identity: dict[str, Any]) -> Path:
    """Write a checkpoint, whole or not at all.

    Parameters
    ----------
    path : path
    state : State
    identity : dict
        What the run is about; `load` refuses a checkpoint of anything else.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    manifest = {
        "schema": SCHEMA,
        "identity": identity,
        **{name: getattr(state, name) for name in _NUMBERS},
        "failures": [asdict(failure) for failure in state.failures],
    }
    used = np.array(state.responders, dtype=bool)
    arrays: dict[str, Any] = {
        "manifest": np.array(json.dumps(manifest)),
        "parameters": state.parameters,
        "responders": np.packbits(used),
        "responders.shape": np.array(used.shape),
        "errors": np.array(state.errors),
        "factors": np.array(state.factors),
        **{f"excess.{c}": sums for c, sums in enumerate(state.excess)},
        **{f"memory.{c}": kept for c, kept in enumerate(state.memory)},
        **{name: np.array(getattr(state, name)) for name in _SERIES},
        **{f"optimizer.{name}": value for name, value in state.optimizer.items()},
    }
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    content = buffer.getvalue()
    return write_atomically(path, content, lambda back: back == content)


def load(path: str | os.PathLike[str], identity: dict[str, Any]) -> State:
    """Read a checkpoint of the same run.

    Raises
    ------
    InputError
        If there is none, it is damaged, or it belongs to another code, problem, optimiser or batch.
    """
    place = Path(path)
    try:
        with np.load(place, allow_pickle=False) as file:
            content = {name: file[name] for name in file.files}
        manifest = json.loads(str(content["manifest"][()]))
        if manifest["schema"] != SCHEMA:
            raise KeyError(manifest["schema"])
        state = _state(manifest, content)
    except FileNotFoundError:
        raise InputError(f"{place}: there is no such checkpoint") from None
    except Exception as error:  # a damaged file makes zipfile and numpy raise nearly anything
        raise InputError(f"{place}: not a readable checkpoint ({type(error).__name__}: {error})") from None
    for key, value in identity.items():
        if manifest["identity"].get(key) != value:
            more = {
                "code": ", or to partial work here or there",
                "problem": f", or to rows in another order (its seed is {state.seed})",
                "debiasing": " or, debiased, to another rule of waiting",
            }.get(key, "")
            raise InputError(
                f"{place}: the checkpoint belongs to another {key}{more}; what it was made with would work"
            )
    return state


def _state(manifest: dict[str, Any], content: dict[str, NDArray[Any]]) -> State:
    shape = tuple(content["responders.shape"].tolist())
    used = np.unpackbits(content["responders"], count=int(np.prod(shape))).astype(bool).reshape(shape)
    prefix = "optimizer."
    sums, kept = (
        [content[name] for c in range(len(content)) if (name := f"{kind}.{c}") in content]
        for kind in ("excess", "memory")
    )
    return State(
        parameters=content["parameters"],
        optimizer={name.removeprefix(prefix): a for name, a in content.items() if name.startswith(prefix)},
        responders=list(used),
        # a checkpoint that holds no errors is older than their being looked at
        errors=list(content.get("errors", np.zeros(shape[:2]))),
        excess=sums,
        memory=kept,
        factors=content.get("factors", np.zeros(0)).tolist(),
        failures=[Failure(**entry) for entry in manifest["failures"]],
        **{name: manifest.get(name, 0) for name in _NUMBERS},
        **{name: content[name].tolist() for name in _SERIES},
    )


def fingerprint_of_code(code: GradientCode) -> str:
    """Hash of what a code does, whatever its name.

    Examples
    --------
    >>> import gcopt
    >>> a, b = gcopt.families.uncoded(2), gcopt.GradientCode.from_matrix([[1.0, 0.0], [0.0, 1.0]])
    >>> fingerprint_of_code(a) == fingerprint_of_code(b)
    True
    """
    digest = hashlib.sha256(b"" if code.compressor is None else str(code.compressor).encode())
    for segment in code.segments:
        matrix = segment.encoding
        facts: tuple[Any, ...] = (
            matrix.shape,
            segment.blocks,
            float(segment.length),
            segment.stragglers,
            segment.decoder,
        )
        facts = facts if segment.signs is None else (*facts, segment.signs)
        digest.update(repr(facts).encode())
        for part in (matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data):
            digest.update(part.tobytes())
    return digest.hexdigest()


def fingerprint_of_problem(problem: Problem) -> str:
    """Hash of a problem's kind, options and data."""
    options = {key: getattr(value, "__qualname__", value) for key, value in problem.meta().items()}
    digest = hashlib.sha256(repr((type(problem).__qualname__, sorted(options.items()))).encode())
    for name, array in sorted(problem.arrays().items()):
        digest.update(repr((name, array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
