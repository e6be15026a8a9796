"""What a piece of code launches: each kernel of ours and each of CuPy's functions that CuPy runs as a kernel or a memset.

It listens to the calls of the stand-in's functions, so it counts on the emulated GPU only.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from tinylucid_kernels.emulator import standin

HOME = str(Path(standin.__file__).parent)
PACKAGES = str(Path(__file__).parents[2])
FREE = {  # what makes no numbers, or only another view of them
    "empty", "empty_like", "reshape", "ravel", "view", "transpose", "swapaxes", "moveaxis", "squeeze", "expand_dims", "broadcast_to",
    "ndim", "shape", "size", "get", "item", "asarray", "sliding_window_view", "broadcast_arrays", "diagonal",
}  # fmt: skip
MAKERS = {"zeros", "ones", "full", "fill", "__setitem__", "take", "array"}
COPIES = {"astype", "ascontiguousarray"}  # nothing is launched where they return what they were given


def launched(call: Callable) -> list[tuple[str, str]]:
    """(what, the line of the project that asked for it), in order."""
    found: list[tuple[str, str]] = []

    def listen(frame, event, result):
        code = frame.f_code
        if event not in ("call", "return") or not code.co_filename.startswith(HOME):
            return
        name, local = code.co_qualname, frame.f_locals
        if event == "return":
            if name not in ("Function.__call__", "method.<locals>.call"):
                return
            given = local.get("self") if name.startswith("method.") else (*local.get("args", ()), None)[0]
            copies = (local.get("name") or getattr(local.get("self"), "__name__", "")) in COPIES
            if copies and result is not None and result is not given:
                found.append((local.get("name") or local["self"].__name__, asked(frame)))
        elif what := launches(name, local):
            found.append((what, asked(frame)))

    before = sys.getprofile()
    sys.setprofile(listen)
    try:
        call()
    finally:
        sys.setprofile(before)
    return found


def launches(name: str, local: dict) -> str:
    """The name of what a call of the stand-in launches; "" if nothing (copies are judged when they return)."""
    if name == "RawKernel.__call__":
        return local["self"].name
    if name.startswith(("binary.", "unary.")) or name == "Ufunc.__call__":
        return local["ufunc"].__name__ if "ufunc" in local else local["self"].__name__
    if name in ("method.<locals>.call", "Function.__call__"):
        what = local.get("name") or local["self"].__name__
        return "" if what in FREE | COPIES else what
    plain = name.removeprefix("ndarray.")
    return plain if plain in MAKERS else ""


def asked(frame) -> str:
    """The nearest line outside of the stand-in."""
    while frame and frame.f_code.co_filename.startswith(HOME):
        frame = frame.f_back
    path = frame.f_code.co_filename
    return f"{path.removeprefix(PACKAGES).lstrip('/')}:{frame.f_lineno}"
