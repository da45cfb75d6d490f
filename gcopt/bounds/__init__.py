"""Published bounds as objects: what each says, when it applies, its number for a code, and its check."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from gcopt.bounds.bound import Bound, Finding
from gcopt.bounds.case import Case
from gcopt.registry import Registry

_HOMES = {
    "counting": {
        "lost-by-load": "lost_by_load",
        "lost-greedily": "lost_greedily",
        "lost-on-average": "lost_on_average",
        "lost-independently": "lost_independently",
        "load-of-exact": "load_of_exact",
    },
    "spectral": {
        "spectral": "spectral",
        "strongly-regular": "strongly_regular_graph",
        "glasgow-wootters": "glasgow_wootters",
        "glasgow-wootters-graph": "glasgow_wootters_graph",
        "raviv": "raviv",
        "kronecker": "kronecker",
    },
    "redrawn": {
        "redrawn": "worst_set",
        "redrawn-mean": "mean_set",
        "redrawn-average": "average",
        "redrawn-design": "design",
        "redrawn-strongly-regular": "strongly_regular_graph",
        "redrawn-cosets": "coset_graph",
        "redrawn-spectral": "spectral",
        "redrawn-one-step": "one_step",
        "redrawn-scaled": "scaled",
        "redrawn-sum": "added_up",
        "cosets-exact": "coset_graph_exact",
    },
    "signed": {
        "signed-design": "signed_mean",
        "signed-design-worst": "signed_worst",
        "stacked": "stacked",
        "orthogonal-signs": "orthogonal",
        "redrawn-design-exact": "drawn_mean",
        "redrawn-design-independent": "drawn_independent",
    },
    "dominance": {"dominance": "worst_set", "dominance-mean": "mean_set"},
    "designs": {"block-design": "design_error", "block-design-threshold": "threshold"},
    "repetition": {
        "repetition": "repetition_mean",
        "repetition-worst": "repetition_worst",
        "repetition-failure": "repetition_failure",
        "repetition-lost": "repetition_lost",
        "one-step": "one_step",
    },
    "random_codes": {"bernoulli": "bernoulli", "stochastic-block": "stochastic_block"},
    "unbiased": {
        "unbiased": "unbiased_error",
        "fixed-coefficients": "fixed_coefficients",
        "equal-coefficients": "equal_coefficients",
        "pairwise-balanced": "balanced_variance",
        "song-choi": "song_choi",
        "bias": "bias",
        "debiased": "debiased",
    },
    "random_stragglers": {"glasgow-wootters-random": "random_graph"},
}

BOUNDS: Registry[Bound] = Registry(
    "bound",
    "gcopt.bounds",
    {name: f"gcopt.bounds.{file}:{word}" for file, names in _HOMES.items() for name, word in names.items()},
)

__all__ = ["BOUNDS", "Bound", "Case", "Examination", "Finding", "examine"]

_OF_RUNS = ("second_moment", "variance")


def __getattr__(name: str) -> Any:
    """Find what bounds runs, and not codes, in `gcopt.convergence`, which is loaded on first use."""
    if name in _OF_RUNS:
        return getattr(import_module("gcopt.convergence"), name)
    raise AttributeError(f"module 'gcopt.bounds' has no attribute {name!r}")


@dataclass(frozen=True)
class Examination:
    """Every bound, held against a case.

    Attributes
    ----------
    setting : str
        Stragglers and probability, for people.
    findings : tuple of Finding
        Of the bounds that apply.
    others : tuple of (Bound, str)
        Those that do not, each with the hypothesis that fails.
    """

    setting: str
    findings: tuple[Finding, ...]
    others: tuple[tuple[Bound, str], ...]

    @property
    def ok(self) -> bool:
        """Whether no bound is violated."""
        return all(found.status != "violated" for found in self.findings)

    def to_list(self) -> list[dict[str, Any]]:
        """Return what ``gcopt verify --bounds --json`` lists: those that apply, then why others do not."""
        refused = [{**bound.to_dict(), "applies": False, "reason": why} for bound, why in self.others]
        return [*(found.to_dict() for found in self.findings), *refused]


def examine(case: Case) -> Examination:
    """Hold every bound against a case.

    Parameters
    ----------
    case : Case

    Returns
    -------
    Examination

    Examples
    --------
    >>> import gcopt
    >>> from gcopt.measuring import Measured
    >>> code = gcopt.families.fractional_repetition(6, 2)
    >>> found = examine(Case(Measured(code, seed=0, samples=100, seconds=1.0), stragglers=3))
    >>> {finding.status for finding in found.findings}, len(found.to_list()) == len(list(BOUNDS))
    ({'proved'}, True)
    """
    reasons = {name: bound.fails(case) for name, bound in BOUNDS.items()}
    findings = tuple(bound.judge(case) for name, bound in BOUNDS.items() if reasons[name] is None)
    others = tuple((BOUNDS[name], why) for name, why in reasons.items() if why is not None)
    return Examination(case.setting, findings, others)
