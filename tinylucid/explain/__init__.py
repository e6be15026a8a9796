"""tl.explain: why a net says what it says. Each method is a function (model, x, target, *, …) → one map a picture.

gradients, noise, integrated   the gradient, times the input, averaged over noise, along paths
rectified, lrp, deeplift       other rules on the way back; ``passing`` knows which operations they can pass
cam                            where a late layer saw the class; ``layers`` finds that layer
occlusion, rise, surrogate, perturbation   parts hidden (``hide``, ``features``) and the answer asked again
by_name                        all of them, ready to be called
evaluate                       whether a map is true
"""

from . import evaluate
from .by_name import METHODS, applied, ready, takes
from .cam import grad_cam, grad_cam_pp, guided_grad_cam, hires_cam, layer_cam, score_cam
from .common import Method
from .deeplift import deeplift
from .features import superpixels
from .gradients import gradient, gradient_x_input
from .integrated import completeness_gap, expected_gradients, integrated_gradients
from .lrp import AlphaBeta, Epsilon, Gamma, lrp
from .noise import smoothgrad, smoothgrad_squared, vargrad
from .occlusion import feature_ablation, occlusion
from .perturbation import meaningful_perturbation
from .rectified import deconvnet, guided_backprop
from .rise import rise
from .surrogate import kernel_shap, lime

__all__ = [
    "METHODS",
    "AlphaBeta",
    "Epsilon",
    "Gamma",
    "Method",
    "applied",
    "completeness_gap",
    "deconvnet",
    "deeplift",
    "evaluate",
    "expected_gradients",
    "feature_ablation",
    "grad_cam",
    "grad_cam_pp",
    "gradient",
    "gradient_x_input",
    "guided_backprop",
    "guided_grad_cam",
    "hires_cam",
    "integrated_gradients",
    "kernel_shap",
    "layer_cam",
    "lime",
    "lrp",
    "meaningful_perturbation",
    "occlusion",
    "ready",
    "rise",
    "score_cam",
    "smoothgrad",
    "smoothgrad_squared",
    "superpixels",
    "takes",
    "vargrad",
]
