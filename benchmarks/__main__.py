"""``python -m benchmarks``: measure, print the table, write it to benchmarks/results/core.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import core, report

HERE = Path(__file__).parent


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure tinylucid against its bounds.")
    parser.add_argument("--quick", action="store_true", help="fewer repeats: at most 30 seconds, rougher figures")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "core.md", help="where the table is written")
    options = parser.parse_args()
    results = core.measure(core.QUICK if options.quick else core.FULL)
    print(report.table(results))
    report.write(options.out, results, core.NOTES, options.quick)


if __name__ == "__main__":
    main()
