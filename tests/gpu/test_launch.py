"""The launcher refuses what CuPy would hand over as it is, and the driver says why there is no GPU and what to do."""

import importlib
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from tinylucid_kernels.gpu import driver, launch
from tinylucid_kernels.gpu.driver import NoGPU, cupy

from .arrays import EMULATED, F, ramp

D = np.float64
SOURCE = r"""
#include "part.cuh"
#ifndef STEP
#define STEP 0
#endif
// out[i] = twice(x[i]) · factor + the other scalars, each in its type
extern "C" __global__ void __launch_bounds__(64) mix(const real *__restrict__ x, real* out, int n, float f, double d,
                                                     unsigned u, long long l, unsigned long long m, real factor) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = twice(x[i]) * factor + real(f) + real(d) + real(u) + real(l) + real(m % 1000);
}
extern "C" __global__ void choose(const bool *mask, const unsigned char *a, unsigned char *b, const long long *at) {
    if (mask[threadIdx.x]) b[threadIdx.x] = a[at ? at[threadIdx.x] : threadIdx.x] + STEP;
}
"""


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    """A source of our own in place of the kernels'."""
    (tmp_path / "mix.cu").write_text(SOURCE)
    (tmp_path / "part.cuh").write_text("__device__ inline real twice(real x) { return 2 * x; }\n")
    monkeypatch.setattr(launch, "HERE", tmp_path)
    launch.source.cache_clear()
    launch.kernel.cache_clear()
    yield "mix.cu"
    launch.source.cache_clear()
    launch.kernel.cache_clear()


# launching


@pytest.mark.parametrize("dtype", [F, D])
def test_scalars_are_cast_to_the_types_of_c(file, dtype):
    x, out = ramp(70, dtype=dtype), cupy().zeros(70, dtype)
    kernel = launch.kernel(file, "mix", dtype)
    kernel(*launch.cover(70, 64), x, out, 70, 1, 2, 3, -4, 2**63, 0.5)
    assert out.get().tolist() == [i + 1 + 2 + 3 - 4 + 2**63 % 1000 for i in range(70)]
    kernel(*launch.cover(70, 64), x, out, np.int64(70), np.float64(0.25), F(2), np.uint8(3), True, 0, 1)
    assert out.get().tolist() == [2 * i + 6.25 for i in range(70)]


def test_a_kernel_is_compiled_once_for_each_dtype_and_macro(file):
    assert launch.kernel(file, "mix", F) is launch.kernel(file, "mix", F)
    assert launch.kernel(file, "mix", F) is not launch.kernel(file, "mix", D)
    assert launch.kernel(file, "choose", F, STEP=1) is not launch.kernel(file, "choose", F, STEP=2)


@pytest.mark.parametrize("step", [1, 2])
def test_macros_bools_bytes_and_arrays_that_may_be_absent(file, step):
    cp = cupy()
    mask, a, b = cp.asarray([True, False, True]), ramp(3, dtype=np.uint8), cp.zeros(3, np.uint8)
    kernel = launch.kernel(file, "choose", F, STEP=step)
    kernel((1,), (3,), mask, a, b, None)
    assert b.get().tolist() == [step, 0, 2 + step]
    kernel((1,), (3,), mask, a, b, ramp(3, dtype=np.int64)[::-1].copy())
    assert b.get().tolist() == [2 + step, 0, step]


def test_nothing_to_compute_is_nothing_to_launch(file):
    kernel, out = launch.kernel(file, "mix", F), ramp(5)
    kernel(*launch.cover(0), ramp(5), out, 5, 0, 0, 0, 0, 0, 1)
    kernel((3, 0), (1,), ramp(5), out, 5, 0, 0, 0, 0, 0, 1)
    assert out.get().tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(TypeError, match="takes 9 arguments"):  # refused all the same
        kernel(*launch.cover(0), out)
    assert (launch.cover(0), launch.cover(1), launch.cover(256), launch.cover(257)) == (
        ((0,), (256,)), ((1,), (256,)), ((1,), (256,)), ((2,), (256,)),
    )  # fmt: skip
    assert launch.cover(65, 64) == ((2,), (64,))


REFUSED = {
    "count": (lambda: (ramp(4), ramp(4), 4), r"kernel mix: takes 9 arguments \(x, out, n, f, d, u, l, m, factor\), got 3"),
    "the host's": (lambda: scalars(np.ones(4, F), ramp(4)), "kernel mix, x: expected an array on the GPU, got numpy.ndarray"),
    "a number": (lambda: scalars(1.0, ramp(4)), "kernel mix, x: expected an array on the GPU, got builtins.float"),
    "dtype": (lambda: scalars(ramp(4), ramp(2, 2, dtype=D)), r"kernel mix, out: expected float32, got float64 \(2, 2\)"),
    "gaps": (lambda: scalars(ramp(4, 2)[:, 0], ramp(4)), r"x: expected memory without gaps, got \(4,\) with strides \(8,\)"),
    "backwards": (lambda: scalars(ramp(4), ramp(4)[::-1]), r"out: expected memory without gaps, got \(4,\) with strides \(-4,\)"),
    "transposed": (lambda: scalars(ramp(2, 2).T, ramp(4)), "x: expected memory without gaps"),
    "a fraction": (lambda: (ramp(4), ramp(4), 4.5, 0, 0, 0, 0, 0, 1), "cannot be interpreted as an integer"),
    "a whole float": (lambda: (ramp(4), ramp(4), 4.0, 0, 0, 0, 0, 0, 1), "cannot be interpreted as an integer"),
}  # fmt: skip


def scalars(x, out):
    """The arguments of mix."""
    return x, out, 4, 0, 0, 0, 0, 0, 1


@pytest.mark.parametrize("name", REFUSED)
def test_refused(file, name):
    args, message = REFUSED[name]
    with pytest.raises(TypeError, match=message):
        launch.kernel(file, "mix", F)((1,), (32,), *args())


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_a_number_that_does_not_fit_is_refused(file, value):
    with pytest.raises(OverflowError):
        launch.kernel(file, "mix", F)((1,), (32,), ramp(4), ramp(4), value, 0, 0, 0, 0, 0, 1)
    with pytest.raises(OverflowError):
        launch.kernel(file, "mix", F)((1,), (32,), ramp(4), ramp(4), 4, 0, 0, -1, 0, 0, 1)


def test_an_array_on_another_device_is_refused(file, monkeypatch):
    cp = cupy()
    kernel, x, out = launch.kernel(file, "mix", F), ramp(4), ramp(4)
    other = SimpleNamespace(ndarray=cp.ndarray, cuda=SimpleNamespace(Device=lambda: cp.cuda.Device(1)))
    monkeypatch.setattr(launch, "cupy", lambda: other)
    monkeypatch.setattr(launch, "one_device", lambda: False)
    with pytest.raises(TypeError, match=r"x: the array is on <CUDA Device 0>, the kernel would run on <CUDA Device 1>"):
        kernel((1,), (32,), *scalars(x, out))


def test_an_unknown_dtype_or_kernel(file):
    with pytest.raises(TypeError, match="float32 and float64, got float16"):
        launch.kernel(file, "mix", np.float16)
    with pytest.raises((KeyError, AttributeError)):
        launch.kernel(file, "none", F)


# reading sources


def test_signatures():
    found = launch.signature(SOURCE, "mix", np.dtype(D))
    assert [p.name for p in found] == ["x", "out", "n", "f", "d", "u", "l", "m", "factor"]
    assert [p.dtype for p in found] == [D, D, np.int32, F, D, np.uint32, np.int64, np.uint64, D]
    assert [p.is_array for p in found] == [True, True] + [False] * 7
    assert [p.dtype for p in launch.signature(SOURCE, "choose", np.dtype(F))] == [bool, np.uint8, np.uint8, np.int64]
    with pytest.raises(KeyError, match="there is no kernel hoose"):
        launch.signature(SOURCE, "hoose", np.dtype(F))
    with pytest.raises(KeyError, match="short"):
        launch.signature("__global__ void f(short a)", "f", np.dtype(F))


def test_includes_are_pasted_in_and_lines_keep_their_numbers(file, tmp_path):
    (tmp_path / "a.cu").write_text('first\n#include "b.cuh"\nthird\n')
    (tmp_path / "b.cuh").write_text("inside\n")
    expected = ['#line 1 "a.cu"', "first", '#line 1 "b.cuh"', "inside", '#line 3 "a.cu"', "third"]
    assert launch.source("a.cu").splitlines() == expected


# why there is no GPU


def fake(driver_version=13020, runtime_version=13020, devices=1):
    """A module that answers what the driver asks."""

    class CUDARuntimeError(RuntimeError):
        pass

    def count():
        if isinstance(devices, str):
            raise CUDARuntimeError(devices)
        return devices

    runtime = SimpleNamespace(
        driverGetVersion=lambda: driver_version, runtimeGetVersion=lambda: runtime_version, getDeviceCount=count,
        CUDARuntimeError=CUDARuntimeError,
    )  # fmt: skip
    return SimpleNamespace(cuda=SimpleNamespace(runtime=runtime))


@pytest.fixture
def asked(monkeypatch):
    """Ask for CuPy where importing it gives this module, or this error."""

    def ask(found, wanted=None):
        def given(name, package=None):
            assert name == "cupy"
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr(driver, "import_module", given)
        monkeypatch.delenv("TINYLUCID_GPU", raising=False)
        if wanted is not None:
            monkeypatch.setenv("TINYLUCID_GPU", wanted)
        return driver.cupy.__wrapped__()

    return ask


NONE = {
    "CuPy": (ModuleNotFoundError("no cupy"), r"CuPy is not installed\. pip install 'tinylucid\[gpu\]' brings it .*gpu-cuda12"),
    "libraries": (ImportError("libnvrtc.so is missing"), r"CuPy cannot be imported \(libnvrtc.so is missing\)\. pip install"),
    "driver": (fake(driver_version=0), "there is no NVIDIA driver on this machine. Install NVIDIA's driver"),
    "a new driver": (fake(driver_version=12040), "the driver knows CUDA 12.4, this CuPy needs 13.2. Update the driver, or .*gpu-cuda12"),
    "device": (fake(devices=0), r"there is no CUDA device \(the driver finds none\)\. nvidia-smi"),
    "a device that answers": (fake(devices="cudaErrorNoDevice: none"), r"there is no CUDA device \(cudaErrorNoDevice: none\)\. nvidia-smi"),
}  # fmt: skip


@pytest.mark.parametrize("lacking", NONE)
def test_what_is_lacking_is_said(asked, monkeypatch, lacking):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    found, message = NONE[lacking]
    with pytest.raises(NoGPU, match=f"^no GPU: {message}.*; TINYLUCID_GPU=emulated runs the same kernels"):
        asked(found)


def test_hidden_devices_are_named(asked, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(NoGPU, match="CUDA_VISIBLE_DEVICES='' may hide it"):
        asked(fake(devices=0))


def test_a_gpu_that_works(asked):
    for module in (fake(), fake(driver_version=13000), fake(driver_version=14000), fake(12040, 12090)):
        assert asked(module) is module
        assert asked(module, "real") is module
        assert asked(module, "") is module
    with pytest.raises(ValueError, match="TINYLUCID_GPU: expected 'real' or 'emulated', got 'fast'"):
        asked(fake(), "fast")


def test_is_available(monkeypatch):
    def none():
        raise NoGPU("no GPU: because")

    monkeypatch.setattr(driver, "cupy", none)
    assert not driver.is_available()
    assert driver.described() == [("gpu", "because")]


def test_described():
    assert driver.is_available()
    assert driver.array_type() is cupy().ndarray
    said = dict(driver.described())
    if EMULATED:
        assert said == {"gpu": "emulated on the CPU (TINYLUCID_GPU=emulated)"}
    else:
        assert {"gpu", "gpu memory", "cupy", "driver"} == set(said)
    assert driver.version(13020) == "13.2"


@pytest.mark.skipif(not importlib.util.find_spec("cupy"), reason="CuPy is not installed")
def test_the_installed_cupy_without_a_driver(monkeypatch):
    module = importlib.import_module("cupy")
    if module.cuda.is_available():
        pytest.skip("there is a GPU")
    monkeypatch.setenv("TINYLUCID_GPU", "real")
    with pytest.raises(NoGPU, match=r"no NVIDIA driver|no CUDA device|the driver knows"):
        driver.cupy.__wrapped__()


def test_without_a_compiler_the_emulated_gpu_is_none(tmp_path):
    """Not found by ``info``, ``is_available`` and ``auto``; asked for, it is refused in one line."""
    environment = {**os.environ, "TINYLUCID_GPU": "emulated", "PATH": str(tmp_path)}
    ask = [sys.executable, "-m", "tinylucid", "info"]
    said = subprocess.run(ask, env=environment, capture_output=True, text=True, check=True).stdout
    assert re.search(r"^gpu +the emulated GPU compiles kernels with g\+\+, which is not installed", said, re.M)
    for device in ("cuda", "auto"):
        ask = [sys.executable, "-m", "tinylucid", "predict", "net.safetensors", "one.png", "--device", device]
        done = subprocess.run(ask, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert ("g++" in done.stderr) == (device == "cuda")
