"""A small net for pixels that looks at the picture in several sizes at once."""

from __future__ import annotations

from typing import Any

from .. import nn
from ..nn import functional as F
from ..scopes import here
from .normed import normed

WIDTHS = 16, 32, 48, 64


class SkipNet(nn.Module):
    """Logits for every pixel: scores at strides 1, 2, 4, 8, each enlarged to the next finer one and added to it.

    As FCN, but the finest scores are the picture's own size, so that borders are as sharp as the net makes them; with a single
    3×3 convolution a stage it sees 38 pixels. A stage is convolution, batch norm and ReLU, after max-pooling by 2 in all but
    the first. Pictures (N, channels, H, W), H and W at least 8 and otherwise any, → (N, classes, H, W).
    """

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.stages, self.scores = nn.Sequential(), nn.Sequential()
        for k, width in enumerate(WIDTHS):
            pool = [nn.MaxPool2d(2, ceil_mode=True)] if k else []
            self.stages.append(nn.Sequential(*pool, block(channels, width), block(width, width)))
            self.scores.append(nn.Conv2d(width, classes, 1))
            channels = width

    def forward(self, x: Any) -> Any:
        """Logits (N, classes, H, W)."""
        deepest = 2 ** (len(WIDTHS) - 1)
        if x.ndim != 4 or x.shape[1] != self.channels or min(x.shape[2:]) < deepest:
            raise ValueError(
                f"{here('skip_net')}: expected pictures (N, {self.channels}, H, W), H and W at least {deepest}, got {tuple(x.shape)}"
            )
        maps = []
        for stage, score in zip(self.stages, self.scores):
            x = stage(x)
            maps.append(score(x))
        logits = maps.pop()
        while maps:
            finer = maps.pop()
            logits = F.interpolate(logits, finer.shape[2:], mode="bilinear") + finer
        return logits


def block(channels: int, width: int) -> nn.Sequential:
    """(N, channels, H, W) → (N, width, H, W): a 3×3 convolution, batch norm and ReLU."""
    return normed(nn.Conv2d(channels, width, 3, padding=1, bias=False))  # batch norm has a bias of its own


def skip_net(classes: int = 2, channels: int = 1) -> SkipNet:
    """16 × (H)² → 32 × (H/2)² → 48 × (H/4)² → 64 × (H/8)², with scores of each, enlarged and summed: see SkipNet."""
    return SkipNet(classes, channels)
