"""Names, order and defaults of arguments against PyTorch's, so that ``F`` can be swapped.

What we take by position stands at the same place there, under the same name, with the same default; what we take by name
alone has that name and default there. So a call that PyTorch takes means the same here or is refused: no argument lands
on another one. What differs stands in DIFFERENT, what is not offered in NOT_OFFERED, each with the reason.
"""

import inspect

import pytest

import tinylucid as tl

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

DOCUMENTED = {  # PyTorch's documentation, where Python cannot ask: built-in functions, overloads, *args
    "conv2d": "input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1",
    "conv_transpose2d": "input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1",
    "avg_pool2d": "input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,"
    " divisor_override=None",
    "max_pool2d": "input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False",
    "adaptive_max_pool2d": "input, output_size, return_indices=False",
    "gelu": "input, *, approximate='none'",
    "linear": "input, weight, bias=None",
    "logsigmoid": "input",
    "softplus": "input, beta=1, threshold=20",
    **dict.fromkeys(["abs", "cos", "exp", "log", "neg", "sign", "sin", "sqrt"], "input, *, out=None"),
    **dict.fromkeys(["add", "sub"], "input, other, *, alpha=1, out=None"),
    **dict.fromkeys(["matmul", "maximum", "minimum", "mul"], "input, other, *, out=None"),
    **dict.fromkeys(["sum", "mean"], "input, dim=None, keepdim=False, *, dtype=None"),
    **dict.fromkeys(["max", "min"], "input, dim=None, keepdim=False, *, out=None"),
    **dict.fromkeys(["argmax", "argmin"], "input, dim=None, keepdim=False"),
    **dict.fromkeys(["var", "std"], "input, dim=None, *, correction=1, keepdim=False, out=None"),
    **dict.fromkeys(["clip", "clamp"], "input, min=None, max=None, *, out=None"),
    **dict.fromkeys(["cat", "concatenate", "stack"], "tensors, dim=0, *, out=None"),
    "div": "input, other, *, rounding_mode=None, out=None",
    "equal": "input, other",
    "flatten": "input, start_dim=0, end_dim=-1",
    "gather": "input, dim, index, *, sparse_grad=False, out=None",
    "logsumexp": "input, dim, keepdim=False, *, out=None",
    "pow": "input, exponent, *, out=None",
    "squeeze": "input, dim=None",
    "transpose": "input, dim0, dim1",
    "unsqueeze": "input, dim",
    "where": "condition, input, other, *, out=None",
    "permute": "input, *dims",  # of the method, which takes a tuple too, and that is all the function takes
    "reshape": "input, *shape",
    **dict.fromkeys(["expand", "sum_to_size"], "input, *size"),
    "split": "tensor, split_size, dim=0",  # of the method; the function says split_size_or_sections
    "tensor": "data, *, dtype=None, device=None, requires_grad=False, pin_memory=False",
    "full": "size, fill_value, *, out=None, dtype=None, layout=None, device=None, requires_grad=False",
    **dict.fromkeys(["ones", "zeros"], "*size, out=None, dtype=None, layout=None, device=None, requires_grad=False"),
    **dict.fromkeys(["rand", "randn"], "*size, generator=None, out=None, dtype=None, device=None, requires_grad=False"),
    **dict.fromkeys(["ones_like", "zeros_like"], "input, *, dtype=None, device=None, requires_grad=False"),
    "GRU": "input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False",
    "LSTM": "input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,"
    " proj_size=0",
    **dict.fromkeys(["Module", "Tanh", "Sigmoid", "LogSigmoid"], ""),
    "Module.to": "device",  # or dtype
    "Module.state_dict": "*, destination=None, prefix='', keep_vars=False",
}

OPERANDS = {"x": "input", "y": "other"}  # operations, whose rules ask for x and y, take their tensors by position
DIFFERENT = {  # our argument: why it has another name or default
    "rng": "PyTorch's generator, by name only",
    "softmax(dim)": "no default; PyTorch's guesses, and warns",
    "log_softmax(dim)": "no default",
    "Softmax(dim)": "no default",
    "Parameter(data)": "no default: nothing is filled in later",
    "Module.to(target)": "a device or a dtype",
    "allow_unused": "False; PyTorch's None means that too",
}
LEGACY = ("size_average", "reduce")
HARDWARE = ("foreach", "capturable", "differentiable", "fused")
NOT_OFFERED = {  # PyTorch's argument: why we have it not
    **dict.fromkeys(LEGACY, "deprecated there; reduction says it"),
    **dict.fromkeys(HARDWARE, "how the update is computed, not what"),
    "inplace": "results are new tensors",
    "out": "results are new tensors",
    **dict.fromkeys(["device", "dtype", "layout", "pin_memory"], "one device; .to(dtype), and creation takes dtype"),
    "generator": "rng",
    "alpha": "of add and sub: x + y * alpha",
    "rounding_mode": "division is division",
    **dict.fromkeys(["_stacklevel", "_weight", "_freeze"], "PyTorch's own"),
    **dict.fromkeys(
        ["max_norm", "norm_type", "scale_grad_by_freq"], "of embeddings, and the 2-norm in clip_grad_norm_"
    ),
    **dict.fromkeys(["sparse", "sparse_grad"], "gradients are dense"),
    "antialias": "interpolate does not blur before it shrinks",
    "l1_loss(weight)": "weigh what reduction='none' gives",
    "mse_loss(weight)": "weigh what reduction='none' gives",
    **{f"{name}(bias)": "affine has both" for name in ("BatchNorm1d", "BatchNorm2d", "GroupNorm", "InstanceNorm2d")},
    "ConvTranspose2d(padding_mode)": "PyTorch too has zeros alone",
    "proj_size": "no projection in LSTM",
    "amsgrad": "rarely used",
    "decoupled_weight_decay": "AdamW",
    "maximize": "minimise the negative",
    **{f"{name}_like(requires_grad)": ".requires_grad_()" for name in ("ones", "zeros")},
    "persistent": "buffers are saved",
    **dict.fromkeys(["memo", "remove_duplicate", "recurse"], "each module once, all of them"),
    **dict.fromkeys(["destination", "keep_vars"], "state_dict gives what it holds, detached"),
    "Module.state_dict(prefix)": "keys are those of the module asked",
    "assign": "load_state_dict copies",
    **dict.fromkeys(["prepend", "always_call", "with_kwargs"], "hooks are called in their order"),
    "epoch": "deprecated there; last_epoch at the start",
    "inputs": "autograd.grad asks for some inputs",
    **dict.fromkeys(["only_inputs", "is_grads_batched", "materialize_grads"], "deprecated there, or rarely used"),
}


def documented(text):
    """The signature in a line of documentation."""
    return inspect.signature(eval(f"lambda {text}: None"))


def parameters(f):
    """The parameters of a function or class, without self."""
    found = f if isinstance(f, inspect.Signature) else inspect.signature(f)
    return {name: p for name, p in found.parameters.items() if name != "self"}


def differs(where, name, table, used):
    """Whether the table says so: of this function's argument, or of the argument everywhere."""
    found = {f"{where}({name})", name} & set(table)
    used |= found
    return bool(found)


def mistakes(where, ours, theirs, used):
    """How our parameters are not PyTorch's, each a line of text; ``used`` collects the entries of the tables."""
    found, order = [], list(theirs)
    for place, (name, p) in enumerate(ours.items()):
        q = theirs.get(OPERANDS.get(name, name))
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            if p.kind not in [other.kind for other in theirs.values()]:
                found.append(f"PyTorch has no {p}")
        elif q is None:
            if not differs(where, name, DIFFERENT, used):
                found.append(f"PyTorch has no {name}")
        elif p.kind != p.KEYWORD_ONLY and (q.kind == q.KEYWORD_ONLY or order.index(q.name) != place):
            found.append(f"{name} stands at {place}, PyTorch has {order}")
        elif p.default != q.default and not differs(where, name, DIFFERENT, used):
            found.append(f"{name}={p.default}, in PyTorch {q.default}")
    for name, q in theirs.items():
        offered = name in ours or name in [OPERANDS.get(n) for n in ours] or q.kind in (q.VAR_POSITIONAL, q.VAR_KEYWORD)
        if not offered and not differs(where, name, NOT_OFFERED, used):
            found.append(f"PyTorch also has {name}")
    return found


OURS = {"bilinear_"}  # PyTorch leaves it to who builds an FCN


def pairs():
    """(name, our callable, PyTorch's or its documented signature) of all that has PyTorch's name."""
    f, nn, optim, lr = tl.nn.functional, tl.nn, tl.optim, tl.optim.lr_scheduler
    made = ["tensor", "full", "ones", "zeros", "rand", "randn", "ones_like", "zeros_like"]
    homes = [
        (f, f.__all__, [torch.nn.functional, torch]),
        (tl, [n for n in tl.ops.__all__ if n not in f.__all__] + made, [torch]),
        (nn, [n for n in nn.__all__ if inspect.isclass(getattr(nn, n))], [torch.nn]),
        (optim, [n for n in optim.__all__ if inspect.isclass(getattr(optim, n))], [torch.optim]),
        (optim, ["clip_grad_norm_"], [torch.nn.utils]),
        (lr, [n for n in dir(lr) if n.endswith("LR") or n == "LRScheduler"], [torch.optim.lr_scheduler]),
        (nn.init, [n for n in dir(nn.init) if n.endswith("_") and n[0] != "_" and n not in OURS], [torch.nn.init]),
        (nn.init, ["calculate_gain"], [torch.nn.init]),
        (nn.utils, ["spectral_norm", "remove_spectral_norm"], [torch.nn.utils]),
        (tl.autograd, ["grad"], [torch.autograd]),
    ]
    for ours, names, theirs in homes:
        for name in names:
            yield name, getattr(ours, name), next((getattr(t, name) for t in theirs if hasattr(t, name)), None)
    for ours, theirs in (
        (nn.Module, torch.nn.Module),
        (optim.Optimizer, torch.optim.Optimizer),
        (lr.LRScheduler, torch.optim.lr_scheduler.LRScheduler),
    ):
        for name, method in vars(ours).items():
            if not name.startswith("_") and callable(method) and hasattr(theirs, name) and name != "forward":
                yield f"{ours.__name__}.{name}", method, getattr(theirs, name)
    yield "Tensor.backward", tl.Tensor.backward, torch.Tensor.backward


PAIRS = {name: (ours, theirs) for name, ours, theirs in pairs()}


def compared(name, used):
    """The mistakes of one name."""
    ours, theirs = PAIRS[name]
    theirs = documented(DOCUMENTED[name]) if name in DOCUMENTED else theirs
    assert theirs is not None, "a name that PyTorch has not"
    return mistakes(name, parameters(ours), parameters(theirs), used)


@pytest.mark.parametrize("name", PAIRS)
def test_signature(name):
    assert compared(name, set()) == []


def test_the_tables_say_nothing_that_is_over():
    used = set()
    for name in PAIRS:
        compared(name, used)
    assert set(DIFFERENT) <= used  # NOT_OFFERED depends on PyTorch's version
    assert set(DOCUMENTED) <= set(PAIRS)
