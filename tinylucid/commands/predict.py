"""``tinylucid predict``: what a trained net says of pictures."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..metrics import percent
from ..nn import Module
from ..nn import functional as F
from ..train import predict
from .arguments import add_checkpoint, add_device, add_json, whole
from .given import pictures, trained
from .terminal import complain, print_json, table

HELP = "say what pictures show"
DESCRIPTION = "Print the likeliest classes of each picture, with their probabilities."
EXAMPLES = (
    "tinylucid predict model/best.safetensors holiday.jpg",
    "tinylucid predict model/best.safetensors *.png --json",
)


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_checkpoint(parser, pictures=True)
    parser.add_argument("--top", type=whole(1), default=3, metavar="K", help="how many classes (%(default)s)")
    add_device(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the answers; 2 if a picture could not be read."""
    saved = trained(arguments.checkpoint)
    x, read, wrong = pictures(arguments.images, saved.preprocess)
    answers = {path: likeliest(row, saved.classes, arguments.top) for path, row in zip(read, chances(saved.model, x))}
    if arguments.json:
        print_json(
            [
                {"image": path, "error": wrong[path]}
                if path in wrong
                else {"image": path, "classes": dict(answers[path])}
                for path in arguments.images
            ]
        )
    else:
        table((path, "  ".join(f"{name} {percent(p)}" for name, p in found)) for path, found in answers.items())
    for message in wrong.values():
        complain(message)
    return 2 if wrong else 0


def chances(model: Module, x: Any) -> Any:
    """softmax(logits), (N, K)."""
    return F.softmax(predict(model, x), 1) if len(x) else x


def likeliest(row: Any, classes: Sequence[str], k: int) -> list[tuple[str, float]]:
    """The k likeliest (class, probability), the likeliest first."""
    order = np.argsort(-row, kind="stable")[:k]
    return [(classes[c], float(row[c])) for c in order]
