"""tl.segment: what surrounds a net that gives every pixel a class: a loss, large pictures, scores, baselines, a target to explain.

Such a net maps pictures (N, C, H, W) to logits (N, K, H, W); its masks y (N, H, W) hold class numbers, −100 where a pixel does not
count. ``tl.fit`` trains it, by ``F.cross_entropy`` (weight= and ignore_index= hold for pixels), ``dice_loss`` or a sum of both.
"""

from .judge import Segmentation, judge, masks, score
from .loss import dice_loss
from .recipes import learn_coins, learn_mosaics
from .simple import otsu, pixel_regression
from .target import region
from .things import Count, count
from .tiles import tiled

__all__ = [
    "Count",
    "Segmentation",
    "count",
    "dice_loss",
    "judge",
    "learn_coins",
    "learn_mosaics",
    "masks",
    "otsu",
    "pixel_regression",
    "region",
    "score",
    "tiled",
]
