"""tl.gan: pictures that a net invents, and how good they are."""

from .distance import frechet_distance, kernel_distance, nearest, precision_recall
from .gaussians import class_gaussian, pixel_gaussian
from .judge import Judge, judge_of
from .scores import Comparison, Scores, compare, score
from .walk import walk
from .watch import Watch, told_apart

__all__ = [
    "Comparison",
    "Judge",
    "Scores",
    "Watch",
    "class_gaussian",
    "compare",
    "frechet_distance",
    "judge_of",
    "kernel_distance",
    "nearest",
    "pixel_gaussian",
    "precision_recall",
    "score",
    "told_apart",
    "walk",
]
