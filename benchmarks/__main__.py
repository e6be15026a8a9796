"""``python -m benchmarks``: race all cases, print the tables, write them to benchmarks/results/."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter

from tqdm import tqdm

from . import first, machine, memory, overhead, plot, report, rows, timing
from .cases import CASES
from .races import FULL, QUICK, Field, rivals
from .worker import Failure

RESULTS = Path(__file__).parent / "results"
SINGLE = (first, memory, overhead)  # what is measured without a rival in turns
NOTES = (
    "Ratio: PyTorch's time over ours, above 1 we are faster; bold where it is below its bound. Each library runs on so many "
    "threads in a process of its own; all processes take turns, block by block; a ratio is the median over the rounds.",
    "Same work: float32, the same arrays and weights, and results of the same size are checked in every case. Forward is recorded, as in "
    "training; inference is not.",
    "Floor: multiplications and additions of the direct algorithm over the peak, or bytes that must be read and written over the "
    "bandwidth, whichever is more, layer after layer; both as measured on so many threads when the run began. "
    "Distance: our time over the floor. It can be below 1 where an algorithm needs fewer operations (Winograd) or arrays stay in "
    "the cache.",
    "A training step: zero_grad, forward, cross-entropy, backward, Adam.",
    "First step: a new process, from `import tinylucid` to the end of LeNet's first training step; cold: Numba's cache is "
    "empty, so the kernels are compiled; warm: they are read from it.",
    "Peak memory: what training takes beyond what the process held after a step with two pictures, in MiB, of the whole process.",
    "Overhead: `a + a` of 4×4 float32 tensors that require gradients, and backward through a chain of 300; "
    "np.add on the same arrays is subtracted.",
)


def chosen(words: Sequence[str]) -> list[str]:
    """The cases that the words name, by group or by a part of their name, all without words; ValueError for a word that names none."""
    groups = {name: case.group for name, case in CASES.items()} | {n: m.GROUP for m in SINGLE for n in m.NAMES}
    found: set[str] = set()
    for word in words:
        some = {name for name, group in groups.items() if group == word} or {name for name in groups if word in name}
        if not some:
            known = ", ".join(dict.fromkeys(groups.values()))
            raise ValueError(f"no group and no case is called {word!r}; groups: {known}")
        found |= some
    return [name for name in groups if name in found or not words]


def measure(names: list[str], quick: bool, speeds: machine.Speeds) -> Iterator[rows.Row]:
    """All rows, one after the other; what fails is a row that says so."""
    cases = [CASES[name] for name in names if name in CASES]
    if cases:
        with Field(rivals(quick), [int(n) for n in speeds]) as field:
            for case in cases:
                yield from field.race(case, QUICK if quick else FULL, speeds)
    for module in SINGLE:
        try:
            yield from module.figures(set(names), quick)
        except Failure as failure:
            yield rows.Figure(module.GROUP, module.GROUP, timing.spread([float("nan")]), note=f"failed: {failure}")


def line(row: rows.Row) -> str:
    """What a row says while the others are still measured."""
    if isinstance(row, rows.Figure):
        return f"{row.case}: {row.note if report.failed(row) else f'{row.value.median:.3g} {row.unit}'}"
    ratios = ", ".join(f"{report.named(key)}: {value.median:.2f}" for key, value in row.ratios.items())
    return f"{row.case}: {row.note or ratios or report.duration(next(iter(row.seconds.values())).median)}"


def measured(names: list[str], quick: bool) -> rows.Run:
    """The whole run, with a bar on a terminal and a line a case elsewhere."""
    start, elsewhere = perf_counter(), timing.busy_elsewhere()
    speeds = machine.speeds() if set(names) & set(CASES) else {}
    about, found = machine.described() | machine.told(speeds), []
    with tqdm(total=len(names), unit="case", disable=None, leave=False) as bar:
        for row in measure(names, quick, speeds):
            found.append(row)
            if bar.disable:
                print(line(row), file=sys.stderr, flush=True)
            bar.set_postfix_str(line(row)[:60], refresh=False)
            bar.update(row.case in names)
    share = (timing.busy_elsewhere() - elsewhere) / (perf_counter() - start) / machine.cores()
    about["cores taken by other programs meanwhile"] = (
        f"{max(0.0, share):.0%}" + " (more than 5%: not to be trusted)" * (share > 0.05)
    )
    about["took"] = f"{perf_counter() - start:.0f} s"
    return rows.Run(about, quick, found)


def main() -> int:
    """The command line; 1 where a case failed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Race tinylucid with PyTorch and JAX on the CPU."
    )
    parser.add_argument("what", nargs="*", help="groups, or parts of a case's name (default: all)")
    parser.add_argument(
        "--quick", action="store_true", help="few rounds and no JAX: at most 90 seconds, rougher figures"
    )
    parser.add_argument(
        "--out",
        type=Path,
        help="where cpu.md, cpu.json and cpu.png are written (default: of a whole run, benchmarks/results)",
    )
    parser.add_argument("--compare", type=Path, metavar="FILE", help="an earlier run's cpu.json: show what has changed")
    options = parser.parse_args()
    try:
        names = chosen(options.what)
        before = rows.read(options.compare) if options.compare else None
    except (ValueError, rows.Unreadable) as error:
        parser.error(str(error))
    run = measured(names, options.quick)
    changed = report.compared(before, run) if before else ""
    print(report.tables(run.rows), *([changed] if changed else []), report.verdict(run.rows), sep="\n\n")
    out = options.out or (None if options.what else RESULTS)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        (out / "cpu.md").write_text(report.page(run, NOTES, changed), encoding="utf-8")
        rows.store(out / "cpu.json", run)
        plot.draw(run.rows, out / "cpu.png")
    return int(any(map(report.failed, run.rows)))


if __name__ == "__main__":
    sys.exit(main())
