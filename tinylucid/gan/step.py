"""The two steps of a GAN's training: the gradient of the discriminator, and that of the generator, each leaving the other alone."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .. import devices
from ..nn import Module
from ..nn.module import device_of
from ..optim import clip_grad_norm_
from ..random import Generator, default_generator
from ..scopes import no_grad
from ..tensor import Tensor
from ..train.step import Batches, Before, origin
from .augment import Alike
from .losses import Loss
from .penalty import Penalty
from .watch import told_apart

ADVICE = (
    "Lower the learning rates, give the discriminator spectral norm or a penalty, or look at the data; this step did not "
    "change its weights"
)


class Half(NamedTuple):
    """What one net's step saw: its loss, the gradient's norm, its penalty, how well real was told from generated."""

    loss: float
    norm: float
    penalty: float = 0.0
    apart: float = math.nan


class Game(NamedTuple):
    """The two nets, what they play for, and where they draw their random numbers."""

    generator: Module
    discriminator: Module
    loss: Loss
    penalty: Penalty | None
    augment: Alike | None
    rng: Generator

    def seen(self, x: Any) -> Any:
        """Pictures as the discriminator gets them, real and generated alike."""
        return self.augment(x, self.rng) if self.augment else x

    def drawn(self, n: int, y: Any) -> Any:
        """n generated pictures, of the classes y."""
        return self.generator(noise(self.generator, n, self.rng), y)


def noise(generator: Module, n: int, rng: Generator) -> Tensor:
    """z (n, latent), standard normal, on the generator's device, in its dtype."""
    if not isinstance(getattr(generator, "latent", None), (int, np.integer)):
        raise TypeError(f"a generator has an attribute latent, how many numbers z it takes; got {generator!r:.60}")
    dtype = next((p.dtype for p in generator.parameters()), np.dtype(np.float32))
    z = rng.normal((n, int(generator.latent)), dtype)
    return Tensor(devices.put(z, device_of(generator)))


def discriminator_gradients(game: Game, x: Any, y: Any) -> Half:
    """Set the discriminator's gradients, of its loss on real pictures x (N, …) and as many generated ones.

    The generator is neither recorded nor changed, its running statistics included. The discriminator's move once for the real
    batch and once for the generated one; not for the penalty.
    """
    net = game.discriminator
    net.zero_grad()
    x = devices.put(x, device_of(net))
    with no_grad(), still(game.generator):
        fake = devices.raw(game.drawn(len(x), y))
    r = net(Tensor(game.seen(x)), y)
    f = net(Tensor(game.seen(fake)), y)
    value = game.loss.discriminator(r, f)
    loss, extra = float(value.item()), 0.0
    if game.penalty:
        with still(net):
            added = game.penalty.of(net, game.seen(x), game.seen(fake), y, game.rng)
        extra = float(added.item())
        value = value + added
    if not math.isfinite(loss + extra):
        return Half(loss, math.nan, extra)
    value.backward()
    return Half(loss, norm(net), extra, told_apart(r, f))


def generator_gradients(game: Game, n: int, y: Any) -> Half:
    """Set the generator's gradients, of its loss on n pictures, of the classes y.

    The gradient passes through the discriminator, which gets none itself, and whose running statistics stay as they are.
    """
    game.generator.zero_grad()
    with still(game.discriminator), without_gradients(game.discriminator):
        value = game.loss.generator(game.discriminator(game.seen(game.drawn(n, y)), y))
        loss = float(value.item())
        if not math.isfinite(loss):
            return Half(loss, math.nan)
        value.backward()
    return Half(loss, norm(game.generator))


def norm(net: Module) -> float:
    """The length of a net's gradient."""
    return clip_grad_norm_(list(net.parameters()), math.inf)


def checked(game: Game, who: str, gradients: Callable[[], Half], x: Any) -> Half:
    """gradients(), but FloatingPointError for a loss or norm that is NaN or infinite, naming where that began.

    Then, and after any other error, running statistics and random numbers are as they were before.
    """
    before = Before([game.generator, game.discriminator], [game.rng, default_generator])
    try:
        with np.errstate(all="ignore"):  # what is not finite is told better below
            half = gradients()
            if math.isfinite(half.loss) and math.isfinite(half.norm):
                return half
            before.put_back()
            cause = origin(gradients, Batches([(devices.host(x), None)], ()))
    except BaseException:
        before.put_back()
        raise
    before.put_back()
    for net in (game.generator, game.discriminator):
        net.zero_grad()
    what = f"its loss is {half.loss}" if not math.isfinite(half.loss) else f"the norm of its gradient is {half.norm}"
    if not math.isfinite(half.penalty):
        what = f"its penalty is {half.penalty}"
    raise FloatingPointError(f"the {who}: {what}. {cause}. {ADVICE}")


@contextlib.contextmanager
def still(net: Module) -> Iterator[None]:
    """In the ``with``, a net's running statistics may move; afterwards they are as before."""
    before = Before([net], [])
    try:
        yield
    finally:
        before.put_back()


@contextlib.contextmanager
def without_gradients(net: Module) -> Iterator[None]:
    """In the ``with``, a net's parameters get no gradient, which is not computed either."""
    learning = [p for p in net.parameters() if p.requires_grad]
    for parameter in learning:
        parameter.requires_grad = False
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad = True
