"""What is wrong with files, folders, streams and names: one line says what, nothing is lost, nothing is half written."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from test_commands import draw_folder, refused, said
from words import check_message

import tinylucid as tl

NAMES = ["a b", "日本é", "quote\"'<b>&", "new\nline", "\x1b[31m", os.fsdecode(b"bytes\xff\xfe")]
LIMIT = "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
LIMIT += "resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000)); from tinylucid import cli; sys.exit(cli.main())"


def checkpoint(path, classes=("green", "red"), outputs=2, size=8, color=True, **more):
    """A file of an untrained net."""
    how = tl.data.Preprocess(size, color, **more)
    tl.models.save(tl.models.build("texture_net", classes=outputs, channels=3), path, classes, how)
    return path


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    return checkpoint(tmp_path_factory.mktemp("net") / "net.safetensors", NAMES, len(NAMES))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder for each of the names, with two pictures each."""
    return draw_folder(tmp_path_factory.mktemp("data"), NAMES[:3], 2)


@pytest.fixture
def picture(tmp_path):
    Image.new("RGB", (9, 9), "red").save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def process(*argv, before=None, **variables):
    """A command in a process of its own: (exit code, stdout, stderr), as bytes."""
    command = before or [sys.executable, "-m", "tinylucid"]
    environment = {**os.environ, **variables}
    done = subprocess.run([*command, *map(str, argv)], capture_output=True, env=environment, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


# --- pictures --------------------------------------------------------------------------------------------------------


def test_pictures_of_every_kind_are_answered(net, tmp_path, capsys):
    """16 bits, CMYK, a palette, an animation, one pixel, 10,000 pixels, two colours, transparency."""
    noise = np.random.default_rng(0).integers(0, 65535, (30, 40), np.uint16)
    Image.fromarray(noise).save(tmp_path / "16.png")
    Image.new("CMYK", (30, 40)).save(tmp_path / "cmyk.jpg")
    Image.new("P", (30, 40)).save(tmp_path / "palette.png")
    Image.new("P", (9, 9)).save(tmp_path / "moving.gif", save_all=True, append_images=[Image.new("P", (9, 9), 3)])
    Image.new("RGB", (1, 1)).save(tmp_path / "one.png")
    Image.new("L", (10_000, 10_000)).save(tmp_path / "large.png", compress_level=1)
    Image.new("RGB", (10_000, 1)).save(tmp_path / "long.png")
    Image.new("1", (30, 40)).save(tmp_path / "bits.png")
    Image.new("LA", (30, 40)).save(tmp_path / "grey.png")
    files = sorted(tmp_path.iterdir())
    code, out, err = said(capsys, "predict", net, *files, "--json")
    assert (code, err) == (0, "")
    assert [len(each["classes"]) for each in json.loads(out)] == [3] * 9


def test_what_is_no_picture_is_named_a_line_each(net, picture, tmp_path, capsys):
    (tmp_path / "text.png").write_text("text")
    (tmp_path / "empty.png").touch()
    (tmp_path / "cut\n.png").write_bytes(picture.read_bytes()[:44])
    (tmp_path / "link.png").symlink_to("nowhere")
    wrong = [tmp_path, *(tmp_path / f"{name}.png" for name in ("text", "empty", "cut\n", "link", "x" * 300))]
    code, out, err = said(capsys, "predict", net, *wrong, picture, picture)
    assert code == 2
    assert out.count("picture.png") == 1
    lines = err.splitlines()
    assert len(lines) == len(wrong)
    for line, word in zip(lines, ("directory", "no picture", "empty", "cut .png: ", "No such file", "too long")):
        assert line.startswith("tinylucid: cannot read")
        assert word in line


@pytest.mark.parametrize("size", [0, -1, 2.5, "8"])
def test_a_size_that_is_none_is_not_the_pictures_fault(size, picture):
    message = check_message(lambda: tl.data.read_picture(picture, size), ValueError, "size must be an integer ≥ 1")
    assert str(picture) not in message


# --- checkpoints that contradict themselves --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"classes": ("a",)}, "1 classes"),
        ({"color": False}, "1 channels"),
        ({"size": 2}, "size=2"),
        ({"size": 0}, "size=0"),
        ({"mean": "x", "std": "x"}, "mean"),
    ],
)
def test_a_net_that_does_not_fit_what_its_file_says(wrong, word, tmp_path, picture, capsys):
    path = checkpoint(tmp_path / "wrong.safetensors", **wrong)
    for command in (["predict", path, picture], ["evaluate", path, tmp_path], ["visualize", path]):
        message = refused(capsys, *command)
        assert str(path) in message
        assert word in message


def test_a_net_without_names_of_classes_has_numbers(tmp_path, picture, capsys):
    path = checkpoint(tmp_path / "net.npz", classes=())
    _, out, _ = said(capsys, "predict", path, picture, "--json")
    assert set(json.loads(out)[0]["classes"]) == {"0", "1"}
    assert "there are: 0, 1" in refused(capsys, "explain", path, picture, "--class", "2")
    assert said(capsys, "visualize", path, "--class", "1", "--steps", 1, "--out", tmp_path)[0] == 0


# --- folders ---------------------------------------------------------------------------------------------------------


def test_out_inside_the_pictures_would_become_a_class(data, monkeypatch, capsys):
    before = sorted(os.listdir(data))
    assert "taken for a class" in refused(capsys, "train", data, "--out", data / "model")
    monkeypatch.chdir(data)
    assert "taken for a class" in refused(capsys, "train", ".")
    assert sorted(os.listdir(data)) == before


def test_a_folder_that_cannot_be_written_is_named(data, net, picture, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "in", tmp_path / ("x" * 300)):
        for command in (["train", data], ["visualize", net], ["explain", net, picture], ["demo"]):
            message = refused(capsys, *command, "--out", out)
            assert f"nothing can be saved in {out}: " in message
            assert "give another folder by --out" in message
    assert "it is no folder" in refused(capsys, "demo", "--out", tmp_path / "file")


def test_a_class_that_validation_lacks_is_told_once(tmp_path, capsys):
    draw_folder(tmp_path / "data" / "train", ("train", "b", "c"), 2)  # a class may be called train there
    draw_folder(tmp_path / "data" / "val", ("train", "b"), 1)
    code, _, err = said(capsys, "train", tmp_path / "data", "--out", tmp_path / "o", "--size", 8, "--epochs", 1)
    assert code == 0
    warnings = [line for line in err.splitlines() if line.startswith("tinylucid")]
    assert warnings == [f"tinylucid: warning: no pictures of c in {tmp_path / 'data' / 'val'}"]
    message = refused(capsys, "evaluate", tmp_path / "o" / "best.safetensors", tmp_path / "data")
    assert "give one of these folders" in message


def test_a_last_batch_of_one_picture_is_left_to_another_epoch(tmp_path, monkeypatch, capsys):
    """ResNet-18 makes single numbers of such small pictures, of which batch norm cannot train on one alone."""
    for names in (tl.models.NAMES, tl.models.CLASSIFIERS):
        monkeypatch.setitem(names, "small", lambda classes, channels: tl.models.resnet18(classes, channels, 4))
    draw_folder(tmp_path / "data", ("a", "b"), 4)  # 6 to learn from
    train = "train", tmp_path / "data", "--size", 8, "--epochs", 1, "--model", "small", "--batch-size"
    for batch in ("5", "1000"):
        code, _, err = said(capsys, *train, batch, "--out", tmp_path / batch)
        assert code == 0, err
    assert "more than one value a channel" in refused(capsys, *train, "1", "--out", tmp_path / "1")


# --- going on --------------------------------------------------------------------------------------------------------


def test_a_run_is_gone_on_with_only_as_it_was_begun(tmp_path, capsys):
    draw_folder(tmp_path / "data", ("a", "b"), 3)
    draw_folder(tmp_path / "other", ("a", "c"), 3)
    last = tmp_path / "out" / "last.safetensors"

    def train(folder, *more):
        return "train", tmp_path / folder, "--out", tmp_path / "out", "--no-augment", "--epochs", 2, *more

    assert said(capsys, *train("data", "--size", 8))[0] == 0
    before = last.read_bytes()
    for folder, more, word in (
        ("other", (), "classes was ['a', 'b'] and is ['a', 'c']"),
        ("data", ("--size", 9), "preprocess was Preprocess(size=8"),
        ("data", ("--lr", "0.1"), "optimizer was Adam(lr=0.003, "),
        ("data", ("--model", "separable"), "model was {'name': 'texture_net'"),
    ):
        message = refused(capsys, *train(folder, *([] if "--size" in more else ["--size", 8]), *more, "--resume"))
        assert word in message
    assert "(--resume)" in refused(capsys, *train("data"))
    page = tmp_path / "out" / "report.html"
    page.unlink()  # as after a full disk, or Ctrl-C at the end
    code, out, err = said(capsys, *train("data", "--size", 8, "--resume", "--json"))
    assert code == 0
    assert "nothing is left to do" in err
    assert set(json.loads(out)["classes"]) == {"a", "b"}
    assert page.exists()
    assert last.read_bytes() == before
    last.unlink()
    for more in ((), ("--resume",)):  # neither sends to the other
        message = refused(capsys, *train("data", *more))
        assert "give another out=" in message
        assert "--resume" not in message


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_ctrl_c_in_the_middle_of_an_epoch_loses_nothing(tmp_path, capsys):
    draw_folder(tmp_path / "data", ("a", "b"), 20)

    def train(out, *more):
        options = "--size", 8, "--epochs", 4, "--batch-size", 1
        return [str(each) for each in ("train", tmp_path / "data", "--out", tmp_path / out, *options, *more)]

    listen = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    listen += "from tinylucid import cli; sys.exit(cli.main())"  # a process in the background would ignore it
    started = subprocess.Popen([sys.executable, "-c", listen, *train("stopped")], stderr=subprocess.PIPE)
    while not (tmp_path / "stopped" / "last.safetensors").exists() and started.poll() is None:
        time.sleep(0.002)
    started.send_signal(signal.SIGINT)
    _, err = started.communicate(timeout=60)
    assert started.returncode == 130, err
    assert b"--resume" in err
    assert b"Traceback" not in err
    assert said(capsys, *train("stopped", "--resume"))[0] == 0
    assert said(capsys, *train("whole"))[0] == 0
    stopped, whole = (tl.load(tmp_path / out / "last.safetensors") for out in ("stopped", "whole"))
    assert all(np.array_equal(stopped[name], whole[name]) for name in whole)


@pytest.mark.skipif(os.name != "posix", reason="limits of a process are POSIX's")
def test_a_figure_on_a_full_disk_leaves_the_old_one(net, picture, tmp_path):
    for command, name in ((["explain", net, picture, "--methods", "gradient"], "explained.png"),
                          (["visualize", net, "--steps", 1], "classes.png")):  # fmt: skip
        out = tmp_path / name
        out.mkdir()
        (out / name).write_text("the old one")
        code, printed, err = process(*command, "--out", out, before=[sys.executable, "-c", LIMIT])
        assert (code, printed) == (2, b"")
        assert str(out / name) in err.decode()
        assert "File too large (nothing was saved, the file there is as it was)" in err.decode()
        assert (out / name).read_text() == "the old one"
        assert os.listdir(out) == [name]


# --- names and streams -----------------------------------------------------------------------------------------------


def test_names_that_no_terminal_shows_stay_in_their_line(net, picture, capsys):
    code, out, _ = said(capsys, "predict", net, picture, "--top", 6)
    assert code == 0
    assert len(out.splitlines()) == 1
    assert all(
        name in out for name in ("a b", "日本é", "quote\"'<b>&", r"new\nline", r"\x1b[31m", r"bytes\udcff\udcfe")
    )
    message = refused(capsys, "explain", net, picture, "--class", "\x1b[2J")
    assert r"\x1b[31m" in message
    assert "\x1b" not in message


def test_an_encoding_without_the_letters_stops_nothing(net, data):
    picture = data / "日本é" / "0.png"
    code, out, err = process("predict", net, picture, "--top", 6, PYTHONIOENCODING="ascii")
    assert (code, err) == (0, b"")
    assert rb"\u65e5\u672c\xe9" in out
    for encoding in ("ascii", "utf-8"):
        code, out, err = process("predict", net, picture, "--top", 6, "--json", PYTHONIOENCODING=encoding)
        assert (code, err) == (0, b"")
        (answer,) = json.loads(out.decode(encoding))
        assert answer["image"] == str(picture)
        assert set(answer["classes"]) == set(NAMES)


def test_streams_that_are_closed_or_full(net, picture):
    command = f"{sys.executable} -m tinylucid predict '{net}' '{picture}'"

    def shell(text):
        done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout, done.stderr

    assert shell(f"{command} | true; echo ${{PIPESTATUS[0]}}") == (0, "141\n", "")
    assert shell(f"{command} >&-") == (0, "", "")
    assert shell(f"{command} --wrong 2>&-") == (2, "", "")
    if os.path.exists("/dev/full"):
        code, _, err = shell(f"{command} > /dev/full")
        assert code != 0
        assert err.startswith("tinylucid: No space left on device\n")


# --- code of one's own -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("def f(:", "cannot be run: line 1: invalid syntax"),
        ("import nothing_here", "No module named 'nothing_here' (random.py, line 1)"),
        ("\n1 / 0", "ZeroDivisionError: division by zero (random.py, line 2)"),
        ("raise SystemExit(5)", "SystemExit: 5"),
        ("def f(x):\n    return {}['a']", "fails on inputs of shape (3, 4): KeyError: 'a' (random.py, line 2)"),
        ("def f(x): return x.nothing", "has no attribute|'nothing'"),
        ("def f(x): return None", "must return tensors"),
    ],
)
def test_gradcheck_of_a_file_that_is_wrong(text, word, tmp_path, capsys):
    import random

    (tmp_path / "random.py").write_text(text)
    message = refused(capsys, "gradcheck", f"{tmp_path / 'random.py'}:f")
    assert str(tmp_path / "random.py") in message
    assert all(part in message for part in word.split("|"))
    assert sys.modules["random"] is random


def test_what_the_checked_code_prints_is_no_part_of_the_answer(tmp_path, capsys):
    (tmp_path / "talks.py").write_text("print('hello')\ndef f(x):\n    print('again')\n    return x * x")
    code, out, err = said(capsys, "gradcheck", f"{tmp_path / 'talks.py'}:f", "--json")
    assert code == 0
    assert json.loads(out)["status"] == "pass"
    assert "hello" in err


def test_more_memory_than_there_is(capsys):
    assert "not enough memory" in refused(
        capsys, "gradcheck", "tinylucid.nn.functional:relu", "--shape", "99999x99999x999"
    )
