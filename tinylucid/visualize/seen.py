"""What a net makes of pictures: its answer, and what some of its layers give on the way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..nn import Module
from ..nn.watch import watched
from ..tensor import Tensor


class Seen:
    """The logits and the outputs of layers for N pictures, or for some of them: what an objective is a function of."""

    def __init__(self, logits: Any, layers: dict[str, Any]) -> None:
        self.logits, self.layers = logits, layers
        self.means: dict[str, Tensor] = {}  # so that many channels of a layer cost one average

    def layer(self, name: str) -> Tensor:
        """What the layer of that dotted name gave when it ran last, (N, K, …)."""
        if name not in self.layers:
            raise ValueError(f"visualize: layer {name!r} does not run in the model's forward pass; name another one")
        return self.layers[name]

    def channels(self, name: str) -> Tensor:
        """Each channel's mean over the places of a layer, (N, K)."""
        if name not in self.means:
            out = self.layer(name)
            self.means[name] = out.mean(tuple(range(2, out.ndim))) if out.ndim > 2 else out
        return self.means[name]

    def rows(self, start: int, stop: int) -> Seen:
        """The same of pictures start … stop − 1."""
        some = Seen(self.logits[start:stop], {name: out[start:stop] for name, out in self.layers.items()})
        some.means = {name: self.channels(name)[start:stop] for name in self.layers}
        return some


def look(model: Module, x: Tensor, layers: Iterable[str]) -> Seen:
    """Run the model on pictures x (N, C, H, W), noting what those layers give; of a layer that runs twice the last counts.

    Raises ValueError, with the names that there are, for a layer that there is not.
    """
    outputs: dict[str, Any] = {}

    def note(name: str, out: Any) -> None:
        if not isinstance(out, Tensor) or out.ndim < 2:
            kind = f"shape {out.shape}" if isinstance(out, Tensor) else type(out).__name__
            raise ValueError(f"visualize: layer {name!r} gives {kind}, expected a Tensor (N, K, …)")
        outputs[name] = out.clone()  # a later layer may write into its input

    try:
        chosen = [(name, model.get_submodule(name)) for name in layers]
    except AttributeError as error:
        raise ValueError(f"visualize: {error}") from None
    with watched(chosen, note):
        return Seen(model(x), outputs)
