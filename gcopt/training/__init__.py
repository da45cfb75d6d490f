"""The executor: problems, the master's protocol, the engines."""

from gcopt.training.loop import Progress as Progress
from gcopt.training.patience import Patience as Patience
from gcopt.training.result import TrainingResult as TrainingResult
from gcopt.training.run import train as train

__all__ = ["Patience", "Progress", "TrainingResult", "train"]
