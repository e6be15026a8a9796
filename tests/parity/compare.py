"""Run one function in tinylucid and in PyTorch, whose names are the same, and compare all that comes out.

A function under comparison is ``f(t, *tensors)``, where ``t`` is one library or the other.
"""

from math import prod

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import strategies as st

import tinylucid as tl

torch = pytest.importorskip("torch")

torch.set_num_threads(1)  # all here is small
RAISES = (ValueError, TypeError, RuntimeError, IndexError)
TOLERANCE = {np.dtype("float64"): 1e-10, np.dtype("float32"): 1e-5}

shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
filled = hnp.array_shapes(min_dims=0, max_dims=4, max_side=4)  # with at least one element


@st.composite
def numbers(draw, shape=filled, positive=False, kinds=("smooth", "grid")):
    """A float64 array: normal numbers; or multiples of ½ within ±1, so that there are ties and zeros."""
    shape = shape if isinstance(shape, tuple) else draw(shape)
    rng, kind = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.sampled_from(kinds))
    if kind == "apart":  # all different, by at least a quarter: nothing is ill-conditioned
        a = rng.permutation(prod(shape)).reshape(shape) * 0.5 - 1 + rng.uniform(-0.1, 0.1, shape)
    else:
        a = rng.normal(size=shape) if kind == "smooth" else rng.integers(-2, 3, shape) / 2
    return np.asarray(np.abs(a) + 0.25 if positive else a)


def noise(shape, seed):
    """Normal numbers that depend on shape and seed alone."""
    return np.random.default_rng(seed).normal(size=tuple(shape))


def array(x):
    """The NumPy array in a tensor of either library."""
    return x.detach().numpy(force=True) if isinstance(x, torch.Tensor) else x.detach().numpy()


def differentiated(t, f, arrays, fixed=(), second=True, strided=False):
    """By name: the results of f, their gradients by backward and by grad, and the gradients of those."""
    dtype = arrays[0].dtype if arrays else np.dtype("float64")
    leaf = lambda a: t.tensor(np.ascontiguousarray(a.T) if strided else a, requires_grad=True)
    leaves = [leaf(a) for a in arrays]
    xs = [x.permute(tuple(range(x.ndim))[::-1]) for x in leaves] if strided else leaves
    ys = f(t, *xs, *[t.tensor(a) for a in fixed])
    ys = list(ys) if isinstance(ys, (tuple, list)) else [ys]
    found = {f"result {k}{', recorded' * y.requires_grad}": array(y) for k, y in enumerate(ys)}
    live = [y for y in ys if y.requires_grad]
    us = [t.tensor(noise(y.shape, k).astype(array(y).dtype), requires_grad=True) for k, y in enumerate(live)]
    or_zeros = lambda g, x: np.zeros_like(array(x)) if g is None else array(g)
    for y, u in zip(live, us):
        y.backward(u.detach(), retain_graph=True)
    found.update((f"grad of input {k}", or_zeros(x.grad, x)) for k, x in enumerate(leaves))
    if second and live and dtype == np.float64:
        grads = t.autograd.grad(live, leaves, us, create_graph=True, allow_unused=True)
        found.update((f"create_graph, input {k}", or_zeros(g, x)) for k, (g, x) in enumerate(zip(grads, leaves)))
        deep = [
            (g, t.tensor(noise(g.shape, 100 + k))) for k, g in enumerate(grads) if g is not None and g.requires_grad
        ]
        again = [None] * (len(leaves) + len(us))
        if deep:
            again = t.autograd.grad([g for g, _ in deep], [*leaves, *us], [v for _, v in deep], allow_unused=True)
        names = [f"input {k}" for k in range(len(leaves))] + [f"upstream {k}" for k in range(len(us))]
        found.update((f"second order, {n}", or_zeros(g, x)) for n, g, x in zip(names, again, [*leaves, *us]))
    return found


def close(ours, theirs, name="", tolerance=None):
    """Assert equal shapes and dtypes, and values equal within the tolerance of that dtype."""
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype), f"{name}: shape or dtype differs"
    if theirs.dtype.kind != "f":
        np.testing.assert_array_equal(ours, theirs, name)
        return
    usual = np.isfinite(theirs)
    tolerance = TOLERANCE[theirs.dtype] if tolerance is None else tolerance
    limit = tolerance * np.abs(theirs[usual]).max(initial=1.0)
    if not (usual.all() and (np.abs(ours - theirs) <= limit).all()):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=limit, err_msg=name)  # NaN and infinities must agree


def in_dtype(arrays, dtype):
    """The arrays, floating ones in that dtype."""
    return [np.asarray(a, dtype) if a.dtype.kind == "f" else a for a in map(np.asarray, arrays)]


def agree(f, *arrays, fixed=(), second=True, strided=False, may_raise=False):
    """Assert that f gives the same in both libraries, in float64 and float32; if allowed, that both raise."""
    for dtype in TOLERANCE:
        how = (f, in_dtype(arrays, dtype), in_dtype(fixed, dtype), second, strided)
        try:
            theirs = differentiated(torch, *how)
        except RAISES:
            if not may_raise:
                raise
            with pytest.raises(RAISES):
                differentiated(tl, *how)
            continue
        ours = differentiated(tl, *how)
        assert list(ours) == list(theirs)
        for name, a in theirs.items():
            close(ours[name], a, f"{name} in {dtype}")


def both_raise(f):
    """Assert that f(t) raises in both libraries."""
    for t in (torch, tl):
        with pytest.raises((*RAISES, KeyError, AttributeError, AssertionError)):
            f(t)
