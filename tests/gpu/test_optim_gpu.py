"""The optimisers' steps on the GPU: parameters and states of any layout are updated in place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinylucid_kernels.gpu import driver, optim

from .agree import agrees

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
shapes = st.sampled_from([(), (0, 4), (1,), (7, 5), (3, 87)])
seeds, flags = st.integers(0, 99), st.booleans()


def arrays(signs, shape, dtype, seed):
    """An array for each sign; none of its numbers is negative where the sign is +, and one is 0."""
    rng = np.random.default_rng(seed)
    made = [rng.standard_normal(shape).astype(dtype) for _ in signs]
    for a in made:
        a[rng.random(shape) < 0.1] = 0
    return [np.abs(a, out=a) if sign == "+" else a for a, sign in zip(made, signs)]


@dtypes
@given(
    shape=shapes,
    seed=seeds,
    momentum=st.sampled_from([None, 0.0, 0.9]),
    dampening=st.sampled_from([0, 0.4]),
    nesterov=flags,
)
def test_sgd(dtype, shape, seed, momentum, dampening, nesterov):
    p, g, velocity = arrays("   ", shape, dtype, seed)
    if momentum is None:
        velocity, momentum = None, 0.0
    agrees("sgd", p, g, velocity, 0.1, momentum, dampening, nesterov)


@dtypes
@given(
    shape=shapes,
    seed=seeds,
    step=st.sampled_from([1, 2, 1000]),
    betas=st.sampled_from([(0.9, 0.999), (0.0, 0.0), (0.5, 0.8)]),
)
def test_adam(dtype, shape, seed, step, betas):
    agrees("adam", *arrays("   +", shape, dtype, seed), step, 0.1, *betas, 1e-3)


@dtypes
@given(shape=shapes, seed=seeds, centred=flags, momentum=st.sampled_from([None, 0.9]))
def test_rmsprop(dtype, shape, seed, centred, momentum):
    p, g, square_avg, grad_avg, buffer = arrays("  +  ", shape, dtype, seed)
    square_avg += grad_avg * grad_avg + 0.1  # a variance; a small one would be mostly rounding
    if momentum is None:
        buffer, momentum = None, 0.0
    agrees("rmsprop", p, g, square_avg, grad_avg if centred else None, buffer, 0.1, 0.9, momentum, 1e-2)


@dtypes
def test_nan_and_inf_are_not_hidden(dtype):
    """A gradient of NaN spoils its element and no other; what rounding leaves below 0 under the root is 0."""
    p, g, a, b, c = arrays("  +  ", (40,), dtype, 0)
    g[3], g[7], b[9] = np.nan, np.inf, 100  # b[9]: square_avg − grad_avg² < 0
    with np.errstate(invalid="ignore"):
        agrees("sgd", p, g, b, 0.1, 0.9, 0.0, True)
        agrees("adam", p, g, b, a, 3, 0.1, 0.9, 0.99, 1e-3)
        agrees("rmsprop", p, g, a, b, c, 0.1, 0.9, 0.9, 1e-2)


def strided(a, how):
    """The array a on the GPU with gaps in memory, or transposed."""
    a = driver.cupy().array(a)
    if how == "transposed":
        return driver.cupy().ascontiguousarray(a.T).T
    wide = driver.cupy().zeros((a.shape[0], 2 * a.shape[1]), a.dtype)
    wide[:, ::2] = a
    return wide[:, ::2]


@pytest.mark.parametrize("how", ["transposed", "gaps"])
@pytest.mark.parametrize("which", [{0}, {1}, {2}, {0, 1, 2, 3}])
def test_any_layout(how, which):
    """What lies in memory with gaps is updated as if it had none, and the gradient is left alone."""
    given = arrays("   +", (5, 6), np.float64, 3)
    plain = [driver.cupy().array(a) for a in given]
    gaps = [strided(a, how) if k in which else driver.cupy().array(a) for k, a in enumerate(given)]
    optim.adam(*plain, 2, 0.1, 0.9, 0.99, 1e-3)
    optim.adam(*gaps, 2, 0.1, 0.9, 0.99, 1e-3)
    for k, (a, b) in enumerate(zip(plain, gaps)):
        assert b.flags.c_contiguous == (k not in which)
        np.testing.assert_array_equal(b.get(), a.get())
    np.testing.assert_array_equal(gaps[1].get(), given[1])
