"""Ways to get exercise integrated_gradients wrong, and other ways to get it right."""

import numpy as np


def mean(gradient, x, baseline, alphas):
    """The mean of the gradient on the way."""
    return gradient(baseline + alphas[:, None] * (x - baseline)).mean(0)


def middles(steps):
    return (np.arange(steps) + 0.5) / steps


def integrated_gradients__left(gradient, x, baseline, steps):
    """left end | middle"""
    return (x - baseline) * mean(gradient, x, baseline, np.arange(steps) / steps)


def integrated_gradients__right_ends(gradient, x, baseline, steps):
    """right end | middle"""
    return (x - baseline) * mean(gradient, x, baseline, np.arange(1, steps + 1) / steps)


def integrated_gradients__linspace(gradient, x, baseline, steps):
    """steps points from 0 to 1 | middles"""
    return (x - baseline) * mean(gradient, x, baseline, np.linspace(0, 1, steps))


def integrated_gradients__both_ends(gradient, x, baseline, steps):
    """steps + 1 points"""
    return (x - baseline) * mean(gradient, x, baseline, np.linspace(0, 1, steps + 1))


def integrated_gradients__trapezoid(gradient, x, baseline, steps):
    """trapezoid"""
    g = gradient(baseline + np.linspace(0, 1, steps + 1)[:, None] * (x - baseline))
    return (x - baseline) * (g[:-1] + g[1:]).mean(0) / 2


def integrated_gradients__no_difference(gradient, x, baseline, steps):
    """factor is missing | (x − baseline)"""
    return mean(gradient, x, baseline, middles(steps))


def integrated_gradients__times_x(gradient, x, baseline, steps):
    """with x as the factor"""
    return x * mean(gradient, x, baseline, middles(steps))


def integrated_gradients__the_other_way(gradient, x, baseline, steps):
    """wrong sign"""
    return (baseline - x) * mean(gradient, x, baseline, middles(steps))


def integrated_gradients__no_baseline(gradient, x, baseline, steps):
    """if baseline were 0"""
    return x * mean(gradient, x, 0 * x, middles(steps))


def integrated_gradients__way_from_zero(gradient, x, baseline, steps):
    """α·x"""
    return (x - baseline) * mean(gradient, x, 0 * x, middles(steps))


def integrated_gradients__without_start(gradient, x, baseline, steps):
    """the way begins at the baseline"""
    return (x - baseline) * gradient(middles(steps)[:, None] * (x - baseline)).mean(0)


def integrated_gradients__too_far(gradient, x, baseline, steps):
    """baseline + α·x"""
    return (x - baseline) * gradient(baseline + middles(steps)[:, None] * x).mean(0)


def integrated_gradients__sum(gradient, x, baseline, steps):
    """sum of the gradients | mean"""
    return (x - baseline) * gradient(baseline + middles(steps)[:, None] * (x - baseline)).sum(0)


def integrated_gradients__times_the_gradient(gradient, x, baseline, steps):
    """gradient at x alone"""
    return (x - baseline) * gradient(x[None])[0]


def integrated_gradients__one_step(gradient, x, baseline, steps):
    """middle of the way"""
    return (x - baseline) * gradient((x + baseline) / 2)


def integrated_gradients__absolute(gradient, x, baseline, steps):
    """signed"""
    return np.abs((x - baseline) * mean(gradient, x, baseline, middles(steps)))


def integrated_gradients__absolute_gradient(gradient, x, baseline, steps):
    """size of the gradients"""
    return (x - baseline) * np.abs(gradient(baseline + middles(steps)[:, None] * (x - baseline))).mean(0)


def integrated_gradients__not_averaged(gradient, x, baseline, steps):
    """shape | axis 0"""
    return (x - baseline) * gradient(baseline + middles(steps)[:, None] * (x - baseline))


def integrated_gradients__over_the_pixels(gradient, x, baseline, steps):
    """points and pixels"""
    return (x - baseline) * gradient(baseline + middles(steps)[:, None] * (x - baseline)).mean()


def integrated_gradients__last_only(gradient, x, baseline, steps):
    """the gradient of the last part alone | +="""
    for k in range(steps):
        total = gradient(baseline + (k + 0.5) / steps * (x - baseline))
    return (x - baseline) * total / steps


def integrated_gradients__in_place(gradient, x, baseline, steps):
    """writes to its argument x"""
    x -= baseline
    return x * mean(gradient, x + baseline, baseline, middles(steps))


def integrated_gradients__right_by_a_loop(gradient, x, baseline, steps):
    """right"""
    total = np.zeros(len(x))
    for k in range(steps):
        total += gradient(baseline + (k + 0.5) / steps * (x - baseline))
    return total / steps * (x - baseline)


def integrated_gradients__right_by_linspace(gradient, x, baseline, steps):
    """right"""
    edges = np.linspace(0, 1, steps + 1)
    alphas = (edges[1:] + edges[:-1])[:, None] / 2
    return np.sum((x - baseline) * gradient((1 - alphas) * baseline + alphas * x) / steps, 0)


def integrated_gradients__right_from_the_other_end(gradient, x, baseline, steps):
    """right"""
    return (x - baseline) * mean(gradient, baseline, x, middles(steps))


def integrated_gradients__right_as_a_list_of_rows(gradient, x, baseline, steps):
    """right"""
    rows = [[b + a * (v - b) for v, b in zip(x, baseline)] for a in middles(steps)]
    return np.array(gradient(rows), np.float32).mean(0) * (x - baseline)
