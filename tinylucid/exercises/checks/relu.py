"""The check of exercise relu: values on both sides, and exactly at 0."""

import numpy as np

from ...ops import relu
from ..drawn import one_of, tied, values, whole
from ..task import Exercise, Task


def cases(draw):
    """Some of the values are exactly 0."""
    shape = tuple(whole(draw, 1, 4) for _ in range(whole(draw, 0, 3)))
    x = values(draw, *shape) if one_of(draw, False, True) else tied(draw, *shape) - 0.7
    return {"x": x}


def features(x, **_):
    """What cases differ in."""
    return {"some x are exactly 0": bool((np.asarray(x) == 0).any())}


EXERCISE = Exercise(
    title="ReLU",
    tasks=(
        Task("forward", relu, cases, features=features),
        Task("backward", relu, cases, results=("x",), gradient=True, features=features),
    ),
    hints=(
        "Draw y over x: how steep is the line left of 0, how steep right of it?",
        "Each y depends on one x only, so each gradient is g at that place times the slope there.",
        "A comparison of arrays gives an array of True and False, which multiplies like 1 and 0.",
        "g * (x > 0): at x = 0 the comparison is False, and so the slope 0.",
    ),
)
