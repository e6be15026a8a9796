"""``tinylucid gan``: a net that learns to draw pictures like the ones it is shown."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from .. import gan, models, plot
from ..gan import recipes
from ..gan.checkpoint import FILM, GENERATOR
from ..io.atomic import replacing
from ..io.gif import PAUSE, write_gif
from ..random import Generator, manual_seed
from ..train.checkpoint import LAST, check_free
from ..train.progress import say
from .arguments import add_device, add_json, add_seed, whole
from .given import keep, writable_folder
from .terminal import heading, print_json, printable

HELP = "train a net that draws: digits, surfaces, or pictures like yours"
DESCRIPTION = """Train a generator against a discriminator on handwritten digits (half a minute), on photographed surfaces (minutes,
and a stated limit: colours and grain, no bricks), or on pictures of your own, laid out as FOLDER/CLASS/picture.jpg, two classes or
more. Samples of the same noise are kept after every epoch, as pictures and as a film; at the end samples are scored beside real
held-out pictures and two Gaussians, and drawn beside the nearest training pictures. Ctrl-C saves and stops; --resume goes on."""
EXAMPLES = (
    "tinylucid gan digits",
    "tinylucid gan textures --epochs 40 --out surfaces",
    "tinylucid gan photographs --size 32 --out my-gan",
    "tinylucid gan photographs --size 32 --out my-gan --resume",
)
SAMPLES, STOPS, STEPS = 1000, 5, 16  # pictures that are scored; points of the walk, and frames between two


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument(
        "data", metavar="DATA", help="digits, textures, or a folder with one folder of pictures a class"
    )
    parser.add_argument("--out", default="tinylucid-gan", metavar="DIR", help="folder for the results (%(default)s)")
    parser.add_argument(
        "--resume", action="store_true", help="go on where the run in --out stopped, by the same options"
    )
    parser.add_argument("--epochs", type=whole(1), metavar="N", help="epochs of some hundred steps (28 or 20)")
    parser.add_argument(
        "--size",
        type=int,
        choices=models.dcgan.SIZES,
        help="pixels a side, of a folder's pictures (32)",
    )
    parser.add_argument("--grey", action="store_true", help="of a folder's pictures, brightness alone")
    add_device(parser)
    add_seed(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Train, score, draw."""
    out = writable_folder(arguments.out)
    check_free("gan.fit", out, arguments.resume, (LAST, GENERATOR))
    manual_seed(arguments.seed)
    recipe = chosen(arguments)
    say("training the judge: a classifier, in whose features samples will be held beside real pictures")
    train, test = recipe.data
    judge = gan.judge_of(train, seed=arguments.seed)
    gan.score(judge, train, test, test.x, test.y)  # pictures that cannot be scored are told before the training
    more = {} if arguments.epochs is None else {"epochs": arguments.epochs}
    trained = recipe.fit(out=out, resume=arguments.resume, seed=arguments.seed, **more)
    classes = len(train.classes)
    y = np.arange(SAMPLES) % classes
    x = gan.sample(trained.generator, SAMPLES, y, rng=Generator(arguments.seed + 1))
    found = gan.compare(judge, train, test, {"this GAN": (x, y)}, seed=arguments.seed)
    paths = drawn(trained.generator, recipe, x, y, out, arguments.seed)
    if arguments.json:
        print_json({**found.to_dict(), "remarks": trained.remarks, "files": [str(path) for path in paths]})
        return
    heading(f"{SAMPLES:,} samples, beside real pictures and the simplest generators")
    print(found)
    for remark in trained.remarks:
        print(printable(remark))
    for path in paths:
        print(printable(str(path)))


def chosen(arguments: argparse.Namespace) -> recipes.Recipe:
    """The recipe for the data that is named; a folder called digits or textures is meant by ./digits."""
    if arguments.data in ("digits", "textures") and (arguments.size or arguments.grey):
        raise ValueError(f"--size and --grey are of a folder's pictures: {arguments.data} come as they are")
    if arguments.data == "digits":
        return recipes.digits(arguments.seed)
    if arguments.data == "textures":
        return recipes.textures(arguments.seed)
    if not Path(arguments.data).is_dir():
        raise ValueError(f"{arguments.data} is neither digits nor textures nor a folder of pictures")
    if Path(arguments.data).resolve() in Path(arguments.out).resolve().parents:
        raise ValueError(
            f"--out {arguments.out} lies in {arguments.data}, where it would be taken for a class; give one outside"
        )
    return recipes.folder(arguments.data, arguments.size or 32, not arguments.grey, arguments.seed)


def drawn(generator: Any, recipe: recipes.Recipe, x: Any, y: Any, out: Path, seed: int) -> list[Path]:
    """Samples by class, samples beside their nearest training pictures, a walk through the noise; all files there are."""
    train, test = recipe.data
    few = min(len(train.classes), 16)
    samples, beside, film = out / "samples.png", out / "nearest.png", out / "walk.gif"
    keep(plot.samples_by_class(x, y, train.classes), samples, said=False)
    keep(plot.nearest_training(x[:24], train.x, test.x), beside, said=False)
    z = Generator(seed + 2).normal((STOPS, generator.latent))
    with replacing(film) as file:
        write_gif(
            file, gan.walk(generator, z, np.arange(few), STEPS), columns=min(few, 5), last=PAUSE
        )  # its end is its beginning
    return [samples, beside, film, out / FILM, out / GENERATOR, out / LAST]
