"""One step of an optimiser on one parameter: ``p`` and its state arrays are updated in place."""

import numpy as np


def sgd(p, g, velocity, lr, momentum, dampening, nesterov):
    """v ← momentum·v + (1 − dampening)·g;  p ← p − lr·v, or p − lr·(g + momentum·v) (Nesterov).

    ``velocity`` is None without momentum. Sutskever et al., 2013, in PyTorch's form (lr outside the velocity).
    """
    if velocity is not None:
        velocity *= momentum
        velocity += g if not dampening else (1 - dampening) * g
        g = g + momentum * velocity if nesterov else velocity
    p -= lr * g


def adam(p, g, m, v, step, lr, beta1, beta2, eps):
    """m ← β₁·m + (1−β₁)·g;  v ← β₂·v + (1−β₂)·g²;  p ← p − lr · m̂ / (√v̂ + eps)  (Kingma and Ba, 2015, algorithm 1).

    m̂ = m / (1 − β₁^step) and v̂ = v / (1 − β₂^step) undo the start from zero; both are numbers, so they go into lr and eps.
    """
    work = np.empty_like(p)  # in place throughout: 0-d parameters stay arrays, large ones cause no traffic
    np.multiply(g, 1 - beta1, out=work)
    m *= beta1
    m += work
    np.multiply(g, g, out=work)
    work *= 1 - beta2
    v *= beta2
    v += work
    np.sqrt(v, out=work)
    correction = (1 - beta2**step) ** 0.5
    work += eps * correction
    np.divide(m, work, out=work)
    work *= lr * correction / (1 - beta1**step)
    p -= work


def rmsprop(p, g, square_avg, grad_avg, buffer, lr, alpha, momentum, eps):
    """v ← α·v + (1−α)·g²;  d = g / (√v + eps);  p ← p − lr·d (Tieleman and Hinton, 2012).

    ``square_avg`` is v. With ``grad_avg``, m ← α·m + (1−α)·g, the root is of v − m² (Graves, 2013); with ``buffer``,
    b ← momentum·b + d takes the place of d. Both are None where they are not wanted.
    """
    square_avg *= alpha
    square_avg += (1 - alpha) * g * g
    if grad_avg is None:
        step = g / (np.sqrt(square_avg) + eps)
    else:
        grad_avg *= alpha
        grad_avg += (1 - alpha) * g
        step = g / (np.sqrt(np.maximum(square_avg - grad_avg * grad_avg, 0)) + eps)  # rounding may leave it below 0
    if buffer is not None:
        buffer *= momentum
        buffer += step
        step = buffer
    p -= lr * step
