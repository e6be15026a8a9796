"""The check of exercise add: two shapes of which one or both are broadcast."""

from ..drawn import broadcastable, one_of, values, whole
from ..task import Exercise, Task


def add(a, b):
    """y = a + b."""
    return a + b


def cases(draw):
    """Shapes of up to three axes, either operand the smaller one."""
    shape = tuple(whole(draw, 1, 4) for _ in range(whole(draw, 0, 3)))
    shapes = [shape, broadcastable(draw, shape)]
    first, second = shapes if one_of(draw, True, False) else shapes[::-1]
    return {"a": values(draw, *first), "b": values(draw, *second)}


EXERCISE = Exercise(
    title="Adding, with broadcasting",
    tasks=(Task("forward", add, cases), Task("backward", add, cases, results=("a", "b"), gradient=True)),
    hints=(
        "Take a (2, 1) and b (1,), write out both numbers of y, and ask which of them change when b changes.",
        "A number that was used for several numbers of y gets the sum of their gradients.",
        "Two kinds of axes were repeated: those that b does not have at all, and those in which its size is 1.",
        "Sum g over the axes in front that b does not have, then, keeping the axis, over those in which b has size 1.",
    ),
)
