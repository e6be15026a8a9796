"""A small net of depthwise-separable convolutions."""

from __future__ import annotations

from .. import nn
from .normed import normed, normed3x3


def separable(classes: int = 10, channels: int = 3, width: int = 32) -> nn.Sequential:
    """Depthwise-separable convolutions in the manner of MobileNet (Howard et al., 2017), for small pictures.

    (N, channels, S, S) → w × S² → 2w × S² → 4w × (S/2)² twice → 8w × (S/4)² twice → each channel's mean → logits
    (N, classes), for w = ``width``. A block is a 3×3 convolution of each channel by itself, then a 1×1 convolution across
    channels, each with batch norm and ReLU: 9·C + C·D weights where a whole 3×3 convolution C → D has 9·C·D.
    """
    layers = [normed3x3(channels, width)]
    into = width
    for out, stride in ((2 * width, 1), (4 * width, 2), (4 * width, 1), (8 * width, 2), (8 * width, 1)):
        depthwise = nn.Conv2d(into, into, 3, stride, padding=1, groups=into, bias=False)
        pointwise = nn.Conv2d(into, out, 1, bias=False)
        layers.append(nn.Sequential({"depthwise": normed(depthwise), "pointwise": normed(pointwise)}))
        into = out
    return nn.Sequential(
        {
            "features": nn.Sequential(*layers),
            "pool": nn.AdaptiveAvgPool2d(1),
            "flatten": nn.Flatten(),
            "classifier": nn.Linear(into, classes),
        }
    )
