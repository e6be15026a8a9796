"""Wrong and right solutions of the exercises: functions (or texts) named after what they replace; their docstrings (or first
lines) hold what is said of them."""

import importlib
import importlib.util
import os
import sys
import types
from pathlib import Path

from tinylucid.exercises import exercise, solution
from tinylucid.exercises.trial import try_task

WRONG, UNTUNED = (Path(__file__).parent / folder for folder in ("wrong", "untuned"))


def attempts(folder=WRONG):
    """{exercise/attempt: (exercise, function, replacement)} of all files of a folder."""
    found = {}
    for path in sorted(folder.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"{folder.name}_{path.stem}", path)
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, function in vars(module).items():
            own = isinstance(function, str) or getattr(function, "__module__", "") == spec.name
            if "__" in name and not name.startswith("__") and own:
                found[f"{path.stem}/{name}"] = (path.stem, name.partition("__")[0], function)
    return found


def tried(name, function, replacement):
    """What the check says of the solution with one function replaced: its status and its words."""
    module = types.ModuleType(f"attempt_at_{name}")
    exec(compile(solution(name), f"{name}.py", "exec"), module.__dict__)
    setattr(module, function, replacement)
    module.__file__ = replacement.__code__.co_filename if hasattr(replacement, "__code__") else f"{name}.py"
    tasks = exercise(name).tasks
    alone = [t for t in tasks if t.function.partition(",")[0] == function and not isinstance(replacement, type)]
    for task in alone or tasks:  # a helper or a class serves them all
        found = try_task(task, module)
        if found["status"] != "right":
            return found
    return {"status": "right", "text": ""}


def expected(replacement):
    """The words that the check must say: in a docstring, or where a text is replaced in its first line."""
    words = replacement.splitlines()[0].lstrip("/ ") if isinstance(replacement, str) else replacement.__doc__
    return [word.strip() for word in words.split("|")]


if __name__ == "__main__":
    import time

    import tinylucid as tl
    from tinylucid.exercises import trial

    start, trial.SEED = time.time(), int(os.environ.get("SEED", "0"))  # other cases, to see what was luck
    good, names = 0, [a for a in sys.argv[1:] if a != "-v"]
    chosen = {k: v for k, v in attempts().items() if not names or any(k.startswith(a) for a in names)}
    with tl.kernels("reference"):
        for key, (name, function, replacement) in chosen.items():
            found, words = tried(name, function, replacement), expected(replacement)
            ok = (
                found["status"] == "right"
                if words == ["right"]
                else found["status"] != "right" and all(w in found["text"] for w in words)
            )
            good += ok
            if not ok or "-v" in sys.argv:
                print(
                    "ok  " if ok else "BAD ",
                    key,
                    words,
                    "->",
                    found["status"],
                    found.get("causes"),
                    found["text"],
                    found.get("case"),
                )
    print(f"{good} of {len(chosen)} in {time.time() - start:.1f} s")
