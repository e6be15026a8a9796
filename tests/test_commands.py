"""The commands: a net from a folder of pictures to its explanation, and what is said when something is wrong."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tinylucid as tl
from tinylucid import cli
from tinylucid.commands import given, terminal
from tinylucid.commands.explain import drawn
from tinylucid.commands.given import trained
from tinylucid.metrics import percent


def draw_folder(path, classes=("grün", "red", "белый"), count=10, seed=0):
    """A folder a class, of noisy pictures of one colour: what a net learns in a moment."""
    rng = np.random.default_rng(seed)
    colors = np.array([[40, 160, 60], [200, 40, 40], [230, 230, 230]])
    for name, color in zip(classes, colors):
        (path / name).mkdir(parents=True)
        for k in range(count):
            pixels = np.clip(color + rng.normal(0, 25, (24, 20 + k, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(path / name / f"{k}.png")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return draw_folder(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def model(folder, tmp_path_factory):
    """The folder with a net that the train command made."""
    out = tmp_path_factory.mktemp("model")
    assert (
        cli.main(["train", str(folder), "--out", str(out), "--size", "16", "--epochs", "3", "--batch-size", "8"]) == 0
    )
    return out


def size_of(picture):
    """The shorter side of a picture file, in pixels."""
    with Image.open(picture) as opened:
        return min(opened.size)


def said(capsys, *argv):
    """(exit code, stdout, stderr) of a command."""
    try:
        code = cli.main([str(a) for a in argv])
    except SystemExit as stop:
        code = stop.code
    printed = capsys.readouterr()
    err = "".join(line for line in printed.err.splitlines(True) if "compiling CPU kernels" not in line)
    return code, printed.out, err


def refused(capsys, *argv):
    """The one line with which a command is refused."""
    code, out, err = said(capsys, *argv)
    assert code == 2
    assert out == ""
    assert err.startswith("tinylucid: ")
    assert len(err.splitlines()) == 1, err
    return err


# --- from a folder to a trained net ----------------------------------------------------------------------------------


def test_train_keeps_the_net_and_writes_a_report(model):
    assert {"best.safetensors", "last.safetensors", "report.html"} <= set(os.listdir(model))
    saved = tl.models.load(model / "best.safetensors")
    assert saved.classes == ("grün", "red", "белый")
    assert saved.preprocess.size == 16
    assert len(saved.preprocess.mean) == 3
    page = (model / "report.html").read_text(encoding="utf-8")
    assert all(name in page for name in saved.classes)
    assert "://" not in page


def test_train_says_how_well_and_where(folder, tmp_path, capsys):
    code, out, err = said(capsys, "train", folder, "--out", tmp_path, "--size", 16, "--epochs", 1, "--model", "lenet",
                          "--grey", "--no-augment", "--json")  # fmt: skip
    assert code == 0, err
    answer = json.loads(out)
    assert set(answer["classes"]) == {"grün", "red", "белый"}
    assert 0 <= answer["accuracy"] <= 1
    assert tl.models.load(answer["checkpoint"]).model.architecture["arguments"]["size"] == 16


def test_train_goes_on_where_it_stopped(folder, tmp_path, capsys):
    def train(out, epochs, *more):
        return said(capsys, "train", folder, "--out", out, "--size", 8, "--epochs", epochs, "--patience", 9, *more)

    assert train(tmp_path / "a", 2)[0] == 0
    message = refused(capsys, "train", folder, "--out", tmp_path / "a", "--size", 8, "--epochs", 2)
    assert "resume" in message


def test_evaluate(model, folder, capsys):
    code, out, _ = said(capsys, "evaluate", model / "best.safetensors", folder)
    assert code == 0
    assert "of 30 pictures right" in out
    assert "precision" in out
    code, out, _ = said(capsys, "evaluate", model / "best.safetensors", folder, "--json")
    answer = json.loads(out)
    assert answer["pictures"] == 30
    assert np.sum(answer["confusion"]) == 30
    assert answer["accuracy"] == pytest.approx(np.trace(answer["confusion"]) / 30)


def test_predict(model, folder, capsys):
    picture = folder / "red" / "0.png"
    code, out, _ = said(capsys, "predict", model / "best.safetensors", picture, "--top", "2")
    assert code == 0
    assert str(picture) in out
    assert len(re.findall(r"\d%", out)) == 2
    code, out, _ = said(capsys, "predict", model / "best.safetensors", picture, folder / "grün" / "3.png", "--json")
    answer = json.loads(out)
    assert [each["image"] for each in answer] == [str(picture), str(folder / "grün" / "3.png")]
    chances = list(answer[0]["classes"].values())
    assert sum(chances) == pytest.approx(1, abs=1e-5)
    assert chances == sorted(chances, reverse=True)


def test_predict_says_what_the_model_says(model, folder, capsys):
    saved = tl.models.load(model / "best.safetensors")
    data = tl.data.image_folder(folder, preprocess=saved.preprocess).load()
    logits = tl.predict(saved.model, data.x)
    _, out, _ = said(capsys, "predict", model / "best.safetensors", folder / "grün" / "0.png", "--json")
    (answer,) = json.loads(out)
    exact = tl.nn.functional.softmax(logits[:1], 1)[0]
    assert answer["classes"] == pytest.approx(dict(zip(saved.classes, exact.tolist())), abs=1e-5)


def test_a_picture_that_cannot_be_read_is_named_and_the_others_answered(model, folder, tmp_path, capsys):
    broken = tmp_path / "text.png"
    broken.write_text("no picture")
    code, out, err = said(capsys, "predict", model / "best.safetensors", broken, folder / "red" / "1.png")
    assert code == 2
    assert "1.png" in out
    assert str(broken) in err
    assert len(err.splitlines()) == 1
    code, out, err = said(capsys, "predict", model / "best.safetensors", tmp_path / "none.png", "--json")
    assert code == 2
    assert "none.png" in json.loads(out)[0]["error"]


def test_explain_draws_all_methods(model, folder, tmp_path, capsys):
    pictures = [folder / "red" / f"{k}.png" for k in range(2)]
    code, out, _ = said(capsys, "explain", model / "best.safetensors", *pictures, "--out", tmp_path / "new")
    assert code == 0
    assert out.strip() == str(tmp_path / "new" / "explained.png")
    assert size_of(out.strip()) > 200


def test_explain_one_method_one_class_one_layer(model, folder, tmp_path, capsys):
    code, out, err = said(capsys, "explain", model / "best.safetensors", folder / "red" / "0.png", "--class", "grün",
                          "--methods", "grad_cam", "--layer", "2", "--out", tmp_path)  # fmt: skip
    assert (code, err) == (0, "")
    pages = [folder / "red" / f"{k}.png" for k in range(9)]
    code, out, _ = said(
        capsys, "explain", model / "best.safetensors", *pages, "--methods", "gradient", "--out", tmp_path
    )
    assert len(out.splitlines()) == 2


def test_explain_tells_each_picture_apart_on_every_page(model, folder, tmp_path, capsys, monkeypatch):
    files, net, pages = [folder / "red" / f"{k}.png" for k in range(9)], model / "best.safetensors", []
    grid = tl.plot.explanation_grid
    monkeypatch.setattr(tl.plot, "explanation_grid", lambda *given: (pages.append(given), grid(*given))[1])
    settings = ("--class", "grün", "--methods", "smoothgrad,layer_cam", "--layer", "0", "--seed", "3")
    code, out, _ = said(capsys, "explain", net, *files, *settings, "--out", tmp_path)
    assert (code, out.splitlines()) == (0, [str(tmp_path / f"explained-{page}.png") for page in (1, 2)])
    saved = trained(net)
    x, _, _ = given.pictures(files, saved.preprocess)
    chances = np.exp(saved.model(tl.Tensor(x)).data)
    chances = chances[:, 0] / chances.sum(1)
    seen, titles = np.concatenate([page[0] for page in pages]), [title for page in pages for title in page[2]]
    assert np.array_equal(seen, saved.preprocess.shown(x))
    assert [t.split("\n(")[0] for t in titles] == [f"{k}.png\ngrün {percent(float(p))}" for k, p in enumerate(chances)]
    others = saved.model(tl.Tensor(x)).data.argmax(1)
    assert [f"(said {saved.classes[k]} " in t for k, t in zip(others, titles)] == [k != 0 for k in others]
    for start, (_, maps, _) in zip((0, 8), pages):
        some = x[start : start + 8]
        expected = tl.explain.ready(["smoothgrad", "layer_cam"], seed=3, layer="0")
        for name, method in expected.items():
            assert np.array_equal(maps[name], method(saved.model, some, 0)), name
    code, out, _ = said(capsys, "explain", net, *files[:8], "--methods", "gradient", "--out", tmp_path)
    assert (code, out.strip()) == (0, str(tmp_path / "explained.png")), "eight are one page"
    likeliest = saved.model(tl.Tensor(x[:8])).data.argmax(1)
    _, maps, titles = pages[-1]
    assert [title.split()[1] for title in titles] == [saved.classes[k] for k in likeliest]
    assert np.array_equal(maps["gradient"], tl.explain.gradient(saved.model, x[:8], likeliest))


def test_explain_says_what_it_could_not_read_and_draws_the_rest(model, folder, tmp_path, capsys):
    good, broken, net = folder / "red" / "0.png", tmp_path / "broken.png", model / "best.safetensors"
    broken.write_bytes(b"no picture")
    for files in ([good, broken, "--methods", "gradient"],
                  [good, "--methods", "expected_gradients", "--background", good, broken]):  # fmt: skip
        code, out, err = said(capsys, "explain", net, *files, "--out", tmp_path)
        assert (code, out.strip()) == (2, str(tmp_path / "explained.png"))
        assert str(broken) in err
        assert len(err.splitlines()) == 1


def test_explain_by_all_methods_leaves_out_what_the_net_has_no_use_for(model, folder, tmp_path, capsys, monkeypatch):
    picture, net = folder / "red" / "0.png", model / "best.safetensors"
    code, out, err = said(capsys, "explain", net, picture, "--methods", "all", "--out", tmp_path)
    assert (code, len(err.splitlines())) == (0, 1)
    assert "expected_gradients is left out" in err
    drawn_without = Path(out.strip()).read_bytes()
    code, out, err = said(
        capsys,
        "explain",
        net,
        picture,
        "--methods",
        "lrp, all",
        "--background",
        folder / "red" / "1.png",
        "--out",
        tmp_path,
    )
    assert (code, err) == (0, "")
    assert Path(out.strip()).read_bytes() != drawn_without, "expected_gradients is there now"
    how = tl.models.load(net).preprocess
    flat = tl.nn.Sequential(tl.nn.Flatten(), tl.nn.Linear(3 * how.size**2, 2))
    saved = trained(net)._replace(model=flat, preprocess=how, classes=("a", "b"))
    methods = tl.explain.ready(["gradient", "guided_backprop", "grad_cam", "lrp"])
    drawn(saved, np.zeros((1, 3, how.size, how.size), np.float32), ["x.png"], 0, methods, lenient=True)
    err = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in err] == ["guided_backprop", "grad_cam"]
    assert all(" is left out: " in line for line in err)
    assert list(methods) == ["gradient", "lrp"]
    monkeypatch.setattr("tinylucid.commands.explain.trained", lambda path: saved)
    message = refused(capsys, "explain", net, picture, "--methods", "gradient,grad_cam", "--out", tmp_path)
    assert "grad_cam: explain: no layer" in message, "a method asked for by its name is not left out"


def test_visualize(model, tmp_path, capsys):
    code, out, err = said(
        capsys, "visualize", model / "best.safetensors", "--class", "red", "--steps", 4, "--out", tmp_path
    )
    assert (code, err) == (0, "")
    assert size_of(out.strip()) > 50
    code, out, err = said(
        capsys, "visualize", model / "best.safetensors", "--layer", "2", "--steps", 2, "--out", tmp_path
    )
    assert (code, err) == (0, "")
    assert "layer" in out


# --- what is refused -------------------------------------------------------------------------------------------------


def test_unknown_names_are_answered_with_the_list(model, folder, capsys):
    checkpoint, picture = model / "best.safetensors", folder / "red" / "0.png"
    message = refused(capsys, "explain", checkpoint, picture, "--class", "rad")
    assert "'rad'" in message
    assert "perhaps 'red'" in message
    assert "grün, red, белый" in message
    message = refused(capsys, "explain", checkpoint, picture, "--layer", "99")
    assert "'99'" in message
    assert "0 (conv1), 1 (batchnorm1), 2 (relu1), " in message
    assert "no layer 'x'" in refused(capsys, "visualize", checkpoint, "--layer", "x")
    assert "no class 'x'" in refused(capsys, "visualize", checkpoint, "--class", "x")
    assert "grad_cam" in refused(capsys, "explain", checkpoint, picture, "--layer", "0", "--methods", "gradient")
    message = refused(capsys, "explain", checkpoint, picture, "--methods", "gradient", "--background", picture)
    assert "--background is for expected_gradients" in message
    message = refused(capsys, "explain", checkpoint, picture, "--methods", "gradient, grad_cm")
    assert "no method 'grad_cm', perhaps 'grad_cam'; there are: all, gradient, " in message
    assert "--background" in refused(capsys, "explain", checkpoint, picture, "--methods", "expected_gradients")


def test_folders_that_are_no_data(model, tmp_path, capsys):
    (tmp_path / "one" / "only").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(tmp_path / "one" / "only" / "a.png")
    assert "only one class" in refused(capsys, "train", tmp_path / "one", "--out", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    assert str(tmp_path / "empty") in refused(capsys, "train", tmp_path / "empty", "--out", tmp_path / "out")
    assert "nowhere" in refused(capsys, "train", tmp_path / "nowhere", "--out", tmp_path / "out")
    draw_folder(tmp_path / "other", ("red", "pink"), 2)
    message = refused(capsys, "evaluate", model / "best.safetensors", tmp_path / "other")
    assert "pink" in message
    assert "белый" in message


def test_one_picture_a_class_is_too_few(tmp_path, capsys):
    draw_folder(tmp_path / "few", count=1)
    message = refused(capsys, "train", tmp_path / "few", "--out", tmp_path / "out", "--size", 8, "--epochs", 1)
    assert "none is left to judge by" in message


def test_a_damaged_picture_is_a_warning_in_one_line(tmp_path, capsys):
    draw_folder(tmp_path / "data", count=3)
    (tmp_path / "data" / "red" / "text.png").write_text("no picture")
    code, _, err = said(capsys, "train", tmp_path / "data", "--out", tmp_path / "out", "--size", 8, "--epochs", 1)
    assert code == 0
    assert "tinylucid: warning: 1 of 10 pictures" in err
    assert "text.png" in err


def test_files_that_are_no_checkpoint(folder, tmp_path, capsys):
    picture = folder / "red" / "0.png"
    text = tmp_path / "model.safetensors"
    text.write_text("hello")
    assert str(text) in refused(capsys, "predict", text, picture)
    assert "gone.safetensors" in refused(capsys, "predict", tmp_path / "gone.safetensors", picture)
    tl.models.save(tl.models.build("texture_net"), text)
    assert "how its pictures were prepared" in refused(capsys, "predict", text, picture)
    tl.save(tl.nn.Linear(2, 2), text)
    assert "architecture" in refused(capsys, "predict", text, picture)


def test_an_out_folder_that_cannot_be_written_is_said_first(model, folder, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    picture, checkpoint = folder / "red" / "0.png", model / "best.safetensors"
    for command in (["train", folder], ["explain", checkpoint, picture], ["visualize", checkpoint], ["demo"]):
        assert str(tmp_path / "file") in refused(capsys, *command, "--out", tmp_path / "file")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (["demo", "--seed", "-1"], "from 0"),
        (["demo", "--device", "tpu"], "expected device 'cpu', 'cuda' or 'auto', got 'tpu'"),
        (["train", ".", "--epochs", "0"], "≥ 1"),
        (["train", ".", "--lr", "nan"], "> 0"),
        (["train", ".", "--model", "alexnet"], "texture_net"),
        (["train", ".", "--model", "fcn8s"], "invalid choice: 'fcn8s' (choose from 'lenet'"),  # it names pixels
        (["train"], "FOLDER"),
        (["predict", "x"], "IMAGE"),
        (["gradcheck", "x:y", "--shape", "2x"], "2x3"),
        (["sing"], "sing"),
        (["demo", "-x"], "-x"),
    ],
)
def test_wrong_arguments_are_one_line_and_code_2(wrong, word, capsys):
    assert word in refused(capsys, *wrong)


# --- gradcheck -------------------------------------------------------------------------------------------------------

MINE = """
import tinylucid as tl

def right(x, y):
    return (x * y).exp()

@tl.operation()
def square(x):
    return x * x

@square.rule
def square_rule(g, x):
    return (g * x,)  # the 2 is missing

layer = tl.nn.Linear(5, 2)
number = 3
"""


def test_gradcheck_of_ones_own_file(tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    code, out, _ = said(capsys, "gradcheck", f"{file}:right", "--shape", "2x3", "--shape", "3")
    assert (code, out) == (0, f"pass {file}:right on 2×3, 3\n")
    code, out, _ = said(capsys, "gradcheck", f"{file}:square")
    assert code == 1
    assert out.startswith("fail")
    assert "2" in out
    code, out, _ = said(capsys, "gradcheck", f"{file}:square", "--json")
    assert json.loads(out)["status"] == "fail"
    assert said(capsys, "gradcheck", f"{file}:layer", "--shape", "3x5")[0] == 0


def test_gradcheck_of_a_module_by_name(capsys):
    assert said(capsys, "gradcheck", "tinylucid.nn.functional:softplus")[0] == 0


def test_gradcheck_says_what_it_cannot_find(tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    assert "MODULE:FUNCTION" in refused(capsys, "gradcheck", "softplus")
    assert "no 'cube'" in refused(capsys, "gradcheck", f"{file}:cube")
    assert "not a function" in refused(capsys, "gradcheck", f"{file}:number")
    assert "no such file" in refused(capsys, "gradcheck", f"{tmp_path}/none.py:f")
    assert "no module 'nothing_here'" in refused(capsys, "gradcheck", "nothing_here:f")
    assert "--shape" in refused(capsys, "gradcheck", f"{file}:layer")


# --- how it looks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [[], *([name] for name in cli.COMMANDS)])
def test_help_has_an_example_and_is_as_wide_as_the_terminal(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = said(capsys, *command, "--help")
    assert code == 0
    assert re.search(r"examples?:\n  tinylucid ", out)
    text, examples = re.split(r"\nexamples?:\n", out)
    assert max(map(len, text.splitlines())) <= 80
    assert max(map(len, examples.splitlines())) <= 100


def test_no_command_prints_the_help(capsys):
    code, out, _ = said(capsys)
    assert code == 0
    assert all(name in out for name in cli.COMMANDS)


def test_version_and_info(capsys):
    assert said(capsys, "--version")[1] == f"tinylucid {tl.__version__}\n"
    code, out, _ = said(capsys, "info")
    assert code == 0
    assert all(name in out for name in (tl.__version__, np.__version__, "numba", "cores", "kernels"))
    assert json.loads(said(capsys, "info", "--json")[1])["tinylucid"] == tl.__version__


def test_python_m_runs_it_and_loads_nothing_heavy():
    done = subprocess.run([sys.executable, "-m", "tinylucid", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"tinylucid {tl.__version__}\n"
    heavy = {"matplotlib", "skimage", "scipy", "PIL", "sklearn", "safetensors"}
    look = f"import sys, tinylucid, tinylucid.cli; tinylucid.cli.parser(['info']); print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


class Terminal:
    """A stream that is a terminal."""

    def isatty(self):
        """It is."""
        return True


def test_colour_only_on_a_terminal_that_wants_it(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert terminal.styled("a", "1") == "a"
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert terminal.styled("a", "1") == "\033[1ma\033[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.styled("a", "1") == "a"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert terminal.styled("a", "1") == "a"


def test_tables_align_words_and_numbers(capsys):
    terminal.table([("red", "9.5%"), ("green", "100.0%")], ("class", "right"))
    assert capsys.readouterr().out == "  class   right\n  red      9.5%\n  green  100.0%\n"


def test_json_has_null_for_what_is_no_number(capsys):
    terminal.print_json({"a": [1.5, float("nan")], "b": (float("inf"),)})
    assert json.loads(capsys.readouterr().out) == {"a": [1.5, None], "b": [None]}
