"""``python -m benchmarks.gpu`` runs through; on the emulated GPU it shows no figure and writes none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not (ROOT / "benchmarks").exists(), reason="the benchmarks are not in the wheel")


def test_the_benchmark_runs_and_an_emulated_gpu_has_no_figures(tmp_path):
    environment = {**os.environ, "TINYLUCID_GPU": "emulated"}
    command = [sys.executable, "-m", "benchmarks.gpu", "--out", str(tmp_path)]
    ran = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    table = [line for line in ran.stdout.splitlines() if line.startswith("| ")]
    assert {"case", "step, LeNet-size, batch 2", "relu", "Adam"} <= {line.split("|")[1].strip() for line in table}
    assert all("not measured" in line for line in table[1:])
    assert list(tmp_path.iterdir()) == []


def test_where_there_is_no_gpu_it_says_so(tmp_path):
    if os.environ.get("TINYLUCID_GPU") != "emulated":
        pytest.skip("there is a GPU")
    environment = {**os.environ, "TINYLUCID_GPU": "real"}
    command = [sys.executable, "-m", "benchmarks.gpu", "--out", str(tmp_path)]
    ran = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 1
    assert ran.stderr.startswith("not measured: ")
