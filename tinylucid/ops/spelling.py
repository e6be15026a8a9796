"""Names that are looked for in vain: what PyTorch or NumPy call otherwise, and what is nearly spelt so."""

from collections.abc import Callable
from typing import Any

from ..tensor import Tensor

INSTEAD = {  # for each place the names that PyTorch's or NumPy's users look for, and what to write here
    "Tensor": {
        "add_": "x += y",
        "all": "x.numpy().all()",
        "any": "x.numpy().any()",
        "astype": "x.to(dtype)",
        "bool": "x.to(tl.bool)",
        "contiguous": "x alone",
        "copy": "x.clone()",
        "copy_": "x[...] = y",
        "div_": "x /= y",
        "dot": "x @ y",
        "eq": "x == y",
        "fill_": "x[...] = value",
        "half": "x.float()",
        "int": "x.to(tl.int32)",
        "mm": "x @ y",
        "mul_": "x *= y",
        "norm": "(x * x).sum().sqrt()",
        "repeat": "x.expand(sizes)",
        "sub_": "x -= y",
        "t": "x.T",
        "type": "x.to(dtype)",
        "zero_": "x[...] = 0",
    },
    "tinylucid": {
        "FloatTensor": "tl.tensor(data)",
        "LongTensor": "tl.tensor(data)",
        "array": "tl.tensor(data)",
        "as_tensor": "tl.tensor(data)",
        "bmm": "tl.matmul(x, y)",
        "device": "its name, 'cpu' or 'cuda'",
        "double": "tl.float64",
        "empty": "tl.zeros(sizes)",
        "eye": "tl.tensor(np.eye(n, dtype=np.float32))",
        "float": "tl.float32",
        "float16": "tl.float32",
        "from_numpy": "tl.tensor(array), or tl.Tensor(array) to share its memory",
        "inference_mode": "tl.no_grad()",
        "int": "tl.int32",
        "linspace": "tl.tensor(np.linspace(a, b, n), dtype=tl.float32)",
        "long": "tl.int64",
        "mm": "tl.matmul(x, y)",
        "randint": "tl.tensor(rng.integers(low, high, size))",
        "seed": "tl.manual_seed(k)",
    },
    "nn": {
        "BCELoss": "nn.BCEWithLogitsLoss(), on logits",
        "Conv1d": "nn.Conv2d, on pictures of one row",
        "DataParallel": "the net alone",
        "LogSoftmax": "F.log_softmax(x, dim)",
    },
    "nn.functional": {
        "binary_cross_entropy": "F.binary_cross_entropy_with_logits, on logits",
        "one_hot": "np.eye(n, dtype=np.float32)[y]",
    },
    "nn.utils": {"clip_grad_norm_": "tl.optim.clip_grad_norm_(parameters, max_norm)"},
    "optim": {"Adagrad": "tl.optim.RMSprop(parameters)"},
}


def missing(where: str, name: str, there: Any) -> AttributeError:
    """The error for a name that ``where`` does not have among those that are ``there``, with what to write in its place."""
    if name.startswith("__"):  # Python itself asks for these, often
        return AttributeError(f"{where} has no attribute {name!r}")
    import difflib

    names = {n.lower(): n for n in there if not n.startswith("_")}
    near = difflib.get_close_matches(name.lower(), names, 1, 0.7)
    do = f"perhaps {names[near[0]]}" if near else "dir() lists what there is"
    if name in INSTEAD.get(where, {}):
        do = f"write {INSTEAD[where][name]}"
    return AttributeError(f"{where} has no attribute {name!r}; {do}")


def looked_up(where: str, there: Any) -> Callable[..., Any]:
    """A ``__getattr__`` that raises that error, for a module or a class; Python asks it for what it does not find."""

    def __getattr__(*looked_for: Any) -> Any:
        raise missing(where, looked_for[-1], there)

    return __getattr__


Tensor.__getattr__ = looked_up("Tensor", dir(Tensor))  # type: ignore[attr-defined]
