"""Parameter: a tensor that a Module registers and an optimiser updates."""

from __future__ import annotations

from typing import Any

from .. import devices
from ..tensor import Tensor


class Parameter(Tensor):
    """A leaf tensor that a Module registers and an optimiser updates; a NumPy array goes to the default device."""

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        if devices.is_array(data):
            data = devices.put(data, devices.default)
        super().__init__(data.data if isinstance(data, Tensor) else data, requires_grad)
