"""The GPU kernels: each function of ``reference/`` again, in CUDA C (the ``.cu`` files), launched through CuPy."""

from .activation import gate, relu
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
from .resize import grid_sample, grid_sample_backward, resize, resize_backward
from .scatter import index_add
