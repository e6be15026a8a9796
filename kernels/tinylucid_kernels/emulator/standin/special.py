"""``cupyx.scipy.special`` as far as kernels need it."""

from __future__ import annotations

from typing import Any

from .arrays import ndarray
from .convert import quiet, unsupported, wrap


def erf(x: Any) -> Any:
    """The error function, elementwise."""
    from scipy.special import erf as of

    if type(x) is not ndarray:
        raise unsupported(x)
    with quiet():
        return wrap(of(x._a), ())
