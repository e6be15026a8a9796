"""Training as a newcomer calls it: what has no accuracy, and calls that are refused with what to do instead."""

import io
import itertools
import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from words import check_message

import tinylucid as tl
from tinylucid import nn
from tinylucid.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR
from tinylucid.train import progress
from tinylucid.train.progress import Progress

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 1, 4, 4)).astype(np.float32)
Y = (X.mean((1, 2, 3)) > 0).astype(np.int64)


def net(outputs=2):
    return nn.Sequential(nn.Flatten(), nn.Linear(16, outputs))


# --- what has an accuracy ------------------------------------------------------------------------------------------

NUMBERS = {
    "a regression": (nn.MSELoss(), X.mean((2, 3))),
    "two numbers": (nn.MSELoss(), rng.normal(size=(20, 2)).astype(np.float32)),
    "numbers above 0": (nn.MSELoss(), rng.uniform(size=(20, 2)).astype(np.float32)),
    "sums of 1": (nn.MSELoss(), np.array([[2.0, -1.0]] * 20, np.float32)),
    "yes or no": (nn.BCEWithLogitsLoss(), Y[:, None].astype(np.float32)),
    "several at once": (nn.BCEWithLogitsLoss(), np.array([[0, 1], [1, 1]] * 10, np.float32)),
    "whole numbers": (lambda out, y: ((out[:, 0] - y.astype(np.float32)) ** 2).mean(), Y),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_what_is_no_class_has_no_accuracy(kind, capsys):
    loss, y = NUMBERS[kind]
    model = net(1 if y.ndim == 1 else y.shape[1])
    history = tl.fit(model, (X, y), (X, y), epochs=1, batch_size=1, loss=loss)
    assert math.isnan(history.accuracy[0])
    assert math.isnan(history.val_accuracy[0])
    assert math.isnan(tl.evaluate(model, (X, y), loss, batch_size=1).accuracy)
    assert "accuracy" not in capsys.readouterr().err
    if y.ndim == 2:
        check_message(lambda: tl.metrics.accuracy(tl.predict(model, X), y), ValueError, "probabilities|K ≥ 2 and sum 1")


def test_shares_of_classes_have_one():
    y = np.where(Y[:, None] == np.arange(2), 0.9, 0.1).astype(np.float32)
    model = net()
    history = tl.fit(model, (X, y), epochs=1)
    right = float((tl.predict(model, X).argmax(1) == Y).mean())
    assert 0 <= history.accuracy[0] <= 1
    assert tl.evaluate(model, (X, y)).accuracy == tl.metrics.accuracy(tl.predict(model, X), y) == right


# --- one call, run again and again -----------------------------------------------------------------------------------


def again(out, epochs=2, lr=0.1, schedule=CosineAnnealingLR, length=6, momentum=0.0, **options):
    """The same call each time: 20 pictures are 2 steps an epoch."""
    tl.manual_seed(0)
    model = net()
    optimizer = tl.optim.SGD(model.parameters(), lr, momentum)
    scheduler = schedule and schedule(
        optimizer, **{"T_max" if schedule is CosineAnnealingLR else "total_steps": length}
    )
    options = {"optimizer": optimizer, "scheduler": scheduler, "batch_size": 10, "out": out, "resume": True, **options}
    return tl.fit(model, (X, Y), epochs=epochs, **options), model


def cycle(optimizer, **length):
    return OneCycleLR(optimizer, 0.1, cycle_momentum=True, **length)


def test_resume_starts_where_nothing_is_goes_on_and_ends(tmp_path, capsys):
    out = tmp_path / "run"
    assert len(again(out, epochs=1)[0]) == 1
    first, *others = capsys.readouterr().err.splitlines()
    assert first == f"nothing to go on with in {out}: starting"
    assert len(others) == 1
    history, model = again(out, epochs=3)
    assert len(history) == 3
    capsys.readouterr()
    for epochs in (3, 1):
        loaded, same = again(out, epochs=epochs)
        assert loaded == history
        np.testing.assert_array_equal(same[1].weight.data, model[1].weight.data)
        words = f"nothing is left to do: {out / 'last.safetensors'} holds a run that has trained 3 epochs, and {epochs} are "
        assert capsys.readouterr().err.startswith(words)


OTHERWISE = {
    "scheduler was CosineAnnealingLR(T_max=6, eta_min=0.0) and is CosineAnnealingLR(T_max=15, eta_min=0.0)|full number of "
    "epochs (--epochs)|best.safetensors": {"length": 15},
    "optimizer was SGD(lr=0.1, |and is SGD(lr=0.001, ": {"lr": 0.001},
    "momentum=0.0, |momentum=0.5, ": {"momentum": 0.5},
}


@pytest.mark.parametrize("words", OTHERWISE)
def test_another_schedule_or_optimizer_is_refused(words, tmp_path):
    again(tmp_path)
    check_message(lambda: again(tmp_path, epochs=5, **OTHERWISE[words]), ValueError, f"is of another run: |{words}")
    assert len(again(tmp_path, epochs=3)[0]) == 3


def test_the_rate_of_an_optimizer_without_schedule_is_compared(tmp_path):
    again(tmp_path, schedule=None)
    check_message(lambda: again(tmp_path, lr=0.2, epochs=3, schedule=None), ValueError, "SGD(lr=0.1, |SGD(lr=0.2, ")


@pytest.mark.parametrize("schedule", [CosineAnnealingLR, cycle])
def test_the_same_objects_go_on(schedule, tmp_path):
    """The rates and momenta in them are those of the last step by now, not those they were made with."""
    model = net()
    optimizer = tl.optim.SGD([{"params": [model[1].weight]}, {"params": [model[1].bias], "lr": 0.2}], 0.1, 0.9)
    scheduler = schedule(optimizer, **{"T_max" if schedule is CosineAnnealingLR else "total_steps": 3})
    options = {"optimizer": optimizer, "scheduler": scheduler, "out": tmp_path, "resume": True}
    tl.fit(model, (X, Y), epochs=1, **options)
    assert len(tl.fit(model, (X, Y), epochs=3, **options)) == 3


def test_a_schedule_that_is_too_short_is_found_before_training(tmp_path):
    words = "OneCycleLR ends after 3 steps, and the run takes 4|total_steps=tl.train.total_steps("
    check_message(lambda: again(None, schedule=cycle, length=3, momentum=0.9, resume=False), ValueError, words)
    assert len(again(tmp_path, schedule=cycle, length=4, momentum=0.9)[0]) == 2
    model = net()
    before = model[1].weight.data.copy()
    optimizer = tl.optim.SGD(model.parameters(), 0.1, 0.9)
    options = {"scheduler": cycle(optimizer, total_steps=4), "batch_size": 10, "out": tmp_path, "resume": True}
    check_message(lambda: tl.fit(model, (X, Y), epochs=3, **options), ValueError, "ends after 4 steps|the run takes 6")
    np.testing.assert_array_equal(model[1].weight.data, before)
    used = cycle(optimizer, total_steps=4)
    tl.fit(model, (X, Y), epochs=1, batch_size=10, scheduler=used)
    check_message(lambda: tl.fit(model, (X, Y), epochs=2, batch_size=10, scheduler=used), ValueError, "the run takes 6")


def test_what_is_in_the_files_of_a_net_of_ones_own(tmp_path):
    history, model = again(tmp_path, momentum=0.9)
    last = tl.load(tmp_path / "last.safetensors")
    assert any(name.startswith("//optimizer") for name in last)
    other = net()
    assert other.load_state_dict(last) == ([], [])
    np.testing.assert_array_equal(other[1].weight.data, model[1].weight.data)
    assert tl.train.History.load(tmp_path / "last.safetensors") == history
    best = tmp_path / "best.safetensors"
    check_message(lambda: tl.train.History.load(best), tl.io.FileError, f"{best}: holds no history|last.safetensors")


def test_the_bar_tells_what_is_left_of_the_run(monkeypatch, tmp_path):
    """Each look at the clock is a second later, and a step looks once."""
    ticks, seen, step = itertools.count(), [], Progress.step
    monkeypatch.setattr(progress, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    monkeypatch.setattr(sys, "stderr", Screen())
    monkeypatch.setattr(Progress, "step", lambda self, sums: (step(self, sums), seen.append(self.bar.postfix)))
    again(tmp_path, epochs=2, batch_size=3, accumulate=2)  # 7 batches are 4 steps
    assert [text.split("  ")[-1] for text in seen] == [f"0:{k:02} left" for k in reversed(range(8))]


class Screen(io.StringIO):
    def isatty(self):
        return True
