"""What the training of a GAN was like, epoch by epoch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from ..train.history import Columns


@dataclass
class GANHistory(Columns):
    """One number an epoch in each list, the first epoch first; ``len`` is the number of epochs, ``str`` a table.

    ``d_loss`` and ``g_loss``: means over the epoch's steps, without the ``penalty``, which is empty where there is none.
    ``apart``: how well the discriminator tells real from generated, the share of the pairs in a batch of which it gives the
    real one more, 0.5 by guessing. ``d_norm`` and ``g_norm``: of the gradients. ``spread``: the standard deviation of the
    fixed samples within each class, as a share of the real pictures'. ``seconds``: of the epoch.
    """

    WORDS: ClassVar = {"d_loss": "D", "g_loss": "G", "penalty": "penalty", "apart": "told apart", "spread": "spread"}

    d_loss: list[float] = field(default_factory=list)
    g_loss: list[float] = field(default_factory=list)
    penalty: list[float] = field(default_factory=list)
    apart: list[float] = field(default_factory=list)
    spread: list[float] = field(default_factory=list)
    d_norm: list[float] = field(default_factory=list)
    g_norm: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


@dataclass
class GANSums:
    """An epoch so far: sums over its steps, from which its means come."""

    d_loss: float = 0.0
    penalty: float = 0.0
    apart: float = 0.0
    d_norm: float = 0.0
    d_steps: int = 0
    g_loss: float = 0.0
    g_norm: float = 0.0
    g_steps: int = 0
    pictures: int = 0
    seconds: float = 0.0
    penalised: bool = False

    def means(self) -> dict[str, float]:
        """What the epoch adds to a GANHistory, but for the spread."""
        d, g = (n or math.nan for n in (self.d_steps, self.g_steps))
        means = {name: getattr(self, name) / d for name in ("d_loss", "penalty", "apart", "d_norm")}
        means |= {name: getattr(self, name) / g for name in ("g_loss", "g_norm")}
        if not self.penalised:
            del means["penalty"]
        return {**means, "seconds": self.seconds}

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)
