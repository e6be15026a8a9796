"""A generator and a discriminator of dense layers, for pictures so small that a convolution has no room: 8×8 digits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import nn
from .conditional import told


class DenseGenerator(nn.Module):
    """z → dense, batch norm, ReLU, …, dense, sigmoid; see ``dense_generator``."""

    def __init__(self, size: int, channels: int, latent: int, classes: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.latent, self.classes, self.shape = latent, classes, (channels, size, size)
        layers: list[nn.Module] = []
        into = latent + classes
        for width in widths:
            layers += [nn.Linear(into, width), nn.BatchNorm1d(width), nn.ReLU()]
            into = width
        self.layers = nn.Sequential(*layers, nn.Linear(into, math.prod(self.shape)), nn.Sigmoid())

    def forward(self, z: Any, y: Any = None) -> Any:
        """Pictures (N, C, S, S) in [0, 1] of z (N, latent) and, where there are classes, y (N,)."""
        return self.layers(told(self, z, y)).reshape(-1, *self.shape)


class DenseDiscriminator(nn.Module):
    """x → dense, leaky ReLU, dropout, …, dense; see ``dense_discriminator``."""

    def __init__(self, size: int, channels: int, classes: int, widths: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.classes, self.shape = classes, (channels, size, size)
        layers: list[nn.Module] = []
        into = math.prod(self.shape) + classes
        for width in widths:
            layers += [nn.Linear(into, width), nn.LeakyReLU(0.2), nn.Dropout(dropout)]
            into = width
        self.layers = nn.Sequential(*layers, nn.Linear(into, 1))

    def forward(self, x: Any, y: Any = None) -> Any:
        """A logit a picture (N,), above 0 for real, of pictures x (N, C, S, S) and, where there are classes, y (N,)."""
        return self.layers(told(self, x.reshape(len(x), -1), y)).reshape(-1)


def dense_generator(
    size: int = 8, channels: int = 1, latent: int = 32, classes: int = 0, widths: Sequence[int] = (128, 256)
) -> DenseGenerator:
    """Noise z (N, latent) and, with ``classes``, class numbers y (N,) → pictures (N, channels, size, size) in [0, 1].

    Dense layers of ``widths``, each with batch norm and ReLU, then a dense layer and a sigmoid (Goodfellow et al., 2014; batch
    norm: Ioffe and Szegedy, 2015).
    """
    return DenseGenerator(size, channels, latent, classes, widths)


def dense_discriminator(
    size: int = 8, channels: int = 1, classes: int = 0, widths: Sequence[int] = (256, 128), dropout: float = 0.3
) -> DenseDiscriminator:
    """Pictures x (N, channels, size, size) and, with ``classes``, y (N,) → logits (N,), above 0 for real.

    Dense layers of ``widths``, each with a leaky ReLU of slope 0.2 and dropout, without which so few pictures would be learnt
    by heart; then one number (Goodfellow et al., 2014).
    """
    return DenseDiscriminator(size, channels, classes, widths, dropout)
