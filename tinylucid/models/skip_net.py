"""A small net for pixels that looks at the picture in several sizes at once."""

from __future__ import annotations

from typing import Any

from .. import nn
from ..nn import functional as F
from .fcn import check_pictures, crop
from .normed import normed3x3

STAGES = 4  # at strides 1, 2, 4 and 8


class SkipNet(nn.Module):
    """Logits for every pixel: scores at strides 1, 2, 4, 8, each enlarged to the next finer one and added to it.

    As FCN, but the finest scores are of the picture's own size, so that thin things and sharp borders can be learnt, and the
    enlarging is bilinear and not learnt. A stage is two 3×3 convolutions with batch norm and ReLU, in all but the first after
    max-pooling by 2. Pictures (N, channels, H, W), H and W at least 8 and otherwise any, → (N, classes, H, W). ValueError for
    pictures that are too small or have other channels.
    """

    def __init__(self, classes: int, channels: int, width: int) -> None:
        super().__init__()
        self.channels = channels
        stages = {}
        for k in range(STAGES):
            out, pool = width * (k + 1), [nn.MaxPool2d(2, ceil_mode=True)] if k else []
            stages[f"stride{2**k}"] = nn.Sequential(*pool, normed3x3(channels, out), normed3x3(out, out))
            channels = out
        self.stages = nn.Sequential(stages)
        self.scores = nn.Sequential(
            {f"stride{2**k}": nn.Conv2d(width * (k + 1), classes, 1) for k in reversed(range(STAGES))}
        )

    def forward(self, x: Any) -> Any:
        """Logits (N, classes, H, W)."""
        check_pictures(x, self.channels, "skip_net", 2 ** (STAGES - 1))
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        logits = None
        for score, x in zip(self.scores, reversed(maps)):
            finer = score(x)
            logits = (
                finer if logits is None else crop(F.interpolate(logits, scale_factor=2, mode="bilinear"), finer) + finer
            )
        return logits


def skip_net(classes: int = 2, channels: int = 1, width: int = 16) -> SkipNet:
    """Pictures (N, channels, H, W) → logits (N, classes, H, W) from maps of four sizes; see SkipNet.

    w × H² → 2w × (H/2)² → 3w × (H/4)² → 4w × (H/8)², each scored, the scores enlarged and summed, for w = ``width``.
    """
    return SkipNet(classes, channels, width)
