"""What moves memory loads and stores several numbers by one instruction: read in what NVIDIA's compiler makes of it."""

import re

import pytest
from tinylucid_kernels.gpu import launch

from . import nvrtc
from .test_nvrtc import CUPY

pytestmark = pytest.mark.skipif(nvrtc.library() is None, reason="needs the compiler: pip install nvidia-cuda-nvrtc")
LOADS, STORES = r"ld\.global\.nc\.v{}", r"st\.global\.(wb\.)?v{}"
WIDE = {  # file: kernel: numbers a load, numbers a store (0: none that matters)
    "activation.cu": {"relu": (4, 4), "gate": (4, 4), "scale_kept": (4, 4)},
    "norm.cu": {
        "moment_parts": (4, 0), "normalise": (4, 4), "normalise_fixed": (4, 4), "gradient_parts": (4, 0), "gradient": (4, 4),
        "sum_parts": (4, 0),
    },
    "pool.cu": {"max_pool_pairs": (2, 0), "pool_scatter": (0, 2)},
    "reduce.cu": {"short_row_sums": (4, 0)},
}  # fmt: skip


@pytest.mark.parametrize("file", WIDE)
def test_loads_and_stores_are_wide(file):
    options = [*launch.OPTIONS, *CUPY, "-Dreal=float", "--gpu-architecture=sm_90"]
    ptx, log = nvrtc.compiled(launch.source(file), file, options)
    assert ptx, log
    entries = {text.partition("(")[0]: text for text in ptx.split(".visible .entry ")[1:]}
    for kernel, (load, store) in WIDE[file].items():
        for what, width in ((LOADS, load), (STORES, store)):
            if width:
                assert re.search(what.format(width), entries[kernel]), f"{kernel}: no {what.format(width)}"
