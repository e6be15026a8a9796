"""tinylucid segment: nets for pixels of coins and mosaics, and pictures of one's own with them."""

import json

import numpy as np
import pytest
from PIL import Image
from test_commands import refused, said

import tinylucid as tl
from tinylucid import segment
from tinylucid.data import Preprocess
from tinylucid.data.picture import PictureError, read_whole


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    """A file with a net of coins, which has hardly learnt anything; the folder holds its figure too."""
    from tinylucid import cli

    out = tmp_path_factory.mktemp("coins")
    assert cli.main(["segment", "coins", "--steps", "3", "--out", str(out)]) == 0
    return out / "model.safetensors"


def test_coins_are_learnt_judged_drawn_and_kept(tmp_path, capsys):
    code, out, err = said(capsys, "segment", "coins", "--steps", 3, "--out", tmp_path / "a" / "b", "--seed", 4)
    assert code == 0
    assert "epoch 1/1" in err
    for part in ("this net, skip_net", "Otsu's threshold", "93.4%", "12 of 12", "background", "coin", "near borders"):
        assert part in out
    assert out.splitlines()[-1] == str(tmp_path / "a" / "b" / "segmentation.png")
    saved = tl.models.load(tmp_path / "a" / "b" / "model.safetensors")
    assert (saved.classes, saved.preprocess) == (("background", "coin"), Preprocess(64, color=False))
    test = tl.data.coins().test
    again = segment.learn_coins(tl.data.coins().train, 3, 4)
    assert np.array_equal(segment.masks(again, test.x), segment.masks(saved.model, test.x))


def test_mosaics_by_another_net_as_json(tmp_path, capsys, monkeypatch):
    from tinylucid.commands import segment as room

    monkeypatch.setattr(room, "texture_mosaic", lambda seed: tl.data.texture_mosaic(seed, 20, 9))
    command = "segment", "mosaics", "--model", "segnet", "--steps", 3, "--seed", 2, "--out", tmp_path, "--json"
    code, out, _ = said(capsys, *command)
    assert code == 0
    found = json.loads(out)
    assert set(found["scores"]) == {"this net, segnet", "regression on each pixel's colour"}
    data = tl.data.texture_mosaic(2, 20, 9)
    net = tl.models.load(found["model"]).model
    assert found["scores"]["this net, segnet"]["mean_iou"] == segment.judge(net, data.test).mean_iou
    with Image.open(found["figure"]) as figure:
        assert figure.width == 1200


def test_steps_are_whole_rounds_over_the_mosaics():
    train, _ = tl.data.texture_mosaic(0, 40, 1)
    seen = []
    for steps in (1, 2, 3, 4):
        net = segment.learn_mosaics(train, steps)
        seen.append(int(next(b for name, b in net.named_buffers() if "tracked" in name).item()))
    assert seen == [1, 2, 3, 6]


def test_pictures_of_ones_own_at_their_own_size(net, tmp_path, capsys):
    rng = np.random.default_rng(0)
    paths = [tmp_path / "wide.png", tmp_path / "in" / "wide.jpg", tmp_path / "missing.png"]
    paths[1].parent.mkdir()
    Image.fromarray(rng.integers(0, 256, (70, 300, 3), np.uint8)).save(paths[0])
    Image.fromarray(rng.integers(0, 256, (40, 30), np.uint8)).save(paths[1])
    code, out, err = said(capsys, "segment", *paths, "--model", net, "--out", tmp_path / "out")
    assert code == 2
    assert "missing.png: No such file" in err
    kept = ["wide-classes-2.png", "wide-classes.png", "wide-segmented-2.png", "wide-segmented.png"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == kept
    assert "%" in out
    code, out, _ = said(capsys, "segment", *paths, "--model", net, "--out", tmp_path / "out", "--json")
    first, second, third = json.loads(out)
    model = tl.models.load(net).model
    for answer, path in ((first, paths[0]), (second, paths[1])):
        mask = segment.tiled(model, read_whole(path, color=False)[None]).argmax(1)
        assert answer["classes"] == {"background": (mask == 0).mean(), "coin": (mask == 1).mean()}
        with Image.open(answer["mask"]) as numbers:
            np.testing.assert_array_equal(np.asarray(numbers), mask[0])
    assert "No such file" in third["error"]


def test_a_whole_picture_is_upright_and_as_large_as_it_is(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (5, 9, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_whole(tmp_path / "turned.png"), np.rot90(pixels, -1).transpose(2, 0, 1))
    assert read_whole(tmp_path / "turned.png", color=False).shape == (1, 9, 5)
    (tmp_path / "none.png").write_text("no picture")
    with pytest.raises(PictureError, match=r"none\.png: it is no picture"):
        read_whole(tmp_path / "none.png")


def test_what_cannot_be_segmented_is_refused_in_one_line(net, tmp_path, capsys):
    picture = tmp_path / "p.png"
    Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(picture)
    assert "--model FILE" in refused(capsys, "segment", picture)
    assert "goes alone, got 2" in refused(capsys, "segment", "coins", picture)
    assert "fcn8s" in refused(capsys, "segment", "coins", "--model", "texture_net")
    assert "integer ≥ 1" in refused(capsys, "segment", "coins", "--steps", 0)
    assert "nothing can be saved" in refused(capsys, "segment", "coins", "--out", picture)
    path = tmp_path / "other.safetensors"
    for name, how, words in (
        ("skip_net", None, "how its pictures were prepared"),
        ("texture_net", Preprocess(16, color=False), "(2,), which is not one number for each of its 2 classes"),
        ("skip_net", Preprocess(16), "does not take pictures prepared as it says"),
        ("fcn8s", Preprocess(16), "H and W at least 32"),
    ):
        arguments = {"channels": 3} if name == "fcn8s" else {}
        tl.models.save(tl.models.build(name, classes=2, **arguments), path, ("a", "b"), how)
        message = refused(capsys, "segment", picture, "--model", path)
        assert str(path) in message
        assert words in message
    tl.models.save(tl.models.build("skip_net"), path, ("a", "b", "c"), Preprocess(16, color=False))
    assert "its 3 classes" in refused(capsys, "segment", picture, "--model", path)
