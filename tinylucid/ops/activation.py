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
    """y = σ(x) = 1 / (1 + e⁻ˣ), without overflow;  ∂x = g·y·(1 − y).

    Below 0 it is computed as eˣ / (1 + eˣ), which is the same: no exponent is ever positive.

    Shapes: x (…) → y (…), between 0 and 1.
    Derivation: with u = 1 + e⁻ˣ, y = 1/u and ∂y/∂x = −1/u² · (−e⁻ˣ) = 1/u · (u − 1)/u = y·(1 − y): at most ¼, and
        nearly 0 where σ is saturated.
    Source: Goodfellow, Bengio and Courville, "Deep learning", 2016, section 3.10.
    Exercise: lstm_cell.
    """
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


@sigmoid.rule
def _(g, out):
    return g * out * (1 - out)


@arithmetic
def relu(x):
    """y = max(x, 0): what is negative becomes 0;  ∂x = g where x > 0, else 0 (at 0 too).

    Shapes: x (…) → y (…).
    Derivation: y = x where x > 0, of slope 1, and y = 0 where x < 0, of slope 0, so ∂x = g·[x > 0]. At 0 any slope from
        0 to 1 is a subgradient; the rule takes 0. Since y > 0 just where x > 0, it keeps y instead of x.
    Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010.
    Exercise: relu.
    """
    return of(x).relu(x) if (x.ndim if hasattr(x, "ndim") else np.ndim(x)) else np.maximum(x, 0)


@relu.rule
def _(g, out):
    return _gate(g, by=out.data) if isinstance(out, Tensor) else _gate.op.forward(g, by=out)


@smooth
def _gate(x, *, by):
    """y = x where the array ``by`` > 0, else 0: linear in x, and its own adjoint;  ∂x = g where by > 0, else 0."""
    return of(x).gate(x, by) if getattr(x, "ndim", 0) else np.where(by > 0, x, 0.0)


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
    """y = x where x > 0, else negative_slope·x;  ∂x = g or negative_slope·g (the latter at 0).

    Shapes: x (…) → y (…).
    Derivation: each piece is linear, so ∂y/∂x = 1 where x > 0 and negative_slope where x < 0. At 0 the rule takes the
        latter. Unlike relu's, no unit stops learning for having become negative.
    Source: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.
    Exercise: relu.
    """
    return _leaky_relu(input, negative_slope=float(negative_slope))


@smooth
def _erf(x):
    """y = 2/√π · ∫₀ˣ e^(−t²) dt, the error function;  ∂x = g·2/√π·e^(−x²), the integrand at x."""
    return devices.special(x).erf(x)


@_erf.rule
def _(g, x):
    return g * exp(-x * x) * (2 / math.sqrt(math.pi))


def gelu(input, *, approximate="none"):
    """y = x·Φ(x), Φ the normal distribution function; approximate="tanh" gives the paper's approximation.

    ∂x = g·(Φ(x) + x·φ(x)), φ the normal density. Raises ValueError for another ``approximate``.

    Shapes: x (…) → y (…).
    Derivation: Φ(x) is the integral of φ from −∞ to x, so Φ′ = φ, and the product rule gives ∂y/∂x = 1·Φ(x) + x·φ(x).
        It has no rule of its own: this follows from the operations it is written in, with Φ(x) = (1 + erf(x/√2))/2.
    Source: Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", 2016.
    Exercise: relu.
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
    """y = log(1 + e^(beta·x)) / beta, a smooth relu, without overflow;  ∂x = g·σ(beta·x).

    Where beta·x > threshold it is x itself, of slope 1. Raises ValueError for beta = 0.

    Shapes: x (…) → y (…).
    Derivation: with z = beta·x, ∂y/∂x = 1/beta · eᶻ/(1 + eᶻ) · beta = 1/(1 + e⁻ᶻ) = σ(z): a smooth step from 0 to 1,
        where relu's slope jumps. For z > 0 log(1 + eᶻ) is computed as z + log(1 + e⁻ᶻ), which cannot overflow.
    Source: Dugas et al., "Incorporating second-order functional knowledge for better option pricing", 2001.
    Exercise: relu.
    """
    if not beta:
        raise ValueError(f"{here('softplus')}: beta must not be 0; as it grows, softplus nears relu")
    return _softplus(input, beta=float(beta), threshold=float(threshold))


def logsigmoid(input):
    """y = log σ(x) = −log(1 + e⁻ˣ), without overflow;  ∂x = g·σ(−x).

    Shapes: x (…) → y (…), at most 0.
    Derivation: ∂y/∂x = −1/(1 + e⁻ˣ) · (−e⁻ˣ) = e⁻ˣ/(1 + e⁻ˣ) = 1/(eˣ + 1) = σ(−x). Unlike log(σ(x)), whose slope is
        0/0 once σ(x) has become 0, this stays exact for any x.
    Source: Goodfellow, Bengio and Courville, "Deep learning", 2016, section 3.10.
    Exercise: cross_entropy.
    """
    return -_softplus(-input, beta=1.0, threshold=math.inf)


def silu(input):
    """y = x·σ(x), also called swish;  ∂x = g·(σ + x·σ·(1 − σ)).

    Shapes: x (…) → y (…).
    Derivation: σ′ = σ·(1 − σ), and the product rule gives ∂y/∂x = 1·σ + x·σ·(1 − σ). It has no rule of its own: this
        follows from mul and sigmoid.
    Source: Elfwing et al., "Sigmoid-weighted linear units for neural network function approximation in reinforcement
        learning", 2017.
    Exercise: relu.
    """
    return input * sigmoid(input)


@smooth
def _elu(x, *, alpha):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


@_elu.rule
def _(g, x, alpha):
    return where(x > 0, g, g * alpha * exp(clip(x, max=0.0)))


def elu(input, alpha=1.0):
    """y = x where x > 0, else alpha·(eˣ − 1);  ∂x = g, or g·alpha·eˣ (the latter at 0).

    Shapes: x (…) → y (…).
    Derivation: ∂y/∂x = 1 where x > 0 and alpha·eˣ where x < 0. At 0 the one is 1 and the other alpha: for alpha = 1
        there is no kink. The rule limits x to 0 before eˣ, since an overflow on the side not chosen would warn.
    Source: Clevert et al., "Fast and accurate deep network learning by exponential linear units (ELUs)", 2016.
    Exercise: relu.
    """
    return _elu(input, alpha=float(alpha))
