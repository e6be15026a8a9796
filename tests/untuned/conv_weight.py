"""Wrong solutions that no diagnosis was made for."""

import numpy as np


def backward__bias_is_the_batch_mean(g, x, weight, bias):
    """bias is wrong | exactly 1/2, the size of axis 0 of x"""
    kh, kw = weight.shape[2:]
    dw = np.zeros_like(weight)
    for p in range(g.shape[2]):
        for q in range(g.shape[3]):
            dw += np.einsum("no,ncij->ocij", g[:, :, p, q], x[:, :, p : p + kh, q : q + kw])
    db = g.sum(axis=(2, 3)).mean(axis=0)
    return dw, db


def backward__g_turned_as_in_the_input_gradient(g, x, weight, bias):
    """weight is wrong | g turned by 180 degrees"""
    kh, kw = weight.shape[2:]
    P, Q = g.shape[2:]
    turned = g[:, :, ::-1, ::-1]
    dw = np.zeros_like(weight)
    for i in range(kh):
        for j in range(kw):
            dw[:, :, i, j] = np.einsum("nopq,ncpq->oc", turned, x[:, :, i : i + P, j : j + Q])
    return dw, g.sum(axis=(0, 2, 3))
