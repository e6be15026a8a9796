"""Grad-CAM: its closed form, its formula by loops without autograd, which layer it takes, and where its maps lie."""

import math

import numpy as np
import pytest
from explained import CLASSES, Folded, central, folded_average, linear_net, logits, pictures, pooled_net, state_of
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
from tinylucid.explain import grad_cam

seeds = st.integers(0, 10**6)


def enlarged(small, rows, columns):
    """A map (h, w) at (rows, columns), bilinear: pixel p lies at (p + ½)·h/rows − ½, and edges are continued."""
    h, w = small.shape
    out = np.zeros((rows, columns))
    for p in range(rows):
        for q in range(columns):
            i = min(max((p + 0.5) * h / rows - 0.5, 0), h - 1)
            j = min(max((q + 0.5) * w / columns - 0.5, 0), w - 1)
            for a in {math.floor(i), min(math.floor(i) + 1, h - 1)}:
                for b in {math.floor(j), min(math.floor(j) + 1, w - 1)}:
                    out[p, q] += (1 - abs(i - a)) * (1 - abs(j - b)) * small[a, b]
    return out


def looped(planes, after, target, relu):
    """The small map of one picture: ``planes`` (K, h, w) of the layer, ``after`` what turns planes into logits."""
    slope = central(lambda points: logits(after, points)[:, target], planes)
    k, h, w = planes.shape
    out = np.zeros((h, w))
    for c in range(k):
        weight = 0.0
        for i in range(h):
            for j in range(w):
                weight += slope[c, i, j] / (h * w)
        for i in range(h):
            for j in range(w):
                out[i, j] += weight * planes[c, i, j]
    return np.where(out > 0, out, 0) if relu else out


def stages(net):
    """For layers of Folded: from pictures to what the layer gives, and from there to logits."""
    late = lambda a: net.head(net.relu(a - net.shift))
    return {
        "conv": (net.conv, lambda a: late(net.pool(net.relu(net.norm(a))))),
        "norm": (lambda x: net.norm(net.conv(x)), lambda a: late(net.pool(net.relu(a)))),
        "pool": (lambda x: net.pool(net.relu(net.norm(net.conv(x)))), late),
        "relu": (net.features, net.head),  # its last run
        None: (net.features, net.head),  # found by itself
    }


@pytest.mark.parametrize("layer", ["conv", "norm", "pool", "relu", None])
@pytest.mark.parametrize("make", [Folded, folded_average])
@given(seed=seeds, relu=st.booleans())
def test_grad_cam_is_the_loop_of_its_formula(make, layer, seed, relu):
    rng = tl.Generator(seed)
    net = make(rng).eval()
    x, target = pictures(rng), rng.integers(0, CLASSES, (2,))
    before, after = stages(net)[layer]
    planes = before(tl.Tensor(x)).data
    small = grad_cam(net, x, target, layer=layer, relu=relu, upsample=False)
    large = grad_cam(net, x, target, layer=layer, relu=relu)
    for k in range(2):
        assert small[k] == pytest.approx(looped(planes[k], after, target[k], relu), abs=1e-6)
        assert large[k] == pytest.approx(enlarged(small[k], 6, 6), abs=1e-12)


@given(seed=seeds, target=st.integers(0, CLASSES - 1))
def test_before_a_mean_and_a_linear_head_it_is_cam_and_sums_to_the_logit_without_bias(seed, target):
    rng = tl.Generator(seed)
    net, x = pooled_net(rng), pictures(rng, 3)
    maps = grad_cam(net, x, target, relu=False, upsample=False)
    planes, head = net[1](net[0](tl.Tensor(x))).data, net[4]
    cam = sum(head.weight.data[target, k] * planes[:, k] for k in range(5))  # Zhou et al., 2016
    assert np.allclose(maps, cam / 16, rtol=1e-12, atol=1e-14)
    assert maps.sum((1, 2)) == pytest.approx(logits(net, x)[:, target] - head.bias.data[target], rel=1e-9, abs=1e-11)
    assert np.array_equal(grad_cam(net, x, target, upsample=False), np.maximum(maps, 0))


@pytest.mark.parametrize("make", [Folded, folded_average, pooled_net])
@given(seed=seeds)
def test_a_row_of_a_batch_is_the_single_run(make, seed):
    rng = tl.Generator(seed)
    net, x = make(rng), pictures(rng, 4)
    target = rng.integers(0, CLASSES, (4,))
    maps = grad_cam(net, x, target)
    assert maps.shape == (4, 6, 6)
    for k in range(4):
        assert np.allclose(maps[k : k + 1], grad_cam(net, x[k : k + 1], target[k]), rtol=1e-10, atol=1e-12)


def test_a_function_of_the_logits_is_explained():
    rng = tl.Generator(1)
    net, x = Folded(rng), pictures(rng)
    run = lambda target: grad_cam(net, x, target, relu=False)
    assert np.allclose(run(lambda z: z[:, 2] - z[:, 0]), run(2) - run(0), atol=1e-12)


def test_what_a_layer_saw_is_drawn_where_it_saw_it():
    """A bright patch of 2×2 pixels of 12×12, pooled to one place of 6×6: the map's middle is the patch's."""
    net = tl.nn.Sequential(tl.nn.AvgPool2d(2), tl.nn.AdaptiveAvgPool2d(1), tl.nn.Flatten())
    for i, j in [(1, 4), (2, 2), (4, 1)]:
        x = np.zeros((1, 1, 12, 12))
        x[0, 0, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = 1
        large = grad_cam(net, x, 0)[0] / grad_cam(net, x, 0).sum()
        rows, columns = np.mgrid[:12, :12]
        assert (large * rows).sum() == pytest.approx(2 * i + 0.5)
        assert (large * columns).sum() == pytest.approx(2 * j + 0.5)


class Skipping(tl.nn.Module):
    """A layer that another path goes around, and whose result is then written to in place."""

    def __init__(self):
        super().__init__()
        self.conv, self.around = tl.nn.Conv2d(2, 3, 3), tl.nn.Conv2d(2, 3, 3)
        self.dense = tl.nn.Linear(48, CLASSES)
        self.unused = tl.nn.Conv2d(2, 3, 3)
        self.to(tl.float64)

    def forward(self, x):
        around = tl.tanh(self.around(x))
        out = self.conv(x)
        out += around
        return self.dense(tl.relu(out).flatten(1))


@given(seed=seeds)
def test_only_what_goes_through_the_layer_counts_and_later_writes_do_not_matter(seed):
    rng = tl.Generator(seed)
    net, x = Skipping(), pictures(rng, 1)
    planes, around = net.conv(tl.Tensor(x)).data, np.tanh(net.around(tl.Tensor(x)).data)
    after = lambda a: net.dense(tl.relu(a + around).flatten(1))
    small = grad_cam(net, x, 1, layer="conv", relu=False, upsample=False)
    assert small[0] == pytest.approx(looped(planes[0], after, 1, False), abs=1e-6)
    assert np.array_equal(small, grad_cam(net, x, 1, relu=False, upsample=False)), (
        "conv ran last, though around is below it"
    )


def test_the_logits_of_a_segmentation_are_not_the_layer():
    rng = tl.Generator(2)
    net, x = tl.nn.Sequential(tl.nn.Conv2d(2, 3, 3), tl.nn.ReLU(), tl.nn.Conv2d(3, 4, 1)).to(tl.float64), pictures(rng)
    region = lambda z: z[:, 2, 1:3, :2].mean((1, 2))
    assert np.array_equal(grad_cam(net, x, region), grad_cam(net, x, region, layer="1"))
    assert not np.allclose(grad_cam(net, x, region), grad_cam(net, x, region, layer="2"))


def test_float32_stays_float32_and_is_close_to_float64():
    rng = tl.Generator(3)
    net, x = Folded(rng), pictures(rng, 2).astype(np.float32)
    exact = grad_cam(net, x.astype(np.float64), 1)
    maps = grad_cam(net.to(tl.float32), x, 1)
    assert maps.dtype == np.float32
    assert maps == pytest.approx(exact, rel=1e-3, abs=1e-5)


def test_nothing_about_the_model_changes():
    rng = tl.Generator(4)
    net, x = Folded(rng), pictures(rng)
    net.norm.eval()
    net(tl.Tensor(x)).sum().backward()
    before, kept = state_of(net), x.copy()
    maps = grad_cam(net, x, 1)
    for wrong in ({"target": 9}, {"target": 1, "layer": "dense"}, {"target": lambda z: z.data}):
        with pytest.raises(ValueError, match=r"outside|gives|one number"):
            grad_cam(net, x, **wrong)
    with pytest.raises(ValueError, match="channels"):
        grad_cam(net, x[:, :1], 1)
    with tl.no_grad():
        assert np.array_equal(maps, grad_cam(net.requires_grad_(False), tl.Tensor(x), tl.tensor([1, 1])))
    assert state_of(net) == before
    assert np.array_equal(x, kept)


def test_a_target_that_never_changes_has_an_empty_map():
    assert not grad_cam(Skipping(), pictures(tl.Generator(0)), lambda z: z[:, 0] * 0).any()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda net, x: grad_cam(lambda x: net(x), x, 1),
            TypeError,
            "explain: expected a net, a tl.nn.Module|function",
        ),
        (lambda net, x: grad_cam(net, x, 1, layer="convv"), ValueError, "no layer 'convv'|it has: conv, around, dense"),
        (lambda net, x: grad_cam(net, x, 1, layer=""), ValueError, "no layer ''|conv, around"),
        (lambda net, x: grad_cam(net, x, 1, layer="unused"), ValueError, "'unused' does not run"),
        (lambda net, x: grad_cam(net, x, 1, layer="dense"), ValueError, "'dense' gives (3, 4)|(N, K, h, w)"),
        (lambda net, x: grad_cam(net, x, lambda z: z.detach()[:, 0]), RuntimeError, "no gradient in layer 'conv'"),
        (lambda net, x: grad_cam(linear_net(tl.Generator(0)), x, 1), ValueError, "no layer of this model|use gradient"),
        (lambda net, x: grad_cam(net, x[0], 1), ValueError, "(N, C, H, W)|(2, 6, 6)"),
        (lambda net, x: grad_cam(net, x.astype(int), 1), TypeError, "only float32 and float64"),
        (
            lambda net, x: grad_cam(net, x, 1, layer=tl.nn.ReLU()),
            ValueError,
            "no layer a ReLU that is not in it|conv, around",
        ),
        (lambda net, x: grad_cam(net, x, "cat"), ValueError, "by its number|classes.index('cat')"),
        (lambda net, x: grad_cam(net, x, ["cat"] * 3), ValueError, "by its number|classes.index('cat')"),
        (lambda net, x: grad_cam(net, x, 4), ValueError, "target 4 is outside 0 … 3"),
        (lambda net, x: grad_cam(net, x, [1, 2]), ValueError, "one for each of the 3 pictures"),
    ],
)
def test_misuse_has_messages(call, error, words):
    message = check_message(lambda: call(Skipping(), np.zeros((3, 2, 6, 6))), error, words)
    assert len(message.splitlines()) == 1


def test_a_layer_may_be_given_as_itself():
    net, x = Skipping(), pictures(tl.Generator(0))
    assert np.array_equal(grad_cam(net, x, 1, layer=net.conv), grad_cam(net, x, 1, layer="conv"))
