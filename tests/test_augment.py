"""tl.data.Augment: each setting against loops over single pictures, masks that move along, and numbers keyed by the picture."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinylucid_kernels import of

from tinylucid.data import Augment
from tinylucid.data.keyed import order
from tinylucid.data.textures import dihedral

INDEX, SEED, EPOCH = np.array([5, 900_000, 0, 17, 4, 6, 33, 2]), 3, 4
ALL = Augment(True, True, 2, 25, (0.8, 1.3), 0.2, 0.4, 0.1, 3)
GEOMETRIC = Augment(flip=True, dihedral=True, pad_crop=2, rotate=25, scale=(0.8, 1.3))


@pytest.fixture
def x(rng):
    return rng.random((8, 3, 6, 7), np.float32)


def words(i, n, slot, seed=SEED, epoch=EPOCH):
    """Picture i's words, from the kernel that generators draw from."""
    return of(np.empty(0)).philox(seed, int(i) * 2**24 + slot, n, epoch + 1)


def draws(i):
    return words(i, 12, 1) / 2**32


def changed(augment, x, y=None, index=INDEX, **how):
    y = np.zeros(len(x), np.int64) if y is None else y
    return augment(x, y, index, epoch=how.pop("epoch", EPOCH), seed=how.pop("seed", SEED), **how)


def fold(i, n):
    """The pixel that a mirror shows at place i."""
    while not 0 <= i <= n - 1:
        i = -i if i < 0 else 2 * (n - 1) - i
    return i


# --- literal pictures --------------------------------------------------------------------------------------------------


def test_without_settings_every_bit_stays(x):
    y = np.arange(8)
    new_x, new_y = changed(Augment(), x, y)
    assert np.array_equal(new_x, x)
    assert np.array_equal(new_y, y)
    assert repr(Augment()) == "Augment()"


def test_neutral_settings_change_no_bit(x):
    augment = Augment(scale=(1, 1), rotate=0, pad_crop=0, brightness=0, contrast=0, noise=0, cutout=0, mixup=0)
    assert np.array_equal(changed(augment, x)[0], x)


def test_flip_exchanges_left_and_right_half_the_time(x):
    new, _ = changed(Augment(flip=True), x)
    flipped = [draws(i)[0] < 0.5 for i in INDEX]
    assert 0 < sum(flipped) < 8
    for k in range(8):
        assert np.array_equal(new[k], x[k, :, :, ::-1] if flipped[k] else x[k])
    many = np.arange(2000)
    pictures = np.broadcast_to(np.float32([[[0, 1]]]), (2000, 1, 1, 2))
    assert abs(changed(Augment(flip=True), pictures, index=many)[0][:, 0, 0, 0].mean() - 0.5) < 0.03


def test_flipping_twice_is_nothing(x):
    augment = Augment(flip=True)
    assert np.array_equal(changed(augment, changed(augment, x)[0])[0], x)


def test_dihedral_gives_each_picture_its_pose(rng):
    x = rng.random((8, 2, 5, 5), np.float32)
    new, _ = changed(Augment(dihedral=True), x)
    for k, i in enumerate(INDEX):
        pose = int(draws(i)[1] * 8)
        turned = np.rot90(x[k], pose % 4, (1, 2))
        assert np.array_equal(new[k], turned[:, :, ::-1] if pose >= 4 else turned)
    corner = np.zeros((400, 1, 2, 2), np.float32)
    corner[:, :, 0] = [1, 2]
    seen = {picture.tobytes() for picture in changed(Augment(dihedral=True), corner, index=np.arange(400))[0]}
    assert seen == {picture.tobytes() for picture in dihedral(corner[:8], np.arange(8))}


@pytest.mark.parametrize("pad", [1, 3, 5])
def test_pad_crop_moves_by_whole_pixels_into_a_mirror(x, pad):
    y = np.arange(8 * 6 * 7).reshape(8, 6, 7)
    new, mask = changed(Augment(pad_crop=pad), x, y)
    for k, i in enumerate(INDEX):
        top, left = (int(u * (2 * pad + 1)) - pad for u in draws(i)[2:4])
        for r in range(6):
            for c in range(7):
                assert np.array_equal(new[k, :, r, c], x[k, :, fold(r + top, 6), fold(c + left, 7)])
                inside = 0 <= r + top < 6 and 0 <= c + left < 7
                assert mask[k, r, c] == (y[k, r + top, c + left] if inside else -100)


def test_pad_crop_reaches_every_place():
    x = np.broadcast_to(np.arange(49, dtype=np.float32).reshape(1, 1, 7, 7), (1000, 1, 7, 7))
    middle = changed(Augment(pad_crop=2), x, index=np.arange(1000))[0][:, 0, 3, 3]
    assert set(middle) == {7 * r + c for r in range(1, 6) for c in range(1, 6)}


def warped(picture, mask, angle, factor):
    """One picture (C, H, W) and its mask by loops over the pixels."""
    h, w = mask.shape
    new, moved = np.zeros_like(picture), np.zeros_like(mask)
    for i in range(h):
        for j in range(w):
            y, x = i - (h - 1) / 2, j - (w - 1) / 2
            row = (math.cos(angle) * y + math.sin(angle) * x) / factor + (h - 1) / 2
            column = (math.cos(angle) * x - math.sin(angle) * y) / factor + (w - 1) / 2
            near = round(row), round(column)
            moved[i, j] = mask[near] if 0 <= near[0] < h and 0 <= near[1] < w else -100
            for r in (math.floor(row), math.floor(row) + 1):
                for s in (math.floor(column), math.floor(column) + 1):
                    share = (1 - abs(row - r)) * (1 - abs(column - s))
                    new[:, i, j] += share * picture[:, fold(r, h), fold(s, w)]
    return new, moved


@pytest.mark.parametrize(("rotate", "scale"), [(180, (1, 1)), (20, (0.7, 1.4)), (0, (0.2, 0.3)), (5, (2, 2))])
def test_rotate_and_scale_are_one_bilinear_warp(x, rng, rotate, scale):
    y = rng.integers(0, 9, (8, 6, 7))
    new, mask = changed(Augment(rotate=rotate, scale=scale), x, y)
    for k, i in enumerate(INDEX):
        u = draws(i)
        angle, factor = math.radians(rotate) * (2 * u[4] - 1), scale[0] + (scale[1] - scale[0]) * u[5]
        expected, moved = warped(x[k], y[k], angle, factor)
        np.testing.assert_allclose(new[k], expected, atol=2e-5)
        assert np.array_equal(mask[k], moved)


def test_a_quarter_turn_is_counter_clockwise():
    from tinylucid.data.geometry import sampled, sources

    x = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
    turned = sampled(x, sources(x.shape, np.array([math.pi / 2]), np.array([1.0])))
    np.testing.assert_allclose(turned[0, 0], np.rot90(x[0, 0]), atol=1e-5)


def test_pictures_of_one_pixel_or_one_row_can_be_turned():
    for shape in [(2, 1, 1, 1), (2, 1, 1, 4), (2, 1, 4, 1)]:
        x = np.full(shape, 0.5, np.float32)
        np.testing.assert_allclose(changed(Augment(rotate=90, scale=(0.5, 2)), x, index=INDEX[:2])[0], x)


def test_contrast_and_brightness(x):
    new, _ = changed(Augment(contrast=0.5, brightness=0.3), x)
    for k, i in enumerate(INDEX):
        u = draws(i)
        mean = x[k].mean()
        expected = mean + (x[k] - mean) * (1 + 0.5 * (2 * u[7] - 1)) + 0.3 * (2 * u[6] - 1)
        np.testing.assert_allclose(new[k], expected, atol=1e-6)
        assert abs(new[k].mean() - mean) <= 0.3 + 1e-6


def test_full_contrast_may_take_all_or_double():
    x = np.broadcast_to(np.float32([[[-1, 1]]]), (500, 1, 1, 2))
    half = changed(Augment(contrast=1), x, index=np.arange(500))[0][:, 0, 0, 1]
    assert half.min() >= 0
    assert half.max() <= 2
    assert half.min() < 0.02
    assert half.max() > 1.98


def test_noise_by_box_and_muller(x):
    new, _ = changed(Augment(noise=0.25), x)
    for k, i in enumerate(INDEX):
        u = (words(i, 128, 16) >> 8) / 2**24  # 126 pixels
        pairs = list(zip(u[0::2], u[1::2]))
        flat = [math.sqrt(-2 * math.log(1 - a)) * math.cos(2 * math.pi * b) for a, b in pairs]
        flat += [math.sqrt(-2 * math.log(1 - a)) * math.sin(2 * math.pi * b) for a, b in pairs]
        np.testing.assert_allclose(new[k] - x[k], 0.25 * np.reshape(flat[:126], (3, 6, 7)), atol=2e-6)


def test_noise_has_the_deviation_asked_for():
    noise = changed(Augment(noise=2), np.zeros((20, 1, 40, 40), np.float32), index=np.arange(20))[0]
    assert abs(noise.mean()) < 0.04
    assert abs(noise.std() - 2) < 0.04
    assert len(np.unique(noise)) > 0.99 * noise.size


@pytest.mark.parametrize("side", [1, 2, 3, 4, 20])
def test_cutout_shows_the_mean_in_a_square(x, side):
    y = np.ones((8, 6, 7), np.int64)
    new, mask = changed(Augment(cutout=side), x, y)
    assert np.array_equal(mask, y)
    for k, i in enumerate(INDEX):
        row, column = int(draws(i)[8] * 6), int(draws(i)[9] * 7)
        expected = x[k].copy()
        top, left = row - side // 2, column - side // 2
        for c in range(3):
            expected[c, max(top, 0) : top + side, max(left, 0) : left + side] = x[k, c].mean()
        np.testing.assert_allclose(new[k], expected, rtol=1e-6)
        assert (new[k] != x[k]).any()


# --- mixup -------------------------------------------------------------------------------------------------------------


def test_mixup_mixes_each_picture_and_label_with_the_next_in_random_order(x):
    from scipy.special import betainc

    y = np.array([0, 1, 2, 3, 0, 1, 2, 3])
    new, shares = changed(Augment(mixup=0.4), x, y, classes=5)
    assert new.dtype == shares.dtype == np.float32
    u = [draws(i) for i in INDEX]
    ordered = sorted(range(8), key=lambda k: u[k][11])
    for place, k in enumerate(ordered):
        partner = ordered[(place + 1) % 8]
        low, high = 0.0, 1.0
        for _ in range(60):  # λ is where the distribution function of Beta(0.4, 0.4) reaches u
            share = (low + high) / 2
            low, high = (share, high) if betainc(0.4, 0.4, share) < u[k][10] else (low, share)
        np.testing.assert_allclose(new[k], share * x[k] + (1 - share) * x[partner], atol=1e-6)
        expected = np.zeros(5)
        expected[y[k]] += share
        expected[y[partner]] += 1 - share
        np.testing.assert_allclose(shares[k], expected, atol=1e-6)


def test_mixup_depends_on_the_set_of_pictures_not_on_their_order(x):
    y, other = np.arange(8), np.array([3, 1, 7, 0, 2, 6, 5, 4])
    a, p = changed(Augment(mixup=1), x, y, classes=8)
    b, q = changed(Augment(mixup=1), x[other], y[other], INDEX[other], classes=8)
    assert np.array_equal(a[other], b)
    assert np.array_equal(p[other], q)


def test_mixup_of_shares_and_of_one_picture(x):
    y = np.eye(8, dtype=np.float32)
    _, shares = changed(Augment(mixup=1), x, y)
    assert np.array_equal(shares, changed(Augment(mixup=1), x, np.arange(8), classes=8)[1])
    alone, share = changed(Augment(mixup=1), x[:1], np.array([1]), INDEX[:1], classes=2)
    np.testing.assert_allclose(alone, x[:1], rtol=1e-6)
    np.testing.assert_allclose(share, [[0, 1]], rtol=1e-6)


@pytest.mark.parametrize(
    ("y", "classes", "message"),
    [
        (np.zeros((8, 6, 7), np.int64), 2, r"mixup mixes class numbers \(N,\), not targets of shape \(8, 6, 7\)"),
        (np.zeros(8, np.float32), 2, "mixup mixes class numbers"),
        (np.zeros(8, np.int64), 0, "give the dataset its classes"),
        (np.arange(8), 7, "class numbers 0 … 6, got 0 … 7"),
        (np.arange(8) - 1, 8, "class numbers 0 … 7, got -1 … 6"),
    ],
)
def test_what_mixup_cannot_mix(x, y, classes, message):
    with pytest.raises(ValueError, match=message):
        changed(Augment(mixup=0.2), x, y, classes=classes)


# --- masks -------------------------------------------------------------------------------------------------------------


@given(pad=st.integers(0, 4), flip=st.booleans(), turn=st.booleans(), seed=st.integers(0, 2**64 - 1))
def test_a_picture_that_is_its_own_mask_stays_so(pad, flip, turn, seed):
    mask = np.random.default_rng(1).integers(0, 5, (8, 7, 7))
    augment = Augment(flip=flip, dihedral=turn, pad_crop=pad)
    x, y = changed(augment, mask[:, None].astype(np.float32), mask, seed=seed)
    known = y != -100
    assert np.array_equal(x[:, 0][known], y[known])
    assert known.all() == (pad == 0) or known.mean() > 0.1
    assert y.dtype == mask.dtype


@given(seed=st.integers(0, 1000))
def test_a_turned_slope_and_its_mask_agree_to_half_a_pixel(seed):
    rows = np.broadcast_to(np.arange(12)[:, None], (8, 12, 12))
    x, y = changed(GEOMETRIC, rows[:, None].astype(np.float32), rows, seed=seed)
    known = y != -100
    assert known.mean() > 0.4
    assert np.abs(x[:, 0] - y)[known].max() <= 0.5 + 1e-4


@pytest.mark.parametrize("dtype", [np.uint8, bool])
def test_masks_of_few_bits_have_room_for_what_is_unknown(x, dtype):
    _, mask = changed(GEOMETRIC, x[..., :6], np.ones((8, 6, 6), dtype))
    assert mask.dtype == np.int64
    assert set(np.unique(mask)) == {-100, 1}


def test_masks_stay_when_only_colours_change(x, rng):
    y = rng.integers(0, 5, (8, 6, 7))
    new, mask = changed(Augment(brightness=1, contrast=1, noise=1, cutout=3), x, y)
    assert np.array_equal(mask, y)
    assert not np.array_equal(new, x)


# --- keys --------------------------------------------------------------------------------------------------------------


@given(chosen=st.lists(st.integers(0, 7), min_size=1, max_size=12))
def test_a_picture_is_changed_alike_in_any_batch(chosen):
    rng = np.random.default_rng(2)
    x, y = rng.random((8, 3, 6, 6), np.float32), rng.integers(0, 4, (8, 6, 6))
    whole_x, whole_y = changed(ALL, x, y)
    part_x, part_y = changed(ALL, x[chosen], y[chosen], INDEX[chosen])
    assert np.array_equal(part_x, whole_x[chosen])
    assert np.array_equal(part_y, whole_y[chosen])


def test_another_epoch_seed_or_index_changes_otherwise(rng):
    x = np.broadcast_to(rng.random((1, 3, 6, 6), np.float32), (8, 3, 6, 6))
    base = changed(ALL, x)[0]
    for other in (changed(ALL, x, epoch=5)[0], changed(ALL, x, seed=4)[0], changed(ALL, x, index=INDEX + 1)[0]):
        assert (base != other).any((1, 2, 3)).all()
    assert len({picture.tobytes() for picture in base}) == 8


def test_one_setting_leaves_the_draws_of_the_others_alone(x):
    flipped, _ = changed(Augment(flip=True), x)
    both, _ = changed(Augment(flip=True, brightness=0.5), x)
    amount = (both - flipped).reshape(8, -1)
    np.testing.assert_allclose(amount, amount[:, :1].repeat(amount.shape[1], 1), atol=1e-6)


def test_order_is_a_permutation_of_its_own_for_each_epoch_and_seed():
    orders = [tuple(order(seed, epoch, 50)) for seed in (0, 1) for epoch in (0, 1)]
    assert len(set(orders)) == 4
    assert all(sorted(o) == list(range(50)) for o in orders)
    assert tuple(order(1, 1, 50)) == orders[3]
    places = np.array([order(0, epoch, 10) for epoch in range(2000)])
    assert abs(places.mean(0) - 4.5).max() < 0.3  # nobody has a favourite place
    assert order(0, 0, 0).shape == (0,)


# --- dtypes, arguments -------------------------------------------------------------------------------------------------


def test_dtypes_stay_and_nothing_is_written_to(x):
    y = np.zeros((8, 6, 7), np.int64)
    square = x[..., :6].copy()
    before, mask = square.copy(), y[..., :6].copy()
    square.flags.writeable = mask.flags.writeable = False
    for dtype in (np.float32, np.float64):
        given = square.astype(dtype)
        given.flags.writeable = False
        assert changed(ALL, given, mask)[0].dtype == dtype
    assert np.array_equal(square, before)
    mixed, shares = changed(Augment(mixup=1), x.astype(np.float64), np.arange(8), classes=8)
    assert mixed.dtype == np.float64
    assert shares.dtype == np.float32


def test_bytes_count_as_shares_of_255(x):
    new, _ = changed(Augment(brightness=0.1), np.full((8, 1, 2, 2), 51, np.uint8))
    assert new.dtype == np.float32
    assert np.abs(new - 0.2).max() <= 0.1 + 1e-6


def test_no_pictures_are_no_problem():
    for augment in (ALL, Augment(mixup=1)):
        x, y = changed(augment, np.empty((0, 3, 6, 6), np.float32), np.empty(0, np.int64), INDEX[:0], classes=3)
        assert x.shape == (0, 3, 6, 6)
        assert len(y) == 0


def test_repr_shows_what_is_set():
    assert repr(Augment(flip=True, scale=(0.8, 1.2), noise=0.1)) == "Augment(flip=True, scale=(0.8, 1.2), noise=0.1)"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"flip": 0.5}, "flip must be True or False; got 0.5"),
        ({"dihedral": "yes"}, "dihedral must be True or False"),
        ({"pad_crop": -1}, "pad_crop must be a whole number of pixels, at least 0; got -1"),
        ({"pad_crop": 1.5}, "pad_crop must be a whole number"),
        ({"cutout": True}, "cutout must be a whole number"),
        ({"rotate": 181}, "rotate must be degrees from 0 to 180; got 181"),
        ({"rotate": float("nan")}, "rotate must be degrees"),
        ({"scale": 1.2}, r"scale must be two factors \(low, high\), 0 < low ≤ high; got 1.2"),
        ({"scale": (1.2, 0.8)}, "scale must be two factors"),
        ({"scale": (0, 1)}, "scale must be two factors"),
        ({"scale": (1, float("inf"))}, "scale must be two factors"),
        ({"brightness": -0.1}, "brightness must be a number, at least 0"),
        ({"brightness": "0.1"}, "brightness must be a number"),
        ({"contrast": 1.1}, "contrast must be a number from 0 to 1"),
        ({"noise": float("inf")}, "noise must be a standard deviation"),
        ({"mixup": -1}, "mixup must be the parameter of a Beta distribution"),
    ],
)
def test_settings_out_of_range_are_named(setting, message):
    with pytest.raises(ValueError, match=message):
        Augment(**setting)


def test_pictures_that_do_not_fit_are_named(x):
    with pytest.raises(ValueError, match="dihedral turns square pictures only, got 6 × 7"):
        changed(Augment(dihedral=True), x)
    with pytest.raises(ValueError, match="pad_crop=6 needs pictures of more than 6 pixels a side, got 6 × 7"):
        changed(Augment(pad_crop=6), x)
    with pytest.raises(ValueError, match=r"expected pictures \(N, C, H, W\), got shape \(3, 6, 7\)"):
        changed(Augment(flip=True), x[0])
    with pytest.raises(ValueError, match="8 pictures need as many targets and numbers, got 8 and 7"):
        changed(Augment(flip=True), x, index=INDEX[:7])
