"""The check of exercise integrated_gradients: a curved function whose gradient is known, and few steps, so that the rule shows."""

from dataclasses import dataclass

import numpy as np

from ..drawn import values, whole
from ..task import Exercise, Task


@dataclass(frozen=True)
class Slope:
    """The gradient of f(x) = Σ c_i x_i⁴ + (Σ x_i)³, curved along any line: no rule of few steps is exact for it."""

    c: tuple[float, ...]

    def __call__(self, points):
        """∂f/∂x at each row of ``points``."""
        points = np.asarray(points, float)
        return 4 * np.array(self.c) * points**3 + 3 * points.sum(-1, keepdims=True) ** 2

    def __repr__(self):
        return f"the gradient of f(x) = Σ c·x⁴ + (Σ x)³, c = {list(self.c)}"


def middles(steps):
    """The middle of each part."""
    return (np.arange(steps) + 0.5) / steps


def mean(gradient, x, baseline, alphas):
    """The mean of the gradient at these places of the way."""
    return gradient(baseline + alphas[:, None] * (x - baseline)).sum(0) / len(alphas)


def at(alphas):
    """The map with the gradients at ``alphas(steps)``."""
    return lambda gradient, x, baseline, steps: (x - baseline) * mean(gradient, x, baseline, alphas(steps))


midpoint, left, right = at(middles), at(lambda n: np.arange(n) / n), at(lambda n: np.arange(1, n + 1) / n)


def cases(draw):
    """A few pixels, one of them perhaps as in the baseline."""
    x, c, baseline = values(draw, 3, whole(draw, 1, 4))
    baseline[: whole(draw, 0, len(x) // 3)] = x[0]
    return {"gradient": Slope(tuple(c.tolist())), "x": x, "baseline": baseline, "steps": whole(draw, 1, 8)}


def factors(gradient, x, baseline, steps):
    """What enters as a factor."""
    return {"map": {"(x − baseline)": x - baseline}}


def way(start, end, factor=lambda x, b: x - b):
    """The map for a way from start(x, b) to end(x, b)."""
    return lambda g, x, b, n: factor(x, b) * mean(g, end(x, b), start(x, b), middles(n))


SIMILAR = {
    "for the left end of each part (α = k/steps): take its middle": left,
    "for the right end of each part (α = (k + 1)/steps): take its middle": right,
    "for steps points from 0 to 1, both ends among them: take the middles": at(lambda n: np.linspace(0, 1, n)),
    "for steps + 1 points from 0 to 1, both ends among them: take the middles": at(lambda n: np.linspace(0, 1, n + 1)),
    "for the trapezoid rule: take the middle of each part": lambda *a: (left(*a) + right(*a)) / 2,
    "for the sum of the gradients: each stands for a part of width 1/steps, so take their mean":
        lambda g, x, b, n: n * midpoint(g, x, b, n),
    "with x as the factor in front: it should be x − baseline": way(lambda x, b: b, lambda x, b: x, lambda x, b: x),
    "for points α·(x − baseline): the way begins at the baseline": way(lambda x, b: 0 * b, lambda x, b: x - b),
    "for points baseline + α·x: the way ends at x, so α goes with x − baseline": way(lambda x, b: b, lambda x, b: x + b),
    "for points α·x, as if the baseline were 0 on the way": way(lambda x, b: 0 * b, lambda x, b: x),
    "with the gradient of the last part alone, which overwrites the others: add them up (+=)":
        lambda g, x, b, n: (x - b) * mean(g, x, b, middles(n)[-1:]) / n,
    "with the gradient at the middle of the last part alone: take the mean of all parts": at(lambda n: middles(n)[-1:]),
    "for the gradient at x alone, without a way that leads there": at(lambda n: np.ones(1)),
    "for the gradient at the middle of the way alone: take steps parts": at(lambda n: np.full(1, 0.5)),
    "for one mean over points and pixels: each pixel has its own": lambda g, x, b, n: (x - b) * mean(g, x, b, middles(n)).mean(),
    "for the size of the map: it is signed": lambda *a: np.abs(midpoint(*a)),
    "for the size of the gradients: they are signed": lambda g, *a: midpoint(lambda p: np.abs(g(p)), *a),
}  # fmt: skip

EXERCISE = Exercise(
    title="Integrated gradients, by the midpoint rule",
    tasks=(Task("integrated_gradients", midpoint, cases, results=("map",), factors=factors, variants=SIMILAR),),
    hints=(
        "An integral over [0, 1] is a mean: the mean of the gradient over the way.",
        "With steps = 2 the parts are [0, ½] and [½, 1], their middles ¼ and ¾: write these as a formula in k.",
        "All points at once: alphas of shape (steps, 1) times x − baseline of shape (D,) makes (steps, D).",
        "The mean over the points is taken along axis 0; then each pixel's mean is multiplied by how far that pixel moved.",
        "alphas = (np.arange(steps) + 0.5) / steps, points = baseline + alphas[:, None] * (x - baseline), and the map is "
        "(x - baseline) * gradient(points).mean(axis=0).",
    ),
)
