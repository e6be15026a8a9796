"""Exercise 18 · One step of Adam.

Adam keeps running means of the gradient and of its square, and divides one by the root of the other, so that each number
of a parameter moves by about lr, however large its gradients are. With g the gradient of the loss in the parameter p,
g' = g + weight_decay · p,

    m ← beta1 · m + (1 − beta1) · g'          m̂ = m / (1 − beta1ᵗ)
    v ← beta2 · v + (1 − beta2) · g'²         v̂ = v / (1 − beta2ᵗ)
    p ← p − lr · m̂ / (√v̂ + eps)

t counts the steps, and is 1 in the first one. m and v begin as zeros, which m̂ and v̂ make good: they serve this step only,
and what is kept are m and v.

Derive: for a gradient that is always the same number, what m and v are after t steps, and so why they are divided by
1 − betaᵗ. How far does p move in the first step, if eps is small?
Shapes: p, g, m and v all have one shape, any; the others are numbers, t a whole one. All the operations are elementwise. Return
new arrays, and write to none of the arguments.

    tinylucid exercise check adam
"""

import numpy as np


def step(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """The new p, m and v, a tuple of three arrays."""
    raise NotImplementedError
