"""An encoder and decoder in the manner of SegNet: the decoder puts each number back where max-pooling took it from."""

from __future__ import annotations

from typing import Any

from .. import nn
from .fcn import WIDTHS, check_pictures
from .normed import normed3x3


class SegNet(nn.Module):
    """Logits for every pixel by pooling and unpooling (Badrinarayanan, Kendall and Cipolla, 2017).

    Pictures (N, channels, H, W), H and W at least 32 and otherwise any, → (N, classes, H, W). Five times convolution,
    batch norm, ReLU and max-pooling, which notes where each largest number was; five times unpooling to those places, with
    zeros between, then convolution and batch norm, which fill them; a 1×1 convolution to scores. So nothing is enlarged by
    weights, and of the encoder's maps the decoder gets the places alone. One convolution a stage, and no ReLU in the
    decoder, are the paper's SegNet-Basic; the large one is VGG-16 and its mirror image. Of sizes that 2 does not divide,
    pooling keeps the odd row (``ceil_mode``), and unpooling makes the size that was there. ValueError for pictures that are
    too small or have other channels.
    """

    def __init__(self, classes: int, channels: int, width: int) -> None:
        super().__init__()
        self.channels = channels
        widths = [k * width for k in WIDTHS]
        self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()
        for into, out in zip((channels, *widths), widths):
            self.encoder.append(normed3x3(into, out))
        for into, out in zip(widths[::-1], (*widths[-2::-1], widths[0])):
            conv = nn.Conv2d(into, out, 3, padding=1, bias=False)
            self.decoder.append(nn.Sequential({"conv": conv, "norm": nn.BatchNorm2d(out)}))
        self.pool, self.unpool = nn.MaxPool2d(2, ceil_mode=True, return_indices=True), nn.MaxUnpool2d(2)
        self.score = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x: Any) -> Any:
        """Logits (N, classes, H, W)."""
        check_pictures(x, self.channels, "SegNet")
        undo = []
        for stage in self.encoder:
            x = stage(x)
            size = x.shape[2:]
            x, places = self.pool(x)
            undo.append((places, size))
        for stage in self.decoder:
            x = stage(self.unpool(x, *undo.pop()))
        return self.score(x)


def segnet(classes: int = 10, channels: int = 3, width: int = 8) -> SegNet:
    """A net in the manner of SegNet: pictures (N, channels, H, W) → logits (N, classes, H, W); see SegNet.

    3w × (H/2)² → 4w × (H/4)² → 8w × (H/8)² → 8w × (H/16)² → 12w × (H/32)², and back: 8w × (H/16)² → 8w × (H/8)² →
    4w × (H/4)² → 3w × (H/2)² → 3w × H² → scores, for w = ``width``.
    """
    return SegNet(classes, channels, width)
