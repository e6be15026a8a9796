"""Wrong solutions that no diagnosis was made for."""

import numpy as np


def forward__bias_for_each_input_channel(x, weight, bias):
    """bias added at every channel | once"""
    n, c, h, w = x.shape
    o, _, kh, kw = weight.shape
    y = np.zeros((n, o, h - kh + 1, w - kw + 1))
    for a in range(n):
        for k in range(o):
            for ch in range(c):
                for p in range(h - kh + 1):
                    for q in range(w - kw + 1):
                        y[a, k, p, q] += np.sum(x[a, ch, p : p + kh, q : q + kw] * weight[k, ch]) + bias[k]
    return y


def forward__sum_goes_on_along_a_row(x, weight, bias):
    """q is not 0 | sum"""
    n, c, h, w = x.shape
    o, _, kh, kw = weight.shape
    y = np.zeros((n, o, h - kh + 1, w - kw + 1))
    for a in range(n):
        for k in range(o):
            for p in range(h - kh + 1):
                total = 0
                for q in range(w - kw + 1):
                    for ch in range(c):
                        for i in range(kh):
                            for j in range(kw):
                                total += weight[k, ch, i, j] * x[a, ch, p + i, q + j]
                    y[a, k, p, q] = total + bias[k]
    return y
