"""A net in the manner of VGG, for small pictures: 3×3 convolutions in pairs, and a dense layer."""

from __future__ import annotations

from .. import nn


def vgg(classes: int = 10, channels: int = 3, size: int = 32, width: int = 32) -> nn.Sequential:
    """Three times two 3×3 convolutions and max-pooling (Simonyan and Zisserman, 2015), two dense layers.

    (N, channels, S, S) → w × S² → 2w × (S/2)² → 4w × (S/4)² → pooled to (S/8)² → 8w → logits (N, classes), for
    w = ``width`` and S = ``size``, at least 8. Batch normalisation (Ioffe and Szegedy, 2015) after every
    convolution, dropout 0.25 after every pooling and 0.5 before the last layer (Srivastava et al., 2014), which the
    paper's larger net had none or less of: small sets of pictures need them.
    """
    if size < 8:
        raise ValueError(f"vgg: pictures must be at least 8×8, got size={size}")
    layers: list[nn.Module] = []
    for out in (width, 2 * width, 4 * width):
        for into in (channels, out):
            layers += [
                nn.Conv2d(into, out, 3, padding=1, bias=False),  # batch norm has a bias of its own
                nn.BatchNorm2d(out),
                nn.ReLU(),
            ]
        layers += [nn.MaxPool2d(2), nn.Dropout(0.25)]
        channels = out
    classifier = nn.Sequential(
        nn.Flatten(),
        nn.Linear(channels * (size // 8) ** 2, 8 * width),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(8 * width, classes),
    )
    return nn.Sequential({"features": nn.Sequential(*layers), "classifier": classifier})
