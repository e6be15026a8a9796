"""``tinylucid demo``: the main job from end to end."""

from __future__ import annotations

import argparse

from .. import demo, models
from ..metrics import percent
from ..page import report_of
from .arguments import add_device, add_json, add_seed
from .given import writable_folder
from .terminal import heading, print_json, table

HELP = "train a net on photographs of ten surfaces and explain its decisions in a page"
DESCRIPTION = """Train a small convolutional net on photographs of ten surfaces (no download), print its accuracy beside simple
methods', and write a page, report.html: what the net gets right and wrong, what its answers rest on, what excites it."""
EXAMPLES = ("tinylucid demo --out my-first-net --seed 1", "tinylucid demo --quick")


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--out", default="tinylucid-demo", metavar="DIR", help="folder for the results (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="half the training and half the pictures")
    add_device(parser)
    add_seed(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run it, write the page and print what was found."""
    out = writable_folder(arguments.out)  # before anything takes time
    found = demo.run(arguments.seed, arguments.quick)
    models.save(found.model, out / "model.safetensors", found.test.classes, found.test.preprocess)
    page = report_of(found).save(out / "report.html")
    if arguments.json:
        print_json({**found.to_dict(), "report": str(page)})
        return
    heading(f"accuracy on {len(found.test):,} test patches, {found.give_or_take}")
    table((name, percent(value)) for name, value in {"this net": found.accuracy, **found.baselines}.items())
    heading("each class")
    table((name, percent(value)) for name, value in found.by_class.items())
    print(f"{sum(found.seconds.values()):.0f} seconds, seed {found.seed}; report: {page}")
