"""Your own pictures: files of every kind, written with Pillow and read back; folders laid out well and badly."""

import struct
import warnings

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tinylucid.data import (
    ArrayDataset,
    DataLoader,
    PictureError,
    Preprocess,
    image_folder,
    image_splits,
    per_channel,
    read_picture,
    split,
)
from tinylucid.data.folder import EXTENSIONS

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def save(path, color=RED, size=(8, 8), mode="RGB", **how):
    """A file of one colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, color).save(path, **how)
    return path


def classes_in(folder, counts=(("cat", 3), ("dog", 2))):
    """A folder with that many pictures of each class; picture k of a class is grey k·10."""
    for name, n in counts:
        (folder / name).mkdir(parents=True)
        for k in range(n):
            save(folder / name / f"{k}.png", (10 * k,) * 3)
    return folder


def color_of(path, color=True):
    """The one colour of a picture."""
    x = read_picture(path, 4, color)
    assert x.dtype == np.uint8
    assert x.shape == (3 if color else 1, 4, 4)
    assert (x == x[:, :1, :1]).all()
    return tuple(x[:, 0, 0].tolist())


# --- one picture -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extension", sorted(set(EXTENSIONS) - {".jpg", ".jpeg", ".pgm"}))
def test_lossless_formats_come_back_bit_by_bit(tmp_path, rng, extension):
    x = rng.integers(0, 256, (6, 6, 3)).astype(np.uint8)
    if extension == ".gif":
        x = x // 64 * 64  # few colours
        x[..., 1:] = 0
    Image.fromarray(x).save(tmp_path / f"a{extension}", **({"lossless": True} if extension == ".webp" else {}))
    assert np.array_equal(read_picture(tmp_path / f"a{extension}", 6), x.transpose(2, 0, 1))


def test_grey_and_colour_each_as_the_other(tmp_path, rng):
    x = rng.integers(0, 256, (5, 5)).astype(np.uint8)
    Image.fromarray(x).save(tmp_path / "grey.pgm")
    assert np.array_equal(read_picture(tmp_path / "grey.pgm", 5, color=False), x[None])
    assert np.array_equal(read_picture(tmp_path / "grey.pgm", 5), np.stack([x] * 3))
    save(tmp_path / "red.png", (200, 100, 50))
    assert color_of(tmp_path / "red.png", color=False) == (round(0.299 * 200 + 0.587 * 100 + 0.114 * 50),)


@pytest.mark.parametrize("kind", ["I;16", "I;16B", "I"])
def test_16_bits_are_scaled_not_cut_off(tmp_path, kind):
    values = np.array([[0, 128, 129, 257], [1000, 32768, 65000, 65535]] * 2)
    name, dtype = {"I;16": ("a.png", "<u2"), "I;16B": ("a.tif", ">u2"), "I": ("a.pgm", None)}[kind]
    if kind == "I":
        header = b"P5 4 4 65535\n"
        (tmp_path / name).write_bytes(header + values.astype(">u2").tobytes())
    else:
        Image.frombytes(kind, (4, 4), values.astype(dtype).tobytes()).save(tmp_path / name)
    expected = np.round(values / 257)
    assert np.array_equal(read_picture(tmp_path / name, 4, color=False)[0], expected)
    assert np.array_equal(read_picture(tmp_path / name, 4)[2], expected)


def test_floating_values_in_0_to_1(tmp_path):
    values = np.array([[0, 0.2], [0.5, 1]], np.float32)
    Image.fromarray(values).save(tmp_path / "a.tif")
    assert read_picture(tmp_path / "a.tif", 2, color=False)[0].tolist() == [[0, 51], [128, 255]]
    for wrong in (2.5, np.nan):
        Image.fromarray(np.full((2, 2), wrong, np.float32)).save(tmp_path / "a.tif")
        with pytest.raises(PictureError, match=r"a\.tif: floating values from .* expected 0 … 1"):
            read_picture(tmp_path / "a.tif")


def test_32_bit_values_of_unknown_range_are_refused(tmp_path):
    Image.fromarray(np.full((2, 2), 70_000, np.int32)).save(tmp_path / "a.tif")
    with pytest.raises(PictureError, match=r"a\.tif: 32-bit values from 70000 to 70000; expected 0 … 65535"):
        read_picture(tmp_path / "a.tif")


def test_cmyk(tmp_path):
    save(tmp_path / "a.tif", (0, 255, 255, 0), mode="CMYK")
    assert color_of(tmp_path / "a.tif") == RED
    save(tmp_path / "a.jpg", (0, 255, 255, 0), mode="CMYK", quality=95)
    assert np.abs(np.subtract(color_of(tmp_path / "a.jpg"), RED)).max() <= 6


def test_palette_and_one_bit(tmp_path):
    Image.new("RGB", (8, 8), (30, 60, 90)).convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as stored:
        assert stored.mode == "P"
    assert color_of(tmp_path / "a.png") == (30, 60, 90)
    save(tmp_path / "b.png", 1, mode="1")
    assert color_of(tmp_path / "b.png") == WHITE
    assert color_of(tmp_path / "b.png", color=False) == (255,)


def test_what_is_transparent_is_white(tmp_path):
    save(tmp_path / "clear.png", (255, 0, 0, 0), mode="RGBA")
    assert color_of(tmp_path / "clear.png") == WHITE
    save(tmp_path / "half.png", (0, 0, 0, 51), mode="RGBA")
    assert color_of(tmp_path / "half.png") == (204, 204, 204)
    save(tmp_path / "grey.png", (0, 0), mode="LA")
    assert color_of(tmp_path / "grey.png", color=False) == (255,)
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([*BLUE, *GREEN])
    palette.save(tmp_path / "palette.png", transparency=1)
    assert color_of(tmp_path / "palette.png") == WHITE
    palette.save(tmp_path / "palette.png", transparency=0)
    assert color_of(tmp_path / "palette.png") == GREEN
    save(tmp_path / "key.png", RED, transparency=RED)
    assert color_of(tmp_path / "key.png") == WHITE


def test_of_an_animation_the_first_frame(tmp_path):
    frames = [Image.new("RGB", (8, 8), color) for color in (GREEN, RED, BLUE)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    with Image.open(tmp_path / "a.gif") as stored:
        assert stored.n_frames == 3
    assert color_of(tmp_path / "a.gif") == GREEN
    assert color_of(tmp_path / "a.webp") == GREEN


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright(tmp_path, orientation):
    upright = Image.new("RGB", (32, 32), WHITE)
    ImageDraw.Draw(upright).rectangle((0, 0, 15, 7), RED)
    T = Image.Transpose
    undo = [
        None,
        T.FLIP_LEFT_RIGHT,
        T.ROTATE_180,
        T.FLIP_TOP_BOTTOM,
        T.TRANSPOSE,
        T.ROTATE_90,
        T.TRANSVERSE,
        T.ROTATE_270,
    ]
    stored = upright.transpose(undo[orientation - 1]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_picture(tmp_path / "a.png", 32), np.asarray(upright).transpose(2, 0, 1))
    stored.resize((256, 256)).save(tmp_path / "a.jpg", exif=exif, quality=95)
    small = read_picture(tmp_path / "a.jpg", 32).astype(int)
    assert np.abs(small - np.asarray(upright).transpose(2, 0, 1))[:, 2:6, 2:14].max() < 10


def test_the_shorter_side_becomes_the_size_and_the_middle_stays(tmp_path):
    slope = np.broadcast_to(10 * np.arange(24, dtype=np.uint8), (8, 24))
    for k, x in enumerate((slope, slope.T)):  # columns 8 … 15 in pairs: means of 8 and 9, of 10 and 11, …
        Image.fromarray(np.ascontiguousarray(x)).save(tmp_path / f"{k}.png")
        found = read_picture(tmp_path / f"{k}.png", 4, color=False)[0]
        assert (found.T if k else found).tolist() == [[85, 105, 125, 145]] * 4


def test_pictures_are_antialiased(tmp_path):
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(tmp_path / "a.png")
    small = read_picture(tmp_path / "a.png", 8, color=False)
    assert np.abs(small.astype(int) - 127).max() < 12


def test_one_pixel_and_ten_thousand(tmp_path):
    save(tmp_path / "dot.png", BLUE, (1, 1))
    assert color_of(tmp_path / "dot.png") == BLUE
    save(tmp_path / "line.png", BLUE, (1, 10_000))
    assert color_of(tmp_path / "line.png") == BLUE
    save(tmp_path / "huge.jpg", 200, (10_000, 10_000), mode="L")  # Pillow would warn of it, which is an error here
    assert color_of(tmp_path / "huge.jpg", color=False) == (200,)


def test_names_of_other_alphabets(tmp_path):
    path = save(tmp_path / "猫と犬" / "žluťoučký кот 🐈.png", GREEN)
    assert color_of(path) == GREEN


# --- what is no picture ------------------------------------------------------------------------------------------------


def bomb(path):
    """A PNG that says it is 20,000 × 20,000."""
    save(path)
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">II", 20_000, 20_000)
    import zlib

    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    path.write_bytes(content)


def truncated(path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)).save(path, "PNG")
    path.write_bytes(path.read_bytes()[:-3000])


def truncated_jpeg(path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)).save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:-2000])


BAD = {
    "empty.png": (lambda path: path.write_bytes(b""), "it is empty"),
    "text.png": (lambda path: path.write_text("no picture at all"), "it is no picture of a known kind"),
    "header.png": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n"), "it is no picture of a known kind"),
    "truncated.png": (truncated, "truncated"),
    "truncated.jpg": (truncated_jpeg, "truncated"),
    "bomb.png": (bomb, "it has more than 178 million pixels"),
    "missing.png": (lambda path: None, "No such file"),
    "folder.png": (lambda path: path.mkdir(), "Is a directory|Permission denied"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_named_in_one_line(tmp_path, name):
    make, reason = BAD[name]
    make(tmp_path / name)
    with pytest.raises(PictureError, match=f"cannot read .*{name}: .*({reason})") as caught:
        read_picture(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


# --- a folder ----------------------------------------------------------------------------------------------------------


def test_a_folder_a_class(tmp_path):
    data = image_folder(classes_in(tmp_path), size=4)
    assert len(data) == 5
    assert data.classes == ("cat", "dog")
    assert data.y.tolist() == [0, 0, 0, 1, 1]
    assert data.y.dtype == np.int64
    assert [path[-9:] for path in data.paths] == [f"cat/{k}.png" for k in range(3)] + [f"dog/{k}.png" for k in range(2)]
    assert data.preprocess == Preprocess(4, True)
    x, y = data[2]
    assert (x.shape, x.dtype, y) == ((3, 4, 4), np.float32, 0)
    np.testing.assert_allclose(x, 20 / 255, rtol=1e-6)
    assert repr(data) == "ImageFolder(5 pictures, 2 classes: cat, dog)"


def test_what_lies_in_folders_of_a_class_belongs_to_it_and_what_is_hidden_or_no_picture_does_not(tmp_path):
    classes_in(tmp_path, [("b", 1), ("a", 1)])
    save(tmp_path / "a" / "more" / "deep" / "X.JPG")
    save(tmp_path / "a" / "zebra.PnG")
    save(tmp_path / "a" / ".hidden.png")
    save(tmp_path / "a" / ".thumbnails" / "0.png")
    save(tmp_path / ".git" / "0.png")
    (tmp_path / "b" / "notes.txt").write_text("")
    (tmp_path / "README.md").write_text("")
    (tmp_path / "b" / "really a folder.png").mkdir()
    data = image_folder(tmp_path)
    assert [path.removeprefix(str(tmp_path)) for path in data.paths] == [
        "/a/0.png", "/a/more/deep/X.JPG", "/a/zebra.PnG", "/b/0.png"
    ]  # fmt: skip


def test_links_are_followed_but_not_in_circles(tmp_path):
    classes_in(tmp_path / "data")
    save(tmp_path / "elsewhere" / "9.png")
    (tmp_path / "data" / "cat" / "circle").symlink_to(tmp_path / "data" / "cat")
    (tmp_path / "data" / "cat" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "cat" / "broken.png").symlink_to(tmp_path / "nowhere.png")
    assert len(image_folder(tmp_path / "data")) == 6


def test_load_reads_all(tmp_path):
    data = image_folder(classes_in(tmp_path), size=4, color=False)
    loaded = data.load()
    assert isinstance(loaded, ArrayDataset)
    assert loaded.x.shape == (5, 1, 4, 4)
    assert loaded.x.dtype == np.float32
    assert (loaded.classes, loaded.preprocess) == (data.classes, data.preprocess)
    for i in range(5):
        assert np.array_equal(loaded.x[i], data[i][0])
        assert loaded.y[i] == data[i][1]


def test_preprocess_takes_the_place_of_size_and_color(tmp_path):
    how = Preprocess(6, False, (0.5,), (0.1,))
    data = image_folder(classes_in(tmp_path), size=4, preprocess=how)
    np.testing.assert_allclose(
        data.load().x[:2], np.float32([0, 10 / 255]).reshape(2, 1, 1, 1) * 10 - np.full((2, 1, 6, 6), 5), rtol=1e-5
    )
    assert np.array_equal(data.load().x[1], data[1][0])
    assert data.load().preprocess == how


def test_corrupt_files_are_named_in_one_warning_and_left_out(tmp_path):
    classes_in(tmp_path)
    for k in range(5):
        (tmp_path / "cat" / f"bad{k}.png").write_text("no picture")
    data = image_folder(tmp_path)
    with pytest.warns(UserWarning, match=r"5 of 10 pictures are left out: cannot read .*bad0\.png: it is no") as caught:
        loaded = data.load()
    assert len(caught) == 1
    message = str(caught[0].message)
    assert message.endswith("; and 2 more")
    assert "bad2.png" in message
    assert "bad3.png" not in message
    assert loaded.y.tolist() == [0, 0, 0, 1, 1]
    assert np.round(loaded.x[:, 0, 0, 0] * 255).tolist() == [0, 10, 20, 0, 10]


def test_a_loader_of_a_lazy_folder_leaves_them_out_too(tmp_path):
    classes_in(tmp_path)
    (tmp_path / "cat" / "1.png").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"left out of its batch: cannot read .*1\.png: it is empty"):
        batches = list(DataLoader(image_folder(tmp_path, 4), 2))
    assert [y.tolist() for _, y in batches] == [[0], [0, 1], [1]]


def test_a_class_of_which_nothing_can_be_read(tmp_path):
    classes_in(tmp_path, [("cat", 2), ("dog", 0)])
    (tmp_path / "dog" / "a.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"none of the pictures of dog can be read: cannot read .*a\.png: it is empty"):
        image_folder(tmp_path).load()
    for path in (tmp_path / "cat").iterdir():
        path.write_text("")
    with pytest.raises(ValueError, match="none of the pictures of cat, dog can be read"):
        image_folder(tmp_path).load()


def test_the_bar_counts_pictures(tmp_path, capsys, monkeypatch):
    data = image_folder(classes_in(tmp_path))
    data.load()
    assert capsys.readouterr().err == ""
    data.load(progress=True)
    assert capsys.readouterr().err == ""  # no terminal, no bar
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    data.load(progress=True)
    assert "5/5" in capsys.readouterr().err


def test_many_files(tmp_path):
    many_files(tmp_path, 2500)


@pytest.mark.slow
def test_a_hundred_thousand_files(tmp_path):
    import time

    started = many_files(tmp_path, 50_000)
    assert time.perf_counter() - started < 5


def many_files(folder, n):
    """List 2·n files; returns when it started."""
    import time

    for name in ("a", "b"):
        (folder / name).mkdir()
        for k in range(n):
            (folder / name / f"{k:06}.jpg").touch()
    started = time.perf_counter()
    data = image_folder(folder)
    assert len(data) == 2 * n
    assert data.paths == sorted(data.paths)
    assert np.bincount(data.y).tolist() == [n, n]
    return started


def test_folders_that_are_not_laid_out_so(tmp_path):
    def refused(message, path=tmp_path, **how):
        with pytest.raises(ValueError, match=message) as caught:
            image_folder(path, **how)
        assert "\n" not in str(caught.value)

    refused("nowhere does not exist; expected a folder for each class", tmp_path / "nowhere")
    refused("it holds no folders; expected a folder for each class: FOLDER/cat/1.png")
    save(tmp_path / "1.png")
    refused("its pictures lie in no class's folder; expected a folder for each class")
    refused("1.png is a file, not a folder", tmp_path / "1.png")
    (tmp_path / "1.png").unlink()
    (tmp_path / "cat").mkdir()
    refused(r"no pictures \(\.png, \.jpg, .*\) in ")
    save(tmp_path / "cat" / "1.png")
    refused(r"only one class in .* \(cat\); there is nothing to tell apart")
    (tmp_path / "dog").mkdir()
    (tmp_path / "emu").mkdir()
    refused("no pictures in dog, emu of .*; add some or remove the folder")
    refused("size must be an integer ≥ 1, got 0", size=0)
    refused(r"size must be an integer ≥ 1, got 2\.5", size=2.5)


def test_pictures_beside_the_folders_are_mentioned(tmp_path):
    save(classes_in(tmp_path) / "stray.png")
    with pytest.warns(UserWarning, match="pictures directly in .* are left out"):
        assert len(image_folder(tmp_path)) == 5


def test_train_and_test_are_not_taken_for_classes(tmp_path):
    classes_in(tmp_path / "train")
    classes_in(tmp_path / "test")
    with pytest.raises(ValueError, match=r"holds test, train, which are no classes; .* by tl\.data\.image_splits"):
        image_folder(tmp_path)


def test_the_classes_that_a_model_knows(tmp_path):
    classes_in(tmp_path)
    data = image_folder(tmp_path, classes=("dog", "cat"))
    assert data.classes == ("dog", "cat")
    assert data.y.tolist() == [0, 0, 1, 1, 1]
    assert "dog" in data.paths[0]
    with pytest.warns(UserWarning, match="no pictures of ant in "):
        data = image_folder(tmp_path, classes=("ant", "cat", "dog"))
    assert data.y.tolist() == [1, 1, 1, 2, 2]
    with pytest.raises(ValueError, match=r"unknown classes in .*: dog; known are cat, emu"):
        image_folder(tmp_path, classes=("cat", "emu"))


# --- normalisation and splits ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_per_channel_in_float64(rng, dtype):
    x = rng.integers(0, 256, (2500, 3, 4, 5)).astype(np.uint8)
    x[:, 1] = 77
    given, unit = (x, 255) if dtype == np.uint8 else (x.astype(dtype) + 1000, 1)
    mean, std = per_channel(ArrayDataset(given, np.zeros(2500, int)))
    exact = given.astype(np.longdouble) / unit
    np.testing.assert_allclose(mean, exact.mean((0, 2, 3)).astype(float), rtol=1e-13)
    np.testing.assert_allclose(std, np.where([1, 0, 1], exact.std((0, 2, 3)).astype(float), 1), rtol=1e-9)
    assert {type(v) for v in (*mean, *std)} == {float}
    assert Preprocess(4, True, mean, std).normalized(given / unit)[:, 0].std() == pytest.approx(1)


def test_per_channel_of_nothing():
    with pytest.raises(ValueError, match=r"expected pictures \(N, C, H, W\), at least one, got shape \(0, 3, 4, 4\)"):
        per_channel(ArrayDataset(np.zeros((0, 3, 4, 4)), []))


def test_splits_by_fraction_keep_the_classes_apart_and_normalise_by_the_training_pictures(tmp_path):
    classes_in(tmp_path, [("cat", 10), ("dog", 5)])
    train, test = image_splits(tmp_path, 4, fraction=0.6, seed=1)
    assert np.bincount(train.y).tolist() == [6, 3]
    assert np.bincount(test.y).tolist() == [4, 2]
    whole = image_folder(tmp_path, 4).load()
    assert np.array_equal(image_splits(tmp_path, 4, fraction=0.6, seed=1).train.x, train.x)
    assert not np.array_equal(image_splits(tmp_path, 4, fraction=0.6, seed=2).train.x, train.x)
    assert train.preprocess == test.preprocess
    np.testing.assert_allclose(train.x.mean((0, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(train.x.std((0, 2, 3)), 1, rtol=1e-5)
    found = np.concatenate([train.preprocess.shown(part.x) for part in (train, test)])
    np.testing.assert_allclose(np.sort(found[:, 0, 0, 0]), np.sort(whole.x[:, 0, 0, 0]), atol=1e-6)


def test_splits_that_are_there_are_used(tmp_path):
    classes_in(tmp_path / "train", [("cat", 3), ("dog", 2)])
    classes_in(tmp_path / "valid", [("dog", 2), ("cat", 1)])
    how = Preprocess(4, False, (0.0,), (1.0,))
    train, test = image_splits(tmp_path, preprocess=how)
    assert train.y.tolist() == [0, 0, 0, 1, 1]
    assert test.y.tolist() == [0, 1, 1]
    assert train.x.shape == (5, 1, 4, 4)
    assert train.preprocess == how
    assert train.classes == test.classes == ("cat", "dog")


def test_a_class_missing_in_validation_is_a_warning_and_an_unknown_one_an_error(tmp_path):
    classes_in(tmp_path / "train", [("cat", 3), ("dog", 2)])
    classes_in(tmp_path / "val", [("dog", 2)])
    with pytest.warns(UserWarning, match="no pictures of cat in .*val"):
        assert image_splits(tmp_path, 4).test.y.tolist() == [1, 1]
    save(tmp_path / "val" / "emu" / "1.png")
    with pytest.raises(ValueError, match=r"unknown classes in .*val: emu; known are cat, dog"):
        image_splits(tmp_path, 4)


def test_a_class_of_one_picture_is_missing_in_the_part_to_judge_by(tmp_path):
    classes_in(tmp_path, [("cat", 4), ("dog", 1)])
    with pytest.warns(UserWarning, match="no pictures of dog in the part of .* to judge by"):
        train, test = image_splits(tmp_path, 4)
    assert train.y.tolist() == [0, 0, 0, 1]
    assert test.y.tolist() == [0]


def test_splitting_what_was_loaded(tmp_path):
    train, test = split(image_folder(classes_in(tmp_path)).load(), 0.5)
    assert len(train) + len(test) == 5


def test_reading_leaves_the_warnings_as_they_are(tmp_path):
    path = save(tmp_path / "a.png")
    read_picture(path)
    before = list(warnings.filters)
    read_picture(path)
    assert warnings.filters == before
