"""What the engine relies on in CuPy's capture of streams into graphs: the same tests for the real one and its stand-in."""

import copy
import gc

import numpy as np
import pytest

from .agree import EMULATED
from .arrays import F, ramp, strict

SOURCE = r"""
extern "C" __global__ void scale(const float *x, float *y, float a, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a * x[i];
}
"""


@pytest.fixture
def captured(cp):
    """captured(work): the graph of what work() asks for, and what it returns; the pool is kept until the test has ended."""
    kept = []

    def capture(work):
        stream, pool = cp.cuda.Stream(non_blocking=True), cp.cuda.MemoryPool()
        kept.append(pool)
        with cp.cuda.using_allocator(pool.malloc), stream:
            stream.begin_capture()
            assert stream.is_capturing()
            try:
                result = work()
            finally:
                try:
                    graph = stream.end_capture()
                except cp.cuda.runtime.CUDARuntimeError:  # what was refused has made it invalid
                    graph = None
        assert not stream.is_capturing()
        return graph, result

    yield capture
    kept.clear()


def warm(work):
    """Run once outside of a capture, so that all kernels are compiled and loaded."""
    work()
    return work


def test_what_is_captured_is_done_at_each_launch_and_not_before(cp, captured):
    kernel = cp.RawKernel(SOURCE, "scale")
    x, y = ramp(10), cp.zeros(10, F)

    def work():
        kernel((1,), (32,), (x, y, F(3), np.int32(10)))
        z = y + 1
        y.__imul__(2)
        return z

    graph, z = captured(warm(work))
    y.fill(0)
    assert not y.get().any()
    for factor in (1, 2):
        x[...] = cp.arange(10, dtype=F) * factor
        graph.launch()
        assert y.get().tolist() == [6.0 * factor * i for i in range(10)]
        assert z.get().tolist() == [3.0 * factor * i + 1 for i in range(10)]


DONE_LATER = {
    "a ufunc": lambda cp, x: cp.exp(x),
    "NumPy's": lambda cp, x: np.sqrt(x),
    "out=": lambda cp, x: np.add(x, 1, out=x),
    "an operator": lambda cp, x: 2 - x,
    "in place": lambda cp, x: x.__iadd__(x),
    "a method": lambda cp, x: x.sum(0),
    "a reduction": lambda cp, x: np.max(x, axis=1, keepdims=True),
    "several": lambda cp, x: cp.concatenate([x, x * 2]),
    "elements": lambda cp, x: x.__setitem__((slice(None), 0), x[:, 1]),
    "a copy": lambda cp, x: x.copy(),
    "fill": lambda cp, x: x.fill(3),
    "a copied view": lambda cp, x: cp.ascontiguousarray(x.T),
    "zeros": lambda cp, x: cp.zeros((2, 3), F) + x,
    "where": lambda cp, x: np.where(x > 2, x, 0),
    "by an index array": lambda cp, x: x[cp.arange(2), cp.arange(2) + 1],
    "another dtype": lambda cp, x: x.astype(np.float64),
    "copyto": lambda cp, x: cp.copyto(x, x[::-1] * 1),
    "reshaped": lambda cp, x: x.T.reshape(-1) + 0,
    "copy.copy": lambda cp, x: copy.copy(x),
    "add.at": lambda cp, x: cp.add.at(x, (0, 1), cp.ones((), F)),
    "two results": lambda cp, x: divmod(x + 5, 3)[1],
    "full": lambda cp, x: cp.full(3, 2.0, F) * x,
}


@pytest.mark.parametrize("name", DONE_LATER)
def test_it_gives_what_it_gives_without_a_graph(cp, captured, name):
    work = DONE_LATER[name]
    x = ramp(2, 3)
    x0, after = x.copy(), x.copy()
    direct = work(cp, after)
    graph, late = captured(lambda: work(cp, x))
    np.testing.assert_array_equal(x.get(), x0.get(), err_msg="nothing is done before the launch")
    if EMULATED and late is not None and late is not x:
        assert np.isnan(late.get()).all(), "nor is a result there"
    for _ in range(2):
        x[...] = x0
        graph.launch()
        np.testing.assert_array_equal(x.get(), after.get())
        if direct is not None:
            assert late.dtype == direct.dtype
            np.testing.assert_array_equal(late.get(), direct.get())


def test_a_view_is_a_view_of_what_will_be_there(cp, captured):
    x = ramp(2, 3)
    graph, (y, view) = captured(warm(lambda: (y := x * 2, y[1])))
    graph.launch()
    assert view.get().tolist() == [6, 8, 10]
    assert view.base is y


REFUSED = {
    "to the host": lambda cp, x: x.get(),
    "a number": lambda cp, x: float(x.sum()),
    "item": lambda cp, x: x[0, 0].item(),
    "a truth": lambda cp, x: bool((x > 0).all()),
    "from the host": lambda cp, x: cp.asarray(np.ones(3, F)),
    "set": lambda cp, x: x.set(np.ones((2, 3), F)),
    "as text": lambda cp, x: repr(x),
    "a list": lambda cp, x: x.tolist(),
    "nonzero": lambda cp, x: cp.nonzero(x),
    "where alone": lambda cp, x: cp.where(x > 2),
    "a Boolean index": lambda cp, x: x[x > 2],
    "cuBLAS": lambda cp, x: x @ x.T,
    "dot": lambda cp, x: x.dot(x.T),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_host_and_cublas_are_refused(cp, captured, name):
    x = ramp(2, 3)
    with pytest.raises((RuntimeError, NotImplementedError)):
        captured(lambda: REFUSED[name](cp, x))
    REFUSED[name](cp, x)  # and allowed again afterwards


def test_the_default_stream_cannot_capture(cp):
    with pytest.raises(RuntimeError, match="default"):
        cp.cuda.Stream.null.begin_capture()


@strict
@pytest.mark.parametrize("wait", ["stream", "device", "event"])
def test_waiting_is_refused(cp, captured, wait):
    event = cp.cuda.Event()
    waits = {
        "stream": lambda: cp.cuda.get_current_stream().synchronize(),
        "device": lambda: cp.cuda.Device().synchronize(),
        "event": event.synchronize,
    }
    with pytest.raises(RuntimeError, match="waiting"):
        captured(waits[wait])


@strict
def test_arrays_of_the_default_pool_are_refused(cp):
    x, stream = ramp(3), cp.cuda.Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        with pytest.raises(RuntimeError, match="kept with the graph"):
            x + 1
        stream.end_capture()


@strict
def test_what_the_graph_needs_must_still_be_there(cp):
    def graph_and(keep, work=lambda x: x + 1):
        x, pool, stream = ramp(3), cp.cuda.MemoryPool(), cp.cuda.Stream(non_blocking=True)
        with cp.cuda.using_allocator(pool.malloc), stream:
            stream.begin_capture()
            y = work(x)
            graph = stream.end_capture()
        return graph, {"x": x, "pool": pool, "y": y}[keep]

    graph, pool = graph_and("pool")
    gc.collect()
    with pytest.raises(RuntimeError, match="an array that the graph works on is gone"):
        graph.launch()
    graph, pool = graph_and("pool", lambda x: x.fill(3))
    gc.collect()
    with pytest.raises(RuntimeError, match="an array that the graph works on is gone"):
        graph.launch()
    graph, x = graph_and("x")
    gc.collect()
    with pytest.raises(RuntimeError, match="memory pool"):
        graph.launch()
    del pool, x


@strict
def test_captures_do_not_nest(cp, captured):
    stream = cp.cuda.Stream(non_blocking=True)
    with pytest.raises(RuntimeError, match="the current one"):
        stream.begin_capture()
    with pytest.raises(RuntimeError, match="not capturing"):
        stream.end_capture()

    def inner():
        with stream:
            stream.begin_capture()

    with pytest.raises(RuntimeError, match="already"):
        captured(inner)
    graph, _ = captured(lambda: None)
    with pytest.raises(RuntimeError, match="another"):
        captured(graph.launch)
    graph.upload()
    graph.launch()
