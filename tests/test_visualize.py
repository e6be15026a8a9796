"""Feature visualisation: each piece against its closed form, and what rendering promises."""

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
from tinylucid.visualize import (
    Objective,
    activations,
    channel,
    jitter,
    l2,
    logit,
    measure,
    neuron,
    pad,
    pixel,
    render,
    rotate,
    scale,
    wobble,
)
from tinylucid.visualize.judge import scores
from tinylucid.visualize.measure import sight, values
from tinylucid.visualize.transforms import through

seeds = st.integers(0, 10**6)
sizes = st.integers(1, 7)
SHAPE = (1, 2, 8, 8)


def small_net(seed=0, dtype=tl.float64):
    """Convolution, batch norm, pooling and a dense layer, by seed."""
    rng = tl.Generator(seed)
    net = tl.nn.Sequential(
        tl.nn.Conv2d(2, 4, 3, padding=1), tl.nn.BatchNorm2d(4), tl.nn.ReLU(), tl.nn.MaxPool2d(2),
        tl.nn.Flatten(), tl.nn.Dropout(0.5), tl.nn.Linear(4 * 4 * 4, 3),
    ).to(dtype)  # fmt: skip
    for p in (*net.parameters(), net[1].running_mean):
        tl.nn.init.normal_(p, std=0.5, rng=rng)
    return net


def linear_net(weight):
    """Pictures (N, C, H, W) → Σ weight · picture, one logit for each row of weight (K, C, H, W)."""
    net = tl.nn.Sequential(tl.nn.Flatten(), tl.nn.Linear(weight[0].size, len(weight), bias=False)).to(weight.dtype)
    net[1].weight.data[...] = weight.reshape(len(weight), -1)
    return net


# --- transforms ------------------------------------------------------------------------------------------------------

TRANSFORMS = {
    "pad": pad(2), "jitter": jitter(3), "rotate": rotate(30), "scale": scale(0.6, 1.5),
    "wobble": lambda x, rng: through(wobble(5), x, rng),
}  # fmt: skip


@pytest.mark.parametrize("name", TRANSFORMS)
@given(h=st.integers(4, 7), w=st.integers(4, 7), seed=seeds)
def test_transform_and_gradient_are_adjoint(name, h, w, seed):
    rng = tl.Generator(seed)
    x = tl.Tensor(rng.normal((2, 2, h, w), tl.float64), requires_grad=True)
    tx = TRANSFORMS[name](x, tl.Generator(seed))
    y = rng.normal(tx.shape, tl.float64)
    (back,) = tl.grad(tx, x, y)
    assert (tx.data * y).sum() == pytest.approx((x.data * back.data).sum(), rel=1e-10, abs=1e-10)
    again = TRANSFORMS[name](x * 2.0, tl.Generator(seed))
    assert np.allclose(again.data, 2 * tx.data)  # the same draw, and linear


def test_pad_mirrors_and_jitter_takes_every_window():
    x = tl.Tensor(np.arange(30.0).reshape(1, 1, 5, 6))
    assert np.array_equal(pad(2)(x, tl.Generator()).data, np.pad(x.data, ((0, 0), (0, 0), (2, 2), (2, 2)), "reflect"))
    rng, windows = tl.Generator(3), set()
    for _ in range(100):
        y = jitter(2)(x, rng).data
        assert y.shape == (1, 1, 3, 4)
        r, c = divmod(int(y[0, 0, 0, 0]), 6)
        assert np.array_equal(y, x.data[:, :, r : r + 3, c : c + 4])
        windows.add((r, c))
    assert windows == {(r, c) for r in range(3) for c in range(3)}


def test_rotate_turns_about_the_middle_and_scale_enlarges(monkeypatch):
    """On a slope in x and y, and with the draw fixed, the result has a closed form away from the edges."""
    y, x = np.meshgrid(np.arange(9) - 4.0, np.arange(13) - 6.0, indexing="ij")
    slope = tl.Tensor((2 * x + 3 * y)[None, None])
    inner = (slice(None), slice(None), slice(3, 6), slice(4, 9))
    asked = []
    highest = lambda low, high, rng: asked.append((low, high)) or high
    monkeypatch.setattr("tinylucid.visualize.transforms.between", highest)
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    turned = rotate(30)(slope, None).data
    assert turned[inner] == pytest.approx((2 * (c * x - s * y) + 3 * (s * x + c * y))[None, None][inner])
    assert scale(0.5, 1.25)(slope, None).data[inner] == pytest.approx(slope.data[inner] / 1.25)
    assert asked == [(-30, 30), (0.5, 1.25)]


def test_what_surrounds_a_picture_is_its_mirror():
    x = np.random.default_rng(0).normal(size=(1, 2, 8, 8))
    mirrored = np.pad(x, ((0, 0), (0, 0), (4, 4), (4, 4)), "symmetric")
    halved = mirrored.reshape(1, 2, 8, 2, 8, 2).mean((3, 5))  # each pixel between four
    assert scale(0.5, 0.5)(tl.Tensor(x), tl.Generator()).data == pytest.approx(halved)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_all_pictures_of_a_batch_are_moved_alike_in_their_own_dtype(name):
    x = tl.Generator(0).normal((1, 2, 6, 7))
    alone, both = (TRANSFORMS[name](tl.Tensor(np.tile(x, (n, 1, 1, 1))), tl.Generator(1)).data for n in (1, 2))
    assert alone.dtype == both.dtype == np.float32
    assert np.array_equal(both, np.concatenate([alone, alone]))


@pytest.mark.parametrize(("size", "step"), [(2, 0), (3, 1), (23, 1), (25, 2), (32, 2), (56, 4)])
def test_wobble_shifts_by_a_sixteenth_and_scales_and_turns_by_a_tenth_and_ten_degrees(size, step):
    x = tl.Tensor(tl.Generator(size).normal((1, 1, size, size), tl.float64))
    by_hand = [pad(np.int64(step)), jitter(np.int64(step)), scale(0.9, 1.1), rotate(10), jitter(step)]
    assert np.array_equal(through(wobble(size), x, tl.Generator(3)).data, through(by_hand, x, tl.Generator(3)).data)


def test_draws_stay_in_their_range_and_use_it():
    from tinylucid.visualize.transforms import between

    rng = tl.Generator(5)
    drawn = [between(-5, 5, rng) for _ in range(200)]
    assert -5 <= min(drawn) < -4.5
    assert 4.5 < max(drawn) < 5


@pytest.mark.parametrize("size", [2, 3, 8, 28, 32, 64])
def test_wobble_keeps_the_size(size):
    x = tl.Tensor(np.ones((1, 1, size, size)))
    assert np.allclose(through(wobble(size), x, tl.Generator()).data, x.data)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pad(-1), "pad|at least 0|-1"),
        (lambda: jitter(1.5), "jitter|whole number|1.5"),
        (lambda: rotate(200), "rotate|180|200"),
        (lambda: scale(0, 1), "scale|0 < low"),
        (lambda: jitter(8)(tl.zeros(1, 1, 8, 8), tl.Generator()), "jitter(8)|too small"),
        (lambda: jitter(8)(tl.zeros(1, 1, 8, 9), tl.Generator()), "jitter(8)|(1, 1, 8, 9)|too small"),
    ],
)
def test_wrong_transforms_are_refused(call, words):
    check_message(call, ValueError, words)


# --- objectives ------------------------------------------------------------------------------------------------------


def test_objectives_are_what_the_layers_give():
    net, x = small_net(), np.random.default_rng(0).normal(size=(3, 2, 8, 8))
    net.eval()
    z = net(tl.Tensor(x)).data
    hidden = net[2](net[1](net[0](tl.Tensor(x)))).data
    assert np.array_equal(measure(net, logit(2), x), z[:, 2])
    assert measure(net, channel("2", 1), x) == pytest.approx(hidden[:, 1].mean((1, 2)))
    assert np.array_equal(measure(net, neuron("0", 1, 5, 7), x), net[0](tl.Tensor(x)).data[:, 1, 5, 7])
    assert np.array_equal(measure(net, channel("6", 1), x), z[:, 1])  # a layer without a plane
    several = measure(net, [logit(0), logit(2), channel("2", 3)], x)
    assert several == pytest.approx([z[0, 0], z[1, 2], hidden[2, 3].mean()])


def test_a_layer_written_into_afterwards_and_a_layer_run_twice():
    class Net(tl.nn.Module):
        def __init__(self):
            super().__init__()
            self.relu = tl.nn.ReLU()

        def forward(self, x):
            first = self.relu(x)
            first += 100.0
            second = self.relu(first - 99.0)
            second += 1.0
            return second.mean((2, 3))

    x = np.array([[[[-1.0]], [[2.0]]]])
    assert measure(Net(), channel("relu", 1), x) == pytest.approx([3])  # the last run, before the edit
    assert measure(Net(), channel("relu", 0), x) == pytest.approx([1])
    assert measure(Net(), logit(1), x) == pytest.approx([4])


def test_a_layer_of_sequences_and_an_answer_for_each_place():
    x = np.random.default_rng(1).normal(size=(2, 3, 4, 5))
    sequences, places = tl.nn.Sequential(tl.nn.Flatten(2)), tl.nn.Sequential(tl.nn.ReLU())
    assert measure(sequences, channel("0", 2), x) == pytest.approx(x[:, 2].mean((1, 2)))
    assert measure(sequences, logit(2), x) == pytest.approx(x[:, 2].mean((1, 2)))
    assert measure(places, logit(1), x) == pytest.approx(x[:, 1].clip(0).mean((1, 2)))
    check_message(lambda: measure(places, logit(3), x), ValueError, "class 3|0 … 2|3 logits")


def test_measuring_is_in_eval_mode_records_nothing_and_penalises_the_picture_as_it_is_drawn():
    net, x, recorded = small_net(), np.random.default_rng(2).normal(size=(3, 2, 8, 8)), []
    net[1].register_forward_hook(lambda module, args, out: recorded.append((module.training, out.requires_grad)))
    found = measure(net, logit(1) + l2(0.3), x, normalize=lambda x: 2 * x + 1)
    activations(net, x, "2")
    scores(net, [logit(1)], tl.data.ArrayDataset(x, np.zeros(3, int)))
    assert recorded == [(False, False)] * 3
    assert all(module.training for module in net.modules())
    net.eval()
    assert found == pytest.approx(net(tl.Tensor(2 * x + 1)).data[:, 1] + ((x - 0.3) ** 2).mean((1, 2, 3)))


def test_pictures_are_shared_evenly_by_any_sequence_of_objectives():
    net, x = small_net().eval(), np.random.default_rng(3).normal(size=(4, 2, 8, 8))
    goals = logit(np.int64(1)), neuron("0", np.int64(1), np.int64(5), np.int64(7))
    expected = [*net(tl.Tensor(x[:2])).data[:, 1], *net[0](tl.Tensor(x[2:])).data[:, 1, 5, 7]]
    assert measure(net, goals, x) == pytest.approx(expected)
    assert measure(net, list(goals), x) == pytest.approx(expected)
    words = "3 pictures|shared evenly|2 objectives"
    check_message(lambda: measure(net, goals, x[:3]), ValueError, words)
    check_message(lambda: render(net, goals, pixel((3, 2, 8, 8), dtype=tl.float64)), ValueError, words)
    tall = Objective("tall", lambda seen: seen.logits[:, :1])
    check_message(lambda: measure(net, tall, x), ValueError, "tall gives shape (4, 1)|4 pictures, (4,)")


def slopes(objective, net, x):
    x = tl.Tensor(x, requires_grad=True)
    (g,) = tl.grad(values(sight(net.eval(), [objective]), [objective], x, x).sum(), x)
    return g.data


@given(a=st.floats(-3, 3), b=st.floats(-3, 3), seed=seeds)
def test_gradients_of_composed_objectives_compose_and_operands_stay(a, b, seed):
    net, x = small_net(seed), tl.Generator(seed).normal((2, 2, 8, 8), tl.float64)
    one, two = logit(1), channel("2", 3)
    before = (one.name, one.value, one.layers, two.name, two.value, two.layers)
    gone, gtwo = slopes(one, net, x), slopes(two, net, x)
    mixed = a * one + two * b
    assert np.allclose(slopes(mixed, net, x), a * gone + b * gtwo, atol=1e-12)
    assert np.allclose(slopes(one - two, net, x), gone - gtwo, atol=1e-12)
    assert np.allclose(slopes(7 - two, net, x), -gtwo, atol=1e-12)
    v, w = measure(net, one, x), measure(net, two, x)
    assert np.allclose(measure(net, sum([one, two, 2]), x), v + w + 2)
    assert np.allclose(measure(net, one * two, x), v * w)
    assert np.allclose(measure(net, -one, x), -v)
    assert np.allclose(measure(net, 7 - two, x), 7 - w)
    assert before == (one.name, one.value, one.layers, two.name, two.value, two.layers)
    assert np.allclose(slopes(one, net, x), gone)
    with pytest.raises(AttributeError):
        one.name = "other"


def test_objectives_say_what_they_are_and_do_not_change_the_dtype():
    mixed = 2 * logit(3) - channel("conv", 1) * np.float64(0.5)
    assert str(mixed) == "((2 * logit(3)) - (channel('conv', 1) * 0.5))"
    assert mixed.layers == {"conv"}
    assert str(sum([logit(1), np.float32(2)])) == "((0 + logit(1)) + 2)"
    assert str(np.float32(2) - logit(1)) == "(2 - logit(1))"
    net = small_net(dtype=tl.float32)
    assert measure(net, np.float64(2) * logit(1), np.zeros((1, 2, 8, 8), np.float32)).dtype == np.float32
    for bad in ("text", None, tl.ones(3)):
        with pytest.raises(TypeError):
            operator.add(logit(1), bad)


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        (logit(3), "class 3|0 … 2|3 logits"),
        (logit(-1), "class -1|0 … 2"),
        (channel("conv", 0), "no layer 'conv'|it has: 0, 1, 2"),
        (channel("2", 4), "channel 4|0 … 3|layer '2' gives 4 channels"),
        (neuron("2", 4, 0, 0), "channel 4|0 … 3"),
        (neuron("2", 0, 8, 0), "row 8|0 … 7|4 channels of 8 × 8"),
        (neuron("2", 0, 0, 8), "column 8|0 … 7"),
        (neuron("2", 0, 1.5, 0), "row 1.5|0 … 7"),
        (neuron("6", 0, 0, 0), "layer '6'|no planes|channel('6', 0)"),
    ],
)
def test_a_wrong_name_or_number_lists_what_there_is(objective, words):
    check_message(lambda: render(small_net(), objective, pixel(SHAPE, dtype=tl.float64), steps=1), ValueError, words)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: logit("brick"), "a class is given by its number|classes.index('brick')"),
        (lambda: logit(1.0), "its number, got 1.0"),
        (lambda: channel("2", "red"), "a channel is given by its number, got 'red'"),
        (lambda: neuron("2", None, 0, 0), "a channel is given by its number, got None"),
        (lambda: channel(small_net()[2], 0), "its dotted name|got a ReLU"),
        (lambda: neuron(2, 0, 0, 0), "its dotted name|got a int"),
    ],
)
def test_what_is_no_number_or_name_is_refused_at_once(call, words):
    assert len(check_message(call, TypeError, words).splitlines()) == 1
