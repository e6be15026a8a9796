"""tl.explain: why a net says what it says. Each method is a function (model, x, target, *, …) → one map a picture."""

from .cam import grad_cam
from .gradients import gradient, gradient_x_input
from .integrated import completeness_gap, expected_gradients, integrated_gradients
from .noise import smoothgrad, smoothgrad_squared, vargrad

__all__ = [
    "completeness_gap",
    "expected_gradients",
    "grad_cam",
    "gradient",
    "gradient_x_input",
    "integrated_gradients",
    "smoothgrad",
    "smoothgrad_squared",
    "vargrad",
]
