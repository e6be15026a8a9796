"""The generator and the discriminator of DCGAN (Radford, Metz and Chintala, 2016), for pictures of 8 to 64 pixels."""

from __future__ import annotations

import itertools
from typing import Any

from .. import nn
from ..nn.utils import spectral_norm
from .conditional import told

SIZES = (8, 16, 32, 64)
NORMS = ("batch", "spectral", "none")
STD = 0.02  # of the first weights, as in the paper


class DCGANGenerator(nn.Module):
    """z → 4×4 → 8×8 → …, doubled by transposed convolutions; see ``dcgan_generator``."""

    def __init__(self, size: int, channels: int, latent: int, classes: int, width: int) -> None:
        super().__init__()
        self.latent, self.classes, self.shape = latent, classes, (channels, size, size)
        widths = [width * size // side for side in doubled(size)]  # of the pictures of 4, 8, … size / 2 pixels
        layers: list[nn.Module] = [
            nn.Linear(latent + classes, widths[0] * 16, bias=False),
            nn.Unflatten(1, (widths[0], 4, 4)),
        ]
        for into, out in itertools.pairwise(widths):
            layers += [nn.BatchNorm2d(into), nn.ReLU(), nn.ConvTranspose2d(into, out, 4, 2, 1, bias=False)]
        layers += [nn.BatchNorm2d(widths[-1]), nn.ReLU(), nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1)]
        self.layers = nn.Sequential(*layers, nn.Sigmoid())
        small(self)

    def forward(self, z: Any, y: Any = None) -> Any:
        """Pictures (N, C, S, S) in [0, 1] of z (N, latent) and, where there are classes, y (N,)."""
        return self.layers(told(self, z, y))


class DCGANDiscriminator(nn.Module):
    """x → size/2 → … → 4×4 → one number, halved by convolutions; see ``dcgan_discriminator``."""

    def __init__(self, size: int, channels: int, classes: int, width: int, norm: str) -> None:
        super().__init__()
        if norm not in NORMS:
            raise ValueError(f"dcgan_discriminator: norm must be one of {', '.join(NORMS)}, got {norm!r}")
        self.classes, self.shape = classes, (channels, size, size)
        layers: list[nn.Module] = []
        into = channels + classes
        for side in reversed(doubled(size)):
            out = width * size // side // 2
            layers.append(nn.Conv2d(into, out, 4, 2, 1, bias=norm != "batch" or not layers))
            if norm == "batch" and len(layers) > 1:  # the first layer sees the pictures as they are
                layers.append(nn.BatchNorm2d(out))
            layers.append(nn.LeakyReLU(0.2))
            into = out
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(into * 16, 1))
        small(self)
        if norm == "spectral":
            for module in self.layers:
                if isinstance(module, (nn.Conv2d, nn.Linear)):
                    spectral_norm(module)

    def forward(self, x: Any, y: Any = None) -> Any:
        """A logit a picture (N,), above 0 for real, of pictures x (N, C, S, S) and, where there are classes, y (N,)."""
        return self.layers(told(self, x, y)).reshape(-1)


def dcgan_generator(
    size: int = 32, channels: int = 3, latent: int = 64, classes: int = 0, width: int = 32
) -> DCGANGenerator:
    """Noise z (N, latent) and, with ``classes``, class numbers y (N,) → pictures (N, channels, size, size) in [0, 1].

    A dense layer makes 4×4 places of z, transposed convolutions (4×4, stride 2) double the side and halve the channels down to
    ``width`` · 2, each after batch norm and ReLU; the last gives the picture, through a sigmoid. First weights are normal with
    std 0.02. Raises ValueError unless ``size`` is 8, 16, 32 or 64. Source: Radford et al., 2016, section 3.
    """
    return DCGANGenerator(size, channels, latent, classes, width)


def dcgan_discriminator(
    size: int = 32, channels: int = 3, classes: int = 0, width: int = 32, norm: str = "batch"
) -> DCGANDiscriminator:
    """Pictures x (N, channels, size, size) and, with ``classes``, y (N,) → logits (N,), above 0 for real.

    Convolutions (4×4, stride 2), the first to ``width`` channels, halve the side and double the channels down to 4×4, each
    with a leaky ReLU of slope 0.2; a dense layer gives the number. ``norm``: "batch" norm but in the first, as in the paper;
    "spectral" norm of every weight (Miyato et al., 2018); or "none", for a gradient penalty. Raises ValueError unless
    ``size`` is 8, 16, 32 or 64. Source: Radford et al., 2016, section 3.
    """
    return DCGANDiscriminator(size, channels, classes, width, norm)


def doubled(size: int) -> list[int]:
    """4, 8, … up to half the size: the sides on the way."""
    if size not in SIZES:
        raise ValueError(f"dcgan: size must be one of {', '.join(map(str, SIZES))}, got {size!r}")
    return [side for side in (4, 8, 16, 32) if side < size]


def small(net: nn.Module) -> None:
    """First weights normal: convolutions' around 0, batch norms' around 1."""
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.normal_(module.weight, std=STD)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1, STD)
