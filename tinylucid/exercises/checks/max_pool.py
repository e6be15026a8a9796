"""The check of exercise max_pool: windows apart and overlapping, with ties and without."""

import numpy as np

from ... import devices, ops
from ...ops import max_pool2d
from ..drawn import distinct, one_of, tied, whole
from ..task import Exercise, Task


def cases(draw):
    """Pictures in which windows leave a remainder."""
    size, stride = whole(draw, 1, 3), whole(draw, 1, 3)
    shape = (whole(draw, 1, 2), whole(draw, 1, 2), size + whole(draw, 0, 3), size + whole(draw, 0, 3))
    return {"x": one_of(draw, distinct, tied)(draw, *shape), "size": size, "stride": stride}


def windows(x, size, stride):
    """How many windows each pixel is in, (H, W)."""
    count = np.zeros(x.shape[2:])
    for p in range(0, x.shape[2] - size + 1, stride):
        for q in range(0, x.shape[3] - size + 1, stride):
            count[p : p + size, q : q + size] += 1
    return count


def features(x, size, stride, **_):
    """What cases differ in."""
    equal = len(np.unique(x)) < x.size and size > 1
    overlap = bool((windows(x, size, stride) > 1).any())
    return {"there are ties in a window": equal, "windows overlap: contributions add": overlap}


def places(x, size, stride, **_):
    """Where a mistake may sit."""
    count = windows(x, size, stride)
    tied = np.zeros(x.shape, bool)
    for p in range(0, x.shape[2] - size + 1, stride):
        for q in range(0, x.shape[3] - size + 1, stride):
            window = x[:, :, p : p + size, q : q + size]
            top = window == window.max((2, 3), keepdims=True)
            tied[:, :, p : p + size, q : q + size] |= top & (top.sum((2, 3), keepdims=True) > 1)
    named = {
        "pixels tie for the largest: the first one wins": tied,
        "windows overlap: contributions add": count > 1,
        "no window reaches": count == 0,
    }
    return {"x": {words: np.broadcast_to(mask, x.shape) for words, mask in named.items()}}


def sharing(shares):
    """A function like max_pool2d that takes of each window's pixels the shares (N, C, size, size) that shares(window) gives."""

    def similar(x, size, stride):
        plain = np.asarray(devices.host(x))
        p, q = ((n - size) // stride + 1 for n in x.shape[2:])
        masks = np.zeros((*x.shape[:2], p, q, *x.shape[2:]))
        for i, j in np.ndindex(p, q):
            here = slice(i * stride, i * stride + size), slice(j * stride, j * stride + size)
            masks[(slice(None), slice(None), i, j, *here)] = shares(plain[(slice(None), slice(None), *here)])
        return ops.sum(x.reshape(*x.shape[:2], 1, 1, *x.shape[2:]) * masks, (4, 5))

    return similar


def winner(window):
    """1 at the first of the largest, else 0."""
    flat = window.reshape(*window.shape[:2], -1)
    return np.eye(flat.shape[2])[flat.argmax(2)].reshape(window.shape)


MEAN = sharing(lambda window: np.full(window.shape, 1 / window[0, 0].size))
FORWARD = {
    "with the mean of each window: it should be its largest number": MEAN,
    "with the smallest number of each window: it should be the largest": sharing(lambda window: winner(-window)),
}
BACKWARD = {
    "with the winner's row i and column j exchanged: divmod(argmax, size) gives the row first": sharing(
        lambda window: winner(window).swapaxes(2, 3)
    ),
    "with each g shared out evenly over its window, as for a mean: the winner gets all of it": MEAN,
    "with all of g for every pixel of its window: the winner alone gets it": sharing(np.ones_like),
    "with g for the smallest pixel of each window: it belongs to the largest": sharing(lambda window: winner(-window)),
}

EXERCISE = Exercise(
    title="Max-pooling, with ties and overlapping windows",
    tasks=(
        Task("forward", max_pool2d, cases, features=features, choices={"stride": (1, 2, 3)}, variants=FORWARD),
        Task("backward", max_pool2d, cases, results=("x",), gradient=True, features=features, places=places,
             choices={"stride": (1, 2, 3)}, variants=BACKWARD),
    ),
    hints=(
        "Move one pixel of a window a little: when does y change, and by how much?",
        "Only the winner of a window has a say in y, with slope 1; g of that window belongs to it alone.",
        "np.argmax of a window gives the first of equals, as one number: divmod by the window's width makes a row and a column of it.",
        "Where windows overlap a pixel can win more than one: add its gradients up, with += into an array of zeros.",
    ),
)  # fmt: skip
