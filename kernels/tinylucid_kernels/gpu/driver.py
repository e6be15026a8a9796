"""The GPU through CuPy, or its emulation, or the reason why there is none and what to do.

``cupy()`` gives the module that computes on the GPU: CuPy itself, or with TINYLUCID_GPU=emulated the stand-in of
``emulator/``, which runs the same kernels on the CPU. It is imported when first asked for; importable is not usable, so the
driver and the device are asked too.
"""

from __future__ import annotations

import functools
import os
from importlib import import_module
from typing import Any

INSTALL = "pip install 'tinylucid[gpu]'"
CUDA12 = "pip install 'tinylucid[gpu-cuda12]'"
EMULATED = "TINYLUCID_GPU=emulated runs the same kernels on the CPU, slowly, for tests and for learning"


class NoGPU(RuntimeError):
    """There is no GPU to compute on; the message says why, and what to do."""


@functools.cache
def cupy() -> Any:
    """The module that computes on the GPU; :class:`NoGPU` if there is none that works."""
    wanted = os.environ.get("TINYLUCID_GPU") or "real"
    if wanted == "emulated":
        reason = import_module("..emulator.compile", __package__).missing()
        if reason:
            raise NoGPU(f"no GPU: {reason}")
        return import_module("..emulator.cupy", __package__)
    if wanted != "real":
        raise ValueError(f"TINYLUCID_GPU: expected 'real' or 'emulated', got {wanted!r}")
    try:
        module = import_module("cupy")
    except ImportError as error:
        why = (
            "CuPy is not installed" if isinstance(error, ModuleNotFoundError) else f"CuPy cannot be imported ({error})"
        )
        raise NoGPU(f"no GPU: {why}. {INSTALL} brings it ({CUDA12} for a driver of CUDA 12); {EMULATED}") from error
    reason = missing(module)
    if reason:
        raise NoGPU(f"no GPU: {reason}; {EMULATED}")
    return module


def missing(module: Any) -> str:
    """What keeps CuPy from computing, and what to do; "" if nothing does."""
    runtime = module.cuda.runtime
    has = runtime.driverGetVersion()
    needs = runtime.runtimeGetVersion()
    if not has:
        return "there is no NVIDIA driver on this machine. Install NVIDIA's driver for your card and restart"
    if has // 1000 < needs // 1000:
        return (
            f"the driver knows CUDA {version(has)}, this CuPy needs {version(needs)}. Update the driver, "
            f"or take CuPy for CUDA 12: pip uninstall cupy-cuda13x && {CUDA12}"
        )
    try:
        count, why = runtime.getDeviceCount(), "the driver finds none"
    except runtime.CUDARuntimeError as error:
        count, why = 0, str(error)
    if not count:
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
        hint = f"CUDA_VISIBLE_DEVICES={hidden!r} may hide it" if hidden is not None else "nvidia-smi lists what it sees"
        return f"there is no CUDA device ({why}). {hint}"
    return ""


def version(number: int) -> str:
    """CUDA's 13020 as "13.2"."""
    return f"{number // 1000}.{number % 1000 // 10}"


@functools.cache
def special() -> Any:
    """CuPy's special functions (``special().erf``), or the stand-in's."""
    if is_emulated():
        return import_module("..emulator.standin.special", __package__)
    cupy()  # says why if there is no GPU
    return import_module("cupyx.scipy.special")


@functools.cache
def array_type() -> Any:
    """The type of arrays on the GPU."""
    return cupy().ndarray


def is_emulated() -> bool:
    """Whether the emulated GPU was asked for."""
    return os.environ.get("TINYLUCID_GPU") == "emulated"


def is_available() -> bool:
    """Whether there is a GPU (or its emulation) to compute on."""
    try:
        cupy()
    except NoGPU:
        return False
    return True


def described() -> list[tuple[str, str]]:
    """What ``tinylucid info`` says of the GPU: (name, value)."""
    try:
        module = cupy()
    except (NoGPU, ValueError) as error:
        return [("gpu", str(error).removeprefix("no GPU: "))]
    if is_emulated():
        return [("gpu", "emulated on the CPU (TINYLUCID_GPU=emulated)")]
    runtime = module.cuda.runtime
    properties = runtime.getDeviceProperties(module.cuda.Device().id)
    free, total = runtime.memGetInfo()
    return [
        ("gpu", f"{properties['name'].decode()}, compute capability {properties['major']}.{properties['minor']}"),
        ("gpu memory", f"{free / 2**30:.1f} of {total / 2**30:.1f} GiB free"),
        ("cupy", f"{module.__version__}, CUDA {version(runtime.runtimeGetVersion())}"),
        ("driver", f"CUDA {version(runtime.driverGetVersion())}"),
    ]
