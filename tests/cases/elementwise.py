"""Cases: elementwise operations."""

import numpy as np

import tinylucid as tl

from .draws import binary, broadcastable, case, shapes, unary, values

F = tl.nn.functional


unary("neg", lambda x: -x)
unary("abs", tl.abs, "nonzero")
unary("square", lambda x: x**2)
unary("cube", lambda x: x**3)
unary("power_zero", lambda x: x**0 + x)
unary("power_half", lambda x: x**0.5, "positive")
unary("power_negative", lambda x: x**-1.5, "positive")
unary("reciprocal", lambda x: 1 / x, "nonzero")
unary("exp", tl.exp)
unary("exponential_of_a_number", lambda x: 2.0**x)
unary("log", tl.log, "positive")
unary("sqrt", tl.sqrt, "positive")
unary("sin", tl.sin)
unary("cos", tl.cos)
unary("tanh", tl.tanh)
unary("sigmoid", tl.sigmoid)
unary("relu", tl.relu, "nonzero")
unary("leaky_relu", lambda x: tl.leaky_relu(x, 0.3), "nonzero")
unary("gelu", F.gelu)
unary("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"))
unary("clip", lambda x: tl.clip(x, -0.42, 0.77))
unary("clip_below", lambda x: tl.clip(x, min=-0.42))
unary("clone", lambda x: x.clone())
unary("max_all", lambda x: x.max(), "distinct")
unary("min_all", lambda x: x.min(), "distinct")
unary("flatten", lambda x: x.flatten())
unary("squeeze", lambda x: x.squeeze())
unary("reused", lambda x: x * x + tl.exp(x) * x)
binary("add", lambda x, y: x + y)
binary("sub", lambda x, y: x - y)
binary("mul", lambda x, y: x * y)
binary("div", lambda x, y: x / y, ("normal", "nonzero"))
binary("pow_tensor", lambda x, y: x**y, ("positive", "normal"))
binary("maximum", tl.maximum)
binary("minimum", tl.minimum)


@case
def where(draw):
    x, y = broadcastable(draw)
    condition = values(draw, np.broadcast_shapes(x, y)) > 0
    return lambda a, b: tl.where(condition, a, b), [values(draw, x), values(draw, y)]


@case(linear=True)
def cast(draw):
    return lambda x: x.to(tl.float64).to(x.dtype), [values(draw, shapes(draw))]
