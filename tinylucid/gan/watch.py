"""What goes wrong while a GAN trains, said in words: a collapsed generator, a discriminator that has won, losses without bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

import numpy as np

from .. import devices

LOW = 0.15  # of the real spread: generators that learn stay above 0.2, from the first epoch on
RISING = 1.2, 0.02  # times what it was, and at least that: a spread that grows is a generator that has only begun
BEGUN = 5  # epochs before a lack of spread is a collapse
WON = 0.998  # of the pairs
FALLEN = 0.1  # of the largest gradient there was
FOR, LONG = 3, 6  # epochs in a row; the second where the gradient has not fallen
BOUND, GROWN = 100.0, 20.0  # a loss above both this and so many times what it was in the first epochs

CURE = {
    "collapse": "Draw with a generator of an earlier epoch (out= keeps them); lower both learning rates, augment real and"
    " generated pictures alike, give the discriminator dropout or spectral norm, or train with R1 or WGAN-GP.",
    "won": "Lower the discriminator's learning rate or its steps, give it dropout, spectral norm or R1, smooth its labels (0.9"
    " for real), or augment real and generated pictures alike.",
    "diverged": "Draw with a generator of an earlier epoch (out= keeps them); lower both learning rates, or train with R1,"
    " spectral norm or a larger gradient penalty.",
}


def told_apart(real: Any, fake: Any) -> float:
    """P(D(real) > D(fake)): of all pairs of a real and a generated picture, the share in which the real one has the larger logit.

    real (M,), fake (N,): the discriminator's logits of one step, equals counting half. ½: it cannot tell them apart; 1: it
    always can. (The area under the ROC curve.) Raises ValueError for none, and for NaN.
    """
    real, fake = (np.sort(devices.host(x).ravel()) for x in (real, fake))
    if not len(real) or not len(fake) or np.isnan(real[-1]) or np.isnan(fake[-1]):
        raise ValueError(
            f"told_apart: expected logits of real and of generated pictures, got {len(real)} and {len(fake)}"
            + (" with NaN; the discriminator has diverged" if len(real) and len(fake) else "; give some of both")
        )
    below = np.searchsorted(fake, real, "left") + np.searchsorted(fake, real, "right")
    return float(below.mean() / 2 / len(fake))


@dataclass
class Watch:
    """Fed once an epoch, it says what goes wrong, once for each time that it begins; ``classes`` are names for what it says.

    Its state is plain values, so a run that is resumed with ``Watch(**kept)`` says what it would have said.
    """

    classes: Sequence[str] = ()
    epoch: int = 0
    since: list[int] = field(default_factory=list)  # for each class the epoch from which it is low, 0: it is not
    began: list[float] = field(default_factory=list)  # its spread then
    largest: float = 0.0  # of the generator's gradients
    won: int = 0  # epochs in a row
    early: list[float] = field(default_factory=list)  # the first losses
    beyond: int = 0  # epochs in a row
    said: list[str] = field(default_factory=list)  # what lasts and was said

    def see(self, *, apart: float, spread: Any, grad_norm: float, losses: Sequence[float]) -> list[str]:
        """The sentences to say after an epoch, mostly none.

        ``apart``: told_apart, its mean over the steps. ``spread``: how much samples differ within each class (or one number,
        over all) as a share of how much real ones do: ``spread(x, y) / spread(train.x, train.y)``; NaN for a class of which
        there are no samples. ``grad_norm``: of the generator's gradient, mean over the steps. ``losses``: of discriminator
        and generator, means over the steps.
        """
        self.epoch += 1
        shares = [float(v) for v in np.atleast_1d(spread)]
        low, won, diverged = self._collapsed(shares), self._has_won(apart, grad_norm), self._has_diverged(losses)
        lasting = [f"collapse {k}" for k in low] + ["won"] * won + ["diverged"] * diverged
        new, self.said = set(lasting) - set(self.said), lasting
        sentences = []
        if fresh := [k for k in low if f"collapse {k}" in new]:
            sentences.append(self._of_collapse(fresh, shares))
        if "won" in new:
            sentences.append(self._of_won(apart, grad_norm))
        if "diverged" in new:
            sentences.append(self._of_diverged(losses))
        return sentences

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; ``Watch(**values)`` goes on from there."""
        return asdict(self)

    # --- what is seen --------------------------------------------------------------------------------------------------

    def _collapsed(self, spread: list[float]) -> list[int]:
        """The classes whose samples hardly differ, for some epochs, and not more from epoch to epoch."""
        more = len(spread) - len(self.since)
        self.since, self.began, found = self.since + [0] * more, self.began + [0.0] * more, []
        for k, value in enumerate(spread):
            if not value < LOW:
                self.since[k] = 0
                continue
            if not self.since[k]:
                self.since[k], self.began[k] = self.epoch, value
            rising = value > max(RISING[0] * self.began[k], RISING[1])
            if self.epoch >= max(BEGUN, self.since[k] + FOR - 1) and not rising:
                found.append(k)
        return found

    def _has_won(self, apart: float, grad_norm: float) -> bool:
        self.largest = max(self.largest, grad_norm)
        self.won = self.won + 1 if apart >= WON else 0
        return self.won >= (FOR if grad_norm < FALLEN * self.largest else LONG)

    def _has_diverged(self, losses: Sequence[float]) -> bool:
        level = max(abs(float(v)) for v in losses)
        if not all(math.isfinite(v) for v in losses):
            return True
        if len(self.early) < FOR:
            self.early.append(level)
        self.beyond = self.beyond + 1 if level > max(BOUND, GROWN * median(self.early)) else 0
        return self.beyond >= FOR

    # --- and said ------------------------------------------------------------------------------------------------------

    def _of_collapse(self, low: list[int], spread: list[float]) -> str:
        worst = min(low, key=lambda k: spread[k])
        of = ""
        if len(spread) > 1:
            names = [
                self.classes[k] if k < len(self.classes) else str(k) for k in (worst, *(k for k in low if k != worst))
            ]
            more = (
                f" (so do those of {', '.join(names[1:9])}{', …' if len(names) > 9 else ''})" if len(names) > 1 else ""
            )
            of = f" of class {names[0]}{more}"
        return (
            f"the generator has collapsed: its samples{of} differ by {spread[worst]:.0%} of what real ones do, since epoch"
            f" {self.since[worst]}. {CURE['collapse']}"
        )

    def _of_won(self, apart: float, grad_norm: float) -> str:
        fallen = grad_norm < FALLEN * self.largest
        norm = (
            f"has fallen to {grad_norm:.2g} from {self.largest:.2g}" if fallen else f"({grad_norm:.2g}) leads nowhere"
        )
        return (
            f"the discriminator has won: it has told {apart:.1%} of the pairs of a real and a generated picture apart for"
            f" {self.won} epochs, and the generator's gradient {norm}. {CURE['won']}"
        )

    def _of_diverged(self, losses: Sequence[float]) -> str:
        shown = " and ".join(f"{v:.3g}" for v in losses)
        began = f", {median(self.early):.2g} in the first epochs" if self.early else ""
        return f"the losses grow without bound: {shown} in epoch {self.epoch}{began}. {CURE['diverged']}"
