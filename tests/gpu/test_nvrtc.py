"""Every kernel through NVIDIA's own compiler, as CuPy would call it, for each generation of GPUs that we claim.

It is no GPU, but it tells what is no CUDA, what spills out of the registers, and what does not fit a multiprocessor.

Each file is compiled for real = float and double. One that needs more ``#define``s lists the sets it is compiled with in a
comment line of its own, separated by |:

    // compiled with: -DKH=3 -DKW=3 -DBM=64 | -DKH=3 -DKW=3 -DBM=128 -Dreal=float | -DTF32=1 -Dreal=float sm_80

A set that gives ``real`` is compiled for that only; one that names an architecture is compiled from that one on.
"""

import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from tinylucid_kernels.gpu import launch

from . import nvrtc

pytestmark = pytest.mark.skipif(nvrtc.library() is None, reason="needs the compiler: pip install nvidia-cuda-nvrtc")
FILES = sorted(path.name for path in launch.HERE.glob("*.cu"))
ARCHITECTURES = 75, 80, 90, 100  # Turing, Ampere, Hopper, Blackwell
CUPY = (
    "--device-as-default-execution-space",
    "--ptxas-options=-v",
)  # CuPy gives the first itself; the second tells the usage
SHARED, SPILLED, REGISTERS = 48 << 10, 16, 1 << 16  # bytes a block, bytes a thread, registers a block


def variants(source):
    """The sets of options of a source: (options, lowest architecture)."""
    listed = re.findall(r"^// compiled with: (.*)$", source, re.M)
    for chosen in " | ".join(listed).split("|"):
        defines = [word for word in chosen.split() if word.startswith("-D")]
        lowest = [int(word[3:]) for word in chosen.split() if word.startswith("sm_")]
        known = any(define.startswith("-Dreal=") for define in defines)
        for real in [()] if known else [("-Dreal=float",), ("-Dreal=double",)]:
            yield (*real, *defines), lowest[0] if lowest else 0


def code(source):
    """A source without its comments."""
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", source, flags=re.S)


def faults(file, options, architecture):
    """What is wrong with a file compiled so: a list of sentences."""
    source, where = launch.source(file), f"{file} {' '.join(options)} sm_{architecture}"
    ptx, log = nvrtc.compiled(source, file, [*launch.OPTIONS, *CUPY, *options, f"--gpu-architecture=sm_{architecture}"])
    if not ptx:
        return [f"{where}: {log}"]
    used, wrong = nvrtc.usage(log), []
    kernels = set(re.findall(r"__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)", code(source)))
    if set(used) != kernels or not kernels:
        wrong.append(f"the kernels are {sorted(kernels)}, compiled were {sorted(used)}")
    for name, (registers, spilled, shared) in used.items():
        block = nvrtc.threads(ptx).get(name, 256)
        if shared > SHARED or spilled > SPILLED or -(-registers // 8) * 8 * block > REGISTERS:
            wrong.append(f"{name}: {registers} registers for {block} threads, {spilled} B spilled, {shared} B shared")
    if "-Dreal=double" not in options and "double" not in code(source) and ".f64" in ptx:
        line = next(line.strip() for line in ptx.splitlines() if ".f64" in line)
        wrong.append(f"float32 goes through double: {line} (a literal without real(…)?)")
    return [f"{where}: {w}" for w in wrong]


@pytest.mark.parametrize("file", FILES)
def test_every_kernel_compiles_and_fits(file):
    jobs = [
        (file, options, architecture)
        for options, lowest in variants(launch.source(file))
        for architecture in ARCHITECTURES
        if architecture >= lowest
    ]
    assert jobs
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [fault for faulty in pool.map(lambda job: faults(*job), jobs) for fault in faulty]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("tf32", [0, 1])
def test_tensor_cores_multiply_only_where_asked(tf32):
    """A step of the 64 x 128 tile is 16 instructions for tensor cores, whose operands are rounded, or 512 of the others."""
    options = ["-Dreal=float", f"-DTF32={tf32}", "-DX_ALONG_K=1", "-DY_ALONG_K=0", "-DROWS=64", "-DCOLUMNS=128"]
    ptx, log = nvrtc.compiled(
        launch.source("dense.cu"), "dense.cu", [*launch.OPTIONS, *CUPY, *options, "--gpu-architecture=sm_80"]
    )
    assert ptx, log
    counts = [ptx.count(word) for word in ("mma.sync.aligned.m16n8k8", "cvt.rna.tf32.f32", "fma.rn")]
    assert counts == ([16, 2 * 12, 0] if tf32 else [0, 0, 512])


def test_faults_are_noticed(monkeypatch):
    """The net itself: an unknown name, a spill, too much shared memory, a double among floats, a kernel that is left out."""
    head = 'extern "C" __global__ void k(real *x) {'
    bad = {
        "unknown": head + "x[0] = unheard_of(x[1]); }",
        "spilled": 'extern "C" __global__ void __launch_bounds__(1024, 2) k(real *x) {'
        "real a[64]; for (int i = 0; i < 64; ++i) a[i] = x[i * 7]; __syncthreads();"
        "for (int i = 0; i < 64; ++i) x[i] = a[i] * a[63 - i]; }",
        "shared": head + "__shared__ real s[13000]; s[threadIdx.x] = x[0]; __syncthreads(); x[1] = s[threadIdx.y]; }",
        "through": head + "x[0] = x[1] * 0.1; }",
        "compiled": head + "} \n__global__ void template_like(); ",
    }
    monkeypatch.setattr(launch, "source", lambda file: bad[file])
    for file in bad:
        (fault,) = faults(file, ("-Dreal=float",), 90)
        assert {"unknown": "unheard_of", "through": "double"}.get(file, file) in fault
