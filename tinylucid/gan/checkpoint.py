"""A GAN's run in a file and back: ``last.safetensors`` to go on from, bit for bit, and ``generator.safetensors`` to draw with.

The first holds both nets, the average, both optimisers' states and where the random numbers are; the second is the averaged
generator as ``tl.models.save`` writes it.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from .. import models
from ..io import FileError, load, save
from ..nn import Module
from ..nn.module import PRIVATE
from ..random import default_generator
from ..train.checkpoint import LAST, check_identity, put_together, subject, taken_apart
from .history import GANHistory, GANSums
from .run import GANRun
from .watch import Watch

GENERATOR, FILM, SAMPLES = "generator.safetensors", "samples.gif", "samples"
EARLIER = "generators"  # where that of every epoch stays: a collapse is seen some epochs after it began


def parts(run: GANRun) -> dict[str, Module]:
    """The run's nets by the names that theirs begin with in the file."""
    return {
        "generator/": run.game.generator,
        "discriminator/": run.game.discriminator,
        "average/": run.average.model,
    }


def optimizers(run: GANRun) -> dict[str, Any]:
    """The run's optimisers likewise."""
    return {f"{PRIVATE}g_optimizer/": run.g_optimizer, f"{PRIVATE}d_optimizer/": run.d_optimizer}


def write(run: GANRun, folder: Path) -> None:
    """All that the run needs to go on."""
    arrays: dict[str, Any] = {}
    plain = {}
    for prefix, net in parts(run).items():
        arrays |= {prefix + name: value for name, value in net.state_dict().items()}
    for prefix, optimizer in optimizers(run).items():
        its, plain[prefix] = taken_apart(optimizer, prefix)
        arrays |= its
    training = {
        "gan": run.identity,
        "history": run.history.to_dict(),
        "done": run.done,
        "sums": run.sums.to_dict(),
        "averaged": run.average.steps,
        "watch": run.watch.to_dict(),
        "remarks": run.remarks,
        "rng": run.game.rng.get_state(),
        "dropout": default_generator.get_state(),
        "optimizers": plain,
    }
    save(arrays, folder / LAST, {"training": training})


def write_generator(run: GANRun, folder: Path) -> None:
    """The averaged generator after an epoch, and what it learnt from; those of earlier epochs stay in a folder of their own."""
    epoch = len(run.history)
    (folder / EARLIER).mkdir(exist_ok=True)
    for path in (folder / EARLIER / f"epoch-{epoch:04}.safetensors", folder / GENERATOR):
        models.save(run.average.model, path, **subject(run), metadata={"epoch": epoch})


def restore(run: GANRun, folder: Path) -> None:
    """Bring a run to where the checkpoint in the folder left it; nothing is changed unless everything fits.

    Raises FileError for a file that is none, and ValueError for one of another run.
    """
    path = folder / LAST
    file = load(path)
    training = file.metadata.get("training")
    if not isinstance(training, dict) or "gan" not in training:
        raise ValueError(f"gan.fit: {path} holds no GAN's training to go on with; give the out= of a run of gan.fit")
    try:
        saved, history, sums = dict(training["gan"]), GANHistory(**training["history"]), GANSums(**training["sums"])
        states = {prefix: put_together(file, training["optimizers"][prefix], prefix) for prefix in optimizers(run)}
        counters = tuple(training["rng"]), tuple(training["dropout"])
        watch, remarks = Watch(**training["watch"]), list(training["remarks"])
        done, averaged = int(training["done"]), int(training["averaged"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileError(path, f"its training is not as gan.fit writes it ({type(error).__name__}: {error})") from error
    check_identity("gan.fit", run, saved, path)
    kept = {
        prefix: {k.removeprefix(prefix): v for k, v in file.items() if k.startswith(prefix)} for prefix in parts(run)
    }
    for prefix, net in parts(run).items():
        try:
            copy.deepcopy(net).load_state_dict(kept[prefix])  # whether it fits, before any of them is changed
        except RuntimeError as error:
            raise ValueError(f"gan.fit: {path}, {prefix[:-1]}: is of another net: {error}") from error
    for prefix, net in parts(run).items():
        net.load_state_dict(kept[prefix])
    for prefix, optimizer in optimizers(run).items():
        optimizer.load_state_dict(states[prefix])
    run.game.rng.set_state(counters[0])
    default_generator.set_state(counters[1])
    run.history, run.done, run.sums, run.average.steps = history, done, sums, averaged
    run.watch, run.remarks = watch, remarks
    run.grid.drawn = len(history)
