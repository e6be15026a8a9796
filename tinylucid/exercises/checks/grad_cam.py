"""The check of exercise grad_cam: planes of either sign, compared with the engine's operations."""

import numpy as np

from ...ops import relu
from ..drawn import values, whole
from ..observe import agree, alike
from ..task import Exercise, Objection, Task


def mean(g):
    """α (N, K, 1, 1)."""
    return g.mean((2, 3), keepdims=True)


def weighed(activations, gradients):
    """Σ_k α_k · A_k, before the ReLU."""
    return (mean(gradients) * activations).sum(1)


def grad_cam(activations, gradients):
    """The maps."""
    return relu(weighed(activations, gradients))


def cases(draw):
    """A few pictures and channels; planes that are no squares."""
    shape = whole(draw, 1, 3), whole(draw, 1, 3), whole(draw, 1, 3), whole(draw, 1, 4)
    return dict(zip(("activations", "gradients"), values(draw, 2, *shape)))


def places(activations, gradients):
    """Where a mistake may sit."""
    return {
        "map": {"the sum over the channels is negative: there the ReLU gives 0": weighed(activations, gradients) < 0}
    }


def over_channels(weights):
    """ReLU of the planes' sum, each plane times what ``weights`` makes of the gradients."""
    return lambda activations, gradients: relu((weights(gradients) * activations).sum(1))


def normalised(maps):
    """What people make of maps before they show them: maps over their largest value, or between 0 and 1."""
    for axes in ((1, 2), None):
        top, low = maps.max(axes, keepdims=True), maps.min(axes, keepdims=True)
        for eps in (0, 1e-8):
            yield maps / (top + eps), "divides the maps by their largest value"
            yield (maps - low) / (top - low + eps), "stretches the maps to lie between 0 and 1"


def call(module, arguments):
    """The maps, if they are not normalised: where a map is 0 everywhere that may be 0 / 0."""
    found = module.grad_cam(*arguments.values())
    maps = grad_cam(*(a.copy() for a in arguments.values()))
    if alike(found, maps) and not agree(np.asarray(found, float), maps):
        for other, what in normalised(maps):
            if np.allclose(np.asarray(found, float), other, 0, 1e-4, equal_nan=True):
                text = (
                    f"grad_cam {what}: do not normalise. How large a map is says how much the layer speaks for the class; where a map "
                    "is 0 everywhere, its largest value is 0 too."
                )
                raise Objection("normalised", text)
    return found


SIMILAR = {
    "without the ReLU at the end": weighed,
    "with the ReLU on each plane before the sum: add up first": lambda a, g: relu(mean(g) * a).sum(1),
    "with the ReLU on the weights α: they may be negative, only the sum is cut off": lambda a, g: (relu(mean(g)) * a).sum(1),
    "with a ReLU on the weights α too: they may be negative": over_channels(lambda g: relu(mean(g))),
    "with a ReLU on the gradients: negative ones count in the mean": over_channels(lambda g: mean(relu(g))),
    "for the sum of the gradients over the places: take the mean": over_channels(lambda g: g.sum((2, 3), keepdims=True)),
    "for the largest gradient of a channel: take the mean": over_channels(lambda g: g.max((2, 3), keepdims=True)),
    "for the mean of the gradients' sizes: their signs count": over_channels(lambda g: mean(np.abs(g))),
    "for each place's own gradient as its weight (that is HiResCAM): here a channel has one weight": over_channels(lambda g: g),
    "for the mean over the channels: add them up": lambda a, g: relu((mean(g) * a).mean(1)),
    "for the mean over the pictures too: each has its own weights": over_channels(lambda g: mean(g).mean(0, keepdims=True)),
    "with the first picture's weights for all: each has its own": over_channels(lambda g: mean(g)[:1]),
    "for the gradients' mean over the channels: over the places": over_channels(lambda g: g.mean(1, keepdims=True)),
    "for the planes' means as weights of the gradients: the two are exchanged": lambda a, g: grad_cam(g, a),
    "for the size of the sum: ReLU makes what is negative 0": lambda a, g: np.abs(weighed(a, g)),
}  # fmt: skip

EXERCISE = Exercise(
    title="Grad-CAM: where a late layer saw the class",
    tasks=(Task("grad_cam", grad_cam, cases, results=("map",), call=call, places=places, variants=SIMILAR),),
    hints=(
        "There are two steps: a weight for each channel of each picture, then a sum of planes.",
        "The weights are an array (N, K): the mean of the gradients over the last two axes.",
        "To multiply planes (N, K, H, W) by weights (N, K), the weights need two axes of size 1 at the end.",
        "The sum runs over the channels, axis 1; what is negative after it becomes 0, and nothing before it does.",
        "np.maximum((gradients.mean((2, 3), keepdims=True) * activations).sum(1), 0)",
    ),
)
