"""The demo: ten surfaces, learned and judged, beside what simple methods reach; and the page about it."""

from types import SimpleNamespace

import numpy as np
import pytest

import tinylucid as tl
from tinylucid import baselines, demo, findings, page
from tinylucid.report import Report

TINY = {"epochs": 1, "train_per_class": 12, "test_per_class": 5}


@pytest.fixture(scope="module")
def found():
    return demo.run(5, **TINY)


def test_a_tiny_run_finds_figures_that_fit_together(found):
    assert found.accuracy == pytest.approx(np.mean(list(found.by_class.values())))
    assert found.accuracy == pytest.approx(np.trace(found.confusion) / 50)
    assert found.baselines["guess"] == 0.1
    assert len(found.history.loss) == 1
    assert set(found.to_dict()["classes"]) == set(found.test.classes)
    assert all(found.seconds[part] > 0 for part in ("training", "judging"))


def test_the_seed_decides_everything(found):
    again, other = demo.run(5, **TINY), demo.run(6, **TINY)
    assert np.array_equal(found.chances, again.chances)
    assert not np.allclose(found.chances, other.chances, atol=0.01)


def test_mistakes_come_surest_first(found):
    sure = found.chances.max(1)[found.mistakes]
    assert (np.diff(sure) <= 0).all()
    assert len(sure) == (~found.right).sum()
    k = found.mistakes[0]
    classes = found.test.classes
    assert found.said(k) == f"{classes[found.answers[k]]} {sure[0]:.0%}\nis {classes[found.test.y[k]]}"
    assert "is" not in found.said(np.flatnonzero(found.right)[0]).split("\n")[-1].split()


def test_the_page_has_every_part_and_no_outside_address(found):
    written = page.report_of(found).html()
    for part in ("right", "learned", "takes for what", "mistakes", "rest on", "excites", "The net", "made"):
        assert part in written
    assert written.count("<img ") == written.count(' alt="')
    assert "://" not in written
    assert all(name in written for name in (*found.test.classes, *found.baselines))
    assert f"{found.accuracy:.1%}" in written
    assert "another meadow" in written  # what the figure does not mean
    assert {"explaining", "rendering"} <= set(found.seconds)


def test_the_page_says_how_the_net_was_trained_and_how_sure_its_figure_is(found):
    written = page.report_of(found).html()
    assert f"of 50 held-back pictures are answered right, {found.give_or_take}." in written
    assert "texture_net (" in written
    assert "texture_net for input" in written
    assert "Sequential for" not in written
    assert "(ReLU)" in written
    assert "test pictures" not in written
    assert all(name in written and str(value) in written for name, value in found.settings.items())
    assert {"training pictures", "epochs", "batch size", "learning rate", "pictures altered"} == set(found.settings)
    assert "SmoothGrad, integrated gradients, guided backprop, LRP, DeepLIFT, Grad-CAM, occlusion" in written


@pytest.mark.parametrize(
    ("right", "n", "words"),
    [(11, 12, "8 points"), (960, 1000, "0.6 points"), (50, 100, "5 points"), (3, 3, "23 points"), (0, 3, "23 points")],
)
def test_the_standard_error_of_the_accuracy(right, n, words):
    some = findings.Findings("", 0)
    some.right = np.arange(n) < right
    assert some.give_or_take == f"give or take {words}"
    if 0 < right < n:
        share = right / n
        assert some.doubt == pytest.approx(np.sqrt(share * (1 - share) / n))
    assert some.doubt > 0


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (None, "a black picture"),
        (tl.data.Preprocess(8), "a black picture"),
        (tl.data.Preprocess(8, mean=(0.5,) * 3, std=(1,) * 3), "the mean colour of the training pictures"),
        (tl.data.Preprocess(8, False, (0.5,), (1,)), "the mean brightness of the training pictures"),
        (tl.data.Preprocess(8, per_picture=True), "an even grey"),
    ],
)
def test_where_integrated_gradients_start(how, words):
    assert page.nothing(how) == words
    x = np.random.default_rng(0).random((2, 3 if how is None else how.channels, 8, 8))
    seen = how.shown(how.normalized(x)) if how else x
    if how is None or not how.per_picture:
        np.testing.assert_allclose(seen, x)
    else:
        assert (seen.min((1, 2, 3)) == 0).all()
        np.testing.assert_allclose(seen.max((1, 2, 3)), 1)


def test_one_mistake_is_made_once(found):
    one = findings.Findings("", 0)
    one.__dict__.update(vars(found))
    one.confusion = np.diag([5] * 10)
    for times, words in ((1, "Most often, once, "), (2, "Most often, 2 times, ")):
        one.confusion[0, 1] = times
        report = Report("")
        page.confusions(report, one)
        assert words + f"{found.test.classes[0]} is taken for {found.test.classes[1]}." in report.html()


def test_quick_halves_the_pictures(found):
    quick = findings.Findings("", 0, quick=True)
    assert (found.half(16), quick.half(16)) == (16, 8)
    assert 0 < len(page.handful(found)) <= page.EXPLAINED


@pytest.mark.parametrize("quick", [False, True])
def test_the_handful_is_one_of_each_class_in_order_and_the_surest_mistakes(quick):
    y, right = np.array([2, 2, 0, 1, 0, 1, 3, 4, 5, 6]), np.ones(10, bool)
    right[[0, 5, 7, 8]] = False
    found = findings.Findings("a title", 0, quick=quick)
    found.test, found.right = SimpleNamespace(y=y), right
    found.chances = np.eye(7)[(y + ~right) % 7] * 0.5
    found.chances[[7, 0]] *= [[1.8], [1.6]]  # the surest mistake, and the next
    found.answers = found.chances.argmax(1)
    assert page.handful(found).tolist() == ([1, 2, 7] if quick else [1, 2, 3, 6, 7, 0])


def test_the_maps_are_those_of_the_answers_wrong_ones_too(found, monkeypatch):
    asked, drawn = [], []
    applied = lambda methods, model, x, target: (asked.append((list(methods), x, target)), ({"lrp": 0 * x}, {}))[1]
    grid = page.plot.explanation_grid
    monkeypatch.setattr(page.explain, "applied", applied)
    monkeypatch.setattr(page.plot, "explanation_grid", lambda *given: (drawn.append(given), grid(*given))[1])
    page.reasons(Report("a title", "a lead"), found)
    shown = page.handful(found)
    assert not found.right[shown].all()
    (((methods, x, target), (_, _, titles, right)),) = zip(asked, drawn)
    assert tuple(methods) == page.METHODS
    assert np.array_equal(x, found.test.x[shown])
    assert np.array_equal(target, found.answers[shown])
    assert titles == [found.said(k) for k in shown]
    assert np.array_equal(right, found.right[shown])


def test_a_net_without_mistakes_has_a_page_too(found):
    class Sure(tl.nn.Module):
        """Knows the answers of the pictures it is asked about, and has a plane."""

        def __init__(self, y):
            super().__init__()
            self.plane, self.y = tl.nn.ReLU(), y

        def forward(self, x):
            k = self.y[: len(x)] if len(x) == len(self.y) else np.zeros(len(x), int)
            return self.plane(x).mean((2, 3)) + tl.tensor((k[:, None] == np.arange(10)).astype(np.float32) * 9)

    perfect = findings.Findings("perfect", 0)
    perfect.judge(Sure(found.test.y), found.test, found.history)
    assert perfect.accuracy == 1
    written = page.report_of(perfect).html()
    assert "worst mistakes" not in written
    assert "No mistakes." in written


def test_hand_made_features():
    x = np.zeros((1, 1, 4, 4))
    x[0, 0, 0] = 9, -9, 0.1, 0.1
    counts = baselines.histogram(x)[0] * 16
    assert counts[0] == 1
    assert counts[15] == 1
    assert counts[8] == 14
    rough, cube, fourth = baselines.moments(x)[0]
    assert rough == pytest.approx((18 + 9.1 + 0) / 12 + (9 + 9 + 0.2) / 12)
    assert cube == pytest.approx(0.002 / 16)
    assert fourth == pytest.approx((2 * 9**4 + 0.0002) / 16)


def test_softmax_regression_separates_what_is_linear():
    rng = tl.Generator(0)
    x, y = rng.normal((200, 3)), np.arange(200) % 2
    x[:, 1] += 6 * y
    assert (baselines.softmax_regression(x[:100], y[:100], x[100:], steps=100) == y[100:]).mean() > 0.97


@pytest.mark.slow
def test_the_whole_job_reaches_its_bar_on_three_seeds():
    runs = [demo.run(seed) for seed in range(3)]
    assert min(found.accuracy for found in runs) >= 0.95
    for name in runs[0].test.classes:
        assert np.mean([found.by_class[name] for found in runs]) >= 0.85, name
    for found in runs:
        guess, pixels, bins, moments = found.baselines.values()
        assert (guess, pixels < 0.2, bins <= 0.75, moments <= 0.8) == (0.1, True, True, True)
