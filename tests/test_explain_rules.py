"""What the methods with backward rules of their own share: batches, dtypes, targets, and a model left as it was."""

from functools import partial

import numpy as np
import pytest
from explained import CLASSES, Folded, linear_net, pictures, state_of
from hypothesis import given
from hypothesis import strategies as st

import tinylucid as tl
from tinylucid.explain import deconvnet, deeplift, gradient, guided_backprop, lrp

seeds = st.integers(0, 10**6)
lrps = [partial(lrp, rule=rule) for rule in ("epsilon", "gamma", "alpha_beta", "z_plus")]
methods = pytest.mark.parametrize(
    "method",
    [guided_backprop, deconvnet, *lrps, deeplift],
    ids=lambda m: m.keywords["rule"] if isinstance(m, partial) else m.__name__,
)


@methods
@given(seed=seeds)
def test_a_row_of_a_batch_is_the_single_run(method, seed):
    rng = tl.Generator(seed)
    net, x, target = Folded(rng), pictures(rng, 3), rng.integers(0, CLASSES, (3,))
    maps = method(net, x, target)
    assert maps.shape == x.shape
    for k in range(3):
        assert maps[k : k + 1] == pytest.approx(method(net, x[k : k + 1], target[k]), rel=1e-8, abs=1e-10)
    assert np.array_equal(method(net, x, 2), method(net, tl.Tensor(x), tl.tensor([2, 2, 2])))


@methods
def test_a_function_that_knows_each_picture_sees_them_in_order(method):
    rng = tl.Generator(1)
    net = tl.nn.Sequential(tl.nn.Conv2d(2, 3, 3), tl.nn.ReLU(), tl.nn.Conv2d(3, 3, 3)).to(tl.float64)
    x, mask = pictures(rng, 3), rng.uniform((3, 2, 2), tl.float64)
    maps = method(net, x, lambda z: (z[:, 1] * mask).sum((1, 2)))
    for k in range(3):
        alone = method(net, x[k : k + 1], lambda z, k=k: (z[:, 1] * mask[k]).sum((1, 2)))
        assert maps[k : k + 1] == pytest.approx(alone, rel=1e-9, abs=1e-11)


@methods
def test_float32_stays_float32_and_is_close_to_float64(method):
    rng = tl.Generator(2)
    net, x = Folded(rng), pictures(rng).astype(np.float32)
    exact = method(net, x.astype(np.float64), 1)
    maps = method(net.to(tl.float32), x, 1)
    assert exact.dtype == np.float64
    assert maps.dtype == np.float32
    assert np.abs(maps - exact).max() < 1e-3 * np.abs(exact).max()


@methods
def test_nothing_about_the_model_or_chance_changes(method):
    rng = tl.Generator(3)
    net, x = Folded(rng), pictures(rng)
    net.norm.eval()
    net(tl.Tensor(x)).sum().backward()
    before, kept, slopes = state_of(net), x.copy(), gradient(net, x, 1)
    maps = method(net, x, 1)
    with pytest.raises(ValueError, match="outside"):
        method(net, x, 9)
    with pytest.raises(RuntimeError, match="no gradient in x"):
        method(net, x, lambda z: z.detach()[:, 0])
    with tl.no_grad():
        assert np.array_equal(maps, method(net.requires_grad_(False), x, 1))
    assert state_of(net) == before
    assert np.array_equal(x, kept)
    assert np.array_equal(gradient(net, x, 1), slopes)  # the engine's own rules hold again


@methods
def test_no_picture_is_no_map(method):
    none, net = np.zeros((0, 2, 6, 6)), Folded(tl.Generator(0))
    assert method(net, none, 1).shape == (0, 2, 6, 6)
    assert method(net, none, lambda z: z[:, 0] - z[:, 1]).shape == (0, 2, 6, 6)


@methods
def test_constant_pictures_have_finite_maps(method):
    net = Folded(tl.Generator(4))
    for value in (0.0, 1.0):
        assert np.isfinite(method(net, np.full((1, 2, 6, 6), value), 1)).all()


@methods
def test_bad_pictures_and_targets_are_refused(method):
    net, x = Folded(tl.Generator(0)), np.zeros((3, 2, 6, 6))
    for call, error, words in [
        (lambda: method(net, x, 4), ValueError, "target 4 is outside 0 … 3"),
        (lambda: method(net, x, [0, 1]), ValueError, "one for each of the 3 pictures"),
        (lambda: method(net, x.astype(int), 0), TypeError, "only float32 and float64"),
        (lambda: method(net, x * np.nan, 0), ValueError, "picture 0 of the |holds NaN"),
        (lambda: method(net, x[:, :1], 0), ValueError, "channels"),
    ]:
        with pytest.raises(error, match=words):
            call()


def test_on_a_linear_net_relevance_and_contributions_are_weights_times_pixels():
    rng = tl.Generator(5)
    net, x, b = linear_net(rng), pictures(rng), pictures(rng)
    w = net[1].weight.data[2].reshape(2, 6, 6)
    assert deeplift(net, x, 2, baseline=b) == pytest.approx((x - b) * w, abs=1e-14)
    z = (x * w).sum((1, 2, 3)) + net[1].bias.data[2]
    assert lrp(net, x, 2) == pytest.approx(x * w * (z / (z + 1e-6 * np.sign(z)))[:, None, None, None], abs=1e-14)
