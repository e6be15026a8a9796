"""The exercises: solutions pass, stubs hold nothing, wrong solutions get the right diagnosis, right ones written otherwise pass."""

import ast
import re
import types
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trial import UNTUNED as WRONG_BY_OTHERS
from trial import attempts, expected, tried

import tinylucid as tl
from tinylucid import exercises
from tinylucid.check.compare import Check
from tinylucid.check.subject import Subject
from tinylucid.cli import main
from tinylucid.exercises import trial, truth
from tinylucid.exercises.drawn import Draw
from tinylucid.exercises.observe import observe
from tinylucid.exercises.task import as_tuple

UNTUNED = {
    f"untuned/{key}": attempt for key, attempt in attempts(WRONG_BY_OTHERS).items()
}  # the real test of the diagnosis
ATTEMPTS = {**attempts(), **UNTUNED}
QUICK = list(ATTEMPTS)[::5]  # the others are tried in the slow tier
RIGHT = [key for key, (_, _, attempt) in ATTEMPTS.items() if expected(attempt) == ["right"]]
WRONG = [key for key in ATTEMPTS if key not in RIGHT]
MISSED = {  # what is said of them is not what a tutor would say
    "untuned/add/backward__repeats_come_first": "called a transpose, which it is in the few cases that fail",
    "untuned/conv_loops/forward__sum_goes_on_along_a_row": "called a matter of where windows begin; the sum is not begun anew",
    "untuned/cuda_kernel/SOURCE__rest_of_a_row_is_lost": "asks about 1 / n first; where it is wrong is said, but last",
    "untuned/fourier/backward__inverse_not_adjoint": "not recognised: several factors at once",
    "untuned/fourier/backward__parity_of_the_height": "told by the column; that a size's parity matters is not seen",
    "untuned/tape/backward__breadth_first": "where it is wrong is right, but the order is not named",
}


def tiers(keys):
    """The keys as parameters, most of them marked slow."""
    return [pytest.param(key, marks=[] if key in QUICK else pytest.mark.slow) for key in keys]


@pytest.mark.parametrize("key", tiers(WRONG))
def test_a_wrong_solution_gets_the_right_diagnosis(key, monkeypatch):
    """On these cases or on others: hypothesis draws anew whenever a constant anywhere in the source is another one."""
    for seed in (0, 1):
        monkeypatch.setattr(trial, "SEED", seed)
        with tl.kernels("reference"):
            found = tried(*ATTEMPTS[key])
        assert found["status"] != "right"
        missing = [word for word in expected(ATTEMPTS[key][2]) if word not in found["text"]]
        if bool(missing) == (key in MISSED):
            return
    pytest.fail(f"{missing} not in: {found['text']}")


@pytest.mark.parametrize("key", tiers(RIGHT))
def test_a_right_solution_written_otherwise_passes(key):
    with tl.kernels("reference"):
        found = tried(*ATTEMPTS[key])
    assert found["status"] == "right", found["text"]


def test_there_are_many_and_few_are_missed():
    assert len(WRONG) >= 80
    assert len(set(WRONG) & set(QUICK)) >= 80
    assert len(MISSED) <= 0.05 * len(WRONG)
    assert len(UNTUNED) >= 50
    for keys in (WRONG, RIGHT):
        assert {key.partition("/")[0] for key in keys} - {"untuned"} == set(exercises.NAMES)


# --- each exercise ----------------------------------------------------------------------------------------------------


def functions(text):
    """The functions and classes that a file defines, by name, with their parameters."""
    tree = ast.parse(text)
    return {n.name: ast.unparse(n.args) for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}


@pytest.mark.parametrize("name", exercises.NAMES)
def test_a_problem_says_what_is_asked_and_nothing_of_the_solution(name):
    problem = (exercises.HERE / "problems" / f"{name}.py").read_text(encoding="utf-8")
    solution = exercises.solution(name)
    number = exercises.NAMES.index(name) + 1
    found = exercises.exercise(name)
    assert problem.startswith(f'"""Exercise {number} · {found.title}.')
    assert solution.startswith(f'"""Solution {number} · {found.title}.')
    assert exercises.title(name) == found.title
    for part in ("Derive:", "Shapes:", f"    tinylucid exercise check {name}\n"):
        assert part in problem, part
    assert "raise NotImplementedError" in problem or "// your code" in problem
    asked = functions(problem)
    assert asked.items() <= functions(solution).items(), "the solution's functions have the same parameters"
    assert 3 <= len(found.hints) <= 6
    assert "raise NotImplementedError" not in solution


TASKS = {
    f"{n}-{t.function}-{k}": t for n in exercises.NAMES for k, t in enumerate(exercises.exercise(n).tasks) if t.gradient
}


@pytest.mark.parametrize("name", TASKS)
@settings(max_examples=5)
@given(data=st.data())
def test_the_gradients_that_are_taken_for_right_are_those_of_finite_differences(name, data):
    """Element by element, away from kinks: the check itself looks along a few directions."""
    task = TASKS[name]
    with tl.kernels("reference"):
        arguments = truth.with_upstream(task, task.cases(Draw(data.draw)))
        for u in task.upstream:  # of two kinks at one number, equal and opposite ones would hide each other
            arguments[u] = arguments[u] * (1 + 0.1 * np.random.default_rng(0).random(np.shape(arguments[u])))
        leaves = truth.leaves_of(task, arguments, recorded=False)
        call = lambda: [tl.Tensor(np.asarray(truth.host(y))) for y in as_tuple(task.oracle(*leaves.values()))]
        check = Check(Subject(call, [leaves[k] for k in task.results], list(task.results), []))
        check.upstream = [arguments[u] for u in task.upstream]
        for k, g in enumerate(truth.right(task, arguments).values()):
            slope, error, kink = check.numeric(k)
            top = max(np.abs(slope).max(initial=0), 1e-3)
            clear = np.maximum(error, kink) < 1e-6 * top
            np.testing.assert_allclose(np.where(clear, g, 0), np.where(clear, slope, 0), atol=1e-5 * top)


# --- what a learner's function may do ---------------------------------------------------------------------------------

RELU = exercises.exercise("relu").tasks[1]
CASE = {"g": np.array([[1.0, 2.0]]), "x": np.array([[-1.0, 3.0]])}


def outcome(backward, task=RELU, case=CASE):
    module = types.SimpleNamespace(backward=backward, __file__=__file__)
    return observe(task, module, {k: a.copy() for k, a in case.items()})


@pytest.mark.parametrize(
    ("backward", "status", "words"),
    [
        (lambda g, x: None, "form", "returns None: is a return missing"),
        (lambda g, x: (g, x), "form", "returns 2 things, expected 1: the gradient for x"),
        (lambda g, x: {"x": g}, "form", "a dict that is no array"),
        (lambda g, x: "no", "form", "expected an array of numbers"),
        (lambda g, x: g * 1j, "form", "complex128"),
        (lambda g, x: [[1], [2, 3]], "form", "no array"),
        (lambda g, x: g.fill(0), "wrote", "writes to its argument g"),
        (lambda g, x: np.multiply(x, 0, out=x), "wrote", "writes to its argument x"),
        (lambda g: g, "raised", "cannot be called as the exercise calls it"),
        (lambda g, x: 1 / 0, "raised", "ZeroDivisionError: division by zero in line"),
        (lambda g, x: g @ x, "raised", "ValueError: matmul"),
        (lambda g, x: (g * (x > 0))[...], "right", ""),
        (lambda g, x: (g * (x > 0)).tolist(), "right", ""),
        (lambda g, x: [g * (x > 0)], "right", ""),
        (lambda g, x: (g * (x > 0)).astype(np.float32), "right", ""),
        (lambda g, x: np.ma.masked_array(g * (x > 0)), "right", ""),
        (lambda g, x: g * (x > 0) * (1 + 1e-4), "wrong", ""),
        (lambda g, x: g * np.nan, "wrong", ""),
    ],
)  # fmt: skip
def test_one_call_and_what_can_be_wrong_with_it(backward, status, words):
    found = outcome(backward)
    assert found.status == status
    assert words in found.text


def test_a_missing_function_and_a_stub_are_told():
    found = observe(RELU, types.SimpleNamespace(__file__="mine.py"), CASE)
    assert found.status == "form"
    assert "there is no backward in mine.py: keep the names" in found.text

    def stub(g, x):
        raise NotImplementedError

    assert outcome(stub).status == "unwritten"


def test_hints_lead_and_never_change_the_case():
    case = {k: a.copy() for k, a in CASE.items()}
    outcome(lambda g, x: g.fill(0), case=case)
    for name, a in case.items():
        np.testing.assert_array_equal(a, CASE[name])


def test_every_number_in_a_problem_and_in_the_order_is_in_its_place():
    numbers = [
        int(re.match(r'"""Exercise (\d+)', (exercises.HERE / "problems" / f"{n}.py").read_text())[1])
        for n in exercises.NAMES
    ]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) == 25
    with pytest.raises(ValueError, match=r"there is no exercise 'nonsense'.*exercise list"):
        exercises.exercise("nonsense")


def test_the_readme_shows_what_a_check_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main(["exercise", "start", "add"])
    path = tmp_path / "tinylucid-exercises" / "add.py"
    path.write_text(
        path.read_text(encoding="utf-8").replace("raise NotImplementedError", "return g, g"), encoding="utf-8"
    )
    capsys.readouterr()
    main(["exercise", "check", "add"])
    out = capsys.readouterr().out
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"not yet add\n(.*\n)+?  right ∂a = .*", readme)[0].splitlines()
    printed = out.splitlines()[: len(shown)]
    digits = lambda line: re.sub(r"[-\d.]+", "0", line)  # which cases are drawn is hypothesis' own affair
    assert [digits(line) for line in printed[:3]] == [digits(line) for line in shown[:3]]
    assert printed[4] == shown[4]
    before = lambda line: digits(line.partition("=")[0])
    assert [before(line) for line in printed] == [before(line) for line in shown]
