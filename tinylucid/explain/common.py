"""What all methods share: the pictures, the number that is explained, and a model that is left as it was found.

Pictures and maps are NumPy arrays here, whatever the model's device: ``score`` asks the model on its own, and what is taken
out of the model (``values``, ``slope``, a layer's planes) is NumPy's again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from .. import devices, dtypes
from ..nn.module import Module, check_model, device_of, mode
from ..ops import concatenate
from ..patience import patience
from ..scopes import enable_grad, no_grad
from ..tensor import Tensor

Method = Callable[..., Any]  # (model, x, target) → one map a picture


def pixels(x: Any) -> Any:
    """The NumPy array of pictures x (N, …); TypeError unless floating, ValueError for a single number."""
    array = devices.host(x)
    if array.dtype == object:
        got = type(x).__name__
        raise TypeError(f"explain: expected pictures x (N, …), got {got}; the order is method(model, x, target)")
    dtypes.check_floating(array, "explain")
    if not array.ndim:
        raise ValueError("explain: expected pictures x (N, …), got a single number")
    return array


def planes(x: Any) -> Any:
    """As pixels, for what needs a plane: ValueError unless x is (N, C, H, W)."""
    array = pixels(x)
    if array.ndim != 4:
        raise ValueError(
            f"explain: expected pictures x (N, C, H, W), got shape {array.shape}; x[None] makes a batch of one"
        )
    return array


def beside(model: Callable, x: Any) -> Callable:
    """The model beside pictures x: a function has no device of its own, so it is asked on the GPU if they are there."""
    if isinstance(model, Module) or devices.of(x) == "cpu":
        return model
    return lambda pictures: model(pictures.to("cuda"))


# --- the number that is explained -------------------------------------------------------------------------------------


def classes_of(target: Any, n: int) -> Any:
    """``target`` as one class number a picture, (n,); ValueError where it is neither one number nor n."""
    classes = devices.host(target)
    if classes.dtype.kind in "US":
        name = str(classes.flat[0])
        raise ValueError(f"explain: a class is given by its number, such as classes.index({name!r}), got {name!r}")
    if classes.dtype.kind not in "iu" or classes.shape not in ((), (n,)):
        raise ValueError(
            f"explain: target must be one class number, or one for each of the {n} pictures, or a function of the logits; "
            f"got {classes.dtype} of shape {classes.shape}; y.argmax(1) if one-hot"
        )
    return np.broadcast_to(classes, (n,))


def score(model: Callable, x: Tensor, target: Any) -> Tensor:
    """The number to explain, one a picture (N,): the logit of its class, or target(logits), on the model's device.

    Raises ValueError for logits or numbers of another shape, a class that there is not, NaN and infinity.
    """
    n = len(x)
    classes = None if callable(target) else classes_of(target, n)  # before the net has run for nothing
    if isinstance(model, type):
        check_model(model, "explain")
    logits = model(x.to(device_of(model)))
    if not isinstance(logits, Tensor):
        raise TypeError(
            f"explain: expected a Tensor of logits from the model, got {type(logits).__name__}; leave out detach() and numpy()"
        )
    numbers = asked(target, logits, n) if classes is None else picked(logits, classes)
    found = devices.host(numbers)
    if not np.isfinite(found).all():
        k = int((~np.isfinite(found)).argmax())
        if not np.isfinite(devices.host(x)[k]).all():
            raise ValueError(
                f"explain: picture {k} of the {n} in this pass holds NaN or infinity, expected finite numbers; look at how it was made"
            )
        what = "NaN" if np.isnan(found[k]) else "infinite"
        raise ValueError(
            f"explain: what is to be explained is {what} for picture {k} of the {n} in this pass; tl.detect_anomaly() finds "
            "where NaN began"
        )
    return numbers


def asked(target: Callable, logits: Tensor, n: int) -> Tensor:
    """target(logits), one number a picture (n,)."""
    numbers = target(logits)
    if not isinstance(numbers, Tensor) or numbers.shape != (n,):
        raise ValueError(
            f"explain: target(logits) must be a Tensor of one number a picture, ({n},), got {shape_of(numbers)}; "
            f"the logits are {logits.shape}"
        )
    return numbers


def picked(logits: Tensor, classes: Any) -> Tensor:
    """Each picture's logit of its class, (N,), from logits (N, K)."""
    if logits.ndim != 2 or logits.shape[0] != len(classes):
        raise ValueError(
            f"explain: expected logits ({len(classes)}, K) from the model, got {logits.shape}; where each place has logits, "
            "target is a function such as lambda z: z[:, 3].mean((1, 2))"
        )
    k = logits.shape[1]
    outside = classes[(classes < 0) | (classes >= k)]
    if outside.size:
        raise ValueError(
            f"explain: target {outside[0]} is outside 0 … {k - 1}; the model gives {k} logits; count classes from 0"
        )
    return logits[np.arange(len(classes)), classes]


def shape_of(value: Any) -> str:
    """What something is, for a message: its shape if it is a Tensor, else its type."""
    return str(value.shape) if isinstance(value, Tensor) else type(value).__name__


def values(model: Callable, x: Any, target: Any) -> Any:
    """The number to explain of each picture x (N, …), an array (N,), in eval mode; nothing is recorded."""
    with mode(model, False), no_grad():
        return devices.host(score(model, Tensor(x), target))


def check_method(method: Any, where: str) -> None:
    """TypeError for what is no method (model, x, target) → maps, such as a method's name."""
    if not callable(method):
        raise TypeError(
            f"{where}: expected a method such as tl.explain.gradient, got {method!r}; tl.explain.ready gives them by name"
        )


# --- a model that is left as it was found -----------------------------------------------------------------------------


@contextlib.contextmanager
def recording(model: Any) -> Iterator[None]:
    """Eval mode, and calls are recorded even where the caller said no_grad."""
    with mode(model, False), enable_grad():
        yield


# --- many versions of the same pictures -------------------------------------------------------------------------------


def sweep(
    method: Method,
    model: Callable,
    versions: Iterable[Any],
    target: Any,
    n: int,
    batch_size: int,
    what: str = "",
    total: int | None = None,
) -> Iterator[Any]:
    """What ``method`` gives (maps, or numbers by ``values``) for each version (N, …) of the same N pictures, in turn.

    A pass holds as many whole versions as fit into ``batch_size`` pictures, at least one; ValueError if that is below 1.
    ``what`` names the bar that shows, on a terminal, how many of ``total`` versions are done once 2 seconds have passed.
    """
    at_least_one(batch_size, "explain: batch_size")
    rest, fit = iter(versions), max(1, batch_size // max(n, 1))
    with patience(what, total) as bar:
        while some := list(islice(rest, fit)):
            found = method(model, np.concatenate(some), repeated(target, n, len(some)))
            yield from found.reshape(len(some), n, *found.shape[1:])
            bar(len(some))


def repeated(target: Any, n: int, times: int) -> Any:
    """The target of n pictures for ``times`` versions of them, one after the other.

    A function still gets the logits of n pictures at a time, so it may know something about each of them.
    """
    if not callable(target):
        return np.tile(classes_of(target, n), times)
    return target if times == 1 else lambda z: concatenate([target(z[k * n : (k + 1) * n]) for k in range(times)])


def at_least_one(value: Any, name: str) -> None:
    """Raise ValueError unless ``value`` is a whole number of at least 1."""
    if not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
