"""Whether two nets and data fit together, tried before a GAN is trained: the errors name both shapes."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from .. import devices
from ..data import ArrayDataset, DataLoader
from ..nn import Module, Sigmoid
from ..nn.module import check_model, device_of, mode
from ..nn.norm import BatchNorm1d, BatchNorm2d
from ..nn.utils import SpectralNorm
from ..random import default_generator
from ..scopes import no_grad
from ..tensor import Tensor
from ..train.step import Before
from .run import classes_of
from .step import Game, noise

NEAR = 1e-6  # by which rounding may leave [0, 1]


def check(game: Game, loader: DataLoader) -> None:
    """Raise ValueError or TypeError, with both shapes, unless the generator draws what the data and the discriminator are for.

    Both nets run once on the smallest batch of the data, in training mode; then all is as it was before.
    """
    for name, net in (("generator", game.generator), ("discriminator", game.discriminator)):
        check_model(net, f"gan.fit: {name}")
    g, d = device_of(game.generator), device_of(game.discriminator)
    if g != d:
        raise ValueError(
            f"gan.fit: the generator is on {g!r} and the discriminator on {d!r}; move one of them: discriminator.to({g!r})"
        )
    latent = getattr(game.generator, "latent", None)
    if not isinstance(latent, (int, np.integer)) or latent < 1:
        raise TypeError(
            f"gan.fit: the generator must have an attribute latent, how many numbers z it takes, got {latent!r}; "
            "set it: generator.latent = 64"
        )
    if game.penalty and (
        norms := [m for m in game.discriminator.modules() if isinstance(m, (BatchNorm1d, BatchNorm2d))]
    ):
        raise ValueError(
            f"gan.fit: {game.penalty.name} is of the slope of each picture's own logit, and {type(norms[0]).__name__} in the "
            'discriminator mixes pictures; build it without (norm="none" or "spectral")'
        )
    if game.loss.name == "wasserstein" and not game.penalty and not any(map(bounded, game.discriminator.modules())):
        warnings.warn(
            "gan.fit: the Wasserstein loss means something where the discriminator's slope is bounded; give "
            "penalty=tl.gan.gradient_penalty(10), or the discriminator spectral norm",
            stacklevel=3,
        )
    x, y = smallest_batch(loader)
    check_pictures(x, loader)
    check_classes(game, y, loader)
    y = y if classes_of(game.generator) else None
    before = Before([game.generator, game.discriminator], [game.rng, default_generator])
    try:
        with mode(game.generator, True), mode(game.discriminator, True), no_grad():
            play_once(game, x, y)
    finally:
        before.put_back()


def bounded(module: Module) -> bool:
    """Whether a layer's weight is divided by its spectral norm."""
    return any(isinstance(hook, SpectralNorm) for hook in module._forward_pre_hooks.values())


def smallest_batch(loader: DataLoader) -> tuple[Any, Any]:
    """As many pictures as the smallest batch of a pass holds."""
    n, size = len(loader.dataset), loader.batch_size
    smallest = n % size if n % size and not loader.drop_last else min(size, n)
    batches = loader.epoch(0)
    x, y = next(batches)
    batches.close()
    return x[:smallest], y[:smallest]


def check_pictures(x: Any, loader: DataLoader) -> None:
    """ValueError unless pictures are (N, C, H, W) in [0, 1]."""
    if x.ndim != 4:
        raise ValueError(f"gan.fit: expected pictures (N, C, H, W), got {x.shape}")
    data = loader.dataset
    whole = data.x if isinstance(data, ArrayDataset) and data.x.dtype.kind == "f" else x
    if not np.isfinite(whole).all():
        bad = int((~np.isfinite(whole).reshape(len(whole), -1).all(1)).argmax())
        raise ValueError(f"gan.fit: pictures must be in [0, 1], and picture {bad} holds NaN or infinity; leave it out")
    low, high = float(whole.min()), float(whole.max())
    if not -NEAR <= low <= high <= 1 + NEAR:
        normalised = "are normalised" if getattr(data, "preprocess", None) else "are not as they are seen"
        raise ValueError(
            f"gan.fit: pictures must be in [0, 1], got {low:.3g} … {high:.3g}: they {normalised}; give them as they look, "
            "such as tl.data.ArrayDataset(data.shown(), data.y, data.classes)"
        )


def check_classes(game: Game, y: Any, loader: DataLoader) -> None:
    """ValueError unless both nets are told as many classes, and the data has no more."""
    g, d = classes_of(game.generator), classes_of(game.discriminator)
    if g != d:
        raise ValueError(
            f"gan.fit: the generator is told one of {g} classes and the discriminator of {d}; build both with one classes="
        )
    if not g:
        return
    known = y if not isinstance(loader.dataset, ArrayDataset) else loader.dataset.y
    if known.ndim != 1 or known.dtype.kind not in "iu" or known.min() < 0 or known.max() >= g:
        got = (
            f"{known.min()} … {known.max()}"
            if known.ndim == 1 and known.dtype.kind in "iu"
            else f"{known.dtype} {known.shape}"
        )
        raise ValueError(
            f"gan.fit: the nets know classes 0 … {g - 1}, one a picture, and the data has {got}; build them with its classes"
        )


def play_once(game: Game, x: Any, y: Any) -> None:
    """Both nets' answers, held against the pictures x."""
    g, d = game.generator, game.discriminator
    n, z = len(x), f"z ({len(x)}, {g.latent})"
    fake = asked(f"the generator does not take {z}", lambda: g(noise(g, n, game.rng), y))
    if fake.shape != x.shape:
        raise ValueError(
            f"gan.fit: the generator draws pictures {fake.shape}, and those of the data are {x.shape}; build it with their "
            "size and channels"
        )
    if fake.dtype != x.dtype:
        raise TypeError(
            f"gan.fit: the generator draws {fake.dtype}, and the pictures are {x.dtype}; convert one of them"
        )
    drawn = devices.host(fake)
    if drawn.min() < -NEAR or drawn.max() > 1 + NEAR:
        raise ValueError(
            f"gan.fit: the generator draws {drawn.min():.2g} … {drawn.max():.2g}, and pictures are in [0, 1]; end it by a sigmoid"
        )
    picture = f"pictures {x.shape}, of the shape that the generator draws"
    answer = asked(f"the discriminator does not take {picture}", lambda: d(Tensor(devices.put(x, device_of(d))), y))
    if answer.shape != (n,):
        shown = f"({n},) for pictures {x.shape}"
        more = "; end it by reshape(-1)" if math.prod(answer.shape) == n else ""
        raise ValueError(f"gan.fit: the discriminator must give one logit a picture, {shown}, got {answer.shape}{more}")
    if isinstance(list(d.modules())[-1], Sigmoid):
        raise ValueError("gan.fit: the discriminator ends in a sigmoid, and the losses take logits; leave it out")


def asked(what: str, question: Any) -> Any:
    """The answer, or what is wrong with it, told as gan.fit's."""
    try:
        return question()
    except (TypeError, ValueError, IndexError, RuntimeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"gan.fit: {what}: {error}") from error
