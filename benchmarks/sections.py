"""A page of figures in sections, of which one can be measured anew while the others stay as they stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numba

from . import machine
from .__main__ import RESULTS

Sections = Mapping[str, Callable[[], str]]


def page(head: str, old: str, new: Mapping[str, str], sections: Sections) -> str:
    """The sections of an earlier page, those measured anew replaced, in the order of ``sections``."""
    parts = {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in old.split("\n## ")[1:]}
    parts.update(new)
    return "\n\n".join([head, *(f"## {name}\n\n{parts[name]}" for name in sections if name in parts)]) + "\n"


def measure(file: str, head: str, sections: Sections, names: Sequence[str]) -> None:
    """Measure the sections of these names, or all, and write the page into the results; SystemExit for an unknown name."""
    unknown = [name for name in names if name not in sections]
    if unknown:
        raise SystemExit(f"there is no section {', '.join(unknown)}; there are {', '.join(sections)}")
    about = machine.described()
    where = ", ".join(about[key] for key in ("date", "CPU", "versions"))
    path = RESULTS / file
    for name in names or sections:
        text = f"{sections[name]()}\n\nMeasured: {where}, Numba threads {numba.get_num_threads()}."
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(page(head, old, {name: text}, sections), encoding="utf-8")
        print(text, flush=True)
