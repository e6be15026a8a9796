"""Products cut as for another GPU, so that small ones are computed in tall tiles and in parts."""

from unittest import mock

from tinylucid_kernels.gpu import product


def cutting(blocks, long):
    """Products cut for a GPU with so many multiprocessors, and into parts of at least so many terms."""
    return mock.patch.multiple(product, multiprocessors=lambda: blocks, LONG=long)
