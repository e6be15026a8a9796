"""tl.explain: why a net says what it says. Each method is a function (model, x, target) → an array shaped like x."""

from .gradients import gradient

__all__ = ["gradient"]
