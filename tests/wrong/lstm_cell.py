"""Ways to get exercise lstm_cell wrong, and other ways to get it right."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gates(x, h, weight_ih, weight_hh, bias, order=(0, 1, 2, 3)):
    z = np.split(x @ weight_ih.T + h @ weight_hh.T + bias, 4, axis=1)
    i, f, g, o = (z[k] for k in order)
    return sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)


def through(g_h, g_c, x, h, c, weight_ih, weight_hh, bias, order=(0, 1, 2, 3), **changed):
    """The rule, of which any line can be another one."""
    i, f, g, o = gates(x, h, weight_ih, weight_hh, bias, order)
    t = np.tanh(f * c + i * g)
    by = lambda name, value: changed[name](locals_) if name in changed else value
    locals_ = {"i": i, "f": f, "g": g, "o": o, "t": t, "c": c, "g_h": g_h, "g_c": g_c}
    d = by("d", g_c + g_h * o * (1 - t**2))
    locals_["d"] = d
    di = by("di", d * g * i * (1 - i))
    df = by("df", d * c * f * (1 - f))
    dg = by("dg", d * i * (1 - g**2))
    do = by("do", g_h * t * o * (1 - o))
    dz = np.concatenate([[di, df, dg, do][order.index(k)] for k in range(4)], 1)
    return dz @ weight_ih, dz @ weight_hh, by("dc", d * f), dz.T @ x, dz.T @ h, dz.sum(0)


def forward__another_order(x, h, c, weight_ih, weight_hh, bias):
    """order i, f, o, g"""
    i, f, g, o = gates(x, h, weight_ih, weight_hh, bias, (0, 1, 3, 2))
    c = f * c + i * g
    return o * np.tanh(c), c


def forward__old_c(x, h, c, weight_ih, weight_hh, bias):
    """from the c before the step"""
    i, f, g, o = gates(x, h, weight_ih, weight_hh, bias)
    return o * np.tanh(c), f * c + i * g


def forward__no_tanh_of_c(x, h, c, weight_ih, weight_hh, bias):
    """without tanh"""
    i, f, g, o = gates(x, h, weight_ih, weight_hh, bias)
    return o * (f * c + i * g), f * c + i * g


def forward__sigmoid_for_g(x, h, c, weight_ih, weight_hh, bias):
    """a sigmoid in the place of tanh for g"""
    i, f, g, o = gates(x, h, weight_ih, weight_hh, bias)
    g = sigmoid(np.arctanh(g))
    return o * np.tanh(f * c + i * g), f * c + i * g


def forward__c_first(x, h, c, weight_ih, weight_hh, bias):
    """wrong order"""
    i, f, g, o = gates(x, h, weight_ih, weight_hh, bias)
    return f * c + i * g, o * np.tanh(f * c + i * g)


def backward__g_c_forgotten(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """directly through g_c is missing"""
    return through(g_h, 0 * g_c, x, h, c, weight_ih, weight_hh, bias)


def backward__path_through_h_forgotten(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """through g_h and tanh(c') is missing"""
    return through(g_h, g_c, x, h, c, weight_ih, weight_hh, bias, d=lambda v: v["g_c"])


def backward__no_slope_of_tanh_c(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """without the slope of tanh(c')"""
    return through(g_h, g_c, x, h, c, weight_ih, weight_hh, bias, d=lambda v: v["g_c"] + v["g_h"] * v["o"])


def backward__output_gate_from_g_c(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """output gate"""
    return through(g_h, g_c, x, h, c, weight_ih, weight_hh, bias,
                   do=lambda v: (v["g_h"] + v["g_c"]) * v["t"] * v["o"] * (1 - v["o"]))  # fmt: skip


def backward__no_slope_of_one_gate(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """slope of the forget gate's sigmoid"""
    return through(g_h, g_c, x, h, c, weight_ih, weight_hh, bias, df=lambda v: v["d"] * v["c"])


def backward__sigmoid_slope_for_g(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """a sigmoid's slope"""
    return through(g_h, g_c, x, h, c, weight_ih, weight_hh, bias,
                   dg=lambda v: v["d"] * v["i"] * v["g"] * (1 - v["g"]))  # fmt: skip


def backward__not_squared(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """1 − g in the place of 1 − g²"""
    return through(g_h, g_c, x, h, c, weight_ih, weight_hh, bias, dg=lambda v: v["d"] * v["i"] * (1 - v["g"]))


def backward__tanh_of_c_not_squared(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """1 − tanh(c') in the place of 1 − tanh²(c')"""
    return through(g_h, g_c, x, h, c, weight_ih, weight_hh, bias,
                   d=lambda v: v["g_c"] + v["g_h"] * v["o"] * (1 - v["t"]))  # fmt: skip


def backward__no_tanh_squared(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """the slope 1 − tanh in the place of 1 − tanh²"""
    return through(g_h, g_c, x, h, c, weight_ih, weight_hh, bias, dg=lambda v: v["d"] * v["i"] * (1 - v["g"]),
                   d=lambda v: v["g_c"] + v["g_h"] * v["o"] * (1 - v["t"]))  # fmt: skip


def backward__forget_gate_forgotten_for_c(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """Your gradient for c is wrong | times the forget gate f"""
    return through(g_h, g_c, x, h, c, weight_ih, weight_hh, bias, dc=lambda v: v["d"])


def backward__i_and_g_mixed(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """input gate"""
    return through(g_h, g_c, x, h, c, weight_ih, weight_hh, bias, di=lambda v: v["d"] * v["i"] * v["i"] * (1 - v["i"]))


def backward__next_c_for_the_forget_gate(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """forget gate"""
    return through(g_h, g_c, x, h, c, weight_ih, weight_hh, bias,
                   df=lambda v: v["d"] * (v["f"] * v["c"] + v["i"] * v["g"]) * v["f"] * (1 - v["f"]))  # fmt: skip


def backward__another_order(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """order i, f, o, g"""
    return through(g_h, g_c, x, h, c, weight_ih, weight_hh, bias, order=(0, 1, 3, 2))


def backward__bias_by_mean(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """Your gradient for bias is wrong | off by exactly 1/"""
    *others, b = through(g_h, g_c, x, h, c, weight_ih, weight_hh, bias)
    return *others, b / len(x)


def backward__bias_not_summed(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """sum over"""
    *others, _ = through(g_h, g_c, x, h, c, weight_ih, weight_hh, bias)
    each = [through(*(a[n : n + 1] for a in (g_h, g_c, x, h, c)), weight_ih, weight_hh, bias)[5] for n in range(len(x))]
    return *others, np.stack(each)


def backward__states_exchanged(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """wrong order"""
    x_, h_, c_, *others = through(g_h, g_c, x, h, c, weight_ih, weight_hh, bias)
    return x_, c_, h_, *others


def backward__into_g_c(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """writes to its argument g_c"""
    i, f, g, o = gates(x, h, weight_ih, weight_hh, bias)
    g_c += g_h * o * (1 - np.tanh(f * c + i * g) ** 2)
    return through(g_h, g_c, x, h, c, weight_ih, weight_hh, bias, d=lambda v: v["g_c"])


def forward__right_by_rows(x, h, c, weight_ih, weight_hh, bias):
    """right"""
    i, f, g, o = np.einsum("nd,ghd->gnh", np.hstack([x, h, np.ones((len(x), 1))]),
                           np.hstack([weight_ih, weight_hh, bias[:, None]]).reshape(4, h.shape[1], -1))  # fmt: skip
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return [sigmoid(o) * np.tanh(c), c]


def forward__right_stable_in_float32(x, h, c, weight_ih, weight_hh, bias):
    """right"""
    z = np.float32(x @ weight_ih.T + h @ weight_hh.T + bias)
    units = h.shape[1]
    squash = lambda k: 0.5 * (1 + np.tanh(z[:, k * units : (k + 1) * units] / 2))
    new = squash(1) * np.float32(c) + squash(0) * np.tanh(z[:, 2 * units : 3 * units])
    return squash(3) * np.tanh(new), new


def backward__right_sample_by_sample(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """right"""
    each = [through(*(a[n : n + 1] for a in (g_h, g_c, x, h, c)), weight_ih, weight_hh, bias) for n in range(len(x))]
    by_sample = [np.concatenate([e[k] for e in each]) for k in range(3)]
    return *by_sample, *(sum(e[k] for e in each) for k in (3, 4, 5))


def backward__right_by_slopes_of_z(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """right"""
    z = x @ weight_ih.T + h @ weight_hh.T + bias
    i, f, g, o = z.reshape(len(x), 4, -1).swapaxes(0, 1)
    s, slope = sigmoid, lambda a: np.exp(-a) / (1 + np.exp(-a)) ** 2
    new = s(f) * c + s(i) * np.tanh(g)
    d = g_c + g_h * s(o) / np.cosh(new) ** 2
    dz = np.stack(
        [d * np.tanh(g) * slope(i), d * c * slope(f), d * s(i) / np.cosh(g) ** 2, g_h * np.tanh(new) * slope(o)], 1
    )
    dz = dz.reshape(len(x), -1)
    return (
        dz @ weight_ih,
        dz @ weight_hh,
        d * s(f),
        np.einsum("nz,nd->zd", dz, x),
        np.einsum("nz,nh->zh", dz, h),
        dz.sum(0),
    )
