"""tl.train: the training loop with all that goes with it, and asking a trained net."""

from .history import History
from .judge import Evaluation, evaluate, predict
from .loop import fit, total_steps

__all__ = ["Evaluation", "History", "evaluate", "fit", "predict", "total_steps"]
