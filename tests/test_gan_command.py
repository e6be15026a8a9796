"""``tinylucid gan``: trains, goes on, scores, draws; and what it is asked in vain is one line. The recipe reaches its bars."""

import json

import numpy as np
import pytest
from PIL import Image

import tinylucid as tl
from tinylucid.cli import main
from tinylucid.gan import recipes
from tinylucid.random import default_generator

FILES = ["samples.png", "nearest.png", "walk.gif", "samples.gif", "generator.safetensors", "last.safetensors"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Bright and dark pictures, in a folder each."""
    path, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for name, low in (("bright", 128), ("dark", 0)):
        (path / name).mkdir()
        for k in range(8):
            Image.fromarray((low + 127 * rng.random((8, 8, 3))).astype(np.uint8)).save(path / name / f"{k}.png")
    return path


@pytest.fixture
def quick(monkeypatch):
    """Recipes of few steps."""
    made = recipes.convolutional
    monkeypatch.setattr(recipes, "convolutional", lambda *args: shorter(made(*args)))
    of_digits = recipes.digits
    monkeypatch.setattr(recipes, "digits", lambda seed: shorter(of_digits(seed)))


def shorter(recipe):
    recipe.how.update(steps_per_epoch=3, batch_size=4)
    return recipe


def test_a_folder_of_ones_own(folder, tmp_path, capsys, quick):
    assert main(["gan", str(folder), "--size", "8", "--epochs", "2", "--out", str(tmp_path / "gan")]) == 0
    out = capsys.readouterr().out
    assert "this GAN" in out
    assert "class Gaussian" in out
    assert "misses" in out
    assert [line.split("/")[-1] for line in out.splitlines()[-6:]] == FILES
    assert all((tmp_path / "gan" / name).stat().st_size for name in FILES)
    saved = tl.models.load(tmp_path / "gan" / "generator.safetensors")
    assert saved.classes == ("bright", "dark")
    assert tl.gan.sample(saved.model, 2, [0, 1]).shape == (2, 3, 8, 8)
    with Image.open(tmp_path / "gan" / "walk.gif") as film:
        assert film.n_frames == 80
    capsys.readouterr()
    assert (
        main(["gan", str(folder), "--size", "8", "--epochs", "3", "--out", str(tmp_path / "gan"), "--resume", "--json"])
        == 0
    )
    read = capsys.readouterr()
    answer = json.loads(read.out)
    assert set(answer["this GAN"]) > {"recognised", "bars", "spread"}
    assert len(answer["files"]) == 6
    assert "epoch 3/3" in read.err
    assert "epoch 2/3" not in read.err


def test_the_same_seed_gives_the_same_pictures(folder, tmp_path, quick, capsys):
    for name in "ab":
        default_generator.manual_seed(ord(name))
        main(
            ["gan", str(folder), "--size", "8", "--epochs", "1", "--grey", "--seed", "3", "--out", str(tmp_path / name)]
        )
    a, b = (tl.load(tmp_path / name / "generator.safetensors") for name in "ab")
    assert all(np.array_equal(a[key], b[key]) for key in a)
    assert (tmp_path / "a" / "samples.png").read_bytes() == (tmp_path / "b" / "samples.png").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere is neither digits nor textures nor a folder"),
        (["digits", "--size", "12"], "invalid choice: 12"),
        (["digits", "--epochs", "0"], "integer ≥ 1"),
        (["{folder}", "--out", "{folder}/out"], "where it would be taken for a class"),
        (["digits", "--out", "{taken}"], "holds an earlier run|--resume"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments, words, folder, tmp_path, capsys):
    (tmp_path / "last.safetensors").write_bytes(b"")
    arguments = [text.format(folder=folder, taken=tmp_path) for text in arguments]
    try:
        code = main(["gan", *arguments, *(() if "--out" in arguments else ("--out", str(tmp_path / "new")))])
    except SystemExit as stop:
        code = stop.code
    err = capsys.readouterr().err.strip()
    assert code == 2
    assert all(word in err for word in words.split("|"))
    assert "\n" not in err


def test_a_short_training_on_digits_is_on_its_way():
    tl.manual_seed(0)
    recipe = recipes.digits()
    trained = recipe.fit(epochs=3, steps_per_epoch=200)
    y = np.arange(200) % 10
    x = tl.gan.sample(trained.generator, 200, y)
    means = np.stack([recipe.data.train.x[recipe.data.train.y == k].mean(0) for k in range(10)])
    nearest = ((x[:, None] - means) ** 2).sum((2, 3, 4)).argmin(1)
    assert (nearest == y).mean() > 0.6  # by chance 0.1; the mean digit that a sample is nearest to
    assert trained.history.spread[-1] > 0.4
    assert not trained.remarks


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_digits_reach_every_bar(seed):
    tl.manual_seed(seed)
    recipe = recipes.digits(seed)
    trained = recipe.fit(seed=seed)
    assert sum(trained.history.seconds) <= 60
    y = np.arange(1000) % 10
    x = tl.gan.sample(trained.generator, 1000, y, rng=tl.Generator(seed + 1))
    judge = tl.gan.judge_of(recipe.data.train, seed=seed)
    found = tl.gan.compare(judge, *recipe.data, {"GAN": (x, y)}, seed=seed)
    assert all(found.bars("GAN").values()), str(found)
    assert not trained.remarks


@pytest.mark.slow
@pytest.mark.parametrize("way", ["r1", "wgan-gp"])
def test_second_derivatives_train_digits_too(way):
    tl.manual_seed(0)
    recipe = recipes.digits()
    how = {"r1": {"penalty": tl.gan.r1(0.1)}}
    how["wgan-gp"] = {"loss": "wasserstein", "penalty": tl.gan.gradient_penalty(10), "d_steps": 3}
    trained = recipe.fit(**how[way])
    y = np.arange(1000) % 10
    x = tl.gan.sample(trained.generator, 1000, y)
    found = tl.gan.compare(tl.gan.judge_of(recipe.data.train), *recipe.data, {"GAN": (x, y)})
    assert all(found.bars("GAN").values()), str(found)
    assert not trained.remarks
