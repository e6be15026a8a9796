"""From the calls of a learner's function to the words that are said: each room of the exercises alone, on cases made by hand."""

import math
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinylucid import exercises, ops
from tinylucid.check.evidence import Evidence, Finding
from tinylucid.exercises import child, drawn, observe, trial, truth, verdict
from tinylucid.exercises.observe import Outcome
from tinylucid.exercises.task import Objection, Task, as_tuple, plain

A, B = np.random.default_rng(0).normal(size=(2, 4, 5))
X = {"x": A}


def outcome(status, evidence=None, key=(), text="", **arguments):
    return Outcome(arguments, status, key, text, evidence or {})


def wrong(given, true, /, **arguments):
    """A case whose gradient for x is this and should be that."""
    return outcome("wrong", {"x": Evidence("x", np.asarray(given), np.asarray(true), arguments, ("g",))}, **arguments)


def task(**more):
    return Task(
        **{"function": "backward", "oracle": lambda x: x * x, "cases": cases, "results": ("x",), "gradient": True}
        | more
    )


def cases(draw):
    return {"x": drawn.values(draw, drawn.whole(draw, 1, 20))}


def module(**functions):
    return types.SimpleNamespace(__file__=__file__, **functions)


# --- drawing ----------------------------------------------------------------------------------------------------------


@given(st.data(), st.lists(st.integers(0, 4), max_size=3))
def test_what_is_drawn(data, shape):
    draw = drawn.Draw(data.draw)
    x = drawn.values(draw, *shape)
    assert x.shape == tuple(shape)
    assert x.dtype == np.float64
    assert (x == 0).sum() <= (x.size > 1), "one number at most is 0, and not the only one"
    np.testing.assert_array_equal(x, np.round(x, 2))
    p = drawn.positive(draw, *shape)
    assert ((p >= 0.5) & (p <= 2)).all()
    d = drawn.distinct(draw, *shape)
    assert d.shape == tuple(shape)
    assert np.unique(d).size == d.size
    assert (np.diff(np.unique(d)) > 0.2).all()
    assert np.isin(drawn.tied(draw, *shape), np.array([0, 0.7, 1.4])).all()
    t = drawn.labels(draw, 7, 3)
    assert t.shape == (7,)
    assert set(t) <= {0, 1, 2}
    assert np.broadcast_shapes(drawn.broadcastable(draw, shape), tuple(shape)) == tuple(shape)
    assert 2 <= drawn.whole(draw, 2, 4) <= 4


@given(st.data())
def test_what_is_drawn_to_broadcast_lines_up_at_the_last_axes(data):
    assert np.broadcast_shapes(drawn.broadcastable(drawn.Draw(data.draw), (2, 3, 4)), (2, 3, 4)) == (2, 3, 4)


def test_what_is_drawn_is_not_all_alike():
    draw = always(7)
    assert drawn.whole(draw, 2, 4) == 4, "the most is among them"
    assert np.abs(drawn.values(draw, 1000, scale=10)).max() > 10
    assert {0.0, 0.7} < set(drawn.tied(draw, 100))
    assert (drawn.values(draw, 20) != drawn.values(draw, 20)).any(), "from one seed the second array is another"
    np.testing.assert_array_equal(drawn.values(always(7), 20), drawn.values(always(7), 20))


def test_now_and_then_a_number_is_0():
    zeros = [int((drawn.values(always(seed), 3) == 0).sum()) for seed in range(200)]
    assert set(zeros) == {0, 1}
    assert 0.15 < np.mean(zeros) < 0.35
    assert all(drawn.values(always(seed), 1) != 0 for seed in range(200)), "a single number is not"
    many = drawn.values(always(7), 10_000)
    assert (many == 0).sum() <= 1
    assert (many == 0.5).sum() > 40, "what was rounded to 0 is 0.5"


def always(seed):
    """What draws the last of some choices, and this seed."""
    return drawn.Draw(lambda strategy: strategy.elements[-1] if hasattr(strategy, "elements") else seed)


# --- what a task is made of -------------------------------------------------------------------------------------------


def test_arguments_are_copied_and_results_are_several():
    assert plain(A) is not A
    assert plain(A).tolist() == A.tolist()
    assert plain("mean") == "mean"
    assert as_tuple([1, 2]) == as_tuple((1, 2)) == (1, 2)
    assert as_tuple(A) == (A,)
    assert task().result("x") == "your gradient for x"
    assert task(gradient=False).result("y") == "your y"


def test_the_upstream_gradient_comes_first_and_is_another_in_each_case():
    one, two = (truth.with_upstream(task(), {"x": x}) for x in (A, B))
    assert list(one) == ["g", "x"]
    assert one["g"].shape == (4, 5)
    assert (one["g"] != two["g"]).any()
    assert (one["g"] != 0).all()
    np.testing.assert_array_equal(one["g"], truth.with_upstream(task(), {"x": A})["g"])
    assert truth.with_upstream(task(gradient=False), {"x": A}) == {"x": A}
    assert isinstance(truth.with_upstream(task(), {"x": np.float64(2)})["x"], np.ndarray)
    assert truth.own_arguments(task(), one).keys() == {"x"}
    np.testing.assert_allclose(truth.outputs(task(), X)[0], A * A)


def test_what_is_right_is_right_at_kinks_too_and_not_what_a_wrong_oracle_says():
    case = truth.with_upstream(task(), {"x": A})
    np.testing.assert_allclose(truth.right(task(), case)["x"], 2 * case["g"] * A)
    np.testing.assert_allclose(truth.right(task(gradient=False, results=("y",)), X)["y"], A * A)
    kinked = {"g": np.array([1.0, 2, 3]), "x": np.array([0.0, -1, 2])}
    np.testing.assert_array_equal(truth.right(task(oracle=ops.relu), kinked)["x"], [0, 0, 3])
    lying = task(oracle=lambda x: x * x.detach())
    np.testing.assert_allclose(truth.right(lying, case)["x"], 2 * case["g"] * A, rtol=1e-6)
    np.testing.assert_allclose(truth.quickly(lying, case)["x"], case["g"] * A)
    constant = task(oracle=lambda x: np.ones(3))
    np.testing.assert_array_equal(truth.right(constant, {"g": np.ones(3), "x": A})["x"], 0 * A)


# --- one call ---------------------------------------------------------------------------------------------------------


@given(st.sampled_from([1.0, 0.1, 1e3]))
def test_float32_is_right_and_a_thousandth_off_is_not(k):
    true = k * A
    assert observe.agree(true.astype(np.float32), true)
    assert not observe.agree(true * (1 + 1e-4), true)
    assert not observe.agree(np.where(true == true.max(), np.nan, true), true)
    assert not observe.agree(true[None], true)


def test_next_to_nothing_is_measured_against_a_tenth():
    assert observe.agree(np.full(3, 1e-6), np.zeros(3))
    assert not observe.agree(np.full(3, 1e-5), np.zeros(3))
    assert observe.agree(np.array([0.01 + 1e-6]), np.array([0.01]))
    assert not observe.agree(np.array([0.01 + 1e-5]), np.array([0.01]))
    assert observe.agree(np.zeros((0, 2)), np.zeros((0, 2)))


def observed(backward, case=None, **more):
    case = case or truth.with_upstream(task(**more), {"x": A})
    return observe.observe(task(**more), module(backward=backward), case)


def test_what_a_call_comes_to():
    assert observed(lambda g, x: 2 * g * x).status == "right"
    found = observed(lambda g, x: g * x)
    assert (found.status, list(found.evidence), found.key) == ("wrong", ["x"], ())
    assert found.evidence["x"].upstream == ("g",)
    assert list(found.evidence["x"].arguments) == ["g", "x"]
    np.testing.assert_allclose(found.evidence["x"].outputs[0], A * A)
    assert not found.evidence["x"].fits({"g": found.arguments["g"], "x": A})
    assert found.evidence["x"].fits({"g": found.arguments["g"], "x": A / 2})
    nan = {"g": np.array([np.nan, 1]), "x": np.array([1.0, 2])}
    assert observed(lambda g, x: 2 * g * x, nan).status != "wrote", "NaN is what it was"

    def objects(module, arguments):
        raise Objection("mode", "it leaves the model in eval mode")

    found = observe.observe(task(call=objects), module(), {"g": A, "x": A})
    assert (found.status, found.key, found.text) == ("form", ("mode",), "it leaves the model in eval mode")


def test_words_that_a_task_brings_along_are_those_of_its_result():
    words = {
        "parts": lambda g, x: {"x": {"all of it": 2 * g * x}, "w": {}},
        "places": lambda g, x: {"x": {"where it is": x > 0}},
        "factors": lambda g, x: {"w": {"no": x}},
        "choices": {"mode": ("sum",)},
        "variants": {"of the cube": lambda x: x**3, "of what it does not take": lambda x: x[:, :, 0]},
    }
    e = observed(lambda g, x: g, **words).evidence["x"]
    assert list(e.parts) == ["all of it"]
    assert list(e.places) == ["where it is"]
    assert e.factors == {}
    assert e.choices == {"mode": ("sum",)}
    assert list(e.variants) == ["of the cube"]
    np.testing.assert_allclose(e.variants["of the cube"], 3 * e.arguments["g"] * A**2)


def test_of_several_results_the_others_are_known():
    two = {"oracle": lambda x, w: x * w, "results": ("x", "w")}
    case = truth.with_upstream(task(**two), {"x": A, "w": B})
    found = observe.observe(task(**two), module(backward=lambda g, x, w: (g * x, g * x)), case)
    assert list(found.evidence) == ["x"]
    assert list(found.evidence["x"].others) == ["w"]
    found = observe.observe(task(**two), module(backward=lambda g, x, w: g), case)
    assert found.text == "backward returns 1 thing, expected 2: the gradients for x and w."


def test_where_a_learners_code_raises_is_told():
    def backward(g, x):
        return g[99]

    text = observed(backward).text
    assert text.startswith("backward raises IndexError: index 99 is out of bounds")
    line = backward.__code__.co_firstlineno + 1
    assert text.endswith(f" in line {line} of test_verdict.py, `return g[99]`.")
    assert observed(backward).key == ("raised", "IndexError")

    def inner(g, x):
        return len(3)

    assert "in line" in observed(inner).text, "a TypeError inside is none of the call"
    assert "cannot be called as the exercise calls it" in observed(lambda: 0).text

    def leaves(g, x):
        raise SystemExit

    assert observed(leaves).key == ("raised", "SystemExit")


# --- many cases, a few words ------------------------------------------------------------------------------------------


def sized(n, status="wrong"):
    return outcome(status, x=np.zeros(n))


def test_a_diagnosis_is_made_from_the_largest_and_from_any():
    some = [sized(n) for n in range(40)]
    chosen = [o.arguments["x"].size for o in verdict.varied(some)]
    assert len(chosen) == verdict.MOST
    assert all(len(verdict.varied(some[:n])) <= verdict.MOST for n in range(41))
    assert chosen[:6] == [39, 38, 37, 36, 35, 34]
    assert min(chosen) < 10
    assert verdict.varied(some[:3]) == some[2::-1]
    assert verdict.size(outcome("right", x=np.zeros((2, 3)), y=np.zeros(4), stride=100)) == 11


def test_what_only_the_smallest_contradicts_is_believed():
    odd = wrong([[1.0, 5.0], [2.0, 3.0]], [[7.0, 2.0], [1.0, 9.0]]).evidence["x"]
    good = [Evidence("x", -a, a, {}, ("g",)) for a in (A, B)]
    assert verdict.cause([odd, *good]).key == ("sign",)
    assert verdict.cause([odd, good[0]]).key == ("unknown",), "one of two is no majority"
    assert verdict.cause([good[0], odd, good[1]]).key == ("unknown",)
    nan = Evidence("x", np.array([1.0, np.inf]), np.ones(2), {}, ("g",))
    assert verdict.cause([nan, *good]).key == ("not finite",)
    told = verdict.cause([*good, nan])
    assert told.key == ("sign",)
    assert "In other cases it holds NaN or infinity" in told.text


def test_a_finding_as_a_sentence():
    say = lambda names, *finding: verdict.lead(task(), names, Finding(*finding))
    assert say(["x"], ("sign",), "It has the wrong sign.") == "Your gradient for x is wrong. It has the wrong sign."
    assert say(["x", "w"], ("sign",), "It is so.").startswith("Your gradients for x and w are wrong.")
    assert say(["x"], ("zero",), "…") == "Your gradient for x is all zero."
    assert say(["x", "w"], ("zero",), "…") == "Your gradients for x and w are all zero."
    assert verdict.together(task(), ["x"]) == "your gradient for x"
    assert verdict.together(task(), ["x", "w", "b"]) == "your gradients for x, w and b"
    assert verdict.together(task(gradient=False), ["y", "cache"]) == "your y and cache"
    assert say(["x"], ("shape",), "It has shape (3,), x has ().") == "Your gradient for x has shape (3,), x has ()."


def judged(outcomes, **more):
    bad = [o for o in outcomes if o.status != "right"]
    return verdict.verdict(task(**more), outcomes, bad[0])


def test_a_verdict_in_words_and_keys():
    found = judged([wrong(-A, A, stride=1), wrong(-B, B, stride=1), outcome("right", stride=1)])
    assert found["status"] == "wrong"
    assert found["cause"] == "the wrong sign"
    assert found["causes"] == ["the wrong sign"]
    assert found["failed"] == "2 of 3 cases"
    assert found["text"] == "Your gradient for x is wrong. It has the wrong sign everywhere."
    found = judged([wrong(-A, A), outcome("raised", key=("raised", "E"), text="backward raises E.")])
    assert found["text"].endswith("In other cases backward raises E.")
    assert found["causes"] == ["the wrong sign"]
    found = judged([outcome("raised", key=("raised", "E"), text="backward raises E."), wrong(-A, A)])
    assert (found["cause"], found["causes"]) == ("raised E", ["raised E", "the wrong sign"])


def test_the_smallest_case_is_one_to_be_explained():
    of = lambda n: wrong(n * A[:n], A[:n], x=A[:n])
    assert judged([of(2)])["cause"] == "factor 2.0"
    found = verdict.verdict(task(), [of(2), right(x=A)], of(3))
    assert found["cause"] == "factor the size of axis 0 of x"
    assert "exactly 3, the size of axis 0 of x (3, 5)" in found["text"], "in the words of the smallest"


def test_a_place_that_is_said_is_not_said_of_the_cases_again():
    words = "windows overlap: add them up"
    mask = np.arange(20).reshape(4, 5) % 3 == 0

    def missed(k):
        e = Evidence("x", np.where(mask, 7 * A + k, A), A, upstream=("g",), places={words: mask})
        return outcome("wrong", {"x": e}, k=k)

    outcomes = [missed(k) for k in (2, 3, 4)] + [right(k=1) for _ in range(3)]
    found = judged(outcomes, features=lambda k: {words: k > 1})
    assert found["text"] == "Your gradient for x is wrong. It is right except where windows overlap: add them up."
    assert judged(outcomes)["text"].endswith("add them up. It is wrong at k > 1, right at k = 1.")


def test_what_is_known_comes_before_what_is_not():
    both = {
        "x": Evidence("x", A + np.sin(9 * A), A, {}, ("g",)),
        "w": Evidence("w", -B, B, {}, ("g",)),
    }
    found = judged([outcome("wrong", both), outcome("wrong", both)])
    assert found["causes"] == ["the wrong sign"]
    assert found["text"] == "Your gradient for w is wrong. It has the wrong sign everywhere."
    assert [label for label, _ in found["case"]] == ["your ∂w", "right ∂w"], "what is shown is what is spoken of"
    alike = {"x": Evidence("x", -A, A, {}, ("g",)), "w": Evidence("w", -B, B, {}, ("g",))}
    assert judged([outcome("wrong", alike)])["text"].startswith("Your gradients for x and w are wrong. It")
    strange = {"x": both["x"], "w": Evidence("w", B + np.sin(9 * B), B, {}, ("g",))}
    found = judged([outcome("wrong", strange, k=2)] * 3 + [right(k=1)] * 3)
    assert found["text"] == "Your gradients for x and w are wrong at k = 2, right at k = 1."
    assert found["causes"] == ["not recognised"]


def noise(n=1, **arguments):
    a = np.random.default_rng(n).normal(size=(3, 4))
    return wrong(a + np.sin(9 * a), a, **arguments)


def right(**arguments):
    return outcome("right", **arguments)


def test_the_cases_that_fail_take_the_place_of_an_unknown_cause():
    outcomes = [noise(k, stride=2) for k in range(3)] + [right(stride=1) for _ in range(3)]
    found = judged(outcomes)
    assert found["text"] == "Your gradient for x is wrong at stride = 2, right at stride = 1."
    assert (found["cause"], found["causes"]) == ("not recognised", ["not recognised"])
    signs = [wrong(-A, A, stride=2) for k in range(3)] + [right(stride=1) for _ in range(3)]
    assert judged(signs)["text"].endswith("everywhere. It is wrong at stride = 2, right at stride = 1.")


def parted(*outcomes, local=True, **more):
    return verdict.separated(task(**more), outcomes, local)


def several(make, n, **arguments):
    return [make(**arguments) for _ in range(n)]


def test_what_parts_the_cases():
    of = lambda name, bad, good: parted(*several(noise, 4, **{name: bad}), *several(right, 4, **{name: good}))
    assert of("stride", 2, 1) == "wrong at stride = 2, right at stride = 1."
    assert of("stride", 1, 2) == "right at stride = 2, wrong at stride = 1."
    assert of("training", True, False) == "wrong at training = True, right at training = False."
    assert of("mode", "sum", "mean") == "wrong at mode = sum, right at mode = mean."
    assert (
        of("stride", (1, 2), (2, 2))
        == "wrong where stride holds different numbers, right where the numbers of stride are equal."
    )
    assert of("stride", 1, 1) == ""
    assert parted(*several(noise, 2, stride=2), *several(right, 9, stride=1)) == "", "two are few"
    assert parted(*several(noise, 9, stride=2), *several(right, 2, stride=1)) == ""


def test_steps_of_an_option():
    outcomes = [noise(stride=s) if s > 1 else right(stride=s) for s in (1, 2, 3, 4) * 3]
    assert parted(*outcomes) == "wrong at stride > 1, right at stride = 1."
    outcomes = [noise(stride=s) if s > 2 else right(stride=s) for s in (1, 2, 3, 4) * 3]
    assert parted(*outcomes) == "wrong at stride > 2, right at stride ≤ 2."
    outcomes = [noise(mode=m) if m == "b" else right(mode=m) for m in "abc" * 3]
    assert parted(*outcomes) == "wrong at mode = b, right at other mode."
    outcomes = [noise(size=(3, s)) if s == 2 else right(size=(3, s)) for s in (2, 3) * 3]
    assert "size" in parted(*outcomes)
    outcomes = [noise(size=(s, 3, 5)) if s == 2 else right(size=(s, 3, 5)) for s in (1, 2) * 3]
    assert parted(*outcomes) == "wrong at size[0] = 2, right at size[0] = 1."


def test_of_two_options_the_larger_one():
    pairs = [(1, 2), (2, 1), (3, 3), (2, 3), (3, 2), (1, 1), (4, 1), (1, 4)]
    of = lambda test: parted(*(noise(p=p, q=q) if test(p, q) else right(p=p, q=q) for p, q in pairs * 2))
    assert of(lambda p, q: p > q) == "wrong where p > q, right where p ≤ q."
    assert of(lambda p, q: p < q) == "wrong where p < q, right where p ≥ q."
    assert of(lambda p, q: p != q) == "right where p = q, wrong where p ≠ q."
    assert verdict.by_two_options([right(training=True, p=1)]) == []


def test_features_of_a_case_have_words_and_advice():
    words = {"features": lambda **a: {"windows overlap: add them up": a["k"] > a["s"]}}
    outcomes = [noise(k=k, s=s) if k > s else right(k=k, s=s) for k, s in [(3, 1), (3, 2), (1, 1), (2, 2)] * 2]
    assert parted(*outcomes, **words) == "wrong where windows overlap (add them up), right elsewhere."
    outcomes = [right(k=k, s=s) if k > s else noise(k=k, s=s) for k, s in [(3, 1), (3, 2), (1, 1), (2, 2)] * 2]
    assert parted(*outcomes, **words) == "right where windows overlap (add them up), wrong elsewhere."


def test_an_axis_of_size_1_parts_where_nothing_else_is_known():
    outcomes = [noise(x=np.ones((n, 3))) if n == 1 else right(x=np.ones((n, 3))) for n in (1, 2, 3) * 3]
    assert parted(*outcomes, local=False) == "wrong where axis 0 of x has size 1, right elsewhere."
    assert parted(*outcomes, local=True) == ""
    deeper = [noise(x=np.ones(s)) if s[-1] == 1 else right(x=np.ones(s)) for s in [(2, 1), (3,), (1,), (4, 2)] * 2]
    assert parted(*deeper, local=False) == "wrong where axis 0 of x has size 1, right elsewhere.", (
        "counted from the end"
    )


def test_what_holds_of_all_that_fail_is_told_if_it_is_no_chance():
    """Not all cases with the property fail, but all that fail have it."""
    outcomes = [*several(noise, 9, stride=2), *several(right, 3, stride=2), *several(right, 28, stride=1)]
    assert parted(*outcomes) == "wrong only at stride = 2."
    assert parted(*several(noise, 8, stride=2), *several(right, 3, stride=2), *several(right, 5, stride=1)) == ""
    mirrored = [*several(noise, 9, stride=1), *several(right, 3, stride=1), *several(right, 28, stride=2)]
    assert parted(*mirrored) == "wrong only at stride = 1."
    words = {"features": lambda **a: {"windows overlap": a["k"]}}
    outcomes = [*several(noise, 9, k=False), *several(right, 3, k=False), *several(right, 28, k=True)]
    assert parted(*outcomes, **words) == "right where windows overlap, not always elsewhere."
    chance = [*several(noise, 5, k=True), *several(right, 9, k=True), *several(right, 2, k=False)]
    assert parted(*chance, **words) == "", "most cases have it, those that fail too"
    two = [
        *several(noise, 9, p="a", q="c"),
        *several(right, 3, p="a", q="c"),
        *several(right, 2, p="a", q="d"),
        *several(right, 26, p="b", q="d"),
    ]
    assert parted(*two) == "wrong only at q = c.", "the one that says most"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (("sign",), "the wrong sign"),
        (("zero",), "all zero"),
        (("unknown",), "not recognised"),
        (("where", "x < 0"), "wrong where x < 0"),
        (("variant", "of a sum"), "comes out of a sum"),
        (("shape", "not summed"), "a wrong shape: not summed"),
        (("last", "g", 0), "only the last entry of g 0"),
        (("instead", "q", "r"), "one in the place of another: q r"),
        (("factor", 1.05), "factor 1.05"),
        (("raised", "ValueError"), "raised ValueError"),
    ],
)
def test_a_cause_has_a_name_for_a_list(key, words):
    assert verdict.in_short(key) == words


# --- the smallest case ------------------------------------------------------------------------------------------------


def test_values_in_a_few_lines():
    assert verdict.text(0.1 + 0.2) == "0.3"
    assert verdict.text("mean") == "mean"
    assert verdict.text((1, 2)) == "(1, 2)"
    assert verdict.text(np.array([1.0, 2])) == "np.array([1., 2.])"
    assert verdict.text(np.array([-0.0, 1e-9])) == "np.array([0., 0.])"
    assert verdict.text(np.array([1, 2])) == "np.array([1, 2])"
    assert verdict.text(np.ones((1, 2))) == "np.array([[1., 1.]])"
    assert verdict.text(np.ones((0, 2))) == "np.zeros((0, 2))"
    assert verdict.text(np.ones(32)).startswith("np.array([1., 1.")
    assert verdict.text(np.ones(33)) == "an array of shape (33,)"


@given(st.lists(st.integers(0, 3), max_size=3), st.sampled_from([float, int]))
def test_what_is_shown_of_an_array_is_python(shape, dtype):
    """To be copied into one's own file, it makes the array again; its lines follow one another without gaps."""
    array = np.arange(0.75, 32)[: np.prod(shape, dtype=int)].astype(dtype).reshape(shape)
    text = verdict.text(array)
    np.testing.assert_array_equal(eval(text, {"np": np}), array)
    assert "\n\n" not in text


def test_the_smallest_case_is_shown_with_both_values():
    small = wrong(np.array([1.0, 3]), np.array([1.0, -1e-9]), g=np.ones(2), stride=2)
    assert verdict.shown(task(), small, []) == verdict.shown(task(), small, ["x"])
    assert verdict.shown(task(), small, ["x"]) == [
        ("g", "np.array([1., 1.])"),
        ("stride", "2"),
        ("your ∂x", "np.array([1., 3.])"),
        ("right ∂x", "np.array([1., 0.])"),
    ]
    assert verdict.shown(task(gradient=False), small, ["w"])[2][0] == "your x"
    large = np.zeros((6, 6))
    lines = dict(verdict.shown(task(), wrong(np.where(np.arange(6) == 3, 7, large), large + 1.5), ["x"]))
    assert lines["at [0, 3]"] == "yours 7, right 1.5"
    nan = np.full((6, 6), np.nan)
    few = wrong(np.zeros((4, 8)), np.ones((4, 8)))
    assert not [label for label, _ in verdict.shown(task(), few, ["x"]) if label.startswith("at")]
    assert dict(verdict.shown(task(), wrong(nan, large + 2.0), ["x"]))["at [0, 0]"] == "yours nan, right 2"


def test_the_smallest_case_that_fails_is_found():
    backward = lambda g, x: 2 * g * x if x.size < 3 else g
    found = trial.try_task(task(), module(backward=backward))
    assert found["status"] == "wrong"
    assert "shape" not in found["case"][1][1]
    assert len(found["case"][1][1].split(",")) == 3, "of 3 elements, none fewer"

    long = lambda draw: {"x": drawn.values(draw, drawn.whole(draw, 1, 500))}
    found = trial.try_task(task(cases=long), module(backward=lambda g, x: 2 * g * x if x.size < 37 else g))
    assert found["case"][1] == ("x", "an array of shape (37,)"), "not among those that were drawn, but near them"

    def raises_or_errs(g, x):
        if x.size == 2:
            raise ValueError("two")
        return g

    found = trial.try_task(task(), module(backward=raises_or_errs))
    assert found["status"] == "wrong", "a wrong value tells more than an exception"
    assert "In other cases backward raises ValueError: two" in found["text"]
    assert len(found["case"][1][1].split(",")) == 1


def test_a_right_a_missing_and_an_unwritten_function():
    found = trial.try_task(task(), module(backward=lambda g, x: 2 * g * x))
    assert found == {"function": "backward", "status": "right", "failed": "0 of 100 cases"}
    calls = []

    def stub(g, x):
        calls.append(x)
        raise NotImplementedError

    found = trial.try_task(task(), module(backward=stub))
    assert (found["status"], found["cause"]) == ("unwritten", "unwritten")
    assert len(calls) == 1, "one call tells it"


def test_what_differs_from_call_to_call_is_told():
    counter = iter(range(10**6))
    found = trial.try_task(task(), module(backward=lambda g, x: g * next(counter)))
    assert found["causes"][0] == "random"
    assert found["text"].startswith("backward gives two results for the same arguments: no random numbers")
    rng = np.random.default_rng(0)
    dropped = lambda g, x: 2 * g * x * (rng.uniform(size=x.shape) < 0.5)
    assert all(trial.try_task(task(), module(backward=dropped), 0.1)["causes"][0] == "random" for _ in range(5))
    assert trial.try_task(task(), module(backward=lambda g, x: g * np.nan))["causes"] == ["not finite"]


def test_a_slow_function_gets_fewer_cases_but_not_too_few():
    calls = []
    slow = lambda g, x: calls.append(1) or sum(range(20_000)) * 0 + 2 * g * x
    found = trial.try_task(task(), module(backward=slow), seconds=0)
    assert found["status"] == "right"
    assert found["failed"] == "0 of 25 cases"


def test_all_tasks_are_tried_whatever_the_first_says():
    exercise = exercises.exercise("relu")
    assert [t["status"] for t in trial.try_all(exercise, module(forward=lambda x: x, backward=lambda g, x: g * (x > 0)))] == [
        "wrong",
        "right",
    ]  # fmt: skip


def test_the_time_is_shared_by_the_tasks(monkeypatch):
    given = []
    told = {"function": "f", "status": "right"}
    monkeypatch.setattr(trial, "try_task", lambda task, module, seconds: given.append(seconds) or told)
    trial.try_all(exercises.exercise("relu"), module())
    assert given == [1.2, 1.2]


def test_what_follows_from_an_earlier_mistake_is_told_so(monkeypatch):
    told = lambda function, status, *causes: {"function": function, "status": status, "causes": causes, "text": "so"}

    def texts(*found):
        given = iter({**one, "causes": list(one["causes"])} for one in found)
        monkeypatch.setattr(trial, "try_task", lambda task, module, seconds: next(given))
        tasks = [task(function=one["function"]) for one in found]
        return [one["text"] for one in trial.try_all(types.SimpleNamespace(tasks=tasks), module())]

    wrong, lost = told("first", "wrong", "the wrong sign"), told("second", "wrong", "not recognised")
    assert texts(wrong, lost) == ["so", "second is wrong too, perhaps since first is."]
    assert texts(told("first", "right"), lost) == texts(told("first", "unwritten"), lost) == ["so", "so"]
    assert texts(wrong, wrong) == texts(lost, wrong) == ["so", "so"], "what is recognised is told"
    assert texts(wrong, told("second", "wrong", "raised E", "not recognised"))[1] == "so"


def test_of_few_cases_that_fail_more_are_drawn(monkeypatch):
    tried = []
    judge = lambda task, outcomes, least: tried.extend(outcomes) or verdict.verdict(task, outcomes, least)
    monkeypatch.setattr(trial, "verdict", judge)
    of = lambda wrong: trial.try_task(task(), module(backward=lambda g, x: g if wrong(x) else 2 * g * x))["failed"]
    few = of(lambda x: x.size == 20 and x[0] > 0.3)
    assert few.endswith(" of 200 cases")
    assert int(few.split()[0]) > 1
    assert len({o.arguments["x"].tobytes() for o in tried}) > 150, "and not the same ones again"
    assert of(lambda x: x.size > 5).endswith(" of 100 cases")
    assert of(lambda x: False) == "0 of 100 cases"


def test_cases_are_the_same_in_each_check_but_others_where_more_are_drawn():
    def drawn_with(seed):
        found = trial.run(task(), module(backward=lambda g, x: 2 * g * x), 60, seed_of_cases=seed)
        return [o.arguments["x"].tolist() for o in found]

    first, again, more = (drawn_with(seed) for seed in (trial.SEED, trial.SEED, trial.SEED + 1))
    assert first == again
    assert len(first) == len(more) == 100
    assert sum(x in first for x in more) < 50


def test_what_is_printed_is_kept_as_far_as_there_is_room():
    kept = trial.Limited()
    assert kept.write("ab\n") == 3
    assert kept.write("x" * 5000) == 5000, "as much as print was asked to write"
    assert kept.write("more") == 4
    assert kept.getvalue() == "ab\n" + "x" * (trial.PRINTED - 3)

    def backward(g, x):
        print(x.size)
        return g

    found = trial.try_task(task(), module(backward=backward))
    assert found["printed"] == "1\n", "of the smallest case alone"


# --- the process of a learner's file ----------------------------------------------------------------------------------


def test_imports_are_guarded():
    guard = child.guarded(("numba",))
    assert guard("math") is math
    assert guard("numpy.linalg").__name__ == "numpy"
    assert guard("numba").__name__ == "numba"
    for name in ("tinylucid", "torch", "numpy_financial", "os", "mathematics", "numbalike"):
        with pytest.raises(child.Refused, match=f"it imports {name}: this exercise is done with numpy, numba and"):
            guard(name)
    with pytest.raises(child.Refused, match="done with numpy and Python's own math"):
        child.guarded(())("numba")


CHECKED = {
    "passed": (exercises.solution("relu"), "passed", ""),
    "one is wrong": (exercises.solution("relu") + "\n\ndef backward(g, x):\n    return g * 0\n", "failed", "all zero"),
    "one is missing": ("def forward(x):\n    return (x > 0) * x\n", "failed", "missing"),
    "one is not written": (
        exercises.solution("relu") + "\n\ndef backward(g, x):\n    raise NotImplementedError\n", "unwritten", "unwritten"),
    "one is wrong and one not written": (
        "def forward(x):\n    raise NotImplementedError\ndef backward(g, x):\n    return -g * (x > 0)\n", "failed", "the wrong sign"),
    "not written at the top": ("raise NotImplementedError\n", "unwritten", "unwritten"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHECKED)
def test_a_files_status_is_that_of_its_tasks(name, tmp_path):
    text, status, cause = CHECKED[name]
    path = tmp_path / "relu.py"
    path.write_text(text, encoding="utf-8")
    found = child.checked("relu", path)
    sys.modules.pop("exercise_relu", None)
    assert (found["status"], found["cause"]) == (status, cause)
    assert bool(found["text"]) == (status != "passed")


def test_a_machine_that_cannot_check_is_no_failure(tmp_path, monkeypatch):
    path = tmp_path / "relu.py"
    path.write_text(exercises.solution("relu"), encoding="utf-8")
    task = {"function": "f", "status": "form", "cause": "unable", "text": "there is no compiler"}
    monkeypatch.setattr(trial, "try_all", lambda *_: [task])
    found = child.checked("relu", path)
    sys.modules.pop("exercise_relu", None)
    assert (found["status"], found["text"]) == ("unable", "there is no compiler")


def test_the_line_of_an_error_is_the_learners():
    with pytest.raises(ValueError, match="more dimensions") as found:
        np.broadcast_to(A, (1,))
    line = found.tb.tb_lineno
    assert child.line_of(found.value, Path(__file__)) == line
    assert child.line_of(found.value, Path("elsewhere.py")) is None
    assert child.told(found.value, Path(__file__)).endswith(f"(line {line})")
    assert child.told(SyntaxError("bad", ("f.py", 3, 1, "x")), Path("f.py")) == "line 3: bad"
