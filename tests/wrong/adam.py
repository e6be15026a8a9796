"""Ways to get exercise adam wrong, and other ways to get it right."""

import math

import numpy as np


def moments(p, g, m, v, beta1, beta2, weight_decay):
    g = g + weight_decay * p
    return beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2


def step__no_correction(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """Your p is wrong | without the bias correction"""
    m, v = moments(p, g, m, v, beta1, beta2, weight_decay)
    return p - lr * m / (np.sqrt(v) + eps), m, v


def step__v_not_corrected(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """only m were corrected"""
    m, v = moments(p, g, m, v, beta1, beta2, weight_decay)
    return p - lr * m / (1 - beta1**t) / (np.sqrt(v) + eps), m, v


def step__corrected_as_in_the_first_step(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """what t = 1 would give | right at t = 1"""
    m, v = moments(p, g, m, v, beta1, beta2, weight_decay)
    return p - lr * m / (1 - beta1) / (np.sqrt(v / (1 - beta2)) + eps), m, v


def step__t_from_zero(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """t + 1 in the place of t"""
    m, v = moments(p, g, m, v, beta1, beta2, weight_decay)
    return p - lr * m / (1 - beta1 ** (t + 1)) / (np.sqrt(v / (1 - beta2 ** (t + 1))) + eps), m, v


def step__eps_under_the_root(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """eps under the root"""
    m, v = moments(p, g, m, v, beta1, beta2, weight_decay)
    return p - lr * m / (1 - beta1**t) / np.sqrt(v / (1 - beta2**t) + eps), m, v


def step__eps_before_the_correction(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """eps were added to √v"""
    m, v = moments(p, g, m, v, beta1, beta2, weight_decay)
    return p - lr * math.sqrt(1 - beta2**t) / (1 - beta1**t) * m / (np.sqrt(v) + eps), m, v


def step__no_root(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """the root is missing"""
    m, v = moments(p, g, m, v, beta1, beta2, weight_decay)
    return p - lr * m / (1 - beta1**t) / (v / (1 - beta2**t) + eps), m, v


def step__no_eps(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """eps = 0.0 would give"""
    m, v = moments(p, g, m, v, beta1, beta2, weight_decay)
    return p - lr * m / (1 - beta1**t) / np.sqrt(v / (1 - beta2**t)), m, v


def step__no_weight_decay(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """without weight decay | where weight_decay is not 0"""
    return step__right_by_paper(p, g, m, v, t, lr, beta1, beta2, eps, 0.0)


def step__adamw(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """AdamW | where weight_decay is not 0"""
    return step__right_by_paper(p * (1 - lr * weight_decay), g, m, v, t, lr, beta1, beta2, eps, 0.0)


def step__decay_after_the_means(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """AdamW | where weight_decay is not 0"""
    q, m, v = step__right_by_paper(p, g, m, v, t, lr, beta1, beta2, eps, 0.0)
    return q - lr * weight_decay * p, m, v


def step__corrected_ones_kept(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """Your m | m̂ and v̂ were kept"""
    m, v = moments(p, g, m, v, beta1, beta2, weight_decay)
    m = m / (1 - beta1**t)
    v = v / (1 - beta2**t)
    return p - lr * m / (np.sqrt(v) + eps), m, v


def step__not_squared(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """with g in the place of g² in v | squares"""
    g = g + weight_decay * p
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g
    return p - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v


def step__square_of_the_mean(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """v are wrong | m² in the place of g²"""
    g = g + weight_decay * p
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * m**2
    return p - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v


def step__betas_exchanged(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """beta1 and beta2 exchanged"""
    return step__right_by_paper(p, g, m, v, t, lr, beta2, beta1, eps, weight_decay)


def step__one_minus_beta(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """beta and 1 − beta exchanged"""
    g = g + weight_decay * p
    m, v = (1 - beta1) * m + beta1 * g, (1 - beta2) * v + beta2 * g**2
    return p - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v


def step__upwards(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """+ in the place of −"""
    q, m, v = step__right_by_paper(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay)
    return p + (p - q), m, v


def step__old_mean_of_gradients(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """m of before the step in p"""
    new, v = moments(p, g, m, v, beta1, beta2, weight_decay)
    return p - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), new, v


def step__old_mean_of_squares(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """v of before the step in p"""
    m, new = moments(p, g, m, v, beta1, beta2, weight_decay)
    return p - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, new


def step__times_t(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """beta · t in the place of betaᵗ | beta ** t"""
    m, v = moments(p, g, m, v, beta1, beta2, weight_decay)
    return p - lr * m / (1 - beta1 * t) / (np.sqrt(v / (1 - beta2 * t)) + eps), m, v


def step__old_means(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """m and v of before the step"""
    new = moments(p, g, m, v, beta1, beta2, weight_decay)
    return p - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), *new


def step__in_place(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """writes to its argument"""
    m *= beta1
    m += (1 - beta1) * (g + weight_decay * p)
    v *= beta2
    v += (1 - beta2) * (g + weight_decay * p) ** 2
    return p - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v


def step__the_parameter_alone(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """returns 1 thing | expected 3"""
    return (step__right_by_paper(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay)[0],)


def step__another_order(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """wrong order"""
    p, m, v = step__right_by_paper(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay)
    return m, v, p


def step__the_change(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """only the change of p"""
    q, m, v = step__right_by_paper(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay)
    return q - p, m, v


def step__right_by_paper(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """right"""
    m, v = moments(p, g, m, v, beta1, beta2, weight_decay)
    correction = math.sqrt(1 - beta2**t)
    return p - lr * correction / (1 - beta1**t) * m / (np.sqrt(v) + eps * correction), m, v


def step__right_in_float32(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """right"""
    p, g, m, v = (np.asarray(a, np.float32) for a in (p, g, m, v))
    return list(step__right_by_paper(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay))


def step__right_by_loops(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """right"""
    p, m, v = p.copy(), m.copy(), v.copy()
    for k in np.ndindex(*p.shape):
        slope = g[k] + weight_decay * p[k]
        m[k] += (1 - beta1) * (slope - m[k])
        v[k] += (1 - beta2) * (slope * slope - v[k])
        p[k] -= lr * m[k] / (1 - beta1**t) / (math.sqrt(v[k] / (1 - beta2**t)) + eps)
    return p, m, v
