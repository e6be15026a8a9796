"""The nets: sizes against the papers, gradients end to end, and files from which the same net comes back."""

import json

import numpy as np
import pytest

import tinylucid as tl
from tinylucid import models, nn
from tinylucid.io import FileError

TINY = {  # name: arguments of a small instance, and the shape of its input
    "fcn16s": ({"classes": 3, "width": 1, "channels": 1}, (2, 1, 32, 33)),
    "fcn32s": ({"classes": 3, "width": 1, "channels": 1}, (2, 1, 32, 33)),
    "fcn8s": ({"classes": 3, "width": 1, "channels": 1}, (2, 1, 32, 33)),
    "lenet": ({"classes": 3, "size": 16}, (2, 1, 16, 16)),
    "resnet": ({"classes": 3, "depth": 8, "width": 2, "channels": 1}, (2, 1, 8, 8)),
    "resnet18": ({"classes": 3, "width": 2}, (2, 3, 48, 48)),
    "segnet": ({"classes": 3, "width": 1, "channels": 1}, (2, 1, 32, 33)),
    "separable": ({"classes": 3, "width": 2, "channels": 1}, (2, 1, 8, 8)),
    "skip_net": ({"classes": 3, "width": 1}, (2, 1, 8, 9)),
    "texture_net": ({"classes": 3}, (2, 1, 8, 8)),
    "vgg": ({"classes": 3, "size": 16, "width": 2, "channels": 2}, (2, 2, 16, 16)),
}
ANSWERING = {**models.CLASSIFIERS, **models.SEGMENTERS}  # nets of pictures; those of a GAN are in test_gan.py
every_name = pytest.mark.parametrize("name", sorted(ANSWERING))


def tiny(name):
    """The small instance, with biases and statistics that are no longer 0 and 1, and an input."""
    arguments, shape = TINY[name]
    model, rng = models.build(name, **arguments), np.random.default_rng(3)
    for tensor in [*model.parameters(), *model.buffers()]:
        if tensor.ndim == 1:
            tensor.data[...] = rng.uniform(0.5, 1.5, tensor.shape)
    return model, rng.normal(size=shape)


def count(model):
    """How many numbers are trained."""
    return sum(p.size for p in model.parameters())


# --- the nets ----------------------------------------------------------------------------------------------------------


def test_every_net_is_checked_here():
    assert set(TINY) == set(ANSWERING)
    assert set(models.NAMES) == {f for f in models.__all__ if f in models.NAMES}
    assert sorted(models.NAMES) == sorted([*models.CLASSIFIERS, *models.SEGMENTERS, *models.GANS])


@every_name
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_gradients_end_to_end(name, training):
    """In the input and six parameters spread over the net: each gradient has come through all the layers above it."""
    model, x = tiny(name)
    parameters = list(model.to(tl.float64).requires_grad_(False).parameters())
    for k in np.linspace(0, len(parameters) - 1, 6).astype(int):
        parameters[k].requires_grad = True
    assert tl.gradcheck(model.train(training), x, directions=1)


@every_name
def test_shapes_and_dtypes(name):
    model, x = tiny(name)
    logits = model(tl.tensor(x.astype(np.float32)))
    places = x.shape[2:] if name in models.SEGMENTERS else ()
    assert (logits.shape, logits.dtype) == ((len(x), 3, *places), tl.float32)
    model.to(tl.float64)
    assert model(tl.tensor(x)).dtype == tl.float64


@every_name
def test_classes_and_channels_are_arguments_of_every_net(name):
    model = models.build(name, classes=7, channels=2, **({} if name in ("lenet", "texture_net") else {"width": 4}))
    assert next(p for p in model.parameters()).shape[1] == 2
    assert [p for p in model.parameters() if p.ndim == 1][-1].shape == (7,)


def test_parameters_are_as_many_as_in_the_papers():
    assert count(models.lenet()) == count(models.lenet(size=28, padding=2)) == 61_706
    assert count(models.resnet18(1000, 3)) == 11_689_512
    projections = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64  # option B's 1×1 convolutions with their batch norms
    assert count(models.resnet()) - projections == 269_722  # ResNet-20 as the literature counts it, option A


@pytest.mark.parametrize(
    ("model", "side", "flow"),
    [
        (
            models.fcn8s(width=1), 64,
            [(3, 64), (3, 32), (4, 32), (4, 16), (8, 16), (8, 8), (8, 4), (12, 4), (12, 2), (10, 2), (10, 4), (10, 8), (10, 64)],
        ),
        (
            models.segnet(width=1), 64,
            [
                (3, 64), (3, 32), (4, 32), (4, 16), (8, 16), (8, 8), (8, 4), (12, 4), (12, 2), (12, 4), (8, 4), (8, 8), (8, 16),
                (4, 16), (4, 32), (3, 32), (3, 64), (10, 64),
            ],
        ),
        (
            models.skip_net(), 64,
            [(16, 64), (16, 32), (32, 32), (32, 16), (48, 16), (48, 8), (64, 8), (2, 8), (2, 16), (2, 32), (2, 64)],
        ),
        (models.lenet(), 32, [(6, 28), (6, 14), (16, 10), (16, 5)]),
        (models.lenet(size=28, padding=2), 28, [(6, 28), (6, 14), (16, 10), (16, 5)]),
        (models.resnet(width=4), 32, [(4, 32), (8, 16), (16, 8), (16, 1)]),
        (models.resnet18(width=4), 32, [(4, 16), (4, 8), (8, 4), (16, 2), (32, 1)]),
        (models.separable(width=4), 32, [(4, 32), (8, 32), (16, 16), (32, 8), (32, 1)]),
        (models.texture_net(), 32, [(16, 32), (16, 16), (32, 16), (32, 8), (64, 8), (64, 4), (64, 1)]),
        (models.vgg(width=4), 32, [(4, 32), (4, 16), (8, 16), (8, 8), (16, 8), (16, 4)]),
    ],
    ids=lambda v: type(v).__name__,
)  # fmt: skip
def test_the_flow_of_shapes_is_the_docstrings(model, side, flow):
    """(channels, side) of each plane that is new, leaving out the 3×3 convolutions that run before a 1×1 one."""
    shapes = []
    for row in tl.summary(model, (next(model.parameters()).shape[1], side, side)).rows:
        if len(row.output_shape) == 4 and "depthwise" not in row.name and row.output_shape[1:3] not in shapes[-1:]:
            shapes.append(row.output_shape[1:3])
    assert shapes == flow


@pytest.mark.parametrize("depth", [8, 20, 32])
def test_depth_counts_the_layers_with_weights(depth):
    kinds = [type(m) for name, m in models.resnet(depth=depth).named_modules() if "downsample" not in name]
    assert kinds.count(nn.Conv2d) + kinds.count(nn.Linear) == depth


def test_separable_is_cheaper_than_whole_convolutions():
    names = {name: p.size for name, p in models.separable(width=32).named_parameters() if p.ndim == 4}
    assert names["features.3.depthwise.conv.weight"] == 9 * 128
    assert names["features.3.pointwise.conv.weight"] == 128 * 128


def test_resnet18_has_torchvisions_names():
    keys = list(models.resnet18(width=2).state_dict())
    assert keys[:6] == [
        "conv1.weight",
        *(f"bn1.{n}" for n in ("weight", "bias", "running_mean", "running_var")),
        "bn1.num_batches_tracked",
    ]
    assert "layer2.0.downsample.0.weight" in keys
    assert "layer4.1.bn2.running_var" in keys
    assert keys[-2:] == ["fc.weight", "fc.bias"]
    assert len(keys) == 122


def test_a_residual_block_adds_its_input():
    model, x = tiny("resnet")
    block = model.eval().layer1[0]
    block.bn2.weight.data[:], block.bn2.bias.data[:] = 0, 0  # f = 0
    x = tl.randn(2, 2, 5, 5)
    assert np.array_equal(block(x).data, np.maximum(x.data, 0))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: models.resnet(depth=21), r"resnet: depth must be 6n \+ 2 \(8, 14, 20, 26, 32, …\), got 21"),
        (lambda: models.resnet(depth=2), "got 2"),
        (
            lambda: models.lenet(size=15),
            "lenet: pictures must be at least 16×16 with their padding, got size=15, padding=0",
        ),
        (lambda: models.vgg(size=7), "vgg: pictures must be at least 8×8, got size=7"),
    ],
)
def test_arguments_that_make_no_net(build, words):
    with pytest.raises(ValueError, match=words):
        build()


# --- by name -----------------------------------------------------------------------------------------------------------


def test_build_notes_the_architecture_with_the_defaults():
    model = models.build("lenet", classes=4)
    assert model.architecture == {"name": "lenet", "arguments": {"classes": 4, "channels": 1, "size": 32, "padding": 0}}


def test_build_names_the_models_and_their_arguments():
    with pytest.raises(
        ValueError, match=r"no model 'resnet19'; did you mean 'resnet18'\? there are lenet, resnet, resnet18, sep"
    ):
        models.build("resnet19")
    with pytest.raises(ValueError, match="no model 'xyz'; there are lenet"):
        models.build("xyz")
    with pytest.raises(
        TypeError, match=r"vgg: got an unexpected .* 'depth'; it takes classes=10, channels=3, size=32, width=32"
    ):
        models.build("vgg", depth=3)


# --- files -------------------------------------------------------------------------------------------------------------

PREPARED = tl.data.Preprocess(16, color=False, mean=(0.4,), std=(0.2,))


def rewritten(path, change):
    """Change a file's metadata and arrays, honestly signed; the path."""
    state = tl.load(path)
    metadata = state.metadata
    change(metadata, state)
    tl.save(state, path, metadata)
    return path


@pytest.mark.parametrize("ending", [".safetensors", ".npz"])
@every_name
def test_a_saved_model_comes_back(tmp_path, name, ending):
    model, x = tiny(name)
    x = tl.tensor(x.astype(np.float32))
    path = tmp_path / f"model{ending}"
    models.save(model, path, ["cat", "dog", "鳥"], PREPARED, {"epoch": 3})
    wanted = model.eval()(x).data
    tl.manual_seed(9)
    saved = models.load(path)
    assert not any(m.training for m in saved.model.modules())
    assert np.array_equal(saved.model(x).data, wanted)
    assert saved.model.architecture == model.architecture
    assert saved.classes == ("cat", "dog", "鳥")
    assert saved.preprocess == PREPARED
    assert saved.metadata == {"epoch": 3}


def test_what_is_left_out_is_empty(tmp_path):
    models.save(tiny("lenet")[0], tmp_path / "x.npz")
    _, *rest = models.load(tmp_path / "x.npz")
    assert rest == [(), None, {}]


def test_entries_of_the_training_are_left_out(tmp_path):
    model = tiny("lenet")[0]
    state = {**model.state_dict(), "//momentum.fc3.bias": np.ones(3), "//step": np.array(7)}
    tl.save(state, tmp_path / "x.npz", {**models.about(model, ["a", "b", "c"]), "best": 0.5})
    saved = models.load(tmp_path / "x.npz")
    assert (saved.classes, saved.metadata) == (("a", "b", "c"), {"best": 0.5})
    assert tl.load(tmp_path / "x.npz")["//step"] == 7


def test_a_model_of_ones_own_is_saved_and_loaded_by_its_state(tmp_path):
    path = tmp_path / "own.safetensors"
    own = nn.Sequential(nn.Linear(3, 2))
    models.save(own, path, ["a", "b"])
    with pytest.raises(FileError) as error:
        models.load(path)
    words = (
        "names no architecture (the model was not made by tl.models.build, or another program wrote it); make the model"
    )
    assert str(error.value) == f"{path}: {words} yourself and use model.load_state_dict(tl.load(path))"
    other = nn.Sequential(nn.Linear(3, 2))
    assert other.load_state_dict(tl.load(path)) == ([], [])
    assert np.array_equal(other[0].weight.data, own[0].weight.data)


def test_metadata_under_our_names_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"metadata must not have the names architecture, classes, preprocess, got classes"
    ):
        models.save(tiny("lenet")[0], tmp_path / "x.npz", metadata={"classes": 3, "epoch": 1})
    assert list(tmp_path.iterdir()) == []


def put(key, value):
    """A change of the metadata."""
    return lambda metadata, state: metadata.__setitem__(key, value)


def put_argument(key, value):
    """A change of the architecture's arguments."""
    return lambda metadata, state: metadata["architecture"]["arguments"].__setitem__(key, value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m, s: m.pop("architecture"), "names no architecture"),
        (put("architecture", {"name": "alexnet", "arguments": {}}), "cannot be built: there is no model 'alexnet'"),
        (put("architecture", {"name": ["lenet"], "arguments": {}}), "cannot be built: "),
        (put("architecture", {"arguments": {}}), "cannot be built: 'name'"),
        (put("architecture", [1]), "cannot be built: "),
        (put_argument("depth", 3), "cannot be built: lenet: got an unexpected keyword argument 'depth'; it takes classes=10"),
        (put_argument("classes", 10**12), "'size': 16, 'padding': 0} would be larger than the file"),
        (put_argument("classes", "many"), "cannot be built: "),
        (put_argument("classes", 4), "2 of wrong shape (fc3.weight has shape (3, 84), expected (4, 84)"),
        (put("architecture", {"name": "texture_net", "arguments": {}}), "not those of the architecture it names: load_state_"),
        (lambda m, s: s.pop("fc1.bias"), "1 missing ('fc1.bias')"),
        (lambda m, s: s.update({"fc9.bias": np.ones(1)}), "1 unexpected ('fc9.bias')"),
        (lambda m, s: s.update({"fc3.bias": np.ones(5)}), "1 of wrong shape (fc3.bias has shape (5,), expected (3,))"),
        (put("classes", "abc"), "its metadata 'classes' must be a list of names, got abc"),
        (put("classes", [1, 2]), "its metadata 'classes' must be a list of names, got [1, 2]"),
        (put("preprocess", {"colour": 3}), "its metadata 'preprocess' is not what tl.data.Preprocess takes"),
        (put("preprocess", [3]), "its metadata 'preprocess' is not what tl.data.Preprocess takes"),
    ],
)  # fmt: skip
def test_files_that_hold_no_such_model(tmp_path, change, words):
    models.save(tiny("lenet")[0], tmp_path / "x.safetensors", ["a", "b", "c"], PREPARED)
    path = rewritten(tmp_path / "x.safetensors", change)
    with pytest.raises(FileError) as error:
        models.load(path)
    assert str(error.value).startswith(f"{path}: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_checkpoint_of_another_architecture_names_a_few_keys(tmp_path):
    model = models.build("resnet", depth=8)
    models.save(models.build("vgg"), tmp_path / "x.npz")
    with pytest.raises(RuntimeError) as error:
        model.load_state_dict(tl.load(tmp_path / "x.npz"))
    own, given = len(model.state_dict()), len(tl.load(tmp_path / "x.npz"))
    first = "'conv1.weight', 'bn1.weight', 'bn1.bias', 'bn1.running_mean', 'bn1.running_var', …"
    text = str(error.value)
    assert text.startswith(
        f"load_state_dict into ResNet: {own} missing ({first}); {given} unexpected ('features.0.weight', "
    )
    assert "wrong shape" not in text
    assert len(text) < 400


def test_the_metadata_is_readable_by_anyone(tmp_path):
    models.save(tiny("lenet")[0], tmp_path / "x.safetensors", ["a", "b", "c"], PREPARED)
    raw = (tmp_path / "x.safetensors").read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    metadata = json.loads(header["__metadata__"]["metadata"])
    assert metadata["architecture"]["name"] == "lenet"
    assert metadata["preprocess"] == {"size": 16, "color": False, "mean": [0.4], "std": [0.2], "per_picture": False}
