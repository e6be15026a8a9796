"""Resizing pictures, and sampling them where a grid says.

resize and its adjoint are each other's rules. Sampling is linear in the picture but not in the grid: it is fused, with a twin.
"""

import math

import numpy as np
from tinylucid_kernels import of

from .. import devices
from ..scopes import here
from ..tensor import Tensor, operation
from .choice import abs, where
from .conv import pair
from .dense import flip, matmul
from .indexing import _take
from .shape import _permute, _reshape, tensor_like, unsqueeze


@operation(dtypes="float")
def _resize(x, *, size, mode, align_corners, scale):
    """y[p, q] = Σ a[p, h]·b[q, w]·x[h, w], the shares being those of interpolate;  ∂x = _resize_backward(g)."""
    return of(x).resize(x, size, mode, align_corners, scale)


@_resize.rule
def _(g, shapes, mode, align_corners, scale):
    return _resize_backward(g, size=shapes[0][2:], mode=mode, align_corners=align_corners, scale=scale)


@operation(dtypes="float")
def _resize_backward(y, *, size, mode, align_corners, scale):
    """x = each y added to the pixels it was a mean of, by their shares;  ∂y = interpolate(g), whose adjoint it is."""
    return of(y).resize_backward(y, size, mode, align_corners, scale)


@_resize_backward.rule
def _(g, shapes, mode, align_corners, scale):
    return _resize(g, size=shapes[0][2:], mode=mode, align_corners=align_corners, scale=scale)


def interpolate(input, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None):
    """y[p, q] = Σ a[p, h]·b[q, w]·x[h, w], pictures of another size;  ∂x = g back by the same shares.

    Either ``size`` or ``scale_factor`` (P = ⌊H · factor⌋), a number or (rows, columns). "nearest": place p takes pixel
    ⌊p·s⌋, where s is 1/factor, or H/P if a size is given or ``recompute_scale_factor``. "bilinear": the mean of the
    four pixels around row (p + ½)·s − ½, or with ``align_corners`` around p·(H − 1)/(P − 1), so that corners fall on
    corners. Nothing is blurred, so a picture made much smaller drops pixels: avg_pool2d does not. Raises ValueError for
    what does not fit.

    Shapes: x (N, C, H, W) → y (N, C, P, Q), P and Q ≥ 1.
    Derivation: the shares depend on the sizes alone: around row f + t, f whole and 0 ≤ t < 1, a[p, f] = 1 − t and
        a[p, f + 1] = t; for "nearest" a is 1 for the pixel taken. So ∂y[p, q]/∂x[h, w] = a[p, h]·b[q, w], and
        ∂x[h, w] = Σ_{p,q} g[p, q]·a[p, h]·b[q, w]: each g goes back to the pixels that it was a mean of, as much as
        they gave.
    Source: Szeliski, "Computer vision: algorithms and applications", 2010, chapter 3.
    Exercise: bilinear.
    """
    if tensor_like(input, "interpolate").ndim != 4 or not input.shape[2] * input.shape[3]:
        raise ValueError(f"{here('interpolate')}: expected input (N, C, H, W) with H, W ≥ 1, got {input.shape}")
    if mode not in ("nearest", "bilinear"):
        raise ValueError(f"{here('interpolate')}: mode must be 'nearest' or 'bilinear', got {mode!r}")
    if mode == "nearest" and align_corners is not None:
        raise ValueError(f"{here('interpolate')}: align_corners has a meaning in mode='bilinear' only")
    if (size is None) == (scale_factor is None):
        raise ValueError(f"{here('interpolate')}: give size or scale_factor, one of them: {size!r}, {scale_factor!r}")
    if size is not None and recompute_scale_factor:
        raise ValueError(f"{here('interpolate')}: recompute_scale_factor has a meaning with scale_factor only")
    before = input.shape[2:]
    if size is None:
        factors = _factors(scale_factor)
        size = tuple(math.floor(n * f) for n, f in zip(before, factors))
        if min(size) < 1:
            raise ValueError(f"{here('interpolate')}: {input.shape} times {scale_factor} leaves no pixels")
    else:
        size, factors = pair(size, "size", 1, "interpolate"), None
    if align_corners:
        scale = tuple((n - 1) / (m - 1) if m > 1 else 0.0 for n, m in zip(before, size))
    elif factors and not recompute_scale_factor:
        scale = tuple(1 / f for f in factors)
    else:
        scale = tuple(n / m for n, m in zip(before, size))
    exact = (1, 2) if mode == "nearest" else (1,)  # sizes that PyTorch takes at their word, whatever the factor
    scale = tuple(n / m if m / n in exact else s for n, m, s in zip(before, size, scale))
    return _resize(input, size=size, mode=mode, align_corners=bool(align_corners), scale=scale)


def _factors(value):
    """``scale_factor`` as two positive numbers."""
    both = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(both) != 2 or not all(isinstance(f, (int, float, np.number)) and 0 < f < math.inf for f in both):
        raise ValueError(f"{here('interpolate')}: scale_factor must be a positive number or two of them, got {value!r}")
    return float(both[0]), float(both[1])


@operation(dtypes="float")
def _grid_sample(x, grid, *, padding_mode, align_corners):
    return of(x).grid_sample(x, grid, padding_mode, align_corners)


@_grid_sample.rule
def _(g, x, grid, padding_mode, align_corners):
    return of(g).grid_sample_backward(g, x, grid, padding_mode, align_corners)


@_grid_sample.fused
def _(x, grid, *, padding_mode, align_corners):
    picture = np.arange(len(x))[:, None, None]
    column, row = (_place(_take(grid, index=(..., k)), x.shape[3 - k], padding_mode, align_corners) for k in (0, 1))
    left, top = (_below(at, size) for at, size in ((column, x.shape[3]), (row, x.shape[2])))
    tx, ty = column - left, row - top
    y = 0.0
    for i, share_y in ((0, 1 - ty), (1, ty)):
        for j, share_x in ((0, 1 - tx), (1, tx)):
            r, c = top + i, left + j
            inside = (r >= 0) & (r < x.shape[2]) & (c >= 0) & (c < x.shape[3])
            pixels = _take(x, index=(picture, slice(None), r * inside, c * inside))  # (N, P, Q, C)
            y = y + pixels * unsqueeze(share_y * share_x * inside, 3)
    return _permute(y, axes=(0, 3, 1, 2))


def _place(c, size, padding_mode, align_corners):
    """Where a coordinate −1 … 1 falls among ``size`` pixels; "border" keeps it inside, "reflection" mirrors it there."""
    half, edge = (size - 1) / 2 if align_corners else size / 2, 0.0 if align_corners else -0.5
    at = (c + 1) * half + edge
    if padding_mode == "reflection" and half:
        far = abs(at - edge)
        turns = np.floor(_array(far) / (2 * half))
        rest = far - turns * (2 * half)
        at = where(turns % 2 == 1, 2 * half - rest, rest) + edge
    if padding_mode == "zeros":
        return at
    value = _array(at)
    return where((value > 0) & (value < size - 1), at, np.clip(value, 0, size - 1))  # on the edge too it stays put


def _below(at, size):
    """The number of the pixel below a place, −2 or size + 1 where it is farther outside (or NaN)."""
    return np.floor(np.clip(np.nan_to_num(_array(at), nan=-2), -2, size + 1)).astype(int)


def _array(x):
    return x.data if isinstance(x, Tensor) else x


def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    """z[n, :, p, q] = input[n] at the place grid[n, p, q] = (x, y): the mean of four pixels, by their nearness.

    −1 and 1 are the picture's outer edges, or with ``align_corners`` the centres of its outer pixels. ``padding_mode``
    says what lies outside: "zeros", "border" (the nearest pixel of the edge) or "reflection". A place of NaN gives NaN,
    and no gradient to the picture. Raises ValueError for shapes and modes that do not fit.

    Shapes: input (N, C, H, W), grid (N, P, Q, 2) → z (N, C, P, Q).
    Derivation: x falls on column l + t, l whole and 0 ≤ t < 1, and y on row k + u. With f_ij the pixel (k + i, l + j),
        z = (1 − u)·((1 − t)·f_00 + t·f_01) + u·((1 − t)·f_10 + t·f_11). So each f gets g times its share, added over
        all places; ∂z/∂t = (1 − u)·(f_01 − f_00) + u·(f_11 − f_10), ∂z/∂u likewise, and ∂t = Σ g·∂z/∂t over the
        channels. Column = (x + 1)·W/2 − ½, so ∂x = W/2·∂t ((W − 1)/2 with align_corners), negated where it was
        mirrored, 0 where it was held at a border.
    Source: Jaderberg et al., "Spatial transformer networks", 2015, section 3.3.
    Exercise: bilinear.
    """
    shape, places = tensor_like(input, "grid_sample").shape, tensor_like(grid, "grid_sample").shape
    if len(shape) != 4 or len(places) != 4 or places[3] != 2 or shape[0] != places[0] or not shape[2] * shape[3]:
        raise ValueError(
            f"{here('grid_sample')}: expected input (N, C, H, W) with H, W ≥ 1 and grid (N, P, Q, 2), got {shape} and {places}"
        )
    if mode != "bilinear":
        raise ValueError(f"{here('grid_sample')}: mode must be 'bilinear', got {mode!r}")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            f"{here('grid_sample')}: padding_mode must be 'zeros', 'border' or 'reflection', got {padding_mode!r}"
        )
    return _grid_sample(input, grid, padding_mode=padding_mode, align_corners=bool(align_corners))


def affine_grid(theta, size, align_corners=None):
    """grid[n, p, q] = theta[n] · (x, y, 1): where grid_sample should look to turn, stretch, move or shear pictures.

    (x, y) are the coordinates of the places of the result, −1 … 1 as in grid_sample. Raises TypeError for a theta that
    is not of floating dtype, ValueError for shapes that do not fit.

    Shapes: theta (N, 2, 3), ``size`` the (N, C, P, Q) wanted → grid (N, P, Q, 2).
    Derivation: with e[p, q] = (x, y, 1), grid[n, p, q, i] = Σ_m theta[n, i, m]·e[p, q, m], and e is constant, so
        ∂theta[n, i, m] = Σ_{p,q} g[n, p, q, i]·e[p, q, m]: matmul's rule.
    Source: Jaderberg et al., "Spatial transformer networks", 2015, section 3.2.
    Exercise: bilinear.
    """
    if tensor_like(theta, "affine_grid").dtype.kind != "f":
        raise TypeError(f"{here('affine_grid')}: theta must be of floating dtype, got {theta.dtype}")
    size = tuple(size)
    if len(size) != 4 or theta.shape != (size[0], 2, 3) or min(size[2:]) < 1:
        raise ValueError(
            f"{here('affine_grid')}: expected theta (N, 2, 3) and size (N, C, P, Q) with P, Q ≥ 1, got {theta.shape} and {size}"
        )
    y, x = (_coordinates(n, align_corners) for n in size[2:])
    places = np.stack([*np.broadcast_arrays(x, y[:, None]), np.ones(size[2:])], -1).astype(theta.dtype)
    grid = matmul(devices.fixed(places).reshape(1, -1, 3), flip(theta))
    return _reshape(grid, shape=(size[0], *size[2:], 2))


def _coordinates(n, align_corners):
    """The coordinates of n pixels' centres between −1 and 1."""
    return (np.arange(n) * 2 - (n - 1)) / (max(n - 1, 1) if align_corners else n)
