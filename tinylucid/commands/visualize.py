"""``tinylucid visualize``: the pictures that most excite a trained net."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .. import plot, visualize
from ..data import image_folder
from ..visualize.data import palette
from ..visualize.gallery import beside, numbers
from ..visualize.many import active_layers
from .arguments import add_checkpoint, add_device, add_seed, whole
from .given import class_number, keep, layer_name, listed, trained, writable_folder
from .terminal import printable

HELP = "render the pictures that most excite classes or channels"
DESCRIPTION = """Render the picture that most excites each class, or each channel of a layer: it begins as noise and is changed, step
by step, into what makes the net answer most strongly. A layer is given by its name, or by its kind and number: conv2 is the second
convolution. With --data, a folder with one folder a class, the pictures that excite a channel most stand beside its rendering, and
of each class is shown, in remembered.png, what the net has kept of its pictures."""
EXAMPLES = (
    "tinylucid visualize model/best.safetensors",
    "tinylucid visualize model/best.safetensors --class beach --class forest --size 64 --gif",
    "tinylucid visualize model/best.safetensors --layer conv2 --channel 3",
    "tinylucid visualize model/best.safetensors --all --data photographs",
)
FIRST = 16  # channels of a layer, unless said otherwise


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_checkpoint(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--class", dest="classes", action="append", metavar="NAME", help="a class, again for more (all)")
    what.add_argument("--layer", metavar="NAME", help="channels of this layer instead: 4, or conv2")
    what.add_argument("--all", action="store_true", help="every channel of each activation layer, a figure a layer")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--channel", type=whole(0), action="append", metavar="K", help="a channel of --layer, again for more"
    )
    which.add_argument(
        "--channels", type=whole(1), metavar="N", help=f"the first N of each layer ({FIRST}; with --all every one)"
    )
    parser.add_argument("--data", metavar="FOLDER", help="a folder with one folder a class")
    parser.add_argument("--size", type=whole(8, 1024), metavar="N", help="pixels a side (as the net was trained)")
    parser.add_argument("--steps", type=whole(1), default=256, metavar="N", help="steps of the climb (%(default)s)")
    parser.add_argument("--gif", action="store_true", help="keep a film of the climb beside each figure")
    parser.add_argument(
        "--out", default="tinylucid-visualize", metavar="DIR", help="folder for the figures (%(default)s)"
    )
    add_device(parser)
    add_seed(parser)


def run(arguments: argparse.Namespace) -> None:
    """Render and draw."""
    channels = arguments.all or arguments.layer is not None
    if arguments.channel and arguments.layer is None:
        raise ValueError("--channel is a channel of a layer: say which by --layer NAME")
    if arguments.channels and not channels:
        raise ValueError("--channels counts those of a layer: say which by --layer NAME, or --all")
    saved = trained(arguments.checkpoint)
    if channels:
        of_layers(saved, arguments)
    else:
        of_classes(saved, arguments)


def of_classes(saved: Any, arguments: argparse.Namespace) -> None:
    """The picture of each class, or of those that are asked for."""
    names = arguments.classes or saved.classes
    numbers = [class_number(name, saved.classes) for name in names]
    goals = [visualize.logit(k) for k in numbers]
    out = writable_folder(arguments.out)
    data, colors = given(arguments, saved)
    known = {} if data is None else {name: k for name, k in zip(names, numbers) if (data.y == k).any()}
    if data is not None and not known:
        raise ValueError(
            f"{arguments.data} has no pictures of {listed(names)}: nothing to remember them by; leave out --data"
        )
    path = out / "classes.png"
    keep(plot.picture_grid(rendered(saved, goals, arguments, path, decay=2, colors=colors), names), path)
    if known:  # which classes have no pictures is said by now
        way = {"size": arguments.size, "steps": 2 * arguments.steps, "seed": arguments.seed}
        keep(
            plot.picture_grid(visualize.remembered(saved.model, data, list(known.values()), **way), list(known)),
            out / "remembered.png",
        )


def of_layers(saved: Any, arguments: argparse.Namespace) -> None:
    """The channels of a layer, or of each, beside the pictures of the folder if one is given; a figure a layer."""
    shape = (saved.preprocess.channels, saved.preprocess.size, saved.preprocess.size)
    if arguments.all:
        layers = {row.name: row.name for row in active_layers(saved.model, shape)}
        if not layers:
            raise ValueError("no layer of this net gives planes; name one by --layer")
    else:
        layers = {arguments.layer: layer_name(saved.model, arguments.layer)}
    first = arguments.channels or (None if arguments.all else FIRST)
    asked = {said: numbers(saved.model, name, shape, arguments.channel or first) for said, name in layers.items()}
    out = writable_folder(arguments.out)
    data, colors = given(arguments, saved)
    for said, some in asked.items():
        name, path = layers[said], out / f"layer-{said}.png"
        drawn = rendered(saved, [visualize.channel(name, k) for k in some], arguments, path, colors=colors)
        if data is None:
            figure = plot.picture_grid(drawn, list(map(str, some)))
        else:
            figure = plot.gallery(beside(saved.model, data, name, some, drawn), channels=len(some))
        keep(figure, path)


def given(arguments: argparse.Namespace, saved: Any) -> tuple[Any, Any]:
    """The pictures of --data, in memory, as the net wants them, and how their colours vary together; None for no folder."""
    if arguments.data is None:
        return None, None
    data = image_folder(arguments.data, preprocess=saved.preprocess, classes=saved.classes).load(progress=True)
    return data, palette(data)


def rendered(saved: Any, goals: list[Any], arguments: argparse.Namespace, path: Path, **look: Any) -> Any:
    """The picture for each of the goals, ``look`` being exciting's decay or colors; with --gif a film beside the figure."""
    how = saved.preprocess
    shape = (how.channels, *[arguments.size or how.size] * 2)
    film = path.with_suffix(".gif") if arguments.gif else None
    way = {"steps": arguments.steps, "seed": arguments.seed, "gif": film}
    drawn = visualize.exciting(saved.model, goals, shape, how, **look, **way)
    if film is not None:
        print(printable(str(film)))
    return drawn
