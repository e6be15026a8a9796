"""A pytest plugin (``-p poison``): every function of the reference kernels raises, to prove that the CPU kernels stand alone."""

import importlib
import pkgutil
import types

from tinylucid_kernels import reference


def poisoned(name):
    """A function that cannot be called."""

    def refuse(*args, **kwargs):
        raise AssertionError(f"the reference kernel {name} was called")

    return refuse


for info in pkgutil.iter_modules(reference.__path__):
    module = importlib.import_module(f"{reference.__name__}.{info.name}")
    for holder in (module, reference):
        for name, value in list(vars(holder).items()):
            if isinstance(value, types.FunctionType):
                setattr(holder, name, poisoned(name))
