"""The examples run, and all that the guide says is true: its code blocks run, and its tables give what they say."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
PAGES = [EXAMPLES.parent / "README.md", *sorted((EXAMPLES / "guide").glob("*.md"))]
TABLES = ["pytorch.md", "ties.md"]


def run(script, *args, cwd):
    """What a script prints; it must end well, and warn of nothing."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / script), *args]
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, encoding="utf-8", env={**os.environ, "PYTHONUTF8": "1"}, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_neuron_by_hand_and_by_autograd(tmp_path):
    printed = run("01_neuron.py", cwd=tmp_path)
    rows = re.findall(r"^(L|∂L/∂\S+) +(\S+) +(\S+)$", printed, re.MULTILINE)
    assert [name for name, _, _ in rows] == ["L", "∂L/∂w_0", "∂L/∂w_1", "∂L/∂w_2", "∂L/∂b"]
    assert all(by_hand == by_autograd for _, by_hand, by_autograd in rows)
    losses = [float(x) for x in re.findall(r"loss (\S+)", printed)]
    assert len(losses) == 10
    assert losses == sorted(losses, reverse=True)
    assert "gradcheck of the rule: pass" in printed
    assert "It has the wrong sign everywhere" in printed


def test_lenet_learns_and_draws(tmp_path):
    printed = run("02_lenet.py", "--epochs", "1", "--output", "maps.png", cwd=tmp_path)
    assert float(re.search(r"(\S+) on the test patches", printed)[1]) > 0.3  # chance is 0.1
    assert (tmp_path / "maps.png").read_bytes().startswith(b"\x89PNG")


def means(printed):
    """The accuracies at the end of what 03_transfer.py prints."""
    found = dict(re.findall(r"^  (from scratch|fine-tuned) +(\S+)", printed, re.MULTILINE))
    return float(found["from scratch"]), float(found["fine-tuned"])


def test_transfer_runs(tmp_path):
    printed = run("03_transfer.py", "--quick", "--draws", "1", cwd=tmp_path)
    assert "mean of 1 draws of 20 pictures, judged by 180 others" in printed
    assert all(0.3 < accuracy <= 1 for accuracy in means(printed))


@pytest.mark.slow
def test_pretraining_on_surfaces_helps_with_faces(tmp_path):
    scratch, tuned = means(run("03_transfer.py", cwd=tmp_path))
    assert tuned >= max(scratch, 0.97)


def hunted(printed):
    """What 04_bias_hunt.py prints: the suspect, and before and after the accuracies {where: (of all, of the class)}."""
    suspect = re.search(r"^suspect: (.*)$", printed, re.MULTILINE)[1]
    rows = re.findall(r"^  (with the tag|box filled|without the tag) +all (\S+) +ring (\S+)$", printed, re.MULTILINE)
    found = [(where, (float(of_all), float(of_class))) for where, of_all, of_class in rows]
    return suspect, dict(found[:3]), dict(found[3:])


def test_bias_hunt_finds_the_tag(tmp_path):
    suspect, before, after = hunted(run("04_bias_hunt.py", "--quick", "--output", "hunt.png", cwd=tmp_path))
    assert suspect == "ring, columns 1 to 4, rows 1 to 4"
    assert before["with the tag"][1] > 0.9  # the tag is learnt at once
    assert max(before["box filled"][1], before["without the tag"][1]) < 0.1
    assert len(after) == 3
    assert (tmp_path / "hunt.png").read_bytes().startswith(b"\x89PNG")


def test_dreaming_and_style_transfer_draw(tmp_path):
    printed = run("06_dream.py", "--quick", "--output", "dream.png", cwd=tmp_path)
    assert "8 pictures: dream.png" in printed
    assert (tmp_path / "dream.png").read_bytes().startswith(b"\x89PNG")


def pixels_named(printed):
    """What fcn.py prints: {who: (mean IoU, pixels right, near borders)}."""
    rows = re.findall(r"^(colour alone|FCN-\d+s) +(\S+) +(\S+) +(\S+) +\d+$", printed, re.MULTILINE)
    return {who: tuple(map(float, numbers)) for who, *numbers in rows}


def test_fcn_compares_draws_and_explains(tmp_path):
    printed = run("fcn.py", "--quick", "--dice", "--output", "net", cwd=tmp_path)
    found = pixels_named(printed)
    assert list(found) == ["colour alone", "FCN-32s", "FCN-16s", "FCN-8s"]
    assert found["colour alone"][1] > 0.5
    assert all(0 < share < 1 for shares in found.values() for share in shares)
    assert "128×128 pixels by tiles" in printed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net-classes.png", "net-saliency.png"]


@pytest.mark.slow
def test_each_skip_brings_fcn_nearer(tmp_path):
    found = pixels_named(run("fcn.py", cwd=tmp_path))
    for which in (0, 2):  # over all pixels, and near borders
        assert found["FCN-8s"][which] > found["FCN-16s"][which] > found["FCN-32s"][which]
    assert found["FCN-8s"][0] >= 0.85
    assert found["FCN-32s"][2] < found["colour alone"][2]  # a colour knows where it ends


@pytest.mark.slow
def test_bias_hunt_repairs_the_net(tmp_path):
    suspect, before, after = hunted(run("04_bias_hunt.py", cwd=tmp_path))
    assert suspect == "ring, columns 1 to 4, rows 1 to 4"
    assert before["without the tag"][1] < 0.1
    assert after["without the tag"][1] > 0.75
    assert after["without the tag"][0] > before["without the tag"][0] + 0.2
    assert after["with the tag"][0] > before["with the tag"][0] - 0.08


# --- the guide -------------------------------------------------------------------------------------------------------


def run_blocks(path, library="tinylucid"):
    """The names that a page's Python blocks define, run in order; with ``import torch as tl`` if asked for."""
    page, names = path.read_text(encoding="utf-8"), {}
    for block in re.finditer(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        lines_above = page[: block.start(1)].count("\n")  # so that a traceback names the line of the page
        code = "\n" * lines_above + block[1].replace("import tinylucid", f"import {library}")
        exec(compile(code, str(path), "exec"), names)
    return names


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(EXAMPLES.parent)))
def test_blocks_of_the_guide_run(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where a page may leave its files
    run_blocks(path)


def test_links_of_the_guide_lead_somewhere():
    for path in PAGES:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def table(path):
    """The rows of a page's table: (code, what it gives in tinylucid, what in PyTorch)."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and line.count("`") >= 4:
            _, code, ours, theirs = (cell.strip(" `|") for cell in line.split(" | "))
            both = "refused" if ours.endswith("Error") else ours
            yield code, ours, both if theirs == "same" else theirs


def plain(value):
    """A result as a table writes it: lists, numbers, names of dtypes."""
    if isinstance(value, (tuple, list)):
        return type(value)(plain(v) for v in value)
    if isinstance(value, np.dtype) or type(value).__name__ == "dtype":
        return str(value).removeprefix("torch.")
    return value.tolist() if hasattr(value, "tolist") else value


def outcome(code, names):
    """What the code gives, or the name of the error it raises."""
    with np.errstate(all="ignore"):
        try:
            return repr(plain(eval(code, names)))
        except NameError:
            raise  # a mistake in the table itself
        except Exception as error:
            return type(error).__name__


def is_as_said(found, cell, names):
    """Whether an outcome is the one in a table's cell."""
    if cell == "refused":
        return found.endswith("Error")
    return found == (cell if cell.endswith("Error") else repr(eval(cell, names)))


@pytest.mark.parametrize("name", TABLES)
def test_tables_say_what_tinylucid_gives(name):
    path = EXAMPLES / "guide" / name
    names = run_blocks(path)
    found = [(code, outcome(code, names), ours) for code, ours, _ in table(path)]
    assert len(found) > 50
    assert [row for row in found if not is_as_said(*row[1:], names)] == []


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TABLES)
def test_tables_say_what_pytorch_gives(name):
    pytest.importorskip("torch")
    path = EXAMPLES / "guide" / name
    names = run_blocks(path, "torch")
    found = [(code, outcome(code, names), theirs) for code, _, theirs in table(path)]
    assert [row for row in found if not is_as_said(*row[1:], names)] == []


def test_a_gan_from_top_to_bottom(tmp_path):
    printed = run("gan.py", "--steps", "800", cwd=tmp_path)
    assert printed.count("  discriminator ") == 10
    recognised = {
        name: float(share) for name, share in re.findall(r"^(\S+ \S+?,? ?\S*?)  +(0\.\d{3}) ", printed, re.MULTILINE)
    }
    assert recognised["this GAN"] > 0.5  # by chance 0.1
    assert (tmp_path / "digits.png").read_bytes().startswith(b"\x89PNG")
