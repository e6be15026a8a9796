"""The main job from end to end: learn ten textures, say how well, and show what each decision looked at."""

from __future__ import annotations

import math
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from . import nn, plot
from .data import Splits, dihedral, textures
from .explain import gradient
from .models import texture_net
from .nn import functional as F
from .optim import Adam
from .random import Generator, default_generator, manual_seed
from .scopes import no_grad
from .tensor import Tensor

PICTURES = 12  # in the figure


@dataclass(frozen=True)
class Report:
    """What a run found: accuracies in 0 … 1 on the test patches, wall-clock seconds, and where the figure is."""

    accuracy: float
    by_class: dict[str, float]
    baselines: dict[str, float]
    seconds: float
    seed: int
    figure: Path

    def __str__(self) -> str:
        rows = [("this net", self.accuracy), *self.baselines.items()]
        lines = ["accuracy on test patches", *(f"  {name:<34}{value:6.1%}" for name, value in rows)]
        lines += ["each class", *(f"  {name:<34}{value:6.1%}" for name, value in self.by_class.items())]
        return "\n".join([*lines, f"{self.seconds:.0f} seconds, seed {self.seed}; figure: {self.figure}"])


def run(
    out: str | Path = "tinylucid-demo",
    seed: int = 0,
    epochs: int = 15,
    quick: bool = False,
    train_per_class: int = 400,
    test_per_class: int = 100,
) -> Report:
    """Train texture_net on textures(seed), print a report and write ``saliency.png`` into the folder ``out``.

    ``quick`` trains on a quarter of the patches. The same arguments give the same accuracy. Raises OSError, before it
    trains, if ``out`` cannot be written to, and FloatingPointError if the loss is no longer a number.
    """
    started, out = time.perf_counter(), writable_folder(out)
    manual_seed(seed)
    data = textures(seed, max(train_per_class // 4, 1) if quick else train_per_class, test_per_class)
    model = texture_net(len(data.train.classes))
    train(model, data.train.x, data.train.y, epochs)
    chances = probabilities(model, data.test.x)
    with threadpool_limits(
        1, "blas"
    ):  # NumPy's products this small are slower on two threads, much so on a busy machine
        known = baselines(data)
    figure = explained(model, data, chances)
    right = chances.argmax(1) == data.test.y
    by_class = {name: float(right[data.test.y == k].mean()) for k, name in enumerate(data.train.classes)}
    figure.savefig(out / "saliency.png")
    seconds = time.perf_counter() - started
    report = Report(float(right.mean()), by_class, known, seconds, seed, out / "saliency.png")
    print(report)
    return report


def train(
    model: nn.Module,
    x: Any,
    y: Any,
    epochs: int,
    batch_size: int = 50,
    lr: float = 5e-3,
    rng: Generator | None = None,
) -> None:
    """Fit a classifier to patches x (N, C, H, H) of classes y (N,) by Adam, in random order, turned and mirrored.

    The learning rate falls from ``lr`` to 0 along half a cosine (Loshchilov and Hutter, 2017). Raises
    FloatingPointError at the first loss that is NaN or infinite.
    """
    rng = rng or default_generator
    optimizer = Adam(model.parameters(), lr=lr)
    steps = epochs * math.ceil(len(x) / batch_size)
    step = 0
    model.train()
    with tqdm(total=steps, disable=None, unit="step") as bar:  # None: no bar where nobody watches a terminal
        for epoch in range(1, epochs + 1):
            bar.set_description(f"epoch {epoch}/{epochs}", refresh=False)
            loss_sum, right, seen = 0.0, 0, 0
            order, pose = rng.permutation(len(x)), rng.integers(0, 8, (len(x),))
            for batch in np.split(order, range(batch_size, len(x), batch_size)):
                optimizer.param_groups[0]["lr"] = lr * (1 + math.cos(math.pi * step / steps)) / 2
                logits = model(Tensor(dihedral(x[batch], pose[batch])))
                loss = F.cross_entropy(logits, y[batch])
                step += 1
                if not math.isfinite(loss.item()):
                    raise FloatingPointError(
                        f"the loss is {loss.item()} at step {step} of {steps}; tl.detect_anomaly() finds where it began"
                    )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

                seen += len(batch)
                loss_sum += loss.item() * len(batch)
                right += int((logits.data.argmax(1) == y[batch]).sum())
                progress = f"loss {loss_sum / seen:.3f}  accuracy {right / seen:.3f}"
                bar.set_postfix_str(progress, refresh=False)
                bar.update()
            if bar.disable:
                print(f"epoch {epoch}/{epochs}  {progress}", file=sys.stderr)


def probabilities(model: nn.Module, x: Any, batch_size: int = 250) -> Any:
    """softmax(logits) of pictures x (N, …), (N, K), in eval mode."""
    model.eval()
    with no_grad():
        return np.concatenate(
            [F.softmax(model(Tensor(x[k : k + batch_size])), 1).data for k in range(0, len(x), batch_size)]
        )


# --- what simple methods reach ---------------------------------------------------------------------------------


def baselines(data: Splits) -> dict[str, float]:
    """Test accuracy of guessing, and of softmax regression (this engine's Linear) on features made by hand."""
    table = {"guess": 1 / len(data.train.classes)}
    features = {
        "softmax regression on pixels": lambda x: x.reshape(len(x), -1),
        "… on a histogram of 16 bins": histogram,
        "… on gradient, skewness, kurtosis": moments,
    }
    for name, function in features.items():
        table[name] = softmax_regression(function(data.train.x), data.train.y, function(data.test.x), data.test.y)
    return table


def softmax_regression(x: Any, y: Any, x_test: Any, y_test: Any, steps: int = 300, lr: float = 0.1) -> float:
    """Test accuracy of a linear classifier on features (N, D), standardised, after that many steps on all of them."""
    mean, std = x.mean(0), x.std(0) + 1e-6
    x, x_test = (Tensor(((a - mean) / std).astype(np.float32)) for a in (x, x_test))
    model = nn.Linear(x.shape[1], int(y.max()) + 1)
    optimizer = Adam(model.parameters(), lr=lr)
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return float((model(x_test).data.argmax(1) == y_test).mean())


def histogram(x: Any, bins: int = 16) -> Any:
    """The share of each patch's values in bins over −3 … 3, the outer ones open: (N, bins)."""
    values = x.reshape(len(x), -1)
    which = np.clip((values + 3) / 6 * bins, 0, bins - 1).astype(int)
    return (which[:, :, None] == np.arange(bins)).mean(1)


def moments(x: Any) -> Any:
    """Mean absolute difference of neighbouring pixels, mean cube and mean fourth power: (N, 3)."""
    rough = sum(np.abs(np.diff(x, axis=axis)).mean((1, 2, 3)) for axis in (2, 3))
    return np.stack([rough, (x**3).mean((1, 2, 3)), (x**4).mean((1, 2, 3))], 1)


# --- the figure, and where it goes -------------------------------------------------------------------------------


def explained(model: nn.Module, data: Splits, chances: Any) -> Any:
    """The first test patch of each class, then the surest mistakes, each with its answer and that logit's gradient."""
    answers, sure, truth = chances.argmax(1), chances.max(1), data.test.y
    first = list(np.searchsorted(truth, np.arange(len(data.train.classes))))
    mistakes = sorted(np.flatnonzero(answers != truth), key=lambda k: sure[k])
    surest = {truth[k]: k for k in mistakes}.values()  # one a class: the last of equal keys stays
    more = sorted((k for k in surest if k not in first), key=lambda k: -sure[k])
    shown = [*first, *more][:PICTURES]
    right = [answers[k] == truth[k] for k in shown]
    titles = [
        f"{data.train.classes[answers[k]]} {sure[k]:.0%}" + ("" if fine else f"\nis {data.train.classes[truth[k]]}")
        for k, fine in zip(shown, right)
    ]
    maps = gradient(model, data.test.x[shown], answers[shown])
    return plot.saliency_grid(data.test.x[shown], maps, titles, right, columns=math.ceil(len(shown) / 2))


def writable_folder(path: str | Path) -> Path:
    """The folder, made if need be; OSError where it cannot be made or written to."""
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        return folder
