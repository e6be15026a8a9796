"""Hypothesis profiles: small by default, large with HYPOTHESIS_PROFILE=thorough; the same draws every time in CI."""

import os
import signal

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings

import tinylucid as tl

common = {
    "deadline": None,
    "print_blob": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}
settings.register_profile("default", max_examples=12, derandomize=bool(os.environ.get("CI")), **common)
settings.register_profile("few", max_examples=2, **common)
settings.register_profile("thorough", max_examples=300, **common)
settings.register_profile("find", max_examples=60, phases=[Phase.generate], derandomize=True, **common)  # no shrinking
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
signal.signal(
    signal.SIGINT, signal.default_int_handler
)  # a shell's background job (`pytest &`) begins with Ctrl-C ignored


ONE_FOLDER = (
    "bad_input",
    "benchmark",
    "benchmarks_cpu",
    "benchmark_segment",
    "gan_command",
    "commands",
    "threads",
    "house",
    "teaching",
    "mutants",
    "cpu_kernels",
    "edges_kernels",
    "cpu_alone",
    "examples",
    "plot",
    "plot_heat",
    "plot_layers",
    "plot_samples",
    "show",
    "notebooks",
    "report",
    "demo",
    "textures",
    "creation",
    "errors_teach",
    "visualize_gallery",
    "augment",
    "loader",
    "folder",
    "preprocess",
    "io",
    "models",
    "fcn",
    "summary",
    "published",
    "mosaic",
    "shapes",
    "bundled",
    "fit",
    "gan_run",
    "gan_scores",
    "gan_watch",
    "training",
    "asked",
    "diagnose",
    "verdict",
    "exercises",
    "exercise_command",
    "cuda_check",
    "cuda_command",
    "cuda_profile",
    "metrics",
    "segment",
    "segment_command",
    "coins",
    "plot_segmentation",
    "graph",
    "read",
    "visualize_climb",
    "visualize_judge",
    "visualize_known",
    "visualize_objectives",
    "visualize_parametrise",
    "visualize_remembered",
)


def pytest_generate_tests(metafunc):
    """What holds for one folder of kernels holds for the other: tests run with each, or with the one chosen."""
    name = metafunc.module.__name__
    if not name.startswith(("parity", "gpu")) and name.removeprefix("test_") not in ONE_FOLDER:
        chosen = os.environ.get("TINYLUCID_KERNELS")
        metafunc.parametrize("_folder", [chosen] if chosen else ["cpu", "reference"], indirect=True)


@pytest.fixture(autouse=True)
def _folder(request):
    """The kernels in force during the test."""
    if not hasattr(request, "param"):
        yield
        return
    with tl.kernels(request.param):
        yield


@pytest.fixture(autouse=True)
def _fresh_state():
    """Each test starts from seed 0 and float32, and leaves recording, rules and layer as it found them."""
    tl.manual_seed(0)
    yield
    tl.set_default_dtype(tl.float32)
    tl.set_default_device("cpu")
    state = tl.scopes.thread.state
    assert (state.recording, state.anomaly, state.layer, dict(state.rules)) == (True, False, "", {})


@pytest.fixture
def rng():
    """NumPy's generator with a fixed seed, for data that is not the subject of the test."""
    return np.random.default_rng(0)
