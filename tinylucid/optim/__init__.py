"""tl.optim: optimisers and learning rate schedules, with PyTorch's names and arguments."""

from typing import TYPE_CHECKING

from ..ops.spelling import looked_up
from . import lr_scheduler
from .optimizer import Optimizer, clip_grad_norm_
from .rules import SGD, Adam, AdamW, RMSprop

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "clip_grad_norm_", "lr_scheduler"]

if not TYPE_CHECKING:
    __getattr__ = looked_up("optim", __all__)
