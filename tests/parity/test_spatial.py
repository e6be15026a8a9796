"""Resizing, sampling, unpooling, padding and transposed convolution against PyTorch."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tinylucid as tl

from .compare import agree, array, both_raise, close, noise, numbers
from .test_conv_pool import both, pictures, sees_padding_alone, windows

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity
sizes = st.tuples(st.integers(1, 9), st.integers(1, 9))


@pytest.mark.parametrize("how", [("nearest", None), ("bilinear", False), ("bilinear", True)], ids=str)
@given(x=pictures, size=both(1, 12), strided=st.booleans())
def test_interpolate_to_a_size(how, x, size, strided):
    agree(lambda t, x: t.nn.functional.interpolate(x, size, None, *how), x, strided=strided)


@pytest.mark.parametrize("how", [("nearest", None), ("bilinear", False), ("bilinear", True)], ids=str)
@given(x=pictures, factors=both(1, 12), recompute=st.sampled_from([None, False, True]))
def test_interpolate_by_a_factor(how, x, factors, recompute):
    """Quarters, so that float32 holds the factors exactly; some leave no pixels."""
    factor = factors / 4 if isinstance(factors, int) else [f / 4 for f in factors]
    agree(lambda t, x: t.nn.functional.interpolate(x, None, factor, *how, recompute), x, may_raise=True)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@given(n=st.integers(1, 2), c=st.integers(1, 3), size=sizes, out=sizes, seed=st.integers(0, 99))
def test_grid_sample(padding_mode, align_corners, n, c, size, out, seed):
    """Places in the picture and far beside it."""
    grid = noise((n, *out, 2), seed) * (1 + seed % 3)
    grid[np.abs(grid) > 6] = 0.1  # folded many times, float32 keeps too few digits
    how = {"padding_mode": padding_mode, "align_corners": align_corners}
    agree(lambda t, x, grid: t.nn.functional.grid_sample(x, grid, **how), noise((n, c, *size), 0), grid)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
def test_grid_sample_on_pixels_and_edges(padding_mode, align_corners):
    """Where the slope jumps, the one to the right is meant, and outside the border there is none."""
    places = np.array([-3, -1.75, -1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1, 1.25, 1.75, 3])
    grid = np.stack(np.meshgrid(places, places), -1)[None]
    how = {"padding_mode": padding_mode, "align_corners": align_corners}
    for size in ((5, 4), (1, 3), (1, 1)):
        agree(lambda t, x, grid: t.nn.functional.grid_sample(x, grid, **how), noise((1, 2, *size), 0), grid)


def test_grid_sample_of_nan_is_nan():
    """With zeros; PyTorch reads beside the picture with the others."""
    grid = np.array([[[[np.nan, 0.0], [0.5, np.nan], [0.5, 0.5]]]])
    agree(
        lambda t, x, g: t.nn.functional.grid_sample(x, g, align_corners=False),
        noise((1, 1, 3, 3), 0),
        grid,
        second=False,
    )


@pytest.mark.filterwarnings("ignore:Since version 1.3.0")
@pytest.mark.parametrize("align_corners", [False, True])
@given(n=st.integers(1, 3), size=sizes)
def test_affine_grid(align_corners, n, size):
    agree(lambda t, theta: t.nn.functional.affine_grid(theta, [n, 2, *size], align_corners), noise((n, 2, 3), 0))


def test_a_picture_turned():
    """The two together: the identity gives the picture back, and a turn is PyTorch's turn."""
    x, theta = noise((1, 2, 5, 4), 0), np.array([[[0.8, -0.6, 0.1], [0.6, 0.8, -0.2]]])
    turn = lambda t, x, theta: t.nn.functional.grid_sample(
        x, t.nn.functional.affine_grid(theta, x.shape, False), align_corners=False
    )
    agree(turn, x, theta)
    same = turn(tl, tl.tensor(x), tl.tensor(np.eye(2, 3)[None]))
    np.testing.assert_allclose(same.data, x, atol=1e-14)


# --- pooling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("return_indices", [False, True])
@given(x=pictures, window=windows(dilated=True))
def test_max_pool2d_with_ceil_mode(return_indices, x, window):
    assume(not sees_padding_alone(x.shape[2:], *window, ceil_mode=True))
    f = lambda t, x: t.nn.functional.max_pool2d(x, *window, ceil_mode=True, return_indices=return_indices)
    agree(f, x, may_raise=True)


@pytest.mark.parametrize("divisor", [None, 3])
@given(x=pictures, window=windows(), ceil_mode=st.booleans(), count_include_pad=st.booleans())
def test_avg_pool2d_with_ceil_mode(divisor, x, window, ceil_mode, count_include_pad):
    agree(lambda t, x: t.nn.functional.avg_pool2d(x, *window, ceil_mode, count_include_pad, divisor), x, may_raise=True)


@pytest.mark.parametrize("return_indices", [False, True])
@given(x=pictures, rows=st.integers(1, 9), columns=st.one_of(st.none(), st.integers(1, 9)))
def test_adaptive_max_pool2d(return_indices, x, rows, columns):
    agree(lambda t, x: t.nn.functional.adaptive_max_pool2d(x, (rows, columns), return_indices), x)


@given(x=numbers(st.tuples(*[st.integers(1, 3)] * 2, *[st.integers(2, 7)] * 2)), data=st.data())
def test_max_unpool2d(x, data):
    """What max_pool2d took goes back, with any size that fits; windows do not overlap."""
    kernel = data.draw(both(1, 2))

    def there_and_back(t, x):
        f = t.nn.functional
        return f.max_unpool2d(*f.max_pool2d(x, kernel, return_indices=True), kernel, output_size=tuple(x.shape))

    agree(there_and_back, x)


@given(kernel=both(1, 3), stride=st.one_of(st.none(), both(1, 3)), padding=both(0, 1), seed=st.integers(0, 999))
def test_max_unpool2d_of_any_indices(kernel, stride, padding, seed):
    """All arguments; each place of the result gets one element at most."""
    rng, pair = np.random.default_rng(seed), lambda a: (a, a) if isinstance(a, int) else a
    shape = (2, 1, *rng.integers(1, 4, 2))
    steps = pair(kernel if stride is None else stride)
    h, w = ((n - 1) * s - 2 * p + k for n, s, p, k in zip(shape[2:], steps, pair(padding), pair(kernel)))
    assume(min(h, w) > 0 and h * w >= shape[2] * shape[3])
    places = np.stack([rng.permutation(h * w)[: shape[2] * shape[3]] for _ in range(2)]).reshape(shape)
    agree(
        lambda t, x, i: t.nn.functional.max_unpool2d(x, i, kernel, stride, padding), noise(shape, seed), fixed=[places]
    )


# --- padding and transposed convolution ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=5), data=st.data())
def test_pad(mode, shape, data):
    frame = data.draw(st.lists(st.integers(0, 3), min_size=2, max_size=8).filter(lambda f: len(f) % 2 == 0))
    agree(lambda t, x: t.nn.functional.pad(x, frame, mode), noise(shape, 0), may_raise=True)


@given(x=pictures, data=st.data())
def test_conv_transpose2d(x, data):
    draw = data.draw
    groups = draw(st.sampled_from([1, 1, x.shape[1]]))
    kernel, stride = draw(st.tuples(*[st.integers(1, 3)] * 2)), draw(both(1, 3))
    smallest = stride if isinstance(stride, int) else min(stride)
    how = (stride, draw(both(0, (min(kernel) - 1) // 2)), draw(both(0, smallest - 1)), groups, draw(both(1, 2)))
    per_group = draw(st.integers(1, 2))
    arrays = [x, noise((x.shape[1], per_group, *kernel), 1)]
    arrays += [noise((per_group * groups,), 2)] if draw(st.booleans()) else []
    agree(
        lambda t, x, w, *b: t.nn.functional.conv_transpose2d(x, w, b[0] if b else None, *how),
        *arrays,
    )


# --- the Fourier transform -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@given(x=pictures)
def test_rfft2_and_back(norm, x):
    """PyTorch's complex numbers as pairs."""

    def there(t, x):
        return t.fft.rfft2(x, norm) if t is tl else t.view_as_real(t.fft.rfft2(x, norm=norm))

    def back(t, z):
        size = tuple(x.shape[2:])
        return (
            t.fft.irfft2(z, size, norm) if t is tl else t.fft.irfft2(t.view_as_complex(z.contiguous()), size, norm=norm)
        )

    agree(there, x)
    agree(back, noise((*x.shape[:3], x.shape[3] // 2 + 1, 2), 0))


# --- layers ----------------------------------------------------------------------------------------------------------


def there_and_back(n):
    """The largest of each window, put back where it was; a size that leaves a rest."""
    net = n.Module()
    net.pool, net.unpool = n.MaxPool2d(2, return_indices=True), n.MaxUnpool2d(2)
    net.forward = lambda x: net.unpool(*net.pool(x), x.shape)
    return net


LAYERS = {
    "Conv2d, reflect": lambda n: n.Conv2d(2, 4, 3, 1, (1, 2), padding_mode="reflect"),
    "Conv2d, circular": lambda n: n.Conv2d(2, 4, (3, 2), 2, 1, 1, 2, False, "circular"),
    "Conv2d, replicate": lambda n: n.Conv2d(2, 4, (2, 3), padding="same", padding_mode="replicate", dilation=(1, 2)),
    "Conv2d, valid": lambda n: n.Conv2d(2, 4, 3, padding="valid", padding_mode="replicate"),
    "ConvTranspose2d": lambda n: n.ConvTranspose2d(2, 4, (2, 3), 2, 1, 1, 2, True, 1),
    "MaxPool2d": lambda n: n.MaxPool2d(2, 2, 0, 1, False, True),
    "AvgPool2d": lambda n: n.AvgPool2d(2, 2, 1, True, False, None),
    "AdaptiveMaxPool2d": lambda n: n.AdaptiveMaxPool2d((2, 3)),
    "Upsample": lambda n: n.Upsample(None, 2, "bilinear", True),
    "ZeroPad2d": lambda n: n.ZeroPad2d((1, 0, 2, 1)),
    "ReflectionPad2d": lambda n: n.ReflectionPad2d((1, 0, 2, 1)),
    "ReplicationPad2d": lambda n: n.ReplicationPad2d(2),
    "Unflatten": lambda n: n.Unflatten(-1, (2, -1)),
    "MaxPool2d and MaxUnpool2d": there_and_back,
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    """With the same parameters, which have the same names, shapes and spread."""
    torch.manual_seed(0)
    ours, theirs = LAYERS[name](tl.nn), LAYERS[name](torch.nn)
    assert [(k, tuple(p.shape)) for k, p in ours.named_parameters()] == [
        (k, tuple(p.shape)) for k, p in theirs.named_parameters()
    ]
    for a, b in zip(ours.parameters(), theirs.parameters()):  # uniform, so the largest of many is near the bound
        assert a.ndim == 1 or 0.7 < np.abs(a.data).max() / b.abs().max().item() < 1.4
    ours.load_state_dict({k: array(p) for k, p in theirs.state_dict().items()})
    x = noise((2, 2, 5, 6), 0).astype(np.float32)
    close(ours(tl.tensor(x)).detach().numpy(), array(theirs(torch.tensor(x))))


def test_conv_transpose2d_of_a_wanted_size():
    x = noise((1, 2, 4, 3), 0).astype(np.float32)
    ours, theirs = (n.ConvTranspose2d(2, 3, 3, (3, 2), 1) for n in (tl.nn, torch.nn))
    ours.load_state_dict({k: array(p) for k, p in theirs.state_dict().items()})
    for size in ((10, 5), (12, 6), (1, 3, 11, 6)):
        close(ours(tl.tensor(x), size).detach().numpy(), array(theirs(torch.tensor(x), size)))
    for size in ((9, 5), (13, 5), (10, 7)):
        both_raise(lambda t, size=size: (ours if t is tl else theirs)(t.tensor(x), size))


# --- what both refuse ------------------------------------------------------------------------------------------------

LAYERS_REFUSE = {
    "AdaptiveAvgPool2d": lambda t: t.nn.AdaptiveAvgPool2d((1, 2, 3))(t.ones(1, 1, 4, 4)),
    "AdaptiveAvgPool2d, size": lambda t: t.nn.AdaptiveAvgPool2d(-1)(t.ones(1, 1, 4, 4)),
    "AdaptiveMaxPool2d": lambda t: t.nn.AdaptiveMaxPool2d((1, 2, 3))(t.ones(1, 1, 4, 4)),
    "AvgPool2d": lambda t: t.nn.AvgPool2d(3)(t.ones(1, 1, 2, 2)),
    "AvgPool2d, padding": lambda t: t.nn.AvgPool2d(2, padding=2)(t.ones(1, 1, 4, 4)),
    "MaxPool2d": lambda t: t.nn.MaxPool2d(3)(t.ones(1, 1, 2, 2)),
    "MaxPool2d, stride": lambda t: t.nn.MaxPool2d(2, 0)(t.ones(1, 1, 4, 4)),
    "MaxUnpool2d": lambda t: t.nn.MaxUnpool2d(2)(t.ones(1, 1, 1, 1), t.tensor([[[[4]]]])),
    "MaxUnpool2d, size": lambda t: t.nn.MaxUnpool2d(2)(t.ones(1, 1, 1, 1), t.tensor([[[[3]]]]), (4, 2)),
    "ConvTranspose2d": lambda t: t.nn.ConvTranspose2d(2, 3, 2)(t.ones(1, 3, 4, 4)),
    "Conv2d": lambda t: t.nn.Conv2d(1, 1, 4)(t.ones(1, 1, 3, 3)),
    "Conv2d, strides": lambda t: t.nn.Conv2d(1, 1, 2, (1, 1, 1))(t.ones(1, 1, 3, 3)),
    "Flatten": lambda t: t.nn.Flatten(2, 1)(t.ones(2, 3, 4)),
    "Unflatten, two -1": lambda t: t.nn.Unflatten(1, (-1, -1))(t.ones(1, 4)),
    "Unflatten, dim": lambda t: t.nn.Unflatten(2, (2, 2))(t.ones(1, 4)),
    "ReflectionPad2d": lambda t: t.nn.ReflectionPad2d(2)(t.ones(1, 1, 2, 2)),
    "ReplicationPad2d": lambda t: t.nn.ReplicationPad2d((1, 1, 1))(t.ones(1, 1, 2, 2)),
    "ZeroPad2d": lambda t: t.nn.ZeroPad2d((1, 1, 1))(t.ones(1, 1, 2, 2)),
    "Upsample": lambda t: t.nn.Upsample()(t.ones(1, 1, 2, 2)),
    "Upsample, both": lambda t: t.nn.Upsample(2, 2.0)(t.ones(1, 1, 2, 2)),
}
REFUSED = {
    "interpolate: no size": lambda t, f: f.interpolate(t.ones(1, 1, 2, 2)),
    "interpolate: size and factor": lambda t, f: f.interpolate(t.ones(1, 1, 2, 2), 2, 2.0),
    "interpolate: size 0": lambda t, f: f.interpolate(t.ones(1, 1, 2, 2), (0, 1)),
    "interpolate: three sizes": lambda t, f: f.interpolate(t.ones(1, 1, 2, 2), (1, 1, 1)),
    "interpolate: factor 0": lambda t, f: f.interpolate(t.ones(1, 1, 2, 2), scale_factor=0),
    "interpolate: factor -1": lambda t, f: f.interpolate(t.ones(1, 1, 2, 2), scale_factor=-1.0),
    "interpolate: no pixels": lambda t, f: f.interpolate(t.ones(1, 1, 0, 2), 2),
    "interpolate: mode": lambda t, f: f.interpolate(t.ones(1, 1, 2, 2), 2, mode="linear"),
    "interpolate: nearest corners": lambda t, f: f.interpolate(t.ones(1, 1, 2, 2), 2, align_corners=False),
    "interpolate: recompute": lambda t, f: f.interpolate(t.ones(1, 1, 2, 2), 2, recompute_scale_factor=True),
    "grid_sample: batches": lambda t, f: f.grid_sample(t.ones(1, 1, 2, 2), t.ones(2, 1, 1, 2)),
    "grid_sample: grid": lambda t, f: f.grid_sample(t.ones(1, 1, 2, 2), t.ones(1, 1, 1, 3)),
    "grid_sample: no pixels": lambda t, f: f.grid_sample(t.ones(1, 1, 0, 2), t.ones(1, 1, 1, 2)),
    "grid_sample: axes": lambda t, f: f.grid_sample(t.ones(1, 2, 2), t.ones(1, 1, 2)),
    "grid_sample: mode": lambda t, f: f.grid_sample(t.ones(1, 1, 2, 2), t.ones(1, 1, 1, 2), "linear"),
    "grid_sample: padding": lambda t, f: f.grid_sample(t.ones(1, 1, 2, 2), t.ones(1, 1, 1, 2), padding_mode="reflect"),
    "grid_sample: dtypes": lambda t, f: f.grid_sample(t.ones(1, 1, 2, 2), t.ones(1, 1, 1, 2, dtype=t.float64)),
    "affine_grid: theta": lambda t, f: f.affine_grid(t.ones(1, 3, 2), (1, 1, 2, 2)),
    "affine_grid: batch": lambda t, f: f.affine_grid(t.ones(1, 2, 3), (2, 1, 2, 2)),
    "affine_grid: no pixels": lambda t, f: f.affine_grid(t.ones(1, 2, 3), (1, 1, 0, 2)),
    "affine_grid: integers": lambda t, f: f.affine_grid(t.ones(1, 2, 3, dtype=t.int64), (1, 1, 2, 2)),
    "ceil_mode: window": lambda t, f: f.max_pool2d(t.ones(1, 1, 2, 2), 5, 2, ceil_mode=True),
    "divisor 0": lambda t, f: f.avg_pool2d(t.ones(1, 1, 2, 2), 2, divisor_override=0),
    "adaptive max: axes": lambda t, f: f.adaptive_max_pool2d(t.ones(2, 2), 1),
    "adaptive max: three": lambda t, f: f.adaptive_max_pool2d(t.ones(1, 1, 2, 2), (1, 1, 1)),
    "unpool: index": lambda t, f: f.max_unpool2d(t.ones(1, 1, 1, 1), t.tensor([[[[4]]]]), 2),
    "unpool: index -1": lambda t, f: f.max_unpool2d(t.ones(1, 1, 1, 1), t.tensor([[[[-1]]]]), 2),
    "unpool: shapes": lambda t, f: f.max_unpool2d(t.ones(1, 1, 1, 2), t.tensor([[[[3]]]]), 2),
    "unpool: floats": lambda t, f: f.max_unpool2d(t.ones(1, 1, 1, 1), t.tensor([[[[3.0]]]]), 2),
    "unpool: size": lambda t, f: f.max_unpool2d(t.ones(1, 1, 1, 1), t.tensor([[[[3]]]]), 2, output_size=(4, 2)),
    "pad: mode": lambda t, f: f.pad(t.ones(1, 1, 2, 2), (1, 1), "mirror"),
    "pad: value": lambda t, f: f.pad(t.ones(1, 1, 2, 2), (1, 1, 1, 1), "reflect", 1.0),
    "pad: one axis of four": lambda t, f: f.pad(t.ones(1, 1, 2, 2), (1, 1), "reflect"),
    "pad: all axes": lambda t, f: f.pad(t.ones(2, 2), (1, 1, 1, 1), "replicate"),
    "pad: reflect too wide": lambda t, f: f.pad(t.ones(1, 1, 2, 2), (2, 0, 0, 0), "reflect"),
    "pad: circular too wide": lambda t, f: f.pad(t.ones(1, 1, 2, 2), (3, 0, 0, 0), "circular"),
    "transposed: channels": lambda t, f: f.conv_transpose2d(t.ones(1, 3, 2, 2), t.ones(2, 1, 3, 3)),
    "transposed: groups": lambda t, f: f.conv_transpose2d(t.ones(1, 3, 2, 2), t.ones(3, 1, 3, 3), groups=2),
    "transposed: groups 0": lambda t, f: f.conv_transpose2d(t.ones(1, 3, 2, 2), t.ones(3, 1, 3, 3), groups=0),
    "transposed: bias": lambda t, f: f.conv_transpose2d(t.ones(1, 3, 2, 2), t.ones(3, 1, 3, 3), t.ones(3)),
    "transposed: axes": lambda t, f: f.conv_transpose2d(t.ones(3, 2), t.ones(3, 1, 3, 3)),
    "transposed: output_padding": lambda t, f: f.conv_transpose2d(
        t.ones(1, 1, 2, 2), t.ones(1, 1, 3, 3), output_padding=1
    ),
    "transposed: nothing left": lambda t, f: f.conv_transpose2d(t.ones(1, 1, 2, 2), t.ones(1, 1, 1, 1), padding=1),
    "transposed: stride 0": lambda t, f: f.conv_transpose2d(t.ones(1, 1, 2, 2), t.ones(1, 1, 3, 3), stride=0),
    "transposed: padding -1": lambda t, f: f.conv_transpose2d(t.ones(1, 1, 2, 2), t.ones(1, 1, 3, 3), padding=-1),
    "transposed: layer's groups": lambda t, f: t.nn.ConvTranspose2d(3, 2, 3, groups=2),
    "padding_mode": lambda t, f: t.nn.Conv2d(1, 1, 3, padding_mode="mirror"),
    **{f"layer: {name}": lambda t, f, name=name: LAYERS_REFUSE[name](t) for name in LAYERS_REFUSE},
    "unflatten": lambda t, f: t.nn.Unflatten(1, (2, 2))(t.ones(1, 3)),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore:Default grid_sample")
def test_refused(name):
    both_raise(lambda t: REFUSED[name](t, t.nn.functional))
