"""Every layer: the gradients of inputs and parameters in both orders, in training and evaluation, both dtypes."""

import numpy as np
import pytest
from cases import sides, values, windows
from hypothesis import given
from hypothesis import strategies as st

import tinylucid as tl

nn = tl.nn
LAYERS = {}


def layer(function):
    """Register a function of hypothesis' draw that returns (module, input)."""
    LAYERS[function.__name__] = function
    return function


def pictures(draw, channels, low=2):
    return values(draw, (draw(st.integers(2, 3)), channels, *sides(draw, 2, low, 4)), "distinct") + 0.03


@layer
def linear(draw):
    i, o = sides(draw, 2)
    return nn.Linear(i, o, bias=draw(st.booleans())), values(draw, (*sides(draw, draw(st.integers(1, 2))), i))


@layer
def conv2d(draw):
    groups, per_in, per_out = sides(draw, 3, 1, 2)
    x = pictures(draw, groups * per_in)
    kernel, stride, padding, dilation = windows(draw, *x.shape[2:])
    bias = draw(st.booleans())
    return nn.Conv2d(groups * per_in, groups * per_out, kernel, stride, padding, dilation, groups, bias), x


@layer
def conv2d_same(draw):
    mode = draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"]))
    return nn.Conv2d(1, 2, sides(draw, 2, 1, 3), padding="same", padding_mode=mode), pictures(draw, 1)


@layer
def conv2d_padded_by_what_is_there(draw):
    mode, padding = draw(st.sampled_from(["reflect", "replicate", "circular"])), sides(draw, 2, 0, 1)
    return nn.Conv2d(1, 2, (2, 3), 1, (*padding[:1], 1), padding_mode=mode), pictures(draw, 1)


@layer
def conv_transpose2d(draw):
    stride = draw(st.integers(1, 2))
    conv = nn.ConvTranspose2d(2, 4, (2, 3), stride, 1, stride - 1, 2, draw(st.booleans()), 2)
    return conv, pictures(draw, 2)


@layer
def batch_norm1d(draw):
    c = draw(st.integers(1, 2))
    x = values(draw, (4, c, 3) if draw(st.booleans()) else (4, c), "distinct")
    return nn.BatchNorm1d(c), x + values(draw, x.shape)


@layer
def layer_norm(draw):
    lead, size = sides(draw, draw(st.integers(0, 2)), 1, 3), draw(st.integers(3, 4))
    norm = nn.LayerNorm((2, size), elementwise_affine=draw(st.booleans()), bias=draw(st.booleans()))
    return norm, values(draw, (*lead, 2, size), "distinct")


@layer
def group_norm(draw):
    groups = draw(st.integers(1, 2))
    return nn.GroupNorm(groups, 2 * groups, affine=draw(st.booleans())), pictures(draw, 2 * groups)


@layer
def instance_norm2d(draw):
    norm = nn.InstanceNorm2d(2, affine=draw(st.booleans()), track_running_stats=draw(st.booleans()))
    if norm.track_running_stats:
        norm.running_mean.data[...], norm.running_var.data[...] = 0.3, 2.0
    return norm, pictures(draw, 2)


@layer
def batch_norm2d(draw):
    c = draw(st.integers(1, 2))
    norm = nn.BatchNorm2d(c, affine=draw(st.booleans()), track_running_stats=draw(st.booleans()))
    if norm.track_running_stats:
        norm.running_mean.data[...], norm.running_var.data[...] = 0.3, 2.0
    x = pictures(draw, c)
    return norm, x + values(draw, x.shape)


@layer
def max_pool2d(draw):
    stride, padding, ceil_mode = draw(st.sampled_from([None, 1])), draw(st.integers(0, 1)), draw(st.booleans())
    return nn.MaxPool2d(2, stride, padding, ceil_mode=ceil_mode), pictures(draw, 2)


@layer
def max_unpool2d(draw):
    return PoolAndBack(nn.MaxPool2d(2, 1, return_indices=True), nn.MaxUnpool2d(2, 1)), pictures(draw, 2)


@layer
def avg_pool2d(draw):
    how = draw(st.booleans()), draw(st.booleans()), draw(st.sampled_from([None, 3]))
    return nn.AvgPool2d(2, draw(st.sampled_from([None, 1])), 1, *how), pictures(draw, 2)


@layer
def adaptive_pools(draw):
    pool = draw(st.sampled_from([nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d]))
    return pool(draw(st.sampled_from([1, (2, 3), (None, 1)]))), pictures(draw, 1)


@layer
def upsample(draw):
    size = draw(st.sampled_from([(None, 2), (None, (1.5, 2.5)), (5, None)]))
    how = draw(st.sampled_from([("nearest",), ("bilinear", False), ("bilinear", True)]))
    return nn.Upsample(*size, *how), pictures(draw, 2)


@layer
def frames(draw):
    kind = draw(st.sampled_from([nn.ZeroPad2d, nn.ReflectionPad2d, nn.ReplicationPad2d]))
    return kind(draw(st.sampled_from([1, (0, 1, 1, 0)]))), pictures(draw, 1)


@layer
def dropout(draw):
    return nn.Dropout(draw(st.sampled_from([0.0, 0.4, 1.0]))), pictures(draw, 1)


@layer
def flatten(draw):
    return nn.Flatten(draw(st.integers(0, 2))), pictures(draw, 2)


@layer
def unflatten(draw):
    return nn.Unflatten(1, (2, draw(st.sampled_from([-1, 2])))), pictures(draw, 4)


@layer
def activations(draw):
    kinds = [
        nn.ReLU,
        nn.LeakyReLU,
        nn.GELU,
        nn.Sigmoid,
        nn.Tanh,
        nn.Identity,
        nn.Softplus,
        nn.LogSigmoid,
        nn.SiLU,
        nn.ELU,
        lambda: nn.GELU("tanh"),
        lambda: nn.Softmax(1),
    ]
    return draw(st.sampled_from(kinds))(), pictures(draw, 2)


@layer
def cross_entropy_loss(draw):
    loss = nn.CrossEntropyLoss(np.array([0.5, 1.0, 2.0]), label_smoothing=draw(st.sampled_from([0.0, 0.1])))
    target = np.random.default_rng(0).integers(0, 3, 4)
    return nn.Sequential(nn.Linear(2, 3), Against(loss, target)), values(draw, (4, 2))


@layer
def nll_loss(draw):
    target = np.random.default_rng(0).integers(0, 3, 4)
    return nn.Sequential(nn.Linear(2, 3), Against(nn.NLLLoss([0.5, 1.0, 2.0]), target)), values(draw, (4, 2))


@layer
def losses_against_a_target(draw):
    x = pictures(draw, 1)
    loss = draw(st.sampled_from([nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.KLDivLoss, nn.BCEWithLogitsLoss]))
    reduction = draw(st.sampled_from(["mean", "sum", "none"]))
    target = tl.tensor(0.05 + np.abs(values(draw, x.shape)))
    return nn.Sequential(nn.Tanh(), Against(loss(reduction=reduction), target)), x


@layer
def embedding(draw):
    places = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 4, (2, 3))
    return nn.Sequential(nn.Linear(2, 5), TimesRows(nn.Embedding(4, 5), places)), values(draw, (2, 3, 2))


@layer
def lstm_and_gru(draw):
    kind, i, h = draw(st.sampled_from([nn.LSTM, nn.GRU])), *sides(draw, 2, 1, 2)
    both = draw(st.booleans())  # ways, or layers
    how = {"bias": draw(st.booleans()), "batch_first": draw(st.booleans()), "bidirectional": both}
    layer = kind(i, h, 1 if both else 2, dropout=draw(st.sampled_from([0.0, 0.4])), **how)
    return Together(layer), values(draw, (*sides(draw, draw(st.integers(1, 2)), 1, 2), i))


@layer
def lstmcell_and_grucell(draw):
    kind, i, h = draw(st.sampled_from([nn.LSTMCell, nn.GRUCell])), *sides(draw, 2, 1, 3)
    return Together(kind(i, h, draw(st.booleans()))), values(draw, (*sides(draw, draw(st.integers(0, 1))), i))


@layer
def a_net_with_a_reused_layer(draw):
    relu, conv = nn.ReLU(), nn.Conv2d(1, 2, 2, bias=False)  # before batch norm a bias has gradient 0, all rounding
    net = nn.Sequential(conv, nn.BatchNorm2d(2), relu, nn.MaxPool2d(2, 1, 1), relu, nn.Flatten(), nn.Dropout(0.3))
    return net, pictures(draw, 1, low=3)


class PoolAndBack(nn.Module):
    """Max pooling, and its winners where they came from."""

    def __init__(self, pool, unpool):
        super().__init__()
        self.pool, self.unpool = pool, unpool

    def forward(self, x):
        return self.unpool(*self.pool(x), x.shape)


class Together(nn.Module):
    """All that a recurrent layer returns, as one vector."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        flat = lambda y: [y] if isinstance(y, tl.Tensor) else [part for each in y for part in flat(each)]
        return tl.concatenate([y.flatten() for y in flat(self.layer(x))])


class TimesRows(nn.Module):
    """x times the rows of an embedding."""

    def __init__(self, layer, places):
        super().__init__()
        self.layer, self.places = layer, places

    def forward(self, x):
        return x * self.layer(self.places)


class Against(nn.Module):
    """A loss with its target."""

    def __init__(self, loss, target):
        super().__init__()
        self.loss, self.target = loss, target

    def forward(self, x):
        target = self.target.to(x.dtype) if isinstance(self.target, tl.Tensor) else self.target
        return self.loss(x, target)


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", LAYERS)
@given(data=st.data())
def test_gradient(name, training, data):
    module, x = LAYERS[name](data.draw)
    dtype = data.draw(st.sampled_from([np.float64, np.float32]))
    assert tl.gradcheck(module.train(training), x.astype(dtype), directions=2)


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", LAYERS)
@given(data=st.data())
def test_gradient_of_the_gradient(name, training, data):
    module, x = LAYERS[name](data.draw)
    assert tl.gradgradcheck(module.train(training), x, directions=1, rtol=1e-5)


def test_every_layer_is_among_them():
    source = " ".join(LAYERS) + " relu leakyrelu gelu sigmoid tanh identity softmax"
    source += " softplus logsigmoid silu elu mseloss l1loss smoothl1loss kldivloss bcewithlogitsloss"
    source += " adaptiveavgpool2d adaptivemaxpool2d zeropad2d reflectionpad2d replicationpad2d"
    containers = {"Module", "ModuleList", "Parameter", "Sequential"}
    names = [n for n in nn.__all__ if n[0].isupper() and n not in containers]
    assert [n for n in names if n.lower() not in source.replace("_", "")] == []
