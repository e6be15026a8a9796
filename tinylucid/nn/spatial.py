"""Layers without parameters that resize pictures or frame them."""

from __future__ import annotations

from typing import Any

from .. import ops
from .module import Module


class Upsample(Module):
    """Pictures of another size; arguments as F.interpolate."""

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size, self.scale_factor, self.mode = size, scale_factor, mode
        self.align_corners, self.recompute_scale_factor = align_corners, recompute_scale_factor

    def forward(self, input: Any) -> Any:
        """See F.interpolate."""
        how = self.mode, self.align_corners, self.recompute_scale_factor
        return ops.interpolate(input, self.size, self.scale_factor, *how)

    def extra_repr(self) -> str:
        """The arguments."""
        size = f"size={self.size}" if self.size is not None else f"scale_factor={self.scale_factor}"
        return f"{size}, mode={self.mode!r}"


class _Pad2d(Module):
    """What the layers that frame pictures share: ``padding`` is (left, right, top, bottom), or one number for all four."""

    mode = "constant"

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = (padding,) * 4 if isinstance(padding, int) else tuple(padding)
        if len(self.padding) != 4:
            raise ValueError(
                f"{type(self).__name__}: padding must be an integer or (left, right, top, bottom), got {padding!r}"
            )

    def forward(self, input: Any) -> Any:
        """See F.pad."""
        return ops.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        """The argument."""
        return f"{self.padding}"


class ZeroPad2d(_Pad2d):
    """A frame of zeros."""


class ReflectionPad2d(_Pad2d):
    """A frame that mirrors the picture at its outermost pixels, without them."""

    mode = "reflect"


class ReplicationPad2d(_Pad2d):
    """A frame that repeats the outermost pixels."""

    mode = "replicate"
