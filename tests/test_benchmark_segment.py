"""The benchmark of segmentation: what it counts, its page, and (slow) what the nets reach."""

import numpy as np
import pytest

import tinylucid as tl

pytest.importorskip("benchmarks", reason="the benchmarks are not in the wheel")

from benchmarks import segment


def test_pixels_near_a_border_by_loops():
    y = np.random.default_rng(0).integers(0, 12, (2, 9, 7)) // 11  # two classes, one of them rare
    wanted = np.zeros(y.shape, bool)
    for n, i, j in np.ndindex(y.shape):
        wanted[n, i, j] = len(np.unique(y[n, max(i - 2, 0) : i + 3, max(j - 2, 0) : j + 3])) > 1
    assert 0 < wanted.mean() < 1
    assert np.array_equal(segment.near_border(y, 2), wanted)


def test_what_the_regression_sees_by_loops():
    x = np.random.default_rng(1).random((2, 3, 12, 13), np.float32)
    found = segment.features(x, 5)
    assert (found.shape, found.dtype) == ((2, 9, 12, 13), np.float32)
    part = x[1, 2, 3:8, 4:9].astype(np.float64)  # about row 5, column 6
    assert np.allclose(found[1, [2, 5, 8], 5, 6], [x[1, 2, 5, 6], part.mean(), part.std()], atol=1e-5)
    assert segment.features(x, 0) is x


def test_a_section_measured_anew_replaces_its_own_alone(monkeypatch):
    monkeypatch.setattr(segment, "SECTIONS", {"mosaics": None, "coins": None})
    both = segment.page(segment.page("", {"coins": "B"}), {"mosaics": "A"})
    assert both.split("\n\n")[2:] == ["## mosaics", "A", "## coins", "B\n"]
    assert segment.page(both, {"coins": "C"}) == both.replace("B", "C")


def test_the_recipe_runs_through_on_a_few_mosaics():
    data = tl.data.texture_mosaic(0, train=16, test=2)
    model, found = segment.mosaic_net("fcn8s", data, 0)
    assert found.steps == segment.EPOCHS
    answers = tl.predict(model, data.test.x).argmax(1)
    assert found.accuracy == (answers == data.test.y).mean()
    assert segment.pixel_regression(data, 0, segment.WINDOW).steps == 2


@pytest.mark.slow
def test_each_skip_pays_on_mosaics():
    """On one seed of data and nets; 625 steps each."""
    data = tl.data.texture_mosaic(0)
    found = {name: segment.mosaic_net(name, data, 0)[1] for name in ("fcn8s", "fcn16s", "fcn32s")}
    overlap = {name: scores.iou for name, scores in found.items()}
    assert all(scores.steps <= 900 for scores in found.values())
    assert overlap["fcn8s"] >= 0.85
    assert overlap["fcn8s"] >= overlap["fcn16s"] + 0.015
    assert overlap["fcn16s"] >= overlap["fcn32s"] + 0.08
    assert found["fcn8s"].border > found["fcn16s"].border > found["fcn32s"].border
    assert segment.pixel_regression(data, 0, segment.WINDOW).iou < overlap["fcn32s"]
