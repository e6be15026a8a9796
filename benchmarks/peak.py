"""What the cores can do at most: ``python -m benchmarks.peak THREADS …`` prints it as JSON, for each number of threads.

``python -m benchmarks.peak`` alone says which OpenBLAS computes, and with the kernels of which processor.

Products a second of small float32 matrices that stay in a core's cache, by the BLAS that the engine's kernels call, and bytes a
second, read and written, of copying an array that no cache holds. A process of its own, so that BLAS has one thread.
"""

from __future__ import annotations

import json
import sys

import numba
import numpy as np
import scipy.linalg.cython_blas  # noqa: F401 - loads the BLAS that Numba's np.dot calls
from threadpoolctl import threadpool_info

from .timing import repeated

SIDES = (48, 64, 96, 128, 192)
LARGE = 1 << 25  # numbers in the copied array, 128 MB


@numba.njit(parallel=True, cache=True)
def products(a: np.ndarray, b: np.ndarray, c: np.ndarray, times: int) -> None:
    """c[k] = a[k] · b[k], each k on a thread of its own, so many times."""
    for k in numba.prange(len(a)):
        for _ in range(times):
            np.dot(a[k], b[k], c[k])


@numba.njit(parallel=True, cache=True)
def copy(source: np.ndarray, target: np.ndarray) -> None:
    """target = source, a row a thread."""
    for k in numba.prange(len(source)):
        target[k] = source[k]


def peak(threads: int) -> float:
    """Multiplications and additions a second."""
    best = 0.0
    for side in SIDES:
        a, b, c = np.ones((3, threads, side, side), np.float32)
        times = 20_000_000 // side**3 + 1
        block = repeated(lambda: products(a, b, c, times), 1)  # noqa: B023
        best = max(best, *(2 * threads * times * side**3 / block() for _ in range(40)))
    return best


def bandwidth(threads: int) -> float:
    """Bytes a second."""
    source, target = np.ones((2, threads, LARGE // threads), np.float32)
    block = repeated(lambda: copy(source, target), 1)
    return 2 * source.nbytes / min(block() for _ in range(6))


def blas() -> str:
    """The BLAS under Numba's np.dot, and the kernels it chose."""
    libraries = [lib for lib in threadpool_info() if "scipy.libs" in lib["filepath"]] or threadpool_info()
    return ", ".join(f"{lib['internal_api']} {lib['version']} ({lib.get('architecture', '?')})" for lib in libraries)


if __name__ == "__main__":
    found: dict[str, tuple[float, float]] = {}
    for n in map(int, sys.argv[1:]):
        numba.set_num_threads(n)
        found[str(n)] = (peak(n), bandwidth(n))
    print(json.dumps(found or blas()))
