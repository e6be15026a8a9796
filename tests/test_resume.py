"""A run that was stopped anywhere and gone on with gives the bits of the run that was not; what does not fit is refused."""

import os
import signal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
from tinylucid import nn
from tinylucid.data import ArrayDataset, Augment
from tinylucid.optim import lr_scheduler
from tinylucid.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, MultiStepLR, OneCycleLR, StepLR
from tinylucid.train import total_steps

EPOCHS, BATCH, ACCUMULATE = 3, 4, 2  # 14 pictures: 4 batches an epoch, the last short, so 2 steps
AUGMENT = Augment(flip=True, pad_crop=1, noise=0.1)
STEPS = 6

OPTIMIZERS = {
    "sgd": lambda p: tl.optim.SGD(p, 0.05),
    "momentum": lambda p: tl.optim.SGD(p, 0.05, momentum=0.9, weight_decay=0.01, nesterov=True),
    "adam": lambda p: tl.optim.Adam(p, 0.01),
    "adamw": lambda p: tl.optim.AdamW(p, 0.01),
    "rmsprop": lambda p: tl.optim.RMSprop(p, 0.01, momentum=0.5, centered=True),
}
SCHEDULES = {
    "none": None,
    "step": lambda o: StepLR(o, 2, 0.5),
    "multistep": lambda o: MultiStepLR(o, [1, 3, 4]),
    "cosine": lambda o: CosineAnnealingLR(o, STEPS),
    "lambda": lambda o: LambdaLR(o, lambda t: 1 / (1 + t)),
    "onecycle": lambda o: OneCycleLR(o, 0.05, STEPS, cycle_momentum="betas" in o.defaults or "momentum" in o.defaults),
}


def data(n, seed):
    rng = np.random.default_rng(seed)
    return ArrayDataset(rng.normal(size=(n, 1, 6, 6)).astype(np.float32), rng.integers(0, 3, n), ("a", "b", "c"))


TRAIN, VAL = data(14, 1), data(9, 2)


def net(width=4):
    return nn.Sequential(
        nn.Conv2d(1, width, 3),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Flatten(),
        nn.Linear(width * 16, 3),
    )


class Stopped:
    """A loss that gets Ctrl-C pressed while a given batch, counted over the run, is being learnt from."""

    def __init__(self, batch):
        self.left = batch

    def __call__(self, logits, y):
        if logits.requires_grad:  # not while validating
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGINT)
        return nn.functional.cross_entropy(logits, y)


def run(optimizer="momentum", schedule="cosine", seed=0, **options):
    """Train as the options say; all that there is afterwards. A resumed run begins with another seed: nothing is left of it."""
    tl.manual_seed(seed)
    model = net()
    chosen = OPTIMIZERS[optimizer](model.parameters())
    scheduler = SCHEDULES[schedule](chosen) if SCHEDULES[schedule] else None
    settings = {"epochs": EPOCHS, "batch_size": BATCH, "accumulate": ACCUMULATE, "augment": AUGMENT, "max_norm": 1.0}
    history = tl.fit(model, TRAIN, VAL, optimizer=chosen, scheduler=scheduler, **{**settings, **options})
    record = {name: values for name, values in history.to_dict().items() if name != "seconds"}
    assert len(history.seconds) == len(history)
    schedule_state = scheduler.state_dict() if scheduler else None
    return model, chosen.state_dict(), schedule_state, tl.random.default_generator.get_state(), record


def same(a, b):
    """Whether two ends of a run are equal to the last bit."""
    weights, others = (end[0].state_dict() for end in (a, b))
    assert weights.keys() == others.keys()
    for name in weights:
        np.testing.assert_array_equal(weights[name].numpy(), others[name].numpy(), err_msg=name, strict=True)
    np.testing.assert_equal(a[1], b[1])
    assert a[2:] == b[2:]


def stopped(batch, out, **options):
    """The run until Ctrl-C is pressed in that batch."""
    with pytest.raises(KeyboardInterrupt):
        run(out=out, loss=Stopped(batch), **options)


@pytest.mark.parametrize("batch", range(1, 13))
def test_stopped_in_any_batch(batch, tmp_path):
    stopped(batch, tmp_path)
    done = batch + batch % 2  # the step is finished first
    assert len(tl.load(tmp_path / "last.safetensors").metadata["training"]["history"]["loss"]) == (done - 1) // 4
    same(run(seed=7, out=tmp_path, resume=True), run())


@given(st.sampled_from(sorted(OPTIMIZERS)), st.sampled_from(sorted(SCHEDULES)), st.integers(1, 9), st.integers(1, 3))
def test_any_optimizer_and_schedule_stopped_anywhere(tmp_path_factory, optimizer, schedule, batch, accumulate):
    if (optimizer, schedule) == ("sgd", "onecycle"):
        optimizer = "momentum"
    kind = {"optimizer": optimizer, "schedule": schedule, "accumulate": 2 if schedule == "onecycle" else accumulate}
    out = tmp_path_factory.mktemp("run")
    stopped(batch, out, **kind)
    same(run(seed=7, out=out, resume=True, **kind), run(**kind))


def test_stopped_twice(tmp_path):
    stopped(3, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run(seed=5, out=tmp_path, resume=True, loss=Stopped(4))
    same(run(seed=7, out=tmp_path, resume=True), run())


@pytest.mark.parametrize("epochs", [1, 2])
def test_more_epochs_after_the_end(epochs, tmp_path):
    run(out=tmp_path, epochs=epochs)
    same(run(seed=7, out=tmp_path, resume=True), run())


def test_no_schedule_no_validation_no_buffers_of_the_optimizer(tmp_path):
    plain = {"optimizer": "sgd", "schedule": "none", "augment": None, "max_norm": None, "accumulate": 1}
    stopped(5, tmp_path, **plain)
    same(run(seed=7, out=tmp_path, resume=True, **plain), run(**plain))


def test_the_generators_counter_goes_on(tmp_path):
    stopped(5, tmp_path)
    run(seed=7, out=tmp_path, resume=True)
    assert tl.random.default_generator.seed == 0


def test_patience_counts_across_the_stop(tmp_path, capsys):
    hasty = {"epochs": 50, "patience": 2, "schedule": "none"}
    whole = run(**hasty)
    epochs = len(whole[4]["loss"])
    assert 2 < epochs < 50
    stopped(4 * (epochs - 1) + 1, tmp_path, **hasty)  # in the last epoch
    same(run(seed=7, out=tmp_path, resume=True, **hasty), whole)
    before = (tmp_path / "last.safetensors").read_bytes()
    capsys.readouterr()
    same(run(seed=7, out=tmp_path, resume=True, **hasty), whole)  # loads what there is
    words = f"holds a run that stopped as no epoch was better than number {epochs - 2} in 2 more; raise patience"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("nothing is left to do: ")
    assert words in line
    assert (tmp_path / "last.safetensors").read_bytes() == before


def test_total_steps_is_the_length_of_the_schedule():
    assert total_steps(TRAIN, EPOCHS, BATCH, ACCUMULATE) == STEPS
    assert run()[2]["last_epoch"] == STEPS
    assert (
        lr_scheduler.CosineAnnealingLR(tl.optim.SGD([tl.tensor([1.0])]), total_steps((TRAIN.x, TRAIN.y), 2)).T_max == 2
    )


# --- what does not fit ---------------------------------------------------------------------------------------------


@pytest.fixture
def begun(tmp_path):
    """A folder with a run that was stopped in its second epoch."""
    stopped(5, tmp_path)
    return tmp_path


OTHERS = {
    "optimizer was SGD(lr=0.05, |and is Adam(lr=0.01, ": {"optimizer": "adam"},
    "scheduler was CosineAnnealingLR(T_max=6, eta_min=0.0) and is StepLR(step_size=2, gamma=0.5)": {"schedule": "step"},
    "scheduler was CosineAnnealingLR(T_max=6, eta_min=0.0) and is None": {"schedule": "none"},
    "batch_size was 4 and is 5": {"batch_size": 5},
    "accumulate was 2 and is 1": {"accumulate": 1},
    "augment was Augment(flip=True, pad_crop=1, noise=0.1) and is None": {"augment": None},
}


@pytest.mark.parametrize("words", OTHERS)
def test_a_checkpoint_of_another_run_is_refused(words, begun):
    before = (begun / "last.safetensors").read_bytes()
    check_message(lambda: run(out=begun, resume=True, **OTHERS[words]), ValueError, f"last.safetensors|{words}")
    assert (begun / "last.safetensors").read_bytes() == before


def fit(out, model=None, train=TRAIN, seed=0):
    model = model or net()
    optimizer = OPTIMIZERS["momentum"](model.parameters())
    options = {
        "batch_size": BATCH,
        "accumulate": ACCUMULATE,
        "augment": AUGMENT,
        "seed": seed,
        "out": out,
        "resume": True,
    }
    return tl.fit(
        model, train, VAL, epochs=3, optimizer=optimizer, scheduler=CosineAnnealingLR(optimizer, 6), **options
    )


def test_other_data_seed_and_model_are_refused(begun):
    check_message(lambda: fit(begun, train=data(13, 1)), ValueError, "pictures was 14 and is 13")
    check_message(lambda: fit(begun, seed=1), ValueError, "seed was 0 and is 1")
    model = net(5)
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    check_message(
        lambda: fit(begun, model), ValueError, "of another model|0.weight has shape (4, 1, 3, 3)|(5, 1, 3, 3)"
    )
    np.testing.assert_equal({name: value.numpy() for name, value in model.state_dict().items()}, before)


def test_no_checkpoint_and_files_that_are_none(tmp_path):
    (tmp_path / "last.safetensors").write_text("words")
    check_message(lambda: fit(tmp_path), tl.io.FileError, "last.safetensors|is no .safetensors file")
    os.remove(tmp_path / "last.safetensors")
    tl.save(net(), tmp_path / "last.safetensors")
    check_message(lambda: fit(tmp_path), ValueError, "holds a net but no training|tl.models.load")
    os.remove(tmp_path / "last.safetensors")
    tl.save(net(), tmp_path / "last.safetensors", {"training": {"run": {}, "generator": 7}})
    check_message(lambda: fit(tmp_path), tl.io.FileError, "last.safetensors|its training is not as fit writes it")
    check_message(lambda: run(resume=True), ValueError, "resume=True|out=")


def test_an_earlier_run_is_not_overwritten(begun):
    before = {path.name: path.read_bytes() for path in begun.iterdir()}
    assert sorted(before) == ["best.safetensors", "last.safetensors"]
    check_message(lambda: run(out=begun), FileExistsError, "last.safetensors|earlier run|resume=True|another out=")
    os.remove(begun / "last.safetensors")
    check_message(lambda: run(out=begun), FileExistsError, "best.safetensors|earlier run")
    assert (begun / "best.safetensors").read_bytes() == before["best.safetensors"]
