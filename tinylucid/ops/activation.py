"""Activations: the nonlinearities between layers. Elementwise, with rules that are right far from 0 too."""

import math

import numpy as np
from tinylucid_kernels import of

from .. import devices
from ..scopes import here
from ..tensor import Tensor
from .arithmetic import arithmetic, smooth
from .choice import clip, where
from .elementwise import exp, tanh


@smooth
def sigmoid(x):
    """1 / (1 + e⁻ˣ), without overflow;  ∂x = g·σ·(1 − σ)."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


@sigmoid.rule
def _(g, out):
    return g * out * (1 - out)


@arithmetic
def relu(x):
    """max(x, 0);  ∂x = g where x > 0, else 0 (at 0 too)."""
    return of(x).relu(x) if np.ndim(x) else np.maximum(x, 0)


@relu.rule
def _(g, out):
    return _gate(g, by=out.data if isinstance(out, Tensor) else out)


@smooth
def _gate(x, *, by):
    """x where the array ``by`` > 0, else 0: linear in x, and its own adjoint."""
    return of(x).gate(x, by) if np.ndim(x) else np.where(by > 0, x, 0.0)


@_gate.rule
def _(g, by):
    return _gate(g, by=by)


@smooth
def _leaky_relu(x, *, negative_slope):
    return np.where(x > 0, x, x * negative_slope)


@_leaky_relu.rule
def _(g, x, negative_slope):
    return where(x > 0, g, g * negative_slope)


def leaky_relu(input, negative_slope=0.01):
    """x where x > 0, else negative_slope·x (Maas et al., 2013);  ∂x = g or negative_slope·g (the latter at 0)."""
    return _leaky_relu(input, negative_slope=float(negative_slope))


@smooth
def _erf(x):
    return devices.special(x).erf(x)


@_erf.rule
def _(g, x):
    return g * exp(-x * x) * (2 / math.sqrt(math.pi))


def gelu(input, *, approximate="none"):
    """x·Φ(x), Φ the normal distribution function (Hendrycks and Gimpel, 2016); "tanh" gives their approximation.

    ∂x = g·(Φ(x) + x·φ(x)), φ the normal density: it follows from the operations it is written in.
    """
    if approximate == "none":
        return input * (_erf(input * math.sqrt(0.5)) + 1) * 0.5
    if approximate == "tanh":
        return input * (tanh((input + input * input * input * 0.044715) * math.sqrt(2 / math.pi)) + 1) * 0.5
    raise ValueError(f"{here('gelu')}: approximate must be 'none' or 'tanh', got {approximate!r}")


@smooth
def _softplus(x, *, beta, threshold):
    z = x * beta
    return np.where(z > threshold, x, (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / beta)


@_softplus.rule
def _(g, x, beta, threshold):
    z = x * beta
    return where(z > threshold, g, g * sigmoid(z))


def softplus(input, beta=1.0, threshold=20.0):
    """log(1 + e^(beta·x)) / beta, a smooth relu, without overflow (Dugas et al., 2001);  ∂x = g·σ(beta·x).

    Where beta·x > threshold it is x itself, of slope 1. Raises ValueError for beta = 0.
    """
    if not beta:
        raise ValueError(f"{here('softplus')}: beta must not be 0; as it grows, softplus nears relu")
    return _softplus(input, beta=float(beta), threshold=float(threshold))


def logsigmoid(input):
    """log σ(x) = −log(1 + e⁻ˣ), without overflow;  ∂x = g·σ(−x)."""
    return -_softplus(-input, beta=1.0, threshold=math.inf)


def silu(input):
    """x·σ(x), also called swish (Elfwing et al., 2017);  ∂x = g·(σ + x·σ·(1 − σ)): it follows from its operations."""
    return input * sigmoid(input)


@smooth
def _elu(x, *, alpha):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


@_elu.rule
def _(g, x, alpha):
    return where(x > 0, g, g * alpha * exp(clip(x, max=0.0)))


def elu(input, alpha=1.0):
    """x where x > 0, else alpha·(eˣ − 1) (Clevert et al., 2016);  ∂x = g, or g·alpha·eˣ (the latter at 0)."""
    return _elu(input, alpha=float(alpha))
