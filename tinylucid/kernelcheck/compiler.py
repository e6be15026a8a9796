"""What the compiler complains about, in the words of somebody who helps."""

from __future__ import annotations

import re

SAYINGS: tuple[tuple[str, str], ...] = (
    (r"‘(\w+)’ was not declared in this scope; did you mean ‘(\w+)’\?", "{0} is not known here; do you mean {1}?"),
    (r"‘(\w+)’ was not declared in this scope", "{0} is not known here: it is declared nowhere above, or spelt otherwise"),
    (r"expected ‘[,;]’ or ‘[,;]’ before ‘(.+?)’", "a semicolon is missing before {0}, perhaps at the end of the line above"),
    (r"expected ‘;’ before ‘(.+?)’", "a semicolon is missing before {0}, perhaps at the end of the line above"),
    (r"expected ‘(.+?)’ before ‘(.+?)’", "{0} is missing before {1}"),
    (r"expected ‘}’ at end of input", "a closing brace }} is missing: one that is opened is never closed"),
    (r"expected ‘(.+?)’ at end of input", "{0} is missing at the end"),
    (r"expected primary-expression before ‘(.+?)’", "something is missing before {0}"),
    (r"assignment of read-only location ‘\W*(\w+).*’", "{0} is const, not for writing: leave const out, or write to another array"),
    (r"assignment of read-only (?:parameter|variable) ‘(.*)’", "{0} is const, so it is not for writing"),
    (r"invalid types ‘(.+?)\[.*\]’ for array subscript", "a {0} is no array, and has no elements: is a * missing among the parameters?"),
    (r"‘(\w+)’ does not name a type(?:; did you mean ‘(\w+)’\?)?", "{0} is no type"),
    (r"redeclaration of ‘(.+?)’|conflicting declaration ‘(.+?)’", "{0} is declared twice"),
    (r"no such instruction.*", "assembler of a GPU (asm) does not run here"),
    (r"undefined reference to `(.+?)'", "{0} is called, but stands nowhere"),
    (r"(.*): No such file or directory", "the file {0} is not there; the words of CUDA C are known without including anything"),
)  # fmt: skip

WARNINGS: tuple[tuple[str, str], ...] = (
    (r"‘(\w+)’ was declared here", "{0} gets no value, but is used later: does it begin as 0?"),
    (
        r"conversion from ‘(?:float|double)’ to ‘(?!float|double)",
        "a number with a point is put into a whole one, and what stands behind the point is lost.",
    ),
    (r"suggest parentheses around assignment", "= puts a value into a variable; == compares."),
    (
        r"statement has no effect|value computed is not used",
        "a statement changes nothing: == compares, = puts a value into a variable.",
    ),
)


def suspicion(warnings: list[tuple[int, str]]) -> str:
    """What the compiler warns of, if it explains wrong numbers; "" for nothing."""
    for pattern, words in WARNINGS:
        for line, what in warnings:
            if found := re.match(pattern, what):
                return f"In line {line} " + words.format(*(f"`{group}`" for group in found.groups()))
    return ""


def plainly(said: str, file: str, text: str) -> str:
    """The first complaint of g++ as a sentence, with the line it is about; "" for none."""
    first = said.removeprefix("g++: ").splitlines()[0]
    place = re.match(r"([^:\n]+):(\d+): (.*)", first)
    if not place:
        return f"{file}: {first}"
    lines = text.splitlines()
    number = int(place[2])
    shown = f"\n    {lines[number - 1].strip()}" if 0 < number <= len(lines) else ""
    says = in_words(place[3])
    return f"{place[1]}, line {number}: {says}{'' if says.endswith('?') else '.'}{shown}"


def in_words(complaint: str) -> str:
    """A complaint without the compiler's own terms where it is a frequent one; else as it is."""
    for pattern, words in SAYINGS:
        if found := re.match(pattern, complaint):
            return words.format(*(f"`{group}`" for group in found.groups() if group))
    return f"it cannot be compiled: {complaint}"
