"""Every differentiable operation as a case: a function and inputs drawn by hypothesis, for all tests that run over them."""

from . import elementwise, layers, learning, pictures, shape, spatial
from .draws import CASES, LINEAR, broadcastable, sides, values, windows

assert all(name in CASES for name in LINEAR), LINEAR - set(CASES)
