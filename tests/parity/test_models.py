"""The nets and their files against PyTorch: the same keys, the same outputs from the same weights, files read both ways."""

from collections import OrderedDict

import numpy as np
import pytest

import tinylucid as tl
from tinylucid import models, nn

from .compare import array, noise

torch = pytest.importorskip("torch")
files = pytest.importorskip("safetensors.torch")
pytestmark = pytest.mark.parity


class Block(torch.nn.Module):
    """torchvision's BasicBlock, from its source."""

    def __init__(self, into, out, stride):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(into, out, 3, stride, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(out)
        self.conv2 = torch.nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or into != out:
            conv = torch.nn.Conv2d(into, out, 1, stride, bias=False)
            self.downsample = torch.nn.Sequential(conv, torch.nn.BatchNorm2d(out))

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(out)) + identity)


class ResNet18(torch.nn.Module):
    """torchvision's resnet18, from its source."""

    def __init__(self, classes):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(64)
        self.layer1 = torch.nn.Sequential(Block(64, 64, 1), Block(64, 64, 1))
        self.layer2 = torch.nn.Sequential(Block(64, 128, 2), Block(128, 128, 1))
        self.layer3 = torch.nn.Sequential(Block(128, 256, 2), Block(256, 256, 1))
        self.layer4 = torch.nn.Sequential(Block(256, 512, 2), Block(512, 512, 1))
        self.fc = torch.nn.Linear(512, classes)

    def forward(self, x):
        x = torch.nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def twin(module):
    """The same layers in PyTorch, made from what ours print: so the printed arguments are the right ones too."""
    if isinstance(module, nn.Sequential):
        return torch.nn.Sequential(OrderedDict((name, twin(child)) for name, child in module._modules.items()))
    return eval(repr(module), vars(torch.nn).copy())


def trained(theirs):
    """PyTorch's net with biases and statistics that are no longer 0 and 1."""
    for k, value in enumerate(theirs.state_dict().values()):
        if value.ndim == 1:
            value.copy_(torch.tensor(np.abs(noise(value.shape, k)) * 0.3 + 0.5))
    return theirs


def same_outputs(ours, theirs, shape):
    """Assert that both give the same to 1e-4 of the largest, evaluating and training, and learn the same statistics."""
    x = noise(shape, 1).astype(np.float32)
    for training in (False, True):
        ours.train(training)
        theirs.train(training)
        for net in (ours, theirs):
            for module in net.modules():
                if type(module).__name__ == "Dropout":
                    module.eval()  # the two draw differently
        got, wanted = array(ours(tl.tensor(x))), array(theirs(torch.tensor(x)).detach())
        assert np.abs(got - wanted).max() <= 1e-4 * max(1, np.abs(wanted).max())
    for name, value in theirs.state_dict().items():
        np.testing.assert_allclose(array(ours.state_dict()[name]), array(value), rtol=1e-3, atol=1e-4, err_msg=name)


def test_resnet18_is_torchvisions(tmp_path):
    torch.manual_seed(0)
    ours, theirs = models.resnet18(10, 3), trained(ResNet18(10))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    files.save_file(theirs.state_dict(), tmp_path / "torch.safetensors")
    assert ours.load_state_dict(tl.load(tmp_path / "torch.safetensors")) == ([], [])
    same_outputs(ours, theirs, (2, 3, 96, 96))


@pytest.mark.parametrize("name", sorted({*models.CLASSIFIERS} - {"resnet", "resnet18"}))
def test_sequential_nets(name):
    torch.manual_seed(0)
    ours = models.build(name)
    theirs = trained(twin(ours))
    assert ours.load_state_dict(theirs.state_dict()) == ([], [])
    same_outputs(ours, theirs, (4, ours.architecture["arguments"]["channels"], 32, 32))


def layers(p, x, key, training, relu=True):
    """Convolution, batch norm and ReLU, by the net's state p."""
    y = torch.conv2d(x, p[f"{key}.conv.weight"], padding=1)
    running = p[f"{key}.norm.running_mean"], p[f"{key}.norm.running_var"]
    norm = torch.nn.functional.batch_norm
    y = norm(y, *running, p[f"{key}.norm.weight"], p[f"{key}.norm.bias"], training)
    return torch.relu(y) if relu else y


def their_fcn(p, x, stride, training):
    pools = {0: x}
    for k in range(1, 6):
        y = layers(p, pools[k - 1], f"encoder.stage{k}", training)
        pools[k] = torch.max_pool2d(y, 2, ceil_mode=True)

    def enlarged(scores, key, s, like):
        y = torch.conv_transpose2d(scores, p[f"{key}.weight"], None, s, s // 2, groups=scores.shape[1])
        return y[:, :, : like.shape[2], : like.shape[3]]

    scores = torch.conv2d(pools[5], p["score_pool5.weight"], p["score_pool5.bias"])
    for k in range(4, 2 + (stride == 16) + 2 * (stride == 32), -1):
        skip = torch.conv2d(pools[k], p[f"score_pool{k}.weight"], p[f"score_pool{k}.bias"])
        scores = enlarged(scores, f"upscore_pool{k + 1}", 2, skip) + skip
    return enlarged(scores, "upscore", stride, x)


def their_segnet(p, x, training):
    undo = []
    for k in range(5):
        x = layers(p, x, f"encoder.{k}", training)
        size = x.shape[2:]
        x, places = torch.nn.functional.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
        undo.append((places, size))
    for k in range(5):
        places, size = undo.pop()
        x = layers(
            p, torch.nn.functional.max_unpool2d(x, places, 2, output_size=size), f"decoder.{k}", training, relu=False
        )
    return torch.conv2d(x, p["score.weight"], p["score.bias"])


def their_skip_net(p, x, training):
    maps = []
    for k in range(4):
        x = torch.max_pool2d(x, 2, ceil_mode=True) if k else x
        for j in range(2):
            x = layers(p, x, f"stages.stride{2**k}.{j + (k > 0)}", training)
        maps.append(x)
    logits = None
    for k in reversed(range(4)):
        finer = torch.conv2d(maps[k], p[f"scores.stride{2**k}.weight"], p[f"scores.stride{2**k}.bias"])
        if logits is not None:
            larger = torch.nn.functional.interpolate(logits, scale_factor=2, mode="bilinear")
            finer = finer + larger[:, :, : finer.shape[2], : finer.shape[3]]
        logits = finer
    return logits


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("name", sorted(models.SEGMENTERS))
def test_segmenters_and_their_gradients(name, training):
    ours = models.build(name, classes=3, channels=2, width=2).to(tl.float64).train(training)
    theirs = {
        key: torch.tensor(array(v), requires_grad=v.ndim > 0 and "running" not in key)
        for key, v in ours.state_dict().items()
    }
    x, g = noise((2, 2, 45, 70), 1), noise((2, 3, 45, 70), 2)
    mine, leaf = tl.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    plain = {"segnet": their_segnet, "skip_net": their_skip_net}
    known = name in plain
    wanted = plain[name](theirs, leaf, training) if known else their_fcn(theirs, leaf, ours.stride, training)
    wanted.backward(torch.tensor(g))
    y = ours(mine)
    y.backward(tl.tensor(g))
    pairs = [(y, wanted.detach()), (mine.grad, leaf.grad)]
    pairs += [(p.grad, theirs[key].grad) for key, p in ours.named_parameters() if p.requires_grad]
    for one, other in pairs:
        np.testing.assert_allclose(array(one), array(other), rtol=0, atol=1e-10 * max(1, np.abs(array(other)).max()))
    for key, buffer in ours.named_buffers():
        if buffer.ndim:
            np.testing.assert_allclose(array(buffer), array(theirs[key]), rtol=0, atol=1e-10)


def test_pytorch_reads_our_files_and_we_read_its(tmp_path):
    arrays = {
        "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
        "double": np.array([1e-300, np.inf, -0.0]),
        "count": np.array(7, np.int64),
        "bytes": np.arange(5, dtype=np.uint8),
        "flags": np.array([[True], [False]]),
        "empty": np.zeros((0, 3), np.int32),
    }
    path = tmp_path / "ours.safetensors"
    tl.save(arrays, path, {"classes": ["a", "b"]})
    read = files.load_file(path)
    assert set(read) == set(arrays)
    for name, a in arrays.items():
        b = read[name].numpy()
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes()), name
    files.save_file(read, tmp_path / "theirs.safetensors", {"format": "pt"})
    state = tl.load(tmp_path / "theirs.safetensors")
    assert state.metadata == {"format": "pt"}
    for name, a in arrays.items():
        b = state[name]
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes()), name


@pytest.mark.parametrize(("dtype", "words"), [(torch.bfloat16, "'w' is bfloat16"), (torch.float16, "'w' is float16")])
def test_half_precision_of_pytorch_is_named(tmp_path, dtype, words):
    files.save_file({"w": torch.ones(2, dtype=dtype)}, tmp_path / "x.safetensors")
    with pytest.raises(tl.io.FileError, match=f"{words}, which tinylucid does not have; convert it to float32 first"):
        tl.load(tmp_path / "x.safetensors")


@pytest.mark.parametrize("old", [False, True], ids=["zip", "pickle"])
@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_torch_save_is_refused(tmp_path, ending, old):
    torch.save({"w": torch.ones(2)}, tmp_path / f"x{ending}", _use_new_zipfile_serialization=not old)
    with pytest.raises(tl.io.FileError, match="PyTorch's"):
        tl.load(tmp_path / f"x{ending}")
