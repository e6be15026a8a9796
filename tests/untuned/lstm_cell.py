"""Wrong solutions that no diagnosis was made for."""

import numpy as np


def sigmoid(z):
    """As in a neuron."""
    return 1 / (1 + np.exp(-z))


def forward__order_of_another_course(x, h, c, weight_ih, weight_hh, bias):
    """order i, f, o, g"""
    n = h.shape[1]
    a = x @ weight_ih.T + h @ weight_hh.T + bias
    i, f, o = sigmoid(a[:, :n]), sigmoid(a[:, n : 2 * n]), sigmoid(a[:, 2 * n : 3 * n])
    g = np.tanh(a[:, 3 * n :])
    c_next = f * c + i * g
    return o * np.tanh(c_next), c_next


def backward__forget_gate_meets_the_new_c(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """rows belong to the forget gate f"""
    ai, af, ag, ao = np.split(x @ weight_ih.T + h @ weight_hh.T + bias, 4, axis=1)
    i, f, g, o = sigmoid(ai), sigmoid(af), np.tanh(ag), sigmoid(ao)
    next_c = f * c + i * g
    dnext_c = g_c + g_h * o * (1 - np.tanh(next_c) ** 2)
    do = g_h * np.tanh(next_c)
    df = dnext_c * next_c
    di = dnext_c * g
    dg = dnext_c * i
    da = np.hstack([di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)])
    return da @ weight_ih, da @ weight_hh, dnext_c * f, da.T @ x, da.T @ h, da.sum(axis=0)


def backward__tanh_of_a_tanh(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """rows belong to the gate g"""
    ai, af, ag, ao = np.split(x @ weight_ih.T + h @ weight_hh.T + bias, 4, axis=1)
    i, f, g, o = sigmoid(ai), sigmoid(af), np.tanh(ag), sigmoid(ao)
    tanh_c = np.tanh(f * c + i * g)
    dc = g_h * o * (1 - tanh_c**2) + g_c
    dai = dc * g * i * (1 - i)
    daf = dc * c * f * (1 - f)
    dag = dc * i * (1 - np.tanh(g) ** 2)
    dao = g_h * tanh_c * o * (1 - o)
    da = np.hstack([dai, daf, dag, dao])
    return da @ weight_ih, da @ weight_hh, dc * f, da.T @ x, da.T @ h, da.sum(axis=0)
