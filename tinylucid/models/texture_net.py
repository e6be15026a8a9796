"""A small convolutional classifier of textures."""

from __future__ import annotations

from .. import nn


def texture_net(classes: int = 10, channels: int = 1) -> nn.Sequential:
    """Pictures (N, channels, H, W), H and W at least 8, → logits (N, classes).

    Three times convolution, batch normalisation, ReLU and max-pooling, with 16, 32 and 64 channels; then each channel's
    mean over the picture, since where in the patch a texture lies does not matter; dropout 0.2; a dense layer.
    """
    layers: list[nn.Module] = []
    for width in (16, 32, 64):
        layers += [
            nn.Conv2d(channels, width, 3, padding=1, bias=False),  # batch norm has a bias of its own
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(channels, classes))
