"""The command line and the demo behind it."""

import subprocess
import sys

import numpy as np
import pytest

import tinylucid as tl
from tinylucid import cli, demo
from tinylucid.models import texture_net

TINY = {"epochs": 1, "train_per_class": 12, "test_per_class": 5}


def test_a_tiny_run_reports_and_draws(tmp_path, capsys):
    report = demo.run(tmp_path / "new" / "folder", **TINY)
    assert 0 <= report.accuracy <= 1
    assert report.baselines["guess"] == 0.1
    assert report.accuracy == pytest.approx(np.mean(list(report.by_class.values())))
    assert report.figure.read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr()
    assert all(name in printed.out for name in (*report.by_class, *report.baselines, "seed 0", str(report.figure)))
    lines = [line for line in printed.err.splitlines() if "compiling CPU kernels" not in line]
    assert lines
    assert all(line.startswith("epoch 1/1  loss") for line in lines)


def test_the_seed_decides_everything():
    def trained(seed):
        tl.manual_seed(seed)
        data = tl.data.textures(seed, 12, 5)
        model = texture_net()
        demo.train(model, data.train.x, data.train.y, epochs=1)
        return demo.probabilities(model, data.test.x)

    first, again, other = trained(5), trained(5), trained(6)
    assert np.array_equal(first, again)
    assert not np.allclose(first, other, atol=0.01)


def test_a_bad_folder_is_said_before_training(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    for bad in (tmp_path / "file", tmp_path / "file" / "below"):
        assert cli.main(["demo", "--out", str(bad)]) == 2
        error = capsys.readouterr().err
        assert error.startswith("tinylucid: ")
        assert str(bad) in error
        assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["demo", "--epochs", "0"], "≥ 1"),
        (["demo", "--seed", "-1"], "from 0"),
        (["sing"], "sing"),
        (["demo", "-x"], "-x"),
    ],
)
def test_wrong_arguments_are_one_line_and_code_2(wrong, said, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(wrong)
    error = capsys.readouterr().err
    assert stop.value.code == 2
    assert said in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("command", [[], ["demo"], ["info"]])
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([*command, "--help"])
    assert stop.value.code == 0
    assert "example:\n  tinylucid " in capsys.readouterr().out


def test_no_command_prints_the_help(capsys):
    assert cli.main([]) == 0
    assert "demo" in capsys.readouterr().out


def test_version_and_info(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"tinylucid {tl.__version__}\n"
    assert cli.main(["info"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in (tl.__version__, np.__version__, "numba", "cores", "kernels"))
    assert cli.version("no such package") == "not installed"


def test_python_m_runs_it_and_loads_nothing_heavy():
    done = subprocess.run([sys.executable, "-m", "tinylucid", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"tinylucid {tl.__version__}\n"
    look = "import sys, tinylucid, tinylucid.cli; print({'matplotlib', 'skimage', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_loss_that_is_no_number_stops_the_training():
    x = np.full((8, 1, 8, 8), np.nan, np.float32)
    with pytest.raises(FloatingPointError, match="loss is nan at step 1 of 2"):
        demo.train(texture_net(2), x, np.arange(8) % 2, epochs=2)


def test_hand_made_features():
    x = np.zeros((1, 1, 4, 4))
    x[0, 0, 0] = 9, -9, 0.1, 0.1
    counts = demo.histogram(x)[0] * 16
    assert counts[0] == 1
    assert counts[15] == 1
    assert counts[8] == 14
    rough, cube, fourth = demo.moments(x)[0]
    assert rough == pytest.approx((18 + 9.1 + 0) / 12 + (9 + 9 + 0.2) / 12)
    assert cube == pytest.approx(0.002 / 16)
    assert fourth == pytest.approx((2 * 9**4 + 0.0002) / 16)


def test_softmax_regression_separates_what_is_linear():
    rng = tl.Generator(0)
    x, y = rng.normal((200, 3)), np.arange(200) % 2
    x[:, 1] += 6 * y
    assert demo.softmax_regression(x[:100], y[:100], x[100:], y[100:], steps=100) > 0.97


@pytest.mark.slow
def test_the_whole_job_reaches_its_bar_on_three_seeds(tmp_path):
    reports = [demo.run(tmp_path, seed) for seed in range(3)]
    assert min(report.accuracy for report in reports) >= 0.95
    for name in reports[0].by_class:
        assert np.mean([report.by_class[name] for report in reports]) >= 0.85, name
    for report in reports:
        guess, pixels, bins, moments = report.baselines.values()
        assert (guess, pixels < 0.2, bins <= 0.75, moments <= 0.8) == (0.1, True, True, True)
