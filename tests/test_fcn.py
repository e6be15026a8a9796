"""FCN and SegNet: numbers by loops, any size, bilinear enlarging proved, both orders of every layer, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
from tinylucid import models, nn
from tinylucid.models.fcn import crop, stage, upscore

F = nn.functional
SEGMENTERS = sorted(models.SEGMENTERS)
every_net = pytest.mark.parametrize("name", SEGMENTERS)
SIDES = st.integers(32, 70)
DTYPES = [tl.float32, tl.float64]


def net(name, dtype=tl.float64, classes=3, channels=2, width=1, seed=0):
    """A small net, none of whose biases, scales and statistics is 0 or 1, and whose upsampling is not bilinear any more."""
    tl.manual_seed(seed)
    model, rng = models.build(name, classes=classes, channels=channels, width=width), np.random.default_rng(seed)
    model.to(dtype)
    for tensor in [*model.parameters(), *model.buffers()]:
        if tensor.ndim == 1:
            tensor.data[...] = rng.uniform(0.5, 1.5, tensor.shape)
    for key, p in model.named_parameters():
        if key.startswith("upscore"):
            p.data[...] *= rng.uniform(0.5, 1.5, p.shape)
    return model


def pictures(shape, dtype=np.float64, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def arrays_of(model):
    """The net's arrays as they are now: training moves the statistics."""
    return {key: np.array(tl.devices.host(value)) for key, value in model.state_dict().items()}


# --- bilinear ----------------------------------------------------------------------------------------------------------


def enlarged(x, s, groups, dtype):
    """A transposed convolution of stride s, initialised bilinear, of pictures (N, C, H, W)."""
    c = x.shape[1]
    layer = nn.ConvTranspose2d(c, c, 2 * s, stride=s, padding=s // 2, groups=groups, bias=False).to(dtype)
    assert nn.init.bilinear_(layer.weight) is layer.weight
    return layer(tl.tensor(x))


@given(
    s=st.sampled_from([2, 4, 6, 8, 16, 32]), n=st.integers(1, 2), c=st.integers(1, 3), h=st.integers(1, 4), w=st.integers(1, 5),
    each=st.booleans(), dtype=st.sampled_from(DTYPES),
)  # fmt: skip
def test_a_transposed_convolution_initialised_bilinear_is_bilinear_interpolation(s, n, c, h, w, each, dtype):
    """Exactly, away from the border; and on it, as if the picture lay among zeros."""
    x = pictures((n, c, h, w), np.dtype(dtype))
    y = enlarged(x, s, c if each else 1, dtype)
    assert y.shape == (n, c, s * h, s * w)
    assert y.dtype == dtype
    near = {"rtol": 0, "atol": 1e-5 if dtype == tl.float32 else 1e-13}
    bilinear = {"scale_factor": s, "mode": "bilinear", "align_corners": False}
    inside = (..., slice(s // 2, s * h - s // 2), slice(s // 2, s * w - s // 2))
    assert np.allclose(y.data[inside], F.interpolate(x, **bilinear)[inside], **near)
    framed = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    assert np.allclose(y.data, F.interpolate(framed, **bilinear)[..., s:-s, s:-s], **near)


def test_bilinear_weights_by_the_published_filler():
    """Of one size at each side, and of two; what was there is gone, and planes across channels are 0."""
    weight = nn.init.bilinear_(tl.ones(2, 2, 4, 8))
    rows, columns = ([1 - abs(i - (f - 0.5)) / f for i in range(2 * f)] for f in (2, 4))
    for a in range(2):
        for b in range(2):
            wanted = np.outer(rows, columns) if a == b else np.zeros((4, 8))
            assert np.array_equal(weight.data[a, b], wanted)
    assert np.array_equal(nn.init.bilinear_(tl.zeros(5, 1, 4, 8)).data[3, 0], np.outer(rows, columns))


def test_bilinear_marks_the_weight_as_changed():
    weight = tl.ones(1, 1, 2, 2, requires_grad=True)
    y = (weight * weight).sum()
    nn.init.bilinear_(weight)
    with pytest.raises(RuntimeError, match="changed in place"):
        y.backward()


@pytest.mark.parametrize("shape", [(3, 2, 4, 4), (2, 2, 3, 3), (2, 2, 4, 3), (4, 4), (2, 2, 4), ()])
def test_weights_that_enlarge_nothing_are_refused(shape):
    check_message(
        lambda: nn.init.bilinear_(tl.zeros(*shape)),
        ValueError,
        f"bilinear_: expected the weight (C, 1, 2s, 2s) or (C, C, 2s, 2s)|got {shape}|ConvTranspose2d(C, C, 2 * s",
    )


# --- numbers by loops --------------------------------------------------------------------------------------------------


def convolved(x, weight, bias=0.0):
    """A convolution that keeps the size, tap by tap."""
    kh, kw = weight.shape[2:]
    framed = np.pad(x, ((0, 0), (0, 0), (kh // 2, kh // 2), (kw // 2, kw // 2)))
    y = np.zeros((len(x), len(weight), *x.shape[2:]))
    for i in range(kh):
        for j in range(kw):
            y += np.einsum("nchw,oc->nohw", framed[:, :, i : i + x.shape[2], j : j + x.shape[3]], weight[:, :, i, j])
    return y + np.reshape(bias, (-1, 1, 1))


def each_channel(v):
    return v[:, None, None]


def layers(x, state, key, training, relu=True):
    """Convolution, batch norm, ReLU."""
    y = convolved(x, state[f"{key}.conv.weight"])
    mean, var = state[f"{key}.norm.running_mean"], state[f"{key}.norm.running_var"]
    if training:
        mean, var = y.mean((0, 2, 3)), y.var((0, 2, 3))
    y = (y - each_channel(mean)) / each_channel(np.sqrt(var + 1e-5))
    y = y * each_channel(state[f"{key}.norm.weight"]) + each_channel(state[f"{key}.norm.bias"])
    return np.maximum(y, 0) if relu else y


def pooled(x):
    """The largest of each 2 × 2 window, which may reach over the edge, and its place (row, column)."""
    n, c, h, w = x.shape
    y = np.zeros((n, c, -(-h // 2), -(-w // 2)))
    place = np.zeros((*y.shape, 2), int)
    for where in np.ndindex(y.shape):
        a, b, p, q = where
        window = [(i, j) for i in (2 * p, 2 * p + 1) for j in (2 * q, 2 * q + 1) if i < h and j < w]
        place[where] = max(window, key=lambda ij, a=a, b=b: x[a, b][ij])
        y[where] = x[a, b][tuple(place[where])]
    return y, place


def spread(x, weight, s, size):
    """A transposed convolution of each channel by itself, pixel by pixel, cut to a size."""
    n, c, h, w = x.shape
    y = np.zeros((n, c, (h + 1) * s, (w + 1) * s))
    for p in range(h):
        for q in range(w):
            y[:, :, p * s : (p + 2) * s, q * s : (q + 2) * s] += x[:, :, p, q, None, None] * weight[:, 0]
    return y[:, :, s // 2 : s // 2 + size[0], s // 2 : s // 2 + size[1]]


def fcn_by_loops(x, state, stride, training):
    pools = [x]
    for k in range(1, 6):
        pools.append(pooled(layers(pools[-1], state, f"encoder.stage{k}", training))[0])
    score = lambda k: convolved(pools[k], state[f"score_pool{k}.weight"], state[f"score_pool{k}.bias"])
    scores, at = score(5), 32
    for k in (4, 3):
        if at > stride:
            scores = spread(scores, state[f"upscore_pool{k + 1}.weight"], 2, pools[k].shape[2:]) + score(k)
            at //= 2
    return spread(scores, state["upscore.weight"], stride, x.shape[2:])


def segnet_by_loops(x, state, training):
    undo = []
    for k in range(5):
        x = layers(x, state, f"encoder.{k}", training)
        size = x.shape
        x, place = pooled(x)
        undo.append((size, place))
    for k in range(5):
        size, place = undo.pop()
        y = np.zeros(size)
        for a, b, p, q in np.ndindex(x.shape):
            y[a, b][tuple(place[a, b, p, q])] = x[a, b, p, q]
        x = layers(y, state, f"decoder.{k}", training, relu=False)
    return convolved(x, state["score.weight"], state["score.bias"])


def doubled(x, axis):
    """Each value at the middle of two, bilinear between them along an axis; at the ends as it is."""
    x = np.moveaxis(x, axis, 0)
    before, after = x[[0, *range(len(x) - 1)]], x[[*range(1, len(x)), len(x) - 1]]
    return np.moveaxis(
        np.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], 1).reshape(-1, *x.shape[1:]), 0, axis
    )


def skip_net_by_loops(x, state, training):
    maps = []
    for k in range(4):
        x = pooled(x)[0] if k else x
        for each in (0, 1):
            x = layers(x, state, f"stages.stride{2**k}.{each + bool(k)}", training)
        maps.append(convolved(x, state[f"scores.stride{2**k}.weight"], state[f"scores.stride{2**k}.bias"]))
    scores = maps.pop()
    while maps:
        finer = maps.pop()
        scores = doubled(doubled(scores, 2), 3)[:, :, : finer.shape[2], : finer.shape[3]] + finer
    return scores


@every_net
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("size", [(33, 47), (64, 32)], ids=str)
def test_the_numbers_by_loops(name, training, size):
    model, x = net(name), pictures((2, 2, *size))
    state = arrays_of(model)
    loops = {"segnet": segnet_by_loops, "skip_net": skip_net_by_loops}
    wanted = loops[name](x, state, training) if name in loops else fcn_by_loops(x, state, model.stride, training)
    got = model.train(training)(tl.tensor(x)).data
    assert got.shape == wanted.shape == (2, 3, *size)
    assert np.allclose(got, wanted, rtol=0, atol=1e-9 * np.abs(wanted).max())


# --- any size ----------------------------------------------------------------------------------------------------------


@every_net
@given(st.integers(1, 2), SIDES, SIDES, st.booleans(), st.sampled_from(DTYPES))
def test_any_size_comes_out_at_its_own_size(name, n, h, w, training, dtype):
    model = net(name, dtype).train(training)
    y = model(tl.tensor(pictures((n, 2, h, w), np.dtype(dtype))))
    assert (y.shape, y.dtype) == ((n, 3, h, w), dtype)


@every_net
def test_a_picture_of_even_cells_is_not_moved_by_what_is_beyond_the_odd_rows(name):
    """In eval mode the upper left cells of a larger picture are those of the smaller one, far from where it ends."""
    model, x = net(name).eval(), pictures((1, 2, 224, 40))
    whole, part = model(tl.tensor(x)).data, model(tl.tensor(x[:, :, :193])).data
    assert np.allclose(whole[:, :, :32], part[:, :, :32], rtol=0, atol=1e-12)


def test_crop_keeps_the_upper_left():
    x = tl.arange(24.0).reshape(1, 2, 3, 4)
    assert np.array_equal(crop(x, np.zeros((5, 7, 2, 3))).data, x.data[:, :, :2, :3])
    assert crop(x, np.zeros((1, 1, 3, 4))) is x


# --- gradients ---------------------------------------------------------------------------------------------------------


def apart(shape, seed=0):
    """Numbers none of which is near another, or near 0."""
    rng = np.random.default_rng(seed)
    return (rng.permutation(np.prod(shape)) + 0.5 - np.prod(shape) / 2).reshape(shape) / 5


class Undone(nn.Module):
    """Pooling of an odd size and back, weighted so that each place counts by itself."""

    def __init__(self):
        super().__init__()
        self.pool, self.unpool = nn.MaxPool2d(2, ceil_mode=True, return_indices=True), nn.MaxUnpool2d(2)

    def forward(self, x):
        y, places = self.pool(x)
        return self.unpool(y, places, x.shape[2:]) ** 2


LAYERS = {
    "stage": (lambda: stage(2, 2), [(2, 2, 3, 5)]),
    "unpooling": (Undone, [(2, 2, 3, 5)]),
    "upscore 2": (lambda: upscore(2, 2), [(1, 2, 2, 3)]),
    "upscore 8": (lambda: upscore(2, 8), [(1, 2, 1, 2)]),
    "score": (lambda: nn.Conv2d(2, 3, 1), [(2, 2, 2, 3)]),
    "crop and sum": (lambda: lambda x, y: (crop(x, y) + y) ** 2, [(1, 2, 4, 4), (1, 2, 3, 4)]),
}


@pytest.mark.parametrize("what", LAYERS)
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_gradients_in_both_orders(what, training):
    make, shapes = LAYERS[what]
    layer = make()
    if isinstance(layer, nn.Module):
        layer.to(tl.float64).train(training)
    inputs = [apart(shape, k) for k, shape in enumerate(shapes)]
    assert tl.gradcheck(layer, inputs)
    assert tl.gradgradcheck(layer, inputs)


@every_net
def test_second_derivatives_reach_the_picture(name):
    """The gradient of the gradient's square, by a central difference along one direction."""
    model, x, d = net(name).eval(), pictures((1, 2, 32, 33)), pictures((1, 2, 32, 33), seed=2)
    u = pictures((1, 3, 32, 33), seed=3)

    def slope(x):
        x = tl.tensor(x, requires_grad=True)
        (g,) = tl.grad((model(x) ** 2 * tl.tensor(u)).sum(), [x], create_graph=True)
        return (g * tl.tensor(d)).sum(), x

    value, leaf = slope(x)
    (second,) = tl.grad(value, [leaf])
    h = 1e-6
    numeric = (slope(x + h * d)[0].item() - slope(x - h * d)[0].item()) / (2 * h)
    assert (second.data * d).sum() == pytest.approx(numeric, rel=1e-4)


@every_net
def test_both_kernels_give_the_same(name):
    x, g = pictures((2, 2, 37, 50)), pictures((2, 3, 37, 50), seed=4)
    found = {}
    for kernels in ("cpu", "reference"):
        with tl.kernels(kernels):
            model, leaf = net(name), tl.tensor(x, requires_grad=True)
            y = model(leaf)
            y.backward(tl.tensor(g))
            arrays = {key: p.grad.data for key, p in model.named_parameters() if p.grad is not None}
            found[kernels] = {"logits": y.data, "x": leaf.grad.data, **arrays, **arrays_of(model)}
    assert found["cpu"].keys() == found["reference"].keys()
    for key, wanted in found["reference"].items():
        assert np.allclose(found["cpu"][key], wanted, rtol=0, atol=1e-9 * max(1, np.abs(wanted).max())), key


# --- in training -------------------------------------------------------------------------------------------------------


@every_net
def test_float32_stays_float32(name):
    model = net(name, tl.float32)
    y = model(tl.tensor(pictures((2, 2, 33, 40), np.float32)))
    loss = F.cross_entropy(y, np.zeros((2, 33, 40), np.int64))
    loss.backward()
    assert loss.dtype == y.dtype == tl.float32
    for p in model.parameters():
        assert p.dtype == tl.float32
        assert p.grad is None or p.grad.dtype == tl.float32
    assert {b.dtype for b in model.buffers() if b.ndim} == {np.dtype("float32")}


@pytest.mark.parametrize(("name", "learnt"), [("fcn32s", 0), ("fcn16s", 1), ("fcn8s", 2)])
def test_the_last_upsampling_is_fixed_and_those_before_are_learnt(name, learnt):
    model = models.build(name, classes=3, width=1)
    before = arrays_of(model)
    x, y = pictures((4, 3, 64, 64), np.float32), np.random.default_rng(0).integers(0, 3, (4, 64, 64))
    tl.fit(model, (x, y), epochs=1, batch_size=2, optimizer=tl.optim.Adam(model.parameters(), lr=0.01))
    moved = [key for key, value in arrays_of(model).items() if not np.array_equal(value, before[key])]
    still = set(before) - set(moved)
    assert still == {"upscore.weight"}
    enlarging = [key for key in before if key.startswith("upscore_pool")]
    assert len(enlarging) == learnt
    assert (
        nn.init.bilinear_(tl.zeros(*before["upscore.weight"].shape)).data.tolist() == before["upscore.weight"].tolist()
    )


def test_the_last_upsampling_is_fixed_in_a_loaded_net_too(tmp_path):
    models.save(models.build("fcn8s", width=1), tmp_path / "net.safetensors")
    loaded = models.load(tmp_path / "net.safetensors").model
    assert [key for key, p in loaded.named_parameters() if not p.requires_grad] == ["upscore.weight"]


@every_net
def test_a_net_learns_two_halves(name):
    """Left and right of a picture, dark and light: the smallest thing that only a net that keeps places can learn."""
    x = np.zeros((8, 1, 64, 64), np.float32)
    y = np.zeros((8, 64, 64), np.int64)
    for k in range(8):
        x[k, :, :, 32:], y[k, :, 32:] = 1, 1
        if k % 2:
            x[k], y[k] = x[k].transpose(0, 2, 1), y[k].T
    x += pictures(x.shape, np.float32) * np.float32(0.1)
    model = models.build(name, classes=2, channels=1, width=2)
    history = tl.fit(model, (x, y), epochs=15, batch_size=4, optimizer=tl.optim.Adam(model.parameters(), lr=0.02))
    assert history.accuracy[-1] > 0.9


# --- what is refused ---------------------------------------------------------------------------------------------------

TITLE = {"fcn32s": "FCN-32s", "fcn16s": "FCN-16s", "fcn8s": "FCN-8s", "segnet": "SegNet", "skip_net": "skip_net"}


@pytest.mark.parametrize("name", sorted({*SEGMENTERS} - {"skip_net"}))
@pytest.mark.parametrize(
    ("shape", "advice"),
    [
        ((1, 3, 31, 64), "enlarge the pictures, by F.interpolate"),
        ((1, 3, 64, 31), "enlarge the pictures, by F.interpolate"),
        ((2, 1, 64, 64), "build the net with channels=1"),
        ((2, 64, 64, 3), "x.permute(0, 3, 1, 2) if channels are last"),
        ((3, 64, 64), "x[None] makes a batch of one"),
        ((64, 64), "x[None] makes a batch of one"),
    ],
    ids=str,
)
def test_pictures_that_do_not_fit(name, shape, advice):
    words = f"{TITLE[name]}: expected pictures (N, 3, H, W), H and W at least 32|got {shape}|{advice}"
    check_message(lambda: models.build(name)(tl.zeros(*shape)), ValueError, words)


def test_skip_net_takes_smaller_pictures():
    assert models.skip_net()(tl.zeros(1, 1, 8, 9)).shape == (1, 2, 8, 9)
    words = "skip_net: expected pictures (N, 1, H, W), H and W at least 8|got (1, 1, 64, 7)|enlarge"
    check_message(lambda: models.skip_net()(tl.zeros(1, 1, 64, 7)), ValueError, words)


@every_net
def test_what_is_no_tensor(name):
    words = f"{TITLE[name]}: expected a tensor or an array, got list; tl.tensor(x) makes one"
    check_message(lambda: models.build(name)([[1.0, 2.0]]), TypeError, words)


def test_fit_says_so_in_the_first_step():
    data = np.zeros((4, 3, 16, 24), np.float32), np.zeros((4, 16, 24), np.int64)
    words = "fit, epoch 1, step 1|FCN-8s: expected pictures (N, 3, H, W), H and W at least 32|got (4, 3, 16, 24)"
    check_message(lambda: tl.fit(models.fcn8s(), data, epochs=1), ValueError, words)


def test_masks_of_another_size_and_classes_are_refused_with_both_shapes():
    x = np.zeros((2, 3, 32, 32), np.float32)
    words = "(2, 10, 32, 32)|(2, 16, 16)"
    check_message(lambda: tl.fit(models.fcn8s(), (x, np.zeros((2, 16, 16), np.int64)), epochs=1), ValueError, words)
    wrong = tl.data.ArrayDataset(x, np.full((2, 32, 32), 3), ["a", "b", "c", "d"])
    check_message(
        lambda: tl.fit(models.fcn8s(classes=3), wrong, epochs=1), ValueError, "0 … 2|3|4, build the model for as many"
    )


def test_a_batch_of_one_value_in_batch_norm_names_the_layer_and_what_to_do():
    alone = nn.Sequential({"last": stage(3, 5)})
    words = "batch_norm (layer 'last.norm'): training needs more than one value a channel|(1, 5, 1, 1)|larger batch, or eval()"
    check_message(lambda: alone(tl.zeros(1, 3, 1, 1)), ValueError, words)
    assert alone.eval()(tl.zeros(1, 3, 1, 1)).shape == (1, 5, 1, 1)


@every_net
def test_one_smallest_picture_is_a_batch(name):
    assert np.isfinite(net(name).train()(tl.tensor(pictures((1, 2, 32, 32)))).data).all()


@every_net
def test_no_picture_is_no_answer(name):
    assert net(name).eval()(tl.tensor(pictures((0, 2, 33, 40)))).shape == (0, 3, 33, 40)


def test_drawn_shapes_are_data_for_segmentation():
    """FCN-8s begins to find six drawn shapes in a hundred steps."""
    train, test = (part.segmentation() for part in tl.data.shapes(train=192, test=24, size=32))
    tl.manual_seed(0)
    net = tl.models.fcn8s(classes=len(train.classes))
    weight = np.array([0.2, *[1.0] * 6], np.float32)  # most pixels are background
    loss = lambda z, y: tl.nn.functional.cross_entropy(z, y, weight=weight)
    history = tl.fit(net, train, epochs=8, batch_size=16, optimizer=tl.optim.Adam(net.parameters(), lr=4e-3), loss=loss)
    found = tl.segment.masks(net, test.x) > 0
    shape = test.y > 0
    assert history.loss[-1] < 0.5 * history.loss[0]
    assert (found & shape).sum() / (found | shape).sum() > 0.3  # everything as shape: 0.12
