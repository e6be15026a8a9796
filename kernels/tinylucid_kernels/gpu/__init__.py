"""The GPU kernels: each function of ``reference/`` again, in CUDA C (the ``.cu`` files), launched through CuPy."""

from .activation import gate, relu
from .loss import cross_entropy
from .norm import batch_norm, batch_norm_backward, batch_norm_fixed
from .optim import adam, rmsprop, sgd
from .random import dropout_mask, philox
