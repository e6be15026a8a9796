"""Training: what a step is, early stop, files, Ctrl-C, the first NaN, refusals, and that asking a net leaves it as it was."""

import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import threading
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
import tinylucid.nn.functional as F
from tinylucid import nn
from tinylucid.data import ArrayDataset, Augment, DataLoader, Preprocess

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 1, 4, 4)).astype(np.float32)
Y = (X.mean((1, 2, 3)) > 0).astype(np.int64)
NAMES = ("dark", "light")


def dense(classes=2):
    """A net without batch norm and dropout: a batch is the sum of its pictures."""
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, classes))


def weights(model):
    return {name: value.numpy().copy() for name, value in model.state_dict().items()}


def fit(model, train=(X, Y), val=None, lr=0.1, **options):
    return tl.fit(model, train, val, optimizer=tl.optim.SGD(model.parameters(), lr), **{"epochs": 2, **options})


# --- what it computes ----------------------------------------------------------------------------------------------


def test_it_is_the_loop_that_one_would_write():
    """Order by (seed, epoch), the model in training mode, one step of optimiser and schedule a batch."""

    def make():
        tl.manual_seed(3)
        model = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))
        optimizer = tl.optim.Adam(model.parameters(), 0.01)
        return model, optimizer, tl.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)

    ours, optimizer, schedule = make()
    history = tl.fit(ours, (X, Y), (X, Y), epochs=2, batch_size=25, optimizer=optimizer, scheduler=schedule, seed=5)
    model, optimizer, schedule = make()
    losses, accuracies, rates, norms, judged = [], [], [], [], []
    loader = DataLoader(ArrayDataset(X, Y), 25, shuffle=True, seed=5)
    for _ in range(2):
        loss_sum = right = norm_sum = 0
        for x, y in loader:
            logits = model(tl.tensor(x))
            loss = F.cross_entropy(logits, y)
            optimizer.zero_grad()
            loss.backward()
            norm_sum += tl.optim.clip_grad_norm_(model.parameters(), math.inf)
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
            loss_sum += loss.item() * len(x)
            right += (logits.data.argmax(1) == y).sum()
        losses.append(loss_sum / 60)
        accuracies.append(right / 60)
        norms.append(norm_sum / 3)
        model.eval()
        judged.append(F.cross_entropy(model(tl.tensor(X)), Y).item())
        model.train()
    np.testing.assert_equal(weights(ours), weights(model))
    np.testing.assert_allclose(history.loss, losses)
    assert (history.accuracy, history.lr) == (accuracies, rates[2::3])
    np.testing.assert_allclose(history.grad_norm, norms)
    np.testing.assert_allclose(history.val_loss, judged, rtol=1e-6)


@given(st.integers(1, 4), st.integers(1, 23), st.booleans())
def test_accumulated_batches_are_one_large_batch(accumulate, pictures, clipped):
    """Also the last ones of an epoch, which are fewer and end with a short one."""
    tl.manual_seed(1)
    one, many = dense(), dense()
    many.load_state_dict(one.state_dict())
    options = {"epochs": 1, "max_norm": 0.05 if clipped else None, "train": (X[:pictures], Y[:pictures])}
    a = fit(one, batch_size=5 * accumulate, **options)
    b = fit(many, batch_size=5, accumulate=accumulate, **options)
    for name, value in weights(one).items():
        np.testing.assert_allclose(weights(many)[name], value, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose([a.loss, a.accuracy, a.grad_norm], [b.loss, b.accuracy, b.grad_norm], rtol=1e-4)


def masks():
    """Pictures with the class of every pixel; some do not count, in one picture hardly any does."""
    y = (X[:, 0] > 0).astype(np.int64)
    y[rng.random(y.shape) < 0.3] = -100
    y[0, 1:] = -100
    return ArrayDataset(X, y, NAMES)


def test_segmentation_counts_pixels_that_count():
    data, model = masks(), nn.Sequential(nn.Conv2d(1, 4, 1), nn.Tanh(), nn.Conv2d(4, 2, 1))
    many = nn.Sequential(nn.Conv2d(1, 4, 1), nn.Tanh(), nn.Conv2d(4, 2, 1))
    many.load_state_dict(model.state_dict())
    fit(model, data, epochs=1, batch_size=60)
    history = fit(many, data, data, epochs=1, batch_size=15, accumulate=4)
    for name, value in weights(model).items():
        np.testing.assert_allclose(weights(many)[name], value, rtol=1e-4, atol=1e-6)
    result = tl.evaluate(many, data, batch_size=7)
    logits = tl.predict(many, X)
    assert logits.shape == (60, 2, 4, 4)
    np.testing.assert_allclose(result.loss, F.cross_entropy(logits, data.y), rtol=1e-5)
    assert result.accuracy == (logits.argmax(1) == data.y)[data.y != -100].mean() == history.val_accuracy[0]


def test_mixup_has_an_accuracy():
    model = dense()
    history = fit(model, ArrayDataset(X, Y, NAMES), epochs=12, batch_size=10, augment=Augment(mixup=0.2), lr=0.3)
    assert history.accuracy[-1] > 0.8
    assert history.accuracy[0] != history.accuracy[-1]


def test_a_regression_has_no_accuracy():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 1))
    target = X.mean((1, 2, 3))
    loss = lambda out, y: F.mse_loss(out.reshape((-1,)), y)
    history = fit(model, (X, target), epochs=8, batch_size=10, loss=loss)
    assert history.loss[-1] < 0.1 * history.loss[0]
    assert all(math.isnan(v) for v in history.accuracy)


def test_adam_is_the_default_and_a_schedule_brings_its_optimizer():
    a, b, c = dense(), dense(), dense()
    for model in (b, c):
        model.load_state_dict(a.state_dict())
    tl.fit(a, (X, Y), epochs=1)
    adam = tl.optim.Adam(b.parameters(), 1e-3)
    tl.fit(b, (X, Y), epochs=1, scheduler=tl.optim.lr_scheduler.StepLR(adam, 100))
    tl.fit(c, DataLoader(ArrayDataset(X, Y), 64, shuffle=True), epochs=1)
    np.testing.assert_equal(weights(a), weights(b))
    np.testing.assert_equal(weights(a), weights(c))


def test_gradients_of_what_is_not_optimised_do_not_pile_up():
    model = dense()
    for epochs in (1, 3):
        tl.fit(model, (X, Y), epochs=epochs, optimizer=tl.optim.SGD(model[3].parameters(), 0.0))
        found = model[1].weight.grad.numpy()
        if epochs == 1:
            expected = found
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)  # the order of the batch differs


# --- modes ---------------------------------------------------------------------------------------------------------


def modes(model):
    return [module.training for module in model.modules()]


def test_modes_during_and_after():
    seen = []

    class Watch(nn.Module):
        def forward(self, x):
            seen.append(self.training)
            return x

    model = nn.Sequential(nn.Flatten(), Watch(), nn.Linear(16, 2), nn.Dropout(0.5))
    model[3].eval()
    before = modes(model)
    fit(model, val=(X, Y), batch_size=30)
    assert seen == [True, True, False] * 2
    assert modes(model) == before
    tl.evaluate(model, (X, Y))
    tl.predict(model, X)
    assert (seen[6:], modes(model)) == ([False, False], before)
    with pytest.raises(ValueError, match="linear"):
        tl.predict(model, X[:, :, 1:])
    assert modes(model) == before


def test_predict_in_batches_of_bytes_and_of_nothing():
    model = dense().train()
    x = rng.integers(0, 256, (5, 1, 4, 4)).astype(np.uint8)
    whole = tl.predict(model, x.astype(np.float32) / 255)
    assert isinstance(whole, np.ndarray)
    np.testing.assert_allclose(tl.predict(model, x, batch_size=2), whole, rtol=1e-5)
    assert tl.predict(model, X[:0]).shape == (0, 2)


# --- history, early stop, files --------------------------------------------------------------------------------------


def test_history_is_plain_and_prints_as_a_table():
    history = fit(dense(), val=(X, Y), epochs=3)
    assert json.loads(json.dumps(history.to_dict())) == history.to_dict()
    lines = str(history).splitlines()
    assert lines[0].split() == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "lr", "grad_norm", "seconds"]
    assert len(lines) == 4
    assert lines[history.best_epoch].endswith("best")
    assert "val_loss" not in str(fit(dense(), epochs=1))


def test_the_best_epoch_is_the_first_of_the_least_loss():
    history = tl.train.History(loss=[3.0, 1.0, 2.0], val_loss=[math.nan, 2.0, 2.0])
    assert history.best_epoch == 2
    assert tl.train.History(loss=[3.0, 2.0, 1.0]).best_epoch == 3
    assert tl.train.History().best_epoch == 0


@pytest.mark.parametrize("judged", ["val_loss", "loss"])
def test_it_stops_when_patience_is_out_and_keeps_the_best(judged, tmp_path, capsys):
    """A learning rate that grows too large: the loss falls, then rises."""
    tl.manual_seed(0)
    model = dense()
    optimizer = tl.optim.SGD(model.parameters(), 0.01)
    rising = tl.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1.3**t if t < 20 else 3000.0)
    val = (X, Y) if judged == "val_loss" else None
    options = {"optimizer": optimizer, "scheduler": rising, "batch_size": 20, "patience": 2, "out": tmp_path}
    history = tl.fit(model, (X, Y), val, epochs=60, **options)
    losses = getattr(history, judged)
    assert len(history) == history.best_epoch + 2 < 60
    assert min(losses) == losses[history.best_epoch - 1] < losses[0]
    assert f"no epoch was better than number {history.best_epoch} in 2 more" in capsys.readouterr().err
    np.testing.assert_equal(
        weights(model), {k: v for k, v in tl.load(tmp_path / "last.safetensors").items() if "//" not in k}
    )
    best = tl.load(tmp_path / "best.safetensors")
    assert (best.metadata["epoch"], best.metadata[judged]) == (history.best_epoch, min(losses))
    other = dense()
    other.load_state_dict(best)  # it holds the model alone
    if judged == "val_loss":
        assert tl.evaluate(other, (X, Y)).loss == min(losses)


def test_both_files_are_models_that_load(tmp_path):
    how = Preprocess(16, color=False, per_picture=True)
    x = rng.normal(size=(12, 1, 16, 16)).astype(np.float32)
    model = tl.models.build("texture_net", classes=2)
    fit(model, ArrayDataset(x, np.arange(12) % 2, NAMES, how), epochs=1, batch_size=6, out=tmp_path / "a" / "b")
    for name in ("last.safetensors", "best.safetensors"):
        saved = tl.models.load(tmp_path / "a" / "b" / name)
        assert (saved.classes, saved.preprocess) == (NAMES, how)
        np.testing.assert_equal(weights(saved.model), weights(model))


def test_a_full_disk_or_a_read_only_folder_is_found_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    model = dense()
    before = weights(model)
    with pytest.raises(OSError, match="file"):
        fit(model, out=tmp_path / "file")
    scheduler = tl.optim.lr_scheduler.LambdaLR(tl.optim.SGD(model.parameters(), 0.1), lambda t: 1.0)
    scheduler.note = object()  # cannot be kept in a file
    with pytest.raises(ValueError, match="training"):
        tl.fit(model, (X, Y), epochs=1, scheduler=scheduler, out=tmp_path / "run")
    np.testing.assert_equal(weights(model), before)
    assert list((tmp_path / "run").iterdir()) == []


def test_plain_lines_where_there_is_no_terminal(capsys):
    fit(dense(), val=(X, Y), epochs=2)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert (out, len(lines)) == ("", 2)
    assert all(
        word in lines[1] for word in ("epoch 2/2", "loss 0.", "accuracy 0.", "val loss", "val accuracy", "images/s")
    )


# --- Ctrl-C ----------------------------------------------------------------------------------------------------------

SCRIPT = """
import sys, numpy as np, tinylucid as tl
from tinylucid import nn
x, y = np.zeros((6, 1, 2, 2), np.float32), np.zeros(6, int)
def loss(logits, y):
    print("step", flush=True)
    sys.stdin.readline()  # until the test has pressed Ctrl-C
    return nn.functional.cross_entropy(logits, y)
model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
tl.fit(model, (x, y), epochs=2, batch_size=2, loss=loss, out=OUT)
"""


def pressed(tmp_path):
    """What becomes of a script that trains when Ctrl-C is pressed in its second step."""
    out = tmp_path / "run"
    script = textwrap.dedent(SCRIPT).replace("OUT", repr(str(out)))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    with subprocess.Popen([sys.executable, "-c", script], **pipes) as process:
        assert process.stdout.readline() == "step\n"
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "step\n"
        process.send_signal(signal.SIGINT)
        process.stdin.write("\n")
        process.stdin.flush()
        _, err = process.communicate(timeout=120)
        return process.returncode, err, out


def test_ctrl_c_finishes_the_step_saves_and_says_how_to_go_on(tmp_path):
    code, err, out = pressed(tmp_path)
    assert code == -signal.SIGINT
    assert f"stopped in epoch 1, saved in {out / 'last.safetensors'}; call fit again with resume=True" in err
    training = tl.load(out / "last.safetensors").metadata["training"]
    assert (training["batch"], training["sums"]["steps"], training["history"]["loss"]) == (2, 2, [])


def test_a_second_ctrl_c_stops_at_once():
    with pytest.raises(KeyboardInterrupt), tl.train.interrupt.interruptible() as ctrl_c:
        os.kill(os.getpid(), signal.SIGINT)
        assert ctrl_c.asked
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("went on")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_thread_trains_without_listening():
    histories = []
    worker = threading.Thread(target=lambda: histories.append(fit(dense(), epochs=1)))
    worker.start()
    worker.join()
    assert len(histories[0]) == 1


def test_ctrl_c_without_a_folder_and_after_the_last_epoch(tmp_path, capsys):
    def loss(logits, y):
        if not logits.requires_grad:  # while validating
            os.kill(os.getpid(), signal.SIGINT)
        return F.cross_entropy(logits, y)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit(dense(), val=(X, Y), loss=loss)
    assert "stopped after epoch 1; nothing is kept, as this training had no out=" in capsys.readouterr().err
    with pytest.raises(KeyboardInterrupt):
        fit(dense(), val=(X, Y), loss=loss, epochs=1, out=tmp_path)
    assert "stopped after epoch 1, saved in" in (err := capsys.readouterr().err)
    assert "the run is complete" in err
    assert signal.getsignal(signal.SIGINT) is before


# --- the first NaN ---------------------------------------------------------------------------------------------------


class Breaks(nn.Module):
    """Gives log of a negative number in its k-th call of a training run."""

    def __init__(self, k):
        super().__init__()
        self.register_buffer("calls", tl.tensor([0.0]))
        self.k = k

    def forward(self, x):
        self.calls += 1
        return tl.log(x * 0 - 1) if self.calls.item() == self.k else x


def test_the_first_nan_names_operation_layer_and_step_and_changes_nothing(tmp_path):
    """In the second step of the second epoch."""
    tl.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 2), Breaks(5))
    words = "fit, epoch 2, step 2 of 3|the loss is nan|log (layer '4')|no input held one|max_norm|learning rate"
    ends = []

    def spy(logits, y):
        ends.append((weights(model), tl.random.default_generator.get_state()))
        return F.cross_entropy(logits, y)

    check_message(lambda: fit(model, batch_size=20, loss=spy, out=tmp_path), FloatingPointError, words)
    assert len(ends) == 5  # anomaly mode stops in the layer itself
    saved = tl.load(tmp_path / "last.safetensors")
    assert len(saved.metadata["training"]["history"]["loss"]) == 1
    assert weights(model)["4.calls"] == 4
    assert weights(model)["1.num_batches_tracked"] == 4
    assert tl.random.default_generator.get_state() == ends[3][1]
    for name in ("3.weight", "1.running_mean"):
        assert not (weights(model)[name] == saved[name]).all()  # the first step of the epoch was taken
    assert not any(p.grad is not None for p in model.parameters())


def test_a_nan_in_a_gradient_is_named_too():
    class Root(nn.Module):
        def forward(self, x):
            return x + tl.sqrt(x * 0).sum() * 0

    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2), Root())
    check_message(
        lambda: fit(model),
        FloatingPointError,
        "the norm of the gradient is nan|layer '2'|gradient of input 0 holds NaN",
    )


def test_infinity_is_told_from_nan():
    model = dense()
    check_message(
        lambda: fit(model, loss=lambda a, y: (a * a * 1e30 * 1e30).sum()), FloatingPointError, "holds no NaN|infinity"
    )


def test_a_picture_that_is_no_picture_is_named():
    x = X.copy()
    x[:, 0, 0, 0] = np.nan
    check_message(lambda: fit(dense(), (x, Y)), FloatingPointError, "Picture 0 of batch 0|NaN or infinity")


# --- refusals --------------------------------------------------------------------------------------------------------

NORMED = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(16), nn.Linear(16, 2))
REFUSED = [
    (lambda: fit(dense(), (X[:0], Y[:0])), ValueError, "train is empty"),
    (lambda: fit(dense(), val=(X[:0], Y[:0])), ValueError, "val is empty"),
    (lambda: tl.evaluate(dense(), (X[:0], Y[:0])), ValueError, "data is empty"),
    (lambda: fit(NORMED, (X[:1], Y[:1])), ValueError, "fit, epoch 1, step 1 of 1|more than one value"),
    (
        lambda: fit(dense(), ArrayDataset(X, Y + 1, ("sand", "sea", "sky"))),
        ValueError,
        "epoch 1, step 1|label 2|the data has 3|sand, sea, sky",
    ),
    (lambda: tl.evaluate(dense(), ArrayDataset(X, Y + 1, ("sand", "sea", "sky"))), ValueError, "sand, sea, sky"),
    (lambda: fit(dense(), tl.data.Splits((X, Y), (X, Y))), TypeError, "Splits|*data"),
    (lambda: fit(dense(), X), TypeError, "train must be|pair|ndarray"),
    (lambda: fit(dense(), val=7), TypeError, "val must be|int"),
    (lambda: fit(dense(), epochs=0), ValueError, "epochs|≥ 1|got 0"),
    (lambda: fit(dense(), accumulate=0), ValueError, "accumulate|≥ 1|got 0"),
    (lambda: fit(dense(), patience=0), ValueError, "patience|≥ 1|got 0"),
    (lambda: fit(dense(), max_norm=0.0), ValueError, "max_norm|above 0"),
    (lambda: fit(dense(), masks()), ValueError, "(60, 2)|(60, 4, 4)|tl.models.SEGMENTERS"),
    (
        lambda: fit(dense(), DataLoader(ArrayDataset(X, Y)), augment=Augment(flip=True)),
        ValueError,
        "DataLoader|its own augment",
    ),
    (
        lambda: tl.fit(dense(), (X, Y), epochs=1, optimizer=tl.optim.SGD(dense().parameters())),
        ValueError,
        "none of the model",
    ),
    (
        lambda: fit(dense(), scheduler=tl.optim.lr_scheduler.StepLR(tl.optim.SGD(dense().parameters()), 1)),
        ValueError,
        "another optimiser",
    ),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSED)
def test_what_cannot_be_trained_is_refused(call, error, words):
    check_message(call, error, words)


def pixel_net():
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1))


def drawn_masks(**changes):
    """Forty pictures 8×8 with masks of two classes, with another value where asked: picture=value."""
    x = np.random.default_rng(1).normal(size=(40, 1, 8, 8)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    for picture, value in changes.items():
        y[int(picture.removeprefix("at")), 3, 4] = value
    return x, y


@pytest.mark.parametrize(
    ("train", "val", "words"),
    [
        (drawn_masks(at33=2), None, "epoch 1, step 1 of 5: train, picture 33|label 2 at position 28 is outside 0 … 1"),
        (drawn_masks(at33=-1), None, "epoch 1, step 1 of 5: train, picture 33|label -1 at position 28"),
        (drawn_masks(), drawn_masks(at7=5, at8=4), "step 1 of 5: val, picture 7|label 5 at position 28"),
        (drawn_masks(), (drawn_masks()[0], drawn_masks()[1][:, :6]), "step 1|val, picture 0|(1, 2, 8, 8)|(1, 6, 8)|enlarge them"),
        (drawn_masks(), (X.repeat(2, 1), Y), "step 1 of 5: val, picture 0|2 channels"),
        ((drawn_masks()[0], drawn_masks()[1][:, None]), None, "(8, 8, 8)|(8, 1, 8, 8)|y[:, 0]"),
        ((drawn_masks()[0], drawn_masks()[1][:, 0, 0]), None, "(8, 2, 8, 8)|(8,)|one class number for each place"),
    ],
    ids=["large", "negative", "validation", "size", "channels", "own channel", "no masks"],
)  # fmt: skip
def test_what_would_stop_it_later_is_said_before_anything_is_learnt(train, val, words):
    """The first eight pictures, in the order of seed 0, are good in all of these."""
    model = pixel_net()
    before, order = weights(model), list(tl.data.keyed.order(0, 0, 40)[:8])
    assert not {33, 7, 8} & set(order)
    check_message(lambda: fit(model, train, val, batch_size=8), ValueError, words)
    np.testing.assert_equal(weights(model), before)


def test_pictures_of_another_size_are_judged_and_rare_classes_do_no_harm():
    x, y = drawn_masks(at33=-100)
    y[:] = 0
    y[33, :2] = 1
    val, seen = (np.zeros((3, 1, 12, 9), np.float32), np.eye(12, 9, dtype=int)[None].repeat(3, 0)), []

    def loss(logits, y):
        seen.append(logits.shape)
        return F.cross_entropy(logits, y)

    history = fit(pixel_net(), (x, y), val, loss=loss, batch_size=8, epochs=1)
    assert history.val_loss[0] > 0
    assert seen[:3] == [(8, 2, 8, 8), (9, 2, 8, 8), (1, 2, 12, 9)]
    assert len(seen) == 2 + 5 + 1


def test_a_picture_of_which_nothing_counts_by_ones_own_number_does_no_harm():
    x, y = drawn_masks()
    y[33] = 255
    history = fit(
        pixel_net(), (x, y), loss=lambda z, y: F.cross_entropy(z, y, ignore_index=255), batch_size=8, epochs=1
    )
    assert history.loss[0] > 0


def test_a_class_that_validation_lacks_is_named():
    data = ArrayDataset(X, Y, NAMES)
    with pytest.warns(UserWarning, match="validation data has nothing of class light"):
        fit(dense(), data, data.subset(Y == 0))
    with pytest.warns(UserWarning, match="class 1"):
        fit(dense(), (X, Y), (X[Y == 0], Y[Y == 0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(dense(), data.subset(Y == 0), data)
