"""tl.explain: why a net says what it says. Each method is a function (model, x, target, *, …) → one map a picture."""

from . import evaluate
from .cam import grad_cam
from .gradients import gradient
from .integrated import completeness_gap, integrated_gradients
from .noise import smoothgrad

__all__ = ["completeness_gap", "evaluate", "grad_cam", "gradient", "integrated_gradients", "smoothgrad"]
