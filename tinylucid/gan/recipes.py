"""Recipes that were found by trial: which nets and settings learn to draw digits, surfaces, and pictures of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import data, models
from ..data import Preprocess, Splits
from ..nn import Module
from ..optim import Adam
from .augment import Alike
from .fit import BETAS, Trained, fit
from .losses import non_saturating


@dataclass
class Recipe:
    """Pictures to learn from and to judge by, two nets that are not trained yet, and the arguments of ``fit``."""

    data: Splits
    generator: Module
    discriminator: Module
    how: dict[str, Any]

    def fit(self, **more: Any) -> Trained:
        """``tl.gan.fit`` by this recipe; ``more`` takes the place of its arguments, such as epochs, or adds to them."""
        return fit(self.generator, self.discriminator, self.data.train, **{**self.how, **more})


def digits(seed: int = 0) -> Recipe:
    """Handwritten digits, 8×8, drawn class by class: dense nets, 28 epochs of 250 steps, half a minute on two cores.

    The average of the generator matters most: without it the share that is recognised goes up and down from step to step.
    """
    g = models.build("dense_generator", size=8, channels=1, classes=10)
    d = models.build("dense_discriminator", size=8, channels=1, classes=10)
    how = {
        "loss": non_saturating(0.9),
        "epochs": 28,
        "steps_per_epoch": 250,
        "batch_size": 64,
        **adams(g, d, 4e-4),
    }
    return Recipe(data.digits(seed), g, d, how)


def textures(seed: int = 0) -> Recipe:
    """Ten surfaces, 32×32 in colour, class by class: DCGAN, 20 epochs of 100 steps, five minutes on two cores.

    A stated limit: it learns colours and grain, and no bricks.
    """
    return convolutional(data.textures(seed, color=True), 32)


def folder(path: str | Path, size: int = 32, color: bool = True, seed: int = 0) -> Recipe:
    """Pictures of your own, laid out as FOLDER/CLASS/picture.jpg, as squares of 8, 16, 32 or 64 pixels, class by class.

    Raises what tl.data.image_splits raises, and ValueError for another size.
    """
    return convolutional(data.image_splits(path, size, color, Preprocess(size, color), seed=seed, progress=True), size)


def convolutional(splits: Splits, size: int) -> Recipe:
    """DCGAN as in the paper, narrow. With spectral norm, or R1 in place of batch norm, grain was coarser after as many steps."""
    known = {"size": size, "channels": splits.train.x.shape[1], "classes": len(splits.train.classes), "width": 16}
    g = models.build("dcgan_generator", **known)
    d = models.build("dcgan_discriminator", norm="batch", **known)
    how = {
        "loss": non_saturating(0.9),
        "epochs": 20,
        "steps_per_epoch": 100,
        "batch_size": 64,
        "augment": Alike(flip=True),
        "average": 0.995,
        **adams(g, d, 4e-4),
    }
    return Recipe(splits, g, d, how)


def adams(g: Module, d: Module, lr: float) -> dict[str, Adam]:
    """The two optimisers."""
    return {name: Adam(net.parameters(), lr=lr, betas=BETAS) for name, net in (("g_optimizer", g), ("d_optimizer", d))}
