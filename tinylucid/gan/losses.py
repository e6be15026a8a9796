"""What generator and discriminator are trained for: pairs of losses of the discriminator's logits, r for real and f for generated.

    loss               discriminator                        generator      source
    non_saturating     −log σ(r) − log(1 − σ(f))            −log σ(f)      Goodfellow et al., 2014
    least_squares      ½(r − 1)² + ½f²                      ½(f − 1)²      Mao et al., 2017, equation 9
    hinge              max(0, 1 − r) + max(0, 1 + f)        −f             Lim and Ye, 2017; Miyato et al., 2018
    wasserstein        f − r                                −f             Arjovsky, Chintala and Bottou, 2017

Each is a mean over the batch.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..ops import mean, relu, softplus


@dataclass(frozen=True)
class Loss:
    """``discriminator(r, f)`` and ``generator(f)``: numbers to make small, of logits (N,), above 0 for real."""

    name: str
    discriminator: Callable[[Any, Any], Any]
    generator: Callable[[Any], Any]


def non_saturating(real_label: float = 1.0) -> Loss:
    """−a·log σ(r) − (1 − a)·log(1 − σ(r)) − log(1 − σ(f)), and −log σ(f), for the ``real_label`` a.

    −log σ(f) in place of log(1 − σ(f)), whose slope vanishes where the discriminator is sure (Goodfellow et al., 2014, section
    3). With a below 1, 0.9 say, it is never to be quite sure (one-sided label smoothing: Salimans et al., 2016, section 3.4).
    Raises ValueError for an a outside (0, 1].
    """
    if not 0 < real_label <= 1:
        raise ValueError(f"non_saturating: real_label must be above 0 and at most 1, got {real_label!r}; usual is 0.9")

    def discriminator(r: Any, f: Any) -> Any:
        return mean(softplus(r) - real_label * r) + mean(softplus(f))  # −log σ(r) = softplus(r) − r

    return Loss(f"non_saturating({real_label:g})", discriminator, lambda f: mean(softplus(-f)))


def least_squares() -> Loss:
    """½(r − 1)² + ½f², and ½(f − 1)² (Mao et al., 2017, equation 9): no logit has a slope that vanishes."""
    return Loss("least_squares", lambda r, f: (mean((r - 1) ** 2) + mean(f**2)) / 2, lambda f: mean((f - 1) ** 2) / 2)


def hinge() -> Loss:
    """max(0, 1 − r) + max(0, 1 + f), and −f: what is told apart by 1 is told apart well enough (Lim and Ye, 2017)."""
    return Loss("hinge", lambda r, f: mean(relu(1 - r)) + mean(relu(1 + f)), lambda f: -mean(f))


def wasserstein() -> Loss:
    """f − r, and −f: the distance between the two distributions where the slope is at most 1 (Arjovsky et al., 2017).

    It needs a discriminator whose slope is bounded: by ``gradient_penalty``, or spectral norm.
    """
    return Loss("wasserstein", lambda r, f: mean(f) - mean(r), lambda f: -mean(f))


LOSSES: dict[str, Callable[[], Loss]] = {f.__name__: f for f in (non_saturating, least_squares, hinge, wasserstein)}


def chosen(loss: str | Loss) -> Loss:
    """The Loss itself, or the one of that name; ValueError with the names, TypeError for what is neither."""
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str):
        raise TypeError(
            f"gan.fit: loss must be one of {', '.join(LOSSES)}, or tl.gan.hinge() or the like; got {loss!r}"
        )
    if loss in LOSSES:
        return LOSSES[loss]()
    close = difflib.get_close_matches(loss, LOSSES, 1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise ValueError(f"gan.fit: there is no loss {loss!r}; {hint}there are {', '.join(LOSSES)}")
