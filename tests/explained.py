"""Nets to be explained, in float64, and slopes by central differences: what the tests of tl.explain share."""

import math

import numpy as np
from hypothesis import assume

import tinylucid as tl

SHAPE = (2, 6, 6)  # of a picture
CLASSES = 4


class Folded(tl.nn.Module):
    """Convolution, batch norm, pooling, and one ReLU that is used twice."""

    def __init__(self, rng, pool=tl.nn.MaxPool2d):
        super().__init__()
        self.conv = tl.nn.Conv2d(2, 3, 3, padding=1)
        self.norm = tl.nn.BatchNorm2d(3)
        self.pool = pool(2)
        self.relu = tl.nn.ReLU()
        self.drop = tl.nn.Dropout(0.5)
        self.dense = tl.nn.Linear(3 * 3 * 3, CLASSES)
        self.shift = tl.nn.Parameter(np.full((3, 1, 1), 0.3))
        self.to(tl.float64)
        for tensor in (*self.parameters(), self.norm.running_mean):
            tl.nn.init.normal_(tensor, std=0.5, rng=rng)
        tl.nn.init.uniform_(self.norm.running_var, 0.5, 2, rng=rng)

    def features(self, x):
        """The planes (N, 3, 3, 3) that the head sees: what the second run of the ReLU gives."""
        return self.relu(self.pool(self.relu(self.norm(self.conv(x)))) - self.shift)

    def head(self, planes):
        """Logits from planes."""
        return self.dense(self.drop(planes.flatten(1)))

    def forward(self, x):
        return self.head(self.features(x))


def folded_average(rng):
    return Folded(rng, tl.nn.AvgPool2d)


def stages(net):
    """For layers of Folded: from pictures to what the layer gives, and from there to logits."""
    late = lambda a: net.head(net.relu(a - net.shift))
    return {
        "conv": (net.conv, lambda a: late(net.pool(net.relu(net.norm(a))))),
        "norm": (lambda x: net.norm(net.conv(x)), lambda a: late(net.pool(net.relu(a)))),
        "pool": (lambda x: net.pool(net.relu(net.norm(net.conv(x)))), late),
        "relu": (net.features, net.head),  # its last run
        None: (net.features, net.head),  # found by itself
    }


def linear_net(rng):
    net = tl.nn.Sequential(tl.nn.Flatten(), tl.nn.Linear(2 * 6 * 6, CLASSES)).to(tl.float64)
    for p in net.parameters():
        tl.nn.init.normal_(p, rng=rng)
    return net


def without_biases(net):
    """The net with every bias, shift and mean at 0: f(αx) = α f(x) for α > 0."""
    for name, tensor in net.state_dict().items():
        if name.endswith(("bias", "shift", "running_mean")):
            tensor.data[...] = 0
    return net


def pooled_net(rng):
    """Convolution and ReLU, the mean of each plane, a linear head: a net whose Grad-CAM has a closed form."""
    head = [tl.nn.AdaptiveAvgPool2d(1), tl.nn.Flatten(), tl.nn.Linear(5, CLASSES)]
    net = tl.nn.Sequential(tl.nn.Conv2d(2, 5, 3), tl.nn.ReLU(), *head).to(tl.float64)
    for p in net.parameters():
        tl.nn.init.normal_(p, rng=rng)
    return net


def unrolled(net, x):
    """Folded, or folded_average, at one picture x as matrices: (layer, A, b, a, z) of each step, z = A a + b; A None: a ReLU."""
    steps, a = [], x.ravel()

    def step(name, matrix=None, bias=0.0):
        nonlocal a
        z = np.where(a > 0, a, 0) if matrix is None else matrix @ a + bias
        steps.append((name, matrix, bias, a, z))
        a = z

    pixel = lambda c, i, j: (c * 6 + i) * 6 + j
    conv, pool = np.zeros((3 * 36, 2 * 36)), np.zeros((3 * 9, 3 * 36))
    for o, i, j, c, p, q in np.ndindex(3, 6, 6, 2, 3, 3):
        if 0 <= i + p - 1 < 6 and 0 <= j + q - 1 < 6:
            conv[pixel(o, i, j), pixel(c, i + p - 1, j + q - 1)] = net.conv.weight.data[o, c, p, q]
    step("conv", conv, np.repeat(net.conv.bias.data, 36))
    scale = net.norm.weight.data / np.sqrt(net.norm.running_var.data + net.norm.eps)
    offset = net.norm.bias.data - net.norm.running_mean.data * scale
    step("norm", np.diag(np.repeat(scale, 36)), np.repeat(offset, 36))
    step("relu")
    for o, i, j in np.ndindex(3, 3, 3):
        window = [pixel(o, 2 * i + p, 2 * j + q) for p in range(2) for q in range(2)]
        if isinstance(net.pool, tl.nn.MaxPool2d):
            window = [max(window, key=lambda place: a[place])]
        pool[(o * 3 + i) * 3 + j, window] = 1 / len(window)
    step("pool", pool)
    step("shift", np.eye(27), -np.repeat(net.shift.data, 9))
    step("relu")
    step("dense", net.dense.weight.data, net.dense.bias.data)
    return steps


def planted(rng, n):
    """A net whose reason is known, and n pictures (n, 2, 12, 12) for it with the places that decide, masks (n, 12, 12).

    It answers with its strongest match of a pattern of 3 × 3 pixels, and nothing but the pattern itself, of which each
    picture holds one, gets through its ReLU: logit 0 is the match, logit 1 minus the match.
    """
    pattern = rng.uniform((2, 3, 3), tl.float64) + 0.5
    layers = [tl.nn.Conv2d(2, 1, 3), tl.nn.ReLU(), tl.nn.MaxPool2d(10), tl.nn.Flatten(), tl.nn.Linear(1, 2)]
    net = tl.nn.Sequential(*layers).to(tl.float64)
    for p, value in zip(net.parameters(), (pattern, -0.9 * (pattern**2).sum(), [[1], [-1]], 0)):
        p.data[...] = value
    x, masks = 0.3 * rng.uniform((n, 2, 12, 12), tl.float64), np.zeros((n, 12, 12), bool)
    for k, (i, j) in enumerate(rng.integers(0, 10, (n, 2))):
        x[k, :, i : i + 3, j : j + 3] = pattern
        masks[k, i : i + 3, j : j + 3] = True
    return net, x, masks


def pictures(rng, n=2):
    return rng.normal((n, *SHAPE), tl.float64)


def enlarged(small, rows, columns):
    """A map (h, w) at (rows, columns), bilinear: pixel p lies at (p + ½)·h/rows − ½, and edges are continued."""
    h, w = small.shape
    out = np.zeros((rows, columns))
    for p in range(rows):
        for q in range(columns):
            i = min(max((p + 0.5) * h / rows - 0.5, 0), h - 1)
            j = min(max((q + 0.5) * w / columns - 0.5, 0), w - 1)
            for a in {math.floor(i), min(math.floor(i) + 1, h - 1)}:
                for b in {math.floor(j), min(math.floor(j) + 1, w - 1)}:
                    out[p, q] += (1 - abs(i - a)) * (1 - abs(j - b)) * small[a, b]
    return out


def logits(net, x):
    """The net's answers in eval mode, written without tl.explain."""
    modes = [(m, m.training) for m in net.modules()] if isinstance(net, tl.nn.Module) else []
    for m, _ in modes:
        m.training = False
    with tl.no_grad():
        out = net(tl.Tensor(x)).data
    for m, mode in modes:
        m.training = mode
    return out


def central(function, x, h=1e-5):
    """∂ function / ∂ x by central differences, one element at a time; drawn again where a ReLU or a winner flips.

    ``function`` takes a batch (M, …) of points shaped like x and gives M numbers.
    """
    steps = h * np.eye(x.size).reshape(x.size, *x.shape)
    above, below = function(x + steps), function(x - steps)
    assume(np.abs(above + below - 2 * function(x[None])).max() < 1e-12)  # piecewise linear: the error is ≤ 1e-12 / 2h
    return ((above - below) / (2 * h)).reshape(x.shape)


def logit_slope(net, x, k):
    """The gradient of one picture's logit k, without autograd."""
    return central(lambda points: logits(net, points)[:, k], x)


def state_of(net):
    """All that explaining must leave as it was: the net's arrays, gradients, modes and hooks, and the default chance."""
    return (
        [t.data.tobytes() for t in net.state_dict().values()],
        [p.grad.data.tobytes() for p in net.parameters()],
        [(m.training, len(m._forward_hooks)) for m in net.modules()],
        tl.random.default_generator.get_state(),
    )
