"""What the kernels and the engine rely on in CuPy's arrays: memory, layout, elements. For CuPy and its stand-in alike."""

import operator

import numpy as np
import pytest

from .arrays import F, ramp, same, strict

# memory


def test_views_share_memory(cp):
    x = cp.zeros((2, 3), F)
    x[0] = 1
    x[:, 2] = 7
    x.reshape(-1)[3] = 5
    x.T[1, 1] = 4
    x.transpose(1, 0)[0, 0] += 2
    y = x[1]
    y += 1
    np.moveaxis(x, 0, 1)[2, 0] = 8
    x[1, 2, ...] = 9
    x[0, 1][...] = 0
    same(x, [[3, 0, 8], [6, 5, 9]])
    views = [
        x[0], x[0, 0], x[0][1], x.T, x[1:][:, 1], x.reshape(-1), np.broadcast_to(x, (2, 2, 3)), x[None], x.ravel(), x.squeeze()[:],
    ]  # fmt: skip
    for view in views:
        assert view.base is x
        assert not view.flags.owndata
    before = x.get()
    for own in (
        x.copy(),
        x + 0,
        x[[0, 1]],
        x[x > 0],
        cp.ascontiguousarray(x.T),
        x.T.reshape(-1),
        x.T.ravel(),
        x.astype(F),
    ):
        own[...] = 99
        same(x, before)
    assert x.base is None
    assert x.flags.owndata
    assert x[0].T is not x
    assert x.astype(F, copy=False) is x


def test_layout(cp):
    x = ramp(2, 3)
    assert (x.flags.c_contiguous, x.flags.f_contiguous, x.flags["C_CONTIGUOUS"]) == (True, False, True)
    assert (x.T.flags.c_contiguous, x.T.flags.f_contiguous) == (False, True)
    assert not x[:, ::2].flags.c_contiguous
    assert [a._c_contiguous for a in (x, x.T, x[:, ::2], x[1:])] == [
        True,
        False,
        False,
        True,
    ]  # a field: no object made
    assert (x.strides, x[::-1].strides, x.nbytes, x.itemsize, x.ndim, x.size) == ((12, 4), (-12, 4), 24, 4, 2, 6)
    same(x[::-1, ::-2], [[5, 3], [2, 0]])
    assert cp.empty_like(x.T).flags.f_contiguous
    assert cp.empty((0, 3), F).flags.c_contiguous
    assert cp.ndarray((2, 3)).dtype == np.float64


def test_out_and_casting(cp):
    x, y, i = ramp(3), cp.empty(3, F), ramp(3, dtype=np.int32)
    assert cp.multiply(x, 2, out=y) is y
    assert np.add(x, 1, y) is y
    same(y, [1, 2, 3], F)
    assert np.sum(ramp(2, 3), axis=0, out=y) is y
    same(y, [3, 5, 7])
    assert np.add(x, 1.5, out=i, casting="unsafe") is i
    same(i, [1, 2, 3], np.int32)
    same(np.add(x, 1, dtype=np.float64), [1, 2, 3], np.float64)
    i[:] = 2.7  # assignment cuts off
    same(i, [2, 2, 2])
    for wrong in (lambda: np.add(x, 1.5, out=i), lambda: operator.iadd(i, 1.5), lambda: operator.itruediv(i, 2)):
        with pytest.raises(TypeError):
            wrong()
    x[1:] = x[:-1]  # overlapping memory
    same(x, [0, 0, 1])
    assert operator.iadd(x, ramp(3)) is x


# elements


def test_indexing(cp):
    x = ramp(3, 4)
    h = x.get()
    keys = [
        0, -1, (1, 2), slice(1, None), (slice(None), 2), (..., 1), None, (0, None, slice(2)), [0, 2], np.array([2, 0]),
        np.int64(1), (slice(None), [1, 1]), ([0, 1], [2, 3]), h > 5,
        h[:, 0] > 1, (), ..., (1, ...), [], slice(None, None, -1), (np.array([[0], [2]]), [1, 3]),
    ]  # fmt: skip
    for key in keys:
        same(x[key], h[key], F)
        changed, expected = x.copy(), h.copy()
        changed[key], expected[key] = -1, -1
        same(changed, expected)
    same(x[cp.asarray([2, 0])], h[[2, 0]])
    same(x[x > 5], h[h > 5])
    same(x[cp.asarray([2, 0]), 1:3], h[[2, 0], 1:3])
    x[cp.asarray([2, 0])] = x[:2].copy()
    same(x, h[[1, 1, 0]])
    x[0] = np.array(3.0)
    same(x[0], [3, 3, 3, 3])
    with pytest.raises(IndexError):
        x[3]
    with pytest.raises(IndexError):
        x[0, 0, 0]
    with pytest.raises(IndexError):
        x[ramp(2)]


def test_iterating(cp):
    rows = list(ramp(2, 3))
    same(rows[1], [3, 4, 5])
    assert [type(v) for v in rows[0]] == [cp.ndarray] * 3
    assert rows[0][1].shape == ()
    for wrong in (iter, len):
        with pytest.raises(TypeError):
            wrong(ramp()[()])


@strict
@pytest.mark.parametrize(
    "wrong",
    [lambda x: x[[7]], lambda x: x[np.array([9])], lambda x: x[1.5], lambda x: x.take([7]), lambda x: operator.setitem(x, [0, 0], x[:2])],
)  # fmt: skip
def test_what_cupy_would_get_silently_wrong(wrong):
    with pytest.raises((IndexError, ValueError)):
        wrong(ramp(3))


@strict
def test_memory_that_was_not_written_shows(cp):
    assert np.isnan(cp.empty(3, F).get()).all()
    assert np.isnan(cp.empty_like(ramp(3)).get()).all()
    assert (cp.empty(3, np.int32).get() == 2**31 - 1).all()


def test_no_array_of_numpys_comes_of_a_view(cp):
    class Kind(np.ndarray):
        pass

    with pytest.raises((TypeError, ValueError)):
        cp.zeros((2, 3), F).view(Kind)
