"""The GPU kernels: each function of ``reference/`` again, in CUDA C (the ``.cu`` files), launched through CuPy."""

from .activation import gate, relu
