"""The reference kernels: each function in plain NumPy, to be read, and to test the fast ones against."""

from .conv import conv2d, conv2d_input, conv2d_weight
from .dense import linear, matmul
from .loss import cross_entropy
from .norm import batch_norm, batch_norm_backward
from .optim import adam, sgd
from .pool import avg_pool2d, avg_pool2d_backward, max_pool2d, pool_gather, pool_scatter
from .random import dropout_mask, philox

__all__ = [
    "adam",
    "avg_pool2d",
    "avg_pool2d_backward",
    "batch_norm",
    "batch_norm_backward",
    "conv2d",
    "conv2d_input",
    "conv2d_weight",
    "cross_entropy",
    "dropout_mask",
    "linear",
    "matmul",
    "max_pool2d",
    "philox",
    "pool_gather",
    "pool_scatter",
    "sgd",
]
