"""What is explained of a segmentation: how strongly the pixels of a region are taken for a class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import devices


def region(k: int, mask: Any = None) -> Callable[[Any], Any]:
    """A target for the methods of tl.explain: the mean logit of class k over the pixels of ``mask``, one number a picture.

    ``mask`` is bool, (H, W) for all pictures or (N, H, W) for each its own; by default all pixels count. What the net itself
    takes for class k is ``region(k, tl.segment.masks(model, x) == k)``: found once, so that a method that changes the picture
    still asks about the same pixels. Raises ValueError for a mask of another kind or one that is empty, and when it is called
    for logits that are not (N, K, H, W), a class that there is not, and a mask of another size.
    """
    if not isinstance(k, (int, np.integer)) or k < 0:
        raise ValueError(f"region: k must be a class number ≥ 0, got {k!r}; classes.index(name) gives that of a name")
    share = None if mask is None else shares(mask)

    def wanted(logits: Any) -> Any:
        if logits.ndim != 4 or k >= logits.shape[1]:
            raise ValueError(
                f"region: expected logits (N, K, H, W) with K > {k}, got {logits.shape}; count classes from 0, "
                "and for one answer a picture give the class number itself as the target"
            )
        if share is None:
            return logits[:, k].mean((1, 2))
        if share.shape[1:] != logits.shape[2:] or len(share) not in (1, len(logits)):
            raise ValueError(
                f"region: the logits are {logits.shape}, so the mask must be {logits.shape[2:]} or "
                f"{(len(logits), *logits.shape[2:])}, got {share.shape if len(share) > 1 else share.shape[1:]}"
            )
        weight = devices.put(share.astype(logits.dtype), devices.of(logits))
        return (logits[:, k] * weight).sum((1, 2))

    return wanted


def shares(mask: Any) -> Any:
    """A mask as each pixel's share of its mean, (1 or N, H, W); ValueError for what is no mask, and for one without a pixel."""
    mask = devices.host(mask)
    if mask.dtype != bool or mask.ndim not in (2, 3):
        raise ValueError(
            f"region: mask must be bool (H, W) or (N, H, W), got {mask.dtype} {mask.shape}; y == k makes one of class numbers"
        )
    mask = mask if mask.ndim == 3 else mask[None]
    count = mask.sum((1, 2))
    if not count.all():
        which = f" of picture {int((count == 0).argmax())}" if len(mask) > 1 else ""
        raise ValueError(f"region: the mask{which} {mask.shape[1:]} has no pixel; leave such pictures out")
    return mask / count[:, None, None]
