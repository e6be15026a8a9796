"""The check of exercise lstm_cell: one step, of one sequence or several, of one hidden unit or several."""

import numpy as np

from ...ops import linear, sigmoid, split, tanh
from ..drawn import values, whole
from ..similar import one, with_slope
from ..task import Exercise, Task

RESULTS = ("x", "h", "c", "weight_ih", "weight_hh", "bias")


def cases(draw):
    """Sizes from 1."""
    n, d, units = whole(draw, 1, 3), whole(draw, 1, 2), whole(draw, 1, 2)
    return {
        "x": values(draw, n, d),
        "h": values(draw, n, units),
        "c": values(draw, n, units),
        "weight_ih": values(draw, 4 * units, d),
        "weight_hh": values(draw, 4 * units, units),
        "bias": values(draw, 4 * units),
    }


def step(order="ifgo", squash=(sigmoid, sigmoid, tanh, sigmoid, tanh)):
    """An LSTM's step with the gates in this order; what squashes i, f, g, o and c' may be another function."""
    by_i, by_f, by_g, by_o, by_c = squash

    def next_state(x, h, c, weight_ih, weight_hh, bias):
        z = linear(x, weight_ih, bias) + linear(h, weight_hh)
        gates = dict(zip(order, split(z, h.shape[1], 1)))
        c = by_f(gates["f"]) * c + by_i(gates["i"]) * by_g(gates["g"])
        return by_o(gates["o"]) * by_c(c), c

    return next_state


# --- what is similar --------------------------------------------------------------------------------------------------


def with_slopes(of_sigmoid, of_tanh, which="ifgoc"):
    """A step with other slopes of the sigmoids and of tanh, in i, f, g, o and for c' or in some of them."""
    usual, other = (sigmoid, tanh), (with_slope(sigmoid, of_sigmoid), with_slope(tanh, of_tanh))
    return step(squash=[(other if name in which else usual)[name in "gc"] for name in "ifgoc"])


OTHERWISE = {
    f"for the gates in the order {', '.join(order)}: it is i, f, g, o": step(order)
    for order in ("ifog", "igfo", "figo", "iofg")
} | {
    "without tanh of c': h' = o·tanh(c')": step(squash=(sigmoid, sigmoid, tanh, sigmoid, lambda c: c)),
    "with a sigmoid in the place of tanh for g: g is tanh(z)": step(squash=(sigmoid, sigmoid, sigmoid, sigmoid, tanh)),
    "if h' is made from the c before the step: it is made from c'": lambda x, h, c, *weights: (
        step()(x, h, c, *weights)[0] / tanh(step()(x, h, c, *weights)[1]) * tanh(c),
        step()(x, h, c, *weights)[1],
    ),
}
SLOPES = {
    "without the slope of the input gate's sigmoid": with_slopes(one, one, "i"),
    "without the slope of the forget gate's sigmoid": with_slopes(one, one, "f"),
    "without the slope of tanh in g": with_slopes(one, one, "g"),
    "without the slope of the output gate's sigmoid": with_slopes(one, one, "o"),
    "without the slope of tanh(c')": with_slopes(one, one, "c"),
    "without the slopes of the sigmoids": with_slopes(one, one, "ifo"),
    "without the slopes of tanh": with_slopes(one, one, "gc"),
    "without the slopes of the sigmoids and of tanh": with_slopes(one, one),
    "with the slope 1 − tanh in the place of 1 − tanh²": with_slopes(one, lambda y: 1 - y, "gc"),
    "with the slope 1 − tanh(c') in the place of 1 − tanh²(c')": with_slopes(one, lambda y: 1 - y, "c"),
    "with the slope 1 − g in the place of 1 − g²": with_slopes(one, lambda y: 1 - y, "g"),
    "with a sigmoid's slope, g·(1 − g), for g, which comes from tanh": with_slopes(one, lambda y: y * (1 - y), "g"),
}


def gates(x, h, c, weight_ih, weight_hh, bias, **_):
    """The gates i, f, g, o."""
    i, f, g, o = np.split(x @ weight_ih.T + h @ weight_hh.T + bias, 4, axis=1)
    return sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)


def products(c, **arguments):
    """What c' is the sum of."""
    i, f, g, _ = gates(c=c, **arguments)
    return {"c_next": {"f·c": f * c, "i·g": i * g}}


def ways(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """The ways by which the two upstream gradients arrive."""
    i, f, g, o = gates(x, h, c, weight_ih, weight_hh, bias)
    t, none = np.tanh(f * c + i * g), np.zeros_like(c)
    found: dict = {name: {} for name in RESULTS}

    def arrives(words, d, do):
        dz = np.concatenate([d * g * i * (1 - i), d * c * f * (1 - f), d * i * (1 - g**2), do * o * (1 - o)], 1)
        for name, part in zip(RESULTS, (dz @ weight_ih, dz @ weight_hh, d * f, dz.T @ x, dz.T @ h, dz.sum(0))):
            found[name][words] = part

    arrives("what reaches c' directly through g_c", g_c, none)
    arrives("what reaches c' through g_h and tanh(c')", g_h * o * (1 - t**2), none)
    arrives("what reaches the output gate through g_h", none, g_h * t)
    return found


def factors(**arguments):
    """The forget gate, which is all of the way from c' back to c."""
    return {"c": {"the forget gate f": gates(**arguments)[1]}}


def places(h, **_):
    """Which rows belong to which gate."""
    units = h.shape[1]
    gate = np.repeat(np.arange(4), units)
    names = ("the input gate i", "the forget gate f", "the gate g", "the output gate o")
    rows = {f"the rows belong to {name}": gate == k for k, name in enumerate(names)}
    column = {words: mask[:, None] for words, mask in rows.items()}
    return {"weight_ih": column, "weight_hh": column, "bias": rows}


EXERCISE = Exercise(
    title="One step of an LSTM",
    tasks=(
        Task("forward", step(), cases, results=("h_next", "c_next"), parts=products, variants=OTHERWISE),
        Task("backward", step(), cases, results=RESULTS, gradient=True, upstream=("g_h", "g_c"), parts=ways, factors=factors,
             places=places, variants=SLOPES | OTHERWISE),
    ),
    hints=(
        "Draw the step as a graph: from x, h and c by z, the gates and c' to h'. How many arrows leave c'?",
        "Two do: to h', and out of the step. So d = ∂L/∂c' = g_c + g_h · o · (1 − tanh²(c')), and all but o is reached from d.",
        "c' = f·c + i·g is two products, so d goes to c times f, to f times c, to i times g, and to g times i.",
        "Each gate's gradient goes through its slope, i(1 − i), f(1 − f), 1 − g², o(1 − o); put together along axis 1, in the "
        "order i, f, g, o, they are dz (N, 4H).",
        "dz @ weight_ih, dz @ weight_hh, d * f, dz.T @ x, dz.T @ h, dz.sum(0).",
    ),
)  # fmt: skip
