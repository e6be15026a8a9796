"""Whole-number arithmetic as C writes it, ``(n + 255) / 256``: the sizes of arrays and grids."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

SIGNS: dict[type, Callable] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Mod: operator.mod,
    ast.Div: operator.floordiv, ast.FloorDiv: operator.floordiv, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
}  # fmt: skip
FUNCTIONS: dict[str, Callable] = {"min": min, "max": max}


def parsed(text: str) -> ast.expr:
    """The expression in a text; ValueError for what is none."""
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        raise ValueError(f"{text.strip()!r} is no number and no arithmetic") from None


def names_in(text: str) -> list[str]:
    """The names that a text's value depends on, such as n and blockDim.x, each once."""
    found = [
        ast.unparse(node)
        for node in ast.walk(parsed(text))
        if isinstance(node, ast.Attribute) or (isinstance(node, ast.Name) and node.id not in FUNCTIONS)
    ]
    dotted = {name.partition(".")[0] for name in found if "." in name}
    return [name for name in dict.fromkeys(found) if name not in dotted]


def value(text: str, names: Mapping[str, int]) -> int:
    """The value of an expression; ValueError for what is no arithmetic, and for a name that has no value."""
    try:
        return worth(parsed(text), names)
    except ZeroDivisionError:
        raise ValueError(f"{text.strip()!r} divides by 0") from None


def worth(node: ast.expr, names: Mapping[str, int]) -> int:
    """The value of a part of an expression; division cuts off, as C's does (sizes are not negative)."""
    match node:
        case ast.Constant(value=int(number)):
            return number
        case ast.UnaryOp(op=ast.USub()):
            return -worth(node.operand, names)
        case ast.BinOp() if type(node.op) in SIGNS:
            return SIGNS[type(node.op)](worth(node.left, names), worth(node.right, names))
        case ast.Call(func=ast.Name(id=called)) if called in FUNCTIONS and node.args and not node.keywords:
            return FUNCTIONS[called](*(worth(each, names) for each in node.args))
        case ast.Name() | ast.Attribute():
            name = ast.unparse(node)
            if name not in names:
                raise ValueError(f"{name} has no value here")
            return names[name]
    raise ValueError(f"{ast.unparse(node)!r} is no arithmetic of whole numbers")
