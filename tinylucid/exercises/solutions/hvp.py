"""Solution 19 · A Hessian times a vector.

(H·v)_i = Σ_j ∂²f/∂x_i∂x_j · v_j. That is Σ_j ∂(∇f)_i/∂x_j · v_j, the slope of (∇f)_i along v; and, as v is constant,
∂/∂x_i Σ_j ∂f/∂x_j · v_j, the gradient of ∇f·v.

The logistic loss: with p = σ(−t·z), ∇f = −Aᵀ(t·p)/M. Along v, z changes by A·v, and p by −t·p(1 − p)·(A·v), so
H·v = Aᵀ(t²·p(1 − p)·(A·v))/M, where t² = 1, and p(1 − p) is the same for t = −1 and 1, since σ(−z) = 1 − σ(z).
"""

import numpy as np

import tinylucid as tl


def by_differences(gradient, x, v, h):
    """H·v by the central difference of a gradient with the step h."""
    return (gradient(x + h * v) - gradient(x - h * v)) / (2 * h)


def of_logistic_loss(a, t, x, v):
    """H·v of the mean logistic loss, exactly."""
    p = 1 / (1 + np.exp(-(a @ x)))
    return a.T @ (p * (1 - p) * (a @ v)) / len(a)


def by_engine(f, x, v):
    """H·v of any f, exactly."""
    x = tl.tensor(x, requires_grad=True)
    (g,) = tl.grad(f(x), x, create_graph=True)
    (hv,) = tl.grad((g * v).sum(), x)
    return np.asarray(hv)
