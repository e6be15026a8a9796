"""The check of exercise residual: small blocks, wider inside and narrower."""

import numpy as np

from ...ops import linear, relu
from ...tensor import Tensor
from ..drawn import values, whole
from ..similar import one, with_slope
from ..task import Exercise, Task


def cases(draw):
    """Sizes from 1."""
    n, d, h = whole(draw, 1, 3), whole(draw, 1, 4), whole(draw, 1, 4)
    return {"x": values(draw, n, d), "w1": values(draw, h, d), "w2": values(draw, d, h)}


def identity(x):
    """x."""
    return x


def block(inner=relu, outer=relu):
    """A residual block; other functions may stand in the places of its two ReLUs."""
    return lambda x, w1, w2: outer(x + linear(inner(linear(x, w1)), w2))


def masked(of_shortcut, of_branch):
    """The sum x + F, each of the two with a mask in the place of the outer ReLU, made from x and F."""

    def similar(x, w1, w2):
        branch = linear(relu(linear(x, w1)), w2)
        plain = [a.data if isinstance(a, Tensor) else a for a in (x, branch)]
        return x * of_shortcut(*plain) + branch * of_branch(*plain)

    return similar


def before_relu(x, w1, w2):
    """The block with a in the place of relu(a), but the right mask outside."""
    plain = [np.asarray(a.data if isinstance(a, Tensor) else a) for a in (x, w1, w2)]
    return (x + linear(linear(x, w1), w2)) * (block()(*plain) > 0)


def positive_sum(x, branch):
    """The right mask."""
    return x + branch > 0


def everything(x, branch):
    """No mask."""
    return 1.0


VALUES = {
    "without the shortcut": lambda x, w1, w2: relu(linear(relu(linear(x, w1)), w2)),
    "without the outer ReLU": block(outer=identity),
    "without the inner ReLU": block(inner=identity),
    "with the outer ReLU taken of F(x), before the sum": lambda x, w1, w2: x + relu(linear(relu(linear(x, w1)), w2)),
    "with the outer ReLU taken of x, before the sum": lambda x, w1, w2: relu(x) + linear(relu(linear(x, w1)), w2),
}
SLOPES = {
    "without the outer ReLU's mask": masked(everything, everything),
    "without the inner ReLU's mask": block(inner=with_slope(relu, one)),
    "with a in the place of relu(a)": before_relu,
    "without both masks": block(inner=with_slope(relu, one), outer=identity),
    "with the outer ReLU's mask taken of x, before the sum": masked(lambda x, f: x > 0, lambda x, f: x > 0),
    "with the outer ReLU's mask taken of F(x), before the sum": masked(lambda x, f: f > 0, lambda x, f: f > 0),
    "with the outer ReLU's mask on the branch, but not on the shortcut": masked(everything, positive_sum),
    "with the outer ReLU's mask on the shortcut, but not on the branch": masked(positive_sum, everything),
}


def parts(g, x, w1, w2):
    """The two ways on which x is reached."""
    a = x @ w1.T
    gs = g * (x + np.maximum(a, 0) @ w2.T > 0)
    return {"x": {"the way through the shortcut": gs, "the way through the branch": ((gs @ w2) * (a > 0)) @ w1}}


EXERCISE = Exercise(
    title="A residual block",
    tasks=(
        Task("forward", block(), cases, variants=VALUES),
        Task(
            "backward", block(), cases, results=("x", "w1", "w2"), gradient=True, parts=parts, variants=SLOPES | VALUES
        ),
    ),
    hints=(
        "Draw the block as a graph, and count the arrows that leave x.",
        "Two do: the gradient of x is the sum of what comes back through the shortcut and through the branch.",
        "The outer ReLU lets g pass where x + F(x) > 0, before the way forks: gs = g * (x + F > 0) goes to both.",
        "Through the branch: gs.T @ r for w2 with r = relu(a), gs @ w2 for r, times (a > 0) for a, and from there w1 and x.",
        "gs + ga @ w1, ga.T @ x, gs.T @ r with ga = (gs @ w2) * (a > 0).",
    ),
)
