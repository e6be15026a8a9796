"""Regularisation: dropout."""

from tinylucid_kernels import of

from .. import dtypes
from ..random import default_generator
from ..scopes import here
from ..tensor import operation
from .shape import tensor_like


@operation(dtypes="float")
def _dropout(x, *, p, seed, offset):
    x = x if x.dtype.kind == "f" else x.astype(dtypes.default)
    y, mask = of(x).dropout(x, p, _scale(p), seed, offset)
    return y, {"mask": mask}


@_dropout.rule
def _(g, mask, p):
    return _scale_kept(g, mask=mask, scale=_scale(p))


def _scale(p):
    """By how much what is kept grows, so that the mean stays: all of it is dropped at p = 1."""
    return 1 / (1 - p) if p < 1 else 0.0


@operation(dtypes="float")
def _scale_kept(x, *, mask, scale):
    """y = x·scale where the mask holds, else x·0: linear in x, and its own adjoint;  ∂x = the same function of g."""
    return of(x).scale_kept(x, mask, scale)


@_scale_kept.rule
def _(g, mask, scale):
    return _scale_kept(g, mask=mask, scale=scale)


def dropout(input, p=0.5, training=True, *, rng=None):
    """y = x·mask / (1 − p), where the mask is 0 with probability p in [0, 1], else 1;  ∂x = g·mask / (1 − p).

    The mask comes from the counter of ``rng`` (default: the generator of ``tl.manual_seed``), a word an element, the
    same on every device. Without ``training`` the input itself. Raises ValueError for another p.

    Shapes: x (…) → y (…).
    Derivation: the mask does not depend on x, so each element is multiplied by a constant: ∂y/∂x = mask / (1 − p), with
        the same mask. On average the mask is 1 − p, so y is x on average, and evaluation needs no factor.
    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
    Exercise: dropout.
    """
    tensor_like(input, "dropout")
    if not 0 <= p <= 1:
        raise ValueError(f"{here('dropout')}: p must be in [0, 1], got {p}")
    if not training or p == 0:
        return input
    rng = rng or default_generator
    return _dropout(input, p=float(p), seed=rng.seed, offset=rng.advance(input.size))
