"""How nets learn the pictures that come with this house."""

from __future__ import annotations

from .. import models
from ..data import ArrayDataset, Augment, crops
from ..nn import Module
from ..optim import Adam
from ..optim.lr_scheduler import CosineAnnealingLR
from ..random import manual_seed
from ..train import fit, total_steps

LR = 4e-3
CROPS, MOSAICS = 8, 16  # pictures a step
# of coins: one half of the photograph is lit otherwise than the other
LIGHT = Augment(dihedral=True, contrast=0.2, brightness=0.2)


def learn_coins(train: ArrayDataset, steps: int = 330, seed: int = 0, model: str = "skip_net") -> Module:
    """A net that knows coins from background, learnt from crops of 64×64 pixels in so many steps; see tl.data.coins.

    Adam of rate 4e-3, eight crops a step, none seen twice, mirrored and turned at random, and brighter, darker, paler by up to a
    fifth: without that a net that learnt from one half fails on the other, which is lit otherwise. ``model``: a name of
    tl.models.SEGMENTERS. Draws the net's first weights by tl.manual_seed(seed).
    """
    manual_seed(seed)
    net = models.build(model, classes=len(train.classes), channels=train.x.shape[1])
    optimizer, data = Adam(net.parameters(), lr=LR), crops(train, steps * CROPS, seed=seed)
    fit(net, data, epochs=1, batch_size=CROPS, optimizer=optimizer, augment=LIGHT, seed=seed)
    return net


def learn_mosaics(train: ArrayDataset, steps: int = 625, seed: int = 0, model: str = "fcn8s") -> Module:
    """A net that knows the surfaces of tl.data.texture_mosaic apart, learnt in so many steps of sixteen pictures.

    Adam of rate 4e-3 that falls along half a cosine, mirrored and turned at random; rounds over the pictures are whole, so the steps
    are as many or a few more. ``model`` and the first weights as in learn_coins.
    """
    manual_seed(seed)
    net = models.build(model, classes=len(train.classes), channels=train.x.shape[1])
    data = train.subset(slice(steps * MOSAICS))
    epochs = -(-steps // total_steps(data, 1, MOSAICS))
    optimizer = Adam(net.parameters(), lr=LR)
    falling = CosineAnnealingLR(optimizer, total_steps(data, epochs, MOSAICS))
    fit(net, data, epochs=epochs, batch_size=MOSAICS, scheduler=falling, augment=Augment(dihedral=True), seed=seed)
    return net
