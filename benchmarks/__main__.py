"""``python -m benchmarks``: measure, print the tables, write them to benchmarks/results/."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import core, nets, report

HERE = Path(__file__).parent


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure tinylucid against its bounds.")
    parser.add_argument("what", nargs="*", choices=["core", "nets", []], help="which (default: all)")
    parser.add_argument("--quick", action="store_true", help="fewer repeats: at most 90 seconds, rougher figures")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="the folder that the tables are written to")
    options = parser.parse_args()
    for name in options.what or ["core", "nets"]:
        if name == "core":
            results, notes = core.measure(core.QUICK if options.quick else core.FULL), core.NOTES
        else:
            results, notes = nets.measure(options.quick), nets.NOTES
        print(report.table(results), flush=True)
        report.write(options.out / f"{name}.md", name.capitalize(), results, notes, options.quick)


if __name__ == "__main__":
    main()
