"""What is said to be one pass over memory is one: counted in recorded calls and in bytes, never by the clock."""

import tracemalloc

import numpy as np
import pytest
from tinylucid_kernels import kernels

import tinylucid as tl
from tinylucid.autograd import pull

F = tl.nn.functional
SHAPE = 8, 16, 48, 50
LABELS = np.arange(8 * 48 * 50).reshape(8, 48, 50) % 16

# Function of x → how many arrays of x's size it may have made at its highest, forward and backward, the results included
ONE_PASS = {
    "sum": (lambda x, t: tl.sum(x), 0.1, 1.1),
    "mean of each channel": (lambda x, t: tl.mean(x, (2, 3)), 0.1, 1.1),
    "global average": (lambda x, t: F.adaptive_avg_pool2d(x, 1), 0.1, 1.1),
    "relu": (lambda x, t: F.relu(x), 1.1, 1.1),
    "dropout": (lambda x, t: F.dropout(x, 0.3), 1.4, 1.1),
    "group_norm": (lambda x, t: F.group_norm(x, 4, tl.ones(16), tl.ones(16)), 1.1, 1.2),
    "instance_norm": (lambda x, t: F.instance_norm(x), 1.1, 1.2),
    "layer_norm": (lambda x, t: F.layer_norm(x, (50,)), 1.1, 1.2),
    "cross_entropy": (lambda x, t: F.cross_entropy(x, LABELS), 1.3, 1.2),
    "mse_loss": (lambda x, t: F.mse_loss(x, t), 0.1, 1.1),
    "l1_loss": (lambda x, t: F.l1_loss(x, t), 0.1, 1.1),
    "smooth_l1_loss": (lambda x, t: F.smooth_l1_loss(x, t), 0.1, 1.1),
    "binary_cross_entropy": (lambda x, t: F.binary_cross_entropy_with_logits(x, t), 0.1, 1.1),
}


def highest(call, *args):
    """What a call returns, and the most bytes that it held at once."""
    tracemalloc.start()
    try:
        result = call(*args)
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ONE_PASS)
def test_no_array_is_made_between(name, rng):
    function, forward, backward = ONE_PASS[name]
    x = tl.tensor(rng.standard_normal(SHAPE).astype(np.float32), requires_grad=True)
    t = tl.tensor(rng.random(SHAPE).astype(np.float32))
    with kernels("cpu"):
        for _ in range(2):  # the first compiles
            y, bytes_forward = highest(function, x, t)
            g = tl.ones_like(y)
            _, bytes_backward = highest(first_pull, y, g)
    assert bytes_forward <= forward * x.data.nbytes
    assert bytes_backward <= backward * x.data.nbytes


def first_pull(y, g):
    """The gradients that the newest recorded call hands on, as arrays."""
    with tl.no_grad():
        return pull(y.node, g.data, None, False)


@pytest.mark.parametrize(
    "loss",
    [
        F.mse_loss,
        F.l1_loss,
        F.smooth_l1_loss,
        F.binary_cross_entropy_with_logits,
        lambda x, t: F.kl_div(x, t, reduction="batchmean"),
        lambda x, t: F.cross_entropy(x, LABELS[0, 0, :7]),
        lambda x, t: F.nll_loss(x, LABELS[0, 0, :7]),
        lambda x, t: F.layer_norm(x, 16, tl.ones(16), tl.ones(16)),
        lambda x, t: F.group_norm(x, 4, tl.ones(16), tl.ones(16)),
    ],
)
def test_one_call_is_recorded(loss, rng):
    x, t = (tl.tensor(rng.random((7, 16)).astype(np.float32)) for _ in range(2))
    x.requires_grad = True
    assert loss(x, t).node.parents[0] is x
