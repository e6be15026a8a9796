"""What captures its steps when asked to: training, SmoothGrad, rendering; to the bits of a run without."""

import warnings

import numpy as np
import pytest

import tinylucid as tl
from tests.words import check_message
from tinylucid.capturing import Graph

nn, optim, visualize = tl.nn, tl.optim, tl.visualize


@pytest.fixture(autouse=True)
def no_warnings():
    """A warning, such as that a step runs eagerly, is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture
def replays(monkeypatch):
    """The graphs that were launched, one entry a launch."""
    launched = []
    original = Graph.run
    monkeypatch.setattr(Graph, "run", lambda self, arguments: (launched.append(self), original(self, arguments))[1])
    return launched


def net(dropout=0.25):
    """A bit of everything, on the GPU."""
    tl.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(2),
        nn.Flatten(), nn.Dropout(dropout), nn.Linear(16, 3),
    ).to("cuda")  # fmt: skip


def data(n=14):
    """Pictures, and classes that they tell."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 3
    return (rng.random((n, 3, 8, 8)) + y[:, None, None, None]).astype(np.float32), y


def everything(model, optimizer):
    """The values of a model, of its optimiser and of the generator."""
    state = [s[name] for s in optimizer.state.values() for name in sorted(s)]
    return [
        tl.devices.host(t).tobytes() for t in [*model.state_dict().values(), *state]
    ], tl.random.default_generator.get_state()


def fitted(capture, out=None, epochs=3, **how):
    """A short run with a short last batch, a schedule and clipping."""
    model = net()
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.03, total_steps=9)
    how = {"batch_size": 6, "seed": 1, "optimizer": optimizer, "scheduler": scheduler, "max_norm": 0.5, **how}
    history = tl.fit(model, data(), data(6), epochs=epochs, out=out, capture=capture, **how)
    return {name: v for name, v in vars(history).items() if name != "seconds"}, *everything(model, optimizer)


def test_fit(replays):
    expected = fitted(False)
    assert not replays
    assert fitted(True) == expected
    # of 9 steps one looks at the data, and for each of the two batch sizes one more comes before the capture; two graphs a step
    assert len(replays) == 2 * (9 - 1 - 2)


def test_fit_goes_on_after_a_stop(tmp_path):
    expected = fitted(False)
    fitted(True, tmp_path, epochs=1)
    assert fitted(True, tmp_path, resume=True) == expected


def test_a_nan_is_found_and_the_step_not_taken(tmp_path):
    x, y = data(12)
    x[11] = np.nan
    models = []
    for capture in (False, True):
        model = net()
        optimizer = optim.Adam(model.parameters())
        loader = tl.data.DataLoader(tl.data.ArrayDataset(x, y), 3, shuffle=False)
        message = check_message(
            lambda: tl.fit(model, loader, epochs=2, optimizer=optimizer, capture=capture),  # noqa: B023
            FloatingPointError,
            "epoch 1, step 4 of 4|Picture 2 of batch 0 of this step holds NaN",
        )
        models.append((message, *everything(model, optimizer)))
    assert models[0] == models[1]


def test_a_label_that_is_no_class_is_told(replays):
    class Late(tl.data.ArrayDataset):
        """Its labels go wrong after the data has been looked at."""

        def __getitem__(self, k):
            x, y = super().__getitem__(k)
            return x, np.where(np.asarray(k) >= 9, 7, y)

    x, y = data(12)
    loader = tl.data.DataLoader(Late(x, y), 3, shuffle=False)
    check_message(lambda: tl.fit(net(), loader, epochs=1, capture=True), ValueError, "step 4 of 4|label 7 at position")
    assert replays


@pytest.mark.parametrize("target", [1, [0, 2], lambda z: z[:, 0] - z[:, 1]], ids=["one", "each", "function"])
@pytest.mark.parametrize("method", ["smoothgrad", "smoothgrad_squared", "vargrad"])
def test_smoothgrad(method, target, replays):
    model, x = net(), data(2)[0]
    ask = lambda **how: getattr(tl.explain, method)(model, x, target, n=7, batch_size=4, **how)
    expected = ask()
    assert not replays
    np.testing.assert_array_equal(ask(capture=True), expected)
    assert len(replays) == 2  # of 4 passes the first runs, the second is captured, the last is shorter


def test_smoothgrad_says_what_is_wrong_as_without():
    model, x = net(), data(2)[0]
    ask = lambda target: tl.explain.smoothgrad(model, x, target, n=3, batch_size=2, capture=True)
    check_message(lambda: ask(5), ValueError, "target 5 is outside 0 … 2")
    check_message(lambda: ask(lambda z: z), ValueError, "one number a picture")
    check_message(lambda: ask(lambda z: z[:, 0].detach()), RuntimeError, "no gradient in x")
    check_message(lambda: tl.explain.smoothgrad(model.to("cpu"), x, 0, capture=True), ValueError, "model.to('cuda')")
    other = lambda: tl.explain.smoothgrad(net(), x, 0, method=tl.explain.gradient_x_input, capture=True)
    check_message(other, ValueError, "method=tl.explain.gradient")


OBJECTIVES = {
    "logits": lambda: [visualize.logit(1), visualize.logit(0)],
    "channel": lambda: visualize.channel("0", 2),
    "with a penalty": lambda: visualize.logit(2) - 0.01 * visualize.total_variation(),
}


@pytest.mark.parametrize("transforms", [None, ()], ids=["wobble", "none"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_render(objective, transforms, replays):
    how = tl.data.Preprocess(12, True, mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 3.0)).normalized
    pictures = []
    for capture in (False, True):
        start = visualize.fourier((2, 3, 12, 12), rng=tl.Generator(3))
        how_to = {"steps": 20, "transforms": transforms, "normalize": how, "capture": capture}
        pictures.append(visualize.render(net(), OBJECTIVES[objective](), start, **how_to))
    np.testing.assert_array_equal(*pictures)
    assert len(replays) == 20 - 2  # one run before each of two captures: ReLU has another rule in the first 16 steps


def test_what_cannot_be_captured_is_told():
    x, y = data(6)
    cpu = net().to("cpu")
    check_message(lambda: tl.fit(cpu, (x, y), epochs=1, capture=True), ValueError, "model.to('cuda')")
    two = lambda: tl.fit(net(), (x, y), epochs=1, capture=True, accumulate=2)
    check_message(two, ValueError, "accumulate=2|larger batches")
    start = visualize.fourier((1, 3, 12, 12))
    check_message(
        lambda: visualize.render(cpu, visualize.logit(0), start, capture=True), ValueError, "model.to('cuda')"
    )
    nowhere = visualize.Objective("detached", lambda seen: seen.logits[:, 0].detach())
    rendered = lambda: visualize.render(net(), nowhere, start, capture=True)
    check_message(rendered, RuntimeError, "does not depend on the picture")
