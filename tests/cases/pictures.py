"""Cases: convolution."""

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
