"""Convolution and pooling against PyTorch: odd sizes, every argument, ties."""

import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tinylucid as tl

from .compare import agree, array, both_raise, close, differentiated, noise, numbers

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


def both(low, high):
    """An integer, or one for rows and one for columns."""
    one = st.integers(low, high)
    return st.one_of(one, st.tuples(one, one), st.lists(one, min_size=2, max_size=2))


def two(value):
    """An integer or a pair as a pair."""
    return (value, value) if isinstance(value, int) else tuple(value)


# --- convolution ---------------------------------------------------------------------------------------------------


@st.composite
def convolutions(draw, same=False):
    """Arrays (input, weight, perhaps bias) and arguments; the kernel usually fits, but not always."""
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    n, c, o = (draw(st.integers(1, high)) for high in (3, 3, 3))
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    size = draw(st.tuples(st.integers(1, 8), st.integers(1, 8)))
    stride, dilation = (1, draw(both(1, 3))) if same else (draw(both(1, 3)), draw(both(1, 2)))
    padding = "same" if same else draw(st.one_of(st.just("valid"), both(0, max(kernel) // 2)))
    arrays = [noise((n, c * groups, *size), 0), noise((o * groups, c, *kernel), 1)]
    arrays += [noise((o * groups,), 2)] if draw(st.booleans()) else []
    return arrays, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


def convolve(arrays, how, **further):
    """Compare conv2d on these arrays."""
    with warnings.catch_warnings():  # PyTorch warns of the copy that 'same' needs for an even kernel
        warnings.filterwarnings("ignore", message="Using padding='same'")
        agree(lambda t, x, w, *b: t.nn.functional.conv2d(x, w, *b, **how), *arrays, **further)


@given(case=convolutions(), strided=st.booleans())
def test_conv2d(case, strided):
    convolve(*case, strided=strided, may_raise=True)


@given(case=convolutions(same=True))
def test_conv2d_same(case):
    """Also with even kernels, where the right and bottom edge get one more."""
    convolve(*case)


@given(size=st.tuples(st.integers(1, 6), st.integers(1, 6)), channels=st.integers(1, 4), times=st.integers(1, 3))
def test_conv2d_depthwise(size, channels, times):
    arrays = [noise((2, channels, *size), 0), noise((channels * times, 1, 3, 2), 1), noise((channels * times,), 2)]
    convolve(arrays, {"padding": (1, 1), "groups": channels})


@given(size=st.tuples(st.integers(1, 5), st.integers(1, 5)), stride=both(1, 2))
def test_conv2d_pointwise(size, stride):
    convolve([noise((2, 3, *size), 0), noise((4, 3, 1, 1), 1), noise((4,), 2)], {"stride": stride})


LARGER = {
    "more channels": ((2, 16, 9, 7), (8, 16, 3, 3), {"padding": 1}),
    "stride 2": ((3, 8, 12, 11), (12, 8, 3, 3), {"padding": 1, "stride": 2}),
    "first layer": ((2, 3, 29, 23), (6, 3, 7, 7), {"padding": 3, "stride": 2}),
    "groups": ((2, 12, 10, 9), (24, 3, 3, 3), {"padding": 1, "groups": 4}),
    "dilated": ((2, 4, 17, 13), (5, 4, 3, 3), {"padding": 2, "dilation": 2}),
    "patches": ((2, 3, 16, 16), (10, 3, 4, 4), {"stride": 4}),
    "whole image": ((2, 5, 6, 4), (7, 5, 6, 4), {}),
    "one row": ((2, 3, 1, 20), (4, 3, 1, 5), {"padding": (0, 2)}),
    "padding beyond the kernel": ((1, 2, 3, 4), (3, 2, 2, 3), {"padding": (3, 4)}),
    "stride beyond the kernel": ((1, 2, 9, 8), (3, 2, 2, 1), {"stride": (4, 3)}),
    "no pictures": ((0, 2, 5, 4), (3, 2, 2, 3), {}),
}


@pytest.mark.parametrize("name", LARGER)
def test_conv2d_sizes(name):
    x, w, how = LARGER[name]
    convolve([noise(x, 0), noise(w, 1), noise((w[0],), 2)], how)


def test_conv2d_keeps_some_inputs_fixed():
    """Where only some inputs require a gradient."""
    x, w, b = noise((2, 2, 5, 4), 0), noise((3, 2, 2, 3), 1), noise((3,), 2)
    conv = lambda t, x, w, b: t.nn.functional.conv2d(x, w, b, stride=(2, 1), padding=1)
    agree(lambda t, x, w, b: conv(t, x, w, b), x, fixed=[w, b])
    agree(lambda t, w, x, b: conv(t, x, w, b), w, fixed=[x, b])
    agree(lambda t, b, x, w: conv(t, x, w, b), b, fixed=[x, w])


# --- pooling -------------------------------------------------------------------------------------------------------


@st.composite
def windows(draw, dilated=False):
    """The arguments of a pooling: window, stride, padding up to half, and dilation."""
    kernel = draw(both(1, 4))
    stride = draw(st.one_of(st.none(), both(1, 3)))
    half = [k // 2 for k in two(kernel)]
    padding = draw(st.one_of(st.integers(0, min(half)), st.tuples(*[st.integers(0, h) for h in half])))
    return kernel, stride, padding, *([draw(both(1, 3))] if dilated else [])


pictures = numbers(st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 8), st.integers(1, 8)))


def sees_padding_alone(size, kernel, stride, padding, dilation=1, ceil_mode=False):
    """Whether some window of a dilated kernel touches no pixel."""
    for n, k, s, p, d in zip(size, *map(two, (kernel, kernel if stride is None else stride, padding, dilation))):
        starts = range(-p, min(n, n + p - d * (k - 1) + s - 1) if ceil_mode else n + p - d * (k - 1), s)
        if any(all(not 0 <= start + i * d < n for i in range(k)) for start in starts):
            return True
    return False


@pytest.mark.parametrize("return_indices", [False, True])
@given(x=pictures, window=windows(dilated=True), strided=st.booleans())
def test_max_pool2d(return_indices, x, window, strided):
    """Of equal pixels the first in row-major order wins, and gets the gradient."""
    assume(not sees_padding_alone(x.shape[2:], *window))  # PyTorch reads past the image there
    f = lambda t, x: t.nn.functional.max_pool2d(x, *window, return_indices=return_indices)
    agree(f, x, strided=strided, may_raise=True)


@pytest.mark.parametrize("value", [0.0, -3.0, -np.inf])
@pytest.mark.parametrize("return_indices", [False, True])
def test_max_pool2d_of_equal_pixels(value, return_indices):
    x = np.full((2, 2, 5, 4), value)
    agree(lambda t, x: t.nn.functional.max_pool2d(x, (3, 2), (2, 1), 1, return_indices=return_indices), x)


@pytest.mark.parametrize("return_indices", [False, True])
def test_max_pool2d_where_a_window_sees_padding_alone(return_indices):
    """It has no maximum: ours refuses, PyTorch reads past the picture."""
    with pytest.raises(ValueError, match="fall beside the picture"):
        tl.nn.functional.max_pool2d(tl.ones(1, 2, 1, 3), (2, 1), 1, (1, 0), (2, 1), return_indices=return_indices)


@pytest.mark.parametrize("count_include_pad", [True, False])
@given(x=pictures, window=windows(), strided=st.booleans())
def test_avg_pool2d(count_include_pad, x, window, strided):
    f = lambda t, x: t.nn.functional.avg_pool2d(x, *window, count_include_pad=count_include_pad)
    agree(f, x, strided=strided, may_raise=True)


@given(x=pictures, rows=st.integers(1, 9), columns=st.one_of(st.none(), st.integers(1, 9)), square=st.booleans())
def test_adaptive_avg_pool2d(x, rows, columns, square):
    """To fewer pixels, as many, or more."""
    size = rows if square else (rows, columns)
    agree(lambda t, x: t.nn.functional.adaptive_avg_pool2d(x, size), x)


POOLS = {
    "max": lambda t, x: t.nn.functional.max_pool2d(x, (2, 3), (1, 2)),
    "max, indices": lambda t, x: t.nn.functional.max_pool2d(x, 2, return_indices=True),
    "avg": lambda t, x: t.nn.functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
    "adaptive": lambda t, x: t.nn.functional.adaptive_avg_pool2d(x, (2, None)),
    "global": lambda t, x: t.nn.functional.adaptive_avg_pool2d(x, 1),
}


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("shape", [(3, 8, 13, 11), (1, 1, 32, 5), (0, 2, 6, 4)])
def test_pool_sizes(name, shape):
    agree(POOLS[name], noise(shape, 0))


def small_net(t, x, w, b, v):
    """Convolution, pooling and a dense layer: their rules one after another."""
    f = t.nn.functional
    h = f.max_pool2d(t.tanh(f.conv2d(x, w, b, padding=1)), 2, 2)
    return f.linear(t.flatten(f.avg_pool2d(h, (2, 1), 1), 1), v).exp().mean()


def test_gradient_penalty():
    """Third order: the gradient of the norm of a gradient of a net."""

    def penalty(t, x, *weights):
        return t.autograd.grad(small_net(t, x, *weights), [x], create_graph=True)[0].pow(2).sum()

    shapes = [(2, 2, 5, 6), (3, 2, 3, 3), (3,), (4, 9)]
    arrays = [noise(s, k) * 0.5 for k, s in enumerate(shapes)]
    ours, theirs = (differentiated(t, penalty, arrays) for t in (tl, torch))
    for name, a in theirs.items():
        close(ours[name], a, name)


def test_no_grad_gives_the_same_values():
    """Without recording too, and the input is left as it was."""
    x = noise((2, 3, 7, 6), 0)
    for f in POOLS.values():
        with tl.no_grad(), torch.no_grad():
            ours, theirs = f(tl, tl.tensor(x)), f(torch, torch.tensor(x))
        for a, b in zip(*[(y if isinstance(y, tuple) else (y,)) for y in (ours, theirs)]):
            close(array(a), array(b))


# --- what both refuse -----------------------------------------------------------------------------------------------

CONV_REFUSED = {
    "channels": ((1, 3, 5, 5), (2, 2, 3, 3), None, {}),
    "input axes": ((3, 5), (2, 3, 3, 3), None, {}),
    "weight axes": ((1, 3, 5, 5), (2, 3, 3), None, {}),
    "bias": ((1, 3, 5, 5), (2, 3, 3, 3), (3,), {}),
    "bias axes": ((1, 3, 5, 5), (2, 3, 3, 3), (2, 1), {}),
    "kernel too large": ((1, 3, 2, 5), (2, 3, 3, 3), None, {}),
    "dilated kernel too large": ((1, 3, 5, 4), (2, 3, 3, 3), None, {"dilation": 2}),
    "groups": ((1, 4, 5, 5), (3, 2, 3, 3), None, {"groups": 2}),
    "groups 0": ((1, 3, 5, 5), (2, 3, 3, 3), None, {"groups": 0}),
    "groups and channels": ((1, 3, 5, 5), (2, 3, 3, 3), None, {"groups": 2}),
    "stride 0": ((1, 3, 5, 5), (2, 3, 3, 3), None, {"stride": 0}),
    "stride -1": ((1, 3, 5, 5), (2, 3, 3, 3), None, {"stride": (1, -1)}),
    "stride 1.5": ((1, 3, 5, 5), (2, 3, 3, 3), None, {"stride": 1.5}),
    "three strides": ((1, 3, 5, 5), (2, 3, 3, 3), None, {"stride": (1, 1, 1)}),
    "padding -1": ((1, 3, 5, 5), (2, 3, 3, 3), None, {"padding": -1}),
    "padding name": ((1, 3, 5, 5), (2, 3, 3, 3), None, {"padding": "full"}),
    "dilation 0": ((1, 3, 5, 5), (2, 3, 3, 3), None, {"dilation": 0}),
    "same with stride": ((1, 3, 5, 5), (2, 3, 3, 3), None, {"padding": "same", "stride": 2}),
}
POOL_REFUSED = {
    "axes": lambda f, x: f.max_pool2d(x[0, 0], 2),
    "max: too much padding": lambda f, x: f.max_pool2d(x, 2, padding=2),
    "max: too much padding in columns": lambda f, x: f.max_pool2d(x, (3, 1), padding=1),
    "max: window": lambda f, x: f.max_pool2d(x, (6, 1)),
    "max: kernel 0": lambda f, x: f.max_pool2d(x, 0),
    "max: stride 0": lambda f, x: f.max_pool2d(x, 2, stride=0),
    "max: padding -1": lambda f, x: f.max_pool2d(x, 2, padding=-1),
    "max: dilation 0": lambda f, x: f.max_pool2d(x, 2, dilation=0),
    "max: dilated window": lambda f, x: f.max_pool2d(x, 3, dilation=3),
    "avg: axes": lambda f, x: f.avg_pool2d(x[0, 0], 2),
    "avg: too much padding": lambda f, x: f.avg_pool2d(x, 3, padding=2),
    "avg: window": lambda f, x: f.avg_pool2d(x, (1, 5)),
    "avg: kernel 0": lambda f, x: f.avg_pool2d(x, (1, 0)),
    "avg: stride -1": lambda f, x: f.avg_pool2d(x, 2, stride=-1),
    "adaptive: axes": lambda f, x: f.adaptive_avg_pool2d(x[0, 0], 2),
    "adaptive: three": lambda f, x: f.adaptive_avg_pool2d(x, (2, 2, 2)),
    "adaptive: negative": lambda f, x: f.adaptive_avg_pool2d(x, -1),
    "adaptive: one of a pair": lambda f, x: f.adaptive_avg_pool2d(x, (2,)),
    "adaptive: text": lambda f, x: f.adaptive_avg_pool2d(x, "2"),
}


@pytest.mark.parametrize("name", CONV_REFUSED)
def test_conv2d_refuses(name):
    x, w, b, how = CONV_REFUSED[name]
    both_raise(lambda t: t.nn.functional.conv2d(t.zeros(*x), t.zeros(*w), None if b is None else t.zeros(*b), **how))


@pytest.mark.parametrize("name", POOL_REFUSED)
def test_pools_refuse(name):
    both_raise(lambda t: POOL_REFUSED[name](t.nn.functional, t.zeros(2, 3, 5, 4)))
