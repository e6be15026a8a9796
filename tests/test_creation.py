"""Making tensors: their dtypes and memory, the default dtype, and what they look like."""

import numpy as np
import pytest

import tinylucid as tl
from tinylucid import nn


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1.5, tl.float32),
        ([1.0, 2], tl.float32),
        ([[]], tl.float32),
        (3, tl.int64),
        ([[1, 2], (3, 4)], tl.int64),
        (True, tl.bool),
        ([True, False], tl.bool),
        (np.float64(1.5), tl.float64),
        (np.ones(2), tl.float64),
        (np.ones(2, np.float32), tl.float32),
        (np.ones(2, np.uint8), tl.uint8),
        (np.ones(2, np.int32), tl.int32),
        ([np.ones(2, np.float32), np.ones(2, np.float32)], tl.float32),
        ([np.ones(2), np.ones(2)], tl.float64),
        ([tl.ones(2, dtype=tl.float64), tl.ones(2, dtype=tl.float64)], tl.float64),
    ],
)
def test_tensor_dtypes(data, dtype):
    """Python floats get the default dtype, integers int64, arrays and tensors keep their own, in lists too."""
    assert tl.tensor(data).dtype == dtype


def test_tensor_values_and_shapes():
    assert tl.tensor([[1, 2, 3], [4, 5, 6]]).shape == (2, 3)
    assert tl.tensor([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert tl.tensor(2.5).shape == ()
    assert tl.tensor([tl.tensor([1, 2]), tl.tensor([3, 4])]).tolist() == [[1, 2], [3, 4]]
    assert tl.tensor([1.9, -1.9], dtype=tl.int64).tolist() == [1, -1]
    assert tl.tensor([1, 2], dtype=tl.float64).dtype == tl.float64


def test_tensor_copies_and_the_class_shares():
    array = np.ones(2, np.float32)
    copy, shared, again = tl.tensor(array), tl.Tensor(array), tl.tensor(tl.Tensor(array))
    array[:] = 5
    assert copy.tolist() == again.tolist() == [1, 1]
    assert shared.tolist() == [5, 5]


def test_no_tensor_starts_with_a_gradient_unless_asked():
    assert not tl.tensor([1.0]).requires_grad
    for make in (tl.ones, tl.zeros, tl.rand, tl.randn):
        x = make(2, requires_grad=True)
        assert x.requires_grad
        assert x.is_leaf
        assert x.grad is None
    assert tl.tensor([1.0], requires_grad=True).requires_grad
    assert tl.arange(3.0, requires_grad=True).requires_grad
    assert tl.full((2,), 1.0, requires_grad=True).requires_grad


@pytest.mark.parametrize("make", [tl.zeros, tl.ones, tl.rand, tl.randn])
def test_shapes_as_numbers_or_a_tuple(make):
    assert make(2, 3).shape == make((2, 3)).shape == make([2, 3]).shape == (2, 3)
    assert make(4).shape == (4,)
    assert make().shape == make(()).shape == ()
    assert make(2, 0).shape == (2, 0)
    assert make(1).dtype == tl.float32
    assert make(1, dtype=tl.float64).dtype == tl.float64


def test_constants():
    assert tl.zeros(2).tolist() == [0, 0]
    assert tl.ones(2, dtype=tl.uint8).tolist() == [1, 1]
    assert tl.ones(2, dtype=tl.uint8).dtype == tl.uint8
    assert tl.full((2, 1), 7.5).tolist() == [[7.5], [7.5]]
    assert [tl.full(2, v).dtype for v in (7.0, 7, True)] == [tl.float32, tl.int64, tl.bool]
    like = tl.ones_like(tl.zeros(2, 3, dtype=tl.float64))
    assert (like.shape, like.dtype, like.data.sum()) == ((2, 3), tl.float64, 6)
    like = tl.zeros_like(tl.ones(3, dtype=tl.int32))
    assert (like.shape, like.dtype, like.data.sum()) == ((3,), tl.int32, 0)


@pytest.mark.parametrize(
    ("bounds", "values", "dtype"),
    [
        ((3,), [0, 1, 2], tl.int64),
        ((2, 5), [2, 3, 4], tl.int64),
        ((5, 0, -2), [5, 3, 1], tl.int64),
        ((3.0,), [0, 1, 2], tl.float32),
        ((0, 1, 0.25), [0, 0.25, 0.5, 0.75], tl.float32),
        ((np.int64(3),), [0, 1, 2], tl.int64),
        ((0,), [], tl.int64),
    ],
)
def test_arange(bounds, values, dtype):
    x = tl.arange(*bounds)
    assert x.tolist() == values
    assert x.dtype == dtype


def test_arange_is_computed_before_it_is_rounded():
    assert np.array_equal(tl.arange(0, 1000, 0.1).data, np.arange(0, 1000, 0.1).astype(np.float32))
    assert tl.arange(0, 2, 0.5, dtype=tl.int64).tolist() == [0, 0, 1, 1]
    assert tl.arange(3, dtype=tl.float64).dtype == tl.float64


def test_random_tensors_follow_the_seed_and_the_generator():
    a = tl.rand(5).tolist(), tl.randn(5).tolist()
    assert tl.rand(5).tolist() != a[0]
    tl.manual_seed(0)
    assert (tl.rand(5).tolist(), tl.randn(5).tolist()) == a
    assert tl.rand(5, rng=tl.Generator(0)).tolist() == a[0]
    big = tl.randn(10_000).data
    assert big.min() < -2, "randn is not rand"
    assert 0 <= tl.rand(10_000).data.min() < tl.rand(10_000).data.max() < 1


def test_the_default_dtype():
    tl.set_default_dtype(tl.float64)
    assert tl.get_default_dtype() == tl.float64
    made = tl.tensor(1.5), tl.zeros(1), tl.full((1,), 2.0), tl.rand(1), tl.randn(1), tl.arange(2.0), tl.arange(4) / 2
    assert {x.dtype for x in made} == {tl.float64}
    assert {t.dtype for t in nn.Sequential(nn.Conv2d(1, 1, 1), nn.Linear(1, 1)).parameters()} == {tl.float64}
    assert nn.BatchNorm2d(1).running_var.dtype == tl.float64
    assert tl.tensor(1).dtype == tl.arange(2).dtype == tl.int64
    assert tl.tensor(np.ones(1, np.float32)).dtype == (tl.ones(1, dtype=tl.float32) * 2.5).dtype == tl.float32
    with pytest.raises(TypeError, match="expected float32 or float64, got int64"):
        tl.set_default_dtype(tl.int64)
    assert tl.get_default_dtype() == tl.float64


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (lambda: tl.tensor([1.0, 2.5]), "tensor([1. , 2.5], dtype=float32)"),
        (lambda: tl.arange(3), "tensor([0, 1, 2], dtype=int64)"),
        (lambda: tl.tensor(True), "tensor(True, dtype=bool)"),
        (lambda: tl.ones(1, dtype=tl.float64, requires_grad=True), "tensor([1.], dtype=float64, requires_grad=True)"),
        (lambda: tl.ones(1, requires_grad=True) * 2, "tensor([2.], dtype=float32, grad_fn=<mul>)"),
        (lambda: tl.ones(1, requires_grad=True).detach(), "tensor([1.], dtype=float32)"),
        (lambda: tl.tensor([[1, 2], [3, 4]]), "tensor([[1, 2],\n        [3, 4]], dtype=int64)"),
        (lambda: tl.tensor(1 / 3), "tensor(0.3333, dtype=float32)"),
    ],
)
def test_repr(x, text):
    assert repr(x()) == text


def test_repr_of_many_elements_is_short():
    assert "..." in repr(tl.zeros(1000))
    assert len(repr(tl.zeros(100, 100, 100))) < 2500
