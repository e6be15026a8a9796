"""Reading a .cu file: its kernels, and the comments that say how each is launched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tinylucid_kernels.emulator.compile import CompileError, Library, build, missing, warnings

from . import Unable
from .compiler import plainly, suspicion

COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*[\s\S]*?\*/')
HEAD = re.compile(
    r"__global__\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\("
)
NOTE = re.compile(r"(?://+|/\*+|^[ \t]*\*+)[ \t]*(launch|sizes?|values?|start)[ \t]*:[ \t]*([^\n]*)", re.M | re.I)
KNOWN = re.compile(
    r'^[ \t]*#[ \t]*include[ \t]*[<"](?:cuda\w*\.h|device_launch_parameters\.h|c?math(?:\.h)?|c?stdio(?:\.h)?)[>"]',
    re.M,
)


@dataclass(frozen=True)
class Kernel:
    """A kernel of a file: its source, and its notes, by "launch", "sizes", "values" and "start"."""

    name: str
    first: int  # its lines
    last: int
    body: str  # from its head to its closing brace, without comments
    notes: dict[str, str]


@dataclass(frozen=True)
class Source:
    """A .cu file. ``reals``: what the word real stands for in turn, if the file leaves that open."""

    path: Path
    text: str
    kernels: tuple[Kernel, ...]
    reals: tuple[str, ...]

    def library(self, real: str = "", count: bool = False) -> Library:
        """The file compiled for the emulated GPU, each access to memory checked; Unable with the compiler's complaint in words."""
        try:
            library = build(
                f'#line 1 "{self.path.name}"\n{self.text}', (f"-Dreal={real}",) if real else (), True, count
            )
        except CompileError as error:
            raise Unable(plainly(str(error), self.path.name, self.text)) from error
        for kernel in self.kernels:
            if kernel.name not in library.names:
                raise Unable(
                    f"{self.path}: the head of {kernel.name} is not understood. It begins",
                    f'extern "C" __global__ void {kernel.name}(const float *x, float *y, int n) {{',
                )
        return library

    def suspicion(self, kernel: Kernel) -> str:
        """What the compiler warns of in a kernel that may make its numbers wrong; "" for nothing."""
        found = warnings(self.text, (f"-Dreal={self.reals[0]}",) if self.reals[0] else ())
        return suspicion([(line, what) for line, what in found if kernel.first <= line <= kernel.last])

    def line(self, number: int) -> str:
        """A line of the file."""
        lines = self.text.splitlines()
        return lines[number - 1] if 0 < number <= len(lines) else ""


def read(path: Path) -> Source:
    """A .cu file; Unable for what is none, and where kernels cannot be run."""
    if path.suffix != ".cu":
        raise Unable(f"{path}: expected a file of CUDA C, which ends in .cu")
    if not path.is_file():
        raise Unable(f"{path}: no such file")
    if reason := missing():
        raise Unable(reason)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Unable(f"{path} is no text in UTF-8") from None
    text = KNOWN.sub("", text)  # the emulated GPU knows what they hold
    bare = without_comments(text)
    if found := re.search(r"<<<|\bint\s+main\s*\(", bare):
        raise Unable(
            f"{path.name}, line {line_at(bare, found.start())}: {found[0].rstrip('(').strip()} belongs to the program that starts "
            "the kernel. The check starts it itself: leave only the kernels in this file, and say how in a comment above each",
            "// launch: grid (n + 255) / 256, block 256",
        )
    if found := re.search(r"template\s*<[^<>]*>\s*(?:extern\s*\"C\"\s*)?__global__", bare):
        raise Unable(
            f"{path.name}, line {line_at(bare, found.start())}: a kernel that is a template has no name to start it by. "
            "Write it for a type called real, which the check makes float and then double",
        )
    refuse_open_braces(path.name, bare)
    heads = list(HEAD.finditer(bare))
    if not heads:
        raise Unable(
            f"{path} holds no kernel. A kernel begins, for example,",
            'extern "C" __global__ void scale(const float *x, float *y, int n, float a) {',
        )
    return Source(path, with_c_names(text, bare), tuple(kernels(text, bare, heads)), reals(bare))


def refuse_open_braces(file: str, bare: str) -> None:
    """Unable where a brace has no partner: the compiler would complain far from there."""
    opened: list[int] = []
    for brace in re.finditer("[{}]", bare):
        if brace[0] == "{":
            opened.append(brace.start())
        elif not opened:
            raise Unable(f"{file}, line {line_at(bare, brace.start())}: a }} too many closes nothing")
        else:
            opened.pop()
    if opened:
        raise Unable(
            f"{file}, line {line_at(bare, opened[-1])}: the {{ there is never closed, or one after it: a }} is missing"
        )


def without_comments(text: str) -> str:
    """The same with blanks for comments and what strings hold, so that places stay."""
    return COMMENT.sub(lambda m: m[0] if m[0] == '"C"' else re.sub(r"[^\n]", " ", m[0]), text)


def line_at(text: str, place: int) -> int:
    """The number of the line that a place lies in."""
    return text.count("\n", 0, place) + 1


def reals(bare: str) -> tuple[str, ...]:
    """What to put for the word real: both types if the file uses it and does not say."""
    said = re.search(r"#\s*define\s+real\b|typedef[^;]*\breal\s*;|using\s+real\b", bare)
    return ("float", "double") if re.search(r"\breal\b", bare) and not said else ("",)


def kernels(text: str, bare: str, heads: list[re.Match[str]]) -> list[Kernel]:
    """The kernels, each with the notes that stand since the one before ended."""
    found, begin = [], 0
    for head in heads:
        end = closing(bare, head.end())
        notes: dict[str, str] = {}
        for note in NOTE.finditer(text, begin, end):
            key = {"size": "sizes", "value": "values"}.get(note[1].lower(), note[1].lower())
            said = note[2].replace("*/", "").strip().rstrip(".")
            notes[key] = f"{notes[key]}, {said}" if key in notes else said
        found.append(Kernel(head[1], line_at(bare, head.start()), line_at(bare, end), bare[head.start() : end], notes))
        begin = end
    return found


def closing(bare: str, begin: int) -> int:
    """Where the braces that open after a place are all closed."""
    depth = 0
    for brace in re.finditer(r"[{};]", bare[begin:]):
        depth += {"{": 1, "}": -1, ";": 0}[brace[0]]
        if not depth and brace[0] in "};":
            return begin + brace.end()
    return len(bare)


def with_c_names(text: str, bare: str) -> str:
    """The same with extern "C" before each kernel that lacks it: a first kernel is often written without."""
    for head in reversed(list(re.finditer(r"__global__", bare))):
        if not re.search(r'extern\s*"C"\s*$', bare[: head.start()]):
            text = f'{text[: head.start()]}extern "C" {text[head.start() :]}'
    return text
