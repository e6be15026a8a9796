"""``cupyx.scipy.special`` as far as kernels need it."""

from __future__ import annotations

from functools import partial
from typing import Any

from .arrays import compute, ndarray
from .scalars import unsupported


def erf(x: Any) -> Any:
    """The error function, elementwise."""
    from scipy.special import erf as of

    if type(x) is not ndarray:
        raise unsupported(x)
    return compute(partial(of, x._a), [x])
