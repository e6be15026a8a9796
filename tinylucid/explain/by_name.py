"""The methods by name, ready to be called as method(model, x, target): what tables, figures and the command line go through."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..gallery import Maps, giving
from ..random import Generator
from .cam import grad_cam, grad_cam_pp, guided_grad_cam, hires_cam, layer_cam, score_cam
from .common import Method, planes
from .deeplift import deeplift
from .features import superpixels
from .gradients import gradient, gradient_x_input
from .hide import differ
from .integrated import expected_gradients, integrated_gradients
from .lrp import lrp
from .noise import smoothgrad, smoothgrad_squared, vargrad
from .occlusion import feature_ablation, occlusion
from .perturbation import meaningful_perturbation
from .rectified import deconvnet, guided_backprop
from .rise import rise
from .surrogate import kernel_shap, lime

METHODS: Mapping[str, Callable[..., Any]] = {
    method.__name__: method
    for method in (
        gradient, gradient_x_input, smoothgrad, smoothgrad_squared, vargrad, integrated_gradients, expected_gradients,
        guided_backprop, deconvnet, lrp, deeplift,
        grad_cam, grad_cam_pp, hires_cam, layer_cam, score_cam, guided_grad_cam,
        occlusion, feature_ablation, rise, lime, kernel_shap, meaningful_perturbation,
    )
}  # fmt: skip


def takes(name: str, setting: str) -> bool:
    """Whether the method of that name has that keyword."""
    return setting in inspect.signature(METHODS[name]).parameters


def ready(names: Any = None, *, seed: int = 0, layer: Any = None, background: Any = None) -> dict[str, Method]:
    """The methods of these names, each as method(model, x, target) with the settings that a small picture wants.

    A name alone will do; no names are all, but expected_gradients only with a background.

    What a method needs and nobody has said is chosen here: occlusion hides windows of an eighth of the shorter side, half
    overlapping; feature_ablation hides superpixels, since pixel by pixel takes a pass each; rise is taken off its mean over
    the picture, since its level says nothing. Random ones draw from Generator(seed) in each call anew, so a call repeats.
    ``layer`` is the class activation maps' (default: the last that has a plane), ``background`` (M, C, H, W) the pictures
    that expected_gradients compares with. Raises ValueError for an unknown name, and for expected_gradients without a
    background.
    """
    if names is None:
        names = [name for name in METHODS if background is not None or not takes(name, "background")]
    names = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in names if name not in METHODS]
    if unknown:
        raise ValueError(f"explain: no method {unknown[0]!r}; there are: {', '.join(METHODS)}")
    if "expected_gradients" in names and background is None:
        raise ValueError("explain: expected_gradients needs pictures to compare with: background=… (M, C, H, W)")
    return {name: prepared(name, seed, layer, background) for name in names}


def prepared(name: str, seed: int, layer: Any, background: Any) -> Method:
    """One method with its settings."""
    method = METHODS[name]

    @giving(Maps)
    def call(model: Any, x: Any, target: Any) -> Any:
        settings: dict[str, Any] = {}
        if takes(name, "rng"):
            settings["rng"] = Generator(seed)
        if takes(name, "layer") and layer is not None:
            settings["layer"] = layer
        if takes(name, "background"):
            settings["background"] = background
        if takes(name, "window"):
            settings["window"] = window = max(1, min(planes(x).shape[2:]) // 8)
            settings["stride"] = max(1, window // 2)
        if name == "feature_ablation":
            settings["features"] = superpixels(x)
        maps = method(model, x, target, **settings)
        if name == "rise":
            level = maps.mean((1, 2), keepdims=True)
            maps = np.where(differ(maps, level, maps.dtype), maps - level, 0)
        return maps

    call.__name__ = name
    return call


def applied(methods: Mapping[str, Method], model: Any, x: Any, target: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """name → maps of each method that this net has a use for, and of each other one what it said.

    Not every method is for every net: one without a ReLU has no guided backpropagation, one without a plane no Grad-CAM.
    """
    maps, refused = {}, {}
    for name, method in methods.items():
        try:
            maps[name] = method(model, x, target)
        except (ValueError, RuntimeError) as error:
            refused[name] = str(error)
    return maps, refused
