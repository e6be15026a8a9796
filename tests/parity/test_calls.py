"""Every public function, called with all its arguments by position and by name, and with arguments that make no sense.

The other files draw shapes and values for the functions of a family; this one has a line for each name, and a test that
none is missing: a new function comes with its line.
"""

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinylucid as tl

from .compare import agree, both_raise, noise

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


def some(*shape):
    """Normal numbers of that shape, to be drawn anew."""
    return np.zeros(shape)


def every(names, given):
    """These functions take the same arguments."""
    return dict.fromkeys(names.split(), given)


x, labels = {"x": some(2, 3)}, np.array([2, 0])
along = {"input": some(2, 3, 2), "dim": 1, "keepdim": True}
pair = {"input": some(2, 3), "target": some(2, 3), "reduction": "sum"}
pictures, window = {"input": some(2, 3, 5, 4)}, {"kernel_size": 2, "stride": (2, 1), "padding": 1}
affine = {"weight": some(4), "bias": some(4), "eps": 0.1}
moving = {"running_mean": np.zeros(3, "int64"), "running_var": np.ones(3, "int64")}  # integers stand for constants
ARGUMENTS = {  # arrays of floats are inputs, of integers constants
    **every("abs cos exp neg relu sigmoid sign sin tanh", x),
    **every("add maximum minimum mul sub equal", {"x": some(2, 3), "y": some(3)}),
    **every("argmax argmin logsumexp max mean min sum", along),
    **every("std var", {**along, "correction": 0}),
    **every("clamp clip", {"input": some(2, 3), "min": -0.5, "max": 0.75}),
    **every("softmax log_softmax unsqueeze", {"input": some(2, 3), "dim": -1}),
    **every("logsigmoid silu", {"input": some(2, 3)}),
    **every("l1_loss mse_loss", pair),
    "adaptive_avg_pool2d": {**pictures, "output_size": (2, 3)},
    "adaptive_max_pool2d": {**pictures, "output_size": (2, 3), "return_indices": True},
    "affine_grid": {"theta": some(2, 2, 3), "size": (2, 1, 3, 4), "align_corners": True},
    "avg_pool2d": {**pictures, **window, "ceil_mode": True, "count_include_pad": False, "divisor_override": 3},
    "batch_norm": {**pictures, **moving, "weight": some(3), "bias": some(3), "training": False, "eps": 0.1},
    "binary_cross_entropy_with_logits": {**pair, "weight": np.array([1, 2, 3]), "pos_weight": np.array([3, 1, 2])},
    "conv2d": {"input": some(2, 4, 5, 5), "weight": some(6, 2, 2, 3), "bias": some(6), "stride": (2, 1)}
    | {"padding": (1, 2), "dilation": (1, 2), "groups": 2},
    "conv_transpose2d": {"input": some(2, 4, 3, 3), "weight": some(4, 3, 2, 3), "bias": some(6), "stride": (2, 3)}
    | {"padding": (1, 0), "output_padding": (1, 0), "groups": 2, "dilation": (2, 1)},
    "cross_entropy": {"input": some(2, 3), "target": labels, "weight": np.array([1, 2, 3]), "ignore_index": 1}
    | {"reduction": "none", "label_smoothing": 0.2},
    "dropout": {"input": some(2, 3), "p": 0.5, "training": False},
    "elu": {"input": some(2, 3), "alpha": 0.5},
    "embedding": {"input": np.array([[2, 0], [0, 1]]), "weight": some(3, 2), "padding_idx": 1},
    "flatten": {"input": some(2, 3, 2, 2), "start_dim": 1, "end_dim": 2},
    "gather": {"input": some(2, 3), "dim": 1, "index": np.array([[0, 2, 2], [1, 0, 1]])},
    "gelu": {"input": some(2, 3), "approximate": "tanh"},
    "grid_sample": {**pictures, "grid": some(2, 3, 2, 2), "mode": "bilinear", "padding_mode": "border"}
    | {"align_corners": True},
    "group_norm": {"input": some(2, 4, 3), "num_groups": 2, **affine},
    "instance_norm": {**pictures, **moving, "weight": some(3), "bias": some(3), "use_input_stats": False, "eps": 0.1},
    "interpolate": {**pictures, "size": None, "scale_factor": (2.0, 1.5), "mode": "bilinear", "align_corners": False}
    | {"recompute_scale_factor": True},
    "kl_div": {"input": some(2, 3), "target": some(2, 3), "reduction": "batchmean", "log_target": True},
    "layer_norm": {"input": some(2, 3, 4), "normalized_shape": (4,), **affine},
    "leaky_relu": {"input": some(2, 3), "negative_slope": 0.2},
    "linear": {"input": some(2, 3, 4), "weight": some(5, 4), "bias": some(5)},
    "matmul": {"input": some(2, 3, 4), "other": some(4, 2)},
    "max_pool2d": {**pictures, **window, "dilation": 1, "ceil_mode": True, "return_indices": True},
    "max_unpool2d": {"input": some(1, 1, 2, 1), "indices": np.array([[[[7], [2]]]]), "kernel_size": (2, 3)}
    | {"stride": (3, 4), "padding": (1, 0), "output_size": (4, 3)},
    "nll_loss": {"input": some(2, 3), "target": labels, "weight": np.array([1, 2, 3]), "ignore_index": 1}
    | {"reduction": "sum"},
    "pad": {"input": some(2, 3), "pad": (1, 2), "mode": "constant", "value": 0.5},
    "smooth_l1_loss": {**pair, "beta": 0.5},
    "softplus": {"input": some(2, 3), "beta": 2.0, "threshold": 1.0},
    "squeeze": {"input": some(2, 1, 3, 1), "dim": 1},
    "transpose": {"input": some(2, 3, 4), "dim0": 0, "dim1": -1},
    "where": {"condition": labels > 0, "input": some(3, 2), "other": some(2)},
}
OWN_WAY = {  # of two tensors, where sizes or lists are arguments, or values must be positive
    "cat": lambda t, x, y: t.cat(tensors=[x, y], dim=-1),
    "concatenate": lambda t, x, y: t.concatenate([x, y], 1),
    "div": lambda t, x, y: t.div(x, y * y + 0.5),
    "expand": lambda t, x, y: x.expand(2, -1, -1) + y,
    "log": lambda t, x, y: t.log(x * x + 0.5) * y,
    "permute": lambda t, x, y: t.permute(x, (1, 0)) + t.permute(y, (-1, 0)),
    "pow": lambda t, x, y: t.pow(input=x, exponent=3) + t.pow(y * y + 0.5, x),
    "reshape": lambda t, x, y: t.reshape(x, (3, -1)) + t.reshape(y, (3, 2)),
    "split": lambda t, x, y: [*t.split(x, 2, 1), *y.split(split_size=[1, 1], dim=0)],
    "sqrt": lambda t, x, y: t.sqrt(x * x + 0.5) * y,
    "stack": lambda t, x, y: t.stack(tensors=[x, y], dim=-1),
    "sum_to_size": lambda t, x, y: x.sum_to_size(1, 3) * y,
}


def function(t, name):
    """The function of that name where the library has it."""
    return getattr(t.nn.functional, name, None) or getattr(t, name)


def inputs(name):
    """The shapes of the inputs, and the constants."""
    arrays = [a for a in ARGUMENTS[name].values() if isinstance(a, np.ndarray)]
    return [a.shape for a in arrays if a.dtype.kind == "f"], [a for a in arrays if a.dtype.kind != "f"]


def arguments(name, tensors, by_name):
    """What to call the function with: (positional, by name). ``tensors``: the inputs, then the constants."""
    given = dict(ARGUMENTS[name])
    arrays = [key for key, a in given.items() if isinstance(a, np.ndarray)]
    arrays.sort(key=lambda key: given[key].dtype.kind != "f")
    given.update(zip(arrays, tensors))
    for key in ("weight", "pos_weight", *moving):
        if key in given:
            given[key] = given[key].to(given["weight" if name == "embedding" else "input"].dtype)
    args = []
    for key, p in inspect.signature(function(tl, name)).parameters.items():
        if key not in given or p.kind == p.KEYWORD_ONLY or (by_name and key not in ("x", "y")):
            break
        args.append(given.pop(key))
    return args, given


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("name", ARGUMENTS)
@given(seed=st.integers(0, 9999))
def test_call(name, by_name, seed):
    if name == "equal":  # elementwise here, see examples/guide/pytorch.md
        return
    shapes, constants = inputs(name)

    def f(t, *tensors):
        args, given = arguments(name, tensors, by_name)
        return function(t, name)(*args, **given)

    agree(f, *[noise(shape, seed + k) for k, shape in enumerate(shapes)], fixed=constants)


@pytest.mark.parametrize("name", OWN_WAY)
@given(seed=st.integers(0, 9999))
def test_call_of_its_own(name, seed):
    agree(OWN_WAY[name], noise((2, 3), seed), noise((2, 3), seed + 1))


def test_every_function_has_its_line():
    assert {*tl.nn.functional.__all__, *tl.ops.__all__} == {*ARGUMENTS, *OWN_WAY}


NUMPY = ["abs", "cos", "exp", "sign", "sin", "tanh"]  # which read a list as an array
WRONG = {
    "nothing": lambda f, args, given: f(),
    "None": lambda f, args, given: f(None, *args[1:], **given),
    "text": lambda f, args, given: f("x", *args[1:], **given),
    "a list": lambda f, args, given: f([1.0, 2.0], *args[1:], **given),
    "no such argument": lambda f, args, given: f(*args, **given, colour="red"),
    "one too many": lambda f, args, given: f(*args, *[None] * (20 - len(args))),
}


@pytest.mark.parametrize("how", WRONG)
@pytest.mark.parametrize("name", ARGUMENTS)
def test_both_refuse(name, how):
    if (name == "equal" and how == "None") or (name in NUMPY and how == "a list"):  # in examples/guide/pytorch.md
        return
    shapes, constants = inputs(name)

    def wrong(t):
        tensors = [t.tensor(a) for a in [*(noise(shape, 0) for shape in shapes), *constants]]
        WRONG[how](function(t, name), *arguments(name, tensors, by_name=False))

    both_raise(wrong)
