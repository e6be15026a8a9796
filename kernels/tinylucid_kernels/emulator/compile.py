"""Compiling a .cu source for the CPU with g++, and keeping the result on disk: ``build(source, options, check).names``.

The runtime (the ``.cpp`` files here) is compiled once into a library of its own, so that a kernel needs only ``cuda.h``: some
50 ms. Libraries are kept in ``~/.cache/tinylucid/emulator`` (or below $XDG_CACHE_HOME), under a name made of all that went into
them; that folder can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from .arithmetic import value

HERE = Path(__file__).parent
SHARED_BYTES = 48 << 10  # static shared memory that every GPU grants a block
COMMON = ["-std=c++17", "-g1", "-gdwarf-4", "-fPIC", "-shared", "-U_FORTIFY_SOURCE"]
RUNTIME = [*COMMON, "-O2", "-pthread"]
KERNELS = [
    *COMMON,
    "-w",  # warnings are for nvcc and NVRTC to give
    f"-I{HERE}",
    "-nostdlib",  # no start files, whose variables would lie among the shared memory, and no libtsan: race.cpp is in its place
    "-fvisibility=hidden",  # a kernel called "exp" or "gather" must not meet another library's
    "-fno-gnu-unique",
    "-fno-exceptions",
    "-fno-strict-aliasing",  # float4 loads from arrays of floats
    "-fno-threadsafe-statics",
    "-fstack-clash-protection",  # a large frame touches each of its pages, so also the unreadable one
    "-ffp-contract=off",  # no fused multiply-add unless the source says fma
]
PLAIN = ["-O2"]
CHECK = ["-O1", "-fsanitize=thread,bounds,integer-divide-by-zero", "-fno-sanitize-recover=all"]
COUNT = ["-fsanitize-coverage=trace-pc,trace-cmp"]  # a call for each straight piece of code, and each comparison
LIBRARIES = ["-Wl,-z,defs", "-Wl,-rpath,$ORIGIN", "-lm", "-lc", "-lgcc"]
KERNEL = re.compile(
    r'extern\s*"C"\s+__global__\s+void\s+(?:__launch_bounds__\s*\((?P<bound>[^,)]*)[^)]*\)\s*)?(?P<name>\w+)\s*\((?P<parameters>[^)]*)\)'
)


class CompileError(RuntimeError):
    """A kernel cannot be compiled: what g++ says about it, or why there is no g++."""


class Library:
    """A compiled source. ``names``: its kernels, each with the names of its parameters.

    ``check``: whether it tells each access; ``count``: whether it also tells which way each thread goes.
    """

    def __init__(self, path: Path, check: bool, count: bool = False) -> None:
        self.path, self.check, self.count = path, check, count
        self.functions = ctypes.PyDLL(str(path))  # PyDLL keeps Python's lock: the runtime has one set of variables
        listed = self.function("emu_kernels", ctypes.c_char_p)().decode()
        described = [line.split() for line in listed.splitlines()]
        self.shared_unit = int(described[0][0])
        self.names = {name: parameters for name, *parameters in described[1:]}

    def function(self, name: str, result: type | None = ctypes.c_int) -> Any:
        """A function of the library and the type it returns."""
        function = getattr(self.functions, name)
        function.restype = result
        return function

    @functools.cached_property
    def variables(self) -> list[tuple[int, int, str, str]]:
        """The shared variables: where each begins in the library, its bytes, its function and its name."""
        listed = subprocess.run(["nm", "-SC", str(self.path)], capture_output=True, text=True).stdout
        found = re.findall(r"^(\w+) (\w+) [bB] (?:(\w+).*::)?(\w+)$", listed, re.M)
        return [(int(start, 16), int(size, 16), function, name) for start, size, function, name in found]

    def variable(self, offset: int) -> tuple[str, tuple[int, ...]] | None:
        """The shared variable at an offset of the library, and the index of the element there."""
        for start, size, function, name in self.variables:
            if 0 <= offset - start < size:
                lengths = self.lengths.get((function, name), ())
                unit = size // max(1, math.prod(lengths))
                if not lengths or unit not in (1, 2, 4, 8, 12, 16):
                    return (f"{name}, byte {offset - start}" if size > 8 else name), ()
                return name, tuple(int(i) for i in np.unravel_index((offset - start) // unit, lengths))
        return None

    @functools.cached_property
    def lengths(self) -> dict[tuple[str, str], tuple[int, ...]]:
        """How many elements a shared array has along each axis, by its function and its name."""
        lines = self.function("emu_shared", ctypes.c_char_p)().decode().splitlines()
        return {(f, name): tuple(map(int, lengths)) for f, name, *lengths in map(str.split, lines)}

    @functools.cache  # noqa: B019 - libraries are kept for ever
    def line(self, offset: int) -> str:
        """File and line of an instruction: the innermost that is not one of our headers."""
        command = ["addr2line", "-i", "-e", str(self.path), hex(offset)]
        listed = subprocess.run(command, capture_output=True, text=True).stdout
        frames = [frame.split(" ")[0].rsplit("/", 1)[-1] for frame in listed.splitlines()]
        return next((f for f in frames if not f.startswith(("cuda.h:", "cuda_math.h:", "entry.h:", "?"))), "")


@functools.cache
def build(source: str, options: tuple[str, ...] = (), check: bool = False, count: bool = False) -> Library:
    """A source as a library, compiled with those of the options that define a macro (-Dreal=float); kept.

    ``check`` compiles it so that the runtime hears of each access to memory, and finds races and wrong addresses; ``count``
    so that it hears of each branch too, and counts.
    """
    check = check or count
    runtime = runtime_path()
    flags = [*KERNELS, *(CHECK if check else PLAIN), *(COUNT if count else []), *pattern()]
    key = digest(source, *options, *flags, *LIBRARIES, runtime.name)
    path = cache() / f"{key}.so"
    make = lambda: write(
        path, flags, [f"-L{runtime.parent}", f"-l:{runtime.name}", *LIBRARIES], text_of(source, options)
    )
    if not path.exists():
        make()
    try:
        return Library(path, check, count)
    except OSError:  # half a file, or another machine's
        make()
        return Library(path, check, count)


def text_of(source: str, options: tuple[str, ...]) -> str:
    """What g++ is given: CUDA's words, the macros of the options, the source, and how to call its kernels."""
    if re.search(r"extern\s+__shared__", source):
        raise CompileError("dynamic shared memory (extern __shared__) is not emulated: give the array its size")
    macros = [o[2:].split("=", 1) for o in options if o.startswith("-D")]
    defines = "".join(f"#define {m[0]} {m[1] if len(m) > 1 else 1}\n" for m in macros)
    source = f'{defines}#line 1 "kernel.cu"\n{source}\n'
    expanded = gcc(["-E", "-P", "-w", "-DTINYLUCID_EMULATED", "-x", "c++", "-"], source)
    kernels = list(KERNEL.finditer(expanded))
    bytewise = re.search(r"__shared__[\s\w]*\b(char|bool)\b", expanded)
    listed = "1\\n" if bytewise else "4\\n"  # how small a piece of shared memory two threads can write without a race
    for k in kernels:
        declared = [p.replace("*", " ").split() for p in k["parameters"].split(",")]
        listed += " ".join([k["name"], *(words[-1] for words in declared if words)]) + "\\n"
    entries = "".join(f"EMU_KERNEL({k['name']}, ({k['bound'] or 1024}))\n" for k in kernels)
    entries += f'EMU_SEEN const char *emu_shared() {{ return "{shared_arrays(expanded)}"; }}\n'
    entries += f'EMU_SEEN const char *emu_kernels() {{ return "{listed}"; }}\n'
    return f'#include "cuda.h"\n#include "entry.h"\n{source}{entries}'


def shared_arrays(expanded: str) -> str:
    """The shared arrays of a source without macros, a line for each: its function, its name, and how long it is along each axis."""
    known: dict[str, int] = {}
    for declared in re.findall(r"\bconst(?:expr)?\s+(?:int|unsigned|size_t)\s([^;{}]+);", expanded):
        for name, text in re.findall(r"(\w+)\s*=\s*([^,]+)", declared):
            with contextlib.suppress(ValueError):
                known[name] = value(text, known)
    lines = ""
    for found in re.finditer(r"__shared__([^;={]*)[;={]", expanded):
        functions = re.findall(r"(\w+)\s*\([^()]*\)\s*\{", expanded[: found.start()])
        functions = [f for f in functions if f not in ("if", "for", "while", "switch")]
        for name, axes in re.findall(r"(\w+)\s*((?:\[[^\]]*\]\s*)+)", found[1]):
            with contextlib.suppress(ValueError):
                lengths = [value(text, known) for text in re.findall(r"\[([^\]]*)\]", axes)]
                lines += " ".join([functions[-1] if functions else "", name, *map(str, lengths)]) + "\\n"
    return lines


def write(path: Path, flags: list[str], libraries: list[str], text: str) -> None:
    """Compile and link a text; the file appears whole, even if two processes write it at once."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder, path.name)
        gcc([*flags, "-x", "c++", "-", "-x", "none", "-o", str(made), *libraries], text)
        refuse_too_much_shared_memory(made)
        made.replace(path)


def refuse_too_much_shared_memory(library: Path) -> None:
    """CompileError if a kernel's own __shared__ variables are more than a GPU has."""
    listed = subprocess.run(["nm", "-SC", str(library)], capture_output=True, text=True).stdout
    sizes: dict[str, int] = {}
    for size, function in re.findall(r"^\w+ (\w+) [bB] (\w+)(?:\(.*\))?::", listed, re.M):
        sizes[function] = sizes.get(function, 0) + int(size, 16)
    for function, size in sizes.items():
        if size > SHARED_BYTES:
            raise CompileError(f"kernel {function}: {size} bytes of shared memory, a GPU grants {SHARED_BYTES}")


@functools.cache
def runtime_path() -> Path:
    """The compiled runtime; compiled now if its sources have changed, or this file, which adds to each kernel."""
    sources = sorted(HERE.glob("*.cpp"))
    key = digest(compiler(), *RUNTIME, *(f.read_text() for f in [*sources, *sorted(HERE.glob("*.h")), Path(__file__)]))
    path = cache() / f"runtime-{key}.so"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            made = Path(folder, path.name)
            gcc([*RUNTIME, *map(str, sources), "-o", str(made), "-ldl"], "")
            made.replace(path)
    return path


@functools.cache
def runtime() -> ctypes.PyDLL:
    """The runtime, loaded."""
    return ctypes.PyDLL(str(runtime_path()))


def missing() -> str:
    """What the emulated GPU lacks here, and what to do; "" if nothing."""
    if sys.platform != "linux":
        return "the emulated GPU needs Linux; on Windows take WSL, on a Mac a container"
    if not shutil.which("g++"):
        return (
            "the emulated GPU compiles kernels with g++, which is not installed: 'apt install g++' (Debian, Ubuntu), "
            "'dnf install gcc-c++' (Fedora), 'conda install gxx'"
        )
    return ""


@functools.cache
def compiler() -> str:
    """g++'s version; CompileError where there is none, or where the emulation cannot work."""
    if missing():
        raise CompileError(missing())
    return subprocess.run(["g++", "-dumpfullversion", "-dumpmachine"], capture_output=True, text=True).stdout.strip()


def pattern() -> list[str]:
    """Local variables begin as -1.7e38 (or -16843010), so that one that was never set shows in the result; since g++ 12."""
    return ["-ftrivial-auto-var-init=pattern"] if int(compiler().split(".")[0]) >= 12 else []


def gcc(arguments: list[str], text: str) -> str:
    """Run g++ on a text; what it prints, or CompileError with the first errors it found."""
    done = subprocess.run(["g++", *arguments], input=text, capture_output=True, text=True, env=english())
    if done.returncode:
        raise CompileError("g++: " + "\n".join(errors(done.stderr)))
    return done.stdout


def warnings(source: str, options: tuple[str, ...] = ()) -> list[tuple[int, str]]:
    """What g++ warns of, by line: variables used before they are set, what stands behind a point lost, = and == exchanged."""
    asked = "-Wuninitialized -Wmaybe-uninitialized -Wfloat-conversion -Wunused-value -Wparentheses"
    command = ["g++", *f"-std=c++17 -O1 {asked} -x c++ - -S".split(), f"-I{HERE}", "-o", os.devnull]
    text = text_of(f'#line 1 "kernel.cu"\n{source}', options)
    said = subprocess.run(command, input=text, capture_output=True, text=True, env=english()).stderr
    found = re.findall(r"^kernel\.cu:(\d+):\d+: (?:warning|note): (.*)", said, re.M)
    return [(int(line), what) for line, what in found]


def english() -> dict[str, str]:
    """The environment, with messages in English: they are read here."""
    return {**os.environ, "LC_ALL": "C.UTF-8"}


def errors(said: str) -> list[str]:
    """The first lines of g++'s complaints that say what is wrong and where."""
    wrong = r"^(?:.*/)?([^/:\n]+:\d+):(?:\d+:)? (?:(?:fatal )?[eE]rror: )?((?<=rror: ).*|undefined reference to .*)$"
    found = [f"{place}: {what}" for place, what in re.findall(wrong, said, re.M)]
    return found[:5] or said.strip().splitlines()[-5:]


def digest(*parts: str) -> str:
    """A short name for all of these texts together."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


@functools.cache
def cache() -> Path:
    """Where compiled libraries are kept; a folder that goes with the process if there is no place to write to."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "tinylucid", "emulator")
    try:
        home.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=home).close()
        return home
    except OSError:
        folder = tempfile.TemporaryDirectory(prefix="tinylucid-")
        cache.folder = folder  # type: ignore[attr-defined]  # deleted when Python ends
        return Path(folder.name)
