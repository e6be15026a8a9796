"""Solution 15 · One step of an LSTM.

c' is reached directly and through h' = o·tanh(c'):   ∂L/∂c' = g_c + g_h·o·(1 − tanh²(c')).
From c' = f·c + i·g, with d = ∂L/∂c':                 ∂L/∂c = d·f,  ∂L/∂f = d·c,  ∂L/∂i = d·g,  ∂L/∂g = d·i.
From h':                                              ∂L/∂o = g_h·tanh(c').
Through the gates, σ' = σ(1 − σ) and tanh' = 1 − tanh², each gives its H numbers of ∂L/∂z. And z is a dense layer twice:
z = x·W_ihᵀ + h·W_hhᵀ + b, so ∂L/∂x = ∂L/∂z·W_ih, ∂L/∂W_ih = (∂L/∂z)ᵀ·x, h alike, and ∂L/∂b sums ∂L/∂z over the samples.
"""

import numpy as np


def forward(x, h, c, weight_ih, weight_hh, bias):
    """The new state h' and c', a tuple of two arrays."""
    i, f, g, o = gates(x, h, weight_ih, weight_hh, bias)
    c_next = f * c + i * g
    return o * np.tanh(c_next), c_next


def backward(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """The gradients for x, h, c, weight_ih, weight_hh and bias, a tuple of six arrays."""
    i, f, g, o = gates(x, h, weight_ih, weight_hh, bias)
    t = np.tanh(f * c + i * g)
    d = g_c + g_h * o * (1 - t**2)
    by_i, by_f, by_g, by_o = d * g * i * (1 - i), d * c * f * (1 - f), d * i * (1 - g**2), g_h * t * o * (1 - o)
    dz = np.concatenate([by_i, by_f, by_g, by_o], axis=1)
    return dz @ weight_ih, dz @ weight_hh, d * f, dz.T @ x, dz.T @ h, dz.sum(0)


def gates(x, h, weight_ih, weight_hh, bias):
    """The gates i, f, g, o, each (N, H)."""
    i, f, g, o = np.split(x @ weight_ih.T + h @ weight_hh.T + bias, 4, axis=1)
    return sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)


def sigmoid(z):
    """1/(1 + exp(−z))."""
    return 1 / (1 + np.exp(-z))
