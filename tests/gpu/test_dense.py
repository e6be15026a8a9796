"""Matrix products on the GPU: the dense layer, and stacks of matrices in any layout."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinylucid_kernels import kernels, of
from tinylucid_kernels.gpu import dense, product
from tinylucid_kernels.gpu.driver import cupy

from .agree import agrees
from .cut import cutting, tile

DTYPES = [np.float32, np.float64]
sizes = st.integers(0, 20)
LEADING = [
    ((), ()),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((), (2,)),
    ((2, 2), ()),
    ((2, 1), (1, 3)),
    ((1,), (2, 1)),
    ((0,), (1,)),
]


def matrices(rng, shape, dtype):
    return rng.standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@given(m=sizes, n=sizes, k=sizes, leading=st.sampled_from(LEADING))
def test_stacks_of_matrices(dtype, m, n, k, leading):
    rng = np.random.default_rng(0)
    agrees("matmul", matrices(rng, (*leading[0], m, k), dtype), matrices(rng, (*leading[1], k, n), dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@given(n=sizes, i=sizes, o=sizes, bias=st.booleans())
def test_the_dense_layer(dtype, n, i, o, bias):
    rng = np.random.default_rng(0)
    agrees(
        "linear",
        matrices(rng, (n, i), dtype),
        matrices(rng, (o, i), dtype),
        matrices(rng, o, dtype) if bias else None,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@given(n=sizes, i=sizes, o=sizes, wanted=st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_the_dense_layers_gradients(dtype, n, i, o, wanted):
    rng = np.random.default_rng(0)
    found = agrees("linear_grads", *(matrices(rng, s, dtype) for s in ((n, o), (n, i), (o, i))), *wanted)
    assert [g is not None for g in found] == list(wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("index", [0, 1, 3])
def test_several_tiles_each_way(dtype, index):
    """130 rows and 131 columns: one and a rest, three, or low and wide ones."""
    rng = np.random.default_rng(0)
    with tile(index):
        agrees("matmul", matrices(rng, (2, 130, 33), dtype), matrices(rng, (2, 33, 131), dtype))
        agrees("linear", *(matrices(rng, s, dtype) for s in [(130, 17), (131, 17), 131]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("k", [16, 33, 105])
def test_a_sum_in_parts(dtype, k):
    """The bias is added once, whatever the number of parts; a last part may be empty."""
    rng = np.random.default_rng(0)
    with cutting(blocks=132, long=16):
        agrees("linear", *(matrices(rng, s, dtype) for s in [(9, k), (70, k), 70]))
        agrees("matmul", matrices(rng, (2, 3, k), dtype), matrices(rng, (2, k, 5), dtype))


LAYOUTS = {
    "as it is": lambda a: a,
    "transposed": lambda a: cupy().ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2),
    "backwards": lambda a: cupy().ascontiguousarray(a[..., ::-1])[..., ::-1],
    "with gaps": lambda a: cupy().stack([a, a], -1)[..., 0],
}


@pytest.mark.parametrize("leading", [(), (2,), (2, 2)])
@pytest.mark.parametrize("first", LAYOUTS)
@pytest.mark.parametrize("second", LAYOUTS)
def test_any_layout(first, second, leading):
    rng = np.random.default_rng(0)
    x, y = (matrices(rng, (*leading, *s), np.float32) for s in [(9, 4), (4, 7)])
    for a, b in [(x, y), (x, y[(0,) * len(leading)])]:
        z = of(cupy().asarray(x)).matmul(LAYOUTS[first](cupy().asarray(a)), LAYOUTS[second](cupy().asarray(b)))
        np.testing.assert_allclose(z.get(), a @ b, atol=1e-5)


@pytest.mark.parametrize("flipped", [False, True])
def test_transposed_matrices_are_read_where_they_are(flipped):
    a = cupy().zeros((4, 5), np.float32)
    kept, found = dense.stored(a.T if flipped else a)
    kept[...] = 1.0
    assert found == flipped
    assert float(a.sum()) == 20.0


@given(k=st.integers(1, 9), n=st.integers(1, 9))
def test_vectors_as_in_numpy(k, n):
    rng = np.random.default_rng(0)
    new = lambda *s: matrices(rng, s, np.float64)
    for x, y in [
        (new(k), new(k)),
        (new(k), new(k, n)),
        (new(n, k), new(k)),
        (new(k), new(2, k, n)),
        (new(2, n, k), new(k)),
    ]:
        with kernels("gpu"):
            z = of(x).matmul(x, y)
        np.testing.assert_allclose(z, x @ y, atol=1e-12)


def test_nan_and_infinity_stay_in_their_rows_and_columns():
    x, y = np.ones((5, 6), np.float32), np.ones((6, 7), np.float32)
    x[1, 2], y[3, 4] = np.nan, np.inf
    (z,) = agrees("matmul", x, y)
    assert np.isnan(z).sum() == 7
    assert np.isinf(z).sum() == 4


def test_matrices_that_do_not_fit_are_refused():
    x, y = cupy().zeros((3, 4), np.float32), cupy().zeros((5, 6), np.float32)
    with pytest.raises(ValueError, match=r"\(3, 4\) cannot be multiplied by one \(5, 6\)"):
        dense.matmul(x, y)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_what_the_kernels_cannot_count_is_refused(which):
    sizes = [3, 3, 3]
    sizes[which] = product.LIMIT
    product.cut(*sizes, np.float32)
    sizes[which] += 1
    with pytest.raises(ValueError, match=f"{product.LIMIT + 1} is too much for the GPU's kernels"):
        product.cut(*sizes, np.float32)
