"""tl.draw_graph: the record behind a tensor as a drawing, by Graphviz where its program ``dot`` is, else in text.

A drawing holds words and numbers only: it keeps no array alive, and stays what it was when the record is released.
"""

from __future__ import annotations

import html
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from . import devices
from .nn.module import Module
from .scopes import is_grad_enabled
from .tensor import Node, Tensor

HEAD, TAIL = 160, 40  # lines of a long drawing that str() shows
MANY = 500  # operations and leaves beyond which a notebook gets text: dot would take minutes
LEGEND = "Each ● is computed from what hangs on it and from the next ● of its column; → [n] is the one marked [n]."
FILLED = {"operation": "#dce9f7", "leaf": "#ffffff", "with .grad": "#d5efd0", "constant": "#eeeeee"}


class Entry(NamedTuple):
    """One operation or leaf of a drawing; ``inputs`` are the numbers of other entries, under the names of the parameters."""

    kind: str  # a key of FILLED
    title: str
    notes: tuple[str, ...]
    inputs: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        return "; ".join((self.title, *self.notes))


class Graph:
    """What :func:`draw_graph` drew: ``print`` shows it in text, ``dot`` is its source for Graphviz, ``save`` writes a file."""

    def __init__(self, entries: Sequence[Entry], roots: Sequence[int]) -> None:
        self.entries, self.roots = tuple(entries), tuple(roots)

    def __str__(self) -> str:
        lines = self.text.split("\n")
        out = len(lines) - HEAD - TAIL
        if out > 1:
            lines[HEAD:-TAIL] = [f"… {out:,} lines are left out; save('graph.txt') writes them all …"]
        return "\n".join(lines)

    __repr__ = __str__

    @property
    def text(self) -> str:
        """The whole drawing in text, however long."""
        operations = sum(entry.kind == "operation" for entry in self.entries)
        have = sum(entry.kind == "with .grad" for entry in self.entries)
        leaves = sum(entry.kind == "leaf" for entry in self.entries) + have
        head = f"{counted(operations, 'operation')}, {counted(leaves, 'leaf')}, {have:,} with .grad"
        return "\n".join([head, *([LEGEND] if operations else []), "", *self.lines()])

    def lines(self) -> list[str]:
        """The tree from the results down, without recursion.

        What several operations use hangs on the last of them to be shown, and of an operation's inputs the one with the longest
        history goes on in the same column: so neither a long chain nor a residual net wanders to the right.
        """
        height = self.heights()
        uses = Counter([*self.roots, *(k for entry in self.entries for _, k in entry.inputs)])
        left = uses - Counter(self.roots)
        shown: set[int] = set()
        lines: list[str] = []
        stack = [("", k, not left[k], "", "● ", "") for k in reversed(self.roots)]
        while stack:
            name, k, whole, column, sign, below = stack.pop()
            if lines and not name:
                lines.append("")  # before another root
            mark = f"[{k + 1}] " if uses[k] > 1 else ""
            if k in shown or not whole:
                lines.append(f"{column}{sign}{name}→ {mark}".rstrip())
                continue
            shown.add(k)
            lines.append(f"{column}{sign}{name}{mark}{self.entries[k]}")
            column += below
            inner: list[tuple[str, int, bool]] = []
            plain: list[tuple[str, int, bool]] = []
            for label, source in self.entries[k].inputs:
                left[source] -= 1
                deep = bool(self.entries[source].inputs)
                last = deep and not left[source]
                (inner if last else plain).append((f"{label}: ", source, last or not deep))
            inner.sort(key=lambda each: height[each[1]])
            spine = [(*inner.pop(), column, "● ", "")] if inner else []
            sides = [(*each, column, "├─ ", "│  ") for each in (*plain, *inner)]
            if sides and not spine:
                sides[-1] = (*sides[-1][:4], "└─ ", "   ")
            stack += reversed([*sides, *spine])
        return lines

    def heights(self) -> list[int]:
        """Of each entry the longest way to a leaf; entries stand before their inputs."""
        height = [0] * len(self.entries)
        for k in reversed(range(len(self.entries))):
            height[k] = 1 + max((height[source] for _, source in self.entries[k].inputs), default=0)
        return height

    @property
    def dot(self) -> str:
        """The drawing in Graphviz's language: leaves above, results below, an edge from each input to what uses it."""
        lines = ["digraph {", '  node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=11];']
        lines.append('  edge [fontname="sans-serif", fontsize=9];')
        for k, entry in enumerate(self.entries):
            label = "\\n".join(quoted(part) for part in (entry.title, *entry.notes))
            bold = ", penwidth=2" if k in self.roots else ""
            lines.append(f'  n{k + 1} [label="{label}", fillcolor="{FILLED[entry.kind]}"{bold}];')
        for k, entry in enumerate(self.entries):
            lines += [f'  n{source + 1} -> n{k + 1} [label="{quoted(name)}"];' for name, source in entry.inputs]
        return "\n".join([*lines, "}", ""])

    def save(self, path: Any) -> None:
        """Write the drawing: .svg, .png or .pdf by Graphviz, .dot for it, or .txt.

        Raises ValueError for another ending, RuntimeError where Graphviz is missing or fails.
        """
        path = Path(path)
        ending = path.suffix.lower()
        if ending in (".svg", ".png", ".pdf"):
            path.write_bytes(self.rendered(ending[1:]))
        elif ending in (".dot", ".txt"):
            path.write_text(self.dot if ending == ".dot" else self.text + "\n", encoding="utf-8")
        else:
            raise ValueError(f"draw_graph: a file ends in .svg, .png, .pdf, .dot or .txt, got {str(path)!r}")

    def rendered(self, form: str) -> bytes:
        """The drawing as Graphviz makes it; RuntimeError where it is missing or fails."""
        program = shutil.which("dot")
        if program is None:
            raise RuntimeError(
                f"draw_graph: {form} is drawn by Graphviz, whose program dot is not on the PATH; install it (apt install "
                "graphviz, brew install graphviz), or save as .txt or .dot"
            )
        done = subprocess.run([program, f"-T{form}"], input=self.dot.encode(), capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"draw_graph: {program} failed: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    def _repr_html_(self) -> str:
        """What a notebook shows: Graphviz's picture, or the text where there is none or too much to draw."""
        if shutil.which("dot") is None or len(self.entries) > MANY:
            return f"<pre>{html.escape(str(self))}</pre>"
        svg = self.rendered("svg").decode()
        return svg[svg.index("<svg") :]  # without the head of an XML file


def draw_graph(tensor: Any, params: Any = None) -> Graph:
    """The record behind a tensor, or several in a list: what they were computed from, and which gradients exist.

    An operation is shown with the shape of its result, its dtype where the record knows it, the layer it was called in, the
    arrays it keeps for its rule, and whether one of them was changed since or an earlier backward released them (which also
    cuts what lies behind: draw before backward, or keep it with ``retain_graph=True``). A leaf is shown with whether its
    ``.grad`` exists. Inputs that need no gradient are constants and not recorded, so they are only named.

    ``params``, a Module or {name: tensor}, gives names to leaves and results. What ``retain_grad`` keeps on an inner tensor
    is not shown, since the record holds no results. Raises TypeError for what is no tensor.

        print(tl.draw_graph(loss, model))
        tl.draw_graph(loss, model).save("graph.svg")
    """
    tensors = list(tensor) if isinstance(tensor, (list, tuple)) else [tensor]
    for t in tensors:
        if not isinstance(t, Tensor):
            raise TypeError(f"draw_graph: expected a Tensor or a list of them, got {type(t).__name__}")
    sources = list(dict.fromkeys(t.node or t for t in tensors))
    found = behind(sources)
    numbers = {source: k for k, source in enumerate(found)}
    names, dtypes = named(params), known_dtypes(tensors, found)
    entries = []
    for source in found:
        called = names.get(source, "")
        if isinstance(source, Node):
            entries.append(operation_entry(source, called, dtypes.get(source, ""), numbers))
        else:
            entries.append(leaf_entry(source, called))
    return Graph(entries, [numbers[source] for source in sources])


def behind(sources: Sequence[Any]) -> list[Any]:
    """All Nodes from the newest to the oldest, which is an order in which each stands before its inputs, and then the leaves."""
    seen, stack = dict.fromkeys(sources), list(sources)
    while stack:
        source = stack.pop()
        for parent in source.parents if isinstance(source, Node) else ():
            if parent is not None and parent not in seen:
                seen[parent] = None
                stack.append(parent)
    nodes = sorted((source for source in seen if isinstance(source, Node)), key=lambda n: -n.rank)
    return [*nodes, *(source for source in seen if not isinstance(source, Node))]


def named(params: Any) -> dict[Any, str]:
    """The names of Nodes and leaves; TypeError for what gives none."""
    if params is None:
        return {}
    if isinstance(params, Module):
        params = dict(params.named_parameters())
    if not isinstance(params, Mapping) or not all(isinstance(t, Tensor) for t in params.values()):
        raise TypeError(f"draw_graph: params must be a Module or {{name: tensor}}, got {type(params).__name__}")
    return {t.node or t: visible(str(name)) for name, t in params.items()}


def known_dtypes(tensors: Sequence[Tensor], found: Sequence[Any]) -> dict[Any, str]:
    """The dtypes of results, of which a Node keeps the shape only: those of the roots, and of what was saved for a rule."""
    dtypes = {t.node: str(t.dtype) for t in tensors if t.node}
    for n in found:
        saved = (isinstance(n, Node) and n.saved) or {}
        for name, source in [("out", n), *zip(n.op.inputs, n.parents)] if saved else ():
            if isinstance(source, Node) and devices.is_array(saved.get(name)):
                dtypes.setdefault(source, str(saved[name].dtype))
    return dtypes


def operation_entry(n: Node, name: str, dtype: str, numbers: Mapping[Any, int]) -> Entry:
    """What is said of a recorded call."""
    parameters = [*n.op.inputs, *map(str, range(len(n.op.inputs), len(n.parents)))]
    inputs = tuple((label, numbers[p]) for label, p in zip(parameters, n.parents) if p is not None)
    constants = [label for label, p in zip(parameters, n.parents) if p is None]
    kept = [key for key, value in (n.saved or {}).items() if devices.is_array(value)]
    changed = [key for key, version, then in n.versions if version[0] != then]
    notes = [f"layer {visible(n.layer)!r}"] if n.layer else []
    notes += [f"keeps {', '.join(kept)}"] if kept else []
    notes += [f"constant: {', '.join(constants)}"] if constants else []
    notes += [f"{', '.join(changed)} changed in place since: backward will refuse"] if changed and n.saved else []
    notes += ["released by backward, and so is what it was computed from"] if n.saved is None else []
    notes += [counted(len(n.hooks), "hook")] if n.hooks else []
    title = " ".join(part for part in (name and f"{name} =", n.op.__name__, str(n.shape), dtype) if part)
    return Entry("operation", title, tuple(notes), inputs)


def leaf_entry(t: Tensor, name: str) -> Entry:
    """What is said of a tensor that no recorded call made."""
    where = "" if devices.of(t) == "cpu" else " on cuda"
    title = f"{name or ('leaf' if t.requires_grad else 'tensor')} {t.shape} {t.dtype}{where}"
    if not t.requires_grad:
        off = "" if is_grad_enabled() else ", which is in force here"
        why = f"no input required one, or it was made under no_grad(){off}, or detached"
        return Entry("constant", title, ("requires no gradient, so nothing is recorded behind it", why), ())
    notes = ["has .grad" if t.grad is not None else "no .grad yet"]
    notes += [counted(len(t.hooks), "hook")] if t.hooks else []
    return Entry("leaf" if t.grad is None else "with .grad", title, tuple(notes), ())


def counted(n: int, what: str) -> str:
    """1 leaf, 2 leaves."""
    return f"{n:,} {what if n == 1 else {'leaf': 'leaves'}.get(what, f'{what}s')}"


def visible(text: str) -> str:
    """A name in one line: what does not print as an escape."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def quoted(text: str) -> str:
    """A text inside the quotes of Graphviz's language."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
