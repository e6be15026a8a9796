"""What is in force in this thread, and the context managers that change it and always put it back.

``no_grad`` stops recording, ``backward_rules`` replaces backward rules for a while, ``detect_anomaly`` looks for
NaN; ``nn.Module`` writes down which layer is being called, so that messages can name it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from . import devices

if TYPE_CHECKING:  # a context manager that is also a decorator
    Scope = contextlib._GeneratorContextManager[None]


class State:
    """What is in force: whether calls are recorded, replaced backward rules, the layer being called, anomaly mode."""

    __slots__ = ("anomaly", "layer", "module", "recording", "rules")

    def __init__(self) -> None:
        self.recording, self.anomaly, self.layer = True, False, ""
        self.module: Any = None  # whose layer is the innermost one being called
        self.rules: Mapping[
            Any, Sequence[Rule]
        ] = {}  # of each operation the replaced rules, the innermost scope's first


class Thread(threading.local):
    """Each thread has its own state. (A thread-local look-up costs 40 ns, so an operation does just one.)"""

    def __init__(self) -> None:
        self.state = State()


thread = Thread()


class Rule:
    """A backward function, the names it asks for (its parameters', or its ``wants``), the layers it is for (None: all)."""

    def __init__(self, pull: Callable, layers: Callable[[str], bool] | None = None) -> None:
        self.pull, self.layers = pull, layers
        self.wants = getattr(pull, "wants", None) or pull.__code__.co_varnames[: pull.__code__.co_argcount]
        self.only_g, self.asks_need = self.wants == ("g",), "need" in self.wants
        many = len(self.wants) > 1  # itemgetter gives a tuple of several, but one by itself
        self.pick = itemgetter(*self.wants) if many else lambda have: [have[name] for name in self.wants]

    def applies(self, layer: str) -> bool:
        """Whether the rule is meant for calls made inside this layer."""
        return self.layers is None or self.layers(layer)


@contextlib.contextmanager
def setting(**fields: Any) -> Iterator[None]:
    """Set fields of this thread's state for the duration of a ``with`` (or of each call of a decorated function)."""
    state = thread.state
    before = {name: getattr(state, name) for name in fields}
    try:
        for name, value in fields.items():
            setattr(state, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(state, name, value)


def no_grad(function: Callable | None = None) -> Any:
    """Record nothing: results of operations require no gradient (context manager; decorator, with or without brackets)."""
    return setting(recording=False)(function) if function else setting(recording=False)


def enable_grad() -> Scope:
    """Record again, inside a ``no_grad`` (context manager or decorator)."""
    return setting(recording=True)


def is_grad_enabled() -> bool:
    """Whether operations are being recorded in this thread."""
    return thread.state.recording


def detect_anomaly() -> Scope:
    """Raise RuntimeError at the first NaN, naming the operation, the layer and the line of your code.

    Covers results, gradients, and arrays written to behind autograd's back. Slow: for looking, not for training.
    """
    return setting(anomaly=True)


def backward_rules(rules: Mapping[Any, Callable], layers: Callable[[str], bool] | None = None) -> Scope:
    """Replace the backward rule of operations for a while: ``with backward_rules({F.relu: guided}): ...``.

    ``rules`` maps an operation to a rule, a function whose parameter names say what it wants, as for
    ``@operation.rule``; ``layers`` says by dotted name in which layers it holds. Run the forward pass *inside*
    the scope, so that it saves what the rules want. Where scopes are nested the innermost rule meant for a layer holds.
    One table serves guided backprop, deconvnet, LRP and DeepLIFT.
    """
    before = thread.state.rules
    inner = {f.op: (Rule(pull, layers), *before.get(f.op, ())) for f, pull in rules.items()}
    return setting(rules={**before, **inner})


def here(name: str, layer: str | None = None) -> str:
    """``name``, and the layer it is called in if there is one: how every error message starts."""
    layer = thread.state.layer if layer is None else layer
    return f"{name} (layer {layer!r})" if layer else name


TOLD = {  # words of NumPy's errors, and what is said in their place, or after them
    "remapped": "stacks {shapes} do not fit: all but the last two axes must be equal or 1; use unsqueeze or reshape",
    "could not broadcast input": "; reshape what is assigned, or select a place of its shape",
    "broadcast": "shapes {shapes} do not broadcast: from the right, each size must equal the other or be 1; use unsqueeze or reshape",
    "NoneType": "expected a tensor or a number, got None; does a forward lack its return?",
    "out of bounds": "; count from 0, or from the end with -1",
    "too many indices": "; give at most one an axis",
    "only integers": "; int(k) makes a whole number",
    "boolean index": "; make the mask of x itself, such as x > 0",
    "Cannot cast": "; convert before, by x.to(tl.float32)",
}


def explained(error: Exception, name: str, arrays: list) -> Exception:
    """NumPy's or CuPy's error with the operation, the layer and the inputs' shapes."""
    kind = next(k for k in (IndexError, ValueError, TypeError, MemoryError) if isinstance(error, k))
    if kind is MemoryError and any(devices.of(a) == "cuda" for a in arrays):
        return devices.out_of_memory(here(name), error)
    shapes = ", ".join(str(a.shape) for a in arrays if hasattr(a, "shape"))
    plain = f"{error} (inputs of shape {shapes})"
    told = next((text for words, text in TOLD.items() if words in plain), ";")
    return kind(f"{here(name)}: {(plain + told if told[0] == ';' else told.format(shapes=shapes)).rstrip(';')}")
