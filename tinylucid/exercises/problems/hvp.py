"""Exercise 19 · A Hessian times a vector.

The Hessian of f at x is the matrix H[i, j] = ∂²f/∂x_i ∂x_j, D × D numbers: of a net with a million weights nobody can write
it down. Often a product H·v with one vector is all that is needed (for Newton's steps, curvature, sharpness), and it costs
about as much as two gradients, since it is a derivative along one direction:

    H·v = d/ds ∇f(x + s·v) at s = 0 = ∇(∇f(x)·v),   v constant.

Three ways to have it:
by_differences    (∇f(x + h·v) − ∇f(x − h·v)) / (2h), the central difference with the step h, of which the error falls with h².
of_logistic_loss  by hand, for the mean over M samples of the logistic loss,
                  f(x) = 1/M · Σ_m log(1 + exp(−t_m · z_m)),   z = A·x,   t_m = −1 or 1.
by_engine         with tinylucid, for any f: the gradient, times v and summed, is a number that has itself a gradient.

Derive: that the two expressions for H·v are the same. Then ∇f of the logistic loss, with σ(z) = 1/(1 + exp(−z)), and its slope
along v; no D × D matrix is needed on the way.
Shapes: x, v and H·v (D,); h a number; gradient(x) gives (D,) for an array x; a (M, D); t (M,). For by_engine f takes a Tensor
and gives one number as a Tensor; x and v are NumPy arrays, and so is what it returns. From the engine: tl.tensor(x,
requires_grad=True); tl.grad(y, x), a tuple, with create_graph=True if it is to be differentiated again; np.asarray(tensor).

    tinylucid exercise check hvp
"""

import numpy as np

import tinylucid as tl


def by_differences(gradient, x, v, h):
    """H·v by the central difference of a gradient with the step h."""
    raise NotImplementedError


def of_logistic_loss(a, t, x, v):
    """H·v of the mean logistic loss, exactly."""
    raise NotImplementedError


def by_engine(f, x, v):
    """H·v of any f, exactly."""
    raise NotImplementedError
