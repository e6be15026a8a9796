"""Wrong solutions that no diagnosis was made for."""

import numpy as np


def forward__cuts_off_the_end_only(x, weight, stride, padding):
    """should begin at row h·stride − padding | padding > 0"""
    n, _, h, w = x.shape
    _, o, kh, kw = weight.shape
    y = np.zeros((n, o, (h - 1) * stride + kh, (w - 1) * stride + kw))
    for i in range(h):
        for j in range(w):
            y[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] += np.einsum(
                "nc,cokl->nokl", x[:, :, i, j], weight
            )
    return y[:, :, : y.shape[2] - 2 * padding, : y.shape[3] - 2 * padding]


def backward__kernel_turned(g, x, weight, stride, padding):
    """x is wrong | weight turned by 180 degrees"""
    h, w = x.shape[2:]
    kh, kw = weight.shape[2:]
    g = np.pad(g, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    rot = weight[:, :, ::-1, ::-1]
    dx, dw = np.zeros_like(x), np.zeros_like(weight)
    for i in range(h):
        for j in range(w):
            window = g[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
            dx[:, :, i, j] = np.einsum("nokl,cokl->nc", window, rot)
            dw += np.einsum("nc,nokl->cokl", x[:, :, i, j], window)
    return dx, dw
