"""Vectors as values: what kernels make of them, beside NumPy; each operation in a kernel of its own, in both dtypes."""

import numpy as np
import pytest
from tinylucid_kernels.cpu import lanes
from tinylucid_kernels.cpu.jit import jit
from tinylucid_kernels.cpu.lanes import LANES

DTYPES = [np.float32, np.float64]
of_each_dtype = pytest.mark.parametrize("dtype", DTYPES)
of_each_count = pytest.mark.parametrize("count", [-20, -1, 0, 1, 2, 7, 8, 15, 16, 17, 40])


@jit(counted=False)
def loaded(x, place, out):
    lanes.store(lanes.load(x, place), out, 1)


@jit(counted=False)
def loaded_some(x, place, count, out):
    lanes.store(lanes.load_some(x, place, count), out, 1)


@jit(counted=False)
def stored_some(x, place, count, out):
    lanes.store_some(lanes.load(x, 0), out, place, count)


@jit(counted=False)
def selected(x, place, count, out):
    lanes.store(lanes.select(lanes.load(x, place), count), out, 1)


@jit(counted=False)
def combined(x, out):
    a, b, two = lanes.load(x, 0), lanes.load(x, LANES), x[1]
    results = a + b, a - b, a * b, 3 * a, two * b, 2 - a, two + b
    for k, vector in enumerate(results):
        lanes.store(vector, out, k * LANES)


@jit(counted=False)
def chosen(x, out):
    a, b = lanes.load(x, 0), lanes.load(x, LANES)
    results = (
        lanes.evens(a, b),
        lanes.odds(a, b),
        lanes.one_on(a, b),
        lanes.two_on(a, b),
        lanes.lower(a, b),
        lanes.upper(a, b),
    )
    for k, vector in enumerate(results):
        lanes.store(vector, out, k * LANES)


@jit(counted=False)
def summed(x, out):
    out[0] = lanes.total(lanes.load(x, 0))
    lanes.prefetch(x, 1 << 40)


@jit(counted=False)
def carried(x, out):
    """The sum of all rows, held in a register from one turn to the next."""
    sums = 0 * lanes.load(x, 0)
    for t in range(0, x.size, LANES):
        sums = sums + lanes.load(x, t)
    lanes.store(sums, out, 0)


@of_each_dtype
def test_a_load_reads_from_any_place_and_a_store_writes_no_more(dtype):
    x, out = np.arange(40, dtype=dtype), np.full(LANES + 2, -1, dtype)
    loaded(x, 3, out)
    np.testing.assert_array_equal(out, [-1, *range(3, 3 + LANES), -1])


@of_each_count
@of_each_dtype
@pytest.mark.parametrize("kernel", [loaded_some, selected])
def test_some_numbers_and_zeros_behind(kernel, dtype, count):
    """What lies behind is NaN, which neither reaches the result nor is multiplied by 0."""
    some = max(0, min(LANES, count))
    x, out = np.full(60, np.nan, dtype), np.full(LANES + 2, -1, dtype)
    x[3 : 3 + some] = np.arange(some)
    kernel(x, 3, count, out)
    np.testing.assert_array_equal(out, [-1, *range(some), *[0] * (LANES - some), -1])


@of_each_dtype
def test_loading_some_touches_no_memory_beyond(dtype):
    """The last numbers of a page, behind which there is none: a load of all of them would end the process."""
    mmap = pytest.importorskip("mmap")
    ctypes = pytest.importorskip("ctypes")
    pages = mmap.mmap(-1, 2 * mmap.PAGESIZE)
    x = np.frombuffer(pages, dtype)
    here, libc = x.ctypes.data, ctypes.CDLL(None)
    if not hasattr(libc, "mprotect"):
        pytest.skip("no mprotect")
    start, size = ctypes.c_void_p(here + mmap.PAGESIZE), ctypes.c_size_t(mmap.PAGESIZE)
    end, out = mmap.PAGESIZE // x.itemsize, np.full(LANES + 2, -1, dtype)
    assert libc.mprotect(start, size, 0) == 0
    try:
        for count in (-3, 0, 1, 5, LANES - 1, LANES):
            some = max(0, count)
            loaded_some(x, end - some, count, out)
            assert not out[1:-1].any()
            stored_some(np.arange(1, 40, dtype=dtype), end - some, count, x)
            np.testing.assert_array_equal(x[end - some : end], np.arange(1, 1 + some))
            x[end - some : end] = 0
    finally:
        assert libc.mprotect(start, size, 3) == 0


@of_each_count
@of_each_dtype
def test_storing_some_leaves_the_rest(dtype, count):
    out, some = np.full(LANES + 5, -1, dtype), max(0, min(LANES, count))
    stored_some(np.arange(1, 40, dtype=dtype), 2, count, out)
    np.testing.assert_array_equal(out, [-1, -1, *range(1, 1 + some), *[-1] * (LANES + 3 - some)])


@of_each_dtype
def test_arithmetic_of_vectors_and_numbers(dtype, rng):
    x, out = rng.standard_normal(2 * LANES).astype(dtype), np.zeros(7 * LANES, dtype)
    combined(x, out)
    a, b, two = x[:LANES], x[LANES:], x[1]
    expected = [a + b, a - b, a * b, 3 * a, two * b, 2 - a, two + b]
    np.testing.assert_allclose(out.reshape(7, LANES), expected, rtol=1e-6)


@of_each_dtype
def test_lanes_of_two_vectors(dtype):
    x, out = np.arange(2 * LANES, dtype=dtype), np.zeros(6 * LANES, dtype)
    chosen(x, out)
    woven = np.stack([x[:LANES], x[LANES:]], 1).reshape(2, LANES)
    expected = [x[::2], x[1::2], x[1 : LANES + 1], x[2 : LANES + 2], *woven]
    np.testing.assert_array_equal(out.reshape(6, LANES), expected)


@of_each_dtype
def test_sums_across_and_down(dtype):
    x, out = 2.0 ** np.arange(LANES).astype(dtype), np.zeros(LANES, dtype)
    summed(x, out)
    assert out[0] == 2**LANES - 1
    rows = np.arange(5 * LANES, dtype=dtype)
    carried(rows, out)
    np.testing.assert_array_equal(out, rows.reshape(5, LANES).sum(0))
