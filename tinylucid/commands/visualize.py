"""``tinylucid visualize``: the pictures that most excite a trained net."""

from __future__ import annotations

import argparse
from typing import Any

from .. import plot, visualize
from ..creation import zeros
from ..nn import Module
from ..page import exciting
from .arguments import add_checkpoint, add_device, add_seed, whole
from .given import class_number, keep, layer_name, trained, writable_folder

HELP = "render the pictures that most excite classes or channels"
DESCRIPTION = """Render the picture that most excites each class, or each channel of a layer: it begins as noise and is changed, step
by step, into what makes the net answer most strongly."""
EXAMPLES = (
    "tinylucid visualize model/best.safetensors",
    "tinylucid visualize model/best.safetensors --class beach --class forest",
    "tinylucid visualize model/best.safetensors --layer 6 --channels 16",
)


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_checkpoint(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--class", dest="classes", action="append", metavar="NAME", help="a class, again for more (all)")
    what.add_argument("--layer", metavar="NAME", help="the channels of this layer instead")
    parser.add_argument("--channels", type=whole(1), default=16, metavar="N", help="the first N of them (%(default)s)")
    parser.add_argument("--steps", type=whole(1), default=256, metavar="N", help="steps of the climb (%(default)s)")
    parser.add_argument(
        "--out", default="tinylucid-visualize", metavar="DIR", help="folder for the figure (%(default)s)"
    )
    add_device(parser)
    add_seed(parser)


def run(arguments: argparse.Namespace) -> None:
    """Render and draw."""
    saved = trained(arguments.checkpoint)
    shape = (saved.preprocess.channels, saved.preprocess.size, saved.preprocess.size)
    if arguments.layer is None:
        names = arguments.classes or saved.classes
        goals = {name: visualize.logit(class_number(name, saved.classes)) for name in names}
        name = "classes"
    else:
        goals = channels(saved.model, arguments.layer, shape, arguments.channels)
        name = f"layer-{arguments.layer}"
    out = writable_folder(arguments.out)
    drawn = exciting(saved.model, list(goals.values()), shape, saved.preprocess, arguments.seed, arguments.steps)
    keep(plot.picture_grid(drawn, list(goals)), out / f"{name}.png")


def channels(model: Module, layer: str, shape: tuple[int, ...], most: int) -> dict[str, Any]:
    """The objective of each of the first channels of a layer, by number."""
    out = visualize.activations(model, zeros(1, *shape), layer_name(model, layer))
    return {str(k): visualize.channel(layer, k) for k in range(min(most, out.shape[1]))}
