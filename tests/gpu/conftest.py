"""Where the tests of this folder run: on a GPU (TINYLUCID_GPU=real), on the emulated one (=emulated), unset: on what there is."""

import os
import shutil
import sys

import pytest
from tinylucid_kernels.gpu import driver

if not os.environ.get("TINYLUCID_GPU") and not driver.is_available():
    os.environ["TINYLUCID_GPU"] = "emulated"
    driver.cupy.cache_clear()
EMULATED = os.environ.get("TINYLUCID_GPU") == "emulated"


@pytest.fixture(scope="session")
def cp():
    """The module that computes on the GPU."""
    return driver.cupy()


def pytest_collection_modifyitems(items):
    here = os.path.dirname(__file__)
    if EMULATED and not (sys.platform == "linux" and shutil.which("g++")):
        for item in items:
            if str(item.path).startswith(here) and item.path.name != "test_nvrtc.py":  # which only compiles
                item.add_marker(
                    pytest.mark.skip(reason="neither a GPU, nor Linux with g++, which the emulated one needs")
                )


def pytest_report_header():
    return f"gpu: {'emulated' if EMULATED else 'real'}"
