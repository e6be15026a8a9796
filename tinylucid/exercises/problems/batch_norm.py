"""Exercise 5 · Batch normalisation.

Each channel c is brought to mean 0 and variance about 1, then scaled and shifted by what the net learns:

    x̂ = (x − mean_c) / √(var_c + eps),    y = weight_c · x̂ + bias_c.

In training (training=True), mean and var are the batch's own: over all N, H and W of a channel, m = N·H·W numbers, and
var = 1/m · Σ (x − mean)². Otherwise they are running_mean and running_var, which do not depend on x. Training also moves
the running statistics towards the batch's, as PyTorch does it:

    running ← (1 − momentum) · running + momentum · batch's,

where the variance is the unbiased one, divided by m − 1 (and only here).

Derive: the gradients for x, weight and bias. In training, x_i enters y by three paths: directly, through the mean, and
through the variance; add them up. In evaluation there is only the direct one.
Shapes: x, y and g (N, C, H, W); weight, bias, running_mean, running_var and their gradients (C,); eps and momentum are
numbers, training is True or False. N·H·W is at least 2 in training. An array (C,) does not broadcast along axis 1 by itself:
a.reshape(1, -1, 1, 1) does. Write to none of the arguments.

    tinylucid exercise check batch_norm
"""

import numpy as np


def forward(x, weight, bias, running_mean, running_var, training, eps):
    """y (N, C, H, W)."""
    raise NotImplementedError


def running(x, running_mean, running_var, momentum):
    """The running mean and variance after a batch x in training, a tuple of two new arrays (C,)."""
    raise NotImplementedError


def backward(g, x, weight, bias, running_mean, running_var, training, eps):
    """The gradients for x, weight and bias, a tuple of three arrays."""
    raise NotImplementedError
