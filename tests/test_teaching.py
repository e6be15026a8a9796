"""The source teaches: each operation's docstring has a formula, shapes, a derivation, a source and its exercise."""

import inspect
import re

import pytest

import tinylucid as tl
from tinylucid.exercises import NAMES

LABELS = ["Shapes", "Derivation", "Source", "Exercise"]

ROOMS = [
    room
    for _, room in sorted(inspect.getmembers(tl.ops, inspect.ismodule))
    if room.__name__.startswith("tinylucid.ops.")
]
RECORDED = {
    name: member
    for room in ROOMS
    for name, member in vars(room).items()
    if hasattr(member, "op") and member.__module__ == room.__name__
}
PUBLIC = {
    **{name: getattr(tl.ops, name) for name in tl.ops.__all__},
    **{name: function for name, function in inspect.getmembers(tl.fft, inspect.isfunction) if f"_{name}" in RECORDED},
    **{
        name: function
        for name, function in inspect.getmembers(tl.Tensor, inspect.isfunction)
        if not name.startswith("_")
        and function.__module__ in {room.__name__ for room in ROOMS if room is not tl.ops.methods}
    },
}
PRIVATE = sorted(RECORDED.keys() - PUBLIC.keys() - {f"_{name}" for name in PUBLIC})


def parts(function):
    """A docstring's first line, its labels in their order, and what follows each of them."""
    text = inspect.getdoc(function) or ""
    label = re.compile(rf"^({'|'.join(LABELS)}): ", re.MULTILINE)
    _, *pieces = label.split(text)
    return text.split("\n")[0], pieces[::2], [" ".join(piece.split()) for piece in pieces[1::2]]


def test_the_operations_are_found():
    assert {"relu", "conv2d", "equal", "cat", "rfft2", "irfft2", "clone", "gather"} <= PUBLIC.keys()
    assert {"_pool_scatter", "_conv2d_weight", "_take", "cast", "batch_norm_train"} <= set(PRIVATE)
    assert len(PUBLIC) >= 80
    assert len(PRIVATE) >= 20


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_docstring_teaches_its_operation(name):
    first, labels, found = parts(PUBLIC[name])
    assert labels == LABELS, f"{name}: the docstring should end in the labels {LABELS}, in this order; it has {labels}"
    shapes, derivation, source, exercise = found
    assert re.match(r"[^=∂]+ = \S", first), f"{name}: the first line should hold the formula, y = …; it is {first!r}"
    assert "→" in shapes, f"{name}: Shapes should say what becomes of which shape, x (…) → y (…); it says {shapes!r}"
    assert "∂" in derivation, f"{name}: the derivation should come to ∂y/∂x, or say why there is none"
    assert len(derivation) >= 40, f"{name}: {derivation!r} is no derivation"
    assert re.search(r"\b(18|19|20)\d\d\b|calculus|textbook", source), (
        f"{name}: whose is it, and of which year? {source!r}"
    )
    assert exercise.removesuffix(".") in NAMES, f"{name}: {exercise!r} is no exercise"


@pytest.mark.parametrize("name", PRIVATE)
def test_a_private_operation_says_its_formula_and_its_gradient(name):
    text = inspect.getdoc(RECORDED[name]) or ""
    assert re.match(r"[^=∂]+ = \S", text), f"{name} needs a docstring with its formula, y = …"
    assert re.search(r"∂\w+ = ", text), f"{name} needs its gradient in its docstring, ∂x = …"
