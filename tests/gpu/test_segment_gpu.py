"""What surrounds nets for pixels, on the GPU with the CPU's numbers."""

import numpy as np
from words import check_message

import tinylucid as tl
from tinylucid import explain, segment


def test_dice_and_its_slope_are_the_cpus():
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=(2, 3, 5, 6)), rng.integers(0, 3, (2, 5, 6))
    y[0, 0, 0] = -100
    slopes = []
    for device in ("cpu", "cuda"):
        logits = tl.tensor(z, device=device, requires_grad=True)
        segment.dice_loss(logits, y, weight=[1.0, 2.0, 3.0]).backward()
        assert logits.grad.device == device
        slopes.append(tl.devices.host(logits.grad))
    np.testing.assert_allclose(*slopes, atol=1e-12)


def test_tiles_regions_and_scores_are_the_cpus():
    rng = np.random.default_rng(1)
    x, mask = rng.normal(size=(1, 1, 20, 27)).astype(np.float32), rng.random((20, 27)) < 0.5
    net = tl.models.skip_net(2, 1, 2)
    data, found = (x, mask[None].astype(int)), []
    for device in ("cpu", "cuda"):
        net.to(device)
        maps = explain.gradient(net, x, segment.region(1, mask))
        found.append((segment.tiled(net, x, tile=16, overlap=8), maps, segment.judge(net, data).confusion))
    for on_cpu, on_gpu in zip(*found):
        assert type(on_gpu) is type(on_cpu)
        np.testing.assert_allclose(on_gpu, on_cpu, atol=1e-5)


def test_what_would_stop_training_is_said_there_too():
    x, y = np.zeros((8, 1, 6, 6), np.float32), np.zeros((8, 6, 6), int)
    y[int(tl.data.keyed.order(0, 0, 8)[-1])] = 5
    net = tl.nn.Sequential(tl.nn.Conv2d(1, 2, 3, padding=1)).to("cuda")
    check_message(
        lambda: tl.fit(net, (x, y), epochs=1, batch_size=4), ValueError, "step 1 of 2: train, picture|label 5|0 … 1"
    )
