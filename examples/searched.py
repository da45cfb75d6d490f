"""A code searched for one cluster: who should hold what, so that the error is soonest at most 5 %?

Run it with: python examples/searched.py
"""

from pathlib import Path

import numpy as np

import gcopt
from gcopt.effort import Effort
from gcopt.solving import SOLVERS
from gcopt.training.problems import Logistic

CLUSTER = Path(__file__).parent / "two-speed-20.toml"
ERROR, ITERATIONS = 0.05, 60
LOADS = [4] * 15 + [2] * 5  # of 60 partitions, at most: the last five workers are slow


def problem() -> Logistic:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((2000, 30)) * np.linspace(0.2, 2.0, 30)
    chance = 1 / (1 + np.exp(-rows @ rng.standard_normal(30)))
    return Logistic(rows, (rng.random(2000) < chance).astype(float), regularization=1e-3)


def main() -> None:
    cluster = gcopt.Cluster.load(CLUSTER)
    asked = {"cluster": str(CLUSTER), "partitions": 60, "load": LOADS, "stragglers": 2}
    found = SOLVERS["assignment"]({**asked, "objective": "time", "tolerate": ERROR}, effort=Effort(moves=(1024,)))
    code, bound = found.code, found.result.bound
    print(f"searched: {found.result.value:.3g} s per iteration, loads {code.segments[0].load.tolist()}")
    print(f"no code with such loads and error needs less than {bound:.3g} s")
    report = gcopt.verify(code)
    worst = report.segments[0].worst.lower / code.partitions
    print(f"verified: {report.ok}; at worst an error of {worst:.1%} without two workers")

    families = gcopt.families
    repetition = families.fractional_repetition(20, 1)
    speeds = 1 / cluster.slowness
    runs = {
        "uncoded": (families.uncoded(20), None),
        "uncoded, loads by speed": (families.uncoded(20, speeds=speeds.tolist()), None),
        "repetition, exact": (repetition, None),
        "repetition, error <= 5 %": (repetition, ERROR),
        "searched, error <= 5 %": (code, ERROR),
    }
    engine = {"engine": "virtual", "cluster": cluster, "iterations": ITERATIONS, "rng": 1}
    results = {name: gcopt.train(one, problem(), tolerate=error, **engine) for name, (one, error) in runs.items()}
    goal = 1.01 * results["uncoded"].loss[-1]
    print(f"{'':26s} s/iteration   mean error   worst error   s to loss {goal:.4f}")
    for name, run in results.items():
        reached = [seconds for seconds, loss in zip(run.time, run.loss, strict=True) if loss <= goal]
        when = f"{reached[0]:16.3g}" if reached else "     not reached"
        error = f"{run.error['mean']:12.2%} {run.error['max']:13.2%}"
        print(f"{name:26s} {run.seconds / ITERATIONS:11.3g} {error} {when}")


if __name__ == "__main__":
    main()
