"""Training on the GPU: the steps of the CPU, step by step; fit, going on after a stop, asking, the command line."""

import json

import numpy as np
import pytest
from PIL import Image

import tinylucid as tl
from tinylucid.cli import main

nn, F, optim = tl.nn, tl.nn.functional, tl.optim


@pytest.fixture
def on_gpu():
    """What the test makes lives on the GPU unless it says otherwise."""
    tl.set_default_device("cuda")
    yield
    tl.set_default_device("cpu")


def net():
    """A bit of everything; no bias before batch norm, where its gradient is 0 and all rounding."""
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, groups=4),
        nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.25), nn.Linear(16, 3),
    )  # fmt: skip


def data(n=12, dtype=np.float32):
    """Pictures, and classes that they tell."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 3
    return (rng.standard_normal((n, 2, 8, 8)) + y[:, None, None, None]).astype(dtype), y


RULES = {
    "sgd": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-3, nesterov=True),
    "adam": lambda p: optim.Adam(p, lr=0.01),
    "adamw": lambda p: optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", RULES)
def test_ten_steps_are_those_of_the_cpu(rule, dtype):
    x, y = data(dtype=dtype)
    runs = []
    for device in ("cuda", "cpu"):
        tl.manual_seed(0)
        model = net().to(np.dtype(dtype)).to(device)
        optimizer, losses = RULES[rule](model.parameters()), []
        for _ in range(10):
            loss = F.cross_entropy(model(tl.tensor(x, device=device)), y)
            optimizer.zero_grad()
            loss.backward()
            assert {p.grad.device for p in model.parameters()} == {device}
            losses.append(loss.item())
            optimizer.step()
        runs.append((losses, [tl.devices.host(t) for t in model.state_dict().values()]))
    (losses, there), (expected, here) = runs
    assert losses[-1] < losses[0]
    tolerance = 1e-8 if dtype == np.float64 else 2e-3  # ten steps carry float32's rounding on
    np.testing.assert_allclose(losses, expected, rtol=tolerance)
    for a, b in zip(there, here):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1, np.abs(b).max()))


def test_fit_goes_on_after_a_stop_to_the_same_bits(on_gpu, tmp_path):
    x, y = data(18)
    how = {"batch_size": 6, "seed": 1}

    def trained(epochs, **more):
        tl.manual_seed(0)
        model = net()
        history = tl.fit(model, (x, y), (x, y), epochs=epochs, **how, **more)
        return history, model

    whole, model = trained(3)
    trained(2, out=tmp_path / "run")
    gone_on, again = trained(3, out=tmp_path / "run", resume=True)
    assert {p.device for p in again.parameters()} == {"cuda"}
    assert gone_on.loss == whole.loss
    for a, b in zip(model.parameters(), again.parameters()):
        np.testing.assert_array_equal(a.detach().cpu().numpy(), b.detach().cpu().numpy())


def test_asking_gives_numpy_arrays(on_gpu):
    tl.manual_seed(0)
    model, (x, y) = net(), data()
    found, logits = tl.evaluate(model, (x, y)), tl.predict(model, x)
    assert type(logits) is np.ndarray
    np.testing.assert_array_equal(found.logits, logits)
    expected = tl.predict(model.to("cpu"), x)
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    assert "Conv2d" in str(tl.summary(model.to("cuda"), (2, 8, 8)))


def test_a_loss_that_is_no_number_is_found_on_the_gpu(on_gpu):
    x, y = data()
    x[3, 0, 0, 0] = np.nan
    with pytest.raises(FloatingPointError, match=r"Picture \d+ of batch 0"):
        tl.fit(net(), (x, y), epochs=1, batch_size=12)


@pytest.mark.parametrize("name", ["lenet", "texture_net", "resnet", "separable", "vgg"])
def test_the_nets_by_name_answer_as_on_the_cpu(name):
    tl.manual_seed(0)
    model = tl.models.build(name, classes=3)
    channels = next(p for p in model.parameters() if p.ndim == 4).shape[1]
    x = tl.randn(1, channels, 32, 32).numpy()
    expected = tl.predict(model, x)
    np.testing.assert_allclose(tl.predict(model.to("cuda"), x), expected, atol=1e-4 * np.abs(expected).max())


def test_the_command_line_computes_there(tmp_path, capsys):
    tl.manual_seed(0)
    how = tl.data.Preprocess(16, mean=(0.5,) * 3, std=(0.25,) * 3)
    model = tl.models.build("texture_net", classes=2, channels=3)
    tl.models.save(model, tmp_path / "net.safetensors", ("dark", "bright"), how)
    picture = np.random.default_rng(0).integers(0, 255, (16, 16, 3)).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "one.png")
    answers = []
    for device in ("cuda", "cpu"):
        command = [
            "predict",
            str(tmp_path / "net.safetensors"),
            str(tmp_path / "one.png"),
            "--json",
            "--device",
            device,
        ]
        assert main(command) == 0
        assert tl.get_default_device() == "cpu", "the command puts it back"
        answers.append(json.loads(capsys.readouterr().out))
    assert str(answers[0])[:80] == str(answers[1])[:80]
