"""``tinylucid exercise``: a learner's folder, a file in a process of its own whatever it does, a teacher's class."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from tinylucid import exercises
from tinylucid.cli import main
from tinylucid.exercises.checker import check, ended, here
from tinylucid.exercises.classroom import classroom, mistakes, student
from tinylucid.exercises.folder import Event, chosen, count, events, note


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(capsys, *args):
    """The exit code of the command, what it prints and what it complains of."""
    code = main(["exercise", *args])
    return code, *capsys.readouterr()


def written(path, backward, name="relu"):
    """The solution of an exercise with its function backward replaced, in a file."""
    solution = exercises.solution(name)
    body, count = re.subn(r"def backward\(.*?(?=\ndef |\Z)", backward.rstrip() + "\n", solution, flags=re.DOTALL)
    assert count == 1
    path.write_text(body, encoding="utf-8")
    return path


# --- the command ------------------------------------------------------------------------------------------------------


def test_from_start_to_passed(home, capsys):
    code, out, _ = ran(capsys, "start", "relu")
    path = home / "tinylucid-exercises" / "relu.py"
    assert code == 0
    assert "tinylucid exercise check relu" in out
    assert path.read_text(encoding="utf-8").startswith('"""Exercise 3 · ReLU.')

    code, out, _ = ran(capsys, "check", "relu")
    assert code == 1
    assert out.startswith("not written yet relu")

    written(path, "def backward(g, x):\n    print('here')\n    return -g * (x > 0)")
    code, out, _ = ran(capsys, "check", "relu")
    assert code == 1
    assert "Your gradient for x is wrong. It has the wrong sign everywhere." in " ".join(out.split())
    assert "your ∂x" in out
    assert "in this case your function printed\n  here\n" in out, "of a hundred calls the one that is shown"

    code, out, _ = ran(capsys, "check", "relu", "--json")
    found = json.loads(out)
    assert (code, found["status"], found["cause"], found["name"]) == (1, "failed", "the wrong sign", "relu")
    assert [t["status"] for t in found["tasks"]] == ["right", "wrong"]

    path.write_text(exercises.solution("relu"), encoding="utf-8")
    code, out, _ = ran(capsys, "check", "relu.py")
    assert all(ran(capsys, "check", name)[0] == 0 for name in ("3", "ReLU", "tinylucid-exercises/relu.py"))
    assert code == 0
    assert out.startswith("passed relu")
    assert "the next one: tinylucid exercise start cross_entropy" in out

    _, out, _ = ran(capsys, "list")
    assert out.startswith("1 of 25 passed")
    assert re.search(r"3 +relu +ReLU +passed", out)
    assert "go on: tinylucid exercise start add" in out
    rows = json.loads(ran(capsys, "list", "--json")[1])
    assert [r["name"] for r in rows] == list(exercises.NAMES)
    assert (rows[2]["state"], rows[2]["tries"], rows[3]["state"]) == ("passed", 6, "")


def test_start_never_overwrites(home, capsys):
    ran(capsys, "start", "add")
    path = home / "tinylucid-exercises" / "add.py"
    path.write_text("mine", encoding="utf-8")
    code, _, err = ran(capsys, "start", "add")
    assert code == 2
    assert "is there already, and stays as it is" in err
    assert path.read_text(encoding="utf-8") == "mine"


def test_hints_come_one_at_a_time_and_the_solution_last(home, capsys):
    hints = exercises.exercise("add").hints
    for k, hint in enumerate((*hints, hints[-1])):
        _, out, _ = ran(capsys, "hint", "add")
        assert out.startswith(f"Hint {min(k + 1, len(hints))} of {len(hints)}: {hint[:20]}")
        assert ("exercise solution add" in out) == (k >= len(hints) - 1)
    code, out, _ = ran(capsys, "solution", "add")
    assert code == 0
    assert out == exercises.solution("add")
    assert [e.what for e in events(chosen(None))] == [*(f"hint {k + 1}" for k in range(len(hints))), "solution"]


def test_one_may_be_in_the_folder_or_name_another(home, capsys, monkeypatch):
    ran(capsys, "start", "add", "--folder", "elsewhere")
    assert (home / "elsewhere" / "add.py").is_file()
    monkeypatch.chdir(home / "elsewhere")
    assert ran(capsys, "start", "relu")[0] == 0
    assert (home / "elsewhere" / "relu.py").is_file()
    assert not (home / "elsewhere" / "tinylucid-exercises").exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["check", "add"], "add.py is not there; `tinylucid exercise start add`"),
        (["start", "ad"], "there is no exercise 'ad'; perhaps add or adam; `tinylucid exercise list`"),
        (["start", "99"], "there is no exercise '99'; `tinylucid exercise list`"),
        (["start", "add", "--folder", "file"], "file is a file; --folder names a folder"),
        (["report", "nowhere"], "nowhere: no such folder"),
    ],
)
def test_what_is_refused_is_said_in_a_line(home, capsys, args, words):
    (home / "file").touch()
    code, out, err = ran(capsys, *args)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


def test_the_next_step_can_be_typed(home, capsys, monkeypatch):
    """As this program was called, where the shell would not find it, and with the folder that was named."""
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("sys.argv", ["env/bin/tinylucid", "exercise"])
    assert (
        "\n    env/bin/tinylucid exercise check add --folder 'my own'\n"
        in ran(capsys, "start", "add", "--folder", "my own")[1]
    )


def test_where_nothing_can_be_written_there_is_an_answer_all_the_same(home, capsys):
    (home / "tinylucid-exercises" / "progress.txt").mkdir(
        parents=True
    )  # as good as a folder that is read-only, for root too
    written(home / "tinylucid-exercises" / "relu.py", "def backward(g, x):\n    return -g * (x > 0)")
    code, out, err = ran(capsys, "check", "relu")
    assert code == 1
    assert "wrong sign" in out
    assert "progress.txt cannot be written, so this is not kept" in err
    assert ran(capsys, "hint", "relu")[1].startswith("Hint 1")


def test_each_next_step_is_in_the_folder_that_was_named(home, capsys):
    of = lambda *args: ran(capsys, *args, "--folder", "it")[1]
    assert "\n    tinylucid exercise check relu --folder it\n" in of("start", "relu")
    assert of("check", "relu").endswith("a hint: tinylucid exercise hint relu --folder it\n")
    assert of("list").endswith("go on: tinylucid exercise start add --folder it\n")
    for _ in exercises.exercise("relu").hints:
        last = of("hint", "relu")
    assert last.endswith("A solution: tinylucid exercise solution relu --folder it\n")
    (home / "it" / "relu.py").write_text(exercises.solution("relu"), encoding="utf-8")
    assert of("check", "relu").endswith("the next one: tinylucid exercise start cross_entropy --folder it\n")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("relu", "relu"),
        ("ReLU", "relu"),
        ("relu.py", "relu"),
        ("my/own/Relu.PY", None),
        ("my/own/relu.py", "relu"),
        ("1", "add"),
        ("25", "cuda_kernel"),
        ("0", None),
        ("26", None),
        ("-1", None),
        ("²", None),
        ("", None),
        ("add.txt", None),
    ],
)
def test_an_exercise_goes_by_its_number_and_its_file_too(given, name):
    if name:
        assert exercises.known(given) == name
    else:
        with pytest.raises(ValueError, match="there is no exercise"):
            exercises.known(given)


def test_a_name_that_is_nearly_one_is_guessed():
    for given, guess in (("conv_i", "conv_im2col or conv_input;"), ("rleu", "relu;"), ("zzz", "'zzz';"), ("", "'';")):
        with pytest.raises(ValueError, match=rf"{guess} `tinylucid exercise list` shows them$"):
            exercises.known(given)


def test_without_an_action_it_lists(home, capsys):
    assert ran(capsys)[1] == ran(capsys, "list")[1]


def test_a_broken_progress_file_is_no_hindrance(home):
    lines = b"nonsense\n\x00\n\xff\n2026\tadd\n2026\tadd\tpassed\n\ta\tb\tc\td\n\t\tpassed\n"
    (home / "progress.txt").write_bytes(lines)
    assert events(home) == [Event("2026", "add", "passed", ""), Event("", "a", "b", "c")]


FOUND = {
    "name": "relu",
    "status": "failed",
    "cause": "sign",
    "text": "It has the wrong sign.",
    "printed": "",
    "seconds": 1.0,
}


@pytest.fixture
def checks(home, monkeypatch):
    """A learner's folder with relu in it, and a check that finds what one tells it to."""
    told = {}
    monkeypatch.setattr("tinylucid.exercises.checker.check", lambda name, path: FOUND | told)
    (home / "progress.txt").write_text("", encoding="utf-8")
    (home / "relu.py").write_text("", encoding="utf-8")
    return told


def test_the_progress_file_tells_what_happened(home, checks, capsys):
    ran(capsys, "start", "add")
    checks |= {"status": "unwritten", "cause": "unwritten"}
    assert ran(capsys, "check", "relu")[0] == 1
    checks |= {"status": "failed", "cause": "sign"}
    assert ran(capsys, "check", "relu")[0] == 1
    checks |= {"status": "passed", "cause": ""}
    assert ran(capsys, "check", "relu")[0] == 0
    note(home, "relu", "failed", "two\nlines and\ta tab")
    text = (home / "progress.txt").read_text(encoding="utf-8")
    assert [re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d", "when", line) for line in text.splitlines()] == [
        "when\tadd\tstarted",
        "when\trelu\tfailed\tsign",
        "when\trelu\tpassed",
        "when\trelu\tfailed\ttwo lines and a tab",
    ]


def test_what_the_machine_is_unable_to_check_is_no_try(home, checks, capsys):
    checks |= {"status": "unable", "cause": "unable", "text": "there is no compiler"}
    code, out, err = ran(capsys, "check", "relu")
    assert (code, out) == (2, "")
    assert "there is no compiler" in err
    assert events(home) == []


def test_what_is_found_is_printed_for_a_person(home, checks, capsys):
    _, out, _ = ran(capsys, "check", "relu")
    assert out.startswith("not yet relu\n\nIt has the wrong sign.\n")
    assert "your file printed" not in out
    checks |= {"printed": "one\x1b[2J\ntwo\n" + "more\n" * 9 + "1 " * 60 + "\nnever\n"}
    _, out, _ = ran(capsys, "check", "relu")
    shown = out.partition("your file printed\n")[2]
    long = "1 " * 49 + "…"
    assert shown.splitlines()[1:14] == ["  two", *["  more"] * 9, f"  {long}", "  …", ""]
    assert "\x1b" not in shown.splitlines()[0]
    checks |= {"status": "passed"}
    assert "wrong sign" not in ran(capsys, "check", "relu")[1]


def test_who_passed_stays_passed(home, checks, capsys):
    note(home, "relu", "passed")
    note(home, "relu", "failed", "sign")
    row = json.loads(ran(capsys, "list", "--json")[1])[2]
    assert (row["state"], row["tries"]) == ("passed", 2)


def test_where_to_go_on(home, capsys):
    (home / "progress.txt").write_text("", encoding="utf-8")
    assert ran(capsys, "list")[1].endswith("go on: tinylucid exercise start add\n")
    note(home, "add", "started")
    assert ran(capsys, "list")[1].endswith("go on: tinylucid exercise check add\n")
    note(home, "add", "passed")
    assert ran(capsys, "list")[1].endswith("go on: tinylucid exercise start matmul\n")
    for name in exercises.NAMES:
        note(home, name, "passed")
    assert "go on" not in ran(capsys, "list")[1]


def test_a_solution_read_elsewhere_leaves_no_trace(home, capsys):
    assert ran(capsys, "solution", "add")[:2] == (0, exercises.solution("add"))
    assert list(home.iterdir()) == []


def test_hints_of_other_exercises_do_not_count(home, capsys):
    ran(capsys, "hint", "relu")
    assert ran(capsys, "hint", "add")[1].startswith("Hint 1 of")
    assert ran(capsys, "hint", "add")[1].startswith("Hint 2 of")
    past = events(chosen(None))
    assert [count(past, name, "hint") for name in ("relu", "add", "matmul")] == [1, 2, 0]


def test_a_folder_in_the_place_of_a_file_is_refused(home, capsys):
    (home / "tinylucid-exercises" / "add.py").mkdir(parents=True)
    code, _, err = ran(capsys, "check", "add")
    assert code == 2
    assert "add.py is not there" in err


# --- a file that misbehaves -------------------------------------------------------------------------------------------

BAD = {
    "loops for ever": (
        ["while True:", "    x = x + 1"],
        "time",
        "took longer than 4 seconds: it was in backward, line",
    ),
    "exits": (["raise SystemExit(0)"], "raised SystemExit", "SystemExit"),
    "exits otherwise": (["exit(1)"], "raised SystemExit", "SystemExit"),
    "asks for input": (["return float(input())"], "raised EOFError", "EOFError"),
    "asks for much memory": (["return g * np.zeros(2**30)[0]"], "raised MemoryError", "Unable to allocate"),
    "recurses for ever": (["return backward(g, x)"], "raised RecursionError", "maximum recursion depth"),
    "imports the answer": (
        ["import tinylucid", "return g"],
        "raised Refused",
        "it imports tinylucid: this exercise is done with numpy",
    ),
    "imports by a back door": (
        ["return __import__('importlib').import_module('torch')"],
        "raised Refused",
        "it imports importlib",
    ),
    "cannot say what is wrong": (
        ["class E(Exception):", "    def __str__(self):", "        return 1", "raise E"],
        "raised E",
        "raises E: (it cannot be printed)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_misbehaves_is_told_so(name, tmp_path):
    lines, cause, words = BAD[name]
    backward = "\n    ".join(["def backward(g, x):", *lines])
    found = check("relu", written(tmp_path / "relu.py", backward), seconds=4 if name == "loops for ever" else 10)
    assert found["status"] == "failed"
    assert found["cause"] == cause
    assert words in found["text"], found["text"]


TOP = {
    "import scipy\n": ("import", "relu.py, line 1: it imports scipy"),
    "from torch import nn\n": ("import", "line 1: it imports torch"),
    "def backward(g, x:\n": ("raised SyntaxError", "relu.py cannot be run: line 1"),
    "x = 1 / 0\n": ("raised ZeroDivisionError", "ZeroDivisionError: division by zero (line 1)"),
    "exit(3)\n": ("raised SystemExit", "SystemExit"),
    "while True: pass\n": ("time", "took longer than 2 seconds"),
    "import numpy as np\nnp.ctypeslib.ctypes.string_at(0)\n": ("ended", "ended Python (exit code"),
    "\x00": ("raised SyntaxError", "cannot be run"),
}


@pytest.mark.parametrize("text", TOP)
def test_a_file_that_cannot_be_run_is_told_so(text, tmp_path):
    path = tmp_path / "relu.py"
    path.write_text(text, encoding="utf-8")
    found = check("relu", path, seconds=2 if "while" in text else 10)
    assert (found["status"], found["cause"]) == ("failed", TOP[text][0])
    assert TOP[text][1] in found["text"]


def test_a_file_that_prints_for_ever_fills_no_disk(tmp_path):
    path = written(tmp_path / "relu.py", "def backward(g, x):\n    while True:\n        print('x' * 100_000)")
    assert check("relu", path, seconds=2)["cause"] == "time"
    path.write_text("while True:\n    print('x' * 100_000)", encoding="utf-8")
    found = check("relu", path, seconds=5)
    assert (found["status"], found["cause"]) == ("failed", "raised OSError")
    assert len(found["printed"]) == 2000


def test_a_timeout_whose_frames_are_lost_is_one_all_the_same(tmp_path):
    stack = tmp_path / "stack"
    stack.write_text("Timeout (0:00:02)!\n", encoding="utf-8")
    assert ended(tmp_path / "relu.py", -11, stack, 2)["cause"] == "time"
    stack.write_text("", encoding="utf-8")
    assert ended(tmp_path / "relu.py", -11, stack, 2)["cause"] == "ended"


def test_a_right_function_may_print_as_it_likes(tmp_path):
    path = written(tmp_path / "relu.py", "def backward(g, x):\n    print('x' * 300_000)\n    return g * (x > 0)")
    found = check("relu", path)
    assert (found["status"], found["printed"]) == ("passed", "")


def test_a_file_cannot_change_what_it_is_compared_with(tmp_path):
    """It gets copies, and what it returns is copied before its next call."""
    kept = """memory = np.zeros(10_000)


def backward(g, x):
    y = memory[: x.size].reshape(x.shape)
    y[...] = g * (x > 0)
    return y
"""
    assert check("relu", written(tmp_path / "relu.py", kept))["status"] == "passed"


def test_a_neighbour_called_numpy_or_tinylucid_is_not_imported(tmp_path):
    (tmp_path / "tinylucid.py").write_text("raise SystemExit", encoding="utf-8")
    path = tmp_path / "relu.py"
    path.write_text(exercises.solution("relu"), encoding="utf-8")
    assert check("relu", path)["status"] == "passed"


def test_the_process_finds_this_package_and_no_neighbour_of_it(tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, here())))
    package = str(Path(exercises.__file__).parents[2])
    assert here()[0] == package
    assert str(tmp_path) not in here()
    path = tmp_path / "relu.py"
    path.write_text(exercises.solution("relu"), encoding="utf-8")
    assert check("relu", path)["status"] == "passed"
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    assert here()[-1] == "elsewhere", "what one has set oneself stays"
    monkeypatch.delenv("PYTHONPATH")
    assert here()[-1] != ""
    assert all(Path(folder).is_dir() for folder in here())


@pytest.fixture
def typed():
    """Something waits in the standard input."""
    reading, writing = os.pipe()
    os.write(writing, b"typed\n")
    os.close(writing)
    kept = os.dup(0)
    os.dup2(reading, 0)
    yield
    os.dup2(kept, 0)
    os.close(kept)
    os.close(reading)


@pytest.mark.usefixtures("typed")
def test_a_file_may_use_dataclasses_and_leaves_nothing_behind(tmp_path, monkeypatch):
    """What it prints is kept, in whatever bytes; what it writes, and what it would do at the end, is not."""
    monkeypatch.chdir(tmp_path)
    top = """from __future__ import annotations

import dataclasses

import numpy as np

sys = dataclasses.sys


@dataclasses.dataclass
class Kept:
    x: np.ndarray


def forward(x):
    return np.maximum(Kept(x).x, 0)


def backward(g, x):
    return g * (x > 0)


open("made.txt", "w").write("here")
sys.stdout.buffer.write(b"\\xff\\n")
print(*sys.stdin)
sys.stderr.write("a complaint\\n")
sys.modules["importlib"].import_module("atexit").register(print, "the end")
"""
    path = tmp_path / "relu.py"
    path.write_text(top, encoding="utf-8")
    found = check("relu", path)
    assert (found["status"], found["cause"]) == ("passed", ""), found["text"]
    assert sorted(found["printed"].split()) == ["a", "complaint", "\N{REPLACEMENT CHARACTER}"]
    assert found["seconds"] > 0
    assert [p.name for p in tmp_path.iterdir()] == ["relu.py"]


@pytest.mark.slow
def test_a_kernel_that_numba_cached_passes_again(tmp_path):
    """What is in the cache names its module."""
    path = tmp_path / "numba_kernel.py"
    path.write_text(exercises.solution("numba_kernel").replace("@njit", "@njit(cache=True)"), encoding="utf-8")
    assert [check("numba_kernel", path)["status"] for _ in range(2)] == ["passed", "passed"]
    assert list((tmp_path / "__pycache__").glob("*.nbi"))


def test_the_innermost_line_of_the_learners_own_is_named(tmp_path):
    path, stack = tmp_path / "relu.py", tmp_path / "stack"
    frames = [("/usr/lib/numpy.py", 9, "sum"), (path, 7, "inner"), (path, 3, "backward"), ("trial.py", 1, "run")]
    stack.write_text("".join(f'  File "{file}", line {line} in {name}\n' for file, line, name in frames))
    found = ended(path, 1, stack, 2.0)
    assert (found["status"], found["cause"]) == ("failed", "time")
    assert found["text"].startswith("relu.py took longer than 2 seconds: it was in inner, line 7. Is there a loop")
    stack.write_text('  File "/usr/lib/numpy.py", line 9 in sum\n')
    assert ended(path, 1, stack, 2.0)["text"].startswith("relu.py took longer than 2 seconds. Is there")
    found = ended(path, -11, tmp_path / "none", 2.0)
    assert (found["status"], found["cause"]) == ("failed", "ended")
    assert "exit code -11" in found["text"]


# --- a class ----------------------------------------------------------------------------------------------------------


def test_a_class_is_reported(home, capsys):
    for who, backward in (
        ("ada", "def backward(g, x):\n    return g * (x > 0)"),
        ("bob", "def backward(g, x):\n    return -g * (x > 0)"),
    ):
        folder = home / "class" / who / "tinylucid-exercises"
        folder.mkdir(parents=True)
        written(folder / "relu.py", backward)
    (home / "class" / "cleo").mkdir()
    (home / "class" / "ada" / "tinylucid-exercises" / "progress.txt").write_text(
        "t\trelu\tfailed\tthe wrong sign\nt\trelu\tpassed\nt\trelu\thint 1\nt\trelu\tsolution\n", encoding="utf-8"
    )
    rows = classroom([home / "class" / who for who in ("ada", "bob", "cleo")])
    assert [(r["who"], r["passed"], list(r["failed"])) for r in rows] == [
        ("ada", ["relu"], []),
        ("bob", [], ["relu"]),
        ("cleo", [], []),
    ]
    assert rows[0]["tries"] == {"relu": 2}
    assert rows[0]["hints"] == {"relu": 1}
    assert rows[0]["solutions"] == ["relu"]
    assert mistakes(rows) == [("relu: the wrong sign", 2)]

    code, out, _ = ran(capsys, "report", "class/ada", "class/bob/tinylucid-exercises")
    assert code == 0
    assert re.search(r"ada +1 +relu +– +–", out)
    assert "bob, relu: Your gradient for x is wrong. It has the wrong sign" in out
    assert re.search(r"2 +relu: the wrong sign", out)
    found = json.loads(ran(capsys, "report", "class/bob", "--json")[1])
    assert found["mistakes"] == [{"mistake": "relu: the wrong sign", "learners": 1}]


def test_a_learners_row(tmp_path):
    """What was found now, and what the progress file tells of former times."""
    past = "t\trelu\tfailed\tsign\nt\trelu\tfailed\tzero\nt\trelu\tpassed\nt\trelu\thint 1\n"
    past += "t\trelu\thint 2\nt\trelu\thint 3\nt\tadd\tsolution\n"
    (tmp_path / "progress.txt").write_text(past, encoding="utf-8")
    results = [
        {"name": "add", "status": "unwritten", "cause": "unwritten", "text": "not written"},
        {"name": "matmul", "status": "failed", "cause": "transposed w", "text": "words"},
        {"name": "relu", "status": "passed", "cause": "", "text": ""},
        {"name": "cuda_kernel", "status": "unable", "cause": "unable", "text": "no compiler"},
    ]
    row = student(tmp_path, tmp_path, results)
    assert row == {
        "who": tmp_path.name,
        "passed": ["relu"],
        "failed": {"matmul": {"cause": "transposed w", "text": "words"}},
        "unwritten": ["add"],
        "unable": ["cuda_kernel"],
        "tries": {"relu": 3},
        "hints": {"relu": 3},
        "solutions": ["add"],
        "mistakes": ["matmul: transposed w", "relu: sign", "relu: zero"],
    }
    other = {"mistakes": ["relu: zero"]}
    assert mistakes([row, other]) == [("relu: zero", 2), ("matmul: transposed w", 1), ("relu: sign", 1)]


def test_a_class_reports_hints_solutions_and_words(home, capsys, monkeypatch):
    row = {
        "who": "ada",
        "passed": [],
        "failed": {"add": {"cause": "sign", "text": "the words"}},
        "unwritten": ["relu"],
        "hints": {"add": 3, "relu": 1},
    }
    row |= {"solutions": ["add"], "mistakes": ["add: sign"]}
    monkeypatch.setattr("tinylucid.exercises.classroom.classroom", lambda folders: [row])
    _, out, _ = ran(capsys, "report", "class/ada")
    assert "4 hints, 1 solution" in out
    assert "ada, add: the words" in out
    found = json.loads(ran(capsys, "report", "class/ada", "--json")[1])
    assert found == {"learners": [row], "mistakes": [{"mistake": "add: sign", "learners": 1}]}
