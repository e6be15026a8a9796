"""Wrong solutions that no diagnosis was made for."""

import numpy as np


def integrated_gradients__path_from_0(gradient, x, baseline, steps):
    """points α·x | baseline"""
    alphas = (np.arange(steps) + 0.5) / steps
    grads = gradient(alphas[:, None] * x)
    return (x - baseline) * grads.mean(axis=0)


def integrated_gradients__trapezoids(gradient, x, baseline, steps):
    """trapezoid | middle"""
    alphas = np.linspace(0, 1, steps + 1)
    grads = gradient(baseline + alphas[:, None] * (x - baseline))
    return (x - baseline) * ((grads[:-1] + grads[1:]) / 2).mean(axis=0)
