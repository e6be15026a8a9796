"""NVIDIA's compiler for kernels, as a library: needs the wheel nvidia-cuda-nvrtc, but no GPU, no driver and no CuPy."""

import ctypes
import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

LIBRARY = re.compile(r"libnvrtc\.so\.\d+|nvrtc64_\d+_\d+\.dll")  # Linux, Windows
HELPER = re.compile(r"libnvrtc-builtins\.so[.\d]*|nvrtc-builtins64_\d+\.dll")  # it is loaded first, so that it is found
ENTRY = re.compile(
    r"Compiling entry function '(\w+)'.*?(\d+) bytes spill stores, (\d+) bytes spill loads.*?Used (\d+) registers([^\n]*)",
    re.S,
)


class Usage(NamedTuple):
    """What a kernel takes of a multiprocessor: registers a thread, bytes spilled out of them, bytes of shared memory."""

    registers: int
    spilled: int
    shared: int


@cache
def library():
    """The compiler; None where the wheel is not installed."""
    found = importlib.util.find_spec("nvidia")
    for root in found.submodule_search_locations if found else ():
        files = sorted(Path(root).rglob("*nvrtc*"))
        for pattern in (HELPER, LIBRARY):
            loaded = [ctypes.CDLL(str(f)) for f in files if pattern.fullmatch(f.name)]
        if loaded:
            return loaded[0]
    return None


def compiled(source, name, options):
    """Compile a source: (PTX, the log); PTX is "" where the source is wrong, and the log says why."""
    nvrtc, program = library(), ctypes.c_void_p()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), name.encode(), 0, None, None)
    try:
        flags = (ctypes.c_char_p * len(options))(*[o.encode() for o in options])
        failed = nvrtc.nvrtcCompileProgram(program, len(options), flags)  # CDLL: other threads go on meanwhile
        log = text(program, "ProgramLog")
        return ("", log) if failed else (text(program, "PTX"), log)
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def text(program, what):
    """One of the compiler's outputs."""
    size = ctypes.c_size_t()
    getattr(library(), f"nvrtcGet{what}Size")(program, ctypes.byref(size))
    buffer = ctypes.create_string_buffer(size.value)
    getattr(library(), f"nvrtcGet{what}")(program, buffer)
    return buffer.value.decode(errors="replace").strip()


def usage(log):
    """{kernel: Usage}, read from a log made with --ptxas-options=-v."""
    found = {}
    for name, stores, loads, registers, rest in ENTRY.findall(log):
        shared = re.search(r"(\d+) bytes smem", rest)
        found[name] = Usage(int(registers), int(stores) + int(loads), int(shared[1]) if shared else 0)
    return found


def threads(ptx):
    """{kernel: threads a block}, where __launch_bounds__ says it."""
    bounds = re.findall(r"\.entry (\w+)\([^)]*\)\s*\.maxntid (\d+)", ptx)
    return {name: int(count) for name, count in bounds}
