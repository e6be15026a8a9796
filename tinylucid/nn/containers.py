"""Modules that hold modules: Sequential calls them one after another, ModuleList only keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .module import Module


class _Container(Module):
    """What Sequential and ModuleList share: they are sequences of modules."""

    def __getitem__(self, k: Any) -> Any:
        items = list(self._modules.items())
        if isinstance(k, int) and not -len(items) <= k < len(items):
            raise IndexError(f"{type(self).__name__}: layer {k} is outside its {len(items)}; count from 0")
        return self._part(dict(items[k])) if isinstance(k, slice) else items[k][1]

    def _part(self, modules: dict[str, Module]) -> Any:
        """A container of some of the modules."""
        raise NotImplementedError

    def __setitem__(self, k: int, module: Module) -> None:
        self.add_module(list(self._modules)[k], module)

    def __delitem__(self, k: int) -> None:
        delattr(self, list(self._modules)[k])

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def append(self, module: Module) -> Any:
        """Add a module at the end; returns self."""
        self.add_module(str(len(self)), module)
        return self


class Sequential(_Container):
    """Modules called one after another; indexable, named "0", "1", … or by the keys of a dict. A slice keeps the names."""

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        named = modules[0].items() if len(modules) == 1 and isinstance(modules[0], dict) else enumerate(modules)
        for name, module in named:
            self.add_module(str(name), module)

    def forward(self, x: Any) -> Any:
        """The last module's output."""
        for module in self._modules.values():
            x = module(x)
        return x

    def _part(self, modules: dict[str, Module]) -> Any:
        return Sequential(modules)


class ModuleList(_Container):
    """A list of modules whose parameters are registered; it has no forward of its own."""

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        for module in modules or ():
            self.append(module)

    def _part(self, modules: dict[str, Module]) -> Any:
        return ModuleList(modules.values())
