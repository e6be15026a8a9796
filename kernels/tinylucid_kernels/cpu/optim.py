"""One step of an optimiser on one parameter: ``p`` and its state arrays are updated in place.

What makes it fast: one pass over memory. NumPy makes one for each of some ten operations.

1 − β comes in as a number of its own: LLVM would turn β·m + (1 − β)·g into g + β·(m − g), which is NaN where g is inf.
"""

import numpy as np

from .jit import jit
from .threads import spread

RUN = 1 << 14  # elements an item


@jit
def sgd_items(first, last, p, g, velocity, lr, momentum, keep, nesterov):
    """Item k: RUN elements of all arrays; ``velocity`` is empty without momentum."""
    kind = p.dtype.type
    lr, momentum, keep = kind(lr), kind(momentum), kind(keep)
    p, g = p[first * RUN : last * RUN], g[first * RUN : last * RUN]
    if velocity.size == 0:
        for k in range(p.size):
            p[k] -= lr * g[k]
        return
    velocity = velocity[first * RUN : last * RUN]
    for k in range(p.size):
        v = momentum * velocity[k] + keep * g[k]
        velocity[k] = v
        p[k] -= lr * (g[k] + momentum * v if nesterov else v)


@jit
def adam_items(first, last, p, g, m, v, step, lr, keep1, keep2, new1, new2, eps):
    """Item k: RUN elements of all arrays; ``rate`` and ``eps`` take up the corrections of the start from zero."""
    kind = p.dtype.type
    correction = (1 - keep2**step) ** 0.5
    rate, eps = kind(lr * correction / (1 - keep1**step)), kind(eps * correction)
    keep1, keep2, new1, new2 = kind(keep1), kind(keep2), kind(new1), kind(new2)
    here = slice(first * RUN, last * RUN)
    p, g, m, v = p[here], g[here], m[here], v[here]
    for k in range(p.size):
        m[k] = keep1 * m[k] + new1 * g[k]
        v[k] = keep2 * v[k] + new2 * g[k] * g[k]
        p[k] -= rate * m[k] / (np.sqrt(v[k]) + eps)


@jit
def rmsprop_items(first, last, p, g, square_avg, grad_avg, buffer, lr, keep, new, momentum, eps):
    """Item k: RUN elements of all arrays; ``grad_avg`` and ``buffer`` are empty where they are not wanted."""
    kind = p.dtype.type
    keep, new, lr, momentum, eps = kind(keep), kind(new), kind(lr), kind(momentum), kind(eps)
    here = slice(first * RUN, last * RUN)
    p, g, v, mean, buffer = p[here], g[here], square_avg[here], grad_avg[here], buffer[here]
    for k in range(p.size):
        v[k] = keep * v[k] + new * g[k] * g[k]
        under_root = v[k]
        if mean.size:
            mean[k] = keep * mean[k] + new * g[k]
            under_root = max(under_root - mean[k] * mean[k], kind(0))  # rounding may leave it below 0
        step = g[k] / (np.sqrt(under_root) + eps)
        if buffer.size:
            buffer[k] = momentum * buffer[k] + step
            step = buffer[k]
        p[k] -= lr * step


def in_place(kernel, arrays, *constants):
    """Run a kernel on the flattened arrays."""
    flat = []
    for a in arrays:
        if not a.flags.carray:
            return with_gaps(kernel, arrays, *constants)
        flat.append(a.ravel())
    size = arrays[0].size
    if size <= RUN:
        return kernel(0, 1, *flat, *constants)
    spread(kernel, -(-size // RUN), 8 * size, *flat, *constants)


def with_gaps(kernel, arrays, *constants):
    """The same for arrays of which some lie in memory with gaps: on copies, written back."""
    packed = [np.array(a, order="C") for a in arrays]
    in_place(kernel, packed, *constants)
    for k, (a, b) in enumerate(zip(arrays, packed)):
        if a.size and k != 1:  # the second is the gradient: nobody writes there
            a[...] = b


def sgd(p, g, velocity, lr, momentum, dampening, nesterov):
    """v ← momentum·v + (1 − dampening)·g;  p ← p − lr·v, or p − lr·(g + momentum·v) (Nesterov).

    ``velocity`` is None without momentum. Sutskever et al., 2013, in PyTorch's form (lr outside the velocity).
    """
    velocity = np.empty(0, p.dtype) if velocity is None else velocity
    in_place(sgd_items, (p, g, velocity), float(lr), float(momentum), 1.0 - dampening, bool(nesterov))


def adam(p, g, m, v, step, lr, beta1, beta2, eps):
    """m ← β₁·m + (1−β₁)·g;  v ← β₂·v + (1−β₂)·g²;  p ← p − lr · m̂ / (√v̂ + eps)  (Kingma and Ba, 2015, algorithm 1).

    m̂ = m / (1 − β₁^step) and v̂ = v / (1 − β₂^step) undo the start from zero; both are numbers, so they go into lr and eps.
    """
    betas = float(beta1), float(beta2), 1.0 - beta1, 1.0 - beta2
    in_place(adam_items, (p, g, m, v), float(step), float(lr), *betas, float(eps))


def rmsprop(p, g, square_avg, grad_avg, buffer, lr, alpha, momentum, eps):
    """v ← α·v + (1−α)·g²;  d = g / (√v + eps);  p ← p − lr·d (Tieleman and Hinton, 2012).

    ``square_avg`` is v. With ``grad_avg``, m ← α·m + (1−α)·g, the root is of v − m² (Graves, 2013); with ``buffer``,
    b ← momentum·b + d takes the place of d. Both are None where they are not wanted.
    """
    none = np.empty(0, p.dtype)
    arrays = p, g, square_avg, none if grad_avg is None else grad_avg, none if buffer is None else buffer
    in_place(rmsprop_items, arrays, float(lr), float(alpha), 1.0 - alpha, float(momentum), float(eps))
