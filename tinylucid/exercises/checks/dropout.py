"""The check of exercise dropout: both modes, and random numbers that are exactly p."""

import numpy as np

from ...ops import where
from ..drawn import generator, one_of, values, whole
from ..task import Exercise, Task


def cases(draw):
    """u and p are eighths, so that they are often equal."""
    shape = tuple(whole(draw, 1, 4) for _ in range(whole(draw, 0, 3)))
    u = generator(draw).integers(0, 8, shape) / 8
    return {
        "x": values(draw, *shape),
        "u": np.asarray(u),
        "p": one_of(draw, 0.25, 0.5, 0.75, 0.125),
        "training": one_of(draw, True, False),
    }


def dropout(x, u, p, training):
    """The engine's dropout (ops/regular.py), with its random numbers given."""
    return where(u >= p, x / (1 - p), 0.0) if training else x * 1.0


def similar(kept=lambda x, p: x / (1 - p), mask=lambda u, p: u >= p, evaluation=lambda x, p: x * 1.0):
    """A function that differs in how the kept ones are scaled, in which they are, or in evaluation."""
    return lambda x, u, p, training: where(mask(u, p), kept(x, p), 0.0) if training else evaluation(x, p)


VARIANTS = {
    "with y = x in training too": lambda x, u, p, training: x * 1.0,
    "with the kept ones left as they are: in training they are scaled": similar(kept=lambda x, p: x),
    "with evaluation scaled by 1 − p: there y = x": similar(evaluation=lambda x, p: x * (1 - p)),
    "for dropout that scales in evaluation: this one scales in training": similar(
        kept=lambda x, p: x, evaluation=lambda x, p: x * (1 - p)
    ),
    "with the kept ones divided by p: they are a share of 1 − p, not of p": similar(kept=lambda x, p: x / p),
    "with the kept ones multiplied by 1 − p": similar(kept=lambda x, p: x * (1 - p)),
    "with kept and dropped exchanged: x is kept where u >= p": similar(mask=lambda u, p: u < p),
    "with p as the probability to keep x: it is that to drop it": similar(
        kept=lambda x, p: x / p, mask=lambda u, p: u < p
    ),
}


def places(u, p, training, **_):
    """Where a mask may be wrong."""
    masks = {
        "u = p: kept is where u >= p": training & (u == p),
        "x is dropped (u < p)": training & (u < p),
    }
    return {"y": masks, "x": masks}


EXERCISE = Exercise(
    title="Dropout",
    tasks=(
        Task("forward", dropout, cases, results=("y",), places=places, variants=VARIANTS),
        Task("backward", dropout, cases, results=("x",), gradient=True, places=places, variants=VARIANTS),
    ),
    hints=(
        "Of 100 numbers about (1 − p) · 100 are kept. Their sum should be that of all 100.",
        "The mask and the factor are constants for the gradient: y is a constant times x, each y from one x.",
        "What was dropped has no say in y, so its gradient is 0, whatever its value.",
        "The gradient is g with the same mask and the same factor 1/(1 − p) in training, and g itself in evaluation.",
    ),
)
