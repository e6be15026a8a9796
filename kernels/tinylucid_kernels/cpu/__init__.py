"""The CPU kernels: each function of ``reference/`` again, compiled by Numba and spread over all cores."""

from .conv import conv2d, conv2d_input, conv2d_weight
from .dense import linear, matmul
from .loss import cross_entropy
from .norm import batch_norm, batch_norm_backward
from .optim import adam, sgd
from .random import dropout_mask, philox
