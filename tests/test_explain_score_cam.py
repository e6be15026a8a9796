"""Score-CAM: its formula by loops, weights that are shares, and nets that have no gradient."""

import math

import numpy as np
import pytest
from explained import CLASSES, Folded, enlarged, folded_average, logits, pictures, pooled_net, stages
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
from tinylucid.explain import grad_cam, score_cam
from tinylucid.explain.cam import channel_weights, unit

seeds = st.integers(0, 10**6)
each_net = pytest.mark.parametrize("make", [Folded, folded_average])


def looped(net, x, planes, target):
    """The signed small map of one picture x (C, H, W) from the layer's planes (K, h, w)."""
    scores = []
    for plane in planes:
        large, masked = enlarged(plane, *x.shape[1:]), np.zeros_like(x)
        low, high = large.min(), large.max()
        for i in range(x.shape[1]):
            for j in range(x.shape[2]):
                share = (large[i, j] - low) / (high - low) if high - low > 1e-12 else 0  # else rounding
                masked[:, i, j] = share * x[:, i, j]
        scores.append(logits(net, masked[None])[0, target])
    total = sum(math.exp(score) for score in scores)
    out = np.zeros(planes.shape[1:])
    for score, plane in zip(scores, planes):
        out += math.exp(score) / total * plane
    return out


@each_net
@given(
    seed=seeds,
    relu=st.booleans(),
    layer=st.sampled_from(["conv", "norm", "pool", "relu", None]),
    batch_size=st.integers(1, 20),
)
def test_it_is_the_loop_of_its_formula_whatever_the_batch_size(make, seed, relu, layer, batch_size):
    rng = tl.Generator(seed)
    net = make(rng).eval()
    x, target = pictures(rng), rng.integers(0, CLASSES, (2,))
    planes = stages(net)[layer][0](tl.Tensor(x)).data
    small = score_cam(net, x, target, layer=layer, relu=relu, upsample=False, batch_size=batch_size)
    large = score_cam(net, x, target, layer=layer, relu=relu, batch_size=batch_size)
    for k in range(2):
        expected = looped(net, x[k], planes[k], target[k])
        assert small[k] == pytest.approx(np.maximum(expected, 0) if relu else expected, abs=1e-10)
        assert large[k] == pytest.approx(enlarged(small[k], 6, 6), abs=1e-12)


@each_net
@given(seed=seeds, loud=st.sampled_from([1, 1e4]))
def test_the_weights_are_shares_and_a_number_added_to_the_score_does_not_move_them(make, seed, loud):
    rng = tl.Generator(seed)
    net, x, planes = make(rng).eval(), pictures(rng, 3), rng.normal((3, 7, 2, 2), tl.float64)
    weights = channel_weights(net, x, lambda z: z[:, 1] * loud, planes, 16)
    assert weights.shape == (3, 7)
    assert weights.min() >= 0
    assert weights.sum(1) == pytest.approx([1, 1, 1], rel=1e-12)
    more = channel_weights(net, x, lambda z: z[:, 1] * loud - 50, planes, 16)
    assert weights == pytest.approx(more, rel=1e-6, abs=1e-9)


@each_net
@given(seed=seeds)
def test_the_order_of_the_channels_does_not_matter(make, seed):
    rng = tl.Generator(seed)
    net, other, x = make(rng), make(rng), pictures(rng)
    order = np.roll(rng.permutation(3), 1)
    state = {name: t.data.copy() for name, t in net.state_dict().items()}
    for name in set(state) - {"dense.weight", "dense.bias", "norm.num_batches_tracked"}:
        state[name] = state[name][order]
    state["dense.weight"] = state["dense.weight"].reshape(CLASSES, 3, 9)[:, order].reshape(CLASSES, 27)
    other.load_state_dict(state)
    for layer in ("conv", "pool", None):
        maps = score_cam(net, x, 2, layer=layer, relu=False)
        assert np.allclose(maps, score_cam(other, x, 2, layer=layer, relu=False), rtol=1e-9, atol=1e-11)


class Stepped(tl.nn.Module):
    """A net without a gradient: its head asks whether values are large, by NumPy."""

    def __init__(self, rng):
        super().__init__()
        self.conv = pooled_net(rng)[0]

    def forward(self, x):
        planes = self.conv(x).data
        return tl.Tensor((planes > 1).mean((2, 3)) @ np.arange(10.0).reshape(5, 2))


@given(seed=seeds)
def test_no_gradient_is_needed(seed):
    rng = tl.Generator(seed)
    net, x = Stepped(rng), pictures(rng)
    planes = net.conv(tl.Tensor(x)).data
    maps = score_cam(net, x, 1, relu=False, upsample=False)
    for k in range(2):
        assert maps[k] == pytest.approx(looped(net, x[k], planes[k], 1), abs=1e-10)
    with pytest.raises(RuntimeError, match="no gradient"):
        grad_cam(net, x, 1)


def test_a_target_that_never_changes_weighs_all_channels_alike():
    rng = tl.Generator(1)
    net, x = pooled_net(rng), pictures(rng)
    maps = score_cam(net, x, lambda z: z[:, 0] * 0, layer="0", relu=False, upsample=False)
    assert maps == pytest.approx(net[0](tl.Tensor(x)).data.mean(1), abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=seeds, size=st.integers(3, 12), value=st.floats(-1e6, 1e6))
def test_a_map_that_is_the_same_everywhere_shows_nothing_of_the_picture(dtype, seed, size, value):
    """Enlarged, or from a sum in another order, it is not the same in the last digits; stretched, these would be noise."""
    rng, seen = tl.Generator(seed), []
    look = lambda x: (seen.append(x.data), x.sum((2, 3)))[1]
    last_digits = 1 + 4 * np.finfo(dtype).eps * rng.uniform((3, 3), tl.float64)
    planes = np.stack([np.full((3, 3), value), value * last_digits, np.arange(9.0).reshape(3, 3) + 5]).astype(dtype)
    x = rng.normal((1, 1, size, size), tl.float64).astype(dtype)
    channel_weights(look, x, 0, planes[None], 16)
    same, nearly, slope = seen[0][:, 0]
    assert not same.any()
    assert not nearly.any()
    assert slope[0, 0] == 0
    assert slope[-1, -1] == pytest.approx(x[0, 0, -1, -1], rel=1e-5)


def test_maps_are_stretched_from_0_to_1_each_by_itself():
    maps = np.array([[[-2.0, 0], [6, 2]], [[5, 5], [5, 5]], [[0, 0], [0, 1e-300]], [[3, 2], [1, 3]]])
    expected = [[[0, 0.25], [1, 0.5]], [[0, 0], [0, 0]], [[0, 0], [0, 1]], [[1, 0.5], [0, 1]]]
    assert unit(maps).tolist() == expected
    assert unit(maps.astype(np.float32)).dtype == np.float32


def test_a_function_that_knows_each_picture_sees_them_in_order():
    rng = tl.Generator(3)
    layers = [tl.nn.Conv2d(2, 3, 3), tl.nn.ReLU(), tl.nn.Conv2d(3, 2, 1)]
    net, x, mask = tl.nn.Sequential(*layers).to(tl.float64), pictures(rng, 3), rng.uniform((3, 4, 4), tl.float64)
    maps = score_cam(net, x, lambda z: (z[:, 1] * mask).sum((1, 2)), relu=False)
    for k in range(3):
        single = score_cam(net, x[k : k + 1], lambda z, k=k: (z[:, 1] * mask[k]).sum((1, 2)), relu=False)
        assert np.allclose(maps[k : k + 1], single, rtol=1e-10, atol=1e-12)


def test_after_a_relu_nothing_is_negative():
    rng = tl.Generator(4)
    net, x = Folded(rng), pictures(rng)
    maps = score_cam(net, x, 1, relu=False)
    assert maps.any()
    assert np.array_equal(maps, score_cam(net, x, 1))
    assert score_cam(net, x, 1, layer="conv", relu=False).min() < 0


@pytest.mark.parametrize("batch_size", [0, -3, 2.5])
def test_a_batch_size_below_1_is_refused(batch_size):
    net, x = Folded(tl.Generator(0)), np.zeros((3, 2, 6, 6))
    check_message(
        lambda: score_cam(net, x, 1, batch_size=batch_size), ValueError, f"batch_size must be|got {batch_size}"
    )
