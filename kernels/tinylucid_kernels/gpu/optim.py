"""One step of an optimiser on one parameter: ``p`` and its state arrays are updated in place, by one kernel."""

from .driver import cupy
from .launch import cover, kernel


def in_place(name, arrays, *numbers):
    """Run a kernel on (p, g, state …), None for what is not wanted; what has gaps in memory is copied and written back."""
    p, g = arrays[:2]
    packed = [a if a is None or a.flags.c_contiguous else cupy().ascontiguousarray(a) for a in arrays]
    kernel("optim.cu", name, p.dtype)(*cover(p.size), *packed, *numbers, p.size)
    for a, b in zip(arrays, packed):
        if a is not b and a is not g:  # nobody writes to the gradient
            a[...] = b


def sgd(p, g, velocity, lr, momentum, dampening, nesterov):
    """v ← momentum·v + (1 − dampening)·g;  p ← p − lr·v, or p − lr·(g + momentum·v) (Nesterov).

    ``velocity`` is None without momentum. Sutskever et al., 2013, in PyTorch's form (lr outside the velocity).
    """
    in_place("sgd", (p, g, velocity), lr, momentum, 1 - dampening, nesterov)


def adam(p, g, m, v, step, lr, beta1, beta2, eps):
    """m ← β₁·m + (1−β₁)·g;  v ← β₂·v + (1−β₂)·g²;  p ← p − lr · m̂ / (√v̂ + eps)  (Kingma and Ba, 2015, algorithm 1).

    m̂ = m / (1 − β₁^step) and v̂ = v / (1 − β₂^step) undo the start from zero; both are numbers, so they go into lr and eps.
    """
    correction = (1 - beta2**step) ** 0.5
    rate = lr * correction / (1 - beta1**step)
    in_place("adam", (p, g, m, v), rate, beta1, beta2, 1 - beta1, 1 - beta2, eps * correction)


def rmsprop(p, g, square_avg, grad_avg, buffer, lr, alpha, momentum, eps):
    """v ← α·v + (1−α)·g²;  d = g / (√v + eps);  p ← p − lr·d (Tieleman and Hinton, 2012).

    ``square_avg`` is v. With ``grad_avg``, m ← α·m + (1−α)·g, the root is of v − m² (Graves, 2013); with ``buffer``,
    b ← momentum·b + d takes the place of d. Both are None where they are not wanted.
    """
    in_place("rmsprop", (p, g, square_avg, grad_avg, buffer), lr, alpha, 1 - alpha, momentum, eps)
