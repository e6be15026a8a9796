"""Where arrays live: "cpu" (NumPy) or "cuda" (CuPy), and the one way from one to the other.

NumPy's functions called with a GPU array are CuPy's, since NumPy asks the array (``np.exp(x)``, ``np.where(x > 0, x, 0)``), and so
are the operators: operations read the same on both devices. What makes an array out of nothing asks for the namespace, and a
constant that is a NumPy array follows the tensor it meets. Tensors never move by themselves: two that meet on different
devices are an error.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tinylucid_kernels.gpu import driver, replay

Array = Any
gpu_type: Any = None  # the type of GPU arrays, once there is one: None costs the CPU nothing
default = "cpu"
PLAIN = (float, int, bool, str, type(None))  # what needs no device


def set_default_device(device: Any) -> None:
    """Make "cpu", "cuda" or "auto" the device of new tensors, parameters and buffers: what names no device lands there."""
    global default
    default = known(device, "set_default_device")


def get_default_device() -> str:
    """The device of new tensors: "cpu" unless set_default_device changed it."""
    return default


def is_available() -> bool:
    """Whether there is a GPU (or its emulation) to compute on; ``tinylucid info`` says why not."""
    return driver.is_available()


def known(device: Any, where: str) -> str:
    """The device, if it can be computed on: "cpu" or "cuda"; "auto" is "cuda" where there is a GPU that is not emulated.

    Raises ValueError for another name, RuntimeError (with what to do) where there is no GPU.
    """
    name = str(device)
    if name == "auto":
        return "cuda" if driver.is_available() and not driver.is_emulated() else "cpu"
    if name == "cpu":
        return name
    if name not in ("cuda", "cuda:0"):
        cuda = "CUDA_VISIBLE_DEVICES says which card is cuda" if name.startswith("cuda") else "a GPU is called 'cuda'"
        raise ValueError(f"{where}: expected device 'cpu', 'cuda' or 'auto', got {device!r}; {cuda}")
    module()
    return "cuda"


def device_or_dtype(target: Any, where: str) -> tuple[str | None, Any]:
    """What ``to(target)`` means: (device, None) or (None, dtype); ValueError for a name that is neither."""
    if isinstance(target, str) and target.partition(":")[0] in ("cpu", "cuda", "auto"):
        return known(target, where), None
    try:
        return None, np.dtype(target)
    except TypeError:
        raise ValueError(
            f"{where}: expected a dtype, or device 'cpu', 'cuda' or 'auto', got {target!r}; write tl.float32, or 'cuda'"
        ) from None


def module() -> Any:
    """CuPy or its stand-in, from now on in use; NoGPU if there is none."""
    global gpu_type
    found = driver.cupy()
    gpu_type = found.ndarray
    return found


def of(x: Array) -> str:
    """The device of an array or a tensor."""
    return "cpu" if gpu_type is None or not isinstance(raw(x), gpu_type) else "cuda"


def raw(x: Any) -> Any:
    """The array of a tensor; an array itself. (A GPU array has a ``data`` of its own.)"""
    return x.data if hasattr(x, "tracked") else x


def is_array(x: Any) -> bool:
    """Whether x is an array, on either device."""
    return isinstance(x, np.ndarray) or (gpu_type is not None and isinstance(x, gpu_type))


def is_packed(x: Array) -> bool:
    """Whether an array's memory has no gaps, and may be written to."""
    return x.flags.carray if type(x) is np.ndarray else x._c_contiguous


def as_array(x: Any) -> Array:
    """An array as it is, on its device, a subclass's as NumPy's own on the same memory; anything else as a NumPy array."""
    if type(x) is np.ndarray or (gpu_type is not None and isinstance(x, gpu_type)):
        return x
    if isinstance(x, np.generic):
        return np.asarray(x)
    if hasattr(x, "__cuda_array_interface__") and type(x).__module__.split(".")[0] == "cupy":
        return module().asarray(x)  # the first one: made by the user
    return np.asarray(x)


def plain(x: Any) -> Any:
    """An array of a subclass of NumPy's, such as maps or a file's memory map, as NumPy's own; anything else as it is."""
    return x.view(np.ndarray) if isinstance(x, np.ndarray) and type(x) is not np.ndarray else x


def host(x: Any) -> Any:
    """A NumPy array of an array or a tensor, on whichever device it is: itself, or a copy from the GPU."""
    x = raw(x)
    return x.get() if gpu_type is not None and isinstance(x, gpu_type) else np.asarray(x)


def put(x: Array, device: str) -> Array:
    """An array on a device: itself if it is there already."""
    if device == "cuda":
        found = module()
        try:
            return x if isinstance(x, found.ndarray) else there(x)
        except MemoryError as error:
            raise out_of_memory("to the GPU", error) from error
    return host(x)


def beside(x: Any, other: Any) -> Array:
    """An array, or numbers, on the device of another array or tensor."""
    return put(as_array(x), of(other)) if gpu_type is not None else as_array(x)


def constant(x: Any, other: Any, where: str) -> Array:
    """The array of a constant beside a tensor: NumPy arrays and numbers follow it; RuntimeError for a tensor elsewhere."""
    if gpu_type is None:
        return as_array(raw(x))
    if hasattr(x, "requires_grad") and of(x) != of(other):
        raise mixed(where, (other, x))
    return beside(raw(x), other)


def namespace(x: Any) -> Any:
    """The module that makes arrays where x is: NumPy or CuPy."""
    return np if of(x) == "cpu" else module()


def special(x: Any) -> Any:
    """The module of special functions where x is: SciPy's or CuPy's."""
    if of(x) == "cuda":
        return driver.special()
    import scipy.special  # imported when first needed: SciPy takes longer to import than tinylucid

    return scipy.special


def as_usual(args: tuple, kw: dict) -> bool:
    """Whether the inputs of an operation are tensors on the GPU and Python numbers only, so that nothing has to be moved."""
    for a in args:
        if not (type(a.data) is gpu_type if hasattr(a, "tracked") else type(a) in PLAIN):
            return False
    return not kw or all(type(a) in PLAIN for a in kw.values())


def together(where: str, args: tuple, kw: dict) -> tuple[tuple, dict]:
    """The inputs of an operation on one device: constants that are NumPy arrays follow a tensor that is on the GPU.

    Raises RuntimeError for tensors on different devices.
    """
    found = {of(a) for a in args if hasattr(a, "requires_grad")} or {of(a) for a in args if isinstance(a, gpu_type)}
    if len(found) > 1:
        raise mixed(where, args)
    if "cuda" not in found:
        return args, kw
    return tuple([moved(a, np.generic) for a in args]), {name: moved(a) for name, a in kw.items()}


def moved(a: Any, number: Any = np.ndarray) -> Any:
    """A constant on the GPU: a NumPy array (or a ``number``), or those in a tuple; anything else as it is."""
    if type(a) is tuple:
        return tuple([moved(b) for b in a])
    return there(a) if isinstance(a, (np.ndarray, number)) else a


def there(a: Any) -> Array:
    """A copy on the GPU of an array of the host; in a step that is captured as a graph, only of one that stays as it is."""
    return module().asarray(a) if replay.recording is None else replay.recording.constant(a)


def fixed(a: Array) -> Array:
    """An array of the host that nobody changes any more, as it depends on shapes only: a captured step may keep it."""
    a.setflags(write=False)
    return a


def mixed(where: str, args: Any) -> RuntimeError:
    """The one error for tensors on different devices."""
    met = ", ".join(f"{tuple(a.shape)} on {of(a)}" for a in args if hasattr(a, "shape"))
    return RuntimeError(
        f"{where}: tensors on different devices met: {met}. Move one by x.to('cuda') or x.to('cpu'), a model by model.to(...)"
    )


def out_of_memory(where: str, error: Exception) -> MemoryError:
    """The one error for a GPU without room, with what to do."""
    return MemoryError(
        f"{where}: the GPU is out of memory ({error}). Use a smaller batch or smaller pictures, call what needs no gradient under "
        "tl.no_grad(), and drop tensors that are no longer needed"
    )
