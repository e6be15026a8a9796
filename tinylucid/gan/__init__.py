"""tl.gan: generators trained against discriminators."""

from .augment import Alike
from .average import Average
from .fit import Trained, fit
from .grid import sample
from .history import GANHistory
from .losses import Loss, hinge, least_squares, non_saturating, wasserstein
from .penalty import Penalty, gradient_penalty, r1

__all__ = [
    "Alike",
    "Average",
    "GANHistory",
    "Loss",
    "Penalty",
    "Trained",
    "fit",
    "gradient_penalty",
    "hinge",
    "least_squares",
    "non_saturating",
    "r1",
    "sample",
    "wasserstein",
]
