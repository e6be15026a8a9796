"""Whether a map depends on what the net has learnt: it must change when the net forgets, or learns nonsense."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ... import devices
from ...nn import Module, init
from ...nn.module import check_model, device_of, mode
from ...nn.watch import watched
from ...optim import Adam
from ...random import Generator, default_generator
from ...scopes import no_grad
from ...tensor import Tensor
from ...train import fit
from ..common import Method, check_method, planes
from .alike import Likeness, likeness
from .maps import plane_maps


class Randomised(NamedTuple):
    """The names of the ``layers`` that were reset (L,), and after each of them the maps' Likeness, (N, L) each."""

    layers: tuple[str, ...]
    spearman: Any
    magnitudes: Any
    ssim: Any


def parameter_randomisation(
    model: Module,
    x: Any,
    target: Any,
    method: Method,
    *,
    cascading: bool = True,
    reset: Callable[[Module], None] | None = None,
    rng: Generator | None = None,
) -> Randomised:
    """How alike the maps still are to the net's own while its layers forget, from the answer down (Adebayo et al., 2018).

    The layers that have parameters and run are reset one after the other, the last to run first, so that after the last of
    them nothing learnt is left; or each alone, where not ``cascading``. A method that stays near 1 does not look at the
    net. Maps are compared as planes, see Likeness: a method may keep its magnitudes and lose its signs. ``reset(layer)``
    changes a layer in place, by default ``forget``; what it draws comes from ``rng``, by default Generator(0). The weights
    and buffers are bit for bit what they were, after exceptions too. Raises TypeError unless model is a Module, ValueError
    if no layer has parameters, and what the method raises.
    """
    check_model(model, "parameter_randomisation")
    check_method(method, "parameter_randomisation")
    x, rng = planes(x), rng or Generator(0)
    layers = from_the_top(model, x[:1])
    own, found = plane_maps(method(model, x, target)), []
    with restored(model) as put_back:
        for layer in layers.values():
            if not cascading:
                put_back()
            with lending(rng):
                (reset or forget)(layer)
            found.append(likeness(own, plane_maps(method(model, x, target))))
    return Randomised(tuple(layers), *(np.stack(each, 1) for each in zip(*found)))


def label_randomisation(model: Module, shuffled: Module, x: Any, target: Any, method: Method) -> Likeness:
    """How alike the maps are to those of a net that learnt the same pictures with shuffled labels (Adebayo et al., 2018).

    ``shuffled`` comes from train_on_shuffled. A method that stays near 1 shows the pictures rather than what the labels
    taught. Shapes and errors as in parameter_randomisation.
    """
    check_method(method, "label_randomisation")
    return likeness(*(plane_maps(method(net, x, target)) for net in (model, shuffled)))


def train_on_shuffled(
    model: Module, data: Any, *, epochs: int, lr: float = 1e-3, rng: Generator | None = None, **settings: Any
) -> Module:
    """A net like ``model`` that starts afresh and learns the pictures with their labels in random order; model is left alone.

    ``data``: a dataset or a pair (x, y). Adam learns at rate ``lr``; ``settings`` go to tl.fit. The check asks for a net
    that has learnt them by heart: train until the accuracy that tl.fit prints is high. ``rng``, by default Generator(0),
    draws the order of the labels, weights and dropout. Raises TypeError unless model is a Module, and what tl.fit raises.
    """
    check_model(model, "train_on_shuffled")
    rng = rng or Generator(0)
    x, y = (data.x, devices.host(data.y)) if hasattr(data, "x") else (data[0], devices.host(data[1]))
    pupil = copy.deepcopy(model).requires_grad_(True)
    shuffled, seed = y[rng.permutation(len(y))], int(rng.integers(0, 2**31, ()))
    with lending(rng):
        forget_all(pupil)
        fit(pupil, (x, shuffled), epochs=epochs, optimizer=Adam(pupil.parameters(), lr=lr), seed=seed, **settings)
    return pupil


# --- forgetting -------------------------------------------------------------------------------------------------------


def from_the_top(model: Module, x: Any) -> dict[str, Module]:
    """The layers with parameters of their own that run, by name, the last to run first."""
    layers = {name or type(model).__name__: layer for name, layer in model.named_modules() if own_parameters(layer)}
    ran: list[str] = []
    with watched(layers.items(), lambda name, out: ran.append(name)), mode(model, False), no_grad():
        model(Tensor(x).to(device_of(model)))
    if not ran:
        raise ValueError(f"parameter_randomisation: no layer of this {type(model).__name__} that runs has parameters")
    return {name: layers[name] for name in reversed(ran)}


def own_parameters(layer: Module) -> list[Any]:
    """The parameters of a layer, those of the layers inside it aside."""
    return [p for p in layer._parameters.values() if p is not None]


def forget(layer: Module) -> None:
    """Fresh parameters: by the layer's reset_parameters, else from N(0, their mean square), as large as they were."""
    if hasattr(layer, "reset_parameters"):
        layer.reset_parameters()
        return
    for p in own_parameters(layer):
        init.normal_(p, std=math.sqrt(float((p.data**2).mean())))


def forget_all(model: Module) -> None:
    """Every layer of the model forgets."""
    for layer in model.modules():
        forget(layer)


@contextlib.contextmanager
def restored(model: Module) -> Iterator[Callable[[], Any]]:
    """Weights and buffers come back bit for bit; the function that it gives does so in between."""
    kept = {name: tensor.data.copy() for name, tensor in model.state_dict().items()}
    put_back = lambda: model.load_state_dict(kept)
    try:
        yield put_back
    finally:
        put_back()


@contextlib.contextmanager
def lending(rng: Generator) -> Iterator[None]:
    """The default generator, which layers draw from, goes on with the stream of ``rng``, and is then what it was."""
    before = default_generator.get_state()
    default_generator.set_state(rng.get_state())
    try:
        yield
    finally:
        rng.set_state(default_generator.get_state())
        default_generator.set_state(before)
