"""Asking a net: its answers to pictures, and how good they are; and which batches data makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import devices
from ..creation import zeros
from ..data import ArrayDataset, Augment, DataLoader, Splits
from ..data.dataset import as_float
from ..metrics import IGNORED, hits, share
from ..nn import Module
from ..nn import functional as F
from ..nn.module import check_model, device_of, mode
from ..scopes import no_grad
from ..tensor import Tensor

SIZE = 250  # pictures at a time where nothing is learnt


class Evaluation(NamedTuple):
    """The mean loss and the accuracy (0 … 1) over the targets that count, and the logits (N, K, …) of all pictures."""

    loss: float
    accuracy: float
    logits: Any


def evaluate(
    model: Module, data: Any, loss: Callable[[Any, Any], Any] = F.cross_entropy, batch_size: int | None = None
) -> Evaluation:
    """The model's loss, accuracy and logits on data, in eval mode, without recording; the mode is put back afterwards.

    ``data``: a dataset or a pair (x, y), asked ``batch_size`` (250) at a time, or a DataLoader with batches of its own (then
    the logits are in the order of its epoch 0). ``loss(logits, y)`` is a mean over the batch; batches count by their
    targets, those of class −100 not. Accuracy is that of ``tl.metrics.accuracy``, NaN for targets that are neither classes
    nor their shares.
    Raises ValueError for empty data and unknown classes.
    """
    check_model(model, "evaluate")
    loader = as_loader("data", data, batch_size)
    classes = getattr(loader.dataset, "classes", ())
    answers, truths, total, targets = [], [], 0.0, 0
    with mode(model, training=False), no_grad():
        for x, y in loader.epoch(0):
            logits, value = forward(model, loss, x, y, classes)
            answers.append(devices.host(logits))
            total += float(value.item()) * counted(y)
            targets += counted(y)
            truths.append(y)
    found = np.concatenate(answers)
    return Evaluation(total / max(targets, 1), share(hits(found, np.concatenate(truths))), found)


def predict(model: Module, x: Any, batch_size: int | None = None) -> Any:
    """The model's logits for pictures x (N, C, H, W), an array (N, K, …), in eval mode, without recording.

    Bytes 0 … 255 are taken as [0, 1]. x may also be what ``evaluate`` takes. The model's mode is put back afterwards. Raises
    TypeError for pictures of another dtype than the model's.
    """
    check_model(model, "predict")
    with mode(model, training=False), no_grad():
        return np.concatenate([devices.host(answered(model, batch)) for batch in pictures(x, batch_size)])


def pictures(x: Any, batch_size: int | None) -> Iterator[Any]:
    """Batches of pictures, from an array, a tensor or data with targets."""
    if not isinstance(x, (Tensor, list)) and not hasattr(x, "__array__"):
        return (batch for batch, _ in as_loader("x", x, batch_size).epoch(0))
    x, size = as_float(devices.host(x)), batch_size or SIZE
    return (x[k : k + size] for k in range(0, max(len(x), 1), size))  # nothing is one empty batch


def as_loader(
    name: str,
    data: Any,
    batch_size: int | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    augment: Augment | None = None,
    usual: int = SIZE,
    drop_last: bool = False,
) -> DataLoader:
    """The DataLoader itself, or one for a dataset or a pair (x, y) with batches of ``batch_size``, or else of the usual size.

    ``name`` is that of the argument, for messages. ``drop_last``: without a short last batch, if there is a whole one.
    ValueError for settings beside a DataLoader, which has its own.
    """
    if isinstance(data, DataLoader):
        for setting, value in (("batch_size", batch_size), ("seed", seed), ("augment", augment)):
            if value is not None:
                raise ValueError(f"{name} is a DataLoader, which has its own {setting}: give it to that")
        return data
    if isinstance(data, (str, Path)):
        raise TypeError(f"{name} must be data, got the path {str(data)!r}; tl.data.image_splits(path) reads pictures")
    if isinstance(data, Splits):
        raise TypeError(f"{name} must be one dataset, got two as Splits; take .train or .test, or both by *data")
    if isinstance(data, tuple) and len(data) == 2:
        data = ArrayDataset(*data)
    if not hasattr(data, "__getitem__") or not hasattr(data, "__len__") or isinstance(data, (np.ndarray, Tensor)):
        got = f"{type(data).__module__}.{type(data).__qualname__}".removeprefix("builtins.")
        raise TypeError(
            f"{name} must be a tl.data.DataLoader, a dataset or a pair (x, y), got {got}; put both into brackets"
        )
    if not len(data):
        raise ValueError(
            f"{name} is empty: there is no picture in it, expected one or more; look at how it was selected"
        )
    size = usual if batch_size is None else batch_size
    return DataLoader(data, size, shuffle, 0 if seed is None else seed, augment, drop_last and len(data) >= size)


def forward(model: Module, loss: Callable[[Any, Any], Any], x: Any, y: Any, classes: Any) -> tuple[Any, Any]:
    """Logits and loss of a batch; a class that the model has no logit for is told by the data's names."""
    logits = answered(model, x)
    try:
        return logits, loss(logits, y)
    except ValueError as error:
        if y.dtype.kind in "iu" and y.size and logits.ndim > 1 and y.max() >= logits.shape[1] and classes:
            names = ", ".join(classes[:10]) + (", …" if len(classes) > 10 else "")
            raise ValueError(f"{error}; the data has {len(classes)}, build the model for as many: {names}") from error
        raise


def check_rest(model: Module, loss: Callable[[Any, Any], Any], logits: Any, x: Any, y: Any, rest: Any) -> None:
    """ValueError for data that training would stumble over later, as its first batch (x, y) with these logits does not show.

    ``rest`` are pairs (name, dataset), looked through where they are in memory. The loss is asked about the pictures with the
    largest and the least class number, where these are beyond those of the first batch, or about one where masks are of another
    size; the net about a picture where those are of another shape.
    """
    for name, data in rest:
        if not isinstance(data, ArrayDataset) or data.y.dtype.kind not in "iu" or y.dtype.kind not in "iu":
            continue
        counts = np.where(data.y == IGNORED, y.max(), data.y).reshape(len(data), -1)
        most, least, known = counts.max(1).argmax(), counts.min(1).argmin(), y[y != IGNORED]
        beyond = [
            k for k, far in ((most, counts.max() > y.max()), (least, counts.min() < known.min(initial=y.max()))) if far
        ]
        shape, k = logits.shape[1:], 0
        try:
            if data.x.shape[1:] != x.shape[1:]:
                with mode(model, training=False), no_grad():
                    shape = answered(model, as_float(data.x[:1])).shape[1:]
            for k in beyond or ([0] if data.y.shape[1:] != shape[1:] else []):
                labels = data.y[[k]].astype(np.int64)
                # beside those that are known to be good: alone, none of it may count
                if labels.shape[1:] == y.shape[1:]:
                    labels = np.concatenate([labels, y])
                loss(zeros(len(labels), *shape, dtype=logits.dtype, device=logits.device), labels)
        except ValueError as error:
            raise ValueError(f"{name}, picture {k}: {error}") from error


def answered(model: Module, x: Any) -> Any:
    """The model's answers, asked on its device; TypeError that says how to convert pictures of another dtype than its own."""
    try:
        return model(Tensor(devices.put(x, device_of(model))))
    except TypeError as error:
        own = next((p.dtype for p in model.parameters()), x.dtype)
        if x.dtype.kind != "f" or x.dtype == own:
            raise
        advice = f"the pictures are {x.dtype}, the model's parameters {own}: convert them by x.astype(np.{own})"
        raise TypeError(f"{advice} ({error})") from error


def counted(y: Any) -> int:
    """How many of a batch's targets count: all but those of class −100."""
    return int((y != IGNORED).sum()) if y.dtype.kind in "iu" else len(y)
