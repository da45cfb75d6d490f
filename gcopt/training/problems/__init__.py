"""Problems the executor can train: losses that are means over rows."""

from gcopt.training.problems._problem import Problem as Problem
from gcopt.training.problems.exactness import check_additive as check_additive
from gcopt.training.problems.exactness import check_breaks as check_breaks
from gcopt.training.problems.function import FunctionProblem as FunctionProblem
from gcopt.training.problems.least_squares import LeastSquares as LeastSquares
from gcopt.training.problems.logistic import Logistic as Logistic
from gcopt.training.problems.make import PROBLEMS as PROBLEMS
from gcopt.training.problems.make import make_problem as make_problem
from gcopt.training.problems.multilayer import Multilayer as Multilayer
from gcopt.training.problems.softmax import Softmax as Softmax

__all__ = [
    "PROBLEMS",
    "FunctionProblem",
    "LeastSquares",
    "Logistic",
    "Multilayer",
    "Problem",
    "Softmax",
    "check_additive",
    "check_breaks",
    "make_problem",
]
