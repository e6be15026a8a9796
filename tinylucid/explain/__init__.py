"""tl.explain: why a net says what it says. Each method is a function (model, x, target, *, …) → one map a picture."""

from .cam import grad_cam
from .features import superpixels
from .gradients import gradient
from .integrated import completeness_gap, integrated_gradients
from .noise import smoothgrad
from .occlusion import feature_ablation, occlusion
from .perturbation import meaningful_perturbation
from .rise import rise
from .surrogate import kernel_shap, lime

__all__ = [
    "completeness_gap",
    "feature_ablation",
    "grad_cam",
    "gradient",
    "integrated_gradients",
    "kernel_shap",
    "lime",
    "meaningful_perturbation",
    "occlusion",
    "rise",
    "smoothgrad",
    "superpixels",
]
