"""The CPU kernels: each function of ``reference/`` again, compiled by Numba and spread over all cores."""

from .activation import gate, relu, scale_kept
from .conv import conv2d, conv2d_input, conv2d_weight
from .dense import linear, linear_grads, matmul
from .distance import distance_loss, distance_loss_backward
from .loss import cross_entropy, label_weight, logistic_loss, logistic_loss_backward
from .norm import batch_norm, batch_norm_backward, batch_norm_fixed, follow, group_norm, group_norm_backward
from .optim import adam, rmsprop, sgd
from .pool import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward,
    adaptive_max_pool2d,
    avg_pool2d,
    avg_pool2d_backward,
    max_pool2d,
    pool_gather,
    pool_scatter,
)
from .random import dropout, philox
from .reduce import row_sums
from .resize import grid_sample, grid_sample_backward, resize, resize_backward
from .scatter import index_add
