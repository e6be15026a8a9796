"""``tinylucid explain``: what in a picture a trained net's answer rests on."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from .. import explain, plot
from ..metrics import percent
from ..random import Generator
from .arguments import add_checkpoint, add_seed
from .given import class_number, keep, layer_name, listed, pictures, trained, writable_folder
from .predict import chances
from .terminal import complain

HELP = "show what in a picture the answer rests on"
DESCRIPTION = """Draw each picture beside maps of what raised and lowered the answer: the gradient of its logit, SmoothGrad,
integrated gradients and Grad-CAM. Each map answers another question; the guide says which."""
EXAMPLES = (
    "tinylucid explain model/best.safetensors holiday.jpg",
    "tinylucid explain model/best.safetensors *.png --class beach --method grad_cam --out maps",
)

METHODS = ("gradient", "smoothgrad", "integrated_gradients", "grad_cam")
PAGE = 8  # pictures in a figure


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_checkpoint(parser, pictures=True)
    parser.add_argument(
        "--method",
        action="append",
        choices=METHODS,
        metavar="NAME",
        help="one of %(choices)s (again for more; all if left out)",
    )
    parser.add_argument(
        "--class", dest="target", metavar="NAME", help="the class to explain, by name or number (the likeliest)"
    )
    parser.add_argument("--layer", metavar="NAME", help="the layer for Grad-CAM (the last that has a plane)")
    parser.add_argument(
        "--out", default="tinylucid-explain", metavar="DIR", help="folder for the figures (%(default)s)"
    )
    add_seed(parser)


def run(arguments: argparse.Namespace) -> int:
    """Draw the maps; 2 if a picture could not be read."""
    saved = trained(arguments.checkpoint)
    target = None if arguments.target is None else class_number(arguments.target, saved.classes)
    methods = chosen(arguments, saved.model)
    out = writable_folder(arguments.out)
    x, read, wrong = pictures(arguments.images, saved.preprocess)
    for page, start in enumerate(range(0, len(x), PAGE), 1):
        some, names = x[start : start + PAGE], read[start : start + PAGE]
        path = out / (f"explained-{page}.png" if len(x) > PAGE else "explained.png")
        keep(drawn(saved, some, names, target, methods), path)
    for message in wrong.values():
        complain(message)
    return 2 if wrong else 0


def chosen(arguments: argparse.Namespace, model: Any) -> dict[str, Any]:
    """The methods asked for, by name, ready to be called with (model, x, target)."""
    ready: dict[str, Any] = {name: getattr(explain, name) for name in arguments.method or METHODS}
    if "smoothgrad" in ready:
        ready["smoothgrad"] = partial(explain.smoothgrad, rng=Generator(arguments.seed))
    if arguments.layer is not None:
        if "grad_cam" not in ready:
            raise ValueError(f"--layer is for grad_cam, and the methods chosen are {listed(list(ready))}")
        ready["grad_cam"] = partial(explain.grad_cam, layer=layer_name(model, arguments.layer))
    return ready


def drawn(saved: Any, x: Any, paths: list[str], target: int | None, methods: dict[str, Any]) -> Any:
    """The figure of pictures x beside their maps."""
    likely = chances(saved.model, x)
    classes = likely.argmax(1) if target is None else [target] * len(x)
    maps = {name: method(saved.model, x, classes) for name, method in methods.items()}
    titles = [
        f"{Path(path).name}\n{saved.classes[k]} {percent(float(row[k]))}"
        for path, k, row in zip(paths, classes, likely)
    ]
    return plot.explanation_grid(saved.preprocess.shown(x), maps, titles)
