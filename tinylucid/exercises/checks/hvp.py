"""The check of exercise hvp: by differences, by hand and with the engine, of functions whose Hessian is not diagonal."""

from typing import Any

import numpy as np

from ...autograd import grad
from ...ops import log, matmul, sigmoid
from ...tensor import Tensor
from ..drawn import one_of, values, whole
from ..task import Exercise, Objection, Task

FORMULAS = ("x.sum() ** 3 + (x ** 3).sum()", "(x * x).sum() ** 2", "(x + x.sum()).exp().mean()")


class Function:
    """A function of a Tensor, one number, that shows its formula."""

    def __init__(self, formula):
        self.formula = formula

    def __call__(self, x):
        """f(x)."""
        return eval(self.formula, {"__builtins__": {}}, {"x": x})

    def __repr__(self):
        return f"of x ↦ {self.formula}"


class Gradient(Function):
    """Its gradient, an array for an array."""

    def __call__(self, x):
        """∇f(x)."""
        return gradient_of(super().__call__, x)


def gradient_of(f, x):
    """∇f(x), an array."""
    x = Tensor(np.asarray(x, float), requires_grad=True)
    found: Any = grad(f(x), x)[0]
    return found.numpy()


def logistic_loss(a, t, x):
    """The mean logistic loss."""
    return -log(sigmoid(matmul(a, x) * t)).mean()


# --- cases ------------------------------------------------------------------------------------------------------------


def differences(draw):
    """The gradient of a function, a point, a direction and a step that is not small."""
    d = whole(draw, 2, 4)
    step = one_of(draw, 0.1, 0.25, 0.5)
    return {
        "gradient": Gradient(one_of(draw, *FORMULAS)),
        "x": values(draw, d, scale=0.5),
        "v": values(draw, d),
        "h": step,
    }


def samples(draw):
    """A few samples of both classes."""
    m, d = whole(draw, 1, 5), whole(draw, 2, 4)
    return {
        "a": values(draw, m, d),
        "t": np.where(values(draw, m) < 0, -1.0, 1.0),
        "x": values(draw, d),
        "v": values(draw, d),
    }


def functions(draw):
    """A function, a point and a direction."""
    d = whole(draw, 2, 4)
    return {"f": Function(one_of(draw, *FORMULAS)), "x": values(draw, d, scale=0.5), "v": values(draw, d)}


# --- what is right, and what is similar -------------------------------------------------------------------------------


def central(gradient, x, v, h):
    """The central difference."""
    return (gradient(x + h * v) - gradient(x - h * v)) / (2 * h)


def hessian(f, x):
    """The whole matrix, row by row."""
    x = Tensor(x, requires_grad=True)
    g: Any = grad(f(x), x, create_graph=True)[0]
    rows: list[Any] = [grad(g[k], x, retain_graph=True)[0] for k in range(len(g))]
    return np.array([row.numpy() for row in rows])


def product(f, x, v):
    """H·v by the engine, twice differentiated."""
    return hessian(f, x) @ v


def of_loss(made):
    """A function of the logistic loss as one of x, f."""
    return lambda a, t, x, v: made(lambda x: logistic_loss(a, t, x), x, v)


def weighted(weight):
    """A product as of the logistic loss, with another weight of each sample, made from σ(z)."""

    def similar(a, t, x, v):
        p = 1 / (1 + np.exp(-(a @ x)))
        return a.T @ (weight(p, t) * (a @ v)) / len(a)

    return similar


SIMILAR = {
    "for the gradient itself": lambda f, x, v: gradient_of(f, x),
    "for the gradient times v, element by element": lambda f, x, v: gradient_of(f, x) * v,
    "with only the diagonal of H": lambda f, x, v: np.diag(hessian(f, x)) * v,
    "for H times ones, and then times v, element by element": lambda f, x, v: product(f, x, np.ones_like(v)) * v,
    "for v·H·v, one number": lambda f, x, v: v @ product(f, x, v) + 0 * x,
}
DIFFERENCES = {
    "for the difference ahead alone, from x to x + h·v": lambda gradient, x, v, h: (
        (gradient(x + h * v) - gradient(x)) / h
    ),
    "for the difference behind alone, from x − h·v to x": lambda gradient, x, v, h: (
        (gradient(x) - gradient(x - h * v)) / h
    ),
    "without the division by 2·h": lambda gradient, x, v, h: central(gradient, x, v, h) * 2 * h,
    "if it were divided by h, not by 2·h": lambda gradient, x, v, h: central(gradient, x, v, h) * 2,
    "with v behind the difference and not in it": lambda gradient, x, v, h: (
        central(gradient, x, np.ones_like(v), h) * v
    ),
    "with only the diagonal of H": lambda gradient, x, v, h: np.array(
        [central(gradient, x, v * unit, h) @ unit for unit in np.eye(len(x))]
    ),
}
LOGISTIC = {what: of_loss(made) for what, made in SIMILAR.items()} | {
    "without the slope of σ, σ·(1 − σ)": weighted(lambda p, t: 1.0),
    "with σ in the place of its slope, σ·(1 − σ)": weighted(lambda p, t: p),
    "with 1 − σ in the place of σ·(1 − σ)": weighted(lambda p, t: 1 - p),
    "with one t too many: it enters twice, and t² = 1": weighted(lambda p, t: t * p * (1 - p)),
}


def summed(function):
    """A call that objects to a whole matrix."""

    def call(module, arguments):
        found = getattr(module, function)(*arguments.values())
        d = len(arguments["x"])
        if np.shape(found) == (d, d):
            text = f"{function} returns {d} × {d} numbers, but H·v has {d}: each is a sum, (H·v)_i = Σ_j H_ij · v_j."
            raise Objection("a whole matrix", text)
        return found

    return call


EXERCISE = Exercise(
    title="A Hessian times a vector",
    tasks=(
        Task(
            "by_differences",
            central,
            differences,
            results=("H·v",),
            call=summed("by_differences"),
            variants=DIFFERENCES,
        ),
        Task(
            "of_logistic_loss",
            of_loss(product),
            samples,
            results=("H·v",),
            call=summed("of_logistic_loss"),
            variants=LOGISTIC,
        ),
        Task("by_engine", product, functions, results=("H·v",), call=summed("by_engine"), variants=SIMILAR),
    ),
    hints=(
        "Of what is H·v the derivative, along what? A gradient that is known at two points of the line through x along v will do.",
        "By hand: ∇f = −Aᵀ(t · σ(−t·z)) / M. Only σ depends on x; along v, z changes by A·v.",
        "The slope of σ is σ(1 − σ), which is the same for z and −z, and t comes twice: H·v = Aᵀ(σ(1 − σ) · (A·v)) / M.",
        "With the engine: x a tensor that requires a gradient; its gradient with create_graph=True is a tensor that can be "
        "differentiated again, here times v and summed.",
        "(g,) = tl.grad(f(x), x, create_graph=True), then (hv,) = tl.grad((g * v).sum(), x).",
    ),
    imports=("tinylucid",),
)
