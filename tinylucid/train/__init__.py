"""tl.train: the training loop with all that goes with it, and asking a trained net."""

from .evaluate import Evaluation, evaluate, predict
from .fit import fit, total_steps
from .history import History

__all__ = ["Evaluation", "History", "evaluate", "fit", "predict", "total_steps"]
