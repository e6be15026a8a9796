"""tl.gan: pictures that a net invents against another that looks for differences, and how good they are."""

from .augment import Alike
from .average import Average
from .distance import frechet_distance, kernel_distance, nearest, precision_recall
from .fit import Trained, fit
from .gaussians import class_gaussian, pixel_gaussian
from .grid import sample
from .history import GANHistory
from .judge import Judge, judge_of
from .losses import Loss, hinge, least_squares, non_saturating, wasserstein
from .penalty import Penalty, gradient_penalty, r1
from .scores import Comparison, Scores, compare, score
from .walk import walk
from .watch import Watch, told_apart

__all__ = [
    "Alike",
    "Average",
    "Comparison",
    "GANHistory",
    "Judge",
    "Loss",
    "Penalty",
    "Scores",
    "Trained",
    "Watch",
    "class_gaussian",
    "compare",
    "fit",
    "frechet_distance",
    "gradient_penalty",
    "hinge",
    "judge_of",
    "kernel_distance",
    "least_squares",
    "nearest",
    "non_saturating",
    "pixel_gaussian",
    "precision_recall",
    "r1",
    "sample",
    "score",
    "told_apart",
    "walk",
    "wasserstein",
]
