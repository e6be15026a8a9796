"""What went wrong, with what, and where, of the operations that resize, sample, pool, pad and transform."""

import numpy as np
import pytest
from words import check_message

import tinylucid as tl
import tinylucid.nn.functional as F
from tinylucid import nn

x = tl.ones(1, 1, 2, 3)

CASES = {
    "interpolate axes": (lambda: F.interpolate(x[0], 2), ValueError, "interpolate|(N, C, H, W)|(1, 2, 3)"),
    "interpolate a list": (lambda: F.interpolate([1.0], 2), TypeError, "interpolate|list|tl.tensor"),
    "interpolate mode": (lambda: F.interpolate(x, 2, mode="cubic"), ValueError, "'nearest' or 'bilinear'|'cubic'"),
    "interpolate corners": (lambda: F.interpolate(x, 2, align_corners=True), ValueError, "align_corners|'bilinear'"),
    "interpolate nothing said": (lambda: F.interpolate(x), ValueError, "size or scale_factor"),
    "interpolate both said": (lambda: F.interpolate(x, 2, 2), ValueError, "size or scale_factor, one of them: 2, 2"),
    "interpolate size": (lambda: F.interpolate(x, (2, 0)), ValueError, "size|≥ 1|(2, 0)"),
    "interpolate factor": (lambda: F.interpolate(x, None, (1, -2)), ValueError, "scale_factor|positive|(1, -2)"),
    "interpolate infinitely": (lambda: F.interpolate(x, None, np.inf), ValueError, "scale_factor|inf"),
    "interpolate to nothing": (lambda: F.interpolate(x, None, 0.4), ValueError, "(1, 1, 2, 3)|0.4|no pixels"),
    "interpolate recompute": (
        lambda: F.interpolate(x, 2, recompute_scale_factor=True),
        ValueError,
        "recompute_scale_factor|scale_factor only",
    ),
    "upsample in a net": (
        lambda: nn.Sequential({"up": nn.Upsample(2)})(x[0]),
        ValueError,
        "interpolate (layer 'up')|(1, 2, 3)",
    ),
    "grid": (lambda: F.grid_sample(x, tl.ones(2, 1, 1, 2)), ValueError, "grid_sample|(1, 1, 2, 3)|(2, 1, 1, 2)"),
    "grid_sample mode": (lambda: F.grid_sample(x, tl.ones(1, 1, 1, 2), "nearest"), ValueError, "'bilinear'|'nearest'"),
    "grid_sample padding": (
        lambda: F.grid_sample(x, tl.ones(1, 1, 1, 2), padding_mode="wrap"),
        ValueError,
        "'zeros', 'border' or 'reflection'|'wrap'",
    ),
    "grid_sample dtypes": (
        lambda: F.grid_sample(x, tl.ones(1, 1, 1, 2, dtype=tl.float64)),
        TypeError,
        "grid_sample|float32|float64|.to(",
    ),
    "theta": (lambda: F.affine_grid(tl.ones(2, 3), (1, 1, 2, 2)), ValueError, "theta (N, 2, 3)|(2, 3)|(1, 1, 2, 2)"),
    "theta of integers": (
        lambda: F.affine_grid(tl.ones(1, 2, 3, dtype=tl.int64), (1, 1, 2, 2)),
        TypeError,
        "affine_grid|floating|int64",
    ),
    "unpool shapes": (
        lambda: F.max_unpool2d(x, np.zeros((1, 1, 2, 2), int), 2),
        ValueError,
        "max_unpool2d|(1, 1, 2, 3)|int64|(1, 1, 2, 2)",
    ),
    "unpool floats": (lambda: F.max_unpool2d(x, x, 2), ValueError, "integers|float32"),
    "unpool index": (
        lambda: F.max_unpool2d(x, np.full((1, 1, 2, 3), 24), 2),
        IndexError,
        "max_unpool2d|24 … 24|(4, 6)|0 … 23",
    ),
    "unpool size": (
        lambda: F.max_unpool2d(x, np.zeros((1, 1, 2, 3), int), 2, output_size=(4, 8)),
        ValueError,
        "output_size (4, 8)|stride (2, 2)|(4, 6)",
    ),
    "ceil_mode window": (lambda: F.max_pool2d(x, 5, 2, ceil_mode=True), ValueError, "window (5, 5)|larger"),
    "divisor": (lambda: F.avg_pool2d(x, 2, divisor_override=0), ValueError, "avg_pool2d|divisor_override|0"),
    "adaptive max": (lambda: nn.AdaptiveMaxPool2d(0)(x), ValueError, "adaptive_max_pool2d|output_size|≥ 1"),
    "adaptive sizes": (lambda: F.adaptive_max_pool2d(x, (1, 1, 1)), ValueError, "output_size|(1, 1, 1)"),
    "transposed axes": (lambda: F.conv_transpose2d(x[0], x), ValueError, "conv_transpose2d|(1, 2, 3)|(1, 1, 2, 3)"),
    "transposed channels": (
        lambda: F.conv_transpose2d(x, tl.ones(2, 1, 3, 3)),
        ValueError,
        "1 channels|(2, 1, 3, 3)|takes 2|groups=1",
    ),
    "transposed bias": (lambda: F.conv_transpose2d(x, x, tl.ones(2)), ValueError, "bias (2,)|(1, 1, 2, 3)|(1,)"),
    "transposed output_padding": (
        lambda: F.conv_transpose2d(x, x, output_padding=1),
        ValueError,
        "output_padding (1, 1)|stride (1, 1)",
    ),
    "transposed to nothing": (
        lambda: F.conv_transpose2d(x, x, padding=2),
        ValueError,
        "padding (2, 2)|no pixels|(-1, 1)",
    ),
    "transposed size": (lambda: nn.ConvTranspose2d(1, 1, 2, 2)(x, (4, 8)), ValueError, "[4, 6]|[5, 7]|(4, 8)"),
    "transposed groups": (lambda: nn.ConvTranspose2d(1, 2, 2, groups=2), ValueError, "ConvTranspose2d|groups=2"),
    "padding_mode": (lambda: nn.Conv2d(1, 1, 3, padding_mode="wrap"), ValueError, "Conv2d|'circular'|'wrap'"),
    "pad value": (lambda: F.pad(x, (1, 1, 1, 1), "reflect", 2.0), ValueError, "pad|value|'constant'"),
    "pad one axis of four": (lambda: F.pad(x, (1, 1), "reflect"), ValueError, "pad|'reflect'|(1, 1)|(1, 1, 2, 3)"),
    "pad too wide": (lambda: F.pad(x, (3, 0, 0, 0), "reflect"), ValueError, "'reflect'|(3, 0)|3 elements|axis 3"),
    "pad around nothing": (
        lambda: F.pad(x[:, :, :0], (0, 0, 1, 0), "replicate"),
        ValueError,
        "(1, 0)|0 elements|axis 2",
    ),
    "pad layer": (lambda: nn.ZeroPad2d((1, 1)), ValueError, "ZeroPad2d|(left, right, top, bottom)|(1, 1)"),
    "unflatten": (lambda: nn.Unflatten(3, (2, 2))(x), ValueError, "(1, 1, 2, 3)|(1, 1, 2, 2, 2)"),
    "unflatten dim": (lambda: nn.Unflatten(4, (2, 2))(x), IndexError, "Unflatten|dim 4"),
    "rfft2": (lambda: tl.fft.rfft2(tl.ones(3)), ValueError, "rfft2|(…, H, W)|(3,)"),
    "irfft2": (lambda: tl.fft.irfft2(x), ValueError, "irfft2|(…, H, W//2 + 1, 2)|(1, 1, 2, 3)"),
    "irfft2 size": (lambda: tl.fft.irfft2(tl.ones(4, 3, 2), (4, 6)), ValueError, "(4, 4) or (4, 5)|(4, 3, 2)|(4, 6)"),
    "norm": (lambda: tl.fft.rfft2(x, "unit"), ValueError, "rfft2|'ortho'|'unit'"),
}


@pytest.mark.parametrize("name", CASES)
def test_message(name):
    check_message(*CASES[name])


EMPTY = {
    "interpolate": lambda x: F.interpolate(x, 3, mode="bilinear"),
    "grid_sample": lambda x: F.grid_sample(x, np.zeros((0, 2, 2, 2))),
    "adaptive_max_pool2d": lambda x: F.adaptive_max_pool2d(x, 2),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, 2),
    "ceil_mode": lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True),
    "max_unpool2d": lambda x: F.max_unpool2d(x, np.zeros(x.shape, int), 2),
    "conv_transpose2d": lambda x: F.conv_transpose2d(x, np.ones((3, 1, 2, 2))),
    "pad": lambda x: F.pad(x, (1, 1, 1, 1), "reflect"),
    "rfft2": lambda x: tl.fft.rfft2(x),
}


@pytest.mark.parametrize("name", EMPTY)
def test_no_pictures_are_a_batch_like_any_other(name):
    x = tl.zeros(0, 3, 4, 5, dtype=np.float64, requires_grad=True)
    y = EMPTY[name](x)
    assert y.shape[0] == 0
    assert tl.grad(y.sum(), [x])[0].shape == x.shape
