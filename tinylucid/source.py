"""What an operation is made of, as it is installed: its function, backward rule, twin and kernels, found by following names.

Nothing is listed by hand: an Operation knows its forward, rule and twin; the names in their code lead to the other operations and,
as ``of(x).NAME``, to the kernels; and the names in a kernel's code to what it runs on all cores or launches on the GPU.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import tinylucid_kernels

from . import nn, ops
from .tensor import Tensor

KINDS = ("operation", "reference", "cpu", "gpu")


class Part(NamedTuple):
    """A piece of source: of which of KINDS, what it is, where it stands, its language ("python" or "cuda") and its text."""

    kind: str
    title: str
    path: Path
    line: int
    language: str
    text: str


class Reading(NamedTuple):
    """All parts of one thing, in the order to read them, and the names of operations that it uses and that stand elsewhere."""

    parts: list[Part]
    others: list[str]


def reading(name: str, kinds: Sequence[str] = KINDS) -> Reading:
    """An operation, a layer or a kernel by name (also dotted: tl.nn.functional.conv2d); ValueError for none of them.

    An operation is its function, the recorded operations that it calls, each with its rule and its twin, and so on with the private
    ones that these call; then their kernels. A layer is its class and the operations that it calls. ``kinds`` says what is wanted.
    """
    found = named(name)
    parts: list[Part] = []
    others: list[str] = []
    kernels = [found]
    if not isinstance(found, str):
        layer = isinstance(found, type)
        own, others, kernels = operation_parts(layer_calls(found) if layer else [found])
        if "operation" in kinds:
            parts = [*([part("operation", f"{found.__name__}, a layer", found)] if layer else []), *own]
    for kernel in kernels:
        for folder in kinds:
            if folder != "operation":
                parts += kernel_parts(folder, kernel)
    return Reading(list({(each.path, each.line): each for each in reversed(parts)}.values())[::-1], others)


# --- names -----------------------------------------------------------------------------------------------------------


@cache
def known() -> dict[str, Any]:
    """All that can be read: functions of operations, Tensor's methods, layers, and kernels, which are names only."""
    rooms = [import_module(f"{ops.__name__}.{room.name}") for room in pkgutil.iter_modules(ops.__path__)]
    everything: list[tuple[str, Any]] = [(name, name) for name in import_module("tinylucid_kernels.reference").__all__]
    everything += [(name, f) for name, f in vars(nn).items() if isinstance(f, type) and issubclass(f, nn.Module)]
    everything += [(name, f) for place in (Tensor, *rooms, ops) for name, f in vars(place).items() if is_ours(f)]
    return {name: f for name, f in everything if name != "_"}


def named(name: str) -> Any:
    """What the name stands for; ValueError, with what is alike, where there is nothing."""
    last = name.strip().rpartition(".")[2]
    if last in known():
        return known()[last]
    alike = get_close_matches(last, [each for each in known() if each.startswith("_") == last.startswith("_")], 5)
    hint = f"did you mean {', '.join(alike)}?" if alike else "`tinylucid read --list` shows them all"
    raise ValueError(f"read: no operation, layer or kernel is called {name!r}; {hint}")


def families() -> dict[str, list[tuple[str, str]]]:
    """The operations, (name, first line of what it says), by the room in which they stand."""
    rows: dict[str, list[tuple[str, str]]] = {}
    for name, f in [*((name, getattr(ops, name)) for name in ops.__all__), *vars(ops.fft).items()]:
        if is_ours(f) and not name.startswith("_") and (name in ops.__all__ or computes(f)):
            first = (inspect.getdoc(f) or "").split("\n")[0]
            alias = "" if f.__name__ == name else f"the same as {f.__name__}: "
            rows.setdefault(f.__module__.rpartition(".")[2], []).append((name, alias + first))
    return dict(sorted(rows.items()))


# --- operations ------------------------------------------------------------------------------------------------------


def operation_parts(asked: Sequence[Any]) -> tuple[list[Part], list[str], list[str]]:
    """The parts of operations' own source, the names of other operations that they use, and those of their kernels."""
    shown = list(asked)
    others: dict[Any, str] = {}
    kernels: dict[str, None] = {}
    parts: list[Part] = []
    for f in shown:  # which grows
        for title, piece in pieces(f, f in asked):
            parts.append(part("operation", title, piece))
            kernels.update(dict.fromkeys(kernels_named(piece)))
            inside = hasattr(f, "op")  # a forward, a rule or a twin, not a function that checks and calls
            for g in names_in(piece):
                if not is_ours(g) or g in shown:
                    continue
                recorded_here = hasattr(g, "op") and not inside
                private = g.__name__.startswith("_")
                if recorded_here or (private and (inside or computes(g) or kernels_named(g) or not computes(f))):
                    shown.append(g)
                elif computes(g):
                    others[g] = g.__name__
    return parts, [name for g, name in others.items() if g not in shown], list(kernels)


def pieces(f: Any, asked: bool) -> Iterator[tuple[str, Any]]:
    """A function, or a recorded operation's forward, rule and twin, each with what it is."""
    op = getattr(f, "op", None)
    if op is None:
        yield f"{f.__name__}, {'the function' if asked else 'which it calls'}", f
        return
    yield f"{f.__name__}, a recorded operation", op.forward
    if op.own_rule:
        yield f"{f.__name__}, its backward rule", op.own_rule.pull
    if op.twin:
        yield f"{f.__name__}, its twin in elementary operations", op.twin


@cache
def computes(f: Any) -> bool:
    """Whether a function is a recorded operation, or calls one, perhaps through others."""
    reached = [f]
    for g in reached:  # which grows
        if hasattr(g, "op"):
            return True
        reached += [h for h in dict.fromkeys(names_in(g)) if is_ours(h) and h not in reached]
    return False


def layer_calls(layer: type) -> list[Any]:
    """The operations that a layer's forward pass, or another of its own methods, calls."""
    methods = [layer.forward, *vars(layer).values()]  # type: ignore[attr-defined]
    called = [g for f in methods if isinstance(f, FunctionType) for g in names_in(f)]
    return list(dict.fromkeys(g for g in called if is_ours(g) and computes(g)))


def is_ours(f: Any) -> bool:
    """Whether it is a function of the operations' rooms."""
    return isinstance(f, FunctionType) and f.__module__.startswith(f"{ops.__name__}.")


# --- kernels ---------------------------------------------------------------------------------------------------------


def kernels_named(f: Any) -> list[str]:
    """The kernels that a function calls as ``of(x).NAME``, in order."""
    found = [node for node in ordered(f) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call)]
    return [node.attr for node in found if resolved(f, node.value.func) is tinylucid_kernels.of]  # type: ignore[attr-defined]


def kernel_parts(folder: str, name: str) -> list[Part]:
    """A kernel in one folder.

    ``reference``: it and all that it calls. ``cpu``: the way to the ``…_items`` that run on all cores, they, and what is compiled into
    them. ``gpu``: the way to what launches, and the CUDA kernels that are launched.
    """
    package = import_module(f"tinylucid_kernels.{folder}")
    calls = reachable(getattr(package, name), package.__name__)
    if folder == "reference":
        return [part(folder, f"{f.__name__}, in plain NumPy", f) for f in calls]
    if folder == "cpu":
        bodies = [f for f in calls if f.__name__.endswith("_items")]
        inside = [f for body in bodies for f in reachable(body, package.__name__)]
        shown = [f for f in leading(calls, bodies) if f not in inside]
        titles = {**dict.fromkeys(shown, "on the CPU"), **dict.fromkeys(inside, "what every core runs")}
        return [part(folder, f"{f.__name__}, {title}", f) for f, title in titles.items()]
    launch = import_module(f"{package.__name__}.launch").kernel
    shown = leading(calls, [f for f in calls if f is not launch and launch in names_in(f)])
    parts = [part(folder, f"{f.__name__}, launched on the GPU", f) for f in shown]
    for room in dict.fromkeys(f.__module__ for f in shown):
        words = [word for f in shown if f.__module__ == room for word in strings(f)]
        for file in dict.fromkeys(word for word in words if word.endswith(".cu")):
            parts += cuda_parts(Path(package.__path__[0], file), words)
    return parts


def reachable(start: Any, package: str) -> dict[Any, list[Any]]:
    """The functions of a package that a function leads to, nearest first, each with those it names.

    Not those whose code is written for LLVM: they load, store or borrow memory as their names say.
    """
    calls: dict[Any, list[Any]] = {}
    queue = [start]
    for f in queue:  # which grows
        if f not in calls:
            ours = [g for g in names_in(f) if callable(g) and getattr(g, "__module__", "").startswith(f"{package}.")]
            written = [g for g in dict.fromkeys(ours) if type(g).__name__ != "_Intrinsic"]
            calls[f] = [g for g in written if isinstance(inspect.unwrap(g), FunctionType)]
            queue += calls[f]
    return calls


def leading(calls: dict[Any, list[Any]], goals: Sequence[Any]) -> list[Any]:
    """Of those functions the ones that are, or lead to, one of the goals; the first is always there."""
    wanted = {next(iter(calls)), *goals}
    size = 0
    while size < len(wanted):
        size = len(wanted)
        wanted.update(f for f, named in calls.items() if any(g in wanted for g in named))
    return [f for f in calls if f in wanted]


def cuda_parts(path: Path, words: Sequence[str]) -> list[Part]:
    """The kernels of a CUDA source that are among the words, each followed by what it uses of the same file."""
    blocks = definitions(path)
    shown = [name for name, (_, text) in blocks.items() if "__global__" in text and name in words]
    parts = []
    for name in shown:  # which grows
        line, text = blocks[name]
        what = "the CUDA kernel" if "__global__" in text else "of which the kernel is made"
        parts.append(Part("gpu", f"{name}, {what}", path, line, "cuda", text))
        code = re.sub(r"//.*", "", text)
        shown += [other for other in blocks if other not in shown and re.search(rf"\b{other}\b", code)]
    return parts


def definitions(path: Path) -> dict[str, tuple[int, str]]:
    """What a CUDA source defines at its top level: by name the line and the text, with the comment above."""
    found: dict[str, tuple[int, str]] = {}
    block: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line and all(above.startswith("//") for above in block):
            block = []  # a comment on the whole file
            continue
        block.append(line)
        code = "\n".join(re.sub(r"//.*", "", each).rstrip() for each in block).strip()
        whole = code.startswith("#") or (code.endswith(("}", ";")) and code.count("{") == code.count("}"))
        if whole:
            bare = re.sub(r"__launch_bounds__\([^)]*\)", "", code)
            name = re.match(
                r"#define (\w+)|(?:template *<[^>]*> *)?struct (\w+)|constexpr \w+ (\w+)|[^(=]*?(\w+)\s*\(", bare
            )
            if name:
                found[next(filter(None, name.groups()))] = number - len(block) + 1, "\n".join(block) + "\n"
            block = []
    return found


# --- code ------------------------------------------------------------------------------------------------------------


def part(kind: str, title: str, thing: Any) -> Part:
    """The source of a function or a class, its decorators included."""
    lines, line = inspect.getsourcelines(inspect.unwrap(thing))
    return Part(kind, title, Path(inspect.getfile(inspect.unwrap(thing))), line, "python", "".join(lines))


@cache
def ordered(f: Any) -> list[ast.AST]:
    """The nodes of a function's body, without decorators and defaults, as they follow each other in the text."""
    (definition,) = ast.parse(textwrap.dedent("".join(inspect.getsourcelines(inspect.unwrap(f))[0]))).body
    nodes = [node for line in getattr(definition, "body", [definition]) for node in ast.walk(line)]
    return sorted((node for node in nodes if hasattr(node, "lineno")), key=lambda n: (n.lineno, n.col_offset))  # type: ignore[attr-defined]


def names_in(f: Any) -> list[Any]:
    """What a function's code names of its module: objects, and attributes of modules, in order."""
    found = (resolved(f, node) for node in ordered(f) if isinstance(node, (ast.Name, ast.Attribute)))
    return [thing for thing in found if callable(thing)]


def resolved(f: Any, node: ast.AST) -> Any:
    """What a name, or a name in a module, stands for in a function; None for its own variables and all else."""
    if isinstance(node, ast.Name) and node.id not in own_names(f):
        return inspect.unwrap(f).__globals__.get(node.id)
    if isinstance(node, ast.Attribute):
        module = resolved(f, node.value)
        return getattr(module, node.attr, None) if isinstance(module, ModuleType) else None
    return None


@cache
def own_names(f: Any) -> set[str]:
    """The parameters and variables of a function, and of the functions and comprehensions in it."""
    stored = {n.id for n in ordered(f) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    inner = {n.arg for n in ordered(f) if isinstance(n, ast.arg)}
    return {*inspect.unwrap(f).__code__.co_varnames, *stored, *inner}


def strings(f: Any) -> list[str]:
    """The texts in a function's code."""
    return [n.value for n in ordered(f) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
