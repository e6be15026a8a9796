"""The check of exercise tape: small programs, run with the learner's Value and with the engine's tensors."""

import math
import re
import traceback
from dataclasses import dataclass
from typing import NamedTuple
from unittest import mock

import numpy as np

from ...autograd import grad
from ...tensor import Tensor
from ..drawn import one_of, values, whole
from ..observe import agree
from ..task import Exercise, Objection, Task

LEAVES = ("a", "b", "c")
LARGE = 20.0  # a value beyond it, or one near 0, goes through tanh next: no program overflows or divides by 0
DEEP = 5000


class Line(NamedTuple):
    """One operation: the name of its value, how it is made, and the names in that."""

    name: str
    text: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Program:
    """A few operations, of which the last makes y."""

    lines: tuple[Line, ...]

    def __repr__(self):
        return "\n".join(f"{line.name} = {line.text}" for line in self.lines)

    @property
    def size(self):
        """How large it is: the smallest that fails is shown."""
        return len(repr(self))


@dataclass(frozen=True)
class Chain:
    """A sum of that many steps."""

    steps: int

    def __repr__(self):
        return f"y = a, and then y = y + b {self.steps:,} times"


def run(program, make, arguments):
    """All values of a program by name, the leaves made by ``make``."""
    names = {name: make(arguments[name]) for name in LEAVES}
    exec(repr(program), {"__builtins__": {}}, names)
    return names


class Number(float):
    """A float with the methods that programs use."""

    def exp(self):
        """e to its power."""
        return math.exp(self)

    def tanh(self):
        """Its hyperbolic tangent."""
        return math.tanh(self)


# --- cases ------------------------------------------------------------------------------------------------------------


def cases(draw):
    """A program of a few lines that y depends on, and three numbers."""
    leaves = {name: values(draw) * one_of(draw, 1.0, 1.0, 1.0, 0.0) for name in LEAVES}
    known = {name: float(a) for name, a in leaves.items()}
    count, seed = one_of(draw, 3, 5, 1, 2, 4, 6), whole(draw, 0, 2**16)
    rng = np.random.default_rng([seed, *(int(100 * abs(v)) for v in known.values())])  # of all, so that few are alike
    lines: list[Line] = []
    needed = {"y"}
    for name in [*"defgh"[: count - 1], "y"]:
        lines.append(line(rng, name, lines[-1].name if lines else "a", known))
        known[name] = float(eval(lines[-1].text, {}, {n: Number(v) for n, v in known.items()}))
    for made in reversed(lines):
        needed |= set(made.names) if made.name in needed else set()
    return {"program": Program(tuple(made for made in lines if made.name in needed)), **leaves}


def line(rng, name, latest, known):
    """One operation, of the latest value mostly, with another one or a number."""
    any_of = lambda *choices: choices[rng.integers(len(choices))]
    made = list(known)[len(LEAVES) : -1]  # used once more, their gradients meet
    x, other = any_of(*[latest] * 20, *known), any_of(*known, *made * 4)
    number, sign = any_of(2, 3, 4), any_of("+", "-", "*")
    functions = ["{}.tanh()", "{}.tanh()", "-{}", "{} ** 2", "{} ** 3", "{} ** -1", "{} ** -2"]
    functions += ["{}.exp()"] * 2 * (known[x] < 3)
    if known[x] == 0:
        return Line(name, any_of(f"{x} ** 2", f"{x} ** 1", f"{x} ** 3", f"{x}.exp()", f"{x} {sign} {number}"), (x,))
    if not 0.1 < abs(known[x]) < LARGE:
        return Line(name, f"{x}.tanh()", (x,))
    kind = any_of("two", "two", "two", "number", "number", "function", "function", "function")
    if kind == "two" or (made and name == "y"):
        x, other = any_of((x, other), (x, other), (other, x), (other, x), (x, x))
        return Line(name, f"{x} {sign} {other}", (x, other))
    if kind == "number":
        return Line(name, any_of(f"{number} - {x}", f"{number} {sign} {x}", f"{x} {sign} {number}"), (x,))
    return Line(name, any_of(*functions).format(x), (x,))


def features(program, **_):
    """What programs differ in."""
    texts = [line.text for line in program.lines]
    names = [name for line in program.lines for name in line.names]
    between = [name for line in program.lines for name in line.names if name not in LEAVES]
    has = lambda sign: any(f" {sign} " in text for text in texts)
    return {
        "there is a negative power": any("** -" in text for text in texts),
        "there is a power": has("**"),
        "there is an exp": any("exp" in text for text in texts),
        "there is a tanh": any("tanh" in text for text in texts),
        "there is a sign, −a": any(text[0] == "-" for text in texts),
        "there is a *": has("*"),
        "a number stands left of a −: 2 - a is not a - 2": any(text[0].isdigit() and " - " in text for text in texts),
        "there is a −": has("-"),
        "there is a + or −": has("+") or has("-"),
        "a number stands left of an operator": any(text[0].isdigit() for text in texts),
        "a value is both operands, as in a * a": any(len(set(line.names)) < len(line.names) for line in program.lines),
        "a value that is itself made from others is used more than once: it may hand on only after all that use it have handed on "
        "to it, and only once; go from the last made to the first": len(between) > len(set(between)),
        "a value is used more than once: its gradients add up, += and not =": len(names) > len(set(names)),
        "there are values between the leaves and y": len(program.lines) > 1,
        "there are values between the leaves and y (a - b may be made as a + (-b))": len(program.lines) > 1 or has("-"),
    }


# --- what is right ----------------------------------------------------------------------------------------------------


def leaf(a):
    """A tensor that a gradient is asked for."""
    return Tensor(np.asarray(a, float), requires_grad=True)


def numbers(program, a, b, c):
    """The number that each line makes."""
    names = run(program, leaf, {"a": a, "b": b, "c": c})
    return np.array([names[line.name].item() for line in program.lines])


def gradients(program, a, b, c):
    """∂y/∂a, ∂y/∂b, ∂y/∂c."""
    names = run(program, leaf, {"a": a, "b": b, "c": c})
    found = grad(names["y"], [names[name] for name in LEAVES], allow_unused=True)
    return np.array([0.0 if g is None else g.item() for g in found])


def twice(program, a, b, c):
    """The sum of the gradients of two calls."""
    return 2 * gradients(program, a, b, c)


def chain(program, a, b):
    """Of y = a + b + b + … + b the gradients."""
    return np.array([1.0, program.steps])


# --- what the learner's module gives ----------------------------------------------------------------------------------


def run_theirs(module, arguments):
    """The values of a program, made by the learner's class."""
    try:
        return run(arguments["program"], lambda a: module.Value(float(a)), arguments)
    except TypeError as error:
        theirs = any(frame.filename == module.__file__ for frame in traceback.extract_tb(error.__traceback__))
        if theirs or "operand" not in str(error):
            raise
        raise Objection("operator", f"Value cannot do all that is asked: {error}. {missing(str(error))}") from error


def missing(error):
    """Which method an operator lacks."""
    sign, left = re.findall(r"for (?:unary )?(\S).*?: '(\w+)'", error)[0]
    name = "pow" if "pow" in error else "neg" if "unary" in error else {"+": "add", "-": "sub", "*": "mul"}[sign]
    if left in ("int", "float"):
        return f"With a number on the left Python calls __r{name}__: it is missing, or returns NotImplemented."
    return f"Python calls __{name}__: it is missing, or returns NotImplemented."


def first(what, of, function, *arguments):
    """What a function of the learner gives; where it fails, an earlier task has said why."""
    try:
        return function(*arguments)
    except NotImplementedError:
        raise
    except Exception as error:
        raise later(what, of) from error


def later(what, of):
    """In the place of saying once more what an earlier task has said."""
    return Objection("later", f"{what} can be checked when {of} is right.")


def call_value(module, arguments):
    """The number of each line."""
    names = run_theirs(module, arguments)
    return [names[line.name].data for line in arguments["program"].lines]


def right_values(module, arguments, what):
    """The values of a program, if their numbers are right."""
    if not agree(np.array(first(what, "Value", call_value, module, arguments), float), numbers(**arguments)):
        raise later(what, "Value")
    return run_theirs(module, arguments)


def call_backward(module, arguments):
    """The leaves' gradients."""
    names = right_values(module, arguments, "backward")
    module.backward(names["y"])
    return [names[name].grad for name in LEAVES]


def call_twice(module, arguments):
    """The leaves' gradients after two calls; if one gives wrong ones, it is judged by them."""
    what, right = "backward, twice", gradients(**arguments)
    names = right_values(module, arguments, what)
    first(what, "backward", module.backward, names["y"])
    one = np.array([names[name].grad for name in LEAVES], float)
    module.backward(names["y"])
    two = np.array([names[name].grad for name in LEAVES], float)
    if agree(two, 2 * one):
        return 2 * right
    if agree(cleared_between(module, arguments), 2 * one):
        text = (
            "After a second backward(y) the gradients are wrong: values between the leaves and y, or y itself, hand on once more what "
            "the first call left in their .grad. A call may hand on only its own share: set the .grad of all but the leaves to 0 at "
            "the start, or keep the gradients of one call apart from .grad."
        )
        raise Objection("handed on again", text)
    return two - one + right


def cleared_between(module, arguments):
    """The leaves' gradients after two calls, all other gradients set to 0 in between."""
    made, begin = [], module.Value.__init__

    def noted(self, *rest, **more):
        made.append(self)
        begin(self, *rest, **more)

    with mock.patch.object(module.Value, "__init__", noted):
        names = run_theirs(module, arguments)
    leaves = [names[name] for name in LEAVES]
    module.backward(names["y"])
    for value in made:
        if not any(value is leaf for leaf in leaves):
            value.grad = 0.0
    module.backward(names["y"])
    return np.array([leaf.grad for leaf in leaves], float)


def call_chain(module, arguments):
    """The gradients of the start and of what is added again and again; a short chain has to be right."""
    what = "backward, a long chain"
    if not agree(np.array(first(what, "backward", after, module, arguments, 3), float), np.array([1.0, 3.0])):
        raise later(what, "backward")
    try:
        return after(module, arguments, arguments["program"].steps)
    except RecursionError as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == module.__file__]
        text = (
            f"backward raises RecursionError (line {lines[-1] if lines else '?'}): a chain of {DEEP:,} values is too long for calls "
            "within each other, of which Python allows about a thousand. Walk without recursion: with a list of what is still to be "
            "looked at."
        )
        raise Objection("raised RecursionError", text) from error


def after(module, arguments, steps):
    """The gradients of a chain of that many steps."""
    a, b = (module.Value(float(arguments[name])) for name in "ab")
    y = a
    for _ in range(steps):
        y = y + b
    module.backward(y)
    return [a.grad, b.grad]


EXERCISE = Exercise(
    title="The tape: automatic differentiation of your own",
    tasks=(
        Task("Value", numbers, cases, ("data of each line",), call=call_value, features=features),
        Task("backward", gradients, cases, ("grad of a, b and c",), call=call_backward, features=features),
        Task("backward, twice", twice, cases, ("grad of a, b and c after two calls",), call=call_twice, variants={
            "after one call: a second one adds to what the leaves' .grad holds": gradients,
        }),
        Task("backward, a long chain", chain, results=("grad of a and b",), call=call_chain,
             cases=lambda draw: {"program": Chain(one_of(draw, 3, DEEP)), "a": values(draw), "b": values(draw)}),
    ),
    hints=(
        "Let every operation make a new Value that remembers the values it was made from, and the slope in each: the chain rule "
        "needs nothing else.",
        "The slope in each is a number that is known when the operation is done: a * b keeps (a, b.data) and (b, a.data).",
        "Going back, a value takes g · slope to each of those it was made from, and they add up what they get: += and not =.",
        "Number the values as they are made. From the last made to the first is an order in which each is complete when its turn "
        "comes; find those that y depends on with a list of what is still to be looked at, not with recursion.",
        "Keep the gradients of one call in a dictionary {value: gradient} that begins as {y: 1.0}, and add them to .grad: what an "
        "earlier call left in .grad must not be handed on again.",
    ),
)  # fmt: skip
