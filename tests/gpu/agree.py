"""One kernel on the GPU against the reference: the same numbers, whatever the order of blocks and threads, without races."""

import contextlib
import os

import numpy as np
from tinylucid_kernels import kernels, of
from tinylucid_kernels.emulator import running

EMULATED = os.environ.get("TINYLUCID_GPU") == "emulated"
TOLERANCE = {np.dtype(np.float32): 2e-5, np.dtype(np.float64): 1e-12}  # of the largest number of a result


def compute(folder, name, args):
    """What the kernel of a folder returns for NumPy arguments, as a list, and the arguments as it left them."""
    args = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
    with kernels(folder):
        out = getattr(of(np.empty(0)), name)(*args)
    return list(out) if isinstance(out, tuple) else [] if out is None else [out], args


def wider(a):
    """A floating array in float64, for the reference."""
    return a.astype(np.float64) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a


def agrees(name, *args, tolerance=None, orders=(0, 1, 2), check=True):
    """Assert that the GPU's kernel gives the reference's numbers and dtype, the same bits in every order; returns them."""
    expected, kept = compute("reference", name, [wider(a) for a in args])
    dtype = next(a.dtype for a in args if isinstance(a, np.ndarray) and a.dtype.kind == "f")
    tolerance = tolerance or TOLERANCE[dtype]
    first = None
    for order in orders if EMULATED else (0,):
        with running(order, check) if EMULATED else contextlib.nullcontext():
            found, left = compute("gpu", name, args)
        assert len(found) == len(expected), f"{name}: {len(found)} results, the reference gives {len(expected)}"
        for k, (y, z) in enumerate([*zip(found, expected), *zip(left, kept)]):
            if not isinstance(z, np.ndarray):
                continue
            assert y.shape == z.shape, f"{name}: result {k} has shape {y.shape}, the reference's {z.shape}"
            if z.dtype.kind != "f":
                assert y.dtype == z.dtype, f"{name}: result {k} is {y.dtype}, the reference's {z.dtype}"
                np.testing.assert_array_equal(y, z, err_msg=f"{name}, result {k}, order {order}")
                continue
            assert y.dtype == dtype, f"{name}: result {k} is {y.dtype}, the arguments {dtype}"
            finite = np.isfinite(z)
            size = np.abs(z[finite]).max(initial=0)
            np.testing.assert_allclose(
                y, z, rtol=0, atol=tolerance * size + 1e-30, err_msg=f"{name}, result {k}, order {order}"
            )
        bits = [y.tobytes() for y in [*found, *left] if isinstance(y, np.ndarray)]
        assert first is None or bits == first, f"{name}: other bits in order {order}"
        first = bits
    return found
