"""The check of exercise matmul: matrices of all sizes, and often square ones, whose transposes fit as well."""

import contextlib

import numpy as np

from ...ops import matmul
from ..drawn import one_of, values, whole
from ..task import Exercise, Objection, Task, as_tuple


def cases(draw):
    """A third of them square."""
    if one_of(draw, False, False, True):
        n = k = m = whole(draw, 1, 3)
    else:
        n, k, m = (whole(draw, 1, 5) for _ in range(3))
    return {"x": values(draw, n, k), "w": values(draw, k, m)}


def where_possible(function):
    """The function for matrices that it can take and that give a product of the right shape, for others 0."""

    def fitted(x, w):
        zero = 0 * matmul(x, w)
        with contextlib.suppress(ValueError):
            y = function(x, w)
            return y if y.shape == zero.shape else zero
        return zero

    return fitted


TRANSPOSED = "its axes are exchanged where they should not be, or not where they should"
RESHAPED = "a reshape keeps the numbers in their order, a transpose does not"
TERMS = "a number of y is a sum of K products, k = 0 … K − 1, which is range(K)"
FORWARD = {
    f"without the last product, at k = K − 1: {TERMS}": lambda x, w: matmul(x[:, :-1], w[:-1]),
    f"without the first product, at k = 0: {TERMS}": lambda x, w: matmul(x[:, 1:], w[1:]),
    f"with the last product alone, which overwrites the others: add them up (+=), since {TERMS}": lambda x, w: matmul(
        x[:, -1:], w[-1:]
    ),
    "for x * w, which multiplies element by element: the matrix product is @": lambda x, w: x * w,
    "for w @ x: the order of the factors matters": lambda x, w: matmul(w, x),
}
BACKWARD = {
    f"with w.T in the place of w: {TRANSPOSED}": where_possible(lambda x, w: matmul(x, w.T)),
    f"with x.T in the place of x: {TRANSPOSED}": where_possible(lambda x, w: matmul(x.T, w)),
    "with the two factors in the other order: A @ B is not B @ A": where_possible(lambda x, w: matmul(w, x)),
    f"with w.reshape in the place of w.T: {RESHAPED}": lambda x, w: matmul(x, w.reshape(*w.shape[::-1]).T),
    f"with x.reshape in the place of x.T: {RESHAPED}": lambda x, w: matmul(x.reshape(*x.shape[::-1]).T, w),
}


def backward(module, arguments):
    """The learner's, if the gradients are no products element by element."""
    g, x, w = arguments.values()
    found = module.backward(g, x, w)
    right = {"x": (g @ w.T, "w", w), "w": (x.T @ g, "x", x)}
    for part, (name, (true, factor, other)) in zip(as_tuple(found), right.items()):
        with contextlib.suppress(ValueError, TypeError):  # shapes that do not go together, or no numbers
            if alike(part, g * other) and not alike(part, true):
                text = (
                    f"Your gradient for {name} is g * {factor}, multiplied element by element: the matrix product is @."
                )
                raise Objection("element by element", text)
    return found


def alike(a, b):
    """Whether they have one shape and the same numbers."""
    return np.shape(a) == b.shape and np.allclose(a, b)


EXERCISE = Exercise(
    title="The matrix product",
    tasks=(
        Task("forward", matmul, cases, variants=FORWARD),
        Task("backward", matmul, cases, results=("x", "w"), gradient=True, variants=BACKWARD, call=backward),
    ),
    hints=(
        "Take x (1, 2) and w (2, 1): what is y, and what are its slopes in the four numbers?",
        "x_ik is used for the whole row i of y, so its gradient is a sum along that row; w_kj is used for the whole column j.",
        "Write the two sums with their indices, and look which index they sum over: a product A @ B sums over A's last and B's first.",
        "Where the index that is summed over stands in the wrong place, that factor has to be transposed; the shapes say the rest.",
        "The gradient for x is g @ w.T, that for w is x.T @ g.",
    ),
)
