"""The CPU's benchmark: it runs through, its arithmetic is right, and bad input is told in a line. No figure is tested."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinylucid as tl

ROOT = Path(__file__).parents[1]
pytest.importorskip("benchmarks", reason="the benchmarks are not in the wheel")

from benchmarks import __main__ as command  # noqa: E402
from benchmarks import nets, plot, races, report, rows, timing, worker  # noqa: E402
from benchmarks.case import Work, floor, numbers  # noqa: E402
from benchmarks.cases import CASES  # noqa: E402
from benchmarks.cases_ops import CONVOLUTIONS, Convolution  # noqa: E402
from benchmarks.rows import Figure, Race, Run  # noqa: E402
from benchmarks.timing import Spread, spread, take_turns  # noqa: E402


def run(*arguments):
    command = [sys.executable, "-m", "benchmarks", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def race(name="case", bound=1.0, **ratios):
    """A race of ours on one thread with PyTorch, whose time is 1 s."""
    values = {key.replace("_", " "): Spread(*value) for key, value in ratios.items()}
    return Race("loss", name, bound, {"tinylucid 1": Spread(1, 1, 1)}, values, {"1": 0.5})


# --- the command -------------------------------------------------------------------------------------------------


def test_a_small_run_prints_and_writes_and_compares_with_itself(tmp_path):
    ran = run("--quick", "cross-entropy 64×10", "overhead", "--out", tmp_path)
    assert ran.returncode == 0, ran.stderr
    names = ["cross-entropy 64×10, forward", "cross-entropy 64×10, backward"]
    stored = rows.read(tmp_path / "cpu.json")
    assert [row.case for row in stored.rows] == [
        *names,
        *(f"overhead of an operation, {d}" for d in ("forward", "backward")),
    ]
    assert stored.quick
    assert "peak, threads: 1" in stored.machine
    for row in stored.rows[:2]:
        assert all(key in row.seconds for key in [f"tinylucid {n}" for n in row.floors])
        assert ("torch 1" in row.ratios) == bool(find_spec("torch"))
        assert set(row.ratios) == {key for key in row.seconds if not key.startswith("tinylucid")}
    page = (tmp_path / "cpu.md").read_text(encoding="utf-8")
    assert page.startswith("# On the CPU")
    assert "PyTorch / ours" in page
    assert all(name in page and name in ran.stdout and name in ran.stderr for name in names)
    again = run("--quick", "overhead", "--compare", tmp_path / "cpu.json")
    assert again.returncode == 0, again.stderr
    assert "2 cases were measured only then, 0 only now" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "content", "said"),
    [
        (("nothing",), None, "no group and no case is called 'nothing'; groups: train, inference"),
        (("--compare", "FILE"), None, "No such file"),
        (("--compare", "FILE"), "{", "is no JSON"),
        (("--compare", "FILE"), "[1]", "holds no benchmark run of this form"),
        (("--compare", "FILE"), '{"version": 0}', "holds no benchmark run of this form"),
        (("--compare", "FILE"), '{"version": 1, "machine": {}}', "is damaged"),
        (
            ("--compare", "FILE"),
            '{"version": 1, "machine": {}, "quick": true, "rows": [{"kind": "Race"}]}',
            "is damaged",
        ),
    ],
)
def test_bad_input_is_told_in_a_line_before_anything_is_measured(
    tmp_path, capsys, monkeypatch, arguments, content, said
):
    file = tmp_path / "cpu.json"
    if content is not None:
        file.write_text(content)
    monkeypatch.setattr(sys, "argv", ["benchmarks", *(str(file) if a == "FILE" else a for a in arguments)])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert said in last
    if "--compare" in arguments:
        assert str(file) in last


def test_words_choose_groups_and_parts_of_names():
    assert command.chosen([]) == [*CASES, *(name for module in command.SINGLE for name in module.NAMES)]
    assert all(CASES[name].group == "loss" for name in command.chosen(["loss"]))
    assert command.chosen(["kl 64", "loss"]) == command.chosen(["loss"])
    with pytest.raises(ValueError, match="'opti'"):
        command.chosen(["opti"])
    assert command.chosen(["growth"]) == ["growth over 9,000 steps of the dense net"]
    assert {CASES[name].group for name in command.chosen(["3×3 depthwise", "optim"])} == {"conv", "optim"}


# --- the arithmetic ----------------------------------------------------------------------------------------------


def test_a_floor_is_the_slower_of_counting_and_moving_one_work_after_the_other():
    assert Work(100, 1).seconds(10, 10) == 10
    assert Work(1, 100).seconds(10, 20) == 5
    assert floor([Work(100, 1), Work(1, 100)], 10, 20) == 15
    assert numbers((2, 3), (5,), ()) == 4 * (6 + 5 + 1)


def products(conv):
    """The products of a convolution, counted by its loops, those with padding too."""
    (n, c, h, _), w, (_, out, side, _) = conv.shapes
    across, count = (c, h) if conv.transposed else (out, side), 0
    for _ in range(n * across[0] * across[1] ** 2):
        for _ in range(w[1] * w[2] * w[3]):
            count += 1
    return count


@pytest.mark.parametrize(
    "conv",
    [
        Convolution(1, 2, 5, 3), Convolution(1, 2, 5, 3, 3, 2), Convolution(2, 4, 4, 6, 3, 2, groups=2),
        Convolution(1, 2, 5, 2, 3, dilation=2), Convolution(1, 4, 4, 4, groups=4),
        Convolution(1, 3, 3, 2, 4, 2, transposed=True), Convolution(1, 2, 3, 2, 2, 2, transposed=True),
    ],
)  # fmt: skip
def test_a_convolutions_shapes_are_the_engines_and_its_flops_those_of_its_loops(conv):
    x, w, y = conv.shapes
    assert conv.call(tl.nn.functional, tl.zeros(*x), tl.zeros(*w)).shape == y
    assert conv.flops == 2 * products(conv)


@pytest.mark.parametrize("net", nets.NETS, ids=lambda net: net.name)
def test_a_nets_description_is_its_module(net):
    model = nets.model(tl, net).eval()
    assert [p.shape for p in model.parameters()] == [w.shape for w in nets.weights(net)]
    assert all(np.array_equal(p.data, w) for p, w in zip(model.parameters(), nets.weights(net)))
    norms = [name for name, module in model.named_modules() if isinstance(module, tl.nn.BatchNorm2d)]
    for name, p in model.named_parameters():
        if name.endswith("bias") or name.rpartition(".")[0] in norms:
            assert (p.data == (not name.endswith("bias"))).all()
    seen = []
    for module in model.modules():
        if not list(module.children()):
            module.register_forward_hook(
                lambda m, inputs, out: seen.append((type(m).__name__, inputs[0].shape, out.shape))
            )
    shape = (2, *net.shape[1:])
    with tl.no_grad():
        model(tl.zeros(*shape))
    seen = [one for one in seen if one[0] not in ("Identity", "Sequential")]
    described = [(before, layer.after(before)) for layer, before in nets.flat(net.layers, shape)]
    blocks = sum(isinstance(layer, nets.Residual) for layer in net.layers)  # each ends with a ReLU of its own
    assert len(described) == len(seen) - blocks
    assert [one for one in described if one not in [pair[1:] for pair in seen]] == []


def test_a_nets_work_by_hand():
    dense = nets.Net("small", (nets.Linear(3, 4), nets.RELU, nets.Linear(4, 2)), (5, 3), 1)
    first, second = numbers((5, 3), (4, 3), (4,), (5, 4)), numbers((5, 4), (2, 4), (2,), (5, 2))
    assert nets.works(dense, (5, 3), training=False) == (Work(120, first), Work(80, second))
    update = Work(0, 7 * 4 * (12 + 4 + 8 + 2))
    assert nets.works(dense, (5, 3), training=True) == (*[Work(120, first)] * 2, *[Work(80, second)] * 3, update)
    assert nets.Conv(2, 4, 3, 2, 2).flops((1, 2, 6, 6)) == 2 * 4 * 9 * 9
    normed = nets.Net("normed", (*nets.normed(nets.Conv(1, 2)), nets.POOL), (1, 1, 4, 4), 1)
    moved = [numbers((1, 1, 4, 4), (2, 1, 3, 3), (2,), (1, 2, 4, 4)), numbers(*[(1, 2, 4, 4)] * 2, (2,), (2,))]
    moved.append(numbers((1, 2, 4, 4), (1, 2, 2, 2)))
    assert [work.bytes for work in nets.works(normed, (1, 1, 4, 4), training=False)] == moved
    assert [work.bytes for work in nets.works(normed, (1, 1, 4, 4), training=True)[:-1]] == [
        m for m in moved for _ in "12"
    ]


def test_every_direction_of_a_convolution_has_the_same_work_and_a_twin_in_jax():
    for conv in CONVOLUTIONS:
        three = [case for case in CASES.values() if case.name.startswith(f"conv {conv.name}, ")]
        assert [case.name.rpartition(", ")[2] for case in three] == ["forward", "∂x", "∂w"]
        assert {case.works for case in three} == {(Work(conv.flops, numbers(*conv.shapes)),)}
        assert [case.jaxed for case in three] == [("convolution", conv, d) for d in ("forward", "∂x", "∂w")]
    shapes = [case.make(tl)().shape for case in CASES.values() if CONVOLUTIONS[0].name in case.name]
    x, w, y = CONVOLUTIONS[0].shapes
    assert shapes == [y, x, w]


@pytest.mark.parametrize(
    "name", ["max pool 2×2 64×16×28×28", "batch norm 64×16×28×28", "mse 64×1000", "linear 32×64 → 32"]
)
def test_a_cases_backward_is_the_gradient_of_its_forward(name):
    y = CASES[f"{name}, forward"].make(tl)()
    found = CASES[f"{name}, backward"].make(tl)()
    assert y.requires_grad
    assert found.ndim == 2 + 2 * ("×28" in name)
    assert np.isfinite(found.data).all()


# --- taking turns ------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_quartiles_by_sorting(values):
    got, ordered = spread(values), sorted(values)
    for share, value in zip((0.25, 0.5, 0.75), got):
        k = share * (len(ordered) - 1)
        low, high = ordered[int(k)], ordered[min(int(k) + 1, len(ordered) - 1)]
        assert value == pytest.approx(low + (k - int(k)) * (high - low), abs=1e-6)
    assert f"{Spread(1, 2, 3):.1f}" == "2.0 (1.0 … 3.0)"


def test_blocks_take_turns_and_each_begins_a_round():
    order, clock = [], iter(range(1000))
    blocks = {name: lambda name=name: order.append(name) or float(next(clock)) for name in "abc"}
    seconds = take_turns(blocks, rounds=4, warm=1)
    assert "".join(order) == "abcbcacababcbca"
    assert seconds["a"].tolist() == [5, 7, 9, 14]


def test_after_the_limit_no_further_round_begins_but_the_least():
    calls = []
    blocks = {"a": lambda: float(len(calls.append(0) or calls))}
    assert take_turns(blocks, 50, limit=-1, warm=2, least=4)["a"].tolist() == [3, 4, 5, 6]
    assert len(take_turns(blocks, 5, limit=-1, warm=0, least=9)["a"]) == 5


def test_a_block_is_repeated_until_it_is_long_enough(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(timing, "perf_counter", lambda: now[0])

    def call():
        now[0] += 0.001

    assert worker.planned(call, 0.05, 0.002) == {"times": 50, "warm": 2}
    assert worker.planned(call, 0.0001, 0.002)["times"] == 1


def test_a_worker_builds_runs_and_survives_what_fails():
    one = worker.Worker("tinylucid", 1)
    try:
        size = one.ask(case="cross-entropy 64×10, forward")["size"]
        assert one.ask(block=0.001)["times"] > 1
        assert one.block() > 0
        with pytest.raises(worker.Failure, match="KeyError: 'no such case'"):
            one.ask(case="no such case")
        assert one.ask(case="kl 64×100, forward")["size"] != size
        one.process.kill()
        one.process.wait()
        with pytest.raises(worker.Failure, match="the process has ended"):
            one.block()
    finally:
        one.close()


def test_a_block_is_over_when_the_threads_sleep(monkeypatch):
    """PyTorch's spin for milliseconds, on the core that the next one's second thread needs."""
    spinning = iter([5e-3, 9e-3, 12e-3, 12.1e-3, 12.1e-3, 99.0])
    slept = []
    monkeypatch.setattr(worker, "process_time", lambda: next(spinning))
    monkeypatch.setattr(worker, "sleep", slept.append)
    worker.settle()
    assert len(slept) == 2, "4 ms of a core in the first pause, 0.1 in the second"


def test_ratios_are_of_the_same_round_and_another_work_is_no_race(monkeypatch):
    class Fake:
        """A worker whose every block takes longer: round after round the machine slows down."""

        def __init__(self, library, threads):
            self.size, self.factor, self.round = 1.0, 3.0 if library == "torch" else 2.0 / threads, 0
            self.process = SimpleNamespace(poll=lambda: None)

        def ask(self, **order):
            return {"size": self.size}

        def block(self):
            self.round += 1
            return self.factor * self.round

        def close(self):
            pass

    monkeypatch.setattr(races, "Worker", Fake)
    case = CASES["train LeNet-size 64×1×28×28"]
    with races.Field(["tinylucid", "torch"], [2, 1]) as field:
        found, gain = field.race(case, races.Pace(0.01, 8, 100.0), {"2": (1e9, 1e9), "1": (1e8, 1e9)})
        assert found.ratios == {"torch 2": Spread(3, 3, 3), "torch 1": Spread(1.5, 1.5, 1.5)}
        assert found.seconds["tinylucid 2"] == Spread(2.75, 4.5, 6.25)
        assert found.floors["1"] > 5 * found.floors["2"]
        assert (gain.value, gain.bound, gain.ok()) == (Spread(2, 2, 2), ("≥", 1.75), True)
        field.workers["torch", 1].size = 1.1
        (failed,) = field.race(case, races.Pace(0.01, 8, 100.0), {"1": (1e9, 1e9)})
        assert failed.note == "failed: torch's result is of size 1.1, ours of 1: that is not the same work"
        assert failed.ok() is None


# --- what comes out ----------------------------------------------------------------------------------------------


def test_a_bound_is_met_by_the_median_on_the_most_threads():
    both = {"torch_1": (0.5, 0.9, 2.0), "torch_2": (0.5, 1.0, 2.0)}
    assert race(**both).ok() is True
    assert race(**both).ok("1") is False
    assert race(bound=None, **both).ok() is None
    assert race().ok() is None
    for sign, value, ok in (("≤", 2.0, True), ("≤", 2.1, False), ("≥", 2.0, True), ("≥", 1.9, False)):
        assert Figure("start", "f", Spread(0, value, 9), "s", (sign, 2.0)).ok() is ok
    assert Figure("start", "f", Spread(0, 1, 2)).ok() is None


def test_a_run_is_stored_and_read_as_it_was(tmp_path):
    some = [race(torch_2=(1, 2, 3), jax_1=(4, 5, 6)), Figure("start", "cold", Spread(1, 2, 3), "s", ("≤", 8.0), "n")]
    run = Run({"CPU": "one"}, True, [*some, Figure("memory", "m", Spread(1, 1, 1))])
    rows.store(tmp_path / "cpu.json", run)
    assert rows.read(tmp_path / "cpu.json") == run
    assert json.loads((tmp_path / "cpu.json").read_text(encoding="utf-8"))["version"] == rows.VERSION


def test_what_changed_is_what_lies_beyond_both_spreads_and_noise():
    def better(then, now, make):
        (change, *_) = rows.changes([make(then)], [make(now)])
        return change.better

    ratio = lambda value: race(torch_2=value)
    seconds = lambda value: Figure("start", "f", Spread(*value), "s", ("≤", 1.0))
    for make, sign in ((ratio, True), (seconds, False)):
        assert better((1, 2, 3), (4, 5, 6), make) is sign
        assert better((4, 5, 6), (1, 2, 3), make) is not sign
        assert better((1, 2, 3), (2.9, 4, 5), make) is None
        assert better((4, 5, 6), (1, 2, 4.1), make) is None
        assert better((1, 1, 1), (1.04, 1.04, 1.04), make) is None
        assert better((1, 1, 1), (1.06, 1.06, 1.06), make) is sign
    times = [c for c in rows.changes([race()], [race()]) if c.what == "tinylucid 1"]
    assert [c.more for c in times] == [False]
    assert list(rows.changes([race("a", torch_2=(1, 1, 1))], [race("b", torch_2=(1, 1, 1))])) == []


def test_a_comparison_says_which_way_and_how_much_of_it():
    then = Run(
        {"date": "today", "CPU": "one"},
        True,
        [race("a", torch_1=(1, 1, 1)), race("b", torch_1=(3, 3, 3)), race("gone")],
    )
    now = Run({}, False, [race("a", torch_1=(2, 2, 2)), race("b", torch_1=(2, 2, 2)), race("c"), race("d")])
    text = report.compared(then, now)
    assert text.startswith("Then: today, one (quick). Of 2 ratios and single figures 1 are better (▲) and 1 worse (▼)")
    assert "1 cases were measured only then, 2 only now" in text
    assert [line.split(" | ")[1].strip() for line in text.splitlines() if line.startswith(("| a", "| b"))] == [
        "1 → 2 ▲",
        "3 → 2 ▼",
    ]
    assert "PyTorch / ours, 1 thread" in text
    assert report.compared(then, Run({}, False, [race("x")])) == "The two runs have no case in common."


def test_the_tables_put_ratios_first_and_mark_what_is_lost():
    lost = race("lost", bound=3.0, torch_1=(0.5, 0.75, 1))
    text = report.tables(
        [lost, race("won", torch_1=(1, 2, 3)), Figure("loss", "cold", Spread(9, 9, 9), "s", ("≤", 8.0), "why")]
    )
    lines = text.splitlines()
    assert lines[0] == "## Losses"
    cells = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in lines if "|" in line
    }
    assert cells["case"][:2] == ["measured", "bound"]  # of the second table
    assert cells["lost"][:2] == ["**0.75 (0.50 … 1.00)**", "≥ 3 NO"]
    assert cells["lost"][-3:] == ["1.00 s", "500 ms", "2.0"]
    assert cells["won"][:2] == ["2.00 (1.00 … 3.00)", "≥ 1 yes"]
    assert cells["cold"] == ["**9.000 s**", "≤ 8 s NO", "why"]
    assert report.verdict([lost, race(torch_1=(1, 2, 3)), race(bound=None)]) == "1 of 2 bounds are met."


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (12.34, "12.3 s"),
        (1, "1.00 s"),
        (0.9996, "1.00 s"),
        (0.1234, "123 ms"),
        (2e-3, "2.00 ms"),
        (4.2e-7, "0.42 µs"),
        (0.5e-3, "500 µs"),
    ],
)
def test_times_have_three_digits_in_their_unit(seconds, said):
    assert report.duration(seconds) == said


def test_the_plot_has_a_bar_a_race_and_threads_and_shares_its_columns(tmp_path):
    some = [race(f"r{k}", bound=1.0 + k, torch_1=(1, 2, 3), torch_2=(0.1, 0.2, 0.3))._replace(group=g)
            for k, g in enumerate(["train", "conv", "loss", "optim"])]  # fmt: skip
    assert [[title for title, _ in column] for column in plot.columns(some)] == [
        ["Training steps"],
        ["Convolutions", "Losses"],
        ["Optimiser steps"],
    ]
    plot.draw(some, tmp_path / "cpu.png")
    assert (tmp_path / "cpu.png").stat().st_size > 5000
    plot.draw([race(), Figure("start", "f", Spread(1, 1, 1))], tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()
