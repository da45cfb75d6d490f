"""What turns a function into a family: a name, a source, checked parameters, provenance."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

import gcopt
from gcopt.checks import check_count
from gcopt.code import GradientCode
from gcopt.compression import Compressor
from gcopt.errors import ImpossibleError, InputError, UnknownError
from gcopt.existence import Existence
from gcopt.families._approximate import check_decoder
from gcopt.solvers.seeding import seed_of

if TYPE_CHECKING:
    from gcopt.cluster import Cluster
    from gcopt.goal import Goal

Candidates = Callable[["Cluster", "Goal"], Iterable[Mapping[str, Any]]]


@dataclass(frozen=True, eq=False)
class Family:
    """A constructor of gradient codes; call it with its parameters.

    Attributes
    ----------
    name : str
        As on the command line.
    source : str
        The publication, down to the theorem or algorithm.
    function : callable
        Builds the code; its signature is the list of parameters, its first docstring line the description.
    candidates : callable or None
        For a cluster and a `Goal`, the parameter sets worth trying in `gcopt.design`; None keeps the family out of the
        search.
    existence : callable or None
        Answers, from the same parameters, whether there is such a code, without building it; None tries to build it.
    """

    name: str
    source: str
    function: Callable[..., GradientCode]
    candidates: Candidates | None = None
    existence: Callable[..., Existence] | None = None

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        return self.function.__doc__ or ""

    @property
    def summary(self) -> str:
        """The one-line description."""
        return self.__doc__.strip().splitlines()[0]

    @cached_property
    def signature(self) -> inspect.Signature:
        """Parameters with their defaults."""
        return inspect.signature(self.function)

    def __call__(self, *args: Any, **parameters: Any) -> GradientCode:
        """Build the code and note where it comes from.

        Every family also takes ``partitions``: where the scheme itself fixes k, a multiple of that k cuts each of its
        partitions into equal ones that stay together.
        """
        atoms = None if "partitions" in self.signature.parameters else parameters.pop("partitions", None)
        given = self._bind(args, parameters)
        seed = None
        if "rng" in given:
            seed = given["rng"] = seed_of(given["rng"])
        code = self.function(**given)
        if code.family == self.name:  # the constructor itself has noted what makes the code again
            kept = dict(code.parameters)
        else:
            kept = {key: plain(value) for key, value in given.items() if key != "rng" and value is not None}
        if atoms is not None and atoms != code.partitions:
            code, kept["partitions"] = _cut(code, atoms, self.name), atoms
        return replace(code, family=self.name, parameters=kept, seed=seed, version=gcopt.__version__)

    def exists(self, **parameters: Any) -> Existence:
        """Say whether there is a code with these parameters; see `gcopt.exists`."""
        if self.existence is not None:
            if "stragglers" in self.signature.parameters:  # whether there is the object does not depend on them
                parameters = {"stragglers": 0, **parameters}
            given = self._bind((), parameters)
            if "decoder" in given:
                check_decoder(given["decoder"], given.get("probability"))
            return self.existence(**given)
        try:
            self(**parameters)
        except ImpossibleError as error:
            return Existence("no", str(error))
        except UnknownError as error:
            return Existence("unknown", str(error))
        return Existence("yes", self.source)

    def check_names(self, parameters: Iterable[str]) -> list[str]:
        """Refuse parameters that this family does not have; return those it has."""
        valid = list(self.signature.parameters)
        for key in parameters:
            if key not in (*valid, "partitions"):
                raise InputError(f"{self.name} has no parameter {key!r}; it takes: {', '.join(valid)}")
        return valid

    def _bind(self, args: tuple[Any, ...], parameters: Mapping[str, Any]) -> dict[str, Any]:
        valid = self.check_names(parameters)
        try:
            bound = self.signature.bind(*args, **parameters)
        except TypeError as error:
            raise InputError(f"{self.name}: {error}; it takes: {', '.join(valid)}") from None
        bound.apply_defaults()
        return dict(bound.arguments)


def family(
    name: str,
    *,
    source: str,
    candidates: Candidates | None = None,
    existence: Callable[..., Existence] | None = None,
) -> Callable[[Callable[..., GradientCode]], Family]:
    """Make a family of the decorated constructor."""
    return lambda function: Family(name, source, function, candidates, existence)


def _cut(code: GradientCode, partitions: Any, name: str) -> GradientCode:
    """Cut every partition of a code into equal ones, so that there are ``partitions`` of them."""
    k = code.partitions
    if not isinstance(partitions, int) or partitions < k or partitions % k:
        raise InputError(f"partitions is {partitions!r}; {name} has {k} here, and any multiple of {k} would work")
    factor = partitions // k
    segments = [replace(s, encoding=sparse.kron(s.encoding, np.ones((1, factor)), format="csr")) for s in code.segments]
    grows = ("load", "error", "mean")
    claims = [replace(c, value=c.value * factor) if c.kind in grows else c for c in code.claims]
    return replace(code, segments=tuple(segments), claims=tuple(claims))


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if isinstance(value, Compressor):
        return str(value)
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value


def check_sizes(workers: Any, stragglers: Any) -> tuple[int, int]:
    """Return n and s with n >= 1 and 0 <= s < n, or raise InputError."""
    n = check_count("workers", workers, 1)
    return n, check_count("stragglers", stragglers, 0, n - 1, f" (fewer than the {n} workers)")
