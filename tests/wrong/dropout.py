"""Ways to get exercise dropout wrong, and other ways to get it right."""

import numpy as np


def forward__not_scaled(x, u, p, training):
    """kept ones left as they are | at training = True"""
    return x * (u >= p) if training else x


def forward__scaled_in_evaluation(x, u, p, training):
    """for dropout that scales in evaluation"""
    return x * (u >= p) if training else x * (1 - p)


def forward__scaled_in_both(x, u, p, training):
    """evaluation scaled by 1 − p | at training = False"""
    return x * (u >= p) / (1 - p) if training else x * (1 - p)


def forward__multiplied(x, u, p, training):
    """multiplied by 1 − p | at training = True"""
    return x * (u >= p) * (1 - p) if training else x


def forward__over_p(x, u, p, training):
    """divided by p | at training = True"""
    return x * (u >= p) / p if training else x


def forward__kept_below(x, u, p, training):
    """kept and dropped exchanged | at training = True"""
    return x * (u < p) / (1 - p) if training else x


def forward__p_is_to_keep(x, u, p, training):
    """probability to keep | at training = True"""
    return x * (u < p) / p if training else x


def forward__strictly_above(x, u, p, training):
    """except where u = p | kept is where u >= p"""
    return x * (u > p) / (1 - p) if training else x


def forward__always(x, u, p, training):
    """what training = True would give | at training = False"""
    return x * (u >= p) / (1 - p)


def forward__mode_the_other_way(x, u, p, training):
    """training is not used, or used wrongly"""
    return x if training else x * (u >= p) / (1 - p)


def forward__in_place(x, u, p, training):
    """writes to its argument x"""
    if training:
        x[u < p] = 0
        x /= 1 - p
    return x


def forward__new_numbers(x, u, p, training):
    """the same arguments"""
    return x * (np.random.default_rng().random(x.shape) >= p) / (1 - p) if training else x


def backward__no_mask(g, x, u, p, training):
    """except where x is dropped | at training = True"""
    return g / (1 - p) if training else g


def backward__not_scaled(g, x, u, p, training):
    """kept ones left as they are | at training = True"""
    return g * (u >= p) if training else g


def backward__scaled_twice(g, x, u, p, training):
    """a factor of 1 − p is missing | at training = True"""
    return g * (u >= p) / (1 - p) ** 2 if training else g


def backward__straight_through(g, x, u, p, training):
    """y = x in training too"""
    return g


def backward__always(g, x, u, p, training):
    """what training = True would give | at training = False"""
    return g * (u >= p) / (1 - p)


def backward__times_x(g, x, u, p, training):
    """multiplied by x once too often | at training = True"""
    return g * x * (u >= p) / (1 - p) if training else g


def backward__the_mask(g, x, u, p, training):
    """upstream gradient is missing"""
    return (u >= p) / (1 - p) if training else np.ones_like(x)


def backward__nothing_in_evaluation(g, x, u, p, training):
    """all zero | at training = False"""
    return g * (u >= p) / (1 - p) if training else np.zeros_like(x)


def backward__where_positive(g, x, u, p, training):
    """except where x"""
    return g * (x * (u >= p) > 0) / (1 - p) if training else g


def forward__right_by_loops(x, u, p, training):
    """right"""
    y = x.copy()
    for k in np.ndindex(*x.shape) if training else ():
        y[k] = x[k] / (1 - p) if u[k] >= p else 0.0
    return y


def backward__right_by_the_output(g, x, u, p, training):
    """right"""
    scale = (u >= p).astype(np.float32) / (1 - p) if training else 1
    return (np.float32(g) * scale).tolist()


def backward__right_through_an_index(g, x, u, p, training):
    """right"""
    gx = np.array(g)
    if training:
        gx[~(u >= p)] = 0
        gx /= 1 - p
    return gx
