"""How nets learn the pictures that come with this house."""

from __future__ import annotations

from .. import models
from ..data import ArrayDataset, Augment, crops
from ..nn import Module
from ..optim import Adam
from ..random import manual_seed
from ..train import fit

BATCH, LR = 8, 4e-3
LIGHT = Augment(
    dihedral=True, contrast=0.2, brightness=0.2
)  # of coins: one half of the picture is lit otherwise than the other


def learn_coins(train: ArrayDataset, steps: int = 330, seed: int = 0, model: str = "skip_net") -> Module:
    """A net that knows coins from background, learnt from crops of 64×64 pixels in so many steps; see tl.data.coins.

    Adam of rate 4e-3, eight crops a step, none seen twice, mirrored and turned at random, and brighter, darker, paler by up to a
    fifth: without that a net that learnt from one half fails on the other, which is lit otherwise. ``model``: a name of
    tl.models.SEGMENTERS. Draws the net's first weights by tl.manual_seed(seed).
    """
    manual_seed(seed)
    net = models.build(model, classes=len(train.classes), channels=train.x.shape[1])
    optimizer, data = Adam(net.parameters(), lr=LR), crops(train, steps * BATCH, seed=seed)
    fit(net, data, epochs=1, batch_size=BATCH, optimizer=optimizer, augment=LIGHT, seed=seed)
    return net
