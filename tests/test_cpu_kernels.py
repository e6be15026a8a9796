"""The fast kernels against the reference: each kernel of each folder, on drawn arrays of every awkward kind.

A draw gives a kernel's arguments. They go to the reference and, serial and parallel, to the fast folder: the same values,
NaN and inf in the same places, nothing written that the reference does not write, and the same bits on any number of threads.
"""

import importlib
import inspect
import types

import numpy as np
import pytest
from cases import sides, values, windows
from hypothesis import given
from hypothesis import strategies as st
from tinylucid_kernels import cpu, reference
from tinylucid_kernels.dispatch import NAMES, folder

FAST = [name for name in NAMES if name == "cpu"]  # tests/gpu/ holds the GPU's kernels to the reference
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}
KINDS = ("plain", "ties", "nan", "inf", "empty")
DRAWS = {}


def draws(function):
    """Register the draw of the kernel of that name: (draw, array, count) → its arguments."""
    DRAWS[function.__name__] = function
    return function


class Drawn:
    """What a draw is made with: arrays of one dtype and kind, and how many pictures (or rows) there are."""

    def __init__(self, draw, kind):
        self.draw, self.kind = draw, kind
        self.dtype = draw(st.sampled_from([np.float32, np.float64]))
        self.count = 0 if kind == "empty" else draw(st.integers(1, 3))

    def array(self, *shape):
        """Normal values; some of them equal, NaN or ±inf, if that is the kind."""
        x = values(self.draw, shape)
        rng = np.random.default_rng(x.size)
        if self.kind == "ties":
            x = np.round(x)
        elif self.kind in ("nan", "inf") and self.draw(st.booleans()):
            here = rng.random(shape) < 2 / max(x.size, 8)
            x = np.where(here, np.nan if self.kind == "nan" else np.copysign(np.inf, x), x)
        return np.asarray(x, self.dtype)

    def flipped(self, *shape):
        """An array of that shape whose last two axes may lie in memory the other way round."""
        if self.draw(st.booleans()):
            return self.array(*shape)
        return self.array(*shape[:-2], shape[-1], shape[-2]).swapaxes(-1, -2)

    def sides(self, count, low=1, high=4):
        """Sizes of axes."""
        return sides(self.draw, count, low, high)

    def one_of(self, *options):
        """One of the options."""
        return self.draw(st.sampled_from(options))


def convolution(d):
    """Arrays x, weight, bias, g of a convolution, and (stride, padding, dilation, groups)."""
    h, w = d.sides(2, 1, d.one_of(5, 5, 20))
    groups, per_in, per_out = d.one_of(1, 1, 2, 3), *d.sides(2, 1, d.one_of(2, 6))
    kernel, stride, padding, dilation = windows(d.draw, h, w)
    x, weight = d.array(d.count, groups * per_in, h, w), d.array(groups * per_out, per_in, *kernel)
    size = [(n + 2 * p - e * (k - 1) - 1) // s + 1 for n, k, s, p, e in zip((h, w), kernel, stride, padding, dilation)]
    g = d.array(d.count, groups * per_out, *size)
    return x, weight, d.array(groups * per_out), g, (stride, padding, dilation, groups)


@draws
def conv2d(d):
    x, weight, bias, _, how = convolution(d)
    return x, weight, d.one_of(bias, None), *how


@draws
def conv2d_input(d):
    x, weight, _, g, how = convolution(d)
    weight = np.nan_to_num(weight, posinf=1, neginf=1)  # at the edge they meet zeros, in some kernels: 0 · NaN
    return g, weight, x.shape, *how


@draws
def conv2d_weight(d):
    x, weight, _, g, how = convolution(d)
    return x, g, weight.shape, *how


def product(d):
    """The sizes of a matrix product, half of them too large for NumPy's BLAS to stay on one thread."""
    small, large = (1, 2, 5), (70, 131)
    return [d.one_of(*sizes) for sizes in d.one_of((small,) * 3, (large,) * 3, (large,) * 3, (large, (1,), large))]


@draws
def matmul(d):
    m, n, k = product(d)
    lead, other = d.one_of(((), ()), ((2,), (2,)), ((2, 3), ()), ((), (3,)), ((2, 1), (3,)), ((1, 2), (2, 1)))
    if d.kind == "empty":
        lead, other = d.one_of(((0,), ()), ((0, 2), (1, 2)), ((0,), (1,)))
    return d.flipped(*lead, m, k), d.flipped(*other, k, n)


@draws
def linear(d):
    rows, outputs, inputs = product(d)
    return d.flipped(rows if d.count else 0, inputs), d.flipped(outputs, inputs), d.one_of(d.array(outputs), None)


@draws
def linear_grads(d):
    rows, outputs, inputs = product(d)
    rows = rows if d.count else 0
    arrays = d.flipped(rows, outputs), d.flipped(rows, inputs), d.flipped(outputs, inputs)
    return *arrays, *(d.one_of(True, True, False) for _ in range(3))


def pooling(d, dilated=True):
    """A picture x, and kernel_size, stride, padding, dilation of a window that touches it everywhere."""
    channels, h, w = d.sides(1, d.one_of(0, 1), 3)[0], *d.sides(2, 1, d.one_of(5, 5, 37))
    kernel, stride, padding, dilation = windows(d.draw, h, w, dilated)
    dilation = tuple(min(e, n) for e, n in zip(dilation, (h, w)))
    if min(h, w) >= 2 and d.draw(st.booleans()):  # the commonest pooling has a loop of its own
        kernel, stride, padding, dilation = (2, 2), (2, 2), (0, 0), (1, 1)
    return d.array(d.count, channels, h, w), kernel, stride, padding, dilation


@draws
def max_pool2d(d):
    return pooling(d)


@draws
def relu(d):
    return (d.array(d.count, d.one_of(3, 20_000)),)


@draws
def gate(d):
    shape = d.count, d.one_of(3, 20_000)
    return d.array(*shape), d.array(*shape)


@draws
def scale_kept(d):
    x = d.array(d.count, d.one_of(3, 20_000)) if d.draw(st.booleans()) else d.array()
    return x, np.random.default_rng(x.size).random(x.shape) < 0.7, d.one_of(0.0, 1.25, 3.0)


@draws
def row_sums(d):
    return (d.array(d.count, d.one_of(0, 1, 17, 784, 4096, 9001)),)


@draws
def pool_gather(d):
    x, *how = pooling(d)
    return x, reference.max_pool2d(x, *how)[1]


@draws
def pool_scatter(d):
    x, *how = pooling(d)
    _, index = reference.max_pool2d(x, *how)
    return d.array(*index.shape), index, x.shape[2:]


@draws
def avg_pool2d(d):
    *how, _ = pooling(d, dilated=False)
    return *how, d.draw(st.booleans())


@draws
def avg_pool2d_backward(d):
    x, *how = avg_pool2d(d)
    return d.array(*reference.avg_pool2d(x, *how).shape), x.shape[2:], *how


@draws
def adaptive_avg_pool2d(d):
    return d.array(d.count, *d.sides(3, 1, 7)), d.sides(2, 1, 7)


@draws
def adaptive_avg_pool2d_backward(d):
    return d.array(d.count, *d.sides(3, 1, 7)), d.sides(2, 1, 7)


@draws
def adaptive_max_pool2d(d):
    return d.array(d.count, *d.sides(3, 1, 7)), d.sides(2, 1, 7)


def resizing(d, size, out):
    """mode, align_corners and scale of a resize, with the sizes' own scale or any other."""
    mode, corners = d.one_of(("nearest", False), ("bilinear", False), ("bilinear", True))
    scale = tuple((n - 1) / max(m - 1, 1) if corners else n / m for n, m in zip(size, out))
    return mode, corners, d.one_of(scale, scale, (0.37, 1.9))


@draws
def resize(d):
    x, size = d.array(d.count, *d.sides(3, 1, d.one_of(6, 20))), d.sides(2, 1, d.one_of(9, 40))
    return x, size, *resizing(d, x.shape[2:], size)


@draws
def resize_backward(d):
    g, size = d.array(d.count, *d.sides(3, 1, d.one_of(6, 20))), d.sides(2, 1, d.one_of(9, 20))
    return g, size, *resizing(d, size, g.shape[2:])


@draws
def grid_sample(d):
    x, places = d.array(d.count, *d.sides(3, 1, 6)), d.sides(2)
    grid = d.array(d.count, *places, 2) * d.dtype(d.one_of(0.5, 1, 3))
    return x, grid, d.one_of("zeros", "border", "reflection"), d.draw(st.booleans())


@draws
def grid_sample_backward(d):
    x, grid, *how = grid_sample(d)
    return d.array(d.count, x.shape[1], *grid.shape[1:3]), x, grid, *how


@draws
def index_add(d):
    rows, size = d.count * d.one_of(1, 30), d.one_of(1, 2, 9)
    index = np.random.default_rng(d.draw(st.integers(0, 99))).integers(0, size, rows)
    return d.array(rows, d.one_of(0, 1, 5, 16, 17, 700)), index, size


@draws
def batch_norm(d):
    rest = d.one_of((), (5,), (3, 7), (1, 1), (17, 19))
    rows, channels = (
        3 * max(d.count, 1),
        d.sides(1)[0],
    )  # an empty batch has no mean, and is refused before it comes here
    return d.array(rows, channels, *rest), d.array(channels), d.array(channels), d.one_of(1e-5, 0.1)


@draws
def batch_norm_backward(d):
    x, weight, _, eps = batch_norm(d)
    _, mean, _, inv_std = reference.batch_norm(x, weight, weight, eps)
    return d.array(*x.shape), x, weight, mean, inv_std


@draws
def batch_norm_fixed(d):
    x, weight, bias, eps = batch_norm(d)
    _, mean, _, inv_std = reference.batch_norm(x, weight, weight, eps)
    return x, weight, bias, mean, inv_std


@draws
def follow(d):
    running, batch = parameter(d, "", "")
    return running, batch, d.one_of(0.1, 1.0), d.one_of(1.0, 1.25)


@draws
def label_weight(d):
    rng = np.random.default_rng(d.draw(st.integers(0, 99)))
    target = rng.integers(0, 4, (d.count, d.one_of(1, 7, 4097))).astype(d.one_of(np.int64, np.int32))
    if d.one_of(True, False):
        target[rng.random(target.shape) < 0.3] = d.one_of(-100, -1, 9)
    return target, d.one_of(None, rng.random(4).astype(d.dtype)), 4, d.one_of(-100, 2), np.dtype(d.dtype)


@draws
def group_norm(d):
    rest = d.one_of((), (5,), (3, 7), (1, 1), (17, 19))
    groups, each = d.sides(2)
    channels = groups * (each if rest and max(rest) > 1 else 30 * each)
    rows = d.count * d.one_of(1, 1, 45)
    return d.array(rows, channels, *rest), d.array(channels), d.array(channels), groups, d.one_of(1e-5, 0.1)


@draws
def group_norm_backward(d):
    x, weight, _, groups, eps = group_norm(d)
    _, mean, _, inv_std = reference.group_norm(x, weight, weight, groups, eps)
    return d.array(*x.shape), x, weight, mean, inv_std


@draws
def cross_entropy(d):
    rows, classes = d.count * d.one_of(1, 1, 9), d.one_of(1, 2, 5, 40)
    rng = np.random.default_rng(d.draw(st.integers(0, 99)))
    places = d.one_of((), (), (1, 1), (3, 2), (300,))
    target = rng.integers(0, classes, (rows, *places)).astype(d.one_of(np.int64, np.int32))
    ignored = d.one_of(None, -1)
    if ignored is not None:
        target[rng.random(target.shape) < 0.3] = ignored
    weight = d.one_of(None, rng.integers(0, 3, classes).astype(d.dtype))
    return d.array(rows, classes, *places) * d.dtype(d.one_of(1, 200)), target, weight, ignored, d.one_of(0.0, 0.1, 1.0)


@draws
def logistic_loss(d):
    shape = (d.count, d.one_of(1, 7, 4097, 9001))
    x = d.array(*shape) * d.dtype(d.one_of(1, 50, 1e4))
    return x, np.random.default_rng(x.size).random(shape).astype(d.dtype)


@draws
def logistic_loss_backward(d):
    return np.asarray(d.dtype(1.5)), *logistic_loss(d)


@draws
def distance_loss(d):
    shape, how = (d.count, d.one_of(1, 7, 4097, 9001)), d.one_of((np.inf, 1.0, 0.0), (0.0, 0.0, 0.0), (0.5, 1.0, 0.25))
    return d.array(*shape), d.array(*shape), *how


@draws
def distance_loss_backward(d):
    x, target, beta, square, _ = distance_loss(d)
    return np.asarray(d.dtype(1.5)), x, target, beta, square


@draws
def philox(d):
    n = d.one_of(1, 2, 7, 4097, 9001) if d.count else 0
    return d.one_of(0, 1, 2**64 - 1), d.one_of(0, 3, 2**40), n, d.one_of(0, 1, 2**33 + 5)


@draws
def dropout(d):
    shape = d.one_of((), (3, 5), (4097,), (3, 3001)) if d.count else (0, 3)
    return d.array(*shape), d.one_of(0.0, 0.3, 0.999, 1.0), 1.5, d.one_of(0, 2**64 - 1), d.one_of(0, 2**40)


def parameter(d, *signs):
    """Arrays of one shape for an optimiser; where the sign is +, none is negative; some lie in memory with gaps."""
    shape = d.one_of((), (1,), (7, 5), (2, 16_385)) if d.count else (0, 4)
    made = [d.flipped(*shape) if len(shape) == 2 else d.array(*shape) for _ in signs]
    return [np.asarray(abs(a)) if sign == "+" else a for a, sign in zip(made, signs)]


@draws
def sgd(d):
    p, g, velocity = parameter(d, "", "", "")
    return p, g, *d.one_of((velocity, 0.1, 0.9, 0.0, True), (velocity, 0.1, 0.9, 0.5, False), (None, 0.1, 0, 0, False))


@draws
def adam(d):
    p, g, m, v = parameter(d, "", "", "", "+")
    return p, g, m, v, d.one_of(1, 2, 1000), 0.1, 0.9, 0.999, 1e-3


@draws
def rmsprop(d):
    p, g, square, mean, buffer = parameter(d, "", "", "+", "", "")
    mean = d.one_of(None, mean)
    square = square if mean is None else np.asarray(square + mean * mean + 0.1)  # under the root is not just rounding
    return p, g, square, mean, d.one_of(None, buffer), 0.1, 0.9, 0.8, 1e-3


def run(name, kernel, args):
    """All that a kernel of that folder computes: what it returns, and its arguments as they are afterwards."""
    own = [a.copy(order="K") if isinstance(a, np.ndarray) else a for a in args]
    found = getattr(folder(name), kernel)(*own)
    results = found if isinstance(found, tuple) else () if found is None else (found,)
    results = [np.empty(0, bool) if a is None else a for a in results]  # what was not wanted
    return [*results, *(a for a in own if isinstance(a, np.ndarray))]


def both_ways(name, kernel, args):
    """What the folder computes; the CPU's serial and parallel, which must be the same bits."""
    if name != "cpu":
        return run(name, kernel, args)
    found = []
    for small in (1 << 60, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cpu.threads, "SMALL", small)
            found.append(run(name, kernel, args))
    for serial, parallel in zip(*found):
        assert serial.tobytes() == parallel.tobytes(), "the same bits, however many threads"
    return found[0]


def agree(found, expected, tolerance):
    """Shapes, dtypes, NaN and inf the same, integers too, and floats to the tolerance times the largest magnitude."""
    assert len(found) == len(expected)
    scale = max((np.abs(a[np.isfinite(a)]).max(initial=1) for a in expected if a.dtype.kind == "f"), default=1)
    for a, b in zip(found, expected):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        if b.dtype.kind == "f":
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale)
        else:
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kernel", DRAWS)
@pytest.mark.parametrize("name", FAST)
@given(data=st.data())
def test_fast_kernels_compute_what_the_reference_says(name, kernel, kind, data):
    d = Drawn(data.draw, kind)
    with np.errstate(all="ignore"):
        args = DRAWS[kernel](d)
        agree(both_ways(name, kernel, args), run("reference", kernel, args), TOLERANCE[d.dtype])


@pytest.mark.parametrize("padding", [(0, 0), (1, 1), (2, 1)])
@pytest.mark.parametrize("wrong", [None, np.nan, np.inf])
@pytest.mark.parametrize("name", FAST)
def test_many_channels_of_three_by_three(name, padding, wrong, rng):
    """Where filters may be transformed, with more rounding, NaN and inf still stay in their windows."""
    x, weight, bias = (rng.standard_normal(s).astype(np.float32) for s in ((8, 32, 9, 7), (32, 32, 3, 3), (32,)))
    how = ((1, 1), padding, (1, 1), 1)
    g = rng.standard_normal(reference.conv2d(x, weight, bias, *how).shape).astype(np.float32)
    if wrong is not None:
        x[1, 3, 4, 5] = g[0, 30, 0, 2] = wrong
    with np.errstate(all="ignore"):
        for kernel, args in (
            ("conv2d", (x, weight, bias)),
            ("conv2d_input", (g, weight, x.shape)),
            ("conv2d_weight", (x, g, weight.shape)),
        ):
            agree(both_ways(name, kernel, (*args, *how)), run("reference", kernel, (*args, *how)), 3e-5)


def exported(name):
    """The kernels that a folder offers: name → (the file it is in, its parameters)."""
    package = importlib.import_module(f"tinylucid_kernels.{name}")
    return {
        key: (function.__module__.rpartition(".")[2], str(inspect.signature(function)))
        for key, function in vars(package).items()
        if isinstance(function, types.FunctionType)
    }


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_folders_lie_side_by_side(name):
    """The same kernels in files of the same names, with the same parameters in the same order."""
    assert exported(name) == exported("reference")


@pytest.mark.parametrize("kernel", DRAWS)
@given(data=st.data())
def test_arrays_come_before_constants(kernel, data):
    """The guard around a kernel looks at its arguments up to the first constant."""
    args = DRAWS[kernel](Drawn(data.draw, "plain"))
    first = next((k for k, a in enumerate(args) if a is not None and not isinstance(a, np.ndarray)), len(args))
    assert not any(isinstance(a, np.ndarray) for a in args[first:])


def test_every_kernel_is_drawn():
    assert set(DRAWS) == set(reference.__all__) == set(exported("reference"))


def test_a_kernel_is_compiled_once_a_dtype(rng):
    """Whatever the layout, read-only or not, serial or parallel: a second compilation would cost seconds, without a word."""
    from tinylucid_kernels import of

    kernel = importlib.import_module("tinylucid_kernels.cpu.norm").fixed_items
    for dtype in (np.float32, np.float64):
        x, c = rng.standard_normal((3, 4, 60, 60)).astype(dtype), np.ones(4, dtype)
        frozen = x.copy()
        frozen.flags.writeable = False
        before = len(kernel.signatures)
        for a in (x, x[:1], x[:, :, ::2], x.swapaxes(2, 3), frozen, np.broadcast_to(x[:1], x.shape), x[:, :, 0, 0]):
            of(a).batch_norm_fixed(a, c, c, c, c)
        assert len(kernel.signatures) <= before + 1
    assert len(kernel.signatures) == 2
