"""What went wrong, with what, and where: one table of bad inputs and the words that their messages must hold."""

import sys

import numpy as np
import pytest
from words import check_message

import tinylucid as tl
import tinylucid.nn.functional as F
from tinylucid import nn
from tinylucid.optim import SGD


def at(layer, x):
    """Call the layer as ``features.0`` of a net."""
    return nn.Sequential({"features": nn.Sequential(layer)})(x)


def leaf(*shape):
    """Ones that require a gradient."""
    return tl.ones(*shape, requires_grad=True)


class Add(nn.Module):
    """x + a: a layer made of an operator alone."""

    def __init__(self, a):
        super().__init__()
        self.register_buffer("a", a)

    def forward(self, x):
        return x + self.a


def f64(*shape):
    """Ones in float64."""
    return tl.ones(*shape, dtype=tl.float64)


def iadd(array, x):
    """array += x"""
    array += x


def released():
    """The second backward through one graph."""
    y = (leaf(2) * leaf(2)).sum()
    y.backward()
    y.backward()


CASES = {
    # --- shapes, of layers inside a net
    "linear": (lambda: at(nn.Linear(3, 2), tl.ones(4, 5)), ValueError, "linear|'features.0'|(4, 5)|(2, 3)|(…, 3)"),
    "linear of a number": (lambda: at(nn.Linear(3, 2), tl.ones()), ValueError, "linear|'features.0'|()|(2, 3)"),
    "linear of an array": (lambda: at(nn.Linear(3, 2), np.ones((4, 5))), ValueError, "linear|'features.0'|(4, 5)"),
    "linear bias": (lambda: F.linear(tl.ones(1, 3), tl.ones(2, 3), tl.ones(3)), ValueError, "bias (3,)|(2, 3)|(2,)"),
    "conv channels": (
        lambda: at(nn.Conv2d(3, 4, 3), tl.ones(1, 1, 8, 8)),
        ValueError,
        "conv2d|'features.0'|(1, 1, 8, 8)|1 channels|(4, 3, 3, 3)|groups=1|needs 3",
    ),
    "conv axes": (
        lambda: at(nn.Conv2d(3, 4, 3), tl.ones(3, 8, 8)),
        ValueError,
        "conv2d|'features.0'|(N, C, H, W)|(3, 8, 8)",
    ),
    "conv kernel larger than the picture": (
        lambda: at(nn.Conv2d(1, 4, (3, 7), padding=1), tl.ones(1, 1, 4, 4)),
        ValueError,
        "conv2d|'features.0'|(4, 1, 3, 7)|larger|(1, 1, 4, 4)|(1, 1)",
    ),
    "conv dilated kernel larger than the picture": (
        lambda: F.conv2d(tl.ones(1, 1, 6, 6), tl.ones(1, 1, 3, 3), dilation=3),
        ValueError,
        "conv2d|dilation (3, 3)|larger|(1, 1, 6, 6)",
    ),
    "conv groups and input": (
        lambda: F.conv2d(tl.ones(1, 3, 4, 4), tl.ones(4, 2, 1, 1), groups=2),
        ValueError,
        "conv2d|3 channels|groups=2|needs 2",
    ),
    "conv groups and output": (
        lambda: F.conv2d(tl.ones(1, 4, 4, 4), tl.ones(3, 2, 1, 1), groups=2),
        ValueError,
        "conv2d|groups must divide 3",
    ),
    "conv groups": (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "Conv2d|groups=2|in_channels=3|out_channels=4"),
    "conv bias": (
        lambda: F.conv2d(tl.ones(1, 1, 4, 4), tl.ones(2, 1, 1, 1), tl.ones(3)),
        ValueError,
        "conv2d|bias (3,)|(2, 1, 1, 1)|expected (2,)",
    ),
    "conv padding": (lambda: nn.Conv2d(1, 1, 3, padding=-1), ValueError, "Conv2d|padding|≥ 0|-1"),
    "conv padding word": (lambda: nn.Conv2d(1, 1, 3, padding="full"), ValueError, "Conv2d|padding|'full'"),
    "conv same with stride": (
        lambda: nn.Conv2d(1, 1, 3, stride=2, padding="same"),
        ValueError,
        "Conv2d|padding='same'|stride 1|(2, 2)",
    ),
    "conv kernel size": (lambda: nn.Conv2d(1, 1, 3.5), ValueError, "Conv2d|kernel_size|integer ≥ 1|3.5"),
    "conv stride": (lambda: nn.Conv2d(1, 1, 3, stride=(1, 0)), ValueError, "Conv2d|stride|(1, 0)"),
    "layer size": (lambda: nn.Linear(0, 2), ValueError, "Linear|in_features|integer ≥ 1|got 0"),
    "layer size as a float": (lambda: nn.BatchNorm2d(2.0), ValueError, "BatchNorm2d|num_features|integer|2.0"),
    "batch norm channels": (
        lambda: at(nn.BatchNorm2d(3), tl.ones(2, 4, 2, 2)),
        ValueError,
        "batch_norm|'features.0'|(2, 4, 2, 2)|4 channels|running_mean|(3,)",
    ),
    "batch norm axes": (
        lambda: at(nn.BatchNorm2d(3), tl.ones(2, 3)),
        ValueError,
        "BatchNorm2d|'features.0'|(N, C, H, W)|(2, 3)",
    ),
    "batch norm of one value": (
        lambda: at(nn.BatchNorm2d(3), tl.ones(1, 3, 1, 1)),
        ValueError,
        "batch_norm|'features.0'|more than one value|(1, 3, 1, 1)|eval()",
    ),
    "batch norm of nothing": (
        lambda: at(nn.BatchNorm2d(3), tl.ones(0, 3, 2, 2)),
        ValueError,
        "batch_norm|'features.0'|(0, 3, 2, 2)",
    ),
    "batch norm without statistics": (
        lambda: F.batch_norm(tl.ones(2, 3), None, None),
        ValueError,
        "batch_norm|evaluation|running_mean",
    ),
    "max-pool window": (
        lambda: at(nn.MaxPool2d(9), tl.ones(1, 1, 8, 8)),
        ValueError,
        "max_pool2d|'features.0'|window (9, 9)|larger|(1, 1, 8, 8)",
    ),
    "average-pool window": (
        lambda: at(nn.AvgPool2d((2, 5)), tl.ones(1, 1, 4, 4)),
        ValueError,
        "avg_pool2d|'features.0'|window (2, 5)|larger|(1, 1, 4, 4)",
    ),
    "dilated window": (lambda: F.max_pool2d(tl.ones(1, 1, 4, 4), 2, dilation=4), ValueError, "max_pool2d|larger"),
    "pool padding": (
        lambda: at(nn.MaxPool2d(3, padding=2), tl.ones(1, 1, 8, 8)),
        ValueError,
        "max_pool2d|'features.0'|padding (2, 2)|half|(3, 3)",
    ),
    "pool axes": (
        lambda: at(nn.MaxPool2d(2), tl.ones(8, 8)),
        ValueError,
        "max_pool2d|'features.0'|(N, C, H, W)|(8, 8)",
    ),
    "adaptive pool": (
        lambda: at(nn.AdaptiveAvgPool2d(0), tl.ones(1, 1, 4, 4)),
        ValueError,
        "adaptive_avg_pool2d|'features.0'|output_size|≥ 1",
    ),
    "elementwise": (
        lambda: at(Add(tl.ones(4)), tl.ones(2, 3)),
        ValueError,
        "add|'features.0'|(2, 3)|(4,)",
    ),
    "matmul": (lambda: tl.ones(2, 3) @ tl.ones(2, 3), ValueError, "matmul|(2, 3) @ (2, 3)|last axis"),
    "matmul of a number": (lambda: tl.matmul(tl.ones(2), tl.ones()), ValueError, "matmul|(2,) @ ()"),
    "reshape": (lambda: at(nn.Flatten(0, 5), tl.ones(2, 3)), IndexError, "flatten|'features.0'|5|2 axes"),
    "reshape sizes": (lambda: tl.ones(2, 3).reshape(4, 2), ValueError, "reshape|(2, 3)|6 elements|(4, 2)"),
    "reshape with -1": (lambda: tl.ones(2, 3).reshape(4, -1), ValueError, "reshape|6 elements|(4, -1)"),
    "reshape with -1 twice": (lambda: tl.ones(2, 3).reshape(-1, -1), ValueError, "reshape|(-1, -1)"),
    "expand": (lambda: tl.ones(2, 3).expand(2, 4), ValueError, "expand|(2, 3)|(2, 4)"),
    "permute": (lambda: tl.ones(2, 3).permute(0), ValueError, "permute|2 axes|(0,)"),
    "concatenate shapes": (
        lambda: tl.concatenate([tl.ones(2, 3), tl.ones(2, 4)]),
        ValueError,
        "concatenate|dim 0|(2, 3)|(2, 4)",
    ),
    "stack shapes": (lambda: tl.stack([tl.ones(2), tl.ones(3)]), ValueError, "stack|(2,)|(3,)"),
    "split sizes": (lambda: tl.split(tl.ones(5), [2, 2]), ValueError, "split|[2, 2]|5|dim 0"),
    "padding sizes": (lambda: F.pad(tl.ones(2), (1, 1, 1, 1)), ValueError, "pad|1 pairs|(1, 1, 1, 1)"),
    "mse shapes": (lambda: F.mse_loss(tl.ones(3, 1), tl.ones(3)), ValueError, "mse_loss|(3, 1)|(3,)|broadcasting"),
    "empty mean": (lambda: tl.zeros(0, 3).mean(), ValueError, "mean|no elements|(0, 3)"),
    "empty maximum": (lambda: tl.zeros(0).max(), ValueError, "max|(0,)|no elements"),
    "unbiased variance of one": (lambda: tl.ones(1).var(), ValueError, "var|1 elements|correction=1"),
    # --- axes
    "sum": (lambda: tl.ones(2, 3).sum(2), IndexError, "sum|dim 2|2 axes"),
    "mean, negative": (lambda: tl.ones(2, 3).mean(-3), IndexError, "mean|dim -3|2 axes"),
    "max dim": (lambda: tl.ones(2, 3).max(2), IndexError, "max|dim 2|2 axes"),
    "argmax dim": (lambda: tl.ones(2, 3).argmax(2), IndexError, "argmax|dim 2|2 axes"),
    "softmax dim": (lambda: at(nn.Softmax(2), tl.ones(2, 3)), IndexError, "softmax|'features.0'|dim 2|2 axes"),
    "transpose dim": (lambda: tl.ones(2, 3).transpose(0, 2), IndexError, "transpose|dim 2|2 axes"),
    "unsqueeze dim": (lambda: tl.ones(2, 3).unsqueeze(4), IndexError, "unsqueeze|dim 4"),
    "stack dim": (lambda: tl.stack([tl.ones(2)], 5), IndexError, "dim 5"),
    "dim twice": (lambda: tl.ones(2, 3).sum((0, -2)), ValueError, "sum|(0, -2)|twice"),
    "dim as a float": (lambda: tl.ones(2, 3).sum(1.0), TypeError, "sum|integer|1.0"),
    "gather index": (lambda: tl.ones(3).gather(0, [1, 3]), IndexError, "gather|1 … 3|dim 0 has 3"),
    "gather index dtype": (lambda: tl.ones(3).gather(0, [0.5]), TypeError, "gather|integers|float64"),
    "index": (lambda: tl.ones(3)[10], IndexError, "10|size 3"),
    "index dtype": (lambda: tl.ones(3)[[0.5]], TypeError, "index|integers or booleans|float64"),
    # --- dtypes
    "float32 meets float64": (
        lambda: at(nn.Linear(3, 2), f64(1, 3)),
        TypeError,
        "linear|'features.0'|float64 (1, 3)|float32|.to(",
    ),
    "float32 + float64": (lambda: tl.ones(2) + f64(2, 1), TypeError, "add|float32 (2,)|float64 (2, 1)|.to("),
    "concatenated dtypes": (
        lambda: tl.concatenate([tl.ones(1), f64(2)]),
        TypeError,
        "concatenate|float32|float64 (2,)",
    ),
    "integers that require a gradient": (
        lambda: tl.tensor([1, 2], requires_grad=True),
        TypeError,
        "requires_grad=True|float32 and float64|int64",
    ),
    "integer parameter": (lambda: nn.Parameter(np.arange(3)), TypeError, "requires_grad=True|int64"),
    "bool set to require a gradient": (
        lambda: tl.tensor([True]).requires_grad_(),
        TypeError,
        "requires_grad=True|float32 and float64|bool",
    ),
    "complex": (lambda: tl.tensor(np.ones(2, complex)), TypeError, "tensor|expected numbers|complex128"),
    "complex dtype": (lambda: tl.tensor([1.0], dtype=complex), TypeError, "complex128|not supported|float32"),
    "float16": (lambda: tl.tensor(np.ones(2, np.float16)), TypeError, "float16|not supported|float32"),
    "float16 wrapped": (lambda: tl.Tensor(np.ones(2, np.float16)), TypeError, "Tensor|float16|not supported"),
    "to float16": (lambda: tl.ones(2).to(np.float16), TypeError, "to|float16|not supported"),
    "random integers": (lambda: tl.rand(3, dtype=tl.int64), TypeError, "float32|float64|int64"),
    "random numbers of a negative size": (lambda: tl.rand(2, -1), ValueError, "at least 0|(2, -1)"),
    "a range that leads away": (lambda: tl.arange(0, 3, -1), ValueError, "arange|steps of -1|from 0 to 3"),
    "a constant of text": (lambda: tl.ones(2) * "2", TypeError, "mul|numbers|'2'"),
    "dropout of a list": (lambda: F.dropout([1.0], training=False), TypeError, "dropout|tensor|list"),
    "normal integers": (lambda: tl.randn(3, dtype=tl.int64), TypeError, "float32|float64|int64"),
    "text": (lambda: tl.tensor("abc"), TypeError, "tensor|expected numbers|str"),
    "nothing": (lambda: tl.tensor(None), TypeError, "tensor|expected numbers|NoneType"),
    "ragged list": (lambda: tl.tensor([[1, 2], [3]]), TypeError, "tensor|regular shape"),
    "condition": (lambda: tl.where(tl.tensor([1, 0]), 1.0, tl.ones(2)), TypeError, "where|bool|int64"),
    "default dtype": (
        lambda: tl.set_default_dtype("float16"),
        TypeError,
        "set_default_dtype|float32 or float64|float16",
    ),
    # --- losses and their arguments
    "label too large": (
        lambda: at(Criterion([0, 4, 5, 7]), tl.zeros(4, 5)),
        ValueError,
        "cross_entropy|'features.0'|label 5 at position 2|0 … 4|5 classes",
    ),
    "label negative": (lambda: F.cross_entropy(tl.zeros(2, 5), [0, -1]), ValueError, "label -1 at position 1|0 … 4"),
    "labels as floats": (lambda: F.cross_entropy(tl.zeros(2, 5), [0.0, 1.0]), TypeError, "integers|float64|(2,)"),
    "labels as bools": (lambda: F.cross_entropy(tl.zeros(2, 5), [True, False]), TypeError, "integers|bool"),
    "labels of another shape": (
        lambda: F.cross_entropy(tl.zeros(2, 5, 3), np.zeros((3, 2), int)),
        ValueError,
        "cross_entropy|(2, 5, 3)|(2, 3)|(3, 2)",
    ),
    "empty batch": (lambda: F.cross_entropy(tl.zeros(0, 5), []), ValueError, "cross_entropy|N, C ≥ 1|(0, 5)"),
    "logits of one axis": (lambda: F.cross_entropy(tl.zeros(5), 1), ValueError, "cross_entropy|(N, C)|(5,)"),
    "every label ignored": (
        lambda: F.cross_entropy(tl.zeros(2, 5), [3, 3], ignore_index=3),
        ValueError,
        "cross_entropy|no row counts|ignore_index=3",
    ),
    "class weights": (lambda: F.cross_entropy(tl.zeros(1, 5), [1], weight=tl.ones(4)), ValueError, "weight|(5,)|(4,)"),
    "label smoothing": (
        lambda: F.cross_entropy(tl.zeros(1, 5), [1], label_smoothing=1.5),
        ValueError,
        "cross_entropy|label_smoothing|[0, 1]|1.5",
    ),
    "cross-entropy reduction": (
        lambda: F.cross_entropy(tl.zeros(1, 5), [1], reduction="average"),
        ValueError,
        "cross_entropy|'mean', 'sum' or 'none'|'average'",
    ),
    "soft cross-entropy reduction": (
        lambda: F.cross_entropy(tl.zeros(1, 5), tl.ones(1, 5), reduction="average"),
        ValueError,
        "cross_entropy|'mean', 'sum' or 'none'|'average'",
    ),
    "mse reduction": (lambda: F.mse_loss(tl.ones(2), tl.ones(2), reduction="avg"), ValueError, "mse_loss|'none'|'avg'"),
    "dropout": (lambda: F.dropout(tl.ones(2), 1.5), ValueError, "dropout|[0, 1]|1.5"),
    "dropout layer": (lambda: nn.Dropout(-0.1), ValueError, "Dropout|[0, 1]|-0.1"),
    "dropout by nan": (lambda: nn.Dropout(float("nan")), ValueError, "Dropout|[0, 1]|nan"),
    "gelu": (lambda: F.gelu(tl.ones(2), approximate="fast"), ValueError, "gelu|'none' or 'tanh'|'fast'"),
    "clip without bounds": (lambda: tl.ones(2).clip(), ValueError, "clip|min, max"),
    "clip by a tensor": (lambda: tl.ones(2).clip(tl.ones(2)), TypeError, "clip|numbers|minimum()"),
    "pad mode": (lambda: F.pad(tl.ones(2), (1, 1), "mirror"), ValueError, "pad|'constant'|'mirror'"),
    # --- arrays and lists where tensors are needed, and the other way round
    "grad of an array": (lambda: tl.grad(np.ones(3), leaf(3)), TypeError, "Tensor|arrays only records nothing"),
    "grad of a list of arrays": (lambda: tl.grad([np.ones(())], leaf(3)), TypeError, "Tensor|got ndarray"),
    "grad of a number": (lambda: tl.grad(3.0, leaf(3)), TypeError, "Tensor|float"),
    "grad with respect to an array": (lambda: tl.grad(leaf(), [np.ones(3)]), TypeError, "grad|input 0|Tensor|array"),
    "grad with respect to a constant": (
        lambda: tl.grad(leaf(), tl.ones(3)),
        TypeError,
        "grad|input 0|requires_grad=True|tensor([1., 1., 1.]",
    ),
    "grad assigned an array": (lambda: setattr(leaf(2), "grad", np.ones(2)), TypeError, "grad|Tensor|(2,)|array"),
    "grad assigned another shape": (lambda: setattr(leaf(2), "grad", tl.ones(3)), TypeError, "grad|(2,)|float32"),
    "optimiser given an array": (lambda: SGD([np.ones(3)]), TypeError, "optimiser|parameter 0|Tensor|array"),
    "optimiser given a list": (lambda: SGD([[1.0]]), TypeError, "optimiser|parameter 0|Tensor|[1.0]"),
    "buffer given a list": (lambda: nn.Module().register_buffer("b", [1.0]), TypeError, "register_buffer('b')|list"),
    "Tensor of a list": (lambda: tl.Tensor([1.0]), TypeError, "Tensor(data) wraps an array|list|tl.tensor(data)"),
    "Tensor of a Tensor": (lambda: tl.Tensor(tl.ones(1)), TypeError, "wraps an array|got Tensor"),
    "Parameter of a list": (lambda: nn.Parameter([1.0]), TypeError, "wraps an array|list"),
    "concatenate a tensor": (
        lambda: tl.concatenate(tl.ones(2, 2)),
        TypeError,
        "concatenate|list of tensors|got Tensor",
    ),
    "concatenate lists": (lambda: tl.concatenate([[1, 2], [3]]), TypeError, "concatenate|list of tensors|list"),
    "concatenate a number": (lambda: tl.concatenate(5), TypeError, "concatenate|list of tensors|int"),
    "concatenate a generator": (
        lambda: tl.concatenate(x for x in [tl.ones(1)]),
        TypeError,
        "concatenate|list of tensors|generator",
    ),
    "stack numbers": (lambda: tl.stack([1.0, 2.0]), TypeError, "stack|list of tensors"),
    "concatenate nothing": (lambda: tl.concatenate([]), ValueError, "concatenate|at least one|empty"),
    "a list as input": (lambda: at(nn.Linear(2, 2), [[1.0, 2.0]]), TypeError, "linear|'features.0'|list"),
    "np.exp": (lambda: np.exp(leaf(2)), TypeError, "np.exp|Tensor|tl.exp(x)|x.detach().numpy()"),
    "np.tan": (lambda: np.tan(tl.ones(2)), TypeError, "np.tan|Tensor|write x.detach().numpy()"),
    "np.add.reduce": (lambda: np.add.reduce(leaf(2)), TypeError, "np.add|Tensor"),
    "array += tensor": (lambda: iadd(np.ones(2), leaf(2)), TypeError, "np.add|Tensor|array = array + x"),
    "np.stack": (lambda: np.stack([leaf(2), leaf(2)]), RuntimeError, "requires a gradient|detach()"),
    "np.concatenate": (lambda: np.concatenate([tl.ones(2), leaf(2)]), RuntimeError, "requires a gradient|detach()"),
    "np.array of a list": (lambda: np.array([leaf(), leaf()]), RuntimeError, "requires a gradient|detach()"),
    "np.asarray": (lambda: np.asarray(leaf(2) * 2), RuntimeError, "requires a gradient|detach()"),
    "numpy()": (lambda: leaf(2).numpy(), RuntimeError, "requires a gradient|detach()"),
    "tensor of a list that requires gradients": (
        lambda: tl.tensor([leaf(2), leaf(2)]),
        RuntimeError,
        "requires a gradient",
    ),
    # --- single elements
    "item": (lambda: tl.ones(2, 3).item(), ValueError, "item|one element|(2, 3)"),
    "item of nothing": (lambda: tl.ones(0).item(), ValueError, "item|one element|(0,)"),
    "float": (lambda: float(tl.ones(2)), ValueError, "one element|(2,)"),
    "truth": (lambda: bool(tl.ones(2) > 0), ValueError, "truth|(2,)|ambiguous"),
    "len of a number": (lambda: len(tl.ones()), TypeError, "0-d"),
    "floating index": (lambda: [1, 2][tl.ones()], TypeError, "integer|float32"),
    # --- backward
    "backward from many": (lambda: (leaf(2) * 2).backward(), RuntimeError, "backward|(2,)|gradient"),
    "backward without requires_grad": (lambda: tl.ones().backward(), RuntimeError, "backward|requires_grad=True"),
    "backward gradient shape": (lambda: (leaf(2) * 2).backward(tl.ones(3)), ValueError, "backward|(3,)|(2,)"),
    "backward twice": (released, RuntimeError, "sum|released|retain_graph=True"),
    "grad of what was not used": (lambda: tl.grad(leaf() * 2, leaf()), RuntimeError, "grad|input 0|allow_unused=True"),
    "hook on a constant": (lambda: tl.ones(1).register_hook(print), RuntimeError, "register_hook|no gradient"),
    "writing to a leaf": (lambda: leaf(2).__iadd__(1), RuntimeError, "in-place|leaf|no_grad()"),
    "cuda": (lambda: tl.ones(1).to("cuda:1"), ValueError, "'cuda'|'cuda:1'|CUDA_VISIBLE_DEVICES"),
}


class Criterion(nn.Module):
    """Cross-entropy with fixed labels."""

    def __init__(self, labels):
        super().__init__()
        self.labels = labels

    def forward(self, x):
        return F.cross_entropy(x, self.labels)


@pytest.mark.parametrize("name", CASES)
def test_message(name):
    check_message(*CASES[name])


# --- anomaly mode ----------------------------------------------------------------------------------------------------


class Log(nn.Module):
    """log x, in one line of this file."""

    def forward(self, x):
        self.line = sys._getframe().f_lineno + 1
        return tl.log(x)


class Root(nn.Module):
    """√(x²), whose gradient at 0 is ∞·0: it becomes NaN in the line of the square."""

    def forward(self, x):
        self.line = sys._getframe().f_lineno + 1
        square = x * x
        return square.sqrt()


def message(call):
    """What the RuntimeError says that the call must raise under detect_anomaly."""
    with np.errstate(all="ignore"), tl.detect_anomaly(), pytest.raises(RuntimeError) as caught:
        call()
    return str(caught.value)


def test_anomaly_in_the_forward_pass():
    layer = Log()
    text = message(lambda: at(layer, tl.tensor([1.0, -1.0])))
    for words in ("log (layer 'features.0')", "result holds NaN", "no input held one", f"{__file__}:{layer.line}"):
        assert words in text


def test_anomaly_says_which_input_was_nan_already():
    bad = tl.tensor([np.nan])
    assert "input 1 already held NaN" in message(lambda: tl.ones(1) * bad)
    assert "input 0 already held NaN" in message(lambda: np.array([np.nan]) * tl.ones(1))
    assert "input 1 already held NaN" in message(lambda: tl.ones(1) * float("nan"))


def test_anomaly_in_the_backward_pass():
    layer, x = Root(), tl.zeros(2, requires_grad=True)
    text = message(lambda: at(layer, x).sum().backward())
    assert "the gradient of input 0 holds NaN" in text
    assert "mul (layer 'features.0')" in text
    assert f"Forward pass at {__file__}:{layer.line}, in forward" in text


def test_anomaly_entered_only_for_backward_says_how_to_get_the_line():
    with np.errstate(all="ignore"):
        y = at(Root(), tl.zeros(2, requires_grad=True)).sum()
    text = message(y.backward)
    assert "mul (layer 'features.0')" in text
    assert "Enter detect_anomaly() before the forward pass" in text


def test_anomaly_finds_writes_behind_the_engines_back():
    layer, x = Root(), tl.ones(2, requires_grad=True)

    def write():
        y = at(layer, x).sum()
        x.data[0] = 5
        y.backward()

    text = message(write)
    assert "mul (layer 'features.0')" in text
    assert "behind autograd's back" in text
    assert f"{__file__}:{layer.line}" in text


def test_without_anomaly_mode_nan_passes():
    with np.errstate(all="ignore"):
        assert np.isnan(tl.log(tl.tensor([-1.0])).item())
        with tl.detect_anomaly():
            pass
        assert np.isnan(tl.log(tl.tensor([-1.0])).item())


# --- arrays and tensors together -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "operate",
    [
        lambda a, x: a * x,
        lambda a, x: a + x,
        lambda a, x: a - x,
        lambda a, x: a / x,
        lambda a, x: a @ x,
        lambda a, x: a**x,
        lambda a, x: a[0] * x,
        lambda a, x: x * a,
        lambda a, x: np.float64(2) * x,
        lambda a, x: np.subtract(a, x),
    ],
)
def test_an_array_and_a_tensor_give_a_tensor(operate):
    """It records, and takes the tensor's dtype."""
    x = tl.full((2,), 3.0, requires_grad=True)
    y = operate(np.array([2.0, 4.0]), x)
    assert isinstance(y, tl.Tensor)
    assert y.requires_grad
    assert y.dtype == tl.float32
    np.testing.assert_allclose(y.data, operate(np.array([2.0, 4.0]), x.data), rtol=1e-6)


@pytest.mark.parametrize(
    "compare",
    [
        lambda a, x: a < x,
        lambda a, x: a <= x,
        lambda a, x: a == x,
        lambda a, x: a != x,
        lambda a, x: a >= x,
        lambda a, x: a > x,
    ],
)
def test_comparing_an_array_with_a_tensor_gives_a_bool_tensor(compare):
    x = leaf(2)
    y = compare(np.array([0.5, 1.0]), x)
    assert isinstance(y, tl.Tensor)
    assert y.tolist() == compare(np.array([0.5, 1.0]), x.data).tolist()


def test_a_tensor_without_gradient_is_an_array_to_numpy():
    x = tl.ones(2)
    assert np.stack([x, x]).tolist() == [[1, 1], [1, 1]]
    assert np.asarray(x) is x.data or np.shares_memory(np.asarray(x), x.data)
