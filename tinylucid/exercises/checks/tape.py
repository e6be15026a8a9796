"""The check of exercise tape: small programs, run with the learner's Value and with the engine's tensors."""

import math
import traceback
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...autograd import grad
from ...tensor import Tensor
from ..drawn import one_of, values, whole
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
    leaves = {name: values(draw) for name in LEAVES}
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
    between = [name for line in program.lines for name in set(line.names) if name not in LEAVES]
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
        "two lines use a value that itself is made from others: it hands on its gradient when both have handed on theirs": (
            len(between) > len(set(between))
        ),
        "a value is used more than once: its gradients add up": len(names) > len(set(names)),
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


def chain(a, b, steps):
    """Of y = a + b + b + … + b the gradients."""
    return np.array([1.0, steps])


# --- what the learner's module gives ----------------------------------------------------------------------------------


def run_theirs(module, arguments):
    """The values of a program, made by the learner's class."""
    try:
        return run(arguments["program"], lambda a: module.Value(float(a)), arguments)
    except TypeError as error:
        theirs = any(frame.filename == module.__file__ for frame in traceback.extract_tb(error.__traceback__))
        if theirs or "operand" not in str(error):
            raise
        text = f"Value cannot do all that is asked: {error}. With a number on the left Python calls __radd__, __rsub__ or __rmul__."
        raise Objection("operator", text) from error


def call_value(module, arguments):
    """The number of each line."""
    names = run_theirs(module, arguments)
    return [names[line.name].data for line in arguments["program"].lines]


def call_backward(module, arguments, calls=1):
    """The leaves' gradients."""
    names = run_theirs(module, arguments)
    for _ in range(calls):
        module.backward(names["y"])
    return [names[name].grad for name in LEAVES]


def call_chain(module, arguments):
    """The gradients of the start and of what is added again and again."""
    a, b = (module.Value(float(arguments[name])) for name in "ab")
    y = a
    for _ in range(arguments["steps"]):
        y = y + b
    module.backward(y)
    return [a.grad, b.grad]


EXERCISE = Exercise(
    title="The tape: automatic differentiation of your own",
    tasks=(
        Task("Value", numbers, cases, ("data of each line",), call=call_value, features=features),
        Task("backward", gradients, cases, ("grad of a, b and c",), call=call_backward, features=features),
        Task("backward", twice, cases, ("grad of a, b and c after two calls",), features=features,
             call=lambda module, arguments: call_backward(module, arguments, calls=2),
             variants={"after one call: a second one adds to it": gradients}),
        Task("backward", chain, results=("grad of a and b after y = a; y = y + b, again and again",), call=call_chain,
             cases=lambda draw: {"a": values(draw), "b": values(draw), "steps": one_of(draw, 1, 3, DEEP)}),
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
