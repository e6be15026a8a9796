"""Exercise 15 · One step of an LSTM.

A long short-term memory reads one input x and renews its state: h, which it shows, and c, which it keeps to itself. Four
gates of H numbers each are computed at once, from z = x·W_ihᵀ + h·W_hhᵀ + b of 4H numbers, in PyTorch's order i, f, g, o:

    i = σ(z[0 : H])       the input gate         c' = f·c + i·g
    f = σ(z[H : 2H])      the forget gate        h' = o·tanh(c')
    g = tanh(z[2H : 3H])  what may be stored
    o = σ(z[3H : 4H])     the output gate        with σ(z) = 1/(1 + exp(−z)), products element by element

Derive: the step's results are h' and c', and the loss depends on both, on c' in two ways: directly, through g_c = ∂L/∂c',
and through h', of which g_h = ∂L/∂h' is known. First find all that reaches c'. From there go back to i, f, g, o and c, then
through the slopes of σ and tanh to z, and from z to x, h, W_ih, W_hh and b, as in a dense layer.
The slopes: σ' = σ·(1 − σ) and tanh' = 1 − tanh², both of the values that you have.
Shapes: x (N, D); h, c, h', c', g_h and g_c (N, H); weight_ih (4H, D), weight_hh (4H, H), bias (4H,).

    tinylucid exercise check lstm_cell
"""

import numpy as np


def forward(x, h, c, weight_ih, weight_hh, bias):
    """The new state h' and c', a tuple of two arrays."""
    raise NotImplementedError


def backward(g_h, g_c, x, h, c, weight_ih, weight_hh, bias):
    """The gradients for x, h, c, weight_ih, weight_hh and bias, a tuple of six arrays."""
    raise NotImplementedError
