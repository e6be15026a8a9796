"""Wrong solutions that no diagnosis was made for."""

import numpy as np


def step__mean_of_squares_takes_m(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """v | with m² in the place of g² in v"""
    g = g + weight_decay * p
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * m**2
    return p - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v


def step__decay_in_m_only(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """v is wrong | without weight decay | weight_decay is not 0"""
    m = beta1 * m + (1 - beta1) * (g + weight_decay * p)
    v = beta2 * v + (1 - beta2) * g * g
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return p - lr * m_hat / (np.sqrt(v_hat) + eps), m, v
