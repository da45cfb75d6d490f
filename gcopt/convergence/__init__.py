"""What noise in the gradient does to a run: exact variances, an exact recursion, and guarantees with their hypotheses.

For codes whose messages are added up as they arrive, workers straggling independently, messages compressed or not.
"""

from gcopt.convergence.feedback import feedback_nonconvex, memory_bound, virtual_residual
from gcopt.convergence.guarantees import Guarantee, Hypothesis, Noise, convex, dominated, nonconvex, strongly_convex
from gcopt.convergence.redundancy import Redundancy, kappa, redundancy
from gcopt.convergence.second_moment import SecondMoment, second_moment
from gcopt.convergence.variance import Variance, variance

__all__ = [
    "Guarantee",
    "Hypothesis",
    "Noise",
    "Redundancy",
    "SecondMoment",
    "Variance",
    "convex",
    "dominated",
    "feedback_nonconvex",
    "kappa",
    "memory_bound",
    "nonconvex",
    "redundancy",
    "second_moment",
    "strongly_convex",
    "variance",
    "virtual_residual",
]
