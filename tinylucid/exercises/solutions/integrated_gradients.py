"""Solution 22 · Integrated gradients, by the midpoint rule.

The chain rule gives df(γ(α))/dα = Σ_i ∂f/∂x_i(γ(α)) · (x_i − b_i), so Σ_i m_i = ∫₀¹ df(γ(α))/dα dα = f(γ(1)) − f(γ(0)) =
f(x) − f(b): the map shares out the whole change. Part k is [k/steps, (k + 1)/steps], its middle (k + ½)/steps and its width
1/steps, so the integral is about Σ_k ∂f/∂x_i(γ((k + ½)/steps)) / steps: the mean over the middles.
"""

import numpy as np


def integrated_gradients(gradient, x, baseline, steps):
    """The map (D,), what each pixel added to f(x) − f(baseline)."""
    alphas = (np.arange(steps) + 0.5) / steps
    points = baseline + alphas[:, None] * (x - baseline)
    return (x - baseline) * gradient(points).mean(axis=0)
