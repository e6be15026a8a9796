"""``tinylucid segment``: which class each pixel is, of pictures that come with the house or of one's own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from .. import models, plot, segment
from ..data import PictureError, coins, texture_mosaic
from ..data.dataset import as_float
from ..data.picture import read_whole
from ..io.atomic import replacing
from ..metrics import percent
from .arguments import add_device, add_json, add_seed, whole
from .given import keep, loaded, writable_folder
from .terminal import complain, heading, print_json, printable, table

HELP = "name each pixel: learn it on mosaics or coins, then try pictures of your own"
DESCRIPTION = """With mosaics or coins: train a net that gives every pixel a class, on pictures that come with scikit-image (no
download), print how good it is beside a simple method, and keep the net and a picture of its answers. With picture files: give
each pixel of them a class by the net in --model, tile by tile, so that they may be of any size; NAME-segmented.png shows them,
NAME-classes.png holds class numbers. A net knows only what it was
trained on: the one of mosaics calls everything one of its ten surfaces."""
EXAMPLES = (
    "tinylucid segment coins",
    "tinylucid segment mosaics --model segnet --out my-net",
    "tinylucid segment holiday.jpg --model my-net/model.safetensors",
)

RECIPES = {"mosaics": segment.learn_mosaics, "coins": segment.learn_coins}
STEPS, NETS = {"mosaics": 625, "coins": 330}, {"mosaics": "fcn8s", "coins": "skip_net"}
SHOWN = 8  # test pictures in the figure


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("what", metavar="WHAT", nargs="+", help="mosaics, coins, or picture files")
    parser.add_argument("--model", metavar="NAME|FILE", help="to train: one of " + ", ".join(sorted(models.SEGMENTERS))
                        + " (for mosaics fcn8s, for coins skip_net); for picture files: the file of a net")  # fmt: skip
    parser.add_argument("--steps", type=whole(1), metavar="N", help="steps of training (mosaics 625, coins 330)")
    parser.add_argument(
        "--out", default="tinylucid-segment", metavar="DIR", help="folder for the results (%(default)s)"
    )
    add_device(parser)
    add_seed(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train or answer; 2 if a picture could not be read."""
    what = arguments.what
    if what[0] in RECIPES and len(what) == 1:
        learn(what[0], arguments)
        return 0
    if what[0] in RECIPES:
        raise ValueError(
            f"{what[0]} goes alone, got {len(what)} things to segment; a picture file of that name is ./{what[0]}"
        )
    if arguments.model is None:
        raise ValueError(
            "picture files are segmented by a net: say which by --model FILE; `tinylucid segment mosaics` makes one"
        )
    return answer(arguments)


# --- pictures that come with the house ------------------------------------------------------------------------------


def learn(what: str, arguments: argparse.Namespace) -> None:
    """Train, judge, draw, keep."""
    name = arguments.model or NETS[what]
    if name not in models.SEGMENTERS:
        raise ValueError(f"--model {name}: to train on {what}, give one of {', '.join(sorted(models.SEGMENTERS))}")
    out = writable_folder(arguments.out)
    train, test = coins() if what == "coins" else texture_mosaic(arguments.seed)
    net = RECIPES[what](train, arguments.steps or STEPS[what], arguments.seed, name)
    models.save(net, out / "model.safetensors", train.classes, train.preprocess)
    answers = segment.masks(net, test.x)
    found = {f"this net, {name}": answers, **simple(what, train, test)}
    scores = {who: segment.score(some, test.y, test.classes) for who, some in found.items()}
    some = slice(SHOWN)
    figure = plot.segmentation(test.shown(some), answers[some], test.classes, test.y[some])
    counts = {who: segment.count(some, test.y) for who, some in found.items()} if what == "coins" else {}
    if arguments.json:
        lines = {who: {**score.to_dict(), **(counts[who]._asdict() if counts else {})} for who, score in scores.items()}
        keep(figure, out / "segmentation.png", said=False)
        print_json({"scores": lines, "model": str(out / "model.safetensors"), "figure": str(out / "segmentation.png")})
        return
    heading("how good it is on pictures that it has not seen")
    head = ("", "pixels right", "near borders", "mean IoU", *(["coins", "false"] if counts else []))
    table(((who, percent(s.accuracy), percent(s.boundary_accuracy), percent(s.mean_iou), *told(counts.get(who)))
           for who, s in scores.items()), head)  # fmt: skip
    heading("each class")
    table(((c, percent(v)) for c, v in scores[f"this net, {name}"].iou.items()), ("class", "IoU"))
    print(f"net: {printable(str(out / 'model.safetensors'))}")
    keep(figure, out / "segmentation.png")


def simple(what: str, train: Any, test: Any) -> dict[str, Any]:
    """The answers of a method that is no net."""
    if what == "coins":
        return {"Otsu's threshold": segment.otsu(train.x, test.x)}
    return {"regression on each pixel's colour": segment.pixel_regression(train, test.x)}


def told(count: Any) -> tuple[str, ...]:
    """How many things were found, and how many were none, in words."""
    return () if count is None else (f"{count.found} of {count.things}", str(count.false))


# --- pictures of one's own --------------------------------------------------------------------------------------------


def answer(arguments: argparse.Namespace) -> int:
    """The classes of each picture's pixels: as a figure, as a grey picture of class numbers, and as shares of the picture."""
    from PIL import Image

    saved = segmenter(arguments.model)
    how, names = saved.preprocess, saved.classes
    out, results, wrong = writable_folder(arguments.out), [], 0
    for k, path in enumerate(arguments.what):
        try:
            picture = read_whole(path, how.color)[None]
        except PictureError as error:
            wrong = complain(str(error))
            results.append({"image": path, "error": str(error)})
            continue
        mask = segment.tiled(saved.model, how.normalized(picture)).argmax(1)
        shares = {name: float((mask == k).mean()) for k, name in enumerate(names)}
        taken = [Path(other).stem for other in arguments.what[:k]].count(Path(path).stem)
        figure = out / f"{Path(path).stem}-segmented{f'-{taken + 1}' if taken else ''}.png"
        if not arguments.json:
            found = sorted(((v, name) for name, v in shares.items() if v), reverse=True)
            table([(path, "  ".join(f"{name} {percent(v)}" for v, name in found))])
        keep(plot.segmentation(as_float(picture), mask, names), figure, said=not arguments.json)
        numbers = figure.with_name(figure.name.replace("-segmented", "-classes"))
        with replacing(numbers) as file:
            Image.fromarray(mask[0].astype(np.uint8)).save(file, format="PNG")
        results.append({"image": path, "classes": shares, "figure": str(figure), "mask": str(numbers)})
    if arguments.json:
        print_json(results)
    return wrong


def segmenter(path: str) -> Any:
    """The net of a file that names pixels, its classes and preprocess; ValueError for one that cannot segment pictures."""
    saved, shape = loaded(path)
    if shape[2:] != (saved.preprocess.size,) * 2 or len(saved.classes) != shape[1]:
        raise ValueError(
            f"{path}: its answer to a picture has shape {shape[1:]}, which is not one number for each of its "
            f"{len(saved.classes)} classes at every pixel; `tinylucid segment mosaics` makes a net that gives these"
        )
    return saved
