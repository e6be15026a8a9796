"""``python -m benchmarks.gpu``: the GPU, beside PyTorch where it is installed, in at most eight minutes; a table last.

A section that fails costs its own rows only: the table says why, and the exit code is 1. Where there is no GPU it says so and
writes nothing; ``--predictions`` then prints what is expected of one. With TINYLUCID_GPU=emulated it runs through, on tiny
shapes, to see that it runs: an emulated GPU has no speed, so no figure is shown.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from tinylucid_kernels.gpu import driver

from . import machine, report
from .gpu_cases import SECTIONS, Section
from .gpu_plan import PLANS, RATES
from .gpu_rows import EMULATED, HEAD, rates

NOTES = (
    "Times are medians of blocks between two events on the GPU after one block that does not count; ours and PyTorch's take turns, in "
    "float32 without TF32 in both libraries where nothing else is said. Ratio: PyTorch's time over ours.",
    "Training steps are those of the CPU's benchmark (benchmarks/nets.py). Of a captured step PyTorch's time is its eager one's, or that "
    "of its own CUDA graph of the same step.",
    "The floor: the bytes that must be moved at the rate of a copy of 256 MB, or multiplications and additions at the peak, both "
    "measured in the same run. Predictions were written before, for an H200.",
)
PREDICTED = "Predicted, not measured"


def measure(sections: Sequence[Section]) -> tuple[list[tuple[str, ...]], list[str]]:
    """The cells of all rows, and the sections that failed."""
    found, failed = [], []
    for section in sections:
        end = perf_counter() + section.seconds
        print(f"-- {section.name}", flush=True)
        try:
            for row in section.rows():
                found.append(row.cells())
                print("  ".join(found[-1]), flush=True)
                if perf_counter() > end:
                    found.append(line(section.name, f"the rest is not measured: its {section.seconds:.0f} s are over"))
                    break
        except Exception as error:  # whatever it was, the other sections are still to be measured
            failed.append(section.name)
            found.append(
                line(section.name, f"not measured: {type(error).__name__}: {' '.join(str(error).split())[:200]}")
            )
            print(found[-1][:2], flush=True)
    return found, failed


def line(section: str, text: str) -> tuple[str, ...]:
    """A row that says something about a section."""
    return (f"**{section}**", text, *[""] * (len(HEAD) - 2))


def predictions() -> str:
    """What is expected of an H200, and why it cannot be less."""
    rows = [("case", "floor, ms", "predicted, ms", "of the floor's rate", "to reach")]
    for case, plan in PLANS.items():
        floor = ("", "") if plan.floor is None else (f"{plan.floor:.3f}", f"{plan.floor / plan.predicted:.0%}")
        rows.append((case, floor[0], f"{plan.predicted:.3f}", floor[1], plan.bar.words if plan.bar else ""))
    copies, peak, tensor_cores = (f"{rate / scale:.0f}" for rate, scale in zip(RATES.values(), (1e9, 1e12, 1e12)))
    of = f"{copies} GB/s (measured), {peak} TFLOP/s in float32 and {tensor_cores} in TF32 (predicted)"
    about = f"For an NVIDIA H200, by `python -m benchmarks.gpu --predictions`: **no figure of this table was measured.** Floors at {of}."
    return f"{about}\n\n{report.columns(rows)}"


def with_section(page: str, title: str, text: str) -> str:
    """A page with this section in place of the one of that title, or at its end."""
    head, *parts = page.rstrip().split("\n## ")
    kept = {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts}
    kept[title] = text
    return "\n\n".join([head.rstrip(), *(f"## {name}\n\n{body}" for name, body in kept.items())]) + "\n"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description="Time the GPU kernels and nets.")
    parser.add_argument("sections", nargs="*", help=f"of {', '.join(s.name for s in SECTIONS)} (default: all)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="where gpu.md is written")
    parser.add_argument("--predictions", action="store_true", help="write what is expected, and measure nothing")
    options = parser.parse_args()
    path = options.out / "gpu.md"
    page = path.read_text(encoding="utf-8") if path.exists() else "# GPU\n"
    if options.predictions:
        path.write_text(with_section(page, PREDICTED, predictions()), encoding="utf-8")
        return print(predictions())
    if not driver.is_available():
        raise SystemExit(f"not measured: {dict(driver.described())['gpu']}")
    chosen = [s for s in SECTIONS if not options.sections or s.name in options.sections]
    rows, failed = measure(chosen)
    text = report.columns([HEAD, *rows])
    print("\n" + text)
    if EMULATED:
        print("an emulated GPU has no speed: nothing is written")
    else:
        path.write_text(with_section(page, *measured(text)), encoding="utf-8")
    raise SystemExit(f"failed: {', '.join(failed)}" if failed else 0)


def measured(table: str) -> tuple[str, str]:
    """The title and the text of a section of figures, with what they were measured on."""
    about = {**machine.described(), **dict(driver.described())}
    known = [f"{unit} rate: {rate / 1e9:.0f} G/s" for unit, rate in rates.items()]
    head = "\n".join([*(f"- {name}: {value}" for name, value in about.items()), *(f"- {text}" for text in known)])
    notes = "\n".join(f"- {note}" for note in NOTES)
    return f"Measured on {about['date']}", f"{head}\n\n{table}\n\n{notes}"


if __name__ == "__main__":
    main()
