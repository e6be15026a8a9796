"""Class activation maps by gradients: closed forms, their formulas by loops without autograd, and what holds for all CAMs."""

import numpy as np
import pytest
from explained import (
    CLASSES,
    Folded,
    central,
    enlarged,
    folded_average,
    linear_net,
    logits,
    pictures,
    pooled_net,
    stages,
    state_of,
)
from hypothesis import assume, given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
from tinylucid.explain import grad_cam, grad_cam_pp, guided_grad_cam, hires_cam, layer_cam, score_cam

seeds = st.integers(0, 10**6)
SLOPES = [grad_cam, grad_cam_pp, hires_cam, layer_cam]  # that weigh by gradients
PLANES = [*SLOPES, score_cam]  # that give (N, H, W)
each_net = pytest.mark.parametrize("make", [Folded, folded_average])
by_slopes = pytest.mark.parametrize("method", SLOPES)
by_planes = pytest.mark.parametrize("method", PLANES)
by_all = pytest.mark.parametrize("method", [*PLANES, guided_grad_cam])


# --- the weight of place (i, j) of one channel, from its slopes g and values a (h, w) ---------------------------------


def mean_slope(g, a, i, j):
    total = 0.0
    for row in g:
        for slope in row:
            total += slope / g.size
    return total


def evened_slope(g, a, i, j):
    total, weight = 0.0, 0.0
    for row in a:
        for value in row:
            total += value
    for row in g:
        for slope in row:
            over, below = slope**2, 2 * slope**2 + total * slope**3
            weight += (over / below if below else 0) * (slope if slope > 0 else 0)
    return weight


def own_slope(g, a, i, j):
    return g[i, j]


def positive_slope(g, a, i, j):
    return g[i, j] if g[i, j] > 0 else 0


WEIGHT = {grad_cam: mean_slope, grad_cam_pp: evened_slope, hires_cam: own_slope, layer_cam: positive_slope}


def looped(method, slope, planes, relu=False):
    """The small map of one picture from the slopes at the layer's planes, and these (K, h, w)."""
    k, h, w = planes.shape
    out = np.zeros((h, w))
    for i in range(h):
        for j in range(w):
            for c in range(k):
                out[i, j] += WEIGHT[method](slope[c], planes[c], i, j) * planes[c, i, j]
            if relu and out[i, j] < 0:
                out[i, j] = 0
    return out


def away_from_the_pole(g, a):
    """Redraw where α of Grad-CAM++ is so large that the error of a central difference shows."""
    assume(np.abs(2 + g * a.sum((1, 2), keepdims=True))[g > 0].min(initial=1) > 0.1)


@by_slopes
@each_net
@given(seed=seeds, relu=st.booleans(), layer=st.sampled_from(["conv", "norm", "pool", "relu", None]))
def test_each_is_the_loop_of_its_formula(method, make, seed, relu, layer):
    rng = tl.Generator(seed)
    net = make(rng).eval()
    x, target = pictures(rng), rng.integers(0, CLASSES, (2,))
    before, after = stages(net)[layer]
    planes = before(tl.Tensor(x)).data
    small = method(net, x, target, layer=layer, relu=relu, upsample=False)
    large = method(net, x, target, layer=layer, relu=relu)
    for k in range(2):
        slope = central(lambda points, k=k: logits(after, points)[:, target[k]], planes[k])
        if method is grad_cam_pp:
            away_from_the_pole(slope, planes[k])
        assert small[k] == pytest.approx(looped(method, slope, planes[k], relu), rel=1e-6, abs=1e-6)
        assert large[k] == pytest.approx(enlarged(small[k], 6, 6), abs=1e-12)


# --- closed forms -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [grad_cam, hires_cam])
@given(seed=seeds, target=st.integers(0, CLASSES - 1))
def test_before_a_mean_and_a_linear_head_it_is_cam_and_sums_to_the_logit_without_bias(method, seed, target):
    rng = tl.Generator(seed)
    net, x = pooled_net(rng), pictures(rng, 3)
    maps = method(net, x, target, relu=False, upsample=False)
    planes, head = net[1](net[0](tl.Tensor(x))).data, net[4]
    cam = sum(head.weight.data[target, k] * planes[:, k] for k in range(5))  # Zhou et al., 2016
    assert np.allclose(maps, cam / 16, rtol=1e-12, atol=1e-14)
    assert maps.sum((1, 2)) == pytest.approx(logits(net, x)[:, target] - head.bias.data[target], rel=1e-9, abs=1e-11)
    assert np.array_equal(method(net, x, target, upsample=False), np.maximum(maps, 0))


@given(seed=seeds)
def test_before_a_mean_and_positive_weights_layer_cam_is_grad_cam_before_its_relu(seed):
    rng = tl.Generator(seed)
    net, x = pooled_net(rng), pictures(rng)
    signed = layer_cam(net, x, 1, relu=False), grad_cam(net, x, 1, relu=False)
    weights = net[4].weight.data
    np.maximum(weights, 0, out=weights)
    maps = layer_cam(net, x, 1, relu=False)
    assert np.allclose(maps, grad_cam(net, x, 1, relu=False), rtol=1e-12, atol=1e-14)
    assert np.allclose(maps, signed[0], rtol=1e-12, atol=1e-14)  # what it leaves out are the negative weights
    assert (signed[1] <= maps + 1e-12).all()


@given(seed=seeds, target=st.integers(0, CLASSES - 1))
def test_before_a_mean_and_a_linear_head_alpha_of_grad_cam_pp_is_known(seed, target):
    rng = tl.Generator(seed)
    net, x = pooled_net(rng), pictures(rng)
    planes = net[1](net[0](tl.Tensor(x))).data
    expected = np.zeros((2, 4, 4))
    for k in range(5):
        g = net[4].weight.data[target, k] / 16  # at each of the 16 places
        if g > 0:
            alpha = 1 / (2 + g * planes[:, k].sum((1, 2)))
            expected += (16 * alpha * g)[:, None, None] * planes[:, k]
    assert np.allclose(grad_cam_pp(net, x, target, upsample=False), expected, rtol=1e-12, atol=1e-14)


def flat_net(rng, *between):
    """Convolution, ``between``, and each place with weights of its own, some of them 0: the slopes are these weights."""
    dense = tl.nn.Linear(3 * 4 * 4, CLASSES)
    net = tl.nn.Sequential(tl.nn.Conv2d(2, 3, 3), *between, tl.nn.Flatten(), dense).to(tl.float64)
    for p in net.parameters():
        tl.nn.init.normal_(p, rng=rng)
    dense.weight.data[...] *= rng.uniform(dense.weight.shape) < 0.7
    return net


@by_slopes
@given(seed=seeds, target=st.integers(0, CLASSES - 1))
def test_before_a_flat_head_each_is_its_loop_to_the_last_digits(method, seed, target):
    rng = tl.Generator(seed)
    net, x = flat_net(rng, tl.nn.ReLU()), pictures(rng)
    planes, slope = net[1](net[0](tl.Tensor(x))).data, net[3].weight.data[target].reshape(3, 4, 4)
    maps = method(net, x, target, layer="1", relu=False, upsample=False)
    for k in range(2):
        assert maps[k] == pytest.approx(looped(method, slope, planes[k]), rel=1e-11, abs=1e-12)


@given(seed=seeds)
def test_hires_cam_before_a_flat_head_sums_to_the_logit_without_bias(seed):
    rng = tl.Generator(seed)
    net, x = flat_net(rng), pictures(rng)
    maps = hires_cam(net, x, 2, relu=False, upsample=False)
    assert maps.sum((1, 2)) == pytest.approx(logits(net, x)[:, 2] - net[2].bias.data[2], abs=1e-11)


def test_alpha_is_0_where_its_denominator_is():
    """Planes that sum to −1: a slope of 2 has 2g² + ΣA·g³ = 0, one of 1 has α = 1, one of 4 has α = −½."""
    net = tl.nn.Sequential(tl.nn.Conv2d(1, 1, 1, bias=False), tl.nn.Flatten(), tl.nn.Linear(4, 1)).to(tl.float64)
    net[0].weight.data[...] = 1
    x = np.array([[[[0.5, -0.5], [-0.75, -0.25]]]])
    for slopes, weight in [([2, 0, 0, 0], 0), ([2, 1, 0, -3], 1), ([4, 1, 2, -1], -1)]:
        net[2].weight.data[...] = slopes
        assert np.array_equal(grad_cam_pp(net, x, 0, layer="0", relu=False), weight * x[:, 0])


@each_net
@given(seed=seeds)
def test_guided_grad_cam_is_the_product_of_two_loops(make, seed):
    rng = tl.Generator(seed)
    net = make(rng).eval()
    x, target = pictures(rng), rng.integers(0, CLASSES, (2,))
    maps = guided_grad_cam(net, x, target)
    steps = [lambda x: net.norm(net.conv(x)), lambda a: net.pool(a) - net.shift, net.head]  # a ReLU between each two
    for k in range(2):
        first = np.maximum(logits(steps[0], x[k : k + 1])[0], 0)
        second = np.maximum(logits(steps[1], first[None])[0], 0)
        slope = central(lambda points, k=k: logits(net.head, points)[:, target[k]], second)
        where = looped(grad_cam, slope, second, relu=True)
        for step, inside, out in [(steps[1], first, second), (steps[0], x[k], first)]:
            passed = slope * (out > 0) * (slope > 0)
            slope = central(lambda points, s=step, p=passed: (logits(s, points) * p).sum((1, 2, 3)), inside)
        assert maps[k] == pytest.approx(slope * enlarged(where, 6, 6), abs=1e-6)


# --- what holds for all -----------------------------------------------------------------------------------------------


@by_all
@pytest.mark.parametrize("make", [Folded, folded_average, pooled_net])
@given(seed=seeds)
def test_a_row_of_a_batch_is_the_single_run(method, make, seed):
    rng = tl.Generator(seed)
    net, x = make(rng), pictures(rng, 3)
    target = rng.integers(0, CLASSES, (3,))
    maps = method(net, x, target)
    assert maps.shape == (x.shape if method is guided_grad_cam else (3, 6, 6))
    for k in range(3):
        assert np.allclose(maps[k : k + 1], method(net, x[k : k + 1], target[k]), rtol=1e-9, atol=1e-11)


@by_all
def test_a_function_of_the_logits_is_explained(method):
    rng = tl.Generator(1)
    net, x = Folded(rng), pictures(rng)
    assert np.array_equal(method(net, x, lambda z: z[:, 2]), method(net, x, 2))
    contrast = method(net, x, lambda z: z[:, 2] - z[:, 0])
    net.dense.weight.data[1] = net.dense.weight.data[2] - net.dense.weight.data[0]
    assert contrast.any()
    assert np.allclose(contrast, method(net, x, 1), atol=1e-12)  # a bias moves no map


@by_planes
def test_what_a_layer_saw_is_drawn_where_it_saw_it(method):
    """A bright patch of 2×2 pixels of 12×12, pooled to one place of 6×6: the map's middle is the patch's."""
    net = tl.nn.Sequential(tl.nn.AvgPool2d(2), tl.nn.AdaptiveAvgPool2d(1), tl.nn.Flatten())
    for i, j in [(1, 4), (2, 2), (4, 1)]:
        x = np.zeros((1, 1, 12, 12))
        x[0, 0, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = 1
        maps = method(net, x, 0)
        large = maps[0] / maps.sum()
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


@by_slopes
def test_a_row_of_places_is_a_plane_and_what_is_written_before_the_layer_does_not_matter(method):
    class Overwritten(tl.nn.Module):
        def __init__(self, write):
            super().__init__()
            self.conv, self.same, self.write = tl.nn.Conv2d(2, 3, 3), tl.nn.Identity(), write
            self.dense = tl.nn.Linear(12, CLASSES)
            self.to(tl.float64)

        def forward(self, x):
            before = tl.relu(self.conv(x))
            out = self.same(before)
            if self.write:
                before.data[...] = 7
            return self.dense(out.flatten(1))

    x = tl.Generator(0).normal((2, 2, 3, 6), tl.float64)
    net, other = Overwritten(False), Overwritten(True)
    other.load_state_dict(net.state_dict())
    maps = method(net, x, 1, layer="same")
    assert np.array_equal(maps, method(other, x, 1, layer="same"))
    assert np.array_equal(maps, method(net, x, 1)), "the last that gives a plane"


@by_slopes
@given(seed=seeds)
def test_only_what_goes_through_the_layer_counts_and_later_writes_do_not_matter(method, seed):
    rng = tl.Generator(seed)
    net, x = Skipping(), pictures(rng, 1)
    planes, around = net.conv(tl.Tensor(x)).data, np.tanh(net.around(tl.Tensor(x)).data)
    after = lambda a: net.dense(tl.relu(a + around).flatten(1))
    slope = central(lambda points: logits(after, points)[:, 1], planes[0])
    away_from_the_pole(slope, planes[0])
    small = method(net, x, 1, layer="conv", relu=False, upsample=False)
    assert small[0] == pytest.approx(looped(method, slope, planes[0]), abs=1e-6)
    assert np.array_equal(small, method(net, x, 1, relu=False, upsample=False)), (
        "conv ran last, though around is below it"
    )


@by_planes
def test_a_region_of_a_segmentation_is_explained_and_its_logits_are_not_the_layer(method):
    rng = tl.Generator(2)
    net, x = tl.nn.Sequential(tl.nn.Conv2d(2, 3, 3), tl.nn.ReLU(), tl.nn.Conv2d(3, 4, 1)).to(tl.float64), pictures(rng)
    region = lambda z: z[:, 2, 1:3, :2].mean((1, 2))
    maps = method(net, x, region)
    assert np.array_equal(maps, method(net, x, region, layer="1"))
    assert not np.allclose(maps, method(net, x, region, layer="2"))
    if method in (hires_cam, layer_cam):  # each place by its own slope: nothing outside the region
        small = method(net, x, region, relu=False, upsample=False)
        assert small[:, 1:3, :2].any()
        small[:, 1:3, :2] = 0
        assert not small.any()


@by_all
def test_float32_stays_float32_and_is_close_to_float64(method):
    rng = tl.Generator(3)
    net, x = Folded(rng), pictures(rng, 2).astype(np.float32)
    exact = method(net, x.astype(np.float64), 1)
    maps = method(net.to(tl.float32), x, 1)
    assert maps.dtype == np.float32
    assert exact.dtype == np.float64
    assert maps == pytest.approx(exact, rel=1e-3, abs=1e-5)


@by_all
def test_nothing_about_the_model_changes(method):
    rng = tl.Generator(4)
    net, x = Folded(rng), pictures(rng)
    net.norm.eval()
    net(tl.Tensor(x)).sum().backward()
    before, kept = state_of(net), x.copy()
    maps = method(net, x, 1)
    for wrong in ({"target": 9}, {"target": 1, "layer": "dense"}, {"target": lambda z: z.data}):
        with pytest.raises(ValueError, match=r"outside|gives|one number"):
            method(net, x, **wrong)
    with pytest.raises(ValueError, match="channels"):
        method(net, x[:, :1], 1)
    with tl.no_grad():
        assert np.array_equal(maps, method(net.requires_grad_(False), tl.Tensor(x), tl.tensor([1, 1])))
    assert state_of(net) == before
    assert np.array_equal(x, kept)


@by_all
def test_no_picture_is_no_map(method):
    shape = (0, 2, 6, 6) if method is guided_grad_cam else (0, 6, 6)
    assert method(Folded(tl.Generator(0)), np.zeros((0, 2, 6, 6)), 1).shape == shape


@by_all
@given(seed=seeds, value=st.sampled_from([0, 0.1, -3]))
def test_pictures_of_one_colour_have_maps_too(method, seed, value):
    net, x = Folded(tl.Generator(seed)), np.full((3, 2, 6, 6), float(value))
    maps = method(net, x, 1)
    assert np.isfinite(maps).all()
    assert np.allclose(maps, method(net, x[:1], 1), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("method", [*SLOPES, guided_grad_cam])
def test_a_target_that_never_changes_has_an_empty_map(method):
    assert not method(Skipping(), pictures(tl.Generator(0)), lambda z: z[:, 0] * 0).any()


@by_all
def test_three_axes_are_no_plane(method):
    layers = [tl.nn.Conv2d(2, 3, 3), tl.nn.ReLU(), tl.nn.Flatten(2), tl.nn.Flatten(), tl.nn.Linear(48, CLASSES)]
    net, x = tl.nn.Sequential(*layers).to(tl.float64), pictures(tl.Generator(0))
    assert np.array_equal(method(net, x, 1), method(net, x, 1, layer="1"))
    check_message(lambda: method(net, x, 1, layer="2"), ValueError, "'2' gives (2, 3, 16)|(N, K, h, w)")


@by_all
def test_a_layer_may_be_given_as_itself(method):
    net, x = Skipping(), pictures(tl.Generator(0))
    assert np.array_equal(method(net, x, 1, layer=net.conv), method(net, x, 1, layer="conv"))


@by_all
@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda cam, net, x: cam(lambda x: net(x), x, 1),
            TypeError,
            "explain: expected a net, a tl.nn.Module|function",
        ),
        (lambda cam, net, x: cam(Skipping, x, 1), TypeError, "the class Skipping"),
        (lambda cam, net, x: cam(net, x, 1, layer="convv"), ValueError, "no layer 'convv'|it has: conv, around, dense"),
        (lambda cam, net, x: cam(net, x, 1, layer=""), ValueError, "no layer ''|conv, around"),
        (lambda cam, net, x: cam(net, x, 1, layer="unused"), ValueError, "'unused' does not run"),
        (lambda cam, net, x: cam(net, x, 1, layer="dense"), ValueError, "'dense' gives (3, 4)|(N, K, h, w)"),
        (lambda cam, net, x: cam(net, x, 1, layer=tl.nn.ReLU()), ValueError, "no layer a ReLU that is not in it|conv"),
        (lambda cam, net, x: cam(linear_net(tl.Generator(0)), x, 1), ValueError, "no layer of this model|use gradient"),
        (lambda cam, net, x: cam(net, x[0], 1), ValueError, "(N, C, H, W)|(2, 6, 6)"),
        (lambda cam, net, x: cam(net, x.astype(int), 1), TypeError, "only float32 and float64"),
        (lambda cam, net, x: cam(net, x * np.nan, 1), ValueError, "picture 0 of the |holds NaN"),
        (lambda cam, net, x: cam(net, x, "cat"), ValueError, "by its number|classes.index('cat')"),
        (lambda cam, net, x: cam(net, x, ["cat"] * 3), ValueError, "by its number|classes.index('cat')"),
        (lambda cam, net, x: cam(net, x, 4), ValueError, "target 4 is outside 0 … 3"),
        (lambda cam, net, x: cam(net, x, [1, 2]), ValueError, "one for each of the 3 pictures"),
    ],
)
def test_misuse_has_messages(method, call, error, words):
    message = check_message(lambda: call(method, Skipping(), np.zeros((3, 2, 6, 6))), error, words)
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("method", [*SLOPES, guided_grad_cam])
def test_a_target_without_a_gradient_is_refused(method):
    call = lambda: method(Skipping(), np.zeros((3, 2, 6, 6)), lambda z: z.detach()[:, 0])
    check_message(call, RuntimeError, "no gradient in layer 'conv'")
