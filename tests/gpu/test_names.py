"""What the stand-in takes for granted about CuPy, asked of the CuPy that is installed; no GPU is needed.

An array can be made on memory that is not there. CuPy then refuses what it refuses, and where it accepts a call it gets as far
as asking CUDA for the device, which fails: so the tests see what reaches CUDA and what does not.
"""

import importlib.util
import operator
import warnings

import numpy as np
import pytest
from tinylucid_kernels.emulator.standin import names
from tinylucid_kernels.emulator.standin.functions import AT, REDUCE

if not importlib.util.find_spec("cupy"):
    pytest.skip("CuPy is not installed", allow_module_level=True)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns of a CUDA toolkit that it does not find
    import cupy

MODULES = [*names.MODULES, "cupy.ndarray"]
no_gpu = pytest.mark.skipif(cupy.cuda.is_available(), reason="there is a GPU, which would really look into that memory")


def test_the_version_is_the_stored_one():
    assert cupy.__version__ == names.stored()["version"], (
        "python -m tinylucid_kernels.emulator.standin writes names.json anew"
    )


@pytest.mark.parametrize("module", MODULES)
def test_names_and_parameters_are_the_stored_ones(module):
    assert names.installed()[module] == names.stored()[module]


def x(*shape, dtype=np.float32):
    """An array of CuPy's on memory that is not there."""
    memory = cupy.cuda.UnownedMemory(0x1000, 1 << 20, None, 0)
    return cupy.ndarray(shape or (4, 3), dtype, cupy.cuda.MemoryPointer(memory, 0))


h = np.ones((4, 3), np.float32)
REACH_CUDA = {
    "exp": lambda: np.exp(x()), "where": lambda: np.where(x(dtype=bool), x(), 0), "concatenate": lambda: np.concatenate([x(), x()]),
    "take_along_axis": lambda: np.take_along_axis(x(), x(dtype=int), 1), "clip": lambda: np.clip(x(), 0, None),
    "pad": lambda: np.pad(x(), 1), "add.reduce": lambda: np.add.reduce(x(), 1), "add.at": lambda: np.add.at(x(), 0, x()),
    "zeros(like=)": lambda: np.zeros(3, like=x()), "asarray(like=)": lambda: np.asarray(h, like=x()),
    "index": lambda: x()[np.array([0, 1])],
    "a list as index": lambda: x()[[0, 1]], "out=": lambda: np.add(x(), x(), out=x()), "casting=": lambda: np.add(x(), 1, casting="unsafe"),
    "a number": lambda: x() + 1, "a NumPy scalar": lambda: np.float64(2) * x(), "+=": lambda: operator.iadd(x(), 1),
    "0-d": lambda: operator.setitem(x(), 0, np.array(1.0)), "float": lambda: float(x(1)[0]), "repr": lambda: repr(x()),
    "argmax": lambda: np.argmax(x(), 1, keepdims=True), "full_like": lambda: np.full_like(x(), 1), "take": lambda: x().take(np.array([0])),
    "kernel": lambda: cupy.RawKernel("", "k")((1,), (1,), ()), "median": lambda: np.median(x()),
    "outer": lambda: np.subtract.outer(x(), x()),
}  # fmt: skip
REFUSED = {
    "asarray": (TypeError, "Implicit conversion", lambda: np.asarray(x())),
    "to the host": (TypeError, "Implicit conversion", lambda: operator.setitem(h.copy(), 0, x()[0])),
    "array of both": (TypeError, "Implicit conversion", lambda: cupy.array([x()[0, 0], 1.0])),
    "from the host": (ValueError, "non-scalar", lambda: operator.setitem(x(), slice(None), h)),
    "from a list": (ValueError, "non-scalar", lambda: operator.setitem(x(), 0, [1, 2, 3])),
    "copyto": (ValueError, "non-scalar", lambda: np.copyto(x(), h)),
    "full(like=)": (TypeError, "'device'", lambda: np.full(3, 1.0, like=x())),
    "ones(like=)": (TypeError, "'device'", lambda: np.ones(3, like=x())),
    "maximum.reduce": (NotImplementedError, "not supported", lambda: np.maximum.reduce(x())),
    "insert": (TypeError, "no implementation", lambda: np.insert(x(), 0, 1)),
    "ascontiguousarray": (TypeError, "incorrect type", lambda: cupy.ascontiguousarray(h)),
    "stack": (TypeError, "incorrect type", lambda: cupy.stack([x(), h])),
    "dot": (TypeError, "incorrect type", lambda: x().dot(h)),
    "x @ h": (TypeError, "incorrect type", lambda: x() @ h.T),
    "broadcast_to": (TypeError, "incorrect type", lambda: cupy.broadcast_to(h, (2, 4, 3))),
    "item(0)": (TypeError, "positional", lambda: x().item(0)),
    "item": (ValueError, "size 1", lambda: x().item()),
    "where=": (TypeError, "Wrong arguments", lambda: np.add(x(), x(), where=True)),
    "sum(where=)": (TypeError, "'where'", lambda: x().sum(where=True)),
    "np.sum(initial=)": (TypeError, "'initial'", lambda: np.sum(x(), initial=0)),
    "range": (TypeError, "integer", lambda: range(x(1)[0])),
    "round": (TypeError, "__round__", lambda: round(x())),
    "iter": (TypeError, "0-d", lambda: iter(x(1)[0])),
    "len": (TypeError, "unsized", lambda: len(x(1)[0])),
    "index": (IndexError, "out of bounds", lambda: x()[4]),
    "set a list": (TypeError, "numpy.ndarray", lambda: x().set([1.0])),
    "set float64": (TypeError, "float64", lambda: x().set(h.astype(np.float64))),
    "set a shape": (ValueError, "Shape", lambda: x().set(h[0])),
    "sort": (NotImplementedError, "non-contiguous", lambda: x().T[:2].sort()),
    "attribute": (AttributeError, "mine", lambda: setattr(x(), "mine", 1)),
    "options": (TypeError, "tuple", lambda: cupy.RawKernel("", "k", ["-D"])),
    "carray": (AttributeError, "carray", lambda: x().flags.carray),
}  # fmt: skip


@no_gpu
@pytest.mark.parametrize("name", REACH_CUDA)
def test_accepted(name):
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError):
        REACH_CUDA[name]()


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    error, message, call = REFUSED[name]
    with pytest.raises(error, match=message):
        call()


def test_views():
    a = x()
    for view in (
        a[0],
        a[0, 0],
        a.T,
        a[1:][:, 1],
        a.reshape(-1),
        np.broadcast_to(a, (2, 4, 3)),
        a[None],
        a.ravel(),
        a[::-1],
    ):
        assert view.base is a
        assert not view.flags.owndata
    assert a[0, 0].shape == ()
    assert a[::-1].strides == (-12, 4)
    assert a.flags["C_CONTIGUOUS"]
    assert a.astype(np.float32, copy=False) is a
    assert cupy.ascontiguousarray(a) is a
    assert (np.shape(a), np.ndim(a), np.size(a), len(a)) == ((4, 3), 2, 12, 4)
    assert cupy.result_type(a, 1.0) == np.float32
    assert cupy.result_type(a, np.float64(1)) == np.float64
    assert a.device == cupy.cuda.Device(0)
    assert repr(a.device) == "<CUDA Device 0>"
    assert issubclass(cupy.cuda.memory.OutOfMemoryError, MemoryError)


@no_gpu
def test_what_ufuncs_do_besides_being_called():
    calls = {"at": (x(dtype=np.int32), 0, 1), "reduce": (x(),), "accumulate": (x(),)}
    found = {method: set() for method in calls}
    for name, kind in names.stored()["cupy"].items():
        ufunc = getattr(cupy, name)
        for method, args in calls.items() if kind == "ufunc" else ():
            with pytest.raises((NotImplementedError, cupy.cuda.runtime.CUDARuntimeError)) as error:
                getattr(ufunc, method)(*args)
            if error.type is not NotImplementedError:
                found[method].add(name)
    assert found == {"at": AT, "reduce": REDUCE, "accumulate": REDUCE}


def test_special_functions_are_there():
    from cupyx.scipy.special import erf

    assert type(erf) is cupy.ufunc
