"""The check of exercise bilinear: made larger and smaller, by whole factors and others, and from or to one pixel."""

import numpy as np

from ...ops import interpolate, matmul
from ..drawn import one_of, values, whole
from ..task import Exercise, Task


def resize(x, size):
    """Pictures of another size, bilinearly."""
    return interpolate(x, size, mode="bilinear", align_corners=False)


def cases(draw):
    """Sizes from 1, of the result twice as large or any."""
    h, w = whole(draw, 1, 4), whole(draw, 1, 4)
    size = (2 * h, 2 * w) if one_of(draw, False, True, False) else (whole(draw, 1, 6), whole(draw, 1, 6))
    return {"x": values(draw, whole(draw, 1, 2), whole(draw, 1, 2), h, w), "size": size}


def features(x, size, **_):
    """What cases differ in."""
    (h, w), (p, q) = x.shape[2:], size
    return {
        "the picture is made smaller": p < h or q < w,
        "rows and columns are scaled by different factors": p * w != q * h,
        "H/P or W/Q is no whole number": h % p > 0 or w % q > 0,
        "the result has more than one pixel": p * q > 1,
    }


# --- what is similar --------------------------------------------------------------------------------------------------


def centre(p, n, m):
    """The middle of row p of m, in rows of n."""
    return (p + 0.5) * n / m - 0.5


def neighbours(n, m, place=centre):
    """For m rows made of n: the row i before each place, the row behind it, and the way t from one to the other."""
    r = np.clip(place(np.arange(m), n, m), 0, n - 1)
    i = np.floor(r).astype(int)
    return i, np.minimum(i + 1, n - 1), r - i


def shares(n, m, place=centre, exchanged=False):
    """The share (m, n) of each of n rows in each of m; with t and 1 − t exchanged, if asked."""
    i, behind, t = neighbours(n, m, place)
    return one_each(n, i, t if exchanged else 1 - t) + one_each(n, behind, 1 - t if exchanged else t)


def one_each(n, i, share):
    """Zeros (m, n) but for a share in each row."""
    found = np.zeros((len(i), n))
    found[np.arange(len(i)), i] = share
    return found


def unclamped(n, m, most):
    """Shares for places outside, with the index i of the row before them from 0 to ``most``, or, if it is None, any."""
    r = centre(np.arange(m), n, m)
    i = np.floor(r).astype(int)
    i = i if most is None else np.clip(i, 0, max(most, 0))
    return one_each(n, i, 1 - (r - i)) + one_each(n, np.minimum(i + 1, n - 1), r - i)


def last(written):
    """Of the numbers (m, n) that are written into n rows one after the other, the last ones, where NaN writes nothing."""
    m = len(written) - 1 - np.isfinite(written)[::-1].argmax(0)
    found = np.zeros(written.shape)
    found[m, np.arange(len(m))] = np.nan_to_num(written[m, np.arange(len(m))])
    return found


def assigned(n, m):
    """Shares if each place writes over what its neighbours had from earlier ones."""
    i, behind, t = neighbours(n, m)
    written = one_each(n, i, 1 - t) + np.where(one_each(n, i, 1) + one_each(n, behind, 1), 0, np.nan)
    written[np.arange(m), behind] = t
    return last(written)


def indexed(n, m):
    """Shares if an array with an array of indices is added to, which counts the last of equal indices."""
    i, behind, t = neighbours(n, m)
    return sum(
        last(np.where(one_each(n, k, 1), one_each(n, k, share), np.nan)) for k, share in ((i, 1 - t), (behind, t))
    )


def by(made):
    """A function like resize from the shares (m, n) that are made for rows and for columns."""

    def similar(x, size):
        rows, columns = (made(n, m) for n, m in zip(x.shape[2:], size))
        return matmul(matmul(rows, x), columns.T)

    return similar


SIMILAR = {
    "if corners fall on corners (align_corners=True)": lambda x, size: interpolate(
        x, size, mode="bilinear", align_corners=True
    ),
    "if each pixel is copied from the one at p · H/P rounded down, the nearest: it is a mean of four": lambda x, size: (
        interpolate(x, size)
    ),
    "with t = 0 everywhere, which copies the pixel at i: t = r − i, without rounding r": by(
        lambda n, m: one_each(n, neighbours(n, m)[0], 1)
    ),
    "if each pixel is copied from the one nearest to r: it is a mean of four": by(
        lambda n, m: one_each(n, np.rint(sum(neighbours(n, m)[::2])).astype(int), 1)
    ),
    "without the halves, at the places p · H/P": by(lambda n, m: shares(n, m, lambda p, n, m: p * n / m)),
    "without the − ½ at the end of r": by(lambda n, m: shares(n, m, lambda p, n, m: (p + 0.5) * n / m)),
    "with P/H in the place of H/P": by(lambda n, m: shares(n, m, lambda p, n, m: (p + 0.5) * m / n - 0.5)),
    "with H // P in the place of H/P": by(lambda n, m: shares(n, m, lambda p, n, m: (p + 0.5) * (n // m) - 0.5)),
    "if r is not clamped: a place outside extrapolates": by(lambda n, m: unclamped(n, m, n - 2)),
    "if i and i + 1 are clamped but not r: then t is negative before the first pixel": by(
        lambda n, m: unclamped(n, m, n - 1)
    ),
    "if r is not clamped: before the first pixel i is −1, which NumPy takes for the last": by(
        lambda n, m: unclamped(n, m, None)
    ),
    "with the shares t and 1 − t exchanged": by(lambda n, m: shares(n, m, exchanged=True)),
}
SCATTERED = {
    "for g resized to the size of x: each g should be added to the pixels that it came from, which is the transpose": by(
        lambda n, m: shares(m, n).T
    ),
    "if a pixel gets only the last of what several places send it: add it up (+=)": by(assigned),
    "if a pixel gets only the last of several equal indices, as from gx[…, i, j] += …: np.add.at adds up all": by(
        indexed
    ),
}


def parts(x, size, g=None):
    """Of the four pixels around a place, each with its share."""
    found: dict = {"y": {}, "x": {}}
    halves = []
    for n, m in zip(x.shape[2:], size):
        i, behind, t = neighbours(n, m)
        halves.append((one_each(n, i, 1 - t), one_each(n, behind, t)))
    for row, above in enumerate(("above", "below")):
        for column, left in enumerate(("left", "right")):
            rows, columns = halves[0][row], halves[1][column]
            found["y"][f"the pixel {above} {left}"] = rows @ x @ columns.T
            if g is not None:
                found["x"][f"what the pixel {above} {left} of each place gets"] = rows.T @ g @ columns
    return found


EXERCISE = Exercise(
    title="Bilinear resizing",
    tasks=(
        Task("forward", resize, cases, features=features, parts=parts, variants=SIMILAR),
        Task("backward", resize, cases, results=("x",), gradient=True, features=features, parts=parts,
             variants=SIMILAR | SCATTERED),
    ),
    hints=(
        "Begin with one axis: two pixels made four. Write out r, i and t for the four places: the first and last are clamped.",
        "np.clip, np.floor and np.minimum(i + 1, H − 1) give r, i and the row behind for all p at once; columns alike.",
        "For the backward every number of y hands its g back: the four pixels that it was made of each get g times their share.",
        "A pixel that was used for several places gets the sum: += in loops, np.add.at with arrays of indices (gx[i, j] += … adds "
        "each pixel only once).",
        "Or write the shares of rows as a matrix R (P, H) and of columns S (Q, W): y = R @ x @ S.T, and the gradient is "
        "R.T @ g @ S.",
    ),
)  # fmt: skip
