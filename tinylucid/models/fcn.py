"""Fully convolutional nets: which class is each pixel? FCN-32s, FCN-16s and FCN-8s of one class."""

from __future__ import annotations

from typing import Any

from .. import nn
from ..ops.shape import tensor_like
from ..scopes import here
from .normed import normed3x3

WIDTHS = 3, 4, 8, 8, 12  # channels of the encoder's stages, times ``width``
DEEPEST = 2 ** len(WIDTHS)  # pixels a side that one cell of the last stage stands for


class FCN(nn.Module):
    """Logits for every pixel: coarse scores, enlarged, added to scores of finer maps, enlarged (Long et al., 2015).

    Pictures (N, channels, H, W), H and W at least 32 and otherwise any, → (N, classes, H, W). Five stages of convolution,
    batch norm, ReLU and max-pooling give pool1 … pool5, at strides 2 … 32. A 1×1 convolution scores each cell of pool5;
    with ``stride`` 16 the scores are enlarged by 2 and pool4's are added, with 8 pool3's too: what is there comes from the
    coarse map, where it ends from the finer. Then they are enlarged by ``stride`` to the picture's size.

    Of sizes that 2 does not divide, pooling keeps the odd row (``ceil_mode``), so what is enlarged is never smaller than
    what it is added to, and lies on it from the first row on: the rest is cut off. The paper pads the picture by 100
    pixels instead, and cuts from the middle.

    Enlarging is a transposed convolution initialised bilinear, of each class by itself (groups = classes). In the paper it
    is one across classes that begins as this one, with zeros between classes: for ten, ten times the weights and three times
    the work. As there, the last one is fixed, those before it are learnt. ValueError for pictures that are too small or
    have other channels.
    """

    def __init__(self, classes: int, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.channels, self.stride = channels, stride
        widths = [k * width for k in WIDTHS]
        self.encoder = nn.Sequential(
            {f"stage{k + 1}": stage(*sizes) for k, sizes in enumerate(zip((channels, *widths), widths))}
        )
        self.score_pool5 = nn.Conv2d(widths[4], classes, 1)
        if stride <= 16:
            self.upscore_pool5 = upscore(classes, 2)
            self.score_pool4 = nn.Conv2d(widths[3], classes, 1)
        if stride <= 8:
            self.upscore_pool4 = upscore(classes, 2)
            self.score_pool3 = nn.Conv2d(widths[2], classes, 1)
        self.upscore = upscore(classes, stride).requires_grad_(False)

    def forward(self, x: Any) -> Any:
        """Logits (N, classes, H, W)."""
        check_pictures(x, self.channels, f"FCN-{self.stride}s")
        pools = [x]
        for layers in self.encoder:
            pools.append(layers(pools[-1]))
        *_, pool3, pool4, pool5 = pools
        scores = self.score_pool5(pool5)
        if self.stride <= 16:
            scores = crop(self.upscore_pool5(scores), pool4) + self.score_pool4(pool4)
        if self.stride <= 8:
            scores = crop(self.upscore_pool4(scores), pool3) + self.score_pool3(pool3)
        return crop(self.upscore(scores), x)


def stage(into: int, out: int) -> nn.Sequential:
    """(N, into, H, W) → (N, out, H/2, W/2), halves rounded up."""
    layers = normed3x3(into, out)
    layers.add_module("pool", nn.MaxPool2d(2, ceil_mode=True))
    return layers


def upscore(classes: int, stride: int) -> nn.ConvTranspose2d:
    """Scores (N, classes, H, W) → (N, classes, H · stride, W · stride), at first bilinear."""
    layer = nn.ConvTranspose2d(classes, classes, 2 * stride, stride, padding=stride // 2, groups=classes, bias=False)
    nn.init.bilinear_(layer.weight)
    return layer


def crop(x: Any, like: Any) -> Any:
    """The upper left part of x (N, C, H, W) that is as high and wide as ``like``."""
    h, w = like.shape[2:]
    return x if x.shape[2:] == (h, w) else x[:, :, :h, :w]


def check_pictures(x: Any, channels: int, name: str, least: int = DEEPEST) -> None:
    """ValueError unless x is (N, channels, H, W) and one cell of the last stage fits into it; TypeError for no tensor."""
    if tensor_like(x, name).ndim == 4 and x.shape[1] == channels and min(x.shape[2:]) >= least:
        return
    advice = "x[None] makes a batch of one"
    if x.ndim == 4 and x.shape[1] != channels:
        advice = f"build the net with channels={x.shape[1]}, or x.permute(0, 3, 1, 2) if channels are last"
    elif x.ndim == 4:
        advice = "enlarge the pictures, by F.interpolate, or F.pad them"
    raise ValueError(
        f"{here(name)}: expected pictures (N, {channels}, H, W), H and W at least {least}, the stride of its last stage; "
        f"got {tuple(x.shape)}; {advice}"
    )


def fcn32s(classes: int = 10, channels: int = 3, width: int = 8) -> FCN:
    """FCN-32s: pictures (N, channels, H, W) → logits (N, classes, H, W) from the coarsest map alone; see FCN.

    3w × (H/2)² → 4w × (H/4)² → 8w × (H/8)² → 8w × (H/16)² → 12w × (H/32)² → scores, enlarged by 32, for w = ``width``.
    """
    return FCN(classes, channels, width, 32)


def fcn16s(classes: int = 10, channels: int = 3, width: int = 8) -> FCN:
    """FCN-16s: FCN-32s, whose scores are enlarged by 2, with those of the map at stride 16 added, then by 16; see FCN."""
    return FCN(classes, channels, width, 16)


def fcn8s(classes: int = 10, channels: int = 3, width: int = 8) -> FCN:
    """FCN-8s: FCN-16s, whose scores are enlarged by 2, with those of the map at stride 8 added, then by 8; see FCN."""
    return FCN(classes, channels, width, 8)
