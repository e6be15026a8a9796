"""The check of exercise batch_norm: both modes, an eps that counts, and pictures of few pixels."""

import math

import numpy as np

from ... import devices, ops
from ..drawn import one_of, positive, values, whole
from ..task import Exercise, Objection, Task, as_tuple

AXES = (0, 2, 3)


def picture(draw, least):
    """x (N, C, H, W) about a mean that is not 0, of at least so many numbers a channel."""
    n, c, h, w = whole(draw, 1, 3), whole(draw, 1, 3), whole(draw, 1, 2), whole(draw, 1, 3)
    return values(draw, n, c, h, max(w, least) if n * h * w < least else w) + 0.5


def statistics(draw, c):
    """Running ones."""
    return {"running_mean": values(draw, c), "running_var": positive(draw, c)}


def cases(draw):
    """In evaluation one number a channel will do."""
    training = one_of(draw, False, True)
    x = picture(draw, least=2 if training else 1)
    c = x.shape[1]
    affine = {"weight": values(draw, c), "bias": values(draw, c)}
    return {"x": x, **affine, **statistics(draw, c), "training": training, "eps": one_of(draw, 0.5, 0.1, 0.25)}


def batches(draw):
    """Batches in training."""
    x = picture(draw, least=2)
    return {"x": x, **statistics(draw, x.shape[1]), "momentum": one_of(draw, 0.25, 0.1, 0.9)}


def batch_norm(x, weight, bias, running_mean, running_var, training, eps):
    """The engine's, which would move the running statistics in place."""
    return ops.batch_norm(x, running_mean.copy(), running_var.copy(), weight, bias, training, eps=eps)


def running(x, running_mean, running_var, momentum):
    """The moved statistics."""
    mean, var = running_mean.copy(), running_var.copy()
    ops.batch_norm(x, mean, var, training=True, momentum=momentum)
    return mean, var


# --- words ------------------------------------------------------------------------------------------------------------


def along(a):
    """(C,) so that it broadcasts along axis 1."""
    return a.reshape(1, -1, 1, 1)


def scaled(a, k):
    """a, with k times its gradient."""
    return a * k + (1 - k) * np.asarray(devices.host(a))


def similar(axes=AXES, less=0, deviation=lambda var, eps: (var + eps) ** 0.5, paths=lambda x: 1.0):
    """A function that differs in one thing: axes, what the variance is divided by, the deviation, how often paths count."""

    def function(x, weight, bias, running_mean, running_var, training, eps):
        mean, var = along(running_mean), along(running_var)
        if training:
            m = math.prod(x.shape[k] for k in axes)
            mean = scaled(ops.mean(x, axes, keepdim=True), paths(x))
            var = ops.sum((x - ops.mean(x, axes, keepdim=True)) ** 2, axes, keepdim=True) / max(m - less, 1)
            var = scaled(var, paths(x))
        return (x - mean) / deviation(var, eps) * along(weight) + along(bias)

    return function


def always_the_batch(x, weight, bias, running_mean, running_var, training, eps):
    """The batch's own statistics in either mode."""
    return similar()(x, weight, bias, running_mean, running_var, True, eps)


def paths_in_evaluation(x, weight, bias, running_mean, running_var, training, eps):
    """In evaluation too gradients flow through a mean and a variance, which have the values of the running ones."""
    if training:
        return batch_norm(x, weight, bias, running_mean, running_var, training, eps)
    path = lambda a: along(ops.mean(a - np.asarray(devices.host(a)), AXES))
    mean, var = along(running_mean), along(running_var)
    s = (var + path((x - mean) ** 2) + eps) ** -0.5
    return (x - mean - path(x)) * s * along(weight) + along(bias)


VARIANTS = {
    "with the batch's own statistics in evaluation: there they are the running ones": always_the_batch,
    "with the unbiased variance (divided by m − 1): x is normalised by the one divided by m": similar(less=1),
    "with √var + eps in the place of √(var + eps)": similar(deviation=lambda var, eps: var**0.5 + eps),
    "with the variance in the place of the deviation: its root is missing": similar(
        deviation=lambda var, eps: var + eps
    ),
    "with statistics over axis 0 alone: a channel's are over axes 0, 2 and 3": similar((0,)),
    "with statistics of each picture by itself: a channel's are over axes 0, 2 and 3": similar((2, 3)),
    "with statistics over all channels together: each channel has its own": similar((0, 1, 2, 3)),
    "with statistics of each pixel over the channels: a channel's are over axes 0, 2 and 3": similar((1,)),
}
GRADIENTS = {
    "if x has paths through mean and variance in evaluation: there they do not depend on it": paths_in_evaluation,
    "with x in the place of x̂: x is normalised first": lambda x, weight, bias, *rest: x * along(weight) + along(bias),
    "with means over N in the place of m: they are over all m = N·H·W numbers of a channel": similar(
        paths=lambda x: float(x.shape[2] * x.shape[3])
    ),
    "with sums in the place of means over the m numbers of a channel: the slopes of mean and variance have 1/m": similar(
        paths=lambda x: float(x[:, 0].size)
    ),
}
MOVED = {
    "with the variance divided by m: the running one takes the unbiased one, divided by m − 1": lambda x, mean, var, momentum: (
        running(x, mean, var, momentum)[0],
        (1 - momentum) * var + momentum * x.var(AXES),
    ),
    "with the standard deviation in the place of the variance": lambda x, mean, var, momentum: (
        running(x, mean, var, momentum)[0],
        (1 - momentum) * var + momentum * x.std(AXES, ddof=1),
    ),
    "if the batch's are added to all of the old ones: the old ones are multiplied by 1 − momentum": lambda x, mean, var, momentum: (
        mean + momentum * x.mean(AXES),
        var + momentum * x.var(AXES, ddof=1),
    ),
}


def parts(g, x, weight, bias, running_mean, running_var, training, eps):
    """The three paths of x."""
    if not training:
        return {}
    s = along(1 / np.sqrt(x.var(AXES) + eps))
    x_hat, g = (x - x.mean(AXES, keepdims=True)) * s, g * along(weight) * s
    return {
        "x": {
            "the direct path": g,
            "the path through the mean": -g.mean(AXES, keepdims=True) + 0 * x,
            "the path through the variance": -x_hat * (g * x_hat).mean(AXES, keepdims=True),
        }
    }


def factors(x, running_var, training, eps, **_):
    """What a gradient is multiplied by."""
    var = x.var(AXES) if training else running_var
    s = 1 / np.sqrt(var + eps)
    return {"x": {"1/√(var + eps)": s}, "weight": {"1/√(var + eps)": s}}


def by_channel(function, names):
    """A ``call`` that objects to results (C, H, W) which should be (C,): those that have a name here."""

    def call(module, arguments):
        found = getattr(module, function)(*arguments.values())
        shape = arguments["x"].shape[1:]
        parts = as_tuple(found)
        for name, part in zip(names, parts) if len(parts) == len(names) else ():
            if name and getattr(part, "shape", ()) in {shape, (1, *shape)}:
                text = (
                    f"Your {name} has shape {part.shape}, which is left by axis 0 alone, and should have ({shape[0]},)"
                )
                raise Objection("axis 0 alone", f"{text}: a channel's means and sums are over axes 0, 2 and 3.")
        return found

    return call


EXERCISE = Exercise(
    title="Batch normalisation",
    tasks=(
        Task("forward", batch_norm, cases, variants=VARIANTS),
        Task("running", running, batches, results=("running_mean", "running_var"), variants=MOVED,
             call=by_channel("running", ("running_mean", "running_var"))),
        Task("backward", batch_norm, cases, results=("x", "weight", "bias"), gradient=True, parts=parts, factors=factors,
             variants={**VARIANTS, **GRADIENTS}, call=by_channel("backward", ("", "gradient for weight", "gradient for bias"))),
    ),
    hints=(
        "Begin with evaluation: mean and variance are constants there, and y is a straight line in x.",
        "weight and bias are used for all m numbers of a channel, so their gradients are sums over axes 0, 2 and 3.",
        "Think of x̂ as a function of x, mean and var, and find its slope in each of the three; then the slopes of mean and var in one x_i.",
        "The path through the mean takes the mean of g·weight from each number; the one through the variance takes x̂ times a mean.",
        "With s = 1/√(var + eps) and ĝ = g·weight the gradient for x is s · (ĝ − mean(ĝ) − x̂ · mean(ĝ·x̂)), means over a channel.",
    ),
)  # fmt: skip
