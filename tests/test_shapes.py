"""shapes(): what is drawn, and that masks, boxes, classes and the tag are exactly what the pictures show."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path

import tinylucid as tl
import tinylucid.nn.functional as F
from tinylucid.data import ShapeDataset, shapes, split, tag_box
from tinylucid.data.drawing import ODDMENTS, SHAPES, background, ink, line, posed, stamp
from tinylucid.data.shapes import plant
from tinylucid.random import Generator

SEEDS = st.integers(0, 2**64 - 1)


@pytest.fixture(scope="module")
def data():
    return shapes(3, train=60, test=24)


def test_shapes_dtypes_and_classes(data):
    for part, n in zip(data, (60, 24)):
        assert part.x.shape == (n, 3, 64, 64)
        assert (part.masks.shape, part.masks.dtype) == ((n, 64, 64), bool)
        assert (part.boxes.shape, part.boxes.dtype) == ((n, 4), np.int64)
        assert (part.x.dtype, part.y.dtype) == (np.float32, np.int64)
        assert part.x.min() >= 0
        assert part.x.max() <= 1
        assert part.y.tolist() == [i % 6 for i in range(n)]
        assert part.classes == ("circle", "ring", "square", "triangle", "cross", "star")
        assert part.preprocess == tl.data.Preprocess(64)


def test_what_the_mask_holds_has_one_colour_but_for_grain_and_stands_out(data):
    for x, mask in zip(data.train.x, data.train.masks):
        inside = x[:, mask]
        assert (inside.max(1) - inside.min(1)).max() <= 0.12 + 1e-6
        ground = np.median(x[:, ~mask], axis=1)
        assert np.abs(np.median(inside, axis=1) - ground).min() > 0.1


def test_masks_are_whole_but_for_a_line(data):
    sizes = data.train.masks.sum((1, 2)) / 64**2
    assert sizes.min() > 0.26**2 * 0.75
    assert sizes.max() < 0.42**2 * 1.02
    assert abs(sizes.mean() - (0.42**3 - 0.26**3) / 3 / 0.16) < 0.02  # the mean of s² for s uniform in 0.26 … 0.42


def test_boxes_are_the_edges_of_masks(data):
    for mask, box in zip(data.train.masks, data.train.boxes):
        rows, columns = np.nonzero(mask)
        assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_a_mask_of_nothing_has_a_box_of_nothing():
    masks = np.zeros((2, 4, 6), bool)
    masks[1, 3, 5] = True
    boxes = ShapeDataset(np.zeros((2, 3, 4, 6), np.float32), np.zeros(2, int), masks).boxes
    assert boxes.tolist() == [[0, 0, 0, 0], [5, 3, 6, 4]]


@given(SEEDS, st.sampled_from([*SHAPES.values(), *ODDMENTS]), st.integers(16, 80))
def test_a_stamp_holds_the_pixels_inside_its_outlines(seed, outlines, size):
    z = posed(Generator(seed), outlines, 0.2, 0.4, size)
    assert min(np.concatenate([z[0].real, z[0].imag])) >= -1e-6
    assert max(np.concatenate([z[0].real, z[0].imag])) <= size - 1 + 1e-6
    points = np.array(list(itertools.product(range(size), repeat=2)))[:, ::-1]
    inside = np.zeros(size * size, bool)
    for v in z:
        inside ^= Path(np.stack([v.real, v.imag], 1)).contains_points(points)
    assert np.count_nonzero(stamp(z, size).ravel() != inside) <= 2  # a pixel that lies on the outline itself


def test_every_shape_has_area_one():
    for outlines in (*SHAPES.values(), *ODDMENTS):
        assert abs(stamp(tuple(200 * z + 300 * (1 + 1j) for z in outlines), 600).sum() / 200**2 - 1) < 0.02


def test_a_ring_is_hollow_and_a_circle_is_not(data):
    for mask, y, (x0, y0, x1, y1) in zip(data.train.masks, data.train.y, data.train.boxes):
        middle = mask[(y0 + y1) // 2 - 1 : (y0 + y1) // 2 + 2, (x0 + x1) // 2 - 1 : (x0 + x1) // 2 + 2]
        if y == 1:
            assert not middle.any()
        if y == 2:
            assert middle.any()


@given(SEEDS)
def test_ink_differs_from_the_ground_in_every_channel(seed):
    rng = Generator(seed)
    ground = rng.uniform((3,), np.float32)
    colors = np.stack([ink(rng, ground)[:, 0] for _ in range(20)])
    assert np.abs(colors - ground).min() >= 0.3 - 1e-6
    assert 0 <= colors.min() <= colors.max() < 1
    assert len(np.unique(colors)) > 50


@given(SEEDS)
def test_the_background_stays_near_its_ground(seed):
    x = background(Generator(seed), np.array([0.2, 0.5, 0.8], np.float32), 48)
    assert (x.shape, x.dtype) == ((3, 48, 48), np.float32)
    assert np.abs(x - np.array([0.2, 0.5, 0.8])[:, None, None]).max() <= 0.14
    assert x.std((1, 2)).min() > 0.002


@given(SEEDS, st.integers(32, 128))
def test_a_line_goes_from_side_to_side(seed, size):
    drawn = stamp(line(Generator(seed), size), size)
    across, down = drawn.any(0), drawn.any(1)
    assert max(across.sum(), down.sum()) >= size - 1
    assert drawn.sum() < 1.5 * size * (max(size / 40, 1.5) + 1)


def test_the_seed_decides_everything_and_parts_differ(data):
    again, other = shapes(3, 60, 24), shapes(4, 60, 24)
    assert np.array_equal(data.train.x, again.train.x)
    assert np.array_equal(data.test.masks, again.test.masks)
    assert not np.array_equal(data.train.masks, other.train.masks)
    assert len({x.tobytes() for part in (*data, *other) for x in part.x}) == 168


def test_fewer_pictures_are_the_first_of_more(data):
    fewer = shapes(3, 7, 4)
    for few, part in zip(fewer, data):
        assert np.array_equal(few.x, part.x[: len(few)])
        assert np.array_equal(few.masks, part.masks[: len(few)])


@pytest.mark.parametrize("size", [32, 64, 100])
def test_the_tag_changes_nothing_but_its_own_pixels(size):
    plain, tagged = shapes(1, 24, 6, size), shapes(1, 24, 6, size, tag="triangle")
    x0, y0, x1, y1 = tag_box(size)
    for a, b in zip(plain, tagged):
        own = np.zeros(a.masks.shape, bool)
        own[3::6, y0:y1, x0:x1] = True
        assert np.array_equal(np.where(own[:, None], 0, a.x), np.where(own[:, None], 0, b.x))
        tags = b.x[3::6, :, y0:y1, x0:x1]
        fields = tags.reshape(len(a) // 6, 3, 2, (y1 - y0) // 2, 2, (x1 - x0) // 2)
        assert (fields == fields[:1, :, :, :1, :, :1]).all()
        assert np.array_equal(fields[0, :, 0, 0, :, 0].T, [[1, 0, 1], [1, 1, 0]])
        assert np.array_equal(fields[0, :, 1, 0, :, 0].T, [[1, 1, 0], [1, 0, 1]])


def test_nothing_is_seen_of_a_shape_behind_the_tag():
    data = ShapeDataset(np.zeros((3, 3, 32, 32), np.float32), np.array([0, 1, 0]), np.ones((3, 32, 32), bool))
    plant(data, 0)
    x0, y0, x1, y1 = tag_box(32)
    assert data.masks.sum((1, 2)).tolist() == [32 * 32 - 16, 32 * 32, 32 * 32 - 16]
    assert not data.masks[0, y0:y1, x0:x1].any()


def test_subsets_keep_their_masks(data):
    part = data.train.subset([5, 2])
    assert isinstance(part, ShapeDataset)
    assert np.array_equal(part.masks, data.train.masks[[5, 2]])
    assert np.array_equal(part.boxes, data.train.boxes[[5, 2]])
    assert (part.y.tolist(), part.classes, part.preprocess) == ([5, 2], data.train.classes, data.train.preprocess)
    first, second = split(data.train, 0.5)
    assert len(first.masks) == len(second.masks) == 30


def test_segmentation_has_a_class_a_pixel(data):
    part = data.train.segmentation()
    assert (part.y.shape, part.y.dtype) == ((60, 64, 64), np.int64)
    assert part.classes == ("background", *data.train.classes)
    for k, (y, mask) in enumerate(zip(part.y, data.train.masks)):
        assert np.array_equal(y, np.where(mask, k % 6 + 1, 0))


@pytest.mark.parametrize(
    "wrong",
    [{"seed": -1}, {"train": 0}, {"test": 2.5}, {"size": 31}, {"size": 513}, {"tag": "hexagon"}, {"tag": 3}],
    ids=str,
)
def test_wrong_arguments_are_named(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=name) as caught:
        shapes(**wrong)
    assert str(value) in str(caught.value)
    assert name != "tag" or "circle, ring" in str(caught.value)


def test_masks_must_fit_their_pictures():
    with pytest.raises(ValueError, match=r"\(2, 3, 4, 4\) need a mask each, got masks \(2, 4, 5\)"):
        ShapeDataset(np.zeros((2, 3, 4, 4)), np.zeros(2, int), np.zeros((2, 4, 5)))


# --- a small net learns them -----------------------------------------------------------------------------------------


def learn(data, widths, epochs, rate=5e-3, batch=40):
    """A small net after that many epochs, with quarter turns; its accuracy on the test pictures."""
    layers, channels, rng = [], 3, np.random.default_rng(0)
    for width in widths:
        layers += [tl.nn.Conv2d(channels, width, 3, padding=1, bias=False), tl.nn.BatchNorm2d(width), tl.nn.ReLU()]
        layers, channels = [*layers, tl.nn.MaxPool2d(2)], width
    model = tl.nn.Sequential(*layers, tl.nn.AdaptiveMaxPool2d(1), tl.nn.Flatten(), tl.nn.Linear(channels, 6))
    optimizer = tl.optim.Adam(model.parameters(), lr=rate)
    schedule = tl.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * (len(data.train) // batch))
    for _ in range(epochs):
        for i in rng.permutation(len(data.train) // batch * batch).reshape(-1, batch):
            x = np.rot90(data.train.x[i], rng.integers(4), (2, 3)).copy()
            loss = F.cross_entropy(model(tl.tensor(x)), data.train.y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()
    with tl.no_grad():
        answers = [model(tl.tensor(data.test.x[k : k + 50])).numpy().argmax(1) for k in range(0, len(data.test), 50)]
    return (np.concatenate(answers) == data.test.y).mean()


def test_a_small_net_tells_rings_from_squares():
    easy = [part.subset(np.isin(part.y, (1, 2))) for part in shapes(train=900, test=240, size=32)]
    with tl.kernels("reference"):  # for small arrays on a busy machine, nothing is faster than few threads
        assert learn(tl.data.Splits(*easy), (12, 16, 24), 8, batch=20) > 0.7  # chance is 0.5


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_a_small_net_learns_them(seed):
    assert learn(shapes(seed), (16, 32, 48, 64), 10) >= 0.9
