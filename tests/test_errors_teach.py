"""Errors that teach: wrong uses that beginners make, and each message's four parts: where, what was expected, what came, what to do."""

import contextlib
import io
import os
import re
from collections import Counter
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import pytest
from PIL import Image
from tinylucid_kernels.gpu import driver

import tinylucid as tl
import tinylucid.nn.functional as F
from tinylucid import cli, nn, optim, visualize
from tinylucid import explain as ex
from tinylucid.check import GradcheckError
from tinylucid.data.picture import PictureError
from tinylucid.io import FileError
from tinylucid.ops.spelling import INSTEAD
from tinylucid.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, MultiStepLR, OneCycleLR, StepLR


class Row(NamedTuple):
    """A wrong use, ``call(folder)``, and the parts of its message, each one text or several parted by |."""

    room: str
    call: Any
    error: Any
    where: str
    expected: str
    got: str
    do: str


ROWS: dict[str, Row] = {}


def wrong(room, name, call, error, *, where, expected, got, do):
    """Add a row; ``call`` takes the folder of prepared files, or nothing."""
    assert name not in ROWS
    given = call if call.__code__.co_argcount else lambda _: call()
    ROWS[name] = Row(room, given, error, where, expected, got, do)


# --- what the wrong uses are made of -----------------------------------------------------------------------------------

pictures = np.zeros((6, 1, 8, 8), np.float32)
labels = np.array([0, 1, 2] * 2)


def leaf(*shape):
    """Ones that require a gradient."""
    return tl.ones(*shape, requires_grad=True)


def net():
    """A net for pictures (N, 1, 8, 8) and three classes."""
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))


def dense():
    """A net without a plane."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))


def fit(x, y, **how):
    """One epoch of training."""
    model = net()
    return tl.fit(model, (x, y), **{"epochs": 1, "optimizer": optim.SGD(model.parameters(), lr=0.1), **how})


def sgd(**how):
    """An optimiser of one parameter."""
    return optim.SGD([leaf(2)], **how)


def command(*argv):
    """A command of the command line; its one line comes as SystemExit."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.suppress(SystemExit):
        cli.main([str(a) for a in argv])
    raise SystemExit(said.getvalue().removesuffix("\n"))


def without_gpu(call):
    """``call()`` on a machine where CuPy is not installed."""
    with (
        mock.patch.dict(os.environ, TINYLUCID_GPU="real"),
        mock.patch.object(driver, "cupy", driver.cupy.__wrapped__),
        mock.patch.object(driver, "import_module", side_effect=ModuleNotFoundError("cupy")),
    ):
        call()


def defined(forward, rule=None, **traits):
    """An operation of one's own."""
    made = tl.operation(**traits)(forward)
    if rule is not None:
        made.rule(rule)
    return made


class Forgetful(nn.Module):
    """A net whose author forgot ``super().__init__()``."""

    def __init__(self):
        self.layer = nn.Linear(2, 2)


class Unfinished(nn.Module):
    """A net without a forward."""


class Silent(nn.Module):
    """A layer that forgot its return."""

    def forward(self, x):
        x * 2


class Cut(nn.Module):
    """A net that detaches its input."""

    def __init__(self):
        super().__init__()
        self.net = net()

    def forward(self, x):
        return self.net(x.detach())


def after_epochs():
    """A schedule stepped beyond its end."""
    optimizer = sgd(lr=0.1)
    schedule = OneCycleLR(optimizer, 0.1, total_steps=2, cycle_momentum=False)
    for _ in range(3):
        schedule.step()


def twice():
    """Two backward passes through one graph."""
    loss = (leaf(2) * leaf(2)).sum()
    loss.backward()
    loss.backward()


def edited():
    """A tensor edited between forward and backward."""
    y = leaf(2) * 2
    z = (y * y).sum()
    with tl.no_grad():
        y += 1
    z.backward()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files to be misused: nets, a picture, texts, and folders of pictures that are laid out wrongly."""
    path = tmp_path_factory.mktemp("files")
    (path / "notes.txt").write_text("a shopping list")
    (path / "fake.npz").write_text("a shopping list")
    (path / "fake.safetensors").write_text("a shopping list")
    (path / "net.pt").write_bytes(b"PK\x03\x04")
    (path / "empty.npz").touch()
    np.savez(path / "objects.npz", a=np.array([{}], dtype=object))
    np.savez(path / "plain.npz", a=np.ones(3))
    (path / "layers.py").write_text("def double(x):\n    return x * 2\n\n\nnumber = 3\n")
    Image.new("RGB", (9, 9)).save(path / "picture.png")
    model = tl.models.build("texture_net", classes=2, channels=3)
    tl.models.save(model, path / "net.safetensors", ("cat", "dog"), tl.data.Preprocess(8, True))
    for name in ("flat", "one/cat", "holes/ant", "holes/bee", "holes/cow"):
        (path / name).mkdir(parents=True)
    for name in ("flat", "one/cat", "holes/ant", "holes/bee"):
        Image.new("RGB", (9, 9)).save(path / name / "1.png")
    (path / "bare").mkdir()
    return path


# fmt: off
# --- making tensors ----------------------------------------------------------------------------------------------------

wrong("ops", "a ragged list", lambda: tl.tensor([[1, 2], [3]]), TypeError,
      where="tensor", expected="numbers in a regular shape", got="rows of different lengths", do="pad the short ones")
wrong("ops", "numbers as text", lambda: tl.tensor(["1.5", "2"]), TypeError,
      where="tensor:", expected="expected numbers", got="<U3", do="float(text)")
wrong("ops", "Tensor of a list", lambda: tl.Tensor([1.0]), TypeError,
      where="Tensor(data)", expected="wraps an array", got="got list", do="tl.tensor(data)")
wrong("ops", "a size that is a fraction", lambda: tl.zeros(5 / 2), TypeError,
      where="zeros:", expected="integers ≥ 0", got="(2.5,)", do="write zeros(2, 3)")
wrong("ops", "a negative size", lambda: tl.ones(2, -1), ValueError,
      where="ones:", expected="integers ≥ 0", got="(2, -1)", do="write ones(2, 3)")
wrong("ops", "whole numbers that require a gradient", lambda: tl.tensor([1, 2], requires_grad=True), TypeError,
      where="requires_grad=True", expected="float32 and float64", got="int64", do=".to(tl.float32)")
wrong("ops", "half precision", lambda: tl.tensor(np.ones(2, np.float16)), TypeError,
      where="Tensor:", expected="float32, float64", got="float16", do="convert to")
wrong("ops", "a range that leads away", lambda: tl.arange(5, 0), ValueError,
      where="arange", expected="from 5 to 0", got="steps of 1", do="give a step of the other sign")
wrong("ops", "a copy that would lose gradients", lambda: tl.tensor([leaf(), leaf()]), RuntimeError,
      where="tensor:", expected="a copy would lose", got="requires a gradient", do="tl.stack(xs)|x.detach()")
wrong("ops", "PyTorch's from_numpy", lambda: tl.from_numpy(np.ones(2)), AttributeError,
      where="tinylucid", expected="tl.tensor(array)", got="'from_numpy'", do="write ")
wrong("ops", "PyTorch's mm", lambda: tl.mm(tl.ones(2, 2), tl.ones(2, 2)), AttributeError,
      where="tinylucid", expected="tl.matmul(x, y)", got="'mm'", do="write ")
wrong("ops", "a name nearly right", lambda: tl.sofmax, AttributeError,
      where="tinylucid", expected="softmax", got="'sofmax'", do="perhaps")

# --- dtypes and shapes of operations -----------------------------------------------------------------------------------

wrong("ops", "float32 + float64", lambda: tl.ones(2) + tl.ones(2, dtype=tl.float64), TypeError,
      where="add", expected="one dtype", got="float64 (2,)|float32 (2,)", do="convert one with .to(")
wrong("ops", "text for a number", lambda: tl.ones(2) * "2", TypeError,
      where="mul", expected="a tensor or numbers", got="got '2'", do="float(")
wrong("ops", "nothing for a number", lambda: tl.ones(2) + Silent()(tl.ones(2)), TypeError,
      where="add", expected="a tensor or a number", got="got None", do="lack its return")
wrong("ops", "matrices that do not meet", lambda: tl.ones(2, 3) @ tl.ones(2, 3), ValueError,
      where="matmul", expected="last axis of the first must match", got="(2, 3) @ (2, 3)", do="x.T")
wrong("ops", "stacks of matrices", lambda: tl.ones(2, 3, 4) @ tl.ones(3, 4, 5), ValueError,
      where="matmul", expected="must be equal or 1", got="(2, 3, 4), (3, 4, 5)", do="use unsqueeze")
wrong("ops", "a row beside columns", lambda: tl.ones(2, 3) + tl.ones(2), ValueError,
      where="add", expected="must equal the other or be 1", got="(2, 3), (2,)", do="use unsqueeze")
wrong("ops", "comparing other shapes", lambda: tl.ones(2, 3) > tl.ones(2), ValueError,
      where=">", expected="equal or 1", got="(2, 3) and (2,)", do="reshape one")
wrong("ops", "a reshape that does not fit", lambda: tl.ones(2, 3).view(4, 2), ValueError,
      where="reshape", expected="6 elements", got="(4, 2)", do="may be -1")
wrong("ops", "an axis too many", lambda: tl.ones(2, 3).sum(2), IndexError,
      where="sum", expected="2 axes", got="dim 2 ", do="use -2 … 1")
wrong("ops", "softmax over no axis", lambda: F.softmax(tl.ones(2, 3), 2), IndexError,
      where="softmax", expected="2 axes", got="dim 2 ", do="use -2 … 1")
wrong("ops", "an axis forgotten", lambda: tl.ones(2, 3, 4).permute(1, 0), ValueError,
      where="permute", expected="3 axes need 3 dims", got="(1, 0)", do="transpose exchanges two")
wrong("ops", "an axis twice", lambda: tl.ones(2, 3, 4).permute(1, 1, 0), ValueError,
      where="permute", expected="0 … 2", got="(1, 1, 0)", do="name each once")
wrong("ops", "expanding what is not 1", lambda: tl.ones(2, 3).expand(2, 6), ValueError,
      where="expand", expected="only sizes of 1", got="(2, 6)", do="x.unsqueeze(dim)")
wrong("ops", "cat of a tensor", lambda: tl.cat(tl.ones(2), tl.ones(2)), TypeError,
      where="concatenate", expected="a list of tensors", got="got Tensor", do="write [a, b]")
wrong("ops", "cat of other shapes", lambda: tl.cat([tl.ones(2, 3), tl.ones(2, 4)]), ValueError,
      where="concatenate", expected="other sizes must agree", got="(2, 3), (2, 4)", do="join along another dim")
wrong("ops", "stack of other shapes", lambda: tl.stack([tl.ones(2), tl.ones(3)]), ValueError,
      where="stack", expected="one shape", got="(2,), (3,)", do="use cat")
wrong("ops", "pieces that do not add up", lambda: tl.ones(5).split([2, 2]), ValueError,
      where="split", expected="5, the size of dim 0", got="[2, 2]", do="one number cuts equal pieces")
wrong("ops", "the mean of nothing", lambda: tl.ones(3)[:0].mean(), ValueError,
      where="mean", expected="elements to average", got="(0,)", do="look at how it was selected")
wrong("ops", "a list into a layer", lambda: nn.Linear(2, 2)([[1.0, 2.0]]), TypeError,
      where="linear", expected="a tensor or an array", got="got list", do="tl.tensor(x)")
wrong("ops", "a condition of numbers", lambda: tl.where(tl.tensor([1, 0]), 1.0, tl.ones(2)), TypeError,
      where="where", expected="must be bool", got="int64", do="x > 0")

# --- indexing, editing, and NumPy --------------------------------------------------------------------------------------

wrong("ops", "an index out of range", lambda: tl.ones(3)[3], IndexError,
      where="index:", expected="size 3", got="index 3", do="count from 0")
wrong("ops", "an index that is a fraction", lambda: tl.ones(4)[4 / 2], IndexError,
      where="index:", expected="only integers", got="of shape (4,)", do="int(k)")
wrong("ops", "indices that are no integers", lambda: tl.ones(3)[tl.tensor([1.0])], TypeError,
      where="index:", expected="integers or booleans", got="float32", do="use .long()")
wrong("ops", "too many indices", lambda: tl.ones(3)[0, 1], IndexError,
      where="index:", expected="1-dimensional", got="2 were indexed", do="give at most one an axis")
wrong("ops", "a mask of another length", lambda: tl.ones(3)[tl.tensor([True, False])], IndexError,
      where="index:", expected="size of axis is 3", got="boolean axis is 2", do="make the mask of x itself")
wrong("ops", "a place of another shape", lambda: tl.zeros(2, 3).__setitem__(0, tl.ones(2)), ValueError,
      where="in-place edit", expected="into shape (3,)", got="from shape (2,)", do="reshape what is assigned")
wrong("ops", "a fraction added to whole numbers", lambda: tl.tensor([1, 2]).__iadd__(0.5), TypeError,
      where="in-place edit", expected="to dtype('int64')", got="from dtype('float64')", do="convert before")
wrong("ops", "gather by fractions", lambda: tl.ones(3).gather(0, tl.ones(1)), TypeError,
      where="gather", expected="integers", got="float32", do=".long()")
wrong("ops", "gather out of range", lambda: tl.ones(3).gather(0, tl.tensor([1, 3])), IndexError,
      where="gather", expected="dim 0 has 3", got="1 … 3", do="count from 0")
wrong("ops", "a number of many", lambda: float(tl.ones(2, 3)), ValueError,
      where="item", expected="one element", got="(2, 3)", do="use tolist()")
wrong("ops", "the truth of many", lambda: bool(tl.ones(2) > 0), ValueError,
      where="the truth of a tensor", expected="one element", got="(2,)", do=".all() or .any()")
wrong("ops", "the length of a number", lambda: len(tl.ones(3).sum()), TypeError,
      where="len", expected="at least one axis", got="0-d tensor", do="x.item()")
wrong("ops", "NumPy of what requires a gradient", lambda: leaf(2).numpy(), RuntimeError,
      where="numpy:", expected="an array would lose", got="requires a gradient", do="x.detach().numpy()")
wrong("ops", "NumPy's exp", lambda: np.exp(leaf(2)), TypeError,
      where="np.exp:", expected="expected arrays", got="got a Tensor", do="tl.exp(x) or x.detach().numpy()")
wrong("ops", "an array += a tensor", lambda: np.ones(2).__iadd__(leaf(2)), TypeError,
      where="np.add:", expected="expected arrays", got="got a Tensor", do="array = array + x")
wrong("ops", "PyTorch's zero_", lambda: tl.ones(2).zero_(), AttributeError,
      where="Tensor", expected="x[...] = 0", got="'zero_'", do="write ")
wrong("ops", "NumPy's astype", lambda: tl.ones(2).astype("float64"), AttributeError,
      where="Tensor", expected="x.to(dtype)", got="'astype'", do="write ")

# --- backward ----------------------------------------------------------------------------------------------------------

wrong("ops", "backward from many", lambda: (leaf(2) * 2).backward(), RuntimeError,
      where="backward", expected="only a single element", got="(2,)", do="Sum it, or pass one")
wrong("ops", "backward twice", twice, RuntimeError,
      where="sum", expected="compute anew", got="released by an earlier backward", do="retain_graph=True")
wrong("ops", "backward of constants", lambda: (tl.ones(2) * 2).sum().backward(), RuntimeError,
      where="backward", expected="requires_grad=True", got="requires no gradient", do="give an input")
wrong("ops", "backward after detach", lambda: leaf(2).sum().detach().backward(), RuntimeError,
      where="backward", expected="requires_grad=True", got="requires no gradient", do="detach()|cut it off")
wrong("ops", "a gradient of another shape", lambda: (leaf(2) * 2).backward(tl.ones(3)), ValueError,
      where="backward", expected="the result (2,)", got="shape (3,)", do="tl.ones_like(y)")
wrong("ops", "a leaf edited", lambda: leaf(2).__iadd__(1), RuntimeError,
      where="in-place edit", expected="under tl.no_grad()", got="a leaf that requires a gradient", do="x.clone()")
wrong("ops", "an edit before backward", edited, RuntimeError,
      where="mul", expected="the forward pass that saved it", got="'x' was changed in place", do="change a clone()")
wrong("ops", "grad of what was not used", lambda: tl.grad(leaf().sum(), leaf()), RuntimeError,
      where="grad:", expected="depend on", got="input 0", do="allow_unused=True")

# --- operations of one's own -------------------------------------------------------------------------------------------

wrong("ops", "a gradient too few",
      lambda: defined(lambda a, b: a * b, lambda g, a: g * a)(leaf(2), leaf(2)).sum().backward(), ValueError,
      where="lambda", expected="for 2 inputs", got="returned 1 gradients", do="return one each")
wrong("ops", "a gradient that was summed",
      lambda: defined(lambda a: a * 2, lambda g: (g * 2).sum())(leaf(2, 3)).sum().backward(), ValueError,
      where="lambda", expected="input of shape (2, 3)", got="gradient of shape ()", do="return one of the input's shape")
wrong("ops", "a gradient transposed",
      lambda: defined(lambda a: a * 2, lambda g: g.T)(leaf(2, 3)).sum().backward(), ValueError,
      where="lambda", expected="input of shape (2, 3)", got="gradient of shape (3, 2)", do="it is transposed|return one of the")
wrong("ops", "a gradient not summed",
      lambda: defined(lambda a, b: a + b, lambda g: (g, g))(leaf(2, 3), leaf(3)).sum().backward(), ValueError,
      where="lambda", expected="input of shape (3,)", got="gradient of shape (2, 3)", do="broadcasts=True")
wrong("ops", "no rule", lambda: defined(lambda a: a * 2)(leaf(2)).sum().backward(), RuntimeError,
      where="lambda>:", expected="backward rule", got="this operation has no", do="write one under")
wrong("ops", "a rule that asks for a stranger",
      lambda: defined(lambda a: a * 2, lambda g, z: g * z)(leaf(2)).sum().backward(), RuntimeError,
      where="lambda", expected="may ask for g, need, shapes, out, a", got="'z'", do="enter backward_rules()")
wrong("ops", "NumPy in a rule",
      lambda: tl.gradgradcheck(defined(lambda a: np.exp(a), lambda g, a: g * np.exp(a)), np.ones(2)), TypeError,
      where="lambda", expected="in operations", got="calls NumPy on a Tensor", do="tl.exp, not np.exp")
wrong("ops", "an input with a default", lambda: defined(lambda a, k=2: a * k), TypeError,
      where="operation:", expected="a Python function", got="got '<lambda>'", do="constants after * and no defaults")
wrong("ops", "an input called g", lambda: defined(lambda g: g * 2), TypeError,
      where="operation <lambda>", expected="mean something to rules", got="['g']", do="name the inputs otherwise")

# --- layers ------------------------------------------------------------------------------------------------------------

wrong("nn", "pictures into a dense layer", lambda: nn.Linear(784, 10)(tl.ones(2, 1, 28, 28)), ValueError,
      where="linear", expected="(…, 784)", got="(2, 1, 28, 28)", do="nn.Flatten()")
wrong("nn", "a dense layer of another size", lambda: net()(tl.ones(2, 1, 10, 10)), ValueError,
      where="linear (layer '3')", expected="(…, 144)", got="input (2, 256)", do="in_features=256")
wrong("nn", "channels last", lambda: net()(tl.ones(2, 8, 8, 1)), ValueError,
      where="conv2d (layer '0')", expected="needs 1", got="8 channels", do="x.permute(0, 3, 1, 2)")
wrong("nn", "a picture without a batch", lambda: net()(tl.ones(1, 8, 8)), ValueError,
      where="conv2d (layer '0')", expected="(N, C, H, W)", got="(1, 8, 8)", do="x[None]")
wrong("nn", "a kernel too large", lambda: nn.Conv2d(1, 1, 9)(tl.ones(1, 1, 8, 8)), ValueError,
      where="conv2d", expected="the padded input (1, 1, 8, 8)", got="kernel (1, 1, 9, 9)", do="enlarge the padding")
wrong("nn", "a size that was divided", lambda: nn.Linear(64 / 2, 10), ValueError,
      where="Linear", expected="an integer ≥ 1", got="32.0", do="a // b")
wrong("nn", "groups that do not divide", lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError,
      where="Conv2d", expected="must divide in_channels=3", got="groups=2", do="groups=1 always does")
wrong("nn", "same padding with a stride", lambda: nn.Conv2d(1, 1, 3, stride=2, padding="same"), ValueError,
      where="Conv2d", expected="needs stride 1", got="(2, 2)", do="kernel_size // 2")
wrong("nn", "pooling one plane", lambda: nn.MaxPool2d(2)(tl.ones(8, 8)), ValueError,
      where="max_pool2d", expected="(N, C, H, W)", got="(8, 8)", do="x[None]")
wrong("nn", "pooling too often", lambda: nn.MaxPool2d(4)(tl.ones(1, 1, 2, 2)), ValueError,
      where="max_pool2d", expected="the padded input (1, 1, 2, 2)", got="window (4, 4)", do="pool less")
wrong("nn", "batch norm of other channels", lambda: nn.BatchNorm2d(3)(tl.ones(2, 4, 2, 2)), ValueError,
      where="batch_norm", expected="(3,)", got="4 channels", do="make the layer for 4")
wrong("nn", "batch norm of rows", lambda: nn.BatchNorm2d(3)(tl.ones(2, 3)), ValueError,
      where="BatchNorm2d", expected="(N, C, H, W)", got="(2, 3)", do="another norm")
wrong("nn", "batch norm of one row", lambda: nn.BatchNorm1d(3)(tl.ones(1, 3)), ValueError,
      where="batch_norm", expected="more than one value a channel", got="(1, 3)", do="eval()")
wrong("nn", "layer norm of another size", lambda: nn.LayerNorm(3)(tl.ones(2, 4)), ValueError,
      where="layer_norm", expected="(…, 3)", got="(2, 4)", do="make the layer for the last axes")
wrong("nn", "dropout in per cent", lambda: nn.Dropout(50), ValueError,
      where="Dropout", expected="[0, 1]", got="50;", do="0.5 drops half")
wrong("nn", "words that are no integers", lambda: nn.Embedding(5, 2)(tl.ones(3)), TypeError,
      where="embedding", expected="integers", got="float32 (3,)", do=".long()")
wrong("nn", "a word beyond the vocabulary", lambda: nn.Embedding(5, 2)(tl.tensor([5])), IndexError,
      where="embedding", expected="0 … 4", got="5 at (0,)", do="enlarge num_embeddings")
wrong("nn", "steps of another size", lambda: nn.LSTM(3, 4)(tl.ones(2, 5, 4)), ValueError,
      where="LSTM", expected="I = 3", got="(2, 5, 4)", do="build it for 4")
wrong("nn", "super().__init__() forgotten", lambda: Forgetful(), AttributeError,
      where="Forgetful", expected="super().__init__()", got="assigning 'layer'", do="call ")
wrong("nn", "no forward", lambda: Unfinished()(tl.ones(2)), NotImplementedError,
      where="Unfinished", expected="forward(self, x)", got="defines no", do="write one")
wrong("nn", "a return forgotten", lambda: nn.Sequential(Silent(), nn.Linear(2, 2))(tl.ones(1, 2)), TypeError,
      where="linear (layer '1')", expected="a tensor or an array", got="got None", do="lack its return")
wrong("nn", "a function among layers", lambda: nn.Sequential(nn.Linear(2, 2), F.relu), TypeError,
      where="add_module('1')", expected="a Module", got="got the function relu", do="called in forward")
wrong("nn", "a class among layers", lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU), TypeError,
      where="add_module('1')", expected="a Module", got="the class ReLU", do="ReLU(…)")
wrong("nn", "a list of layers", lambda: nn.Sequential([nn.Tanh()]), TypeError,
      where="add_module('0')", expected="a Module", got="[Tanh()]", do="unpacked by *")
wrong("nn", "a layer that is not there", lambda: net()[4], IndexError,
      where="Sequential", expected="its 4", got="layer 4 ", do="count from 0")
wrong("nn", "entries missing", lambda: net().load_state_dict({}), RuntimeError,
      where="load_state_dict into Sequential", expected="'0.weight'", got="4 missing", do="take what fits by strict=False")
wrong("nn", "entries of another net", lambda: nn.Tanh().load_state_dict({"a": tl.ones(1)}), RuntimeError,
      where="load_state_dict into Tanh", expected="the net that was saved", got="1 unexpected ('a')", do="strict=False")
wrong("nn", "entries of another size", lambda: nn.Linear(4, 3).load_state_dict(nn.Linear(4, 2).state_dict()),
      RuntimeError, where="load_state_dict into Linear", expected="expected (3, 4)", got="shape (2, 4)",
      do="build the net that was saved")
wrong("nn", "a path for a state", lambda: net().load_state_dict("net.npz"), TypeError,
      where="load_state_dict", expected="a dict", got="got str", do="tl.load(path)")
wrong("nn", "PyTorch's BCELoss", lambda: nn.BCELoss(), AttributeError,
      where="nn ", expected="BCEWithLogitsLoss", got="'BCELoss'", do="write ")
wrong("nn", "PyTorch's one_hot", lambda: F.one_hot(labels, 3), AttributeError,
      where="nn.functional", expected="np.eye(", got="'one_hot'", do="write ")

# --- losses ------------------------------------------------------------------------------------------------------------

wrong("nn", "labels counted from 1", lambda: F.cross_entropy(tl.zeros(3, 3), [1, 2, 3]), ValueError,
      where="cross_entropy", expected="0 … 2", got="label 3 at position 2", do="Count classes from 0")
wrong("nn", "labels that are floats", lambda: F.cross_entropy(tl.zeros(2, 3), tl.tensor([0.0, 1.0])), TypeError,
      where="cross_entropy", expected="integers", got="float32", do="y.long() or y.astype(int)")
wrong("nn", "one-hot labels", lambda: F.cross_entropy(tl.zeros(2, 3), np.eye(3, dtype=int)[:2]), ValueError,
      where="cross_entropy", expected="labels of shape (2,)", got="got (2, 3)", do="y.argmax(1)")
wrong("nn", "labels in a column", lambda: F.cross_entropy(tl.zeros(2, 3), np.array([[1], [0]])), ValueError,
      where="cross_entropy", expected="labels of shape (2,)", got="(2, 1)", do="one class number for each")
wrong("nn", "labels before logits", lambda: F.cross_entropy(tl.tensor([0, 1]), tl.zeros(2, 3)), ValueError,
      where="cross_entropy", expected="(N, C)", got="got (2,)", do="logits come first")
wrong("nn", "a weight short of one", lambda: F.cross_entropy(tl.zeros(1, 3), [0], weight=tl.ones(2)), ValueError,
      where="cross_entropy", expected="(3,)", got="(2,)", do="leave none out")
wrong("nn", "a reduction that is none", lambda: F.mse_loss(tl.ones(2), tl.ones(2), reduction="avg"), ValueError,
      where="mse_loss", expected="'mean', 'sum' or 'none'", got="'avg'", do="name one of these")
wrong("nn", "a column beside a row", lambda: F.mse_loss(tl.zeros(3, 1), tl.zeros(3)), ValueError,
      where="mse_loss", expected="one shape", got="(3, 1)|(3,)", do="squeeze or reshape")

# --- optimisers and schedules ------------------------------------------------------------------------------------------

wrong("optim", "no parameters", lambda: optim.SGD(nn.Tanh().parameters()), ValueError,
      where="optimiser", expected="expected one or more", got="got no parameters", do="Call it anew")
wrong("optim", "the net for its parameters", lambda: optim.SGD(net()), TypeError,
      where="optimiser", expected="a floating Tensor", got="Conv2d(", do="give model.parameters()")
wrong("optim", "parameters() without brackets", lambda: optim.SGD(net().parameters), TypeError,
      where="optimiser", expected="an iterable of tensors", got="a method", do="call it")
wrong("optim", "parameters with names", lambda: optim.SGD(net().named_parameters()), TypeError,
      where="optimiser", expected="a floating Tensor", got="a tuple", do="give model.parameters()")
wrong("optim", "what was computed", lambda: optim.SGD([leaf(2) * 2]), ValueError,
      where="optimiser", expected="leaf", got="the result of mul", do="optimise what it was made of")
wrong("optim", "a negative rate", lambda: sgd(lr=-1), ValueError,
      where="optimiser: lr", expected="[0, inf)", got="got -1", do="usual is 0.01")
wrong("optim", "a rate that is text", lambda: sgd(lr="0.1"), ValueError,
      where="optimiser: lr", expected="[0, inf)", got="'0.1'", do="usual is 0.01")
wrong("optim", "one beta", lambda: optim.Adam([leaf(2)], betas=1.5), ValueError,
      where="optimiser: betas", expected="[0, 1)", got="1.5", do="usual is (0.9, 0.999)")
wrong("optim", "a setting of another name", lambda: optim.SGD([{"params": [leaf(2)], "rate": 1}]), TypeError,
      where="optimiser", expected="'lr'", got="['rate']", do="write one of these")
wrong("optim", "nesterov alone", lambda: sgd(nesterov=True), ValueError,
      where="SGD", expected="needs a momentum", got="got 0.0", do="momentum=0.9")
wrong("optim", "the model's state", lambda: sgd().load_state_dict(net().state_dict()), ValueError,
      where="load_state_dict", expected="'param_groups'", got="0.weight", do="optimizer.state_dict()")
wrong("optim", "a schedule of a net", lambda: StepLR(net(), 3), TypeError,
      where="StepLR", expected="an optimiser", got="got Sequential", do="tl.optim.SGD(…)")
wrong("optim", "a step of nothing", lambda: StepLR(sgd(), 0), ValueError,
      where="StepLR", expected="at least 1", got="got 0", do="give how many steps")
wrong("optim", "a cosine of nothing", lambda: CosineAnnealingLR(sgd(), 0), ValueError,
      where="CosineAnnealingLR", expected="at least 1", got="got 0", do="give how many steps")
wrong("optim", "a cycle without a length", lambda: OneCycleLR(sgd(), 0.1), ValueError,
      where="OneCycleLR", expected="its length", got="epochs=None", do="give total_steps")
wrong("optim", "a cycle that is over", after_epochs, ValueError,
      where="OneCycleLR", expected="the 2 steps", got="step 3 ", do="give it as many")
wrong("optim", "functions for groups", lambda: LambdaLR(sgd(), [abs, abs]), ValueError,
      where="LambdaLR", expected="1 groups", got="2 entries", do="give one each")
wrong("optim", "a number for a function", lambda: LambdaLR(sgd(), 0.5), TypeError,
      where="LambdaLR: lr_lambda", expected="a function of the step", got="0.5", do="write lambda t")
wrong("optim", "one milestone", lambda: MultiStepLR(sgd(), 30), TypeError,
      where="MultiStepLR: milestones", expected="a list of steps", got="got 30", do="write [30]")
wrong("optim", "clipping a net", lambda: nn.utils.clip_grad_norm_(net().parameters(), 1.0), AttributeError,
      where="nn.utils", expected="tl.optim.clip_grad_norm_", got="'clip_grad_norm_';", do="write ")

# --- data --------------------------------------------------------------------------------------------------------------

wrong("data", "labels for other pictures", lambda: tl.data.ArrayDataset(pictures, labels[:4]), ValueError,
      where="ArrayDataset", expected="the same length", got="(4,)", do="give one target a picture")
wrong("data", "batches of nothing", lambda: tl.data.DataLoader(tl.data.ArrayDataset(pictures, labels), 0), ValueError,
      where="DataLoader", expected="an integer ≥ 1", got="got 0", do="usual is 64")
wrong("data", "pictures without labels", lambda: list(tl.data.DataLoader(pictures, 2).epoch(0)), ValueError,
      where="DataLoader: dataset[0]", expected="a pair (picture, target)", got="got ndarray", do="tl.data.ArrayDataset(x, y)")
wrong("data", "names for labels",
      lambda: list(tl.data.DataLoader(tl.data.ArrayDataset(pictures, np.array(list("abcabc"))), 2).epoch(0)), TypeError,
      where="DataLoader", expected="must be numbers", got="got a;", do="np.unique(names, return_inverse=True)")
wrong("data", "pictures of several sizes",
      lambda: list(tl.data.DataLoader([(pictures[0], 0), (pictures[0, :, :5], 1)], 2).epoch(0)), ValueError,
      where="DataLoader", expected="(1, 8, 8)", got="(1, 5, 8)", do="resize or crop")
wrong("data", "a folder that is not there", lambda d: tl.data.image_folder(d / "nowhere"), ValueError,
      where="image_folder", expected="a folder for each class", got="nowhere does not exist", do="FOLDER/cat/1.png")
wrong("data", "pictures without classes", lambda d: tl.data.image_folder(d / "flat"), ValueError,
      where="image_folder", expected="a folder for each class", got="lie in no class's folder", do="FOLDER/cat/1.png")
wrong("data", "one class", lambda d: tl.data.image_folder(d / "one"), ValueError,
      where="image_folder", expected="to tell apart", got="only one class", do="add a folder")
wrong("data", "a class without pictures", lambda d: tl.data.image_folder(d / "holes"), ValueError,
      where="image_folder", expected="pictures in", got="cow", do="add some or remove the folder")
wrong("data", "two sizes", lambda d: tl.data.image_folder(d / "holes", size=(8, 8)), ValueError,
      where="image_folder: size", expected="an integer ≥ 1", got="(8, 8)", do="size=64")
wrong("data", "a text for a picture", lambda d: tl.data.read_picture(d / "notes.txt"), PictureError,
      where="notes.txt", expected="a known kind", got="it is no picture", do="save it as PNG or JPEG")
wrong("data", "files to be fetched first", lambda d: tl.data.mnist(d / "bare"), FileNotFoundError,
      where="mnist:", expected="train-images-idx3-ubyte.gz", got="no ", do="download=True")
wrong("data", "accuracy the wrong way round", lambda: tl.metrics.accuracy(labels, np.zeros((6, 3))), ValueError,
      where="accuracy", expected="logits (N, K)", got="(6,) and (6, 3)", do="logits come first")
wrong("data", "confusion of logits", lambda: tl.metrics.confusion_matrix(np.zeros((6, 3)), labels, 3), ValueError,
      where="confusion_matrix", expected="class numbers of one shape", got="(6, 3)", do="logits.argmax(1)")
wrong("data", "confusion of fewer classes", lambda: tl.metrics.confusion_matrix(labels, labels, 2), ValueError,
      where="confusion_matrix", expected="0 … 1", got="0 … 2", do="count from 0")
wrong("data", "more than all", lambda: tl.metrics.top_k_accuracy(np.zeros((6, 3)), labels, 5), ValueError,
      where="top_k_accuracy", expected="from 1 to the 3 classes", got="got 5", do="give a smaller one")

# --- files -------------------------------------------------------------------------------------------------------------

wrong("io", "PyTorch's file", lambda d: tl.load(d / "net.pt"), FileError,
      where="net.pt", expected=".safetensors or .npz", got="'.pt'", do="safetensors.torch.save_file")
wrong("io", "a file of no kind", lambda d: tl.save(net(), d / "net"), FileError,
      where="net:", expected=".safetensors or .npz", got="''", do="choose one of these")
wrong("io", "a text called .npz", lambda d: tl.load(d / "fake.npz"), FileError,
      where="fake.npz", expected="no .npz file", got="but a text", do="give the file that tl.save wrote")
wrong("io", "a text called .safetensors", lambda d: tl.load(d / "fake.safetensors"), FileError,
      where="fake.safetensors", expected="no .safetensors file", got="but a text", do="give the file that tl.save")
wrong("io", "a file cut short", lambda d: tl.load(d / "empty.npz"), FileError,
      where="empty.npz", expected="expected arrays", got="is empty", do="save it again")
wrong("io", "a folder to be loaded", lambda d: tl.load(d), FileError,
      where="files", expected="expected a file", got="is a folder", do="give the name of one in it")
wrong("io", "objects", lambda d: tl.load(d / "objects.npz"), FileError,
      where="objects.npz: entry 'a'", expected="expected numbers", got="Python objects", do="save plain arrays")
wrong("io", "a folder that is missing", lambda d: tl.save(net(), d / "nowhere" / "net.npz"), FileNotFoundError,
      where="net.npz", expected="nothing was saved", got="No such file or directory", do="make its folder first")
wrong("io", "the path first", lambda d: tl.save(d / "net.npz", net()), TypeError,
      where="tl.save", expected="the path of a file", got="got Sequential", do="tl.save(model, path)")
wrong("io", "a list of arrays", lambda d: tl.save([np.ones(2)], d / "list.npz"), TypeError,
      where="save:", expected="arrays by name", got="got list", do="give a dict")
wrong("io", "half precision in a file", lambda d: tl.save({"a": np.ones(2, np.float16)}, d / "half.npz"), FileError,
      where="half.npz: entry 'a'", expected="float32", got="float16", do="convert it")
wrong("io", "a net without its name", lambda d: tl.models.load(d / "plain.npz"), FileError,
      where="plain.npz", expected="made by tl.models.build", got="names no architecture", do="model.load_state_dict(")

# --- training ----------------------------------------------------------------------------------------------------------

wrong("train", "lengths that differ", lambda: fit(pictures, labels[:4]), ValueError,
      where="ArrayDataset", expected="the same length", got="(4,)", do="give one target a picture")
wrong("train", "channels last in training", lambda: fit(pictures.transpose(0, 2, 3, 1), labels), ValueError,
      where="fit, epoch 1, step 1|layer '0'", expected="needs 1", got="8 channels", do="x.permute(0, 3, 1, 2)")
wrong("train", "pictures in float64", lambda: fit(pictures.astype(float), labels), TypeError,
      where="fit, epoch 1", expected="parameters float32", got="pictures are float64", do="x.astype(np.float32)")
wrong("train", "labels from 1 in training", lambda: fit(pictures, labels + 1), ValueError,
      where="fit, epoch 1", expected="0 … 2", got="label 3", do="Count classes from 0")
wrong("train", "labels in float64", lambda: fit(pictures, labels.astype(float)), TypeError,
      where="fit, epoch 1", expected="integers", got="float64", do="y.astype(int)")
wrong("train", "pictures alone", lambda: tl.fit(net(), pictures, epochs=1), TypeError,
      where="train must", expected="a pair (x, y)", got="numpy.ndarray", do="put both into brackets")
wrong("train", "a folder for data", lambda: tl.fit(net(), "photographs", epochs=1), TypeError,
      where="train must", expected="be data", got="'photographs'", do="tl.data.image_splits(path)")
wrong("train", "no pictures", lambda: fit(pictures[:0], labels[:0]), ValueError,
      where="train", expected="one or more", got="is empty", do="look at how it was selected")
wrong("train", "no epochs", lambda: fit(pictures, labels, epochs=0), ValueError,
      where="fit: epochs", expected="an integer ≥ 1", got="got 0", do="give a whole number")
wrong("train", "an optimiser not made", lambda: fit(pictures, labels, optimizer="adam"), TypeError,
      where="fit: optimizer", expected="must be made before", got="'adam'", do="tl.optim.Adam(model.parameters(), lr=1e-3)")
wrong("train", "another net's optimiser", lambda: fit(pictures, labels, optimizer=optim.SGD(net().parameters())),
      ValueError, where="fit:", expected="parameters()", got="none of the model's parameters", do="make it of this")
wrong("train", "a class for a net", lambda: tl.fit(nn.Sequential, (pictures, labels), epochs=1), TypeError,
      where="fit:", expected="a tl.nn.Module", got="the class Sequential", do="make a net of it")
wrong("train", "going on from nowhere", lambda: fit(pictures, labels, resume=True), ValueError,
      where="fit:", expected="from a checkpoint", got="resume=True", do="out=")
wrong("train", "pictures that hold NaN", lambda: fit(pictures * np.nan, labels), FloatingPointError,
      where="fit, epoch 1, step 1", expected="look at the data", got="the loss is nan", do="Lower the learning rate")
wrong("train", "no batch to predict", lambda: tl.predict(net(), pictures[0]), ValueError,
      where="conv2d", expected="(N, C, H, W)", got="(1, 8, 8)", do="x[None]")

# --- explaining --------------------------------------------------------------------------------------------------------

wrong("explain", "a class by its name", lambda: ex.gradient(net(), pictures, "cat"), ValueError,
      where="explain", expected="given by its number", got="got 'cat'", do="classes.index('cat')")
wrong("explain", "a class beyond the last", lambda: ex.gradient(net(), pictures, 7), ValueError,
      where="explain", expected="0 … 2", got="target 7", do="count classes from 0")
wrong("explain", "targets for other pictures", lambda: ex.gradient(net(), pictures, [0, 1]), ValueError,
      where="explain: target", expected="one for each of the 6 pictures", got="(2,)", do="a function of the logits")
wrong("explain", "one-hot targets", lambda: ex.gradient(net(), pictures, np.eye(3)[labels]), ValueError,
      where="explain: target", expected="one class number", got="float64 of shape (6, 3)", do="y.argmax(1)")
wrong("explain", "pictures before the net", lambda: ex.gradient(pictures, net(), 1), TypeError,
      where="explain", expected="pictures x", got="got Sequential", do="the order is method(model, x, target)")
wrong("explain", "a class for a net to explain", lambda: ex.gradient(nn.Sequential, pictures, 1), TypeError,
      where="explain", expected="a tl.nn.Module", got="the class Sequential", do="make a net of it")
wrong("explain", "pictures as bytes", lambda: ex.gradient(net(), pictures.astype(np.uint8), 1), TypeError,
      where="explain", expected="float32 and float64", got="uint8", do=".to(tl.float32)")
wrong("explain", "pictures that hold NaN to explain", lambda: ex.gradient(net(), pictures * np.nan, 1), ValueError,
      where="explain: picture 0", expected="finite numbers", got="NaN", do="look at how it was made")
wrong("explain", "a net that detaches", lambda: ex.gradient(Cut(), pictures, 1), RuntimeError,
      where="explain", expected="gradient in x", got="has no", do="does the model detach")
wrong("explain", "a layer by another's name", lambda: ex.grad_cam(net(), pictures, 1, layer="conv1"), ValueError,
      where="explain: Sequential", expected="0, 1, 2, 3", got="'conv1'", do="it has:")
wrong("explain", "a layer without planes", lambda: ex.grad_cam(net(), pictures, 1, layer="3"), ValueError,
      where="layer '3'", expected="(N, K, h, w)", got="(6, 3)", do="name a convolution's")
wrong("explain", "Grad-CAM without planes", lambda: ex.grad_cam(dense(), pictures, 1), ValueError,
      where="explain:", expected="(N, K, h, w)", got="no layer of this model", do="use gradient")
wrong("explain", "nothing to rectify", lambda: ex.guided_backprop(dense(), pictures, 1), ValueError,
      where="guided_backprop", expected="ReLU", got="nothing to rectify", do="use gradient")
wrong("explain", "a baseline called black", lambda: ex.integrated_gradients(net(), pictures, 1, baseline="black"),
      ValueError, where="explain:", expected="mean, blur", got="'black'", do="give a number")
wrong("explain", "a window over all", lambda: ex.occlusion(net(), pictures, 1, window=20), ValueError,
      where="occlusion", expected="the pictures, (8, 8)", got="(20, 20)", do="give a smaller one")
wrong("explain", "a method nearly right", lambda: ex.smoothgrad(net(), pictures, 1, method="gradient"), TypeError,
      where="smoothgrad: method", expected="tl.explain.gradient", got="'gradient'", do="tl.explain.ready")

# --- visualising, checking ---------------------------------------------------------------------------------------------


def rendered(objective, model=None):
    """The rendering of an objective, in one step."""
    return visualize.render(model or net(), objective, visualize.pixel((1, 1, 8, 8)), steps=1)


wrong("visualize", "a class by its name to see", lambda: visualize.logit("cat"), TypeError,
      where="visualize", expected="by its number", got="got 'cat'", do="classes.index('cat')")
wrong("visualize", "a class beyond the last to see", lambda: rendered(visualize.logit(7)), ValueError,
      where="visualize: class", expected="0 … 2", got="7 is", do="count from 0")
wrong("visualize", "a layer that is not there to see", lambda: rendered(visualize.channel("conv1", 0)), ValueError,
      where="visualize: Sequential", expected="0, 1, 2, 3", got="'conv1'", do="it has:")
wrong("visualize", "a layer itself", lambda: visualize.channel(nn.ReLU(), 0), TypeError,
      where="visualize: a layer", expected="its dotted name", got="a ReLU", do="write channel('0', 3)")
wrong("visualize", "a number for an objective", lambda: rendered(3), TypeError,
      where="visualize", expected="objectives", got="got int", do="such as logit(3)")

wrong("check", "whole numbers to check", lambda: tl.gradcheck(lambda x: x * 2, np.array([1, 2])), ValueError,
      where="gradcheck", expected="floating arrays", got="int64 (2,)", do="such as rng.normal(size=(2, 3))")
wrong("check", "a list to check", lambda: tl.gradcheck(lambda x: x * 2, [1.0, 2.0]), ValueError,
      where="gradcheck", expected="floating arrays", got="float, float", do="such as rng.normal(size=(2, 3))")
wrong("check", "a function that returns arrays", lambda: tl.gradcheck(lambda x: x.detach().numpy(), np.ones(2)),
      TypeError, where="gradcheck", expected="must return tensors", got="got ndarray", do="leave out detach()")
wrong("check", "a function that returns nothing", lambda: tl.gradcheck(lambda x: None, np.ones(2)), TypeError,
      where="gradcheck", expected="must return tensors", got="got None", do="return the result")
wrong("check", "a rule that is half of it",
      lambda: tl.gradcheck(defined(lambda x: x * x, lambda g, x: g * x), np.full(2, 3.0)), GradcheckError,
      where="gradcheck: the gradient of", expected="numeric ", got="analytic ", do="an input that enters twice")
wrong("check", "a graph that is cut", lambda: tl.gradcheck(lambda x: x.detach(), np.ones(2)), GradcheckError,
      where="gradcheck: the gradient of x", expected="numeric ", got="analytic 0", do="a detach() or .data cuts the graph")
wrong("check", "ties of a kind", lambda: tl.gradcheck(lambda x: x * 2, np.ones(2), ties="last"), ValueError,
      where="gradcheck: ties", expected="None or 'first'", got="'last'", do="leave it out")

# --- the command line, devices -----------------------------------------------------------------------------------------

wrong("commands", "a command misspelt", lambda: command("trian"), SystemExit,
      where="COMMAND", expected="'train'", got="'trian'", do="choose from")
wrong("commands", "an option that is not there", lambda d: command("predict", d / "net.safetensors", "--size", "3"),
      SystemExit, where="arguments", expected="what there is", got="--size", do="tinylucid --help")
wrong("commands", "no epochs on the line", lambda: command("train", "photographs", "--epochs", "0"), SystemExit,
      where="--epochs", expected="an integer ≥ 1", got="'0'", do="tinylucid train --help")
wrong("commands", "a folder that is not there on the line", lambda d: command("train", d / "nowhere"), SystemExit,
      where="image_folder", expected="a folder for each class", got="does not exist", do="FOLDER/cat/1.png")
wrong("commands", "a picture for a net", lambda d: command("predict", d / "picture.png", d / "picture.png"), SystemExit,
      where="picture.png", expected=".safetensors or .npz", got="'.png'", do="choose one of these")
wrong("commands", "a class misspelt",
      lambda d: command("explain", d / "net.safetensors", d / "picture.png", "--class", "cart"), SystemExit,
      where="class", expected="cat, dog", got="'cart'", do="perhaps 'cat'")
wrong("commands", "a method that wants more",
      lambda d: command("explain", d / "net.safetensors", d / "picture.png", "--methods", "expected_gradients"),
      SystemExit, where="expected_gradients", expected="other pictures", got="compares", do="--background IMAGE")
wrong("commands", "a file without a function", lambda: command("gradcheck", "layers.py"), SystemExit,
      where="tinylucid:", expected="MODULE:FUNCTION", got="'layers.py'", do="my_layers.py:attention")
wrong("commands", "a shape with commas",
      lambda d: command("gradcheck", f"{d}/layers.py:double", "--shape", "3,4"), SystemExit,
      where="--shape", expected="sizes such as 2x3x8x8", got="'3,4'", do="--help")
wrong("commands", "a file for a folder",
      lambda d: command("visualize", d / "net.safetensors", "--out", d / "notes.txt"), SystemExit,
      where="notes.txt", expected="nothing can be saved in", got="it is no folder", do="give another folder by --out")

wrong("devices", "a GPU called gpu", lambda: tl.ones(2, device="gpu"), ValueError,
      where="ones:", expected="'cpu', 'cuda' or 'auto'", got="'gpu'", do="a GPU is called 'cuda'")
wrong("devices", "a dtype that is none", lambda: tl.ones(2).to("flaot32"), ValueError,
      where="to:", expected="expected a dtype", got="'flaot32'", do="write tl.float32, or 'cuda'")
wrong("devices", "a Mac's GPU", lambda: net().to("mps"), ValueError,
      where="Sequential.to", expected="'cpu', 'cuda' or 'auto'", got="'mps'", do="write tl.float32, or 'cuda'")
wrong("devices", "a second card", lambda: tl.ones(2).to("cuda:1"), ValueError,
      where="to:", expected="'cpu', 'cuda' or 'auto'", got="'cuda:1'", do="CUDA_VISIBLE_DEVICES")
wrong("devices", "no GPU", lambda: without_gpu(lambda: tl.ones(2).cuda()), driver.NoGPU,
      where="no GPU", expected="CuPy", got="is not installed", do="pip install 'tinylucid[gpu]'")
# fmt: on


# --- the tests ---------------------------------------------------------------------------------------------------------


def apart(message, texts, taken=()):
    """Whether each text stands in the message at a place of its own, no two places overlapping."""
    if not texts:
        return True
    spans = [match.span() for match in re.finditer(f"(?={re.escape(texts[0])})", message)]
    spans = [(start, start + len(texts[0])) for start, _ in spans]
    free = [s for s in spans if all(s[1] <= t[0] or t[1] <= s[0] for t in taken)]
    return any(apart(message, texts[1:], (*taken, s)) for s in free)


@pytest.mark.parametrize("name", ROWS)
def test_the_message_teaches(name, folder):
    """Its four parts stand there, apart; it is short, and names nothing of Python's insides."""
    row = ROWS[name]
    with np.errstate(all="ignore"), pytest.raises(row.error) as caught:
        row.call(folder)
    message = str(caught.value)
    texts = [text for part in row[3:] for text in part.split("|")]
    missing = [text for text in texts if text not in message]
    assert not missing, f"{missing} not in: {message}"
    assert apart(message, texts), f"parts share a place in: {message}"
    for inside in ("__array_ufunc__", "NoneType", "object at 0x", "Traceback", "<locals>", "function <"):
        assert inside not in message
    assert len(message.replace(str(folder), "FOLDER")) <= 400, message
    assert message == message.strip()
    assert "  " not in message
    assert "!" not in message


def test_parts_are_found_apart():
    assert apart("add: got 2, expected 2", ["add", "2", "2"])
    assert not apart("add: got 2", ["add", "2", "2"])
    assert not apart("abab", ["aba", "bab"])
    assert apart("aa", ["a", "a"])


def test_a_name_is_guessed_by_what_it_nearly_is():
    """In any case; what Python itself asks for is not guessed at, nor what is like nothing."""
    for look, words in (
        (lambda: nn.crossentropyloss, "nn has no attribute 'crossentropyloss'; perhaps CrossEntropyLoss"),
        (lambda: optim.adam, "optim has no attribute 'adam'; perhaps Adam"),
        (lambda: tl.ones(1).shap, "Tensor has no attribute 'shap'; perhaps shape"),
        (lambda: tl.ones(1).__lenn__, "Tensor has no attribute '__lenn__'"),
        (lambda: tl.nothing_alike, "tinylucid has no attribute 'nothing_alike'; dir() lists what there is"),
        (lambda: nn.utils.spectral, "nn.utils has no attribute 'spectral'; perhaps spectral_norm"),
    ):
        with pytest.raises(AttributeError) as caught:
            look()
        assert str(caught.value) == words


def test_what_is_advised_is_there():
    """Every name that is to be written in place of another is this engine's, and the other is not."""
    places = {"Tensor": tl.ones(1), "tinylucid": tl, "nn": nn, "nn.functional": F, "nn.utils": nn.utils, "optim": optim}
    for place, names in INSTEAD.items():
        for name, advice in names.items():
            assert not hasattr(places[place], name)
            for dotted in re.findall(r"\b(?:tl|nn|F|x)\.[\w.]+", advice):
                owner, *path = dotted.split(".")
                found = {"tl": tl, "nn": nn, "F": F, "x": tl.ones(2)}[owner]
                for step in path:
                    found = getattr(found, step)


def test_the_table_covers_the_house():
    rooms = Counter(row.room for row in ROWS.values())
    wanted = {"ops", "nn", "optim", "data", "io", "train", "explain", "visualize", "check", "commands", "devices"}
    assert set(rooms) == wanted
    assert min(rooms.values()) >= 3, rooms
    assert len(ROWS) >= 100
    assert all(all(row[3:]) for row in ROWS.values())
