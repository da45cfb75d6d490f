"""Published bounds as objects: what each says, when it applies, its number for a code, and its check."""

from __future__ import annotations

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
    },
    "random_stragglers": {"glasgow-wootters-random": "random_graph"},
}

BOUNDS: Registry[Bound] = Registry(
    "bound",
    "gcopt.bounds",
    {name: f"gcopt.bounds.{file}:{word}" for file, names in _HOMES.items() for name, word in names.items()},
)

__all__ = ["BOUNDS", "Bound", "Case", "Finding", "examine"]


def examine(case: Case) -> tuple[list[Finding], list[tuple[Bound, str]]]:
    """Hold every bound against a case.

    Parameters
    ----------
    case : Case

    Returns
    -------
    findings : list of Finding
        Of the bounds that apply.
    others : list of (Bound, str)
        Those that do not, each with the hypothesis that fails.

    Examples
    --------
    >>> import gcopt
    >>> from gcopt.measuring import Measured
    >>> code = gcopt.families.fractional_repetition(6, 2)
    >>> findings, others = examine(Case(Measured(code, seed=0, samples=100, seconds=1.0), stragglers=3))
    >>> {found.status for found in findings}, len(findings) + len(others) == len(list(BOUNDS))
    ({'proved'}, True)
    """
    findings, others = [], []
    for _, bound in BOUNDS.items():
        failed = bound.fails(case)
        if failed is None:
            findings.append(bound.judge(case))
        else:
            others.append((bound, failed))
    return findings, others
