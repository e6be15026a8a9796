"""``tinylucid train``: a net of one's own, from a folder of pictures."""

from __future__ import annotations

import argparse
import inspect
import warnings
from pathlib import Path
from typing import Any

from .. import models
from ..data import Augment, DataLoader, Splits, image_splits
from ..findings import Findings
from ..metrics import percent
from ..optim import Adam
from ..optim.lr_scheduler import CosineAnnealingLR
from ..page import report_of
from ..random import manual_seed
from ..train import History, fit, total_steps
from .arguments import add_device, add_json, add_seed, positive, whole
from .given import writable_folder
from .terminal import heading, print_json, table

HELP = "train a net on a folder of pictures"
DESCRIPTION = """Train a net on pictures laid out as FOLDER/CLASS/picture.jpg, keep it, and write a page that shows what it gets
right and wrong and what its answers rest on. A part of the pictures is held back to judge by, or, where there are folders
FOLDER/train and FOLDER/val, those are used as they are. Ctrl-C saves and stops; --resume goes on from there."""
EXAMPLES = (
    "tinylucid train photographs",
    "tinylucid train photographs --out my-net --size 64 --epochs 30 --model resnet",
    "tinylucid train photographs --out my-net --size 64 --epochs 30 --model resnet --resume",
)

CAVEAT = (
    "The net is the one after the epoch that did best on these same pictures, so a little luck is in the figure. Pictures "
    "from elsewhere, taken by another camera or in another light, are another task; tinylucid evaluate measures that."
)


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("folder", metavar="FOLDER", help="a folder with one folder of pictures a class")
    parser.add_argument("--out", default="tinylucid-model", metavar="DIR", help="folder for the net (%(default)s)")
    parser.add_argument(
        "--resume", action="store_true", help="go on where the run in --out stopped, by the same options"
    )
    parser.add_argument(
        "--model",
        choices=sorted(models.CLASSIFIERS),
        default="texture_net",
        metavar="NAME",
        help="one of %(choices)s (%(default)s)",
    )
    parser.add_argument("--size", type=whole(8, 512), default=32, metavar="N", help="pixels a side (%(default)s)")
    parser.add_argument("--grey", action="store_true", help="train on brightness alone")
    parser.add_argument("--epochs", type=whole(1), default=20, metavar="N", help="rounds over the data (%(default)s)")
    parser.add_argument("--batch-size", type=whole(1), default=50, metavar="N", help="pictures a step (%(default)s)")
    parser.add_argument("--lr", type=positive, default=3e-3, metavar="X", help="first learning rate (%(default)s)")
    parser.add_argument("--patience", type=whole(1), metavar="N", help="stop after N epochs without a better one")
    parser.add_argument(
        "--no-augment", action="store_true", help="show each picture as it is, not mirrored and shifted"
    )
    add_device(parser)
    add_seed(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Read, train, judge, keep."""
    if Path(arguments.folder).resolve() in Path(arguments.out).resolve().parents:
        raise ValueError(
            f"--out {arguments.out} lies in {arguments.folder}, where it would be taken for a class; give one outside"
        )
    out = writable_folder(arguments.out)
    manual_seed(arguments.seed)
    data = image_splits(arguments.folder, arguments.size, not arguments.grey, seed=arguments.seed, progress=True)
    found = Findings(f"A net for {Path(arguments.folder).resolve().name}", seed=arguments.seed, caveat=CAVEAT)
    with found.timed("training"):
        history = trained(data, arguments, out)
    found.settings = settings(data, arguments, history)
    found.judge(models.load(out / "best.safetensors").model, data.test, history)
    page = report_of(found).save(out / "report.html")
    if arguments.json:
        print_json({**found.to_dict(), "checkpoint": str(out / "best.safetensors"), "report": str(page)})
        return
    heading(f"{percent(found.accuracy)} of {len(data.test)} held-back pictures right, {found.give_or_take}")
    table(((name, percent(value)) for name, value in found.by_class.items()), ("class", "right"))
    print(f"net: {out / 'best.safetensors'}   report: {page}")


def trained(data: Splits, arguments: argparse.Namespace, out: Path) -> History:
    """Build the net and fit it."""
    sizes = {"classes": len(data.train.classes), "channels": data.train.x.shape[1], "size": arguments.size}
    build = models.CLASSIFIERS[arguments.model]
    takes = inspect.signature(build).parameters  # a net with a dense layer takes the size too
    model = models.build(arguments.model, **{name: value for name, value in sizes.items() if name in takes})
    optimizer = Adam(model.parameters(), lr=arguments.lr)
    loader = DataLoader(
        data.train,
        arguments.batch_size,
        shuffle=True,
        seed=arguments.seed,
        augment=None if arguments.no_augment else Augment(flip=True, pad_crop=shift(arguments.size)),
        drop_last=len(data.train) % arguments.batch_size == 1 < arguments.batch_size,  # batch norm takes no lone value
    )
    warnings.filterwarnings("ignore", "fit: the validation data has nothing", UserWarning)  # image_splits has said so
    return fit(
        model,
        loader,
        data.test,
        epochs=arguments.epochs,
        optimizer=optimizer,
        scheduler=CosineAnnealingLR(optimizer, total_steps(loader, arguments.epochs)),
        patience=arguments.patience,
        out=out,
        resume=arguments.resume,
    )


def shift(size: int) -> int:
    """By how many pixels pictures are moved at most."""
    return max(size // 8, 1)


def settings(data: Splits, arguments: argparse.Namespace, history: History) -> dict[str, Any]:
    """How the net was trained, for the report."""
    altered = f"mirrored, and moved by up to {shift(arguments.size)} pixels, at random"
    return {
        "training pictures": f"{len(data.train):,}, {arguments.size} × {arguments.size} pixels",
        "epochs": f"{len(history)}, of which number {history.best_epoch} is kept",
        "batch size": arguments.batch_size,
        "learning rate": f"{arguments.lr:g}, falling to 0 along half a cosine (Adam)",
        "pictures altered": "no" if arguments.no_augment else altered,
    }
