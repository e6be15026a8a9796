"""The house: nothing imports upward, importing is light, rooms stay small, formulas and versions are in their place."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tinylucid_kernels

import tinylucid

ROOT, KERNELS = Path(tinylucid.__file__).parent, Path(tinylucid_kernels.__file__).parent
FLOORS = [
    {"devices", "patience", "precision"},
    {"dtypes", "anomaly", "random"},
    {"scopes"},
    {"tensor"},
    {"autograd", "capturing"},
    {"ops"},
    {"show"},
    {"creation", "cuda", "gallery"},
    {"nn", "optim"},
    {"check", "data", "io", "metrics", "summary", "graph"},
    {"models", "baselines"},
    {"train"},
    {"findings", "gan", "segment"},
    {"explain"},
    {"visualize"},
    {"plot"},
    {"report"},
    {"page"},
    {"demo"},
    {"exercises"},
    {"source", "kernelcheck"},
    {"commands"},
    {"cli"},
]
FLOOR = {room: k for k, rooms in enumerate(FLOORS) for room in rooms}


def room_of(path):
    """The room of a file: a top-level module, or the folder it is in."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path):
    """The rooms of tinylucid that a file imports when it is run (not for type checking only)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(n) for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in node.body for n in ast.walk(child)
    }  # fmt: skip
    package = ("tinylucid", *path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            for alias in node.names:
                full = (*base, *(node.module or "").split("."), alias.name)
                full = tuple(part for part in full if part)
                if full[0] == "tinylucid":
                    yield full[1]
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("tinylucid."))


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_imports_upward(path):
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return
    for other in imports(path):
        if other in FLOOR:
            assert FLOOR[other] <= FLOOR[room], f"{path.name} is on floor {FLOOR[room]} and imports {other} above it"
            assert FLOOR[other] < FLOOR[room] or other == room or room == "random", f"{room} and {other} share a floor"


def test_every_room_has_a_floor():
    rooms = {room_of(p) for p in ROOT.rglob("*.py")} - {"__init__", "__main__"}
    assert rooms <= set(FLOOR)


def test_importing_is_light():
    heavy = [
        "numba",
        "scipy",
        "matplotlib",
        "skimage",
        "sklearn",
        "hypothesis",
        "tqdm",
        "pygments",
        "safetensors",
        "torch",
    ]
    code = f"import sys, tinylucid; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert found == "[]"


@pytest.mark.parametrize("path", sorted([*ROOT.rglob("*.py"), *KERNELS.rglob("*.py")]), ids=lambda p: p.name)
def test_rooms_fit_the_eye_and_public_names_say_what_they_are(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 350, "perhaps two rooms?"
    tree = ast.parse(text)
    assert ast.get_docstring(tree) is not None, "a room says what it is for"
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            assert node.end_lineno - node.lineno < 60 or isinstance(node, ast.ClassDef), f"{node.name} is long"
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} has no docstring"


def test_the_core_stays_within_300_lines():
    for room in ("tensor.py", "autograd.py"):
        assert len((ROOT / room).read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", sorted((KERNELS / "cpu").glob("*.py")), ids=lambda p: p.name)
def test_helpers_of_kernels_are_inlined(path):
    """A helper that is compiled apart exists twice, optimised differently: its last bits would depend on the cache."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and any("jit" in ast.unparse(d) for d in node.decorator_list):
            assert node.name.endswith("_items") or node.name in ("drive", "start"), f"{node.name}: use @inlined"


@pytest.mark.parametrize("path", sorted((KERNELS / "gpu").glob("*.cu*")), ids=lambda p: p.name)
def test_cuda_kernels_fit_the_eye_and_say_what_they_move(path):
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    assert len(lines) <= 350, "perhaps two rooms?"
    begins = [k for k, line in enumerate(lines) if "__global__" in line]
    for k in begins:
        end = next(j for j in range(k, len(lines)) if lines[j] == "}")
        assert end - k < 60, f"{lines[k]} is long"
    assert not begins or re.search(r"raffic|[Rr]eads|[Ww]rites", text), "how much memory traffic does it need?"
    assert "atomic" not in re.sub(r"//.*", "", text), "sums come in a fixed order"
