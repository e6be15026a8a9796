"""What the kernels and the engine rely on in CuPy: host and GPU apart, and what results are. For CuPy and its stand-in alike."""

import copy
import operator
import pickle
import warnings

import numpy as np
import pytest
from tinylucid_kernels.gpu.driver import special

from .arrays import EMULATED, F, ramp, same, strict

# between host and GPU


@pytest.mark.parametrize("convert", [np.asarray, np.array, lambda x: np.asarray(x, F), lambda x: np.array([x, x])])
def test_nothing_is_converted_silently(convert):
    with warnings.catch_warnings(), pytest.raises(TypeError, match="Implicit conversion"):
        warnings.simplefilter("ignore", DeprecationWarning)  # real CuPy's __array__ has no copy=
        convert(ramp(3))


def test_an_array_of_the_host_is_not_filled_from_the_gpu():
    with pytest.raises(TypeError, match="Implicit conversion"):
        np.zeros(3, F)[:] = ramp(3)


MIXED = {
    "x + h": lambda cp, x, h: x + h, "h + x": lambda cp, x, h: h + x, "h - x": lambda cp, x, h: h - x,
    "x + 0-d h": lambda cp, x, h: x + np.array(2.0), "x > h": lambda cp, x, h: x > h, "x == h": lambda cp, x, h: x == h,
    "x @ h": lambda cp, x, h: x @ h, "h @ x": lambda cp, x, h: h @ x, "np.add": lambda cp, x, h: np.add(x, h),
    "cp.add": lambda cp, x, h: cp.add(x, h), "cp.exp": lambda cp, x, h: cp.exp(h), "maximum": lambda cp, x, h: cp.maximum(h, x),
    "where": lambda cp, x, h: np.where(x > 1, h, x), "concatenate": lambda cp, x, h: np.concatenate([x, h]),
    "stack": lambda cp, x, h: cp.stack([x, h]), "broadcast_to": lambda cp, x, h: cp.broadcast_to(h, (2, 3)),
    "ascontiguousarray": lambda cp, x, h: cp.ascontiguousarray(h), "dot": lambda cp, x, h: x.dot(h),
    "x += h": lambda cp, x, h: operator.iadd(x, h), "out=h": lambda cp, x, h: np.add(x, x, out=h),
    "x + list": lambda cp, x, h: operator.add(x, [1, 2, 3]), "x + None": lambda cp, x, h: x + None,
    "x + str": lambda cp, x, h: x + "a",
    "x == None": lambda cp, x, h: x == None, "array of both": lambda cp, x, h: cp.array([x[0], 1.0]),  # noqa: E711
    "erf": lambda cp, x, h: special().erf(h), "like": lambda cp, x, h: cp.empty_like(h),
}  # fmt: skip


@pytest.mark.parametrize("name", MIXED)
def test_host_and_gpu_do_not_mix(cp, name):
    if not EMULATED and name in ("like", "x == None"):
        pytest.skip(
            "the stand-in is stricter: CuPy makes an array on the GPU like one on the host, and compares with None"
        )
    with pytest.raises(TypeError):
        MIXED[name](cp, ramp(3), np.ones(3, F))


@pytest.mark.parametrize("value", [np.ones(3, F), [1.0, 2.0, 3.0]], ids=["array", "list"])
def test_elements_are_not_set_from_the_host(cp, value):
    x = ramp(3)
    with pytest.raises(ValueError, match="non-scalar"):
        x[:] = value
    with pytest.raises((ValueError, TypeError)):
        cp.copyto(x, np.ones(3, F))


def test_there_and_back(cp):
    h = np.arange(6, dtype=F).reshape(2, 3)
    x = cp.asarray(h)
    h[0] = 9
    same(x, [[0, 1, 2], [3, 4, 5]], F)
    y = x.get()
    y[0] = 9
    assert type(y) is np.ndarray
    assert x[0, 0].item() == 0
    assert cp.asnumpy(x.T).tolist() == [[0, 3], [1, 4], [2, 5]]
    out = np.empty((2, 3), F)
    assert x.get(out=out) is out
    assert out[1, 2] == 5
    assert cp.asarray(x) is x
    assert cp.ascontiguousarray(x) is x
    assert cp.array(x) is not x
    same(cp.array([x[0], x[1]]), x.get(), F)
    same(cp.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]], np.int64)
    same(np.asarray(h, like=x), h)
    assert cp.get_array_module(h, x) is cp
    assert cp.get_array_module(h) is np


def test_set(cp):
    x = ramp(2, 3)
    x.set(np.ones((2, 3), F))
    same(x, np.ones((2, 3)))
    for wrong, error in ((np.ones((2, 3)), TypeError), (np.ones(3, F), ValueError), ([1.0], TypeError), (x, TypeError)):
        with pytest.raises(error):
            x.set(wrong)
    with pytest.raises(RuntimeError):
        x[:, ::2].set(np.ones((2, 2), F))


def test_python_numbers(cp):
    x = ramp(2, 3)
    assert (float(x[1, 2]), int(x[1, 2]), bool(x[0, 0]), x[:1, :1].item()) == (5.0, 5, False, 0.0)
    assert isinstance(x[1, 2].item(), float)
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert x.tobytes() == x.get().tobytes()
    assert f"{x[1, 2]:.2f}" == "5.00"
    for wrong in (lambda: x.item(), lambda: bool(x), lambda: x[0, 0].item(0), lambda: range(x[0, 0]), lambda: float(x)):
        with pytest.raises((ValueError, TypeError)):
            wrong()


def test_it_prints_as_numpy_does(cp):
    assert repr(ramp(2)) == "array([0., 1.], dtype=float32)"
    assert str(ramp(2)) == "[0. 1.]"


def test_copies(cp):
    x = ramp(3)
    for y in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x)), x.copy(), np.copy(x)):
        y += 1
        same(y, [1, 2, 3], F)
    same(x, [0, 1, 2])


# results


def test_every_result_is_an_array_of_the_expected_dtype(cp):
    x, d = ramp(2, 3), ramp(3, dtype=np.float64)
    kept = [
        x + 1, x * 2.5, 1 - x, 2 / (x + 1), x**2, 2**x, x // 2, x % 2, -x, +x, abs(x), F(2) * x, x * F(2), x * True, x.sum(),
        x.mean(0), x.max(), x.min(1), x[0], x[0, 1], x.T, x.reshape(-1), x.std(), x.var(), np.exp(x), cp.sqrt(x), np.where(x > 0, x, 0),
        np.maximum(x, 0.0), np.clip(x, 0, None), x.clip(0, 1), x + ramp(dtype=F), x @ x.T, np.tanh(x), np.median(x), x.cumsum(0),
        np.linalg.norm(x), cp.full((2,), F(1)), cp.zeros_like(x), special().erf(x), next(iter(x)), x.astype(F), np.sign(x),
    ]  # fmt: skip
    wider = [
        x * np.float64(2), np.float64(2) * x, x + d, x + ramp(dtype=np.float64), x + ramp(3, dtype=np.int64), x * np.int64(1),
    ]  # fmt: skip
    counts = [
        x.argmax(),
        x.argmin(1),
        np.argsort(x),
        (x > 0).sum(),
        np.count_nonzero(x),
        cp.arange(3),
        np.nonzero(x)[0],
    ]
    truths = [
        x > 1, x == x, x != 1, np.isfinite(x), (x > 1) & (x < 3), ~(x > 1), x.any(), np.all(x), np.allclose(x, x),
        np.array_equal(x, x),
    ]  # fmt: skip
    for results, dtype in ((kept, F), (wider, np.float64), (counts, np.int64), (truths, bool)):
        for k, y in enumerate(results):
            assert type(y) is cp.ndarray, (dtype, k)
            assert y.dtype == dtype, k
    assert (np.shape(x), np.ndim(x), np.size(x), len(x)) == ((2, 3), 2, 6, 2)
    assert np.result_type(x, 1.0) == F


def test_division_by_zero_does_not_warn(cp):
    same(np.log(ramp(2)), [-np.inf, 0])
    same(1 / ramp(2), [np.inf, 1])
    x = ramp(2)
    x /= 0
    assert np.isnan(x.get()[0])


def test_numpy_functions_reach_the_gpu(cp):
    x = ramp(2, 3)
    h = x.get()
    index = np.argmax(x, axis=1, keepdims=True)
    for y, z in [
        (np.concatenate([x, x], axis=1), np.concatenate([h, h], axis=1)), (np.stack([x, x]), np.stack([h, h])),
        (np.take_along_axis(x, index, 1), h.max(1, keepdims=True)), (np.pad(x, ((1, 0), (0, 2))), np.pad(h, ((1, 0), (0, 2)))),
        (np.add.reduce(x, 1), h.sum(1)), (np.multiply.reduce(x, 0), h.prod(0)), (np.add.accumulate(x, 1), h.cumsum(1)),
        (np.subtract.outer(x[0], x[1]), np.subtract.outer(h[0], h[1])), (np.fft.rfft2(x), np.fft.rfft2(h)),
        (np.moveaxis(x, 0, 1), h.T), (np.broadcast_to(x, (2, 2, 3)), np.broadcast_to(h, (2, 2, 3))), (np.tile(x, 2), np.tile(h, 2)),
        (np.flip(x, 1), h[:, ::-1]), (np.sort(-x, axis=1), -h[:, ::-1]), (np.zeros(3, F, like=x), [0, 0, 0]),
        (np.repeat(x, 2, 0), h.repeat(2, 0)),
        (np.einsum("ij->j", x), h.sum(0)), (np.sum(x, axis=0, keepdims=True), h.sum(0, keepdims=True)), (np.unique(x % 2), [0, 1]),
    ]:  # fmt: skip
        assert type(y) is cp.ndarray
        np.testing.assert_allclose(y.get(), z, rtol=1e-6, atol=1e-6)
        assert y.shape == np.shape(z)
    quotient, remainder = divmod(x, 2)
    same(quotient * 2 + remainder, h)
    np.add.at(x, cp.asarray([0, 0]), 1)
    assert x[0, 1].item() == 3


ABSENT = {
    "insert": lambda cp, x: np.insert(x, 0, 1), "vecdot": lambda cp, x: np.vecdot(x, x), "spacing": lambda cp, x: np.spacing(x),
    "full(like=)": lambda cp, x: np.full(3, 1.0, like=x), "ones(like=)": lambda cp, x: np.ones(3, like=x),
    "maximum.reduce": lambda cp, x: np.maximum.reduce(x), "maximum.accumulate": lambda cp, x: np.maximum.accumulate(x),
    "add.at(tuple)": lambda cp, x: np.add.at(x, (cp.asarray([0, 0]),), 1),
    "multiply.at": lambda cp, x: np.multiply.at(x, 0, 2), "where=": lambda cp, x: np.add(x, x, where=True),
    "sum(where=)": lambda cp, x: np.sum(x, where=True), "sum(initial=)": lambda cp, x: x.sum(initial=0),
    "order=": lambda cp, x: np.add(x, x, order="C"),
    "max(initial=)": lambda cp, x: np.max(x, initial=0), "argsort(stable=)": lambda cp, x: np.argsort(x, stable=True),
    "unpositional": lambda cp, x: cp.sum(x, 0, None, None, False, 0), "item(0)": lambda cp, x: x.item(0), "round": lambda cp, x: round(x),
    "sum of a list": lambda cp, x: cp.cumsum([1, 2]), "sort a gap": lambda cp, x: cp.stack([x, x]).T.sort(),
}  # fmt: skip


@pytest.mark.parametrize("name", ABSENT)
def test_what_only_numpy_has_is_refused(cp, name):
    with pytest.raises((TypeError, NotImplementedError, AttributeError)):
        ABSENT[name](cp, ramp(3))


def test_names_that_cupy_does_not_have(cp):
    for name in ("insert", "vecdot", "nditer", "errstate", "float_power2", "testing2"):
        assert not hasattr(cp, name), name
    for name in (
        "itemset",
        "newbyteorder",
        "ctypes",
        "__index__",
        "__array_interface__",
        "setflags",
        "__round__",
        "carray",
    ):
        assert not hasattr(ramp(3), name), name
    assert not hasattr(ramp(3).flags, "carray")
    with pytest.raises(AttributeError):
        ramp(3).mine = 1


@strict
def test_the_stand_in_has_no_names_of_its_own(cp):
    from tinylucid_kernels.emulator.standin.names import stored

    known = {"cupy": cp, "cupy.ndarray": cp.ndarray}
    for name, thing in known.items():
        assert {n for n in dir(thing) if not n.startswith("_")} <= set(stored()[name])
