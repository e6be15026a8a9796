"""Powers, exponentials and waves: smooth functions of each element."""

import numpy as np

from .arithmetic import arithmetic, smooth
from .choice import where
from .compare import equal, logical_and


@arithmetic
def _power(x, *, exponent):
    """y = x^e, e a number;  ∂x = g·e·x^(e−1), 0 for e = 0."""
    return x**exponent


@_power.rule
def _(g, x, exponent):
    if exponent == 0:
        return g * 0.0
    return g * (x * 2 if exponent == 2 else _power(x, exponent=exponent - 1) * exponent)


@smooth
def _power_tensor(x, y):
    """z = x^y, y a tensor;  ∂x = g·y·x^(y−1), 0 for 0⁰;  ∂y = g·z·log x, 0 where x = 0."""
    return x**y


@_power_tensor.rule
def _(g, need, x, y, out):
    nothing = logical_and(equal(x, 0), equal(y, 0))  # ∂(0⁰)/∂x is 0, not 0 · 0⁻¹
    gx = g * (y * _power_tensor(x, where(nothing, 1.0, y - 1))) if need[0] else None
    gy = g * where(equal(x, 0), 0.0, out * log(where(equal(x, 0), 1.0, x))) if need[1] else None
    return gx, gy


def pow(input, exponent):
    """y = x^e, the exponent e a number or a tensor;  ∂x = g·e·x^(e−1), ∂e = g·x^e·log x (0 where x = 0).

    Shapes: x and e of shapes that broadcast → y of the shape that they share.
    Derivation: for x > 0, x^e = exp(e·log x), and the chain rule gives ∂y/∂x = x^e·e/x = e·x^(e−1) and
        ∂y/∂e = x^e·log x. For a whole e the product rule gives the same ∂y/∂x for any x. x⁰ = 1 is a constant:
        ∂y/∂x = 0, at 0 too. At x = 0 and e > 0, y = 0 for every e nearby, so ∂y/∂e = 0, although log 0 is −inf.
    Source: calculus, the power rule.
    Exercise: tape.
    """
    exponent = exponent.item() if isinstance(exponent, np.generic) else exponent
    if isinstance(exponent, int) or (isinstance(exponent, float) and input.dtype.kind == "f"):
        return _power(input, exponent=exponent)
    return _power_tensor(input if hasattr(input, "dtype") else np.asarray(input, exponent.dtype), exponent)


@smooth
def exp(x):
    """y = eˣ;  ∂x = g·y.

    Shapes: x (…) → y (…).
    Derivation: eˣ = 1 + x + x²/2! + x³/3! + …, and differentiating term by term gives 0 + 1 + x + x²/2! + …, the same
        series: ∂y/∂x = y. So the rule keeps the result, and computes no exponential again.
    Source: calculus, the exponential function.
    Exercise: cross_entropy.
    """
    return np.exp(x)


@exp.rule
def _(g, out):
    return g * out


@smooth
def log(x):
    """y = log x, the natural logarithm, −inf at 0 and NaN below;  ∂x = g/x.

    Shapes: x (…) → y (…).
    Derivation: eʸ = x; both sides differentiated by x, eʸ·∂y/∂x = 1, so ∂y/∂x = 1/eʸ = 1/x.
    Source: calculus, the derivative of an inverse function.
    Exercise: cross_entropy.
    """
    return np.log(x)


@log.rule
def _(g, x):
    return g / x


@smooth
def sqrt(x):
    """y = √x, NaN below 0;  ∂x = g/(2y), infinite at 0.

    Shapes: x (…) → y (…).
    Derivation: y² = x; both sides differentiated by x, 2y·∂y/∂x = 1, so ∂y/∂x = 1/(2y): the steeper, the nearer to 0.
        This is why Adam and the norms keep away from 0 with an eps.
    Source: calculus, the derivative of an inverse function.
    Exercise: adam.
    """
    return np.sqrt(x)


@sqrt.rule
def _(g, out):
    return g / (out * 2)


@smooth
def sin(x):
    """y = sin x, x in radians;  ∂x = g·cos x.

    Shapes: x (…) → y (…).
    Derivation: sin(x + h) = sin x·cos h + cos x·sin h, and for a small h cos h ≈ 1 and sin h ≈ h: y moves by h·cos x,
        so ∂y/∂x = cos x.
    Source: calculus, the trigonometric functions.
    Exercise: fourier.
    """
    return np.sin(x)


@sin.rule
def _(g, x):
    return g * cos(x)


@smooth
def cos(x):
    """y = cos x, x in radians;  ∂x = −g·sin x.

    Shapes: x (…) → y (…).
    Derivation: cos(x + h) = cos x·cos h − sin x·sin h, and for a small h cos h ≈ 1 and sin h ≈ h: y moves by −h·sin x,
        so ∂y/∂x = −sin x.
    Source: calculus, the trigonometric functions.
    Exercise: fourier.
    """
    return np.cos(x)


@cos.rule
def _(g, x):
    return -g * sin(x)


@smooth
def tanh(x):
    """y = tanh x = (eˣ − e⁻ˣ)/(eˣ + e⁻ˣ);  ∂x = g·(1 − y²).

    Shapes: x (…) → y (…), between −1 and 1.
    Derivation: y = s/c with s = (eˣ − e⁻ˣ)/2 and c = (eˣ + e⁻ˣ)/2, each the derivative of the other. The quotient rule
        gives ∂y/∂x = (c·c − s·s)/c² = 1 − y²: 1 at 0, and nearly 0 where tanh is saturated, so little is learned there.
    Source: calculus, the quotient rule; why to centre activations: LeCun et al., "Efficient backprop", 1998.
    Exercise: lstm_cell.
    """
    return np.tanh(x)


@tanh.rule
def _(g, out):
    return g * (1 - out * out)
