"""What a net makes of pictures: its answer, and what some of its layers give on the way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..nn import Module
from ..nn.watch import watched
from ..tensor import Tensor


class Seen:
    """What an objective is a function of: N pictures, what the model answers, and what some of its layers give for them.

    ``picture`` (N, C, H, W) is as it is drawn, before transforms and preparation.
    """

    def __init__(self, picture: Tensor, answer: Any, layers: dict[str, Tensor]) -> None:
        self.picture, self.answer, self.layers = picture, answer, layers
        self.asked = False  # whether any objective wants to know what the model answers
        self.means: dict[str, Tensor] = {}  # so that many channels of a layer cost one average

    @property
    def logits(self) -> Any:
        """What the model answers."""
        self.asked = True
        return self.answer()

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
        layers = {name: out[start:stop] for name, out in self.layers.items()}
        some = Seen(self.picture[start:stop], lambda: self.logits[start:stop], layers)
        some.means = {name: self.channels(name)[start:stop] for name in self.layers}
        return some


class Enough(Exception):
    """All layers that are looked at have run."""


class Sight:
    """Looks at some layers of a model, and learns from the first look how far the model has to run for it.

    Raises ValueError, with the names that there are, for a layer that there is not.
    """

    def __init__(self, model: Module, layers: Iterable[str]) -> None:
        try:
            self.model, self.watched = model, [(name, model.get_submodule(name)) for name in layers]
        except AttributeError as error:
            raise ValueError(f"visualize: {error}") from None
        self.runs = 0  # of the watched layers; more than once where a layer is used again
        self.last: Seen | None = None

    def __call__(self, x: Any, picture: Tensor) -> Seen:
        """What the model makes of its input x (N, …), which is how it is given the picture; of a layer that runs twice the last."""
        outputs: dict[str, Tensor] = {}
        further = self.last is None or self.last.asked or not self.watched
        runs = 0

        def note(name: str, out: Any) -> None:
            nonlocal runs
            outputs[name], runs = checked(name, out).clone(), runs + 1  # a later layer may write into its input
            if runs == self.runs and not further:
                raise Enough

        answer = None
        with watched(self.watched, note):
            try:
                answer = self.model(x)
            except Enough:
                pass
            except (ValueError, IndexError) as error:
                raise refused(error, x) from error
            except TypeError as error:
                raise other_dtype(error, self.model, x) from error
        self.runs = runs
        self.last = Seen(picture, (lambda: answer) if answer is not None else (lambda: self.model(x)), outputs)
        return self.last


def checked(name: str, out: Any) -> Tensor:
    """What a layer gives; ValueError unless it is a Tensor of something for each picture."""
    if not isinstance(out, Tensor) or out.ndim < 2:
        kind = f"shape {out.shape}" if isinstance(out, Tensor) else type(out).__name__
        raise ValueError(f"visualize: layer {name!r} gives {kind}, expected a Tensor (N, K, …)")
    return out


def other_dtype(error: TypeError, model: Module, x: Any) -> TypeError:
    """What to do where the model is of one dtype and the pictures are of another; else the error itself."""
    kinds = {p.dtype for p in model.parameters()}
    if not isinstance(x, Tensor) or not kinds or x.dtype in kinds:
        return error
    kind = min(map(str, kinds))
    return TypeError(
        f"visualize: the model is {kind}, the pictures {x.shape} are {x.dtype}; give pictures in {kind}, and "
        f"parametrisations as fourier(shape, dtype=tl.{kind})"
    )


def refused(error: Exception, x: Any) -> Exception:
    """The model's error, and which pictures it was given."""
    told = str(error)
    if told.startswith(("visualize", "path: ")):
        return error
    return type(error)(f"visualize: the model cannot take pictures {x.shape}, as the net sees them: {told}")
