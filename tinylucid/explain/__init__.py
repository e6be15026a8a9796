"""tl.explain: why a net says what it says. Each method is a function (model, x, target, *, …) → one map a picture."""

from .cam import grad_cam, grad_cam_pp, guided_grad_cam, hires_cam, layer_cam, score_cam
from .gradients import gradient
from .integrated import completeness_gap, integrated_gradients
from .noise import smoothgrad

__all__ = [
    "completeness_gap",
    "grad_cam",
    "grad_cam_pp",
    "gradient",
    "guided_grad_cam",
    "hires_cam",
    "integrated_gradients",
    "layer_cam",
    "score_cam",
    "smoothgrad",
]
