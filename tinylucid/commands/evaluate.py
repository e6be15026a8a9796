"""``tinylucid evaluate``: how often a trained net is right about pictures in folders."""

from __future__ import annotations

import argparse

import numpy as np

from .. import metrics
from ..data import image_folder
from ..metrics import percent
from ..train import evaluate
from .arguments import add_checkpoint, add_device, add_json
from .given import trained
from .terminal import heading, print_json, table

HELP = "measure a trained net on a folder of pictures"
DESCRIPTION = "Print accuracy, precision and recall of each class, and what was taken for what."
EXAMPLES = ("tinylucid evaluate model/best.safetensors photographs/test",)


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_checkpoint(parser)
    parser.add_argument("folder", metavar="FOLDER", help="a folder with one folder a class, named as in training")
    add_device(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print what the net gets right, and what it takes for what."""
    saved = trained(arguments.checkpoint)
    data = image_folder(arguments.folder, preprocess=saved.preprocess, classes=saved.classes).load(progress=True)
    result = evaluate(saved.model, data)
    confusion = metrics.confusion_matrix(result.logits.argmax(1), data.y, len(saved.classes))
    precision, recall = metrics.precision(confusion), metrics.recall(confusion)
    if arguments.json:
        rows = zip(saved.classes, precision.tolist(), recall.tolist())
        print_json(
            {
                "pictures": len(data),
                "loss": result.loss,
                "accuracy": result.accuracy,
                "classes": {name: {"precision": p, "recall": r} for name, p, r in rows},
                "confusion": confusion.tolist(),
            }
        )
        return
    heading(f"{percent(result.accuracy)} of {len(data)} pictures right, loss {result.loss:.3f}")
    lines = zip(saved.classes, map(percent, precision), map(percent, recall), confusion.sum(1))
    table(lines, ("class", "precision", "recall", "pictures"))
    confusions = [
        (int(confusion[i, j]), saved.classes[i], "taken for", saved.classes[j])
        for i, j in zip(*np.nonzero(confusion))
        if i != j
    ]
    if confusions:
        heading("most frequent mistakes")
        table(sorted(confusions, reverse=True)[:5])
