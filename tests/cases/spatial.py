"""Cases: pooling, resizing, sampling, padding by what is there, transposed convolution."""

import numpy as np
from hypothesis import strategies as st

import tinylucid as tl

from .draws import case, sides, values, windows

F = tl.nn.functional


def pool_windows(draw, h, w, dilated=True):
    """Windows whose padding is at most half the kernel, and that see a pixel each."""
    kernel, stride, padding, dilation = windows(draw, h, w, dilated)
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel))
    kernel = tuple(k if d * (k - 1) < s + 2 * p else 1 for k, p, s, d in zip(kernel, padding, (h, w), dilation))
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel))
    return kernel, stride, padding, tuple(min(d, n) for d, n in zip(dilation, (h, w)))


def pictures(draw, kind="normal"):
    """(N, C, H, W), an axis of 1 included."""
    return values(draw, (*sides(draw, 2, 1, 2), *sides(draw, 2, 1, 5)), kind)


@case
def max_pool2d(draw):
    x, indices, ceil_mode = pictures(draw, "distinct"), draw(st.booleans()), draw(st.booleans())
    pool = lambda x: F.max_pool2d(x, *window, ceil_mode, indices)
    window = pool_windows(draw, *x.shape[2:])
    return lambda x: pool(x)[0] if indices else pool(x), [x]


@case(linear=True)
def max_unpool2d(draw):
    """With some places named twice."""
    n, c, p, q = *sides(draw, 2, 1, 2), *sides(draw, 2, 1, 3)
    kernel, stride = sides(draw, 2, 1, 3), sides(draw, 2, 1, 3)
    size = [(m - 1) * s + k for m, s, k in zip((p, q), stride, kernel)]
    size = [draw(st.integers(max(1, m - s + 1), m + s - 1)) for m, s in zip(size, stride)]
    index = np.random.default_rng(draw(st.integers(0, 99))).integers(0, size[0] * size[1], (n, c, p, q))
    return lambda x: F.max_unpool2d(x, index, kernel, stride, output_size=size), [values(draw, (n, c, p, q))]


@case(linear=True)
def avg_pool2d(draw):
    x = pictures(draw)
    kernel, stride, padding, _ = pool_windows(draw, *x.shape[2:], dilated=False)
    how = draw(st.booleans()), draw(st.booleans()), draw(st.sampled_from([None, None, 3, -2]))
    return lambda x: F.avg_pool2d(x, kernel, stride, padding, *how), [x]


@case(linear=True)
def adaptive_avg_pool2d(draw):
    x = pictures(draw)
    size = draw(st.sampled_from([1, (2, 3), (None, 2), (x.shape[2], 1)]))
    return lambda x: F.adaptive_avg_pool2d(x, size), [x]


@case
def adaptive_max_pool2d(draw):
    size, indices = draw(st.sampled_from([1, (2, 3), (None, 2), 7])), draw(st.booleans())
    pool = lambda x: F.adaptive_max_pool2d(x, size, indices)
    return lambda x: pool(x)[0] if indices else pool(x), [pictures(draw, "distinct")]


@case
def conv_transpose2d(draw):
    n, groups, per_in, per_out = sides(draw, 4, 1, 2)
    kernel, stride, dilation = (sides(draw, 2, 1, high) for high in (3, 3, 2))
    padding = tuple(draw(st.integers(0, d * (k - 1) // 2)) for k, d in zip(kernel, dilation))
    more = tuple(draw(st.integers(0, s - 1)) for s in stride)
    inputs = [
        values(draw, (n, groups * per_in, *sides(draw, 2, 1, 4))),
        values(draw, (groups * per_in, per_out, *kernel)),
        values(draw, (groups * per_out,)),
    ]
    if draw(st.booleans()):
        inputs.pop()
    how = (stride, padding, more, groups, dilation)
    return lambda x, w, b=None: F.conv_transpose2d(x, w, b, *how), inputs


@case(linear=True)
def interpolate(draw):
    how = {"mode": draw(st.sampled_from(["nearest", "bilinear"]))}
    if how["mode"] == "bilinear":
        how["align_corners"] = draw(st.booleans())
    if draw(st.booleans()):
        how["size"] = sides(draw, 2, 1, 7)
    else:
        how["scale_factor"] = draw(st.sampled_from([1, 2, 1.5, (2.3, 1.1)]))
        how["recompute_scale_factor"] = draw(st.booleans())
    return lambda x: F.interpolate(x, **how), [pictures(draw)]


def coordinates(draw, shape, size, align_corners):
    """Places from 3 pixels before the picture to 3 behind it, as coordinates, all a tenth of a pixel off the kinks at halves."""
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    at = rng.integers(-6, 2 * size + 6, shape) / 2 + rng.uniform(0.1, 0.4, shape)
    return at * 2 / (size - 1) - 1 if align_corners else (at * 2 + 1) / size - 1


@case
def grid_sample(draw):
    n, c, h, w = *sides(draw, 2, 1, 2), *sides(draw, 2, 2, 4)
    align_corners = draw(st.booleans())
    places = (n, *sides(draw, 2, 1, 3))
    how = {"padding_mode": draw(st.sampled_from(["zeros", "border", "reflection"])), "align_corners": align_corners}
    grid = np.stack([coordinates(draw, places, size, align_corners) for size in (w, h)], -1)
    return lambda x, grid: F.grid_sample(x, grid, **how), [values(draw, (n, c, h, w)), grid]


@case(linear=True)
def grid_sample_of_the_picture(draw):
    function, (x, grid) = grid_sample(draw)
    return lambda x: function(x, tl.tensor(grid, dtype=x.dtype)), [x]


@case(linear=True)
def affine_grid(draw):
    n, h, w = draw(st.integers(1, 2)), *sides(draw, 2)
    align_corners = draw(st.booleans())
    return lambda theta: F.affine_grid(theta, (n, 1, h, w), align_corners), [values(draw, (n, 2, 3))]


@case(linear=True)
def pad_with_its_own(draw):
    mode, axes = draw(st.sampled_from(["reflect", "replicate", "circular"])), draw(st.integers(1, 3))
    shape = sides(draw, axes + draw(st.integers(1, 2)), 1, 3)
    widest = [{"reflect": n - 1, "replicate": 3, "circular": n}[mode] for n in shape[::-1][:axes]]
    frame = [draw(st.integers(0, most)) for most in widest for _ in range(2)]
    return lambda x: F.pad(x, frame, mode), [values(draw, shape)]


@case(linear=True)
def rfft2(draw):
    norm = draw(st.sampled_from(["backward", "ortho", "forward"]))
    return lambda x: tl.fft.rfft2(x, norm), [values(draw, sides(draw, draw(st.integers(2, 4)), 1, 5))]


@case(linear=True)
def irfft2(draw):
    *batch, h, w = sides(draw, draw(st.integers(2, 4)), 1, 5)
    norm = draw(st.sampled_from(["backward", "ortho", "forward"]))
    return lambda z: tl.fft.irfft2(z, (h, w), norm), [values(draw, (*batch, h, w // 2 + 1, 2))]
