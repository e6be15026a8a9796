"""The main job from end to end: learn ten textures, say how well, and show what the answers rest on."""

from __future__ import annotations

import math

from . import models
from .baselines import baselines
from .data import Augment, Splits, textures
from .findings import Findings
from .nn import Module
from .optim import Adam
from .optim.lr_scheduler import OneCycleLR
from .random import manual_seed
from .train import History, fit, total_steps

EPOCHS, BATCH, LR = 15, 50, 1e-2
CAVEAT = (
    "Each class is one photograph, and its test patches come from regions of it that training never saw. So this is how "
    "well the net knows other parts of the same photograph; grass from another meadow is another task, and nothing here "
    "says how well it would do there. The regions were chosen while looking at test accuracy and are frozen since."
)


def run(
    seed: int = 0,
    quick: bool = False,
    *,
    epochs: int = EPOCHS,
    train_per_class: int = 400,
    test_per_class: int = 100,
) -> Findings:
    """Train texture_net on textures(seed) and judge it on the test patches; the same arguments give the same net.

    ``quick`` halves the training, and the pictures that the report explains and renders. Raises FloatingPointError if the
    loss is no longer a number.
    """
    manual_seed(seed)
    found = Findings("Ten surfaces, and what a small net sees in them", seed=seed, caveat=CAVEAT, quick=quick)
    with found.timed("cutting patches out of photographs"):
        data = textures(seed, train_per_class, test_per_class)
    model = models.build("texture_net", classes=len(data.train.classes))
    epochs = math.ceil(epochs / 2) if quick else epochs
    found.settings = {
        "training pictures": f"{len(data.train):,}",
        "epochs": f"{epochs}, the last one kept",
        "batch size": BATCH,
        "learning rate": f"up to {LR:g} and down to 0 in one cycle (Adam)",
        "pictures altered": "turned and mirrored at random",
    }
    with found.timed("training"):
        history = train(model, data, epochs, seed)
    with found.timed("judging"):
        found.judge(model, data.test, history)
    with found.timed("simple methods to compare with"):
        found.baselines = baselines(data)
    return found


def train(model: Module, data: Splits, epochs: int, seed: int = 0) -> History:
    """Fit by Adam, in one cycle of the rate, to patches that are turned and mirrored at random."""
    optimizer = Adam(model.parameters(), lr=LR)
    scheduler = OneCycleLR(optimizer, LR, total_steps(data.train, epochs, BATCH))
    augment = Augment(dihedral=True)
    return fit(model, *data, epochs=epochs, batch_size=BATCH, scheduler=scheduler, augment=augment, seed=seed)
