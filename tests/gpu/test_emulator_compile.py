"""What the emulated GPU says of a source that cannot be compiled, and where it keeps the others."""

import os
import subprocess
import sys

import pytest

from . import nvrtc
from .test_emulator import BAD, CLEAN, MORE, OPTIONS, source

EMULATED = os.environ.get("TINYLUCID_GPU") == "emulated"  # set by conftest.py
pytestmark = pytest.mark.skipif(not EMULATED, reason="of the emulated GPU only")
if EMULATED:
    from tinylucid_kernels.emulator import compile as compiling
    from tinylucid_kernels.emulator.launch import CompileError, build


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("\n\n  x[0] = y;", r"^g\+\+: wrong\.cu:3: ‘y’ was not declared"),
        ("x[0] = min(1ll, 2);", "wrong.cu:1: call of overloaded ‘min"),
        ("x[0] = exp(1);", "wrong.cu:1: call of overloaded ‘exp"),
        ("missing(x);", "wrong.cu:1: undefined reference to `missing"),
        ("__shared__ float big[13000]; big[0] = 1;", "kernel k: 52000 bytes of shared memory, a GPU grants 49152"),
        ("extern __shared__ float s[];", "dynamic shared memory"),
        ('asm("mma.sync.aligned.m16n8k8;");', "wrong.cu:1: no such instruction: `mma.sync"),
    ],
)
def test_what_cannot_be_compiled_is_said_with_its_line(body, said):
    head = '#line 1 "wrong.cu"\n__device__ void missing(float *); extern "C" __global__ void k(float *x) {'
    with pytest.raises(CompileError, match=said):
        build(f"{head}{body} }}")


@pytest.mark.skipif(nvrtc.library() is None, reason="NVIDIA's compiler is not installed")
def test_nvidias_compiler_takes_and_refuses_the_same():
    for text in (source(CLEAN), source(BAD), MORE):
        ptx, log = nvrtc.compiled(text, "small.cu", (*OPTIONS, "-arch=sm_80"))
        assert ptx, log
    for ambiguous in ("min(1ll, 2)", "exp(1)"):
        text = f'extern "C" __global__ void k(float *x) {{ x[0] = {ambiguous}; }}'
        ptx, log = nvrtc.compiled(text, "wrong.cu", (*OPTIONS, "-arch=sm_80"))
        assert not ptx
        assert "more than one instance of overloaded function" in log
        with pytest.raises(CompileError, match="call of overloaded"):
            build(text)


def test_what_is_missing_is_named(monkeypatch):
    compiling.compiler.cache_clear()
    monkeypatch.setattr(compiling.shutil, "which", lambda name: None)
    with pytest.raises(CompileError, match="apt install g"):
        compiling.compiler()
    monkeypatch.setattr(compiling.sys, "platform", "win32")
    with pytest.raises(CompileError, match="needs Linux; on Windows take WSL"):
        compiling.compiler()


TRY = """
import numpy as np
from tinylucid_kernels.emulator.compile import cache
from tinylucid_kernels.emulator.launch import build, launch
x = np.zeros(3, np.float32)
launch(build('extern "C" __global__ void k(float *x) { x[threadIdx.x] = 7; }'), "k", (1,), (3,), [x])
print(x.tolist(), cache())
"""


def attempts(count, home):
    """So many processes at once that compile and launch, with that cache; what they print."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", TRY],
            env={**os.environ, "XDG_CACHE_HOME": str(home)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    return [process.communicate()[0].strip() for process in started]


def test_libraries_are_kept_whole_though_two_processes_write_them(tmp_path):
    folder = tmp_path / "tinylucid" / "emulator"
    assert attempts(2, tmp_path) == [f"[7.0, 7.0, 7.0] {folder}"] * 2
    made = {f: f.stat().st_mtime_ns for f in folder.iterdir()}
    assert sorted(f.name.split("-")[0] for f in made)[1:] == ["runtime"]
    assert len(made) == 2
    attempts(1, tmp_path)
    assert {f: f.stat().st_mtime_ns for f in folder.iterdir()} == made  # read, not made again
    next(f for f in made if not f.name.startswith("runtime")).write_bytes(b"half a file")
    assert attempts(1, tmp_path) == [f"[7.0, 7.0, 7.0] {folder}"]


def test_without_a_place_to_keep_them_libraries_go_with_the_process(tmp_path):
    (tmp_path / "file").touch()
    said = attempts(1, tmp_path / "file")[0]
    assert said.startswith("[7.0, 7.0, 7.0] ")
    assert not os.path.exists(said.split(" ")[-1])
