"""Module: a tree of layers with named parameters and buffers, and the layer's name for messages while it runs."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from tinylucid_kernels.gpu import replay

from .. import devices, dtypes
from ..scopes import thread
from ..tensor import Tensor
from .parameter import Parameter

PRIVATE = "//"  # how the names of entries in a file begin that are not a model's


class Module:
    """A layer or a net: assign Parameters and Modules to attributes, define ``forward``, call it.

    Parameters, buffers (state that is saved but not trained) and sub-modules have dotted names, the keys of
    ``state_dict``; they are PyTorch's for the layers that have its names.
    """

    training: bool

    def __init__(self) -> None:
        for name in ("_parameters", "_buffers", "_modules", "_forward_hooks", "_forward_pre_hooks", "_names"):
            object.__setattr__(self, name, {})
        object.__setattr__(self, "training", True)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every module defines its own."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward(self, x); write one, or call its layers")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        state = thread.state
        caller, outer = state.module, state.layer
        if caller is not None and caller is not self:
            name = caller._names.get(self) or caller._name_of(self)
            state.layer = f"{outer}.{name}" if outer else name
        state.module = self
        if replay.called is not None:
            replay.called(self)
        try:
            if self._forward_pre_hooks:
                for hook in list(self._forward_pre_hooks.values()):
                    changed = hook(self, args)
                    if changed is not None:
                        args = changed if isinstance(changed, tuple) else (changed,)
            out = self.forward(*args, **kwargs)
            if self._forward_hooks:
                for hook in list(self._forward_hooks.values()):
                    changed = hook(self, args, out)
                    out = out if changed is None else changed
            return out
        finally:
            state.module, state.layer = caller, outer

    def _name_of(self, module: Module) -> str:
        """The dotted name of a module below this one, its class for a stranger; the tree is searched once."""
        if module not in self._names:
            self._names.update((m, name) for name, m in self.named_modules())
        return self._names.get(module, type(module).__name__)

    # --- attributes ------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__}: call super().__init__() before assigning {name!r}")
        if isinstance(value, Parameter):
            self._place("_parameters", name, value)
        elif isinstance(value, Module):
            self._place("_modules", name, value)
        elif name in self._parameters:
            self.register_parameter(name, value)
        elif name in self._buffers:
            self.register_buffer(name, value)
        elif name in self._modules and value is not None:
            raise TypeError(
                f"{type(self).__name__}: {name!r} is a module; expected a Module or None, got {type(value).__name__}"
            )
        else:
            self._place("__dict__", name, value)

    def _place(self, kind: str, name: str, value: Any) -> None:
        """Put an attribute where its kind belongs, under no other kind, and into ``__dict__``, where Python looks first."""
        if "." in name or not name:
            raise KeyError(f"{type(self).__name__}: an attribute's name has no dot and is not empty, got {name!r}")
        for other in ("_parameters", "_buffers", "_modules", "__dict__"):
            if other != kind:
                getattr(self, other).pop(name, None)
        getattr(self, kind)[name] = value
        if not hasattr(type(self), name):  # a layer called "eval" does not hide the method
            self.__dict__[name] = value
        self._names.clear()

    def __getattr__(self, name: str) -> Any:
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__}: call super().__init__() before asking for {name!r}")
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __delattr__(self, name: str) -> None:
        if name not in self.__dict__:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        for kind in (self._parameters, self._buffers, self._modules, self.__dict__):
            kind.pop(name, None)
        self._names.clear()

    def register_buffer(self, name: str, tensor: Tensor | None) -> None:
        """Keep a tensor that belongs to the state but is not trained, as attribute ``name``."""
        self._check_free(name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"register_buffer({name!r}): expected a Tensor or None, got {type(tensor).__name__}")
        self._place("_buffers", name, tensor)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Register a Parameter, or None for one that this module goes without, as attribute ``name``."""
        self._check_free(name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"register_parameter({name!r}): expected a Parameter or None, got {type(param).__name__}")
        self._place("_parameters", name, param)

    def _check_free(self, name: str, kind: dict) -> None:
        if name not in kind and hasattr(self, name):
            raise KeyError(f"{type(self).__name__} has an attribute {name!r} already; delete it first")

    def add_module(self, name: str, module: Module) -> None:
        """Register a sub-module under a name."""
        if not isinstance(module, Module):
            raise TypeError(f"add_module({name!r}): expected a Module, got {_stranger(module)}")
        setattr(self, name, module)

    # --- the tree --------------------------------------------------------------------------------------------

    def children(self) -> Iterator[Module]:
        """The modules directly inside this one."""
        yield from self._modules.values()

    def named_modules(self, *, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """(dotted name, module) of this module and all below it, each module once."""
        seen: set[int] = set()

        def visit(module: Module, name: str) -> Iterator[tuple[str, Module]]:
            if id(module) in seen:
                return
            seen.add(id(module))
            yield name, module
            for key, child in module._modules.items():
                yield from visit(child, f"{name}.{key}" if name else key)

        yield from visit(self, prefix)

    def modules(self) -> Iterator[Module]:
        """This module and all below it."""
        return (module for _, module in self.named_modules())

    def _named(self, kind: str, prefix: str) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for name, module in self.named_modules(prefix=prefix):
            for key, tensor in getattr(module, kind).items():
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield f"{name}.{key}" if name else key, tensor

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """(dotted name, parameter), each parameter once."""
        return self._named("_parameters", prefix)

    def parameters(self) -> Iterator[Parameter]:
        """All parameters, each once."""
        return (p for _, p in self.named_parameters())

    def named_buffers(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """(dotted name, buffer), each buffer once."""
        return self._named("_buffers", prefix)

    def buffers(self) -> Iterator[Tensor]:
        """All buffers, each once."""
        return (b for _, b in self.named_buffers())

    def get_submodule(self, target: str) -> Module:
        """The module of that dotted name; AttributeError with the names there are otherwise."""
        for name, module in self.named_modules():
            if name == target:
                return module
        names = ", ".join(name for name, _ in self.named_modules() if name)
        raise AttributeError(f"{type(self).__name__} has no layer {target!r}; it has: {names}")

    def apply(self, fn: Callable[[Module], Any]) -> Any:
        """Call ``fn`` on every module, the inner ones first; returns self."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    # --- modes and conversions ---------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Any:
        """Training mode: dropout drops, batch norm uses the batch's statistics. Returns self."""
        for module in self.modules():
            object.__setattr__(module, "training", bool(mode))
        return self

    def eval(self) -> Any:
        """Evaluation mode: dropout does nothing, batch norm uses its running statistics. Returns self."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Whether the parameters require gradients: False freezes them. Returns self."""
        for p in self.parameters():
            p.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the parameters' gradients, or make those that are there zero."""
        for p in self.parameters():
            p.grad = None if set_to_none or p.grad is None else Tensor(np.zeros_like(p.data))

    def to(self, target: Any) -> Any:
        """All parameters and buffers on another device, "cpu" or "cuda", or the floating ones in another floating dtype.

        In place; gradients move along, and are forgotten with a new dtype; an optimiser's state follows at its next step.
        Returns self. Raises TypeError for a dtype without gradients, RuntimeError, with what to do, where there is no GPU.
        """
        device, dtype = devices.device_or_dtype(target, f"{type(self).__name__}.to")
        if dtype:
            dtypes.check_floating(np.empty(0, dtype), f"{type(self).__name__}.to")
        for tensor in [*self.parameters(), *self.buffers()]:
            if device or tensor.dtype.kind == "f":
                grad = tensor.grad if device else None
                tensor.data = tensor.detach().to(target).data
                tensor.grad = None if grad is None else grad.to(target)
                tensor.version[0] += 1
        return self

    def cpu(self) -> Any:
        """On the CPU; returns self."""
        return self.to("cpu")

    def cuda(self) -> Any:
        """On the GPU; returns self."""
        return self.to("cuda")

    # --- saving and loading ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Tensor]:
        """Every parameter and buffer by dotted name, detached, sharing memory."""
        own = {**self._parameters, **self._buffers}
        state = {name: tensor.detach() for name, tensor in own.items() if tensor is not None}
        for key, child in self._modules.items():
            state.update((f"{key}.{name}", tensor) for name, tensor in child.state_dict().items())
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> tuple[list[str], list[str]]:
        """Copy values in by name; returns (missing, unexpected) names.

        Entries whose names begin with "//", such as an optimiser's in a checkpoint, are passed over. Nothing is changed unless
        everything fits: RuntimeError names the first entries missing, unexpected (``strict=False`` forgives both) and mis-shaped.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict: expected a dict, got {type(state_dict).__name__}; use tl.load(path)")
        own = self.state_dict()
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own and not name.startswith(PRIVATE)]
        values = {name: devices.as_array(devices.raw(state_dict[name])) for name in own if name in state_dict}
        wrong = [
            f"{name} has shape {a.shape}, expected {own[name].shape}"
            for name, a in values.items()
            if a.shape != own[name].shape
        ]
        if wrong or (strict and (missing or unexpected)):
            kinds = ("missing", map(repr, missing)), ("unexpected", map(repr, unexpected)), ("of wrong shape", wrong)
            told = "; ".join(filter(None, (_counted(kind, list(names)) for kind, names in kinds)))
            do = "build the net that was saved" + ("" if wrong else ", or take what fits by strict=False")
            raise RuntimeError(f"load_state_dict into {type(self).__name__}: {told}; {do}")
        for name, array in values.items():
            own[name].data[...] = devices.beside(array, own[name])
            own[name].version[0] += 1
        return missing, unexpected

    # --- hooks and looks ----------------------------------------------------------------------------------------

    def register_forward_hook(self, hook: Callable[[Module, tuple, Any], Any]) -> Callable[[], None]:
        """Call ``hook(module, args, output)`` after forward; what it returns, if anything, replaces the output. Returns its remover."""
        return _register(self._forward_hooks, hook)

    def register_forward_pre_hook(self, hook: Callable[[Module, tuple], Any]) -> Callable[[], None]:
        """Call ``hook(module, args)`` before forward; what it returns, if anything, replaces the arguments."""
        return _register(self._forward_pre_hooks, hook)

    def extra_repr(self) -> str:
        """The arguments to show in ``repr``."""
        return ""

    def __repr__(self) -> str:
        if not self._modules:
            return f"{type(self).__name__}({self.extra_repr()})"
        lines = [f"  ({name}): " + repr(child).replace("\n", "\n  ") for name, child in self._modules.items()]
        return "\n".join([f"{type(self).__name__}(", *lines, ")"])


@contextlib.contextmanager
def mode(model: Any, training: bool) -> Iterator[None]:
    """Training or evaluation mode in the ``with``, and each layer's own again afterwards; a function has no mode."""
    before = [(module, module.training) for module in model.modules()] if isinstance(model, Module) else []
    try:
        for module, _ in before:
            object.__setattr__(module, "training", training)
        yield
    finally:
        for module, was in before:
            object.__setattr__(module, "training", was)


def device_of(model: Any) -> str:
    """The device of a model's parameters and buffers, the default one where it has none (or is no Module)."""
    if devices.gpu_type is None or not isinstance(model, Module):
        return devices.default
    return next((t.device for t in itertools.chain(model.parameters(), model.buffers())), devices.default)


def check_model(model: Any, where: str) -> None:
    """TypeError for what is no Module, such as the class of a net in place of a net."""
    if not isinstance(model, Module):
        raise TypeError(f"{where}: expected a net, a tl.nn.Module, got {_stranger(model)}")


def _stranger(x: Any) -> str:
    """What came in place of a module, and what to do with it."""
    if isinstance(x, type):
        return f"the class {x.__name__}; make a net of it: {x.__name__}(…)"
    got = f"the function {x.__name__}" if callable(x) and hasattr(x, "__name__") else f"{x!r:.60}"
    return f"{got}; a list is unpacked by *, a function called in forward"


def _counted(kind: str, names: list[str]) -> str:
    """``2 missing ('a', 'b')``, with the first five names."""
    return f"{len(names)} {kind} ({', '.join(names[:5])}{', …' if len(names) > 5 else ''})" if names else ""


def _register(hooks: dict, hook: Callable) -> Callable[[], None]:
    key = object()
    hooks[key] = hook
    return lambda: hooks.pop(key, None)
