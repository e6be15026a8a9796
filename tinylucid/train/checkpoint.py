"""A run in a file and back: ``last.safetensors`` to go on from, bit for bit, and ``best.safetensors``, the best net so far.

Both hold the net as ``tl.models.save`` does. The state of the training stands beside it in the first: arrays under names that
start with ``//``, numbers in the metadata under "training".
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import devices, models
from ..io import FileError, State, load, save
from ..models.saved import about
from ..nn.module import PRIVATE
from ..optim import Optimizer
from ..random import default_generator
from .history import History, Sums
from .run import Run

SHOWN = 300  # letters of a setting in a message
LENGTH = (
    ". A schedule is made for the whole run: give the first call the full number of epochs (--epochs); "
    "a new run can start from the weights in best.safetensors"
)
LAST, BEST = "last.safetensors", "best.safetensors"
OPTIMIZER = f"{PRIVATE}optimizer/"  # how the names of its arrays begin


def prepared(who: str, out: Any, resume: bool, names: Sequence[str], write: Callable[[Path], None]) -> Path:
    """The folder, made if need be; ``write`` shows in a trial before the training whether it can be kept there.

    ``names``: files of an earlier run. Raises OSError where nothing can be written, FileExistsError where another run's net
    would be overwritten, and FileError for settings that no file can hold.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    check_free(who, folder, resume, names)
    with tempfile.TemporaryDirectory(prefix=".tinylucid-trial-", dir=folder) as trial:
        write(Path(trial))
    return folder


def check_free(who: str, folder: Path, resume: bool, names: Sequence[str]) -> None:
    """FileExistsError where the folder holds one of these files of an earlier run, and it is not to be gone on with."""
    taken = [name for name in names if (folder / name).exists()]
    if taken and not (resume and LAST in taken):
        advice = "go on with it by resume=True (--resume), or give" if LAST in taken else "give"
        raise FileExistsError(f"{who}: {folder / taken[0]} holds an earlier run; {advice} another out= (--out)")


def write_last(run: Run, folder: Path) -> None:
    """All that the run needs to go on."""
    arrays, _ = taken_apart(run.optimizer, OPTIMIZER)
    save({**run.model.state_dict(), **arrays}, folder / LAST, metadata(run))


def write_best(run: Run, folder: Path) -> None:
    """The net alone, and how good it was."""
    figures = {name: values[-1] for name, values in run.history.to_dict().items() if values}
    models.save(run.model, folder / BEST, **subject(run), metadata={"epoch": len(run.history), **figures})


def subject(run: Any) -> dict[str, Any]:
    """What the net is trained on: the names of its classes, and how pictures are prepared."""
    data = run.loader.dataset
    return {"classes": getattr(data, "classes", ()), "preprocess": getattr(data, "preprocess", None)}


def metadata(run: Run) -> dict[str, Any]:
    """Everything about the run that is no array, as plain values."""
    training = {
        "run": run.identity,
        "batch": run.batch,
        "sums": run.sums.to_dict(),
        "history": run.history.to_dict(),
        "generator": default_generator.get_state(),
        "optimizer": taken_apart(run.optimizer, OPTIMIZER)[1],
        "scheduler": run.scheduler.state_dict() if run.scheduler else None,
    }
    return {**about(run.model, **subject(run)), "training": training}


def restore(run: Run, folder: Path) -> None:
    """Bring a run to where the checkpoint in the folder left it; nothing is changed unless everything fits.

    Raises FileError for a file that is none, and ValueError for one of another run.
    """
    path = folder / LAST
    file = load(path)
    training = file.metadata.get("training")
    if not isinstance(training, dict):
        raise ValueError(f"fit: {path} holds a net but no training to go on with; load it by tl.models.load")
    try:
        saved, generator = dict(training["run"]), tuple(training["generator"])
        state = {
            "history": History(**training["history"]),
            "batch": training["batch"],
            "sums": Sums(**training["sums"]),
        }
        optimizer = put_together(file, training["optimizer"], OPTIMIZER)
        scheduled = training["scheduler"] or {}
        steps = int(scheduled.get("last_epoch", 0))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileError(path, f"its training is not as fit writes it ({type(error).__name__}: {error})") from error
    check_identity("fit", run, saved, path)
    replace(run, **state).check_schedule(steps)
    try:
        run.model.load_state_dict(file)
    except RuntimeError as error:
        raise ValueError(f"fit: {path} is of another model: {error}") from error
    run.optimizer.load_state_dict(optimizer)
    if run.scheduler:
        run.scheduler.load_state_dict(scheduled)
    default_generator.set_state(generator)
    vars(run).update(state)


def check_identity(who: str, run: Any, saved: dict[str, Any], path: Path) -> None:
    """ValueError naming each setting in which the run in the file is another."""
    differ = [
        f"{name} was {str(saved.get(name))[:SHOWN]} and is {str(now)[:SHOWN]}"
        for name, now in run.identity.items()
        if saved.get(name) != now
    ]
    if differ:
        advice = LENGTH if any(text.startswith("scheduler") for text in differ) else ""
        raise ValueError(
            f"{who}: {path} is of another run: {'; '.join(differ)}. Go on with what it was begun with, or give another out="
            + advice
        )


def ended(run: Run) -> str:
    """How a run that is finished came to its end, and what would give it more to do."""
    if len(run.history) >= run.epochs:
        return f"has trained {len(run.history)} epochs, and {run.epochs} are asked for; ask for more epochs"
    return f"stopped as no epoch was better than number {run.history.best_epoch} in {run.patience} more; raise patience"


def taken_apart(optimizer: Optimizer, prefix: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """An optimiser's state for a file: its arrays by names that begin with ``prefix``, and all else as plain values."""
    saved = optimizer.state_dict()
    arrays = {
        f"{prefix}{k}/{name}": value
        for k, state in saved["state"].items()
        for name, value in state.items()
        if devices.is_array(value)
    }
    numbers = {
        k: {name: value for name, value in state.items() if not devices.is_array(value)}
        for k, state in saved["state"].items()
    }
    return arrays, {"state": numbers, "param_groups": saved["param_groups"]}


def put_together(file: State, saved: dict[str, Any], prefix: str) -> dict[str, Any]:
    """What the optimiser's state_dict was before ``taken_apart``, from the file's arrays and the plain values."""
    state: dict[int, dict[str, Any]] = {int(k): dict(numbers) for k, numbers in saved["state"].items()}
    for key, array in file.items():
        if key.startswith(prefix):
            k, name = key.removeprefix(prefix).split("/", 1)
            state[int(k)][name] = array
    groups = [
        {name: tuple(v) if isinstance(v, list) and name != "params" else v for name, v in group.items()}
        for group in saved["param_groups"]
    ]
    return {"state": state, "param_groups": groups}
