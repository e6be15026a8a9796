"""LeNet: two convolutions and three dense layers."""

from __future__ import annotations

from .. import nn


def lenet(classes: int = 10, channels: int = 1, size: int = 32, padding: int = 0) -> nn.Sequential:
    """LeNet-5 (LeCun et al., 1998), with ReLU and max-pooling and without the table of links: 61,706 parameters.

    (N, channels, S, S) → 6 × (S + 2 padding − 4)² → pooled by 2 → 16 × (…  − 4)² → pooled by 2 → 120 → 84 → logits
    (N, classes). ``size`` is S; for MNIST's 28×28 pictures padding=2 gives the paper's 32×32.
    Raises ValueError for pictures smaller than 16×16 with their padding.
    """
    if size + 2 * padding < 16:
        raise ValueError(
            f"lenet: pictures must be at least 16×16 with their padding, got size={size}, padding={padding}"
        )
    side = ((size + 2 * padding - 4) // 2 - 4) // 2
    layers = {
        "conv1": nn.Conv2d(channels, 6, 5, padding=padding),
        "relu1": nn.ReLU(),
        "pool1": nn.MaxPool2d(2),
        "conv2": nn.Conv2d(6, 16, 5),
        "relu2": nn.ReLU(),
        "pool2": nn.MaxPool2d(2),
        "flatten": nn.Flatten(),
        "fc1": nn.Linear(16 * side * side, 120),
        "relu3": nn.ReLU(),
        "fc2": nn.Linear(120, 84),
        "relu4": nn.ReLU(),
        "fc3": nn.Linear(84, classes),
    }
    return nn.Sequential(layers)
