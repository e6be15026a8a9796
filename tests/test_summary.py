"""The summary of a net: names, shapes and counts against what the papers say, and a net left as it was."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinylucid as tl
from tinylucid import models, nn
from tinylucid.summary import human


def only(net, shape):
    """The one row of a single layer."""
    (row,) = tl.summary(net, shape).rows
    return row


def test_rows_of_a_small_net():
    net = nn.Sequential({"conv": nn.Conv2d(1, 2, 3), "relu": nn.ReLU(), "flat": nn.Flatten(), "fc": nn.Linear(8, 3)})
    found = tl.summary(net, (5, 1, 4, 4))
    assert found.rows == (
        ("conv", "Conv2d", (5, 2, 2, 2), 20, 2 * 5 * 8 * 9, 4 * (40 + 20)),
        ("relu", "ReLU", (5, 2, 2, 2), 0, 40, 4 * 40),
        ("flat", "Flatten", (5, 8), 0, 0, 4 * 40),
        ("fc", "Linear", (5, 3), 27, 2 * 5 * 3 * 8, 4 * (15 + 27)),
    )
    assert (found.parameters, found.flops, found.memory) == (47, 720 + 40 + 240, 240 + 160 + 160 + 168)
    assert found.input_shape == (5, 1, 4, 4)


def test_resnet18_costs_what_the_literature_says():
    found = tl.summary(models.resnet18(1000, 3), (3, 224, 224))
    weighted = sum(row.flops for row in found.rows if row.kind in ("Conv2d", "Linear"))
    assert weighted == 2 * 1_814_073_344
    assert found.parameters == 11_689_512
    assert {row.name: row.output_shape for row in found.rows}["maxpool"] == (1, 64, 56, 56)


@pytest.mark.parametrize("name", sorted(models.NAMES))
def test_every_net_of_ours_is_known_whole(name):
    model = models.build(name, classes=4)
    found = tl.summary(model, (model.architecture["arguments"]["channels"], 32, 32))
    assert all(row.flops is not None for row in found.rows)
    assert found.parameters == sum(p.size for p in model.parameters())
    assert [row.name for row in found.rows if row.parameters] == [
        n for n, m in model.named_modules() if m._parameters and not m._modules
    ]
    assert found.rows[-1].output_shape == ((1, 4, 32, 32) if name in models.SEGMENTERS else (1, 4))


@given(
    n=st.integers(1, 3), c=st.integers(1, 3), o=st.integers(1, 3), groups=st.integers(1, 2), k=st.integers(1, 3), side=st.integers(3, 6)
)  # fmt: skip
def test_multiply_adds_of_convolutions_by_counting(n, c, o, groups, k, side):
    """Each is one product of a weight and a pixel: of ones, the outputs sum to their number; the transpose's likewise."""
    c, o = c * groups, o * groups
    x = tl.ones(n, c, side, side)
    for layer in (nn.Conv2d(c, o, (k, 2), 2, groups=groups), nn.ConvTranspose2d(c, o, (k, 2), 3, groups=groups)):
        layer.weight.data[:], layer.bias.data[:] = 1, 0
        assert only(layer, x.shape).flops == 2 * layer(x).sum().item()
    assert only(nn.Linear(c, o), (n, c)).flops == 2 * n * c * o


@pytest.mark.parametrize(
    ("layer", "flops"),
    [
        (nn.BatchNorm2d(3), 2 * 108),
        (nn.MaxPool2d(2), 27 * 4),
        (nn.AvgPool2d((3, 2)), 18 * 6),
        (nn.AdaptiveAvgPool2d(1), 108),
        (nn.AdaptiveMaxPool2d(2), 108),
        *((kind(), 108) for kind in (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.LogSigmoid)),
        *((layer, 0) for layer in (nn.Dropout(), nn.Identity(), nn.Flatten(), nn.Unflatten(1, (1, 3)), nn.ZeroPad2d(1))),
        *((layer, 0) for layer in (nn.ReflectionPad2d(1), nn.ReplicationPad2d(1))),
        *((layer, None) for layer in (nn.Softmax(1), nn.GroupNorm(1, 3), nn.InstanceNorm2d(3), nn.Upsample(scale_factor=2))),
    ],
    ids=lambda v: type(v).__name__,
)  # fmt: skip
def test_rules_by_layer(layer, flops):
    assert only(layer, (3, 6, 6)).flops == flops


class Shared(nn.Module):
    """One layer called twice, one weight in two layers, a parameter of its own, a layer used by its weight alone."""

    def __init__(self):
        super().__init__()
        self.twice, self.other, self.unused = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2, bias=False)
        self.other.weight = self.twice.weight
        self.scale = nn.Parameter(np.ones(1, np.float32))

    def forward(self, x):
        return nn.functional.linear(self.other(self.twice(self.twice(x))), self.unused.weight) * self.scale


def test_shared_and_uncalled_parameters_are_counted_once():
    net = Shared()
    found = tl.summary(net, (4,))
    assert [(row.name, row.parameters, row.output_shape, row.flops) for row in found.rows] == [
        ("twice", 20, (1, 4), 32),
        ("twice", 0, (1, 4), 32),
        ("other", 4, (1, 4), 32),
        ("", 1, (1, 2), None),
        ("unused", 8, None, None),
    ]
    assert found.parameters == sum(p.size for p in net.parameters()) == 33
    assert found.flops == 96
    assert found.memory == 4 * (33 + 3 * 4 + 2)
    text = str(found)
    assert "not called" in text
    assert "(itself)" in text


def test_a_layer_with_several_outputs():
    row = only(nn.LSTM(3, 5), (7, 3))
    numbers = 4 * 5 * (3 + 5 + 2)
    assert row == (
        "",
        "LSTM",
        (7, 5),
        numbers,
        None,
        4 * (numbers + 7 * 5 + 2 * 5),
    )  # the outputs, and the last h and c


class Noisy(nn.Module):
    """Counts its calls in a buffer and draws random numbers, whatever the mode."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", tl.tensor(np.zeros(1)))

    def forward(self, x):
        self.calls += 1
        return x + tl.rand(*x.shape)


def test_the_net_is_left_as_it_was():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5), Noisy())
    net[1].eval()
    seen, state = [], {name: t.data.copy() for name, t in net.state_dict().items()}
    net[0].register_forward_hook(lambda *_: seen.append(1))
    modes, counter = [m.training for m in net.modules()], tl.random.default_generator.get_state()
    tl.summary(net, (1, 5, 5))
    with pytest.raises(ValueError, match="refused"):
        tl.summary(net, (2, 5, 5))
    assert [m.training for m in net.modules()] == modes
    assert all(np.array_equal(t.data, state[name]) for name, t in net.state_dict().items())
    assert tl.random.default_generator.get_state() == counter
    assert sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules()) == 1
    assert seen == [1]
    assert all(p.grad is None for p in net.parameters())


def test_the_net_runs_in_eval_mode_in_its_own_dtype():
    met = []
    net = nn.Sequential(nn.BatchNorm1d(2)).to(tl.float64)
    net[0].register_forward_pre_hook(
        lambda module, args: met.append((module.training, args[0].dtype, args[0].requires_grad))
    )
    found = tl.summary(net, (2,))
    assert met == [(False, np.float64, False)]
    assert found.dtype == np.float64
    assert found.rows[0].memory == 8 * (2 + 4)
    assert str(found).startswith("Sequential for input (1, 2), float64\n")


def test_one_sample_or_a_batch():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten())
    assert tl.summary(net, (1, 5, 5)).rows == tl.summary(net, (1, 1, 5, 5)).rows == tl.summary(net, [1, 1, 5, 5]).rows
    assert tl.summary(net, (7, 1, 5, 5)).rows[1].output_shape == (7, 18)
    assert (
        tl.summary(nn.Linear(3, 2), 3).rows
        == tl.summary(nn.Linear(3, 2), (3,)).rows
        == tl.summary(nn.Linear(3, 2), (1, 3)).rows
    )


@pytest.mark.parametrize("shape", [(), (1, 2, 3, 4, 5), (1, 0, 5), (1, -2, 5, 5), (1.5,), "abc"])
def test_what_is_no_shape(shape):
    with pytest.raises(
        ValueError, match=r"input_shape must be \(N, C, H, W\), \(C, H, W\), \(N, F\) or \(F,\), sizes from 1; got"
    ):
        tl.summary(nn.Identity(), shape)


def test_a_shape_that_does_not_fit_names_the_layer():
    net = nn.Sequential({"features": nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()), "head": nn.Linear(18, 3)})
    with pytest.raises(
        ValueError, match=r"input \(1, 3, 5, 5\) is refused by layer 'features\.0' \(Conv2d\): conv2d .*3 channels"
    ):
        tl.summary(net, (3, 5, 5))
    with pytest.raises(
        ValueError, match=r"input \(2, 1, 6, 6\) is refused by layer 'head' \(Linear\): .*\(2, 32\) does not fit"
    ):
        tl.summary(net, (2, 1, 6, 6))
    with pytest.raises(ValueError, match=r"refused by the net itself: .*3"):
        tl.summary(nn.Linear(3, 2), (4,))


def test_the_table_is_aligned():
    net = nn.Sequential(nn.Conv2d(3, 40, 3), nn.Softmax(1), nn.Flatten(), nn.Linear(40 * 900, 100))
    title, blank, head, rule, *rows, second, total, note = str(tl.summary(net, (3, 32, 32))).split("\n")
    assert (title, blank, note) == ("Sequential for input (1, 3, 32, 32), float32", "", "– : no rule, counted as 0")
    assert rule == second == "─" * len(rule)
    assert max(map(len, [head, *rows, total])) == len(rule)
    assert rows[0].split() == ["0", "Conv2d", "(1,", "40,", "30,", "30)", "1,120", "1.94", "M", "148", "kB"]
    assert rows[1].split()[-3:] == ["–", "144", "kB"]
    for column in ("parameters", "FLOPs", "memory"):
        end = head.index(column) + len(column)
        assert all(row[end : end + 1] in ("", " ") and row[end - 1] != " " for row in (rows[0], rows[3], total)), column
    assert total.split() == ["total", "3,601,220", "9.14", "M", "14.8", "MB"]
    assert repr(tl.summary(net, (3, 32, 32))) == str(tl.summary(net, (3, 32, 32)))


@pytest.mark.parametrize(
    ("n", "text"),
    [(0, "0 "), (999, "999 "),
     (1000, "1.00 k"), (9994, "9.99 k"), (9995, "10.0 k"), (99_949, "99.9 k"), (99_950, "100 k"), (999_499, "999 k"),
     (999_500, "1.00 M"), (1_814_073_344, "1.81 G"), (3 * 10**15, "3000 T")],
)  # fmt: skip
def test_human_numbers(n, text):
    assert human(n) == text


@given(st.integers(0, 10**14))
def test_human_numbers_are_within_half_a_percent(n):
    number, prefix = human(n).split(" ")
    assert math.isclose(float(number) * 10 ** (3 * " kMGT".index(prefix or " ")), n, rel_tol=0.005)
    assert len(number.replace(".", "")) <= 3
