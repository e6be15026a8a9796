"""tl.explain: why a net says what it says. Each method is a function (model, x, target, *, …) → one map a picture."""

from .cam import grad_cam
from .deeplift import deeplift
from .gradients import gradient
from .integrated import completeness_gap, integrated_gradients
from .lrp import AlphaBeta, Epsilon, Gamma, lrp
from .noise import smoothgrad
from .rectified import deconvnet, guided_backprop

__all__ = [
    "AlphaBeta",
    "Epsilon",
    "Gamma",
    "completeness_gap",
    "deconvnet",
    "deeplift",
    "grad_cam",
    "gradient",
    "guided_backprop",
    "integrated_gradients",
    "lrp",
    "smoothgrad",
]
