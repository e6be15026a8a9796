"""Exercise 22 · Integrated gradients, by the midpoint rule.

How much has each pixel x_i added to the answer f(x), compared with what the net says of a baseline b in which nothing is to
be seen? Walk from b to x on the straight line γ(α) = b + α·(x − b), 0 ≤ α ≤ 1, and add up what each pixel does on the way
(Sundararajan, Taly and Yan, 2017):

    m_i = (x_i − b_i) · ∫₀¹ ∂f/∂x_i (γ(α)) dα

The integral is approximated by the midpoint rule: [0, 1] is cut into ``steps`` parts of equal width, and each part's
gradient is taken in its middle.

Derive: by the chain rule df(γ(α))/dα. What is then Σ_i m_i, with the exact integral? (This is called completeness: print
Σ_i m_i for more and more steps.) And the middle of the k-th of the parts, k = 0 … steps − 1.
Shapes: x and baseline (D,); steps a whole number, at least 1. gradient is a function: given points (M, D), one a row, it
gives ∂f/∂x at each of them, (M, D). The map (D,) is signed: a pixel may also have lowered the answer.

    tinylucid exercise check integrated_gradients
"""

import numpy as np


def integrated_gradients(gradient, x, baseline, steps):
    """The map (D,), what each pixel added to f(x) − f(baseline)."""
    raise NotImplementedError
