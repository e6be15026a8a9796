"""Utilities for modules: spectral normalisation of a weight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from tinylucid_kernels.gpu.replay import changed

from .. import devices, ops
from ..ops.shape import axis_of
from ..ops.spelling import looked_up
from ..random import default_generator
from ..tensor import Tensor
from .conv import ConvTranspose2d
from .module import Module, Parameter


class SpectralNorm:
    """A hook that divides a weight by its largest singular value before each forward; see :func:`spectral_norm`.

    The module keeps the weight itself as parameter ``<name>_orig``, and as buffers the estimates of the left and right
    singular vectors, u ``<name>_u`` and v ``<name>_v``; ``<name>`` is made anew from them.
    """

    def __init__(self, name: str, n_power_iterations: int, eps: float, dim: int) -> None:
        self.name, self.n_power_iterations, self.eps, self.dim = name, n_power_iterations, eps, dim

    def __call__(self, module: Module, args: Any) -> None:
        """Before forward: put the normalised weight in place; in training after improving u and v."""
        if module.training:
            self.iterate(module)
        setattr(module, self.name, self.normalised(module))

    def matrix(self, weight: Any) -> Any:
        """The weight as (rows along ``dim``, all else)."""
        if self.dim:
            weight = ops.permute(weight, self.dim, *(k for k in range(weight.ndim) if k != self.dim))
        return ops.reshape(weight, weight.shape[0], -1)

    def iterate(self, module: Module) -> None:
        """Power iteration: v ← Wᵀu / |Wᵀu|, u ← Wv / |Wv|, whose limits belong to the largest singular value."""
        matrix = self.matrix(getattr(module, f"{self.name}_orig").data)
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        for _ in range(self.n_power_iterations):
            v.data[...] = unit(ops.matmul(matrix.T, u.data), self.eps)
            u.data[...] = unit(ops.matmul(matrix, v.data), self.eps)
        changed(u.version)
        changed(v.version)

    def normalised(self, module: Module) -> Any:
        """W / σ with σ = uᵀ W v, u and v constant; so ∂W = (g − u vᵀ·Σ(g·W/σ)) / σ."""
        weight = getattr(module, f"{self.name}_orig")
        u, v = (getattr(module, f"{self.name}_{k}").data.copy() for k in "uv")  # a second forward changes them
        return weight / (u @ self.matrix(weight) @ v)


def unit(x: Any, eps: float) -> Any:
    """x / |x|, |x| at least eps."""
    return x / np.maximum(np.linalg.norm(x), eps).astype(x.dtype)


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide the module's weight by its spectral norm, the largest singular value, in every forward; returns the module.

    The module becomes 1-Lipschitz in its input, as the critic of a GAN should be (Miyato et al., 2018). The weight is
    taken as a matrix whose rows run along ``dim`` (None: 0, and 1 for transposed convolution). Each forward in training mode
    does ``n_power_iterations`` of the estimate, which is saved with the module; evaluation leaves it as it is. Raises
    ValueError where the weight is no parameter, or has a spectral norm already, or for no power iterations.
    """
    weight = module._parameters.get(name)
    if any(hook.name == name for hook in _hooks(module).values()):
        raise ValueError(f"spectral_norm: {name!r} of {type(module).__name__} has a spectral norm already")
    if weight is None or weight.ndim < 2:
        raise ValueError(f"spectral_norm: {name!r} of {type(module).__name__} is no parameter of at least two axes")
    if n_power_iterations < 1:
        raise ValueError(f"spectral_norm: n_power_iterations must be at least 1, got {n_power_iterations}")
    dim = int(isinstance(module, ConvTranspose2d)) if dim is None else axis_of(dim, weight.ndim, "spectral_norm")
    hook = SpectralNorm(name, n_power_iterations, eps, dim)
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    rows, columns = hook.matrix(weight.data).shape
    for suffix, n in (("u", rows), ("v", columns)):
        module.register_buffer(
            f"{name}_{suffix}", Tensor(devices.beside(unit(default_generator.normal((n,), weight.dtype), eps), weight))
        )
    setattr(module, name, hook.normalised(module).detach())
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make the normalised weight, as it is now, an ordinary parameter again; returns the module.

    Raises ValueError where there is no spectral norm.
    """
    for key, hook in _hooks(module).items():
        if hook.name == name:
            weight = hook.normalised(module).detach()
            del module._forward_pre_hooks[key]
            for attribute in (name, f"{name}_orig", f"{name}_u", f"{name}_v"):
                delattr(module, attribute)
            module.register_parameter(name, Parameter(weight))
            return module
    raise ValueError(f"remove_spectral_norm: {name!r} of {type(module).__name__} has no spectral norm")


def _hooks(module: Module) -> dict[Any, SpectralNorm]:
    return {key: hook for key, hook in module._forward_pre_hooks.items() if isinstance(hook, SpectralNorm)}


if not TYPE_CHECKING:
    __getattr__ = looked_up("nn.utils", ("spectral_norm", "remove_spectral_norm"))
