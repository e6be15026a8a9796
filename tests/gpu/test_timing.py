"""``python -m benchmarks.gpu`` runs through; on the emulated GPU it shows no figure and writes none. Its tables and sections."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tinylucid as tl

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not (ROOT / "benchmarks").exists(), reason="the benchmarks are not in the wheel")


def test_the_benchmark_runs_and_an_emulated_gpu_has_no_figures(tmp_path):
    environment = {**os.environ, "TINYLUCID_GPU": "emulated"}
    command = [sys.executable, "-m", "benchmarks.gpu", "--out", str(tmp_path)]
    ran = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    table = [line for line in ran.stdout.splitlines() if line.startswith("| ")]
    cases = {line.split("|")[1].strip() for line in table}
    assert {"case", "step, LeNet-size, batch 2", "x + x of 8 numbers, recorded", "relu", "Adam"} <= cases
    assert all("not measured" in line for line in table[1:])
    assert list(tmp_path.iterdir()) == []
    lacking = {
        "**captured steps**": not hasattr(tl.cuda, "capture"),
        "**convolutions in TF32**": not hasattr(tl, "set_float32_matmul_precision"),
    }
    assert {case for case in cases if case.startswith("**")} == {name for name, lacks in lacking.items() if lacks}, (
        ran.stdout
    )
    assert ran.returncode == any(lacking.values())


@pytest.fixture
def benchmark(monkeypatch):
    """The benchmark's modules, as if the GPU were a real one."""
    from benchmarks import gpu, gpu_plan, gpu_rows

    monkeypatch.setattr(gpu_rows, "EMULATED", False)
    monkeypatch.setattr(gpu_rows, "rates", {"byte": 4e12, "FLOP": 6e13})
    return gpu, gpu_plan, gpu_rows.Row


def test_a_row_says_whether_its_bar_is_met(benchmark):
    _, plan, Row = benchmark
    large = plan.named("forward", plan.LARGE, 64)
    judged = {
        "met": [
            Row("relu", 1.25, 2.0, 4e9, "byte"), Row("x + x of 8 numbers, recorded", 0.008),
            Row("captured step, LeNet-size, batch 64", 1.0, 3.0), Row(large, 1.0, None, 0.55 * 6e10, "FLOP"),
        ],
        "not met": [
            Row("relu", 1.26, 2.0, 4e9, "byte"), Row("x + x of 8 numbers, recorded", 0.0081),
            Row("captured step, LeNet-size, batch 64", 1.01, 3.0), Row(large, 1.0, None, 0.54 * 6e10, "FLOP"),
        ],
        "—": [Row("captured step, LeNet-size, batch 64", 1.0), Row(large, 1.0, 1.0, 1.0, "unknown")],
        "": [Row("step, LeNet-size, batch 64", 1.0, 3.0), Row("another", 1.0, 3.0, 4e9, "byte")],
    }  # fmt: skip
    for verdict, rows in judged.items():
        assert [row.cells()[-1] for row in rows] == [verdict] * len(rows)
    assert Row("relu", 1.25, 2.0, 4e9, "byte").cells()[1:6] == ("1.250", "2.000", "1.60", "1.000", "80%")
    assert Row("another", 2.0).cells() == ("another", "2.000", "—", "—", "", "", "", "", "")


def test_a_section_that_fails_costs_its_own_rows_only(benchmark, monkeypatch):
    gpu, _, Row = benchmark

    def breaks():
        yield Row("before", 1.0)
        raise OSError("no\nluck")

    def long():
        yield from (Row(str(k), 1.0) for k in range(9))

    monkeypatch.setattr(gpu, "perf_counter", iter(range(0, 900, 2)).__next__)
    sections = [
        gpu.Section("a", 99, breaks),
        gpu.Section("b", 3, long),
        gpu.Section("c", 9, lambda: iter([Row("after", 1.0)])),
    ]
    rows, failed = gpu.measure(sections)
    assert failed == ["a"]
    assert [row[0] for row in rows] == ["before", "**a**", "0", "1", "**b**", "after"]
    assert rows[1][1] == "not measured: OSError: no luck"
    assert "its 3 s are over" in rows[4][1]
    assert {len(row) for row in rows} == {len(gpu.HEAD)}
    assert sum(section.seconds for section in gpu.SECTIONS) <= 450


def test_the_page_keeps_its_other_sections(benchmark):
    gpu = benchmark[0]
    page = gpu.with_section("# GPU\n\nold\n", "New", "1")
    assert page == "# GPU\n\nold\n\n## New\n\n1\n"
    assert gpu.with_section(page, "Other", "2") == page + "\n## Other\n\n2\n"
    assert gpu.with_section(page, "New", "3") == page.replace("1", "3")


def test_the_predictions_on_the_page_are_those_of_the_source(benchmark):
    gpu, plan, _ = benchmark
    page = (ROOT / "benchmarks/results/gpu.md").read_text(encoding="utf-8")
    assert gpu.with_section(page, gpu.PREDICTED, gpu.predictions()) == page
    assert all(p.predicted > (p.floor or 0) > 0 or (p.floor is None and p.predicted > 0) for p in plan.PLANS.values())
    assert plan.flops(plan.LARGE, 64) == 2 * 64 * 64 * 56 * 56 * 64 * 9
    assert len(page.split("no figure of this table was measured")) == 2


def test_where_there_is_no_gpu_it_says_so(tmp_path):
    if os.environ.get("TINYLUCID_GPU") != "emulated":
        pytest.skip("there is a GPU")
    environment = {**os.environ, "TINYLUCID_GPU": "real"}
    command = [sys.executable, "-m", "benchmarks.gpu", "--out", str(tmp_path)]
    ran = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 1
    assert ran.stderr.startswith("not measured: ")
    assert list(tmp_path.iterdir()) == []
