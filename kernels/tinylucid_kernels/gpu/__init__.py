"""The GPU kernels: each function of ``reference/`` again, in CUDA C (the ``.cu`` files), launched through CuPy."""

from .activation import gate, relu
from .conv import conv2d, conv2d_input, conv2d_weight
from .dense import linear, matmul
