"""Ways to get exercise bilinear wrong, and other ways to get it right."""

import numpy as np


def places(n, m, clamp=True):
    r = (np.arange(m) + 0.5) * n / m - 0.5
    r = np.clip(r, 0, n - 1) if clamp else r
    i = np.floor(r).astype(int)
    return i, np.minimum(i + 1, n - 1), r - i


def corners(x, size, places=places):
    """Index and share of each of the four pixels."""
    (i, below, t), (j, right, u) = places(x.shape[2], size[0]), places(x.shape[3], size[1])
    i, below, t = i[:, None], below[:, None], t[:, None]
    return [
        ((i, j), (1 - t) * (1 - u)),
        ((i, right), (1 - t) * u),
        ((below, j), t * (1 - u)),
        ((below, right), t * u),
    ]


def gathered(x, four):
    return sum(x[:, :, i, j] * share for (i, j), share in four)


def scattered(g, x, four):
    gx = np.zeros_like(x)
    for (i, j), share in four:
        np.add.at(gx, (slice(None), slice(None), i, j), g * share)
    return gx


def aligned(n, m):
    r = np.arange(m) * (n - 1) / (m - 1) if m > 1 else np.zeros(1)
    i = np.floor(r).astype(int)
    return i, np.minimum(i + 1, n - 1), r - i


def forward__corners_aligned(x, size):
    """align_corners=True"""
    return gathered(x, corners(x, size, aligned))


def forward__no_halves(x, size):
    """without the halves"""

    def places(n, m):
        r = np.clip(np.arange(m) * n / m, 0, n - 1)
        i = np.floor(r).astype(int)
        return i, np.minimum(i + 1, n - 1), r - i

    return gathered(x, corners(x, size, places))


def rounded(n, m):
    i, behind, _ = places(n, m)
    return i, behind, np.zeros(m)


def forward__no_way_between(x, size):
    """t = 0 everywhere | t = r − i"""
    return gathered(x, corners(x, size, rounded))


def backward__no_way_between(g, x, size):
    """t = 0 everywhere | t = r − i"""
    return scattered(g, x, corners(x, size, rounded))


def forward__copied_from_the_nearest(x, size):
    """nearest to r | a mean of four"""
    i, j = (
        np.rint(np.clip((np.arange(m) + 0.5) * n / m - 0.5, 0, n - 1)).astype(int) for n, m in zip(x.shape[2:], size)
    )
    return x[:, :, i[:, None], j]


def forward__half_a_pixel_too_far(x, size):
    """without the − ½"""

    def places(n, m):
        r = np.minimum((np.arange(m) + 0.5) * n / m, n - 1)
        i = np.floor(r).astype(int)
        return i, np.minimum(i + 1, n - 1), r - i

    return gathered(x, corners(x, size, places))


def forward__nearest(x, size):
    """nearest"""
    i, j = (np.arange(m) * n // m for n, m in zip(x.shape[2:], size))
    return x[:, :, i[:, None], j]


def forward__minus_one(x, size):
    """not clamped | −1, which NumPy takes for the last"""
    return gathered(x, corners(x, size, lambda n, m: places(n, m, clamp=False)))


def forward__extrapolated(x, size):
    """not clamped | extrapolates"""

    def places(n, m):
        r = (np.arange(m) + 0.5) * n / m - 0.5
        i = np.clip(np.floor(r).astype(int), 0, max(n - 2, 0))
        return i, np.minimum(i + 1, n - 1), r - i

    return gathered(x, corners(x, size, places))


def forward__indices_clamped(x, size):
    """clamped but not r"""

    def places(n, m):
        r = (np.arange(m) + 0.5) * n / m - 0.5
        i = np.clip(np.floor(r).astype(int), 0, n - 1)
        return i, np.minimum(i + 1, n - 1), r - i

    return gathered(x, corners(x, size, places))


def forward__whole_division(x, size):
    """H // P in the place of H/P"""

    def places(n, m):
        r = np.clip((np.arange(m) + 0.5) * (n // m) - 0.5, 0, n - 1)
        i = np.floor(r).astype(int)
        return i, np.minimum(i + 1, n - 1), r - i

    return gathered(x, corners(x, size, places))


def forward__shares_exchanged(x, size):
    """shares | exchanged"""

    def places_(n, m):
        i, behind, t = places(n, m)
        return i, behind, 1 - t

    return gathered(x, corners(x, size, places_))


def forward__one_factor_for_both(x, size):
    """scaled by different factors"""

    def one(n, m, scale):
        r = np.clip((np.arange(m) + 0.5) * scale - 0.5, 0, n - 1)
        i = np.floor(r).astype(int)
        return i, np.minimum(i + 1, n - 1), r - i

    return gathered(x, corners(x, size, lambda n, m: one(n, m, x.shape[2] / size[0])))


def forward__beyond_the_last(x, size):
    """raises IndexError | out of bounds | line"""
    return gathered(x, corners(x, size, lambda n, m: (places(n, m)[0], places(n, m)[0] + 1, places(n, m)[2])))


def forward__only_larger(x, size):
    """made smaller"""
    p, q = max(size[0], x.shape[2]), max(size[1], x.shape[3])
    return gathered(x, corners(x, (p, q)))[:, :, : size[0], : size[1]]


def forward__size_exchanged(x, size):
    """transposed"""
    return gathered(x, corners(x, size[::-1]))


def backward__assigned(g, x, size):
    """only the last | +="""
    gx = np.zeros_like(x)
    four = corners(x, size)
    for p, q in np.ndindex(*size):
        for (i, j), share in four:
            i, j = np.broadcast_to(i, size)[p, q], np.broadcast_to(j, size)[p, q]
            gx[:, :, i, j] = g[:, :, p, q] * share[p, q]
    return gx


def backward__indexed_sum(g, x, size):
    """only the last | np.add.at"""
    gx = np.zeros_like(x)
    for (i, j), share in corners(x, size):
        gx[:, :, i, j] += g * share
    return gx


def backward__g_resized(g, x, size):
    """g resized | transpose"""
    return gathered(g, corners(g, x.shape[2:]))


def backward__one_corner_forgotten(g, x, size):
    """below right | missing"""
    return scattered(g, x, corners(x, size)[:3])


def backward__one_share(g, x, size):
    """is wrong"""
    (i, below, t), (j, right, _) = places(x.shape[2], size[0]), places(x.shape[3], size[1])
    t = t[:, None]
    i, below = i[:, None], below[:, None]
    return scattered(g, x, [((i, j), 1 - t), ((i, right), 0 * t), ((below, j), 0 * t), ((below, right), t)])


def backward__corners_aligned(g, x, size):
    """align_corners=True"""
    return scattered(g, x, corners(x, size, aligned))


def backward__right_by_add_at(g, x, size):
    """right"""
    return scattered(g, x, corners(x, size))


def backward__right_by_loops(g, x, size):
    """right"""
    gx, (h, w), (p_count, q_count) = np.zeros_like(x), x.shape[2:], size
    for p in range(p_count):
        r = min(max((p + 0.5) * h / p_count - 0.5, 0), h - 1)
        for q in range(q_count):
            s = min(max((q + 0.5) * w / q_count - 0.5, 0), w - 1)
            for k in range(h):
                for m in range(w):
                    gx[:, :, k, m] += g[:, :, p, q] * max(0, 1 - abs(r - k)) * max(0, 1 - abs(s - m))
    return gx


def forward__right_as_pytorch(x, size):
    """right"""

    def places(n, m):
        r = np.maximum((np.arange(m) + 0.5) * (n / m) - 0.5, 0)
        i = np.minimum(r.astype(int), n - 1)
        return i, i + (i < n - 1), r - i

    return gathered(x, corners(x, size, places)).astype(np.float32)


def forward__right_by_interp(x, size):
    """right"""
    at = [np.clip((np.arange(m) + 0.5) * n / m - 0.5, 0, n - 1) for n, m in zip(x.shape[2:], size)]
    y = np.apply_along_axis(lambda a: np.interp(at[0], np.arange(len(a)), a), 2, x)
    return np.apply_along_axis(lambda a: np.interp(at[1], np.arange(len(a)), a), 3, y).tolist()
