"""What the exercises on convolution share: drawing pictures with kernels, and where the windows lie."""

import contextlib

import numpy as np

from ..drawn import values, whole
from ..task import Objection


def pictures(draw, most=2):
    """x (N, C, H, W), N at most ``most``, and weight (O, C, kh, kw): kernels seldom square, pictures up to two pixels larger."""
    n, c, o = whole(draw, 1, most), whole(draw, 1, 2), whole(draw, 1, 3)
    kh, kw = whole(draw, 1, 3), whole(draw, 1, 3)
    h, w = kh + whole(draw, 0, 2), kw + whole(draw, 0, 2)
    return {"x": values(draw, n, c, h, w), "weight": values(draw, o, c, kh, kw)}


def windows(x, kernel_size, stride=1, padding=0):
    """How many windows each pixel of x (N, C, H, W) is in, (H, W)."""
    height, width = x.shape[2:]
    kh, kw = kernel_size
    count = np.zeros((height + 2 * padding, width + 2 * padding), int)
    for top in range(0, count.shape[0] - kh + 1, stride):
        for left in range(0, count.shape[1] - kw + 1, stride):
            count[top : top + kh, left : left + kw] += 1
    return count[padding : padding + height, padding : padding + width]


def within(function, mask):
    """The function with only those of its windows that mask(P, Q) holds; the others give 0."""

    def similar(x, weight, *rest):
        y = function(x, weight, *rest)
        return y * mask(*y.shape[2:])

    return similar


def without_last(function):
    """Variants that leave out the last windows."""
    rows, columns = np.index_exp[-1:, :], np.index_exp[:, -1:]
    return {
        f"without the windows at {where}: those count too": within(function, zero_at(*left_out))
        for where, left_out in {
            "p = P − 1 and at q = Q − 1": (rows, columns),
            "p = P − 1": (rows,),
            "q = Q − 1": (columns,),
        }.items()
    }


def last_alone(function):
    """The variant that counts only the last window of each picture."""
    last = lambda p, q: 1 - zero_at(np.index_exp[-1:, -1:])(p, q)
    return {
        "with the last window of each picture alone, which overwrites the others: add them up (+=)": within(
            function, last
        )
    }


def zero_at(*places):
    """A mask of ones with zeros at those places."""

    def mask(p, q):
        found = np.ones((p, q))
        for place in places:
            found[place] = 0
        return found

    return mask


def sized(function, sizes, name="y"):
    """A ``call`` that says why the first result has another height and width than it should.

    sizes(**arguments) gives the right shape and {words: (height, width)} of known mistakes, which may be made in one of both.
    """
    what = "y" if name == "y" else f"gradient for {name}"

    def call(module, arguments):
        found = getattr(module, function)(*arguments.values())
        due, mistakes = sizes(**arguments)
        with contextlib.suppress(ValueError, TypeError):  # no array
            came = np.shape(found[0] if isinstance(found, tuple) else found)
            if came[:2] == due[:2] and len(came) == 4:
                likely = [
                    words
                    for words, wrong in mistakes.items()
                    if came[2:] != due[2:] and all(a in (b, c) for a, b, c in zip(came[2:], due[2:], wrong))
                ]
                if likely:
                    raise Objection(
                        "size", f"Your {what} has shape {came} and should have {due}: {', or '.join(likely)}."
                    )
        return found

    return call
