"""``tinylucid explain``: what in a picture a trained net's answer rests on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .. import explain, plot
from ..metrics import percent
from .arguments import add_checkpoint, add_device, add_seed
from .given import class_number, keep, layer_name, listed, meant, pictures, trained, writable_folder
from .predict import chances
from .terminal import complain

HELP = "show what in a picture the answer rests on"
DESCRIPTION = """Draw each picture beside maps of what raised and lowered the answer. Each method answers another question; the
guide says which, and tl.explain.evaluate measures how far a map is true."""
EXAMPLES = (
    "tinylucid explain model/best.safetensors holiday.jpg",
    "tinylucid explain model/best.safetensors *.png --class beach --methods grad_cam,lrp --out maps",
    "tinylucid explain model/best.safetensors new.jpg --methods all --background photographs/*/1.jpg",
)

ALL = "all"
FEW = "gradient,smoothgrad,integrated_gradients,grad_cam"
PAGE = 8  # pictures in a figure


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_checkpoint(parser, pictures=True)
    parser.add_argument(
        "--methods",
        type=name_list,
        default=FEW,
        metavar="NAMES",
        help=f"all, or some with commas between them (%(default)s): {', '.join(explain.METHODS)}",
    )
    parser.add_argument(
        "--class", dest="target", metavar="NAME", help="the class to explain, by name or number (the likeliest)"
    )
    parser.add_argument(
        "--layer", metavar="NAME", help="the layer for the class activation maps (the last that has a plane)"
    )
    parser.add_argument(
        "--background",
        nargs="+",
        default=[],
        metavar="IMAGE",
        help="the pictures that expected_gradients compares with",
    )
    parser.add_argument(
        "--out", default="tinylucid-explain", metavar="DIR", help="folder for the figures (%(default)s)"
    )
    add_device(parser)
    add_seed(parser)


def run(arguments: argparse.Namespace) -> int:
    """Draw the maps; 2 if a picture could not be read."""
    saved = trained(arguments.checkpoint)
    target = None if arguments.target is None else class_number(arguments.target, saved.classes)
    background, _, wrong = pictures(arguments.background, saved.preprocess)
    methods = chosen(arguments, saved.model, background if len(background) else None)
    out = writable_folder(arguments.out)
    x, read, unread = pictures(arguments.images, saved.preprocess)
    wrong |= unread
    for page, start in enumerate(range(0, len(x), PAGE), 1):
        some, names = x[start : start + PAGE], read[start : start + PAGE]
        path = out / (f"explained-{page}.png" if len(x) > PAGE else "explained.png")
        keep(drawn(saved, some, names, target, methods, ALL in arguments.methods), path)
    for message in wrong.values():
        complain(message)
    return 2 if wrong else 0


def name_list(text: str) -> list[str]:
    """The type of an argument that holds names with commas between them."""
    return [name.strip() for name in text.split(",")]


def chosen(arguments: argparse.Namespace, model: Any, background: Any) -> dict[str, explain.Method]:
    """The methods asked for, by name, ready to be called with (model, x, target)."""
    there, lenient = list(explain.METHODS), ALL in arguments.methods
    names = there[:] if lenient else arguments.methods
    for name in names:
        if name not in there:
            raise ValueError(f"no method {name!r}{meant(name, there)}; there are: {ALL}, {listed(there)}")
    if arguments.layer is not None and not any(explain.takes(name, "layer") for name in names):
        raise ValueError(f"--layer is for grad_cam and its kin, and the methods chosen are {listed(names)}")
    if arguments.background and "expected_gradients" not in names:
        raise ValueError(f"--background is for expected_gradients, and the methods chosen are {listed(names)}")
    if background is None and lenient:
        names.remove("expected_gradients")
        complain("expected_gradients is left out: it compares with other pictures, given by --background IMAGE…")
    elif background is None and "expected_gradients" in names:
        raise ValueError("expected_gradients compares with other pictures; give some by --background IMAGE…")
    layer = None if arguments.layer is None else layer_name(model, arguments.layer)
    return explain.ready(names, seed=arguments.seed, layer=layer, background=background)


def drawn(saved: Any, x: Any, paths: list[str], target: int | None, methods: dict, lenient: bool) -> Any:
    """The figure of pictures x beside their maps.

    A method that this net has no use for is an error, or where one is ``lenient`` said once and taken out of ``methods``.
    """
    likely = chances(saved.model, x)
    classes = likely.argmax(1) if target is None else [target] * len(x)
    maps, refused = explain.applied(methods, saved.model, x, classes)
    for name, why in refused.items():
        if not lenient:
            raise ValueError(f"{name}: {why}")
        del methods[name]
        complain(f"{name} is left out: {why}")
    said = lambda k, row: f"{saved.classes[k]} {percent(float(row[k]))}"
    titles = [
        f"{Path(path).name}\n{said(k, row)}" + ("" if k == row.argmax() else f"\n(said {said(row.argmax(), row)})")
        for path, k, row in zip(paths, classes, likely)
    ]
    return plot.explanation_grid(saved.preprocess.shown(x), maps, titles)
