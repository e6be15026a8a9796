"""Pictures with parts hidden, and what the net answers then: the one experiment behind all methods that ask no gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from .common import sweep, values


def hidden(x: Any, keep: Any, baseline: Any) -> Any:
    """keep · x + (1 − keep) · baseline: pictures x (N, C, H, W) in which ``baseline`` stands wherever ``keep`` is 0.

    ``keep`` holds shares in [0, 1], (H, W) for all pictures or (N, H, W), all channels of a place alike; or (N, C, H, W).
    """
    keep = keep[:, None] if keep.ndim == 3 else keep
    return np.where(keep == 1, x, baseline + keep * (x - baseline)).astype(x.dtype, copy=False)


def differ(a: Any, b: Any, dtype: Any) -> Any:
    """Whether answers differ by more than rounding in ``dtype``: a hidden part that changes nothing must get nothing."""
    return np.abs(a - b) > 100 * np.finfo(dtype).eps * np.maximum(np.abs(a), np.abs(b))


def answers(
    model: Callable,
    x: Any,
    target: Any,
    keeps: Iterable[Any],
    baseline: Any,
    batch_size: int,
    what: str = "",
    total: int | None = None,
) -> Iterator[Any]:
    """For each of ``keeps``, in turn, what is explained of the pictures hidden so: an array (N,). As in ``sweep``."""
    versions = (hidden(x, keep, baseline) for keep in keeps)
    return sweep(values, model, versions, target, len(x), batch_size, what, total)
