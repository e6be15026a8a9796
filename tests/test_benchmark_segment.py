"""The benchmark of segmentation: what it counts, its page, and (slow) what the nets reach."""

import numpy as np
import pytest

import tinylucid as tl

pytest.importorskip("benchmarks", reason="the benchmarks are not in the wheel")

from benchmarks import segment
from benchmarks.sections import page


def test_what_the_regression_sees_by_loops():
    x = np.random.default_rng(1).random((2, 3, 12, 13), np.float32)
    found = segment.features(x, 5)
    assert (found.shape, found.dtype) == ((2, 9, 12, 13), np.float32)
    part = x[1, 2, 3:8, 4:9].astype(np.float64)  # about row 5, column 6
    assert np.allclose(found[1, [2, 5, 8], 5, 6], [x[1, 2, 5, 6], part.mean(), part.std()], atol=1e-5)
    assert segment.features(x, 0) is x


def test_a_section_measured_anew_replaces_its_own_alone():
    sections = {"mosaics": None, "coins": None}
    both = page("# Head", page("# Head", "", {"coins": "B"}, sections), {"mosaics": "A"}, sections)
    assert both.split("\n\n") == ["# Head", "## mosaics", "A", "## coins", "B\n"]
    assert page("# Head", both, {"coins": "C"}, sections) == both.replace("B", "C")


def test_all_that_learns_mosaics_answers_and_is_judged():
    data = tl.data.texture_mosaic(0, train=16, test=2)
    found = {name: segment.timed(answer, data.test) for name, answer in segment.contestants(data, 0, 2).items()}
    assert [*found][2:] == list(segment.NETS)
    for run in found.values():
        assert run.answers.shape == data.test.y.shape
        assert run.scores.accuracy == (run.answers == data.test.y).mean()
        assert run.seconds > 0
    own, around = [*found.values()][:2]
    assert (own.answers != around.answers).any()


def test_coins_are_judged_as_counted():
    test = tl.data.coins().test
    right = segment.judged(segment.timed(lambda: test.y, test), test)
    assert right[:4] == ["1.000", "1.000", "12 of 12", "0"]


@pytest.mark.slow
def test_each_skip_pays_on_mosaics():
    """On one seed of data and nets; 625 steps each."""
    data = tl.data.texture_mosaic(0)
    colour, _, *nets = segment.contestants(data, 0).items()
    found = {name: segment.timed(answer, data.test).scores for name, answer in (colour, *nets[:3])}
    overlap = {name: scores.mean_iou for name, scores in found.items()}
    assert overlap["fcn8s"] >= 0.85
    assert overlap["fcn8s"] >= overlap["fcn16s"] + 0.015
    assert overlap["fcn16s"] >= overlap["fcn32s"] + 0.08
    assert overlap["fcn32s"] > overlap[colour[0]]
    assert found["fcn8s"].boundary_accuracy > found["fcn16s"].boundary_accuracy > found["fcn32s"].boundary_accuracy
