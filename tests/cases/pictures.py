"""Cases: convolution and pooling."""

from hypothesis import strategies as st

import tinylucid as tl

from .draws import case, sides, values, windows

F = tl.nn.functional


@case
def conv2d(draw):
    n, groups, per_in, per_out = sides(draw, 4, 1, 2)
    h, w = sides(draw, 2, 1, 5)
    kernel, stride, padding, dilation = windows(draw, h, w)
    inputs = [
        values(draw, (n, groups * per_in, h, w)),
        values(draw, (groups * per_out, per_in, *kernel)),
        values(draw, (groups * per_out,)),
    ]
    if draw(st.booleans()):
        inputs.pop()
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return lambda x, w, b=None: F.conv2d(x, w, b, **how), inputs


@case(linear=True)
def conv2d_of_the_input(draw):
    function, (x, w, *_) = conv2d(draw)
    return lambda x: function(x, w), [x]


@case(linear=True)
def conv2d_of_the_weight(draw):
    function, (x, w, *_) = conv2d(draw)
    return lambda w: function(x, w), [w]


@case
def conv2d_same(draw):
    h, w = sides(draw, 2, 2, 4)
    inputs = [values(draw, (2, 1, h, w)), values(draw, (2, 1, *sides(draw, 2, 1, 3)))]
    return lambda x, w: F.conv2d(x, w, padding="same"), inputs


@case
def max_pool2d(draw):
    n, c, h, w = *sides(draw, 2, 1, 2), *sides(draw, 2, 1, 5)
    kernel, stride, padding, dilation = windows(draw, h, w)
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel))
    kernel = tuple(k if d * (k - 1) < s + 2 * p else 1 for k, p, s, d in zip(kernel, padding, (h, w), dilation))
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel))
    dilation = tuple(min(d, n) for d, n in zip(dilation, (h, w)))
    indices = draw(st.booleans())
    pool = lambda x: F.max_pool2d(x, kernel, stride, padding, dilation, indices)
    return lambda x: pool(x)[0] if indices else pool(x), [values(draw, (n, c, h, w), "distinct")]


@case(linear=True)
def avg_pool2d(draw):
    n, c, h, w = *sides(draw, 2, 1, 2), *sides(draw, 2, 1, 5)
    kernel, stride, padding, _ = windows(draw, h, w, dilated=False)
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel))
    kernel = tuple(min(k, s + 2 * p) for k, p, s in zip(kernel, padding, (h, w)))
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel))
    count = draw(st.booleans())
    return lambda x: F.avg_pool2d(x, kernel, stride, padding, count), [values(draw, (n, c, h, w))]


@case(linear=True)
def adaptive_avg_pool2d(draw):
    n, c, h, w = *sides(draw, 2, 1, 2), *sides(draw, 2, 1, 5)
    size = draw(st.sampled_from([1, (2, 3), (None, 2), (h, 1)]))
    return lambda x: F.adaptive_avg_pool2d(x, size), [values(draw, (n, c, h, w))]
