"""Products cut as for another GPU, or into the tiles that a test wants."""

from unittest import mock

from tinylucid_kernels.gpu import product

real = product.here


def cutting(blocks, long):
    """Products cut for a GPU with so many multiprocessors, and into parts of at least so many terms."""
    here = lambda name: blocks if name == "multiProcessorCount" else real(name)
    return mock.patch.multiple(product, here=here, LONG=long)


def tile(index, long=1000):
    """Products in tiles of one kind."""
    return mock.patch.multiple(
        product,
        TILES=product.TILES[index : index + 1],
        cut_for=product.cut_for.__wrapped__,
        tiles=product.tiles.__wrapped__,
        LONG=long,
    )
