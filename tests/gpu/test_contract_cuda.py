"""What the engine relies on in CuPy's kernels, devices, streams and memory: the same tests for the real one and its stand-in."""

import gc
import threading

import numpy as np
import pytest
from tinylucid_kernels.gpu.driver import cupy

from .arrays import F, ramp, strict

SOURCE = r"""
extern "C" __global__ void scale(const float *x, float *y, float a, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a * x[i];
}
extern "C" __global__ void count(int *seen, long long n) {
    long long i = (blockIdx.y * gridDim.x + blockIdx.x) * (long long)(blockDim.x * blockDim.y) + threadIdx.y * blockDim.x + threadIdx.x;
    if (i < n) seen[i] = UNIT;
}
extern "C" __global__ void maybe(const float *x, float *y) { y[threadIdx.x] = x ? x[threadIdx.x] : -1; }
"""


# kernels


def test_a_kernel_runs(cp):
    x, y = ramp(10), cp.zeros(10, F)
    cp.RawKernel(SOURCE, "scale", ("-DUNIT=1",))((1,), (32,), (x, y, F(3), np.int32(10)))
    assert y.get().tolist() == [3.0 * i for i in range(10)]
    cp.RawKernel(SOURCE, "scale", ("-DUNIT=1",))((1,), (32,), (x[2:], y[:5], F(1), np.int32(5)))  # a part without gaps
    assert y.get().tolist() == [2, 3, 4, 5, 6, 15, 18, 21, 24, 27]


def test_a_module_has_kernels_and_macros_and_grids_of_two_dimensions(cp):
    module = cp.RawModule(code=SOURCE, options=("-DUNIT=7",))
    seen = cp.zeros((60,), np.int32)
    module.get_function("count")((3, 2), (4, 2), (seen, np.int64(47)))
    assert seen.get().tolist() == [7] * 47 + [0] * 13
    y = cp.zeros(2, F)
    module.get_function("maybe")((1,), (2,), (ramp(2), y))
    assert y.get().tolist() == [0, 1]
    module.get_function("maybe")((1,), (2,), (np.uint64(0), y))
    assert y.get().tolist() == [-1, -1]


def test_tuples_are_asked_for(cp):
    with pytest.raises(TypeError):
        cp.RawKernel(SOURCE, "scale", ["-DUNIT=1"])
    with pytest.raises(TypeError):
        cp.RawModule(code=SOURCE, options=["-DUNIT=1"])
    with pytest.raises(TypeError):
        cp.RawModule(SOURCE)
    kernel = cp.RawKernel(SOURCE, "maybe", ("-DUNIT=1",))
    for grid, block in (([1], (2,)), ((1,), [2]), (1, (2,))):
        with pytest.raises(TypeError):
            kernel(grid, block, (ramp(2), ramp(2)))


WRONG = {
    "a Python float": (lambda x, y: (x, y, 3.0, np.int32(10)), "a: expected numpy.float32, got float"),
    "a Python int": (lambda x, y: (x, y, F(3), 10), "n: expected numpy.int32, got int"),
    "a wide scalar": (lambda x, y: (x, y, F(3), np.int64(10)), "n: expected numpy.int32, got int64"),
    "a wide array": (lambda x, y: (x, cupy().zeros(10), F(3), np.int32(10)), "y: expected float32, got an array of float64"),
    "gaps": (lambda x, y: (x, cupy().zeros((10, 2), F)[:, 0], F(3), np.int32(10)), "y: the array is not contiguous"),
    "backwards": (lambda x, y: (x[::-1], y, F(3), np.int32(10)), "x: the array is not contiguous"),
    "the host's": (lambda x, y: (x, np.zeros(10, F), F(3), np.int32(10)), "y: expected a cupy.ndarray"),
    "too few": (lambda x, y: (x, y, F(3)), "takes 4 arguments, got 3"),
    "too many": (lambda x, y: (x, y, F(3), np.int32(10), F(1)), "takes 4 arguments, got 5"),
    "a list": (lambda x, y: [x, y, F(3), np.int32(10)], "must be tuples"),
}  # fmt: skip


@strict
@pytest.mark.parametrize("name", WRONG)
def test_what_cupy_would_hand_over_as_it_is(cp, name):
    args, message = WRONG[name]
    with pytest.raises(TypeError, match=message):
        cp.RawKernel(SOURCE, "scale", ("-DUNIT=1",))((1,), (32,), args(ramp(10), cp.zeros(10, F)))


@strict
def test_an_empty_grid_is_refused(cp):
    kernel = cp.RawKernel(SOURCE, "scale", ("-DUNIT=1",))
    for grid, block in (((0,), (32,)), ((1,), (0,)), ((2, 0), (32,))):
        with pytest.raises(ValueError, match="empty"):
            kernel(grid, block, (ramp(10), ramp(10), F(1), np.int32(10)))


@strict
def test_leaving_an_array_is_refused(cp):
    with pytest.raises(RuntimeError, match="past the end"):
        cp.RawKernel(SOURCE, "scale", ("-DUNIT=1",))((1,), (32,), (ramp(10), ramp(10), F(1), np.int32(14)))


# devices, streams, events


def test_devices(cp):
    device = cp.cuda.Device()
    assert cp.cuda.is_available()
    assert device == cp.cuda.Device(0) == ramp(3).device
    assert device != cp.cuda.Device(1)
    assert device.id == 0
    assert repr(device) == "<CUDA Device 0>"
    assert int(device.compute_capability) >= 75
    free, total = device.mem_info
    assert 0 < free <= total
    device.synchronize()
    with device:
        assert ramp(2).device == device


def test_the_runtime(cp):
    runtime = cp.cuda.runtime
    assert runtime.getDeviceCount() >= 1
    assert runtime.driverGetVersion() >= runtime.runtimeGetVersion() // 1000 * 1000 > 11000
    assert issubclass(runtime.CUDARuntimeError, RuntimeError)
    properties = runtime.getDeviceProperties(0)
    assert isinstance(properties["name"], bytes)
    assert properties["warpSize"] == 32
    assert {"major", "minor", "multiProcessorCount", "totalGlobalMem", "sharedMemPerBlock"} <= set(properties)
    free, total = runtime.memGetInfo()
    assert 0 < free <= total
    with pytest.raises(runtime.CUDARuntimeError):
        cp.cuda.Device(runtime.getDeviceCount()).use()


def test_streams(cp):
    stream, null = cp.cuda.Stream(non_blocking=True), cp.cuda.Stream.null
    assert cp.cuda.get_current_stream() == null
    with stream:
        assert cp.cuda.get_current_stream() == stream
        y = ramp(3) + 1
        stream.synchronize()
    assert cp.cuda.get_current_stream() == null
    assert y.get().tolist() == [1, 2, 3]
    assert stream.done
    null.synchronize()
    null.wait_event(stream.record())


def test_events(cp):
    start, end = cp.cuda.Event(), cp.cuda.Event()
    start.record()
    ramp(1000).sum()
    end.record()
    end.synchronize()
    assert end.done
    assert 0 <= cp.cuda.get_elapsed_time(start, end) < 60_000
    untimed = cp.cuda.Event(disable_timing=True)
    untimed.record()
    for event in (untimed, cp.cuda.Event()):  # the second was not recorded
        with pytest.raises(cp.cuda.runtime.CUDARuntimeError):
            cp.cuda.get_elapsed_time(start, event)


# memory


def test_the_pool_counts_what_arrays_hold(cp):
    pool = cp.get_default_memory_pool()
    gc.collect()
    pool.free_all_blocks()
    before = pool.used_bytes()
    x = cp.zeros(1000, F)  # 4000 bytes, in units of 512
    assert pool.used_bytes() == before + 4096
    view = x[10:].reshape(2, -1)
    assert pool.used_bytes() == before + 4096
    del x
    assert pool.used_bytes() == before + 4096  # the view keeps it
    y = view + 1
    assert pool.used_bytes() == before + 4096 + 4096
    del view, y
    assert pool.used_bytes() == before
    assert pool.total_bytes() >= before + 4096  # kept for the next
    assert pool.free_bytes() == pool.total_bytes() - before
    pool.free_all_blocks()
    assert pool.total_bytes() >= before
    assert cp.empty((0, 3), F).size == 0
    assert pool.used_bytes() == before


def test_memory_can_run_out(cp):
    pool = cp.cuda.MemoryPool()
    with cp.cuda.using_allocator(pool.malloc):
        pool.set_limit(size=10_240)
        assert pool.get_limit() == 10_240
        x = cp.zeros(2000, F)
        with pytest.raises(cp.cuda.memory.OutOfMemoryError, match="Out of memory allocating"):
            x + 1
        with pytest.raises(MemoryError):
            cp.empty(1000, np.float64)
        x += 1  # needs no memory
        assert float(x[0]) == 1
        del x
        cp.zeros(1000, np.float64)
    assert pool.used_bytes() == 0
    cp.zeros(10_000, F)  # the default pool has no limit
    pool.set_limit()
    assert pool.get_limit() == 0
    for wrong in ({"size": -1}, {"fraction": 1.5}, {"size": 1, "fraction": 0.5}):
        with pytest.raises(ValueError, match=r"limit|one time"):
            pool.set_limit(**wrong)


def test_more_than_the_gpu_has(cp):
    with pytest.raises((MemoryError, ValueError)):
        cp.empty(2 * cp.cuda.Device().mem_info[1], np.uint8)


def test_arrays_can_be_freed_in_another_thread(cp):
    pool = cp.get_default_memory_pool()
    held = [cp.zeros(1000, F)]
    before = pool.used_bytes()
    thread = threading.Thread(target=held.clear)
    thread.start()
    thread.join()
    assert pool.used_bytes() == before - 4096
