"""Objectives that look at whole layers, compare with a reference or with each other, and penalties: each by literal loops."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from test_visualize import linear_net, seeds, slopes, small_net
from words import check_message

import tinylucid as tl
from tinylucid.visualize import (
    activations,
    blur,
    caricature,
    channel,
    direction,
    diversity,
    inversion,
    l1,
    l2,
    layer,
    logit,
    measure,
    pixel,
    render,
    style,
    total_variation,
)
from tinylucid.visualize.seen import Seen

sides = st.integers(1, 4)


def seen(a, picture=None):
    """What an objective is given where layer "a" gives ``a``."""
    return Seen(tl.Tensor(np.zeros((len(a), 1, 1, 1)) if picture is None else picture), None, {"a": tl.Tensor(a)})


def normal(seed, *shape):
    return tl.Generator(seed).normal(shape, tl.float64)


# --- values, by loops ------------------------------------------------------------------------------------------------


def dot(a, b):
    return sum(x * y for x, y in zip(np.ravel(a), np.ravel(b)))


def weighed(a, v, power):
    """⟨a, v⟩ · max(cos(a, v), 0.1)^power."""
    return dot(a, v) * max(dot(a, v) / math.sqrt(dot(a, a) * dot(v, v)), 0.1) ** power


def gram(a):
    """The mean over the places of a (K, h, w) of each product of two channels."""
    k, h, w = a.shape
    places = list(np.ndindex(h, w))
    return np.array(
        [[sum(a[i, y, x] * a[j, y, x] for y, x in places) / len(places) for j in range(k)] for i in range(k)]
    )


@given(n=sides, k=sides, h=sides, w=sides, power=st.sampled_from([0, 1, 2.5]), seed=seeds)
def test_layer_and_direction_by_loops(n, k, h, w, power, seed):
    a, v = normal(seed, n, k, h, w), normal(seed + 1, k)
    squares = [sum(x * x for x in one.ravel()) / one.size for one in a]
    assert layer("a").value(seen(a)).data == pytest.approx(squares)
    unit = v / math.sqrt(dot(v, v))
    means = [np.mean([weighed(one[:, y, x], unit, power) for y, x in np.ndindex(h, w)]) for one in a]
    found = direction("a", v, power).value(seen(a)).data
    assert found == pytest.approx(means)
    assert direction("a", list(3 * v), power).value(seen(a)).data == pytest.approx(found)  # v's length says nothing
    flat = [weighed(one, unit, power) for one in a[..., 0, 0]]
    assert direction("a", v, power).value(seen(a[..., 0, 0])).data == pytest.approx(flat)  # a layer without planes


@given(n=sides, k=sides, h=sides, w=sides, power=st.sampled_from([0, 1, 2.5]), batch=st.booleans(), seed=seeds)
def test_likeness_with_a_reference_by_loops(n, k, h, w, power, batch, seed):
    a, t = normal(seed, n, k, h, w), normal(seed + 1, k, h, w)
    target = t[None] if batch else t
    found = inversion("a", target).value(seen(a)).data
    assert found == pytest.approx([-dot(one - t, one - t) / dot(t, t) for one in a])
    found = caricature("a", target, power).value(seen(a)).data
    assert found == pytest.approx([weighed(one, t, power) / dot(t, t) for one in a])
    wide = normal(seed + 2, k, h + 1, 2 * w)  # a reference of another size
    wanted = gram(wide)
    apart = [dot(gram(one) - wanted, gram(one) - wanted) / dot(wanted, wanted) for one in a]
    found = style("a", wide[None] if batch else wide).value(seen(a)).data
    assert found == pytest.approx([-d for d in apart])
    many = normal(seed + 3, 3, k, h, w)  # several reference pictures
    wanted = sum(np.array(gram(one)) for one in many) / 3
    apart = [dot(gram(one) - wanted, gram(one) - wanted) / dot(wanted, wanted) for one in a]
    assert style("a", many).value(seen(a)).data == pytest.approx([-d for d in apart])


@given(n=st.integers(2, 4), k=sides, h=sides, w=sides, seed=seeds)
def test_diversity_by_loops(n, k, h, w, seed):
    a = normal(seed, n, k, h, w)
    cosine = lambda g, f: dot(g, f) / math.sqrt(dot(g, g) * dot(f, f))
    alike = [np.mean([cosine(gram(a[i]), gram(a[j])) for j in range(n) if j != i]) for i in range(n)]
    found = diversity("a").value(seen(a)).data
    assert found == pytest.approx([-x for x in alike])
    order = np.random.default_rng(seed).permutation(n)
    assert diversity("a").value(seen(a[order])).data == pytest.approx(found[order])


@given(n=sides, c=sides, h=sides, w=sides, grey=st.floats(-2, 2), seed=seeds)
def test_penalties_by_loops(n, c, h, w, grey, seed):
    x = normal(seed, n, c, h, w)
    of = lambda penalty: penalty.value(seen(x, x)).data
    assert of(l1(grey)) == pytest.approx([np.mean([abs(p - grey) for p in one.ravel()]) for one in x])
    assert of(l2(grey)) == pytest.approx([np.mean([(p - grey) ** 2 for p in one.ravel()]) for one in x])
    assert of(l1()) == pytest.approx(of(l1(0.5)))
    assert of(l2()) == pytest.approx(of(l2(0.5)))
    for one, steps, soft in zip(x, of(total_variation()), of(blur())):
        down = [abs(one[q, i + 1, j] - one[q, i, j]) for q, i, j in np.ndindex(c, h - 1, w)]
        along = [abs(one[q, i, j + 1] - one[q, i, j]) for q, i, j in np.ndindex(c, h, w - 1)]
        assert steps == pytest.approx(sum(np.mean(d) for d in (down, along) if d))
        assert soft == pytest.approx(np.mean((one - softened(one)) ** 2))


def softened(one):
    """A picture (C, H, W), each pixel beside its neighbours weighed by (1, 2, 1)/4 along both axes; the edge goes on outside."""
    c, h, w = one.shape
    out = np.zeros_like(one)
    for q, i, j in np.ndindex(c, h, w):
        for di, dj in itertools.product((-1, 0, 1), repeat=2):
            weight = (2 - abs(di)) * (2 - abs(dj)) / 16
            out[q, i, j] += weight * one[q, min(max(i + di, 0), h - 1), min(max(j + dj, 0), w - 1)]
    return out


# --- gradients -------------------------------------------------------------------------------------------------------


def every(seed, shape=(2, 8, 8)):
    """Each objective, by name, for layers of small_net and pictures of that shape."""
    net, x = small_net(seed), normal(seed + 7, 1, *shape)
    target = activations(net, x, "2")
    return {
        "layer": layer("2"),
        "direction": direction("2", normal(seed + 8, 4), 2),
        "direction without power": direction("2", normal(seed + 8, 4)),
        "style": style("2", target),
        "caricature": caricature("2", target, 2),
        "inversion": inversion("2", target),
        "diversity": diversity("2"),
        "total variation": total_variation(),
        "l1": l1(0.3),
        "l2": l2(0.3),
    }


@pytest.mark.parametrize("name", every(0))
@given(seed=seeds)
def test_gradient_in_the_picture_is_the_central_difference(name, seed):
    """Along a random direction; redrawn where a ReLU, an absolute value or a cosine's floor flips."""
    net, goal, h = small_net(seed).eval(), every(seed)[name], 1e-5
    x, v = normal(seed + 1, 2, 3, 2, 8, 8)
    number = lambda s: measure(net, goal, x + s * v).sum()
    wide, near = ((number(s) - number(-s)) / (2 * s) for s in (2 * h, h))
    assume(abs(wide - near) < 1e-6 * max(abs(near), 1e-3))
    assert (slopes(goal, net, x) * v).sum() == pytest.approx(near, rel=1e-5, abs=1e-8)


@given(h=sides, w=sides, seed=seeds)
def test_no_gradient_passes_through_the_blurred_picture(h, w, seed):
    x = normal(seed, 2, 2, h, w)
    plain = 2 * (x - np.stack([softened(one) for one in x])) / x[0].size
    assert slopes(blur(), tl.nn.Flatten(), x) == pytest.approx(plain)


@given(a=st.floats(-3, 3), b=st.floats(-3, 3), seed=seeds)
def test_all_of_them_compose_as_their_gradients_do(a, b, seed):
    net, x = small_net(seed).eval(), normal(seed + 1, 3, 2, 8, 8)
    goals = [*every(seed).values(), blur()]
    each = [slopes(goal, net, x) for goal in goals]
    for k, one in enumerate(goals):
        assert slopes(a * one + b * goals[k - 1], net, x) == pytest.approx(a * each[k] + b * each[k - 1], abs=1e-10)
        assert measure(net, -one, x) == pytest.approx(-measure(net, one, x))


@pytest.mark.parametrize("name", [*every(0), "blur"])
def test_where_all_is_zero_the_slope_is_finite_and_float32_stays(name):
    """A net whose ReLUs give nothing, and even pictures: no 0/0, no NaN."""
    net = small_net(0, tl.float32)
    net[1].bias.data[...] = -100
    goal = {**every(0), "blur": blur()}[name]
    x = np.zeros((2, 2, 8, 8), np.float32)
    assert measure(net, goal, x).dtype == np.float32
    slope = slopes(goal, net, x)
    assert slope.dtype == np.float32
    assert np.isfinite(slope).all()


# --- what they mean --------------------------------------------------------------------------------------------------


@given(k=sides, h=sides, w=sides, seed=seeds)
def test_style_does_not_ask_where_and_nor_does_diversity(k, h, w, seed):
    rng, a = np.random.default_rng(seed), normal(seed, 2, k, h, w)
    moved = a.reshape(2, k, -1)[:, :, rng.permutation(h * w)].reshape(2, k, w, h)  # and the planes lie on their side
    goal = style("a", normal(seed + 1, k, 3, 3))
    assert goal.value(seen(moved)).data == pytest.approx(goal.value(seen(a)).data)
    assert style("a", a[0]).value(seen(moved)).data[0] == pytest.approx(0, abs=1e-12)
    assert style("a", moved[:1]).value(seen(np.tile(a, (1, 1, 2, 3)))).data[0] == pytest.approx(0, abs=1e-12)
    assert diversity("a").value(seen(np.stack([a[0], a[0]]))).data == pytest.approx([-1, -1])
    assert diversity("a").value(seen(np.stack([moved[1].reshape(k, h, w), a[1]]))).data == pytest.approx([-1, -1])
    assert diversity("a").value(seen(a)).data[0] >= -1 - 1e-12


def test_pictures_that_share_no_channel_are_as_unlike_as_they_can_be():
    a = np.zeros((2, 2, 3, 3))
    a[0, 0], a[1, 1] = 2, 5
    assert diversity("a").value(seen(a)).data == pytest.approx([0, 0])


@given(k=sides, h=sides, w=sides, power=st.sampled_from([0, 1, 3]), seed=seeds)
def test_the_reference_itself_is_what_is_most_like_it(k, h, w, power, seed):
    t = normal(seed, k, h, w)
    others = normal(seed + 1, 20, k, h, w)
    others *= np.linalg.norm(t) / np.linalg.norm(others.reshape(20, -1), axis=1)[:, None, None, None]  # as long as t
    a = np.concatenate([t[None], 2 * t[None], others])
    assert (inversion("a", t).value(seen(a)).data[0], style("a", t).value(seen(a)).data[0]) == (0, 0)
    assert (inversion("a", t).value(seen(a)).data[2:] <= 0).all()
    found = caricature("a", t, power).value(seen(a)).data
    assert found[:2] == pytest.approx([1, 2])
    assert (found[2:] <= 1 + 1e-12).all()
    nothing = seen(np.zeros((1, k, h, w)))
    assert [goal("a", t).value(nothing).item() for goal in (inversion, style, caricature)] == pytest.approx([-1, -1, 0])


def test_a_unit_vector_is_a_channel_and_power_wants_little_else():
    net, x = small_net(), normal(0, 3, 2, 8, 8)
    for name in ("2", "6"):
        assert measure(net, direction(name, np.eye(len(net[0].weight))[1] if name == "2" else [0, 1, 0]), x) == (
            pytest.approx(measure(net, channel(name, 1), x))
        )
    loud, pure = np.array([[3.0, 4.0]]), np.array([[2.0, 0.0]])
    along = lambda power: direction("a", [1, 0], power).value(seen(np.concatenate([loud, pure]))).data
    assert along(0) == pytest.approx([3, 2])
    assert along(1) == pytest.approx([1.8, 2])
    assert direction("a", [-1, 0], 1).value(seen(pure)).data == pytest.approx(
        [-0.2]
    )  # what is opposed is not forgotten


@given(n=sides, c=sides, h=sides, w=sides, grey=st.floats(-2, 2))
def test_even_pictures_pay_nothing(n, c, h, w, grey):
    x = np.full((n, c, h, w), grey)
    for penalty in (total_variation(), l1(grey), l2(grey), blur()):
        assert penalty.value(seen(x, x)).data == pytest.approx(np.zeros(n), abs=1e-12)


@pytest.mark.parametrize("penalty", [total_variation(), l1(), l2(), blur()])
def test_penalties_do_not_grow_with_the_picture(penalty):
    """A chessboard of any size, for one; noise, for another."""
    paid, noisy = [], []
    for h, w in ((16, 16), (64, 16), (128, 128)):
        board = np.indices((h, w)).sum(0)[None, None] % 2.0
        noise = np.random.default_rng(0).uniform(size=(1, 3, h, w))
        paid.append(penalty.value(seen(board, board)).item())
        noisy.append(penalty.value(seen(noise, noise)).item())
    assert paid == pytest.approx([paid[0]] * 3, rel=0.1)
    assert noisy == pytest.approx([noisy[0]] * 3, rel=0.1)


# --- rendered --------------------------------------------------------------------------------------------------------


def test_feature_inversion_recovers_the_picture_where_nothing_is_lost():
    net = linear_net(np.linalg.qr(normal(4, 50, 50))[0].reshape(50, 2, 5, 5))  # it turns pictures, and loses nothing
    x = tl.Generator(5).uniform((1, 2, 5, 5), tl.float64)
    goal = inversion("1", activations(net, x, "1"))
    found = render(net, goal, pixel((1, 2, 5, 5), dtype=tl.float64), transforms=(), steps=200, lr=0.1)
    assert np.corrcoef(found.ravel(), x.ravel())[0, 1] > 0.99
    assert measure(net, goal, found) > -0.01


@pytest.mark.parametrize("seed", range(3))
def test_diversity_makes_renderings_less_alike(seed):
    net = small_net(seed, tl.float32)
    apart = []
    for goal in (logit(1), logit(1) + 30 * diversity("0")):
        x = render(net, goal, pixel((4, 2, 8, 8), rng=tl.Generator(seed)), transforms=(), steps=80, lr=0.1)
        apart.append(np.mean([np.abs(x[i] - x[j]).mean() for i, j in itertools.combinations(range(4), 2)]))
    assert apart[1] > 1.3 * apart[0]


def test_penalties_are_paid_less_where_they_are_subtracted():
    net = small_net(3, tl.float32)
    for penalty in (total_variation(), l1(), l2(), blur()):
        paid = []
        for goal in (logit(1), logit(1) - 20 * penalty):
            x = render(net, goal, pixel((1, 2, 8, 8)), transforms=(), steps=60, lr=0.1)
            paid.append(measure(net, penalty, x).item())
        assert paid[1] < 0.7 * paid[0], str(penalty)


# --- what is refused -------------------------------------------------------------------------------------------------

ONE, TWO = np.ones((1, 4, 8, 8)), np.ones((2, 4, 8, 8))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: style("2", ONE[:, :3]), "style|target has 3 channels|layer '2' gives 4|activations(model, x, '2')"),
        (lambda: style("6", ONE), "layer '6' gives (2, 3)|no planes|before they are flattened"),
        (lambda: style("6", np.ones((1, 3))), "style|(N, K, h, w)|got (1, 3)|before they are flattened"),
        (lambda: style("2", ONE[None]), "style|(N, K, h, w)|got (1, 1, 4, 8, 8)"),
        (lambda: direction("2", np.ones(4), np.inf), "direction|power of at least 0|got inf"),
        (lambda: direction("2", np.ones(4), "1"), "direction|power of at least 0|got '1'"),
        (lambda: inversion("2", TWO), "inversion|2 pictures|expected one|target[0]"),
        (lambda: inversion("2", ONE[:, :3]), "inversion|target is (3, 8, 8)|layer '2' gives (4, 8, 8)"),
        (lambda: inversion("2", ONE[:, :, :5]), "inversion|target is (4, 5, 8)|layer '2' gives (4, 8, 8)|as large as"),
        (lambda: caricature("2", ONE[:, :, :, 1:]), "caricature|target is (4, 8, 7)|layer '2' gives (4, 8, 8)"),
        (lambda: caricature("6", np.ones((2, 3))), "caricature|2 pictures|expected one"),
        (lambda: caricature("6", np.ones(4)), "caricature|target is (4,)|layer '6' gives (3,)"),
        (lambda: caricature("2", ONE, -1), "caricature|power of at least 0|got -1"),
        (lambda: style("2", 0 * ONE), "style: target (1, 4, 8, 8)|all zero|another"),
        (lambda: inversion("2", np.nan * ONE), "inversion: target (1, 4, 8, 8)|not finite|nan"),
        (lambda: caricature("2", np.inf * ONE), "caricature: target (1, 4, 8, 8)|not finite|inf"),
        (lambda: direction("2", np.ones(3)), "v has 3 numbers|layer '2' gives 4 channels"),
        (lambda: direction("2", np.ones((1, 4))), "v (K,)|(1, 4)"),
        (lambda: direction("2", np.zeros(4)), "v (4,)|all zero"),
        (lambda: direction("2", [1, np.nan, 0, 0]), "v (4,)|not finite|nan"),
        (lambda: direction("2", np.ones(4), np.nan), "direction|power of at least 0|got nan"),
        (lambda: diversity("6"), "layer '6' gives (2, 3)|no planes"),
        (lambda: layer("conv"), "no layer 'conv'|it has: 0, 1, 2"),
    ],
)
def test_what_does_not_fit_is_refused_with_both_shapes(make, words):
    check_message(lambda: measure(small_net(), make(), normal(0, 2, 2, 8, 8)), ValueError, words)


def test_each_objective_sees_the_pictures_of_its_own_share():
    x = tl.Generator(0).normal((6, 2, 8, 8), tl.float64)
    goals = [l1(), total_variation(), layer("2") - l2()]
    alone = [measure(small_net(), goal, x[2 * k : 2 * k + 2]) for k, goal in enumerate(goals)]
    assert measure(small_net(), goals, x) == pytest.approx(np.concatenate(alone))


def test_diversity_needs_another_picture_to_differ_from():
    net, words = small_net(), "diversity|at least 2|got 1|(4, 1, 32, 32)"
    check_message(lambda: measure(net, diversity("2"), normal(0, 1, 2, 8, 8)), ValueError, words)
    check_message(lambda: measure(net, [logit(0), logit(1) + diversity("2")], normal(0, 2, 2, 8, 8)), ValueError, words)
    shares = measure(net, [diversity("2"), diversity("0")], normal(0, 4, 2, 8, 8))
    assert shares[2:] == pytest.approx(measure(net, diversity("0"), normal(0, 4, 2, 8, 8)[2:]))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: layer(3), "dotted name|got a int"),
        (lambda: style(small_net()[2], ONE), "dotted name|got a ReLU"),
        (lambda: diversity(None), "dotted name|got a NoneType"),
        (lambda: inversion("2", "brick"), "inversion: target|array of numbers|got str"),
        (lambda: direction("2", None), "direction: v|array of numbers|got NoneType"),
    ],
)
def test_what_is_no_name_or_array_is_refused_at_once(call, words):
    check_message(call, TypeError, words)


def test_a_number_of_any_kind_is_one():
    a, x = normal(0, 2, 3, 4, 5), np.ones((2, 1, 4, 5), np.float32)
    assert direction("a", [1, 0, 0], np.float32(2)).value(seen(a)).data == pytest.approx(
        direction("a", np.array([True, False, False]), 2).value(seen(a)).data
    )
    for penalty in (l1(np.float64(0.3)), l2(np.float64(0.3))):
        assert penalty.value(seen(x, x)).dtype == np.float32
    one = caricature("a", a[0])
    assert str(one) == "caricature('a', target, 1)"
    assert np.array_equal(one.value(seen(a)).data, caricature("a", a[0], 1).value(seen(a)).data)


def test_the_target_is_copied_and_may_be_a_tensor():
    target = normal(0, 1, 4, 8, 8)
    for make in (style, caricature, inversion):
        mine = target.copy()
        one, other = make("a", mine), make("a", tl.Tensor(target))
        mine[...] = 7
        a = normal(1, 2, 4, 8, 8)
        assert np.array_equal(one.value(seen(a)).data, other.value(seen(a)).data)
    assert str(2 * style("conv", target) - l1()) == "((2 * style('conv', target)) - l1(0.5))"
    assert (style("a", target) + direction("b", [1])).layers == {"a", "b"}
