"""Recurrent layers: a state that each step of a sequence changes. A layer is its step, applied over time and stacked.

Symbols: L steps, N sequences, I inputs, H hidden units; weights (gates·H, I) and (gates·H, H), biases (gates·H,).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .. import devices, ops
from ..scopes import here
from . import init
from .linear import empty, positive
from .module import Module

State = tuple[Any, ...]


def lstm_step(x: Any, state: State, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> State:
    """Long short-term memory (Hochreiter and Schmidhuber, 1997; with a forget gate, Gers et al., 2000).

    i, f, g, o = σ, σ, tanh, σ of x W_ihᵀ + b_ih + h W_hhᵀ + b_hh;  c ← f·c + i·g;  h ← o·tanh(c).
    """
    h, c = state
    i, f, g, o = ops.split(ops.linear(x, w_ih, b_ih) + ops.linear(h, w_hh, b_hh), h.shape[-1], -1)
    c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
    return ops.sigmoid(o) * ops.tanh(c), c


def gru_step(x: Any, state: State, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> State:
    """Gated recurrent unit (Cho et al., 2014), the reset gate behind the product, as in cuDNN.

    From a = x W_ihᵀ + b_ih and b = h W_hhᵀ + b_hh, three parts each: r, z = σ(a + b);  n = tanh(a_n + r·b_n);
    h ← (1 − z)·n + z·h.
    """
    (h,) = state
    size = h.shape[-1]
    a_r, a_z, a_n = ops.split(ops.linear(x, w_ih, b_ih), size, -1)
    b_r, b_z, b_n = ops.split(ops.linear(h, w_hh, b_hh), size, -1)
    r, z = ops.sigmoid(a_r + b_r), ops.sigmoid(a_z + b_z)
    n = ops.tanh(a_n + r * b_n)
    return (n + z * (h - n),)


class _Recurrent(Module):
    """What cells and layers share: the step, sizes, and weights drawn uniformly in ±1/√H."""

    advance: Callable[..., State]  # one step: x (…, I) and the state's parts (…, H), to the new state
    parts: tuple[str, ...]  # the parts of the state
    gates: int

    def __init__(self, input_size: int, hidden_size: int, bias: bool) -> None:
        super().__init__()
        positive(type(self).__name__, input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias

    def _make(self, inputs: int, suffix: str = "") -> None:
        rows = self.gates * self.hidden_size
        self.register_parameter(f"weight_ih{suffix}", empty(rows, inputs))
        self.register_parameter(f"weight_hh{suffix}", empty(rows, self.hidden_size))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(f"{name}{suffix}", empty(rows) if self.bias else None)

    def reset_parameters(self) -> None:
        """Draw all weights and biases uniformly in ±1/√hidden_size."""
        bound = 1 / math.sqrt(self.hidden_size)
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def _weights(self, suffix: str = "") -> list[Any]:
        return [getattr(self, name + suffix) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]

    def _check_input(self, input: Any, axes: tuple[int, int], expected: str) -> None:
        name = here(type(self).__name__)
        if not hasattr(input, "ndim"):
            raise TypeError(f"{name}: expected a tensor or an array, got {type(input).__name__}")
        if input.ndim not in axes or input.shape[-1] != self.input_size:
            raise ValueError(
                f"{name}: expected input {expected} with I = {self.input_size}, got {input.shape}; build it for {input.shape[-1]}"
            )

    def _state(self, hx: Any, shape: tuple[int, ...], dtype: Any) -> State:
        """The initial state's parts, each of that shape: those of hx, or zeros."""
        name = here(type(self).__name__)
        if hx is None:
            xp = devices.namespace(next(self.parameters()))
            return tuple(xp.zeros(shape, dtype) for _ in self.parts)
        parts = tuple(hx) if isinstance(hx, (tuple, list)) else (hx,)
        if len(parts) != len(self.parts):
            raise TypeError(f"{name}: the state must be ({', '.join(self.parts)}), got {len(parts)} of them")
        for part, label in zip(parts, self.parts):
            if part.shape != shape:
                raise ValueError(f"{name}: {label} must have shape {shape}, got {part.shape}")
        return parts

    def _told(self, state: State) -> Any:
        """The state as callers see it: a tuple for LSTM, h alone for GRU."""
        return state if len(state) > 1 else state[0]

    def extra_repr(self) -> str:
        """The arguments."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class _Cell(_Recurrent):
    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__(input_size, hidden_size, bias)
        self._make(input_size)
        self.reset_parameters()

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The new state, after input (N, I) or (I,); from zeros without hx."""
        self._check_input(input, (1, 2), "(N, I) or (I,)")
        state = self._state(hx, (*input.shape[:-1], self.hidden_size), input.dtype)
        return self._told(self.advance(input, state, *self._weights()))


class _Layer(_Recurrent):
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        super().__init__(input_size, hidden_size, bias)
        positive(type(self).__name__, num_layers=num_layers)
        if not 0 <= dropout <= 1:
            raise ValueError(f"{type(self).__name__}: dropout must be in [0, 1], got {dropout}")
        self.num_layers, self.batch_first = num_layers, batch_first
        self.dropout, self.bidirectional = dropout, bidirectional
        self.directions = ("", "_reverse") if bidirectional else ("",)
        for layer in range(num_layers):
            for direction in self.directions:
                inputs = input_size if layer == 0 else hidden_size * len(self.directions)
                self._make(inputs, f"_l{layer}{direction}")
        self.reset_parameters()

    def forward(self, input: Any, hx: Any = None) -> Any:
        """(output, last state): the top layer's h after each step, and each layer's state after the last.

        input (L, N, I), or (N, L, I) with batch_first, or (L, I) for one sequence; output likewise, of H numbers a step,
        2·H if bidirectional. The state's parts, from zeros without hx, are (layers·directions, N, H) or without N.
        """
        self._check_input(input, (2, 3), f"({'N, L' if self.batch_first else 'L, N'}, I) or (L, I)")
        axis = 1 if self.batch_first and input.ndim == 3 else 0  # of time
        if not input.shape[axis]:
            raise ValueError(f"{here(type(self).__name__)}: expected at least one step, got input {input.shape}")
        steps = [input[(slice(None),) * axis + (t,)] for t in range(input.shape[axis])]
        count = self.num_layers * len(self.directions)
        first = self._state(hx, (count, *steps[0].shape[:-1], self.hidden_size), input.dtype)
        last: list[State] = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                steps = [ops.dropout(h, self.dropout, self.training) for h in steps]
            ways = []
            for direction in self.directions:
                state = tuple(part[len(last)] for part in first)
                way, state = self._run(steps, state, f"_l{layer}{direction}")
                ways.append(way)
                last.append(state)
            steps = ways[0] if len(ways) == 1 else [ops.concatenate(both, -1) for both in zip(*ways)]
        return ops.stack(steps, axis), self._told(tuple(ops.stack(part) for part in zip(*last)))

    def _run(self, steps: list[Any], state: State, suffix: str) -> tuple[list[Any], State]:
        """h after each step, in the order of time, and the state at the end; "_reverse" goes from the last to the first."""
        weights, order = self._weights(suffix), -1 if suffix.endswith("_reverse") else 1
        found = []
        for x in steps[::order]:
            state = self.advance(x, state, *weights)
            found.append(state[0])
        return found[::order], state

    def extra_repr(self) -> str:
        """The arguments that differ from the defaults."""
        text = super().extra_repr() + (f", num_layers={self.num_layers}" if self.num_layers > 1 else "")
        plain = {"batch_first": False, "dropout": 0.0, "bidirectional": False}
        return text + "".join(f", {n}={getattr(self, n)}" for n, value in plain.items() if getattr(self, n) != value)


class LSTMCell(_Cell):
    """One step of an LSTM: input (N, I), state (h, c), each (N, H), to the new (h, c)."""

    advance, parts, gates = staticmethod(lstm_step), ("h", "c"), 4


class GRUCell(_Cell):
    """One step of a GRU: input (N, I), state h (N, H), to the new h."""

    advance, parts, gates = staticmethod(gru_step), ("h",), 3


class LSTM(_Layer):
    """Layers of LSTM over sequences: input (L, N, I), state (h, c), to output (L, N, H) and the last (h, c).

    ``dropout`` stands between the layers, while training; ``bidirectional`` reads forwards and backwards, output (L, N, 2·H).
    """

    advance, parts, gates = staticmethod(lstm_step), ("h", "c"), 4


class GRU(_Layer):
    """Layers of GRU over sequences: input (L, N, I), state h, to output (L, N, H) and the last h.

    ``dropout`` stands between the layers, while training; ``bidirectional`` reads forwards and backwards, output (L, N, 2·H).
    """

    advance, parts, gates = staticmethod(gru_step), ("h",), 3
