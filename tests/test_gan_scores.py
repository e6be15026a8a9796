"""How good generated pictures are: distances by loops, closed forms and SciPy; a judge; scores of samples whose faults are known."""

import functools
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
from tinylucid import gan
from tinylucid.gan import distance, gaussians, scores
from tinylucid.gan.distance import frechet_distance, kernel_distance, nearest, precision_recall, spread
from tinylucid.gan.judge import judge_net

numbers = st.integers(0, 2**32 - 1)


def drawn(seed, *shape, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


# --- distances ---------------------------------------------------------------------------------------------------------


@given(numbers, st.integers(2, 6), st.integers(2, 6), st.integers(1, 5), st.sampled_from([np.float32, np.float64]))
def test_the_kernel_distance_is_its_formula_by_loops(seed, m, n, d, dtype):
    f, g = drawn(seed, m, d, dtype=dtype), drawn(seed + 1, n, d, dtype=dtype) + 1
    k = lambda x, y: (sum(float(a) * float(b) for a, b in zip(x, y)) / d + 1) ** 3
    own = sum(k(f[i], f[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    other = sum(k(g[i], g[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    across = sum(k(a, b) for a in f for b in g) / (m * n)
    assert kernel_distance(f, g) == pytest.approx(own + other - 2 * across, rel=1e-9, abs=1e-9)


def test_the_kernel_distance_is_zero_in_the_mean_for_one_distribution_and_grows_apart():
    values = [kernel_distance(drawn(k, 20, 4), drawn(1000 + k, 30, 4)) for k in range(200)]
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(len(values))
    assert min(values) < 0 < max(values)  # unbiased: on both sides
    assert kernel_distance(drawn(0, 20, 4), drawn(1, 30, 4) + 1) > max(values)


@given(numbers, st.integers(2, 9), st.integers(2, 9), st.integers(1, 12))
def test_the_frechet_distance_is_that_of_singular_values_however_few_the_vectors(seed, m, n, d):
    f, g = drawn(seed, m, d, dtype=np.float64), 2 * drawn(seed + 1, n, d, dtype=np.float64) + 1
    a, b = ((x - x.mean(0)) / math.sqrt(len(x) - 1) for x in (f, g))  # covariances aᵀa, bᵀb; the root's trace is ‖abᵀ‖₁
    apart = ((f.mean(0) - g.mean(0)) ** 2).sum() + (a**2).sum() + (b**2).sum()
    want = apart - 2 * np.linalg.svd(a @ b.T, compute_uv=False).sum()
    assert frechet_distance(f, g) == pytest.approx(want, rel=1e-6, abs=1e-5)
    assert frechet_distance(g.astype(np.float32), f) == pytest.approx(want, rel=1e-4, abs=1e-4)


def test_the_frechet_distance_is_that_of_scipys_matrix_root():
    from scipy.linalg import sqrtm

    f, g = drawn(0, 40, 5, dtype=np.float64), 2 * drawn(1, 30, 5, dtype=np.float64) + 1
    a, b = (np.cov(x, rowvar=False) for x in (f, g))
    apart = ((f.mean(0) - g.mean(0)) ** 2).sum()
    assert frechet_distance(f, g) == pytest.approx(apart + np.trace(a + b - 2 * np.real(sqrtm(a @ b))), rel=1e-9)


def test_the_frechet_distance_of_scaled_and_moved_vectors_has_a_closed_form():
    f = drawn(0, 200, 5, dtype=np.float64)
    assert frechet_distance(f, f) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(f, f + 2) == pytest.approx(4 * 5, rel=1e-9)
    centred = f - f.mean(0)
    assert frechet_distance(centred, 3 * centred) == pytest.approx(4 * np.cov(f.T).trace(), rel=1e-9)  # (3 − 1)² tr
    few = drawn(1, 3, 40)  # covariances of rank 2
    assert 0 <= frechet_distance(few, few) < 1e-6
    assert np.isfinite(frechet_distance(few, drawn(2, 4, 40)))


def covered(x, among, k):
    """The share of x in a ball of ``among``, by loops."""
    apart = lambda a, b: math.dist(a.tolist(), b.tolist())
    radii = [sorted(apart(a, b) for j, b in enumerate(among) if j != i)[k - 1] for i, a in enumerate(among)]
    return np.mean([any(apart(a, b) <= r for b, r in zip(among, radii)) for a in x])


@given(numbers, st.integers(1, 3), st.integers(0, 4), st.integers(0, 4), st.integers(1, 3))
def test_precision_and_recall_are_their_definition_by_loops(seed, k, m, n, d):
    real, fake = drawn(seed, k + 1 + m, d, dtype=np.float64), drawn(seed + 1, k + 1 + n, d, dtype=np.float64) + 0.5
    found = precision_recall(real, fake, k)
    assert found == pytest.approx((covered(fake, real, k), covered(real, fake, k)))


def test_precision_tells_what_is_unlike_and_recall_what_is_missing():
    real = drawn(0, 200, 3)
    assert precision_recall(real, real) == (1, 1)
    copies = np.repeat(real[:4], 50, 0)  # a generator that makes four pictures
    assert precision_recall(real, copies).precision == 1
    assert precision_recall(real, copies).recall < 0.05
    wild = np.concatenate([real, real + 100])
    assert precision_recall(real, wild).precision == 0.5
    assert precision_recall(real, wild).recall == 1


@given(numbers, st.integers(1, 7), st.integers(1, 7), st.sampled_from([np.float32, np.float64]), st.integers(1, 40))
def test_the_nearest_picture_is_the_nearest_by_loops_whatever_the_blocks(seed, n, m, dtype, block):
    x, train = drawn(seed, n, 2, 3, 2, dtype=dtype), drawn(seed + 1, m, 2, 3, 2, dtype=dtype)
    train[0] = x[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distance, "BLOCK", block)
        found = nearest(x, train)
        both = kernel_distance(np.repeat(x, 2, 0), np.repeat(train, 2, 0))
    apart = [[math.dist(a.ravel().tolist(), b.ravel().tolist()) for b in train] for a in x]
    assert found.index.tolist() == [row.index(min(row)) for row in apart]
    assert found.distance == pytest.approx([min(row) for row in apart], rel=1e-12)
    assert found.distance[0] == 0  # a copy, exactly
    assert both == pytest.approx(kernel_distance(np.repeat(x, 2, 0), np.repeat(train, 2, 0)), rel=1e-9, abs=1e-9)


def test_distances_are_never_all_in_memory(monkeypatch):
    monkeypatch.setattr(distance, "BLOCK", 1000)
    rows = [squares.shape for squares in distance._squares(np.zeros((50, 2)), np.zeros((100, 2)))]
    assert rows == [(10, 100)] * 5


@given(numbers, st.integers(1, 12), st.integers(1, 4))
def test_spread_is_the_mean_standard_deviation_of_each_class(seed, n, classes):
    x, y = drawn(seed, n, 1, 2, 3), np.random.default_rng(seed).integers(0, classes, n)
    found = spread(x, y)
    assert len(found) == y.max() + 1
    for k, value in enumerate(found):
        pixels = x[y == k].reshape(-1, 6).astype(float).T.tolist()
        if (y == k).sum() < 2:
            assert np.isnan(value)
        else:
            each = [math.sqrt(sum((v - sum(p) / len(p)) ** 2 for v in p) / len(p)) for p in pixels]
            assert value == pytest.approx(sum(each) / 6, rel=1e-6)
    assert spread(np.repeat(x, 2, 0)) == pytest.approx([x.astype(float).std(0).mean()])


NAN = np.array([[0.0, 1], [np.nan, 2], [3, 4], [5, 6], [7, 8]])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: kernel_distance(np.ones((1, 3)), np.ones((4, 3))), "kernel_distance|(N, D)|N ≥ 2|(1, 3)|draw more"),
        (lambda: kernel_distance(np.ones(3), np.ones((4, 3))), "kernel_distance|(N, D)|(3,)"),
        (
            lambda: kernel_distance(np.ones((4, 3)), np.ones((4, 2))),
            "kernel_distance|one length|3 and 2|judge's features",
        ),
        (lambda: frechet_distance(np.ones((2, 3)), np.ones((1, 3))), "frechet_distance|N ≥ 2|(1, 3)"),
        (lambda: frechet_distance(NAN, NAN), "frechet_distance|number 1 of 5|NaN|diverged"),
        (lambda: precision_recall(np.ones((3, 2)), np.ones((4, 2))), "precision_recall|N ≥ 4|(3, 2)"),
        (lambda: precision_recall(np.ones((9, 2)), np.ones((9, 2)), 0), "precision_recall|k must be|got 0|3"),
        (lambda: precision_recall(np.ones((9, 2)), np.ones((9, 2)), 1.5), "precision_recall|integer|got 1.5"),
        (lambda: nearest(np.ones((0, 1, 2, 2)), np.ones((4, 1, 2, 2))), "nearest|N ≥ 1|(0, 1, 2, 2)"),
        (lambda: nearest(np.ones((4, 0)), np.ones((4, 0))), "nearest|(4, 0)"),
        (lambda: nearest(np.ones((2, 1, 2, 2)), np.ones((4, 1, 2, 3))), "nearest|4 and 6|one size"),
        (lambda: spread(np.ones((3, 2)), np.zeros(2, int)), "spread|3 pictures|int64 (2,)"),
        (lambda: spread(np.ones((3, 2)), np.zeros(3)), "spread|class numbers|float64"),
    ],
)
def test_what_cannot_be_measured_is_said(call, words):
    check_message(call, ValueError, words)


# --- the Gaussians -------------------------------------------------------------------------------------------------------


def test_the_gaussian_has_the_mean_and_the_covariance_of_the_data(monkeypatch):
    x = (0.5 + 0.02 * drawn(0, 12, 1, 2, 3, dtype=np.float64)).clip(0, 1)
    flat = x.reshape(12, -1)

    class Unit:
        """Draws the unit vectors in turn: each shows one column of the covariance's root."""

        def normal(self, shape, dtype):
            assert shape == (12, 12)
            return np.eye(12)

    columns = gaussians.normal_like(x, 12, Unit()).reshape(12, -1) - flat.mean(0)
    assert columns.T @ columns == pytest.approx(np.cov(flat.T), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gaussians_are_pictures_of_the_data_in_range_and_by_class(dtype):
    x = np.concatenate([0.1 * drawn(0, 30, 1, 4, 4) + 0.1, 0.1 * drawn(1, 30, 1, 4, 4) + 0.9]).clip(0, 1).astype(dtype)
    data = tl.data.ArrayDataset(x, np.repeat([0, 1], 30), ("low", "high"))
    y = np.array([1, 0, 1, 1, 0] * 40)
    a, b = gan.class_gaussian(data, y, tl.Generator(3)), gan.class_gaussian(data, y, tl.Generator(3))
    assert np.array_equal(a, b)
    assert (a.shape, a.dtype) == ((200, 1, 4, 4), dtype)
    assert 0 <= a.min() < a.max() <= 1
    assert a[y == 1].mean() > 0.8 > 0.2 > a[y == 0].mean()
    both = gan.pixel_gaussian(data, 200, tl.Generator(3))
    assert both.dtype == dtype
    assert 0 <= both.min() < both.max() <= 1
    assert both.mean() == pytest.approx(x.mean(), abs=0.1)
    assert both.mean((1, 2, 3)).std() > 0.2  # of pictures between the two, too
    check_message(lambda: gan.class_gaussian(data, np.array([2]), tl.Generator(0)), ValueError, "class 2|two|got 0")


# --- the judge -----------------------------------------------------------------------------------------------------------


@functools.cache
def judged():
    """The digits, and a judge of them."""
    train, test = tl.data.digits()
    with tl.kernels("cpu"):  # where the reference is in force too: it would take minutes
        return gan.judge_of(train), train, test


@pytest.mark.parametrize(
    ("shape", "dense"), [((1, 8, 8), 2), ((3, 16, 16), 4), ((1, 9, 12), 2), ((3, 32, 32), 4), ((3, 64, 64), 4)]
)
def test_the_judges_net_fits_every_size(shape, dense):
    net = judge_net(shape, 5)
    last = next(layer for layer in net if isinstance(layer, tl.nn.Linear))
    rows, columns = shape[1] * dense // min(shape[1:]), shape[2] * dense // min(shape[1:])
    if shape[1] == shape[2]:
        assert last.weight.shape == (64, 64 * rows * columns)
    assert tl.predict(net, np.zeros((2, *shape), np.float32)).shape == (2, 5)


def test_the_judge_knows_held_out_digits_and_its_features_are_of_one_size():
    judge, train, test = judged()
    answers = judge.answers(test.x)
    assert answers.sum(1) == pytest.approx(np.ones(len(test)), abs=1e-5)
    assert (answers.argmax(1) == test.y).mean() >= 0.98
    f = judge.features(train.x)
    assert (f.shape, f.dtype) == ((len(train), 64), np.float32)
    assert f.min() == 0
    assert 0.7 < (f**2).mean() < 1.4
    last = judge.net[len(judge.net) - 1]
    assert judge.answers(train.x[:9]) == pytest.approx(
        np.asarray(tl.nn.functional.softmax(last(tl.Tensor(f[:9])), 1).data), abs=1e-5
    )


def tiny(n=65, classes=2, shape=(1, 8, 8)):
    x = np.random.default_rng(0).uniform(size=(n, *shape)).astype(np.float32)
    return tl.data.ArrayDataset(x, np.arange(n) % classes, tuple("abcdefghij"[: max(classes, 2)]))


def test_a_judge_is_a_function_of_its_seed_and_leaves_the_generator_alone(monkeypatch):
    monkeypatch.setattr("tinylucid.gan.judge.PASSES", 130)
    data = tiny()  # 65 pictures: a last batch of one would have no variance
    tl.manual_seed(5)
    nothing = tl.random.default_generator.get_state()
    a = gan.judge_of(data, seed=1).features(data.x)
    assert tl.random.default_generator.get_state() == nothing
    tl.manual_seed(6)
    assert np.array_equal(a, gan.judge_of(data, seed=1).features(data.x))
    assert not np.array_equal(a, gan.judge_of(data, seed=2).features(data.x))
    few = tiny(5)
    assert gan.judge_of(few).answers(few.x).shape == (5, 2)


def test_what_no_judge_can_learn_from_is_refused():
    check_message(lambda: gan.judge_of(tiny(9, 1)), ValueError, "judge_of|2 or more|1 in 9 pictures|folder")
    check_message(lambda: gan.judge_of(tiny(shape=(1, 7, 8))), ValueError, "judge_of|8×8|(65, 1, 7, 8)|resize")


# --- scores --------------------------------------------------------------------------------------------------------------


@functools.cache
def compared():
    judge, train, test = judged()
    y = np.arange(400) % 10
    first = np.stack([train.x[train.y == k][0] for k in range(10)])
    samples = {
        "held out": (test.x, test.y),
        "without classes": (test.x, None),
        "copies": (train.x[:400], train.y[:400]),
        "one of each": (first[y], y),
        "wrong classes": (test.x, (test.y + 1) % 10),
        "noise": (tl.Generator(0).uniform((400, 1, 8, 8), tl.float32), y),
    }
    return gan.compare(judge, train, test, samples)


def missed(name):
    return [bar.split()[0] + " " + bar.split()[-1] for bar, held in compared().bars(name).items() if not held]


def test_real_pictures_hold_every_bar_and_the_gaussians_do_not():
    assert missed("held out") == missed("without classes") == missed(scores.HELD_OUT) == []
    assert missed(scores.CLASS)  # though it is recognised
    assert compared().scores[scores.CLASS].recognised > 0.97
    assert compared().scores[scores.PIXEL].recognised < 0.2
    assert len(missed(scores.PIXEL)) >= 4


def test_each_fault_is_told_by_the_bar_that_is_for_it():
    assert missed("copies") == ["nearest-training held-out's"]
    assert "std real" in missed("one of each")
    assert "kernel Gaussian's" in missed("one of each")
    assert missed("wrong classes")[:2] == ["recognised 0.97", "each 0.90"]
    assert {"recognised 0.97", "kernel Gaussian's"} <= set(missed("noise"))
    assert compared().scores["one of each"].recall < 0.1 < 0.9 < compared().scores["one of each"].precision
    assert compared().scores["one of each"].spread == pytest.approx(0, abs=1e-6)


def test_scores_are_what_their_words_say():
    judge, train, test = judged()
    own = compared().scores["held out"]
    answers = judge.answers(test.x).argmax(1)
    assert own.recognised == pytest.approx((answers == test.y).mean())
    assert own.by_class == pytest.approx({str(k): (answers[test.y == k] == k).mean() for k in range(10)})
    assert own.worst[1] == min(own.by_class.values())
    assert own.kernel == kernel_distance(judge.features(train.x), judge.features(test.x))
    assert own.frechet == frechet_distance(judge.features(train.x), judge.features(test.x))
    assert (own.precision, own.recall) == precision_recall(judge.features(train.x), judge.features(test.x))
    assert own.spread == pytest.approx(np.mean(spread(test.x, test.y) / spread(train.x, train.y)))
    assert own.nearest == 1
    assert own == gan.score(judge, train, test, test.x, test.y)
    nothing = compared().scores["without classes"]
    assert np.isnan(nothing.recognised)
    assert nothing.by_class == {}
    assert nothing.spread == pytest.approx(float(spread(test.x)[0] / spread(train.x)[0]))


def test_the_table_has_all_of_it_in_text_and_in_a_notebook():
    text, page = str(compared()), compared()._repr_html_()
    lines = text.split("\n")
    assert len(lines) == 1 + 9 + 1 + 6
    assert len({len(line) for line in lines[:10]}) == 1  # columns
    for words in ("held out: all 6 bars hold", "without classes: all 4 bars hold", "copies: misses nearest-training"):
        assert words in text
        assert words in page
    assert "–" in lines[2]
    assert page.count("<tr>") == 10
    kept = json.loads(json.dumps(compared().to_dict()))
    assert kept["copies"]["bars"]["recognised ≥ 0.97"] is True
    assert kept["copies"]["kernel"] == compared().scores["copies"].kernel
    assert "bars" not in kept[scores.PIXEL]


def test_a_class_of_which_nothing_was_made_is_left_out():
    judge, train, test = judged()
    some = (test.y < 3) | (test.y == 8)
    own = gan.score(judge, train, test, test.x[some], test.y[some])
    assert np.isnan(own.by_class["7"])
    assert own.worst[1] > 0.8
    assert own.spread == pytest.approx(np.mean((spread(test.x, test.y) / spread(train.x, train.y))[[0, 1, 2, 8]]))


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (lambda x: 2 * x - 1, lambda y: y, "score|[0, 1]|-1 … 1|tanh|(x + 1) / 2"),
        (lambda x: x[:, :, :4], lambda y: y, "score|(N, 1, 8, 8)|(450, 1, 4, 8)"),
        (lambda x: x * np.nan, lambda y: y, "number 0 of 450|NaN|diverged"),
        (lambda x: x[:3], lambda y: y[:3], "precision_recall|N ≥ 4|draw more"),
        (lambda x: x, lambda y: y[:9], "confusion_matrix|(450,)|(9,)"),
        (lambda x: x, lambda y: y + 1, "confusion_matrix|0 … 9|1 … 10"),
    ],
)
def test_samples_that_cannot_be_scored_are_refused(x, y, words):
    judge, train, test = judged()
    check_message(lambda: gan.score(judge, train, test, x(test.x), y(test.y)), ValueError, words)


def test_comparisons_that_make_no_sense_are_refused():
    judge, train, test = judged()
    check_message(lambda: gan.compare(judge, train, test, {}), ValueError, 'compare|{"this GAN": (x, y)}|none')
    taken = {scores.PIXEL: (test.x, test.y)}
    check_message(lambda: gan.compare(judge, train, test, taken), ValueError, "pixel Gaussian|already|another name")
    grey = tl.data.ArrayDataset(train.x * 4 - 2, train.y)
    check_message(lambda: gan.score(judge, grey, test, test.x), ValueError, "score: train|[0, 1]|preprocess.shown")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_judge_is_right_on_99_of_100_held_out_digits(seed):
    train, test = tl.data.digits(seed)
    assert (gan.judge_of(train, seed=seed).answers(test.x).argmax(1) == test.y).mean() >= 0.988
