"""Problems the executor can train: losses that are means over rows."""

from gcopt.training.problems._problem import Problem as Problem
from gcopt.training.problems.least_squares import LeastSquares as LeastSquares
from gcopt.training.problems.logistic import Logistic as Logistic

__all__ = ["LeastSquares", "Logistic", "Problem"]
