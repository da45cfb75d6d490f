"""Is a gradient that is nearly right, and early, worth more than an exact one? Simulated time on 57 workers.

Run it with: python examples/approximate.py
"""

from pathlib import Path

import numpy as np

import gcopt
from gcopt.training.problems import Logistic

CLUSTER = Path(__file__).parent / "stalling-57.toml"
ITERATIONS = 60


def problem() -> Logistic:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((2000, 30)) * np.linspace(0.2, 2.0, 30)
    chance = 1 / (1 + np.exp(-rows @ rng.standard_normal(30)))
    return Logistic(rows, (rng.random(2000) < chance).astype(float), regularization=1e-3)


def main() -> None:
    families = gcopt.families
    edges = families.graph_assignment("random-regular", 20, workers=57, replication=3)
    runs = {
        "uncoded": (families.uncoded(57), {}),
        "exact, any 18 may miss (load 19)": (families.fractional_repetition(57, 18), {}),
        "repetition (load 3), exact": (families.fractional_repetition(57, 2), {}),
        "repetition (load 3), error <= 6 %": (families.fractional_repetition(57, 2), {"tolerate": 0.06}),
        "edges of a graph (load 3), error <= 3 %": (edges, {"tolerate": 0.03}),
        "edges of a graph (load 3), first 37": (edges, {}),
        "random assignment (load 3), first 37": (families.random_regular(57, 20, 3, rng=0), {}),
        "projective plane (load 8), first 37": (families.projective_plane(7, 20), {}),
    }
    cluster = gcopt.Cluster.load(CLUSTER)
    results = {
        name: gcopt.train(code, problem(), engine="virtual", cluster=cluster, iterations=ITERATIONS, rng=1, **rule)
        for name, (code, rule) in runs.items()
    }
    goal = 1.01 * results["uncoded"].loss[-1]
    print(f"{'':40s} s/iteration   mean error   worst error   s to loss {goal:.4f}")
    for name, run in results.items():
        reached = [seconds for seconds, loss in zip(run.time, run.loss, strict=True) if loss <= goal]
        when = f"{reached[0]:16.3g}" if reached else "     not reached"
        about = f"{run.error['mean']:12.2%} {run.error['max']:13.2%}"
        print(f"{name:40s} {run.seconds / ITERATIONS:11.3g} {about} {when}")


if __name__ == "__main__":
    main()
