"""The rules of recognition one by one, on arrays made by hand: what each says, what it keeps silent about, and how
findings of several cases are brought together. And what gradcheck asks of them, whatever the function does."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinylucid as tl
from tinylucid.check import diagnose as diagnosis
from tinylucid.check import gradcheck, patterns, places, shapes, whatif
from tinylucid.check.compare import Check
from tinylucid.check.diagnose import common, diagnose
from tinylucid.check.evidence import Evidence, Finding, same, worst
from tinylucid.check.subject import Subject

NOISE = np.random.default_rng(0)
A, B = NOISE.normal(size=(4, 5)), NOISE.normal(size=(4, 5))
PICTURE = NOISE.normal(size=(2, 3, 5, 6))


def gradient(g, true, **more):
    """A gradient that was given, and the right one."""
    return Evidence("x", np.asarray(g, float), np.asarray(true, float), upstream=("g",), **more)


def result(y, true, **more):
    """Another result than a gradient."""
    return Evidence("y", np.asarray(y, float), np.asarray(true, float), **more)


def keys(found):
    return [f.key for f in found]


def said(*evidence):
    return diagnose(evidence).text


def planted(function, rule):
    op = tl.operation(function)
    op.rule(rule)
    return op


def failed(function, inputs, **options):
    report = gradcheck(function, inputs, raise_exception=False, **options)
    assert report.status == "fail", report
    return report


# --- the measure of all of them ---------------------------------------------------------------------------------------


def test_arrays_agree_within_the_error_of_finite_differences_and_no_further():
    assert same(A * (1 + 3e-5), A)
    assert not same(A * (1 + 3e-3), A)
    assert not same(A[:1], A[:1].repeat(4, 0)), "of another shape they do not"
    assert not same(np.ones(2), np.array([1, np.inf]))
    assert same(np.zeros(3), np.zeros(3))
    assert same(np.zeros((0, 3)), np.zeros((0, 3)))
    assert worst(np.array([[0, 3.0], [1, 0]]), np.zeros((2, 2))) == (0, 1)


def test_labels_are_no_arrays_to_compute_with():
    labels = np.array([1, 2])
    e = gradient(A, B, arguments={"x": A, "labels": labels, "stride": 2})
    assert list(e.arrays()) == ["x"]


# --- what explains all cases ------------------------------------------------------------------------------------------


def rules(*found):
    """A rule that has these findings for the cases in order."""
    of = dict(enumerate(found))
    return lambda e: of[int(e.given)]


CASES = [result(k, 0) for k in range(3)]
ONE, OTHER = Finding(("one",), "the one"), Finding(("other",), "the other")


def test_a_cause_explains_all_cases_that_can_tell():
    assert common(rules([ONE, OTHER], None, [OTHER]), CASES) == OTHER
    assert common(rules([ONE], [OTHER], [ONE]), CASES) is None
    assert common(rules(None, None, None), CASES) is None
    assert common(rules([ONE, OTHER], [OTHER, ONE], [ONE, OTHER]), CASES) == ONE, "of equals the first"
    again = Finding(("one",), "in other words")
    assert common(rules([ONE, again, OTHER]), CASES[:1]) == ONE, "of one key the first"
    assert common(rules([OTHER], [OTHER], [ONE, OTHER]), CASES).text == "the other"


def test_what_would_be_seen_by_chance_is_believed_if_it_is_seen_often():
    likely, less = Finding(("likely",), "", 0.2), Finding(("less",), "", 0.1)
    assert common(rules([likely]), CASES[:1]) is None
    assert common(rules([likely], [likely]), CASES[:2]) is None
    assert common(rules([likely, less], [likely, less]), CASES[:2]).key == ("less",)
    assert common(rules([likely], [likely], [likely]), CASES).key == ("likely",)


def test_one_number_in_every_case_is_off_in_no_way_and_elements_are_counted():
    assert said(gradient(1.5, 0.3), gradient(1, 0.9)) == "It is off in no way that is recognised."
    half = np.where(np.arange(20).reshape(4, 5) % 2 == 0, A + B, A)
    assert said(gradient(half, A)).startswith("50% of its elements are wrong")
    assert said(gradient(half, A), gradient(A + B, A)).startswith("75% of its elements are wrong")
    assert said(gradient(half, A), gradient(1.5, 0.3)).startswith("75% of its elements are wrong")


def test_a_wrong_shape_is_told_before_anything_else():
    found = diagnose([gradient(-A, A), gradient(A[0], A)])
    assert found.key == ("shape", "axis missing")


@given(st.integers(0, 2**31), st.integers(1, 4), st.integers(1, 4))
def test_any_two_arrays_have_a_diagnosis(seed, n, m):
    rng = np.random.default_rng(seed)
    some = lambda *shape: rng.integers(-2, 3, shape).astype(float)
    evidence = [
        gradient(some(n, m), some(n, m), arguments={"x": some(n, m), "g": some(n, m)}, outputs=(some(n, m),))
        for _ in range(2)
    ]
    assert diagnose(evidence).text.endswith(".")
    assert diagnose([*evidence, gradient(some(m, n, 2), some(n, m))]).key[0] in ("shape", "exchanged")


def test_every_rule_takes_what_is_empty_or_a_number():
    """What is empty is never wrong itself, but another argument may be empty."""
    empty = {"a": np.ones((2, 0, 3)), "b": np.ones(0), "c": np.ones((2, 0, 3, 3)), "g": np.ones((0, 1))}
    for shape in ((), (1,), (1, 1), (2, 1), (1, 2, 3, 3)):
        e = gradient(np.ones(shape), np.full(shape, 3.0), arguments=empty, outputs=(empty["a"], empty["b"]))
        e.fits = lambda changed: False
        for rule in diagnosis.RULES:
            rule(e)


# --- from the values alone --------------------------------------------------------------------------------------------


def test_zero_is_told_only_where_something_should_be():
    assert patterns.zero(gradient(0 * A, 0 * A)) == []
    assert patterns.zero(gradient(A * (A > 0), A)) == []
    assert "cuts the graph" in patterns.zero(gradient(0 * A, A))[0].text
    assert patterns.zero(result(0 * A, A))[0].text == "It is all zero: nothing is computed."
    assert "constant in steps" in patterns.truly_zero(gradient(A, 0 * A))[0].text
    assert patterns.truly_zero(result(A, 1e-9 * A))[0].text == "It should be zero everywhere."
    assert patterns.truly_zero(gradient(A, 1e-4 * A)) == [], "small is not zero"
    assert patterns.truly_zero(gradient(1e-9 * A, 2e-9 * A)) == []


def test_a_factor_must_be_the_same_everywhere():
    assert patterns.ratio_of(3 * A, A) == pytest.approx(3)
    assert patterns.ratio_of(3 * A + 0.01 * B, A) == 0
    assert patterns.ratio_of(A, 0 * A) == 0
    assert patterns.sign(gradient(-A, A))
    assert not patterns.sign(gradient(-1.01 * A, A))
    assert not patterns.sign(gradient(A, A))


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (2, "twice what it should be"),
        (0.5, "half of what it should be"),
        (1.05, "one factor everywhere, 1.05"),
        (4, "exactly 4, the size of axis 0 of x (4, 5): a mean divides by it and the rule does not"),
        (1 / 5, "exactly 1/5, the size of axis 1 of x (4, 5): the rule divides by it and the function does not"),
        (-5, "exactly minus 5, the size of axis 1 of x"),
        (20, "exactly 20, the size of all of x (4, 5)"),
        (np.sqrt(5), "exactly √5, the size of axis 1 of x (4, 5): it should be divided by it"),
        (1 / np.sqrt(5), "exactly 1/√5, the size of axis 1 of x (4, 5): it should not be divided by it"),
        (0.3, "exactly 0.3, scale: it is multiplied by it once too often"),
        (1 / 0.3, "exactly 1/0.3, scale: a factor of scale is missing"),
        (0.09, "exactly 0.09, scale²"),
        (0.7, "exactly 0.7, 1 − scale"),
        (np.sqrt(0.3), "one factor everywhere"),
        (np.sqrt(0.7), "one factor everywhere"),
        (7, "exactly 7, the size of axis 0 of the output (7, 11)"),
        (77 / 20, "exactly 3.85, the number of times that each element of x is used"),
        (13, "one factor everywhere, 13"),
    ],
)  # fmt: skip
def test_a_factor_is_named(factor, words):
    arguments = {"x": A, "g": np.ones(13), "scale": 0.3, "training": True}
    found = patterns.factor(gradient(factor * A, A, arguments=arguments, outputs=(np.ones((7, 11)),)))
    assert words in found[0].text, found


def test_a_size_that_is_multiplied_by_is_told_of_a_result_too():
    e = lambda factor: result(factor * A, A, arguments={"x": A})
    assert patterns.factor(e(4))[0].text.endswith("it should be divided by it.")
    assert patterns.factor(e(1 / 4))[0].text.endswith("it should not be divided by it.")


def test_sizes_of_a_picture_have_names():
    names = dict(patterns.numbers(gradient(PICTURE, PICTURE, arguments={"x": PICTURE})))
    assert names["the size of the last two axes of x (2, 3, 5, 6)"] == 30
    assert names["the size of all axes but axis 1 of x (2, 3, 5, 6)"] == 60
    assert names["the size of all of x (2, 3, 5, 6)"] == 180
    two = gradient(A, A, arguments={"x": A}, outputs=(A, A))
    assert not [what for what, _ in patterns.numbers(two) if "number of times" in what]
    assert patterns.numbers(gradient(A, A, arguments={"g": A})) == []


def test_a_factor_has_one_name_in_cases_of_other_shapes():
    one, two = (gradient(n * np.ones((n, 3)), np.ones((n, 3)), arguments={"x": np.ones((n, 3))}) for n in (4, 5))
    assert diagnose([one, two]).key == ("factor", "the size of axis 0 of x")
    one, two = (gradient(1.05 * (1 + 1e-6 * k) * A, A) for k in range(2))
    assert diagnose([one, two]).key == ("factor", 1.05)
    one, two = gradient(3 * A, A), gradient(7 * A, A)
    assert diagnose([one, two]).key == ("factor", "varies")
    assert diagnose([one, gradient(7.0, 1.0)]).key == ("factor", "varies"), "one number tells nothing"


def test_turns_are_told_apart():
    square = A[:, :4]
    assert keys(patterns.orientation(gradient(square.T, square))) == [("transposed",)]
    assert keys(patterns.orientation(gradient(A[::-1, ::-1], A))) == [("turned",)]
    assert keys(patterns.orientation(gradient(A[:, ::-1], A))) == [("backwards",)]
    assert keys(patterns.orientation(gradient(A[0, ::-1], A[0]))) == [("backwards",)]
    assert patterns.orientation(gradient(A[::-1], A)) == []
    assert patterns.orientation(gradient([[1.0]], [[1.0]])) is None
    picture = PICTURE[..., :5]
    assert keys(patterns.orientation(gradient(picture.swapaxes(2, 3), picture))) == [("transposed",)]


def test_the_right_numbers_in_the_wrong_places():
    assert patterns.rearranged(gradient(A[::-1], A))
    assert patterns.rearranged(gradient(B, A)) == []
    assert patterns.rearranged(gradient(np.ones(4), np.ones(4))) is None, "equal numbers have no order"
    assert patterns.rearranged(gradient([1.0], [2.0])) is None


def test_a_total_is_kept_though_its_parts_go_elsewhere():
    moved = A.copy()
    moved[0, 0], moved[1, 1] = A[0, 0] + 0.7, A[1, 1] - 0.7
    (found,) = patterns.total(gradient(moved, A))
    assert (found.key, found.text[:20]) == (("total",), "Its total is right: ")
    assert patterns.total(gradient(A + B, A)) == []
    centred = A - A.mean()
    assert patterns.total(gradient(B, centred)) is None, "a total of 0 may be that of anything"
    assert patterns.total(gradient([1.0], [1.5])) is None
    assert diagnose([gradient(moved, A), gradient(B + A.sum() / 20 - B.mean(), A)]).key == ("total",)


def test_a_shift_of_what_varies():
    assert "by the same number everywhere, 0.5:" in patterns.offset(gradient(A + 0.5, A))[0].text
    assert patterns.offset(gradient(np.ones(3) * 3, np.ones(3))) == [], "of a constant it may be anything"
    assert patterns.offset(gradient(A + 0.5 + 0.001 * B, A)) == []
    assert patterns.offset(gradient([3.0], [1.0])) is None


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (np.square, "the square of"),
        (np.sqrt, "the square root of"),
        (np.reciprocal, "one over"),
        (np.log, "the logarithm of"),
        (np.exp, "the exponential of"),
    ],
)
def test_a_power_of_what_it_should_be(function, words):
    true = np.abs(A) + 0.3
    assert patterns.power(gradient(function(true), true))[0].text == f"It is {words} what it should be."
    assert patterns.power(gradient([function(2.0)], [2.0])) is None


def test_the_size_without_its_sign():
    assert [f.text for f in patterns.power(gradient(np.abs(A), A))] == [
        "It is the size of what it should be, without its sign."
    ]


def test_a_gradient_that_should_sum_to_zero():
    centred = A - A.mean(1, keepdims=True)
    assert "over axes (1,)" in patterns.statistics(gradient(A, centred))[0].text
    assert "over axes (0, 1)" in patterns.statistics(gradient(A, A - A.mean()))[0].text
    channels = PICTURE - PICTURE.mean((0, 2, 3), keepdims=True)
    assert "over axes (0, 2, 3)" in patterns.statistics(gradient(PICTURE, channels))[0].text
    assert patterns.statistics(gradient(centred + 1e-4 * A, centred)) == [], "by rounding it does not"
    assert patterns.statistics(gradient(A, B)) == []
    assert patterns.statistics(result(A, centred)) == []
    assert patterns.statistics(gradient([[1.0]], [[0.0]])) == [], "one element is no sum"


def test_what_is_reduced_over_an_axis_too_many():
    over = lambda g: patterns.constant_axis(gradient(g, A))
    sums, means = (np.broadcast_to(v, A.shape) for v in (A.sum(0), A.mean(0)))
    assert over(sums)[0].text.startswith("It is the sum of the true gradient repeated along axis 0")
    assert over(means)[0].text.startswith("It is the mean of the true gradient")
    assert over(np.broadcast_to(B[0], A.shape))[0].text.startswith("It is one value of the true gradient")
    assert over(B) == []
    assert over(np.broadcast_to(A[:, :1], A.shape))[0].text.endswith(
        "repeated along axis 1: reduced over an axis too many."
    )
    assert patterns.constant_axis(gradient(sums + 0 * A, np.broadcast_to(A[0], A.shape))) == [], "where it should be"
    flat = result(A[0] * 0 + 1, A[0])
    assert patterns.constant_axis(flat)[0].text.startswith("It is one value of what is right")
    assert common(patterns.constant_axis, [gradient(PICTURE * 0 + 1, PICTURE), flat]).key == ("reduced", -1)
    assert patterns.constant_axis(gradient(A[:1, :1], B[:1, :1])) == []


def test_the_worst_element_in_numbers():
    assert patterns.at_worst(gradient([1, 3.0], [1, 2.0]), "yours") == "x[1]: yours 3, numeric 2, ratio 1.5."
    assert patterns.at_worst(gradient(3.0, 0.0), "yours") == "x: yours 3, numeric 0, ratio infinite."


# --- by place ---------------------------------------------------------------------------------------------------------


def test_wrong_elements():
    true = np.array([1e6, 1.0, 2.0])
    assert places.wrong_elements(gradient([1e6, 1.0, 9.0], true)).tolist() == [False, False, True], "small, and wrong"
    assert places.wrong_elements(gradient([1e6, np.nan, 2.0], true)).tolist() == [False, True, False]
    assert places.wrong_elements(gradient([9e6, 1.0, 9.0], true)).tolist() == [True, False, False]


def test_what_is_at_the_wrong_elements():
    wrong = np.array([True, True, True, False])
    there = lambda given, true: places.there(gradient(given, true), wrong)
    assert there([0, 0, 0, 1], [1, 2, 3, 1]) == ", and 0 there"
    assert there([1, 2, 3, 1], [0, 0, 0, 1]) == ", where it should be 0"
    assert there([3, 6, 9, 1], [1, 2, 3, 1]) == ", 3 times what it should be there"
    assert there([3, 6, 9.1, 1], [1, 2, 3, 1]) == ""
    assert there([3, 6, 9, 1], [1, 2, 0, 1]) == ""
    assert places.there(gradient([0, 1], [1, 1]), np.array([True, False])) == "", "one element tells nothing"


X = np.array([-3, -2, -1.5, -0.5, 0.25, 0.5, 1.5, 2, 3, 4]).repeat(3)


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (X < 0, "x < 0"),
        (X > 0, "x > 0"),
        (np.abs(X) > 1, "|x| > 1"),
        (np.abs(X) < 1, "|x| < 1"),
        (X == X, ""),
        (np.arange(30) % 2 == 0, ""),
    ],
)
def test_places_are_named_by_the_value_of_an_argument(mask, words):
    true = np.linspace(1, 2, 30)
    found = common(places.named, [gradient(np.where(mask, 7, true), true, arguments={"x": X})])
    assert (found.key[1] if found else "") == words


def test_zeros_and_ties_are_places():
    x = np.array([0, 1, 2, -3, 0, 5, 6, 7, 8, 9.0])
    wrong = lambda mask, x: gradient(np.where(mask, 9, 1.5 + 0 * x), 1.5 + 0 * x, arguments={"x": x})
    assert ("where", "x = 0") in keys(places.named(wrong(x == 0, x)))
    ties = np.array([1, 1, 3, 4, 5, 6, 7, 7, 8, 9.0])
    assert keys(places.named(wrong((ties == 1) | (ties == 7), ties))) == [("where", "x has equal values (ties)")]
    both = np.array([0, 0, -1, -1, -2, 3, 4, 5, 6, 7.0])
    assert ("where", "x ≤ 0") in keys(places.named(wrong(both <= 0, both)))
    assert ("where", "x ≥ 0") in keys(places.named(wrong(-both >= 0, -both)))
    assert ("where", "x < 0") not in keys(places.named(wrong(both <= 0, both)))


def test_a_place_is_nearly_full_of_what_is_wrong_or_has_been_given_a_name():
    true = np.linspace(1, 2, 10)
    mask = np.arange(10) < 5
    some = mask & (np.arange(10) > 1)
    evidence = lambda wrong, **more: gradient(np.where(wrong, 9, true), true, **more)
    x = {"x": np.where(mask, -1.0, 2.0) * np.arange(1, 11)}
    assert ("where", "x < 0") not in keys(places.named(evidence(some, arguments=x)))
    named = evidence(some, places={"the paths meet: add them up": mask})
    (found,) = places.named(named)
    assert found.text == "It is right except where the paths meet: add them up."
    assert found.chance == pytest.approx(0.5**3)
    assert places.named(evidence(~mask, places={"the paths meet": mask})) == []
    few = gradient(np.where(some, 9, true * mask), true * mask, places={"": mask})
    assert places.named(few)[0].chance == 1, "what is rightly 0 tells nothing"
    assert places.named(gradient([1.0], [2.0])) is None
    upstream = gradient(np.where(mask, 9, true), true, arguments={"g": x["x"]})
    assert places.named(upstream) == []


def test_a_place_of_one_row_is_one_of_every_row():
    mask = np.array([True, False, False, False, False])
    e = gradient(np.where(mask, 0, A), A, places={"the first column is": mask})
    assert places.named(e)[0].text == "It is right except where the first column is, and 0 there."


def test_the_border():
    def at(**sides):
        wrong = np.zeros((2, 3, 5, 6), bool)
        for index in sides.values():
            wrong[index] = True
        return places.border(gradient(np.where(wrong, 9, PICTURE), PICTURE))

    top, left = np.s_[..., 0, :], np.s_[..., :, 0]
    assert "at the border (top):" in at(top=top)[0].text
    assert "at the border (top, left):" in at(top=top, left=left)[0].text
    assert "(bottom, right)" in at(bottom=np.s_[..., -1, :], right=np.s_[..., :, -1])[0].text
    assert "(border)" in at(corner=np.s_[..., :2, 0], other=np.s_[..., 3:, -1], third=np.s_[..., 0, :3])[0].text
    assert at(inside=np.s_[..., 2, 2]) == []
    assert at(few=np.s_[0, 0, 0, :]) is None
    assert places.border(gradient(np.ones((2, 5)), np.zeros((2, 5)))) is None, "there is no inside"


def test_some_indices_along_an_axis():
    def along(index, value=0.0, true=A):
        g = true.copy()
        g[index] = value
        return places.along(gradient(g, true))

    (row,) = along(np.s_[0])
    assert (row.key, row.chance) == (("along", -2, "first"), pytest.approx(0.25**5))
    assert row.text.startswith("It is zero only at [0] along axis 0 (of 4)")
    assert along(np.s_[:, -1])[0].key == ("along", -1, "last")
    assert along(np.s_[1:])[0].key == ("along", -2, "all but the first")
    assert along(np.s_[:, :-1])[0].key == ("along", -1, "all but the last")
    assert along(np.s_[[1, 3]])[0].key == ("along", -2, "only [1, 3]")
    assert along(np.s_[2], 7.0)[0].text.startswith("It is wrong only at [2]")
    assert along(np.s_[:]) == []
    assert places.along(gradient([1.0], [2.0])) is None
    assert common(places.along, [places_of(A), places_of(PICTURE)]).key == ("along", -1, "last"), "counted from the end"


def places_of(true):
    return gradient(np.where(np.arange(true.shape[-1]) == true.shape[-1] - 1, 0, true), true)


# --- shapes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("came", "due", "key", "words"),
    [
        ((4, 3), (3,), ("shape", "not summed"), "it was broadcast over axis 0, so sum over it"),
        ((2, 4, 3), (4, 1), ("shape", "not summed"), "it was broadcast over axes 0, 2, so sum over them"),
        ((4, 3), (), ("shape", "not summed"), "axes 0, 1"),
        ((3,), (1, 3), ("shape", "axis of size 1"), "an axis of size 1 is lost"),
        ((3, 1), (3,), ("shape", "axis of size 1"), "an axis of size 1 is too many"),
        ((3, 4), (4, 3), ("shape", "transposed"), "it is transposed"),
        ((3, 1), (1, 3), ("shape", "transposed"), "it is transposed"),
        ((2, 3, 4), (2, 4, 3), ("shape", "transposed"), "it is transposed"),
        ((2, 3, 4), (4, 3, 2), ("shape", "transposed"), "it is transposed"),
        ((), (4, 3), ("shape", "one number"), "it is summed over everything"),
        ((2, 4), (2, 3, 4), ("shape", "axis missing"), "axis 1 is missing"),
        ((4,), (3, 4), ("shape", "axis missing"), "axis 0 is missing"),
        ((3, 4, 2), (2, 3, 4), ("shape", "axes"), "its axes are in another order"),
        ((7,), (3, 4), ("shape",), "has shape (7,), x has (3, 4)."),
        ((0, 3), (3,), ("shape",), "has shape (0, 3), x has (3,)."),
        ((4, 3), (2,), ("shape",), "has shape (4, 3), x has (2,)."),
    ],
)  # fmt: skip
def test_a_wrong_shape_is_explained(came, due, key, words):
    found = shapes.shape(gradient(np.ones(came), np.ones(due)))
    assert found[0].key == key
    assert words in found[0].text
    assert found[-1].key == ("shape",)


def test_a_result_that_was_broadcast_gets_other_words():
    assert "NumPy lines arrays up at their last axes" in shapes.shape(result(np.ones((3, 3)), np.ones(3)))[0].text


def test_another_results_shape_is_a_hint_and_its_values_a_proof():
    w = NOISE.normal(size=(5, 4))
    e = lambda g: gradient(g, A, others={"w": w})
    assert shapes.shape(e(w))[0].text.endswith("w has (5, 4): the gradients are returned in the wrong order.")
    assert shapes.shape(e(A.T))[0].key == ("shape", "transposed")
    others = lambda g: keys(shapes.shape(gradient(g, np.ones(4), others={"w": w})))
    assert others(np.ones((5, 4))) == [("shape", "not summed"), ("shape",)]
    assert others(w) == [("shape", "not summed"), ("exchanged", "w"), ("shape",)]
    assert shapes.shape(result(w, A, others={"w": w}))[0].text.endswith("the results are returned in the wrong order.")


def test_a_wrong_shape_has_one_cause_in_cases_of_other_sizes():
    of = lambda *pairs: diagnose([gradient(np.ones(came), np.ones(due)) for came, due in pairs]).key
    assert of(((), (3,)), ((2,), (2, 3))) == ("shape", "axis missing")
    assert of(((), (3,)), ((), (2, 3))) == ("shape", "one number")
    assert of(((3, 4), (4, 3)), ((3, 4, 2), (2, 3, 4))) == ("shape", "axes")
    assert of(((3, 4), (4, 3)), ((7,), (2, 3, 4))) == ("shape",)


@given(st.lists(st.integers(1, 3), max_size=4), st.data())
def test_what_was_repeated_is_summed_back(came, data):
    due = tuple(data.draw(st.sampled_from([n, 1])) for n in came[data.draw(st.integers(0, len(came))) :])
    array = np.arange(float(np.prod(came, dtype=int))).reshape(came)
    repeated = shapes.repeated(tuple(came), due)
    assert (not repeated) == (tuple(came) == due)
    mended = shapes.mended(gradient(array, np.zeros(due)))
    assert mended.given.shape == due
    np.testing.assert_array_equal(mended.given, by_hand(array, due), "an adjoint of broadcasting")
    assert mended.given.sum() == array.sum()
    assert shapes.mended(result(array, np.zeros(due))).given is array, "what was repeated of a result is left"


def by_hand(array, due):
    """Each number added where broadcasting takes it from."""
    sources, found = np.broadcast_to(np.arange(np.prod(due, dtype=int)).reshape(due), array.shape), np.zeros(due)
    np.add.at(found.reshape(-1), sources.ravel(), array.ravel())
    return found


def test_what_else_is_wrong_with_what_was_repeated_is_told_too():
    """It has the wrong shape, and, summed, the wrong sign; what is right once it is summed needs no more words."""
    row = A.sum(0)
    found = diagnose([gradient(-A, row), gradient(-B, B.sum(0))])
    assert found.key == ("shape", "not summed")
    assert found.text.endswith("so sum over it. It has the wrong sign everywhere.")
    assert said(gradient(A, row)).endswith("so sum over it.")
    assert said(gradient(A, row), gradient(2 * B[0], B[0])).endswith(TWICE)
    assert said(gradient(A * np.cos(9 * A), row)).endswith("so sum over it."), "what is not recognised is not told"


TWICE = (
    "sum over it. It is twice what it should be everywhere: something is counted twice (or a mean over two is missing)."
)


# --- what if ----------------------------------------------------------------------------------------------------------


def test_results_of_others():
    assert whatif.exchanged(gradient(B, A, others={"w": B}))[0].text.startswith("It is the gradient of w")
    assert whatif.exchanged(result(B, A, others={"w": B}))[0].text.startswith("It is the result w")
    assert whatif.exchanged(gradient(B, A, others={"w": A})) == []
    assert whatif.variant(gradient(B, A, variants={"of a sum": B, "of a mean": A}))[0].text == (
        "It is what comes out of a sum."
    )


def test_a_similar_function_is_known_by_what_is_not_finite_too():
    odd = np.array([1.0, np.nan, np.inf, -np.inf])
    of = lambda given: whatif.variant(gradient(given, np.ones(4), variants={"as it was": odd}))
    assert keys(of(odd.copy())) == [("variant", "as it was")]
    assert of([1.0, np.nan, -np.inf, -np.inf]) == of([1.0, 2, np.inf, -np.inf]) == of([2.0, *odd[1:]]) == []
    assert of(odd[:3]) == []
    assert whatif.as_is(np.full(2, np.nan), np.full(2, np.nan))
    assert diagnose([gradient(odd, np.ones(4), variants={"as it was": odd})] * 2).key == ("variant", "as it was"), (
        "before its NaN is told"
    )
    wide = gradient(A, A[0], variants={"without the sum": A})
    assert diagnose([wide, wide]).text == "It is what comes out without the sum.", "before its shape is told"


def test_nan_is_told_first_where_the_first_case_has_it():
    nan, sign = gradient(np.where(A > 0, np.nan, A), A), gradient(-A, A)
    assert diagnose([nan, sign]).key == ("not finite",)
    assert said(nan, sign).startswith("It holds NaN or infinity: a division by 0")
    assert diagnose([gradient([np.inf, 1.0, 2], [3.0, 1, 2])]).key == ("not finite",)
    found = diagnose([sign, nan])
    assert found.key == ("sign",)
    assert found.text.startswith("It has the wrong sign everywhere. In other cases it holds NaN or infinity")


@pytest.mark.parametrize(
    ("g", "words"),
    [
        (lambda x, s, g, y: A / x, ["A factor is missing: it would be right times x, elementwise."]),
        (lambda x, s, g, y: A * x, ["It is multiplied by x once too often, elementwise."]),
        (lambda x, s, g, y: A / g, ["The upstream gradient is missing: it would be right times g, elementwise."]),
        (lambda x, s, g, y: A / s, ["A factor is missing: it would be right times s, elementwise."]),
        (lambda x, s, g, y: A / y, ["A factor is missing: it would be right times out, elementwise."]),
        (lambda x, s, g, y: A / (1 - y), ["A factor is missing: it would be right times 1 − out, elementwise."]),
        (lambda x, s, g, y: A / (y * (1 - y)), ["A factor is missing: it would be right times out·(1 − out), elementwise."]),
        (lambda x, s, g, y: A / (1 + y), ["A factor is missing: it would be right times 1 + out, elementwise."]),
        (lambda x, s, g, y: A / (1 - y * y), ["A factor is missing: it would be right times 1 − out², elementwise."]),
        (lambda x, s, g, y: A * B, ["It is multiplied by the mask once too often, elementwise."]),
        (lambda x, s, g, y: A + 1, []),
    ],
)  # fmt: skip
def test_a_factor_elementwise(g, words):
    rng = np.random.default_rng(1)
    x, s, up, y = rng.normal(size=(4, 5)), rng.normal(size=5), rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    arguments = {"x": x, "s": s, "g": up, "wide": rng.normal(size=(2, 4, 5)), "zero": np.zeros(5)}
    e = gradient(g(x, s, up, y), A, arguments=arguments, outputs=(y, x), factors={"the mask": B})
    assert [f.text for f in whatif.factor(e)] == words


def test_a_factor_that_is_zero_in_one_case_explains_it_too():
    of = lambda x: gradient(x * A, A, arguments={"x": x})
    assert diagnose([of(B), of(0 * B)]).key == ("factor too many", "x")


def test_factors_are_not_told_of_numbers_or_zeros():
    assert whatif.factor(gradient([2.0], [4.0], arguments={"x": np.array([2.0])})) is None
    assert whatif.factor(gradient(A, 0 * A, arguments={"x": A})) is None


def test_a_channels_number_is_a_factor_of_its_channel():
    s = np.array([2.0, 3, 5])
    e = gradient(PICTURE / s[:, None, None], PICTURE, arguments={"scale": s})
    assert keys(whatif.factor(e)) == [("missing factor", "scale")]
    assert whatif.known_factors(e)["scale"].shape == (1, 3, 1, 1)


W = NOISE.normal(size=(3, 2, 4, 4))
Q, Q2 = NOISE.normal(size=(4, 4)), NOISE.normal(size=(4, 4))
ONLY = {
    ("turned", "w"): ({"w": W}, {"w": W[:, :, ::-1, ::-1]}, "w turned by 180 degrees"),
    ("transposed", "w"): ({"w": W}, {"w": W.swapaxes(2, 3)}, "w transposed"),
    ("last", "q", 0): ({"q": Q}, {"q": np.concatenate([0 * Q[:3], Q[3:]])}, "only the last entry of q along axis 0 (of 4): a later"),
    ("first", "q", 1): ({"q": Q}, {"q": Q * (np.arange(4) == 0)}, "only the first entry of q along axis 1 (of 4): the others"),
    ("unused", "g"): ({"g": Q}, {"g": np.ones((4, 4))}, "if g were all ones"),
    ("left out", "q"): ({"q": Q}, {"q": 0 * Q}, "if q were 0"),
    ("as ones", "q"): ({"q": Q}, {"q": np.ones((4, 4))}, "if q were 1"),
    ("negative", "q"): ({"q": Q}, {"q": -Q}, "for −q"),
    ("negative", "g"): ({"g": Q}, {"g": -Q}, "for −g"),
    ("instead", "q", "r"): ({"q": Q, "r": Q2}, {"q": Q2}, "comes out with r where q belongs"),
    ("instead", "r", "q"): ({"q": Q, "r": Q2}, {"r": Q}, "comes out with q where r belongs"),
    ("swapped", "q", "r"): ({"q": Q, "r": Q2}, {"q": Q2, "r": Q}, "comes out with q and r exchanged"),
}  # fmt: skip


@pytest.mark.parametrize("key", ONLY)
def test_other_arguments_are_tried(key):
    arguments, changed, words = ONLY[key]
    due = {**arguments, **changed}

    def fits(given):
        assert list(given) == list(arguments)
        return all(np.array_equal(given[name], due[name]) for name in due)

    (found,) = whatif.arguments(gradient(A, B, arguments=arguments, fits=fits))
    assert found.key == key
    assert words in found.text


def test_arguments_are_not_tried_where_they_tell_nothing():
    one = np.array([3.0])
    yes = lambda changed: True
    assert whatif.arguments(gradient(A, B, arguments={"x": A})) is None
    assert whatif.arguments(gradient(one, one, arguments={"x": one}, fits=yes)) is None
    assert whatif.arguments(gradient(one, one, arguments={"x": A}, fits=yes))
    names = keys(whatif.arguments(gradient(A, B, arguments={"x": one}, fits=yes)))
    assert not {"last", "first", "transposed", "turned"} & {key[0] for key in names}
    names = keys(whatif.arguments(gradient(A, B, arguments={"x": A, "one": np.ones((1, 1))}, fits=yes)))
    assert not {"instead", "swapped", "transposed"} & {key[0] for key in names}
    assert whatif.options(gradient(A, B, arguments={"stride": 2})) is None


def test_what_refuses_changed_arguments_is_no_explanation():
    def fits(changed):
        raise ZeroDivisionError

    assert whatif.arguments(gradient(A, B, arguments={"x": A}, fits=fits)) == []


@pytest.mark.parametrize(
    ("value", "choices", "others"),
    [
        (True, (), [False]),
        (3, (2,), [2, 0, 1]),
        (1, (), [0]),
        (0.25, (), [0.0, 1.0, 0.75]),
        (2.0, (), [0.0, 1.0]),
        ((2, 3), (), [(3, 2), (2, 2), (3, 3), (1, 1), (0, 0)]),
        ((1, 1), (), [(0, 0)]),
        ((2, 1), (), [(1, 2), (2, 2), (1, 1), (0, 0)]),
        ((1, 2, 3), (), []),
        ("mean", ("mean", "sum"), ["sum"]),
    ],
)
def test_other_values_of_an_option(value, choices, others):
    assert whatif.other_values(value, choices) == others


def test_labels_may_be_taken_backwards():
    assert [list(v) for v in whatif.other_values(np.array([0, 1, 2]), ())] == [[2, 1, 0]]
    assert whatif.other_values(np.array([0.5, 1]), ()) == []
    assert whatif.other_values(np.array([1]), ()) == []


@pytest.mark.parametrize(
    ("name", "value", "other", "key", "words"),
    [
        ("training", True, False, ("as if", "training", "not"), "what training = False would give, and training is True here"),
        ("p", 0.25, 0.75, ("as if", "p", "1 − p"), "what p = 1 − p would give, and p is 0.25 here"),
        ("p", 0.5, 0.0, ("as if", "p", "0.0"), "p = 0.0"),
        ("stride", 2, 1, ("as if", "stride", "1"), "stride = 1 would give, and stride is 2 here: stride is not used"),
        ("mode", "mean", "sum", ("as if", "mode", "'sum'"), "mode = 'sum'"),
    ],
)  # fmt: skip
def test_other_options_are_tried(name, value, other, key, words):
    fits = lambda changed: changed[name] == other and changed["x"] is A
    e = gradient(A, B, arguments={"x": A, name: value}, fits=fits, choices={"mode": ("sum",)})
    (found,) = whatif.options(e)
    assert found.key == key
    assert words in found.text


# --- parts ------------------------------------------------------------------------------------------------------------

PARTS = {
    "the mean's part": NOISE.normal(size=(4, 5)),
    "the variance's part": NOISE.normal(size=(4, 5)),
    "the direct part": A,
}


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ((0, 1, 1), "the mean's part is missing"),
        ((1, -1, 1), "the variance's part has the wrong sign"),
        ((1, 2, 1), "the variance's part is counted twice"),
        ((1, 1, 0.5), "the direct part is counted half"),
        ((1, 1.01, 1), ""),
        ((1, 3.5, 1), "the variance's part is multiplied by 3.5"),
        ((0, 1, -1), "the mean's part is missing, and the direct part has the wrong sign"),
        ((1, 1, 1), ""),
    ],
)  # fmt: skip
def test_parts_of_a_sum(weights, words):
    given = sum(c * v for c, v in zip(weights, PARTS.values()))
    found = whatif.parts(gradient(given, sum(PARTS.values()), parts=PARTS))
    assert [f.text for f in found] == ([f"It is a sum of parts: {words}."] if words else [])


def test_parts_have_one_key_whatever_their_factor():
    def scaled(c):
        given = c * PARTS["the mean's part"] + PARTS["the direct part"]
        return gradient(
            given, PARTS["the mean's part"] + PARTS["the direct part"], parts={"m": PARTS["the mean's part"], "d": A}
        )

    assert common(whatif.parts, [scaled(3), scaled(5)]).key == ("parts", "m is multiplied")


def test_parts_that_cannot_be_told_apart_tell_nothing():
    two = {"one": A, "two": B}
    assert whatif.parts(gradient(A, A + B, parts={"one": A})) is None
    assert whatif.parts(gradient(A, 3 * A, parts={"one": A, "two": 2 * A})) is None
    assert whatif.parts(gradient(A[0, :2], A[0, :2] + B[0, :2], parts={"a": A[0, :2], "b": B[0, :2]})) is None
    assert whatif.parts(gradient(A, A + B, parts={**two, "nothing": 0 * A}))[0].text.endswith("two is missing.")
    assert whatif.parts(gradient(A * B, A + B, parts=two)) == []
    row = {"a row": A[:1], "two": B}
    assert whatif.parts(gradient(B, A[:1] + B, parts=row))[0].text.endswith("a row is missing.")


def test_a_part_is_off_by_another_factor_in_each_channel():
    parts = {"the mean's part": PICTURE, "the constant": np.ones((1, 3, 1, 1))}
    factors, rest = np.array([0.0, 3, -2])[:, None, None], np.cos(PICTURE)
    (found,) = whatif.parts_of_channels(gradient(rest + factors * PICTURE, rest + PICTURE, parts=parts))
    assert found.key == ("part", "the mean's part")
    assert found.text == "It is a sum of parts: the mean's part is off by a factor, in each channel another."
    one = np.array([1.0, 1, -2])[:, None, None]
    assert whatif.parts_of_channels(gradient(rest + one * PICTURE, rest + PICTURE, parts=parts)), "two are right"
    rounded = rest + one * PICTURE + 1e-9 * np.sin(9 * PICTURE)
    assert whatif.parts_of_channels(gradient(rounded, rest + PICTURE, parts=parts)), "but for rounding"
    turned = rest + factors * PICTURE[::-1]
    assert whatif.parts_of_channels(gradient(turned, rest + PICTURE, parts=parts)) == []
    samples = rest + np.array([2.0, 3])[:, None, None, None] * PICTURE
    assert whatif.parts_of_channels(gradient(samples, rest + PICTURE, parts=parts)) == [], "in each picture another"
    assert whatif.parts_of_channels(gradient(rest + factors, rest, parts=parts)) == [], "a constant may be anything"
    assert whatif.parts_of_channels(gradient(A, B, parts={"all": A})) is None


# --- what gradcheck asks of them --------------------------------------------------------------------------------------


def test_of_two_outputs_the_upstream_gradients_have_names():
    def both(rule):
        op = planted(lambda x, y: x * y, rule)
        return lambda x, y: (op(x, y), x + y)

    x, y = NOISE.normal(size=(2, 3, 4))
    assert gradcheck(both(lambda g, x, y: (g * y, g * x)), [x, y])
    for rule, argument, words in (
        (lambda g, x, y: (y, g * x), "x", "right if g of output 0 were all ones"),
        (lambda g, x, y: (g * y, x), "y", "right if g of output 0 were all ones"),
        (lambda g, x, y: (-g * y, g * x), "x", "right for −y: y enters with the wrong sign"),
        (lambda g, x, y: (g * 0, g * x), "x", "right if y were 0"),
    ):
        report = failed(both(rule), [x, y])
        assert report.argument == argument
        assert words in report.cause, report.cause


class Affine(tl.nn.Module):
    """A layer with one rule that is wrong."""

    def __init__(self, rule):
        super().__init__()
        self.scale, self.shift = tl.nn.Parameter(np.array([0.5, 2, 3.0])), tl.nn.Parameter(np.array([1.0, 2, 4]))
        self.op = planted(lambda x, s, t: x * s + t, rule)

    def forward(self, picture):
        return self.op(picture, self.scale, self.shift)


def test_a_modules_parameters_are_called_by_their_names():
    x = NOISE.normal(size=(4, 3))
    assert gradcheck(Affine(lambda g, x, s: (g * s, (g * x).sum(0), g.sum(0))), x)
    for rule, argument, words in (
        (lambda g, x, s: (g, (g * x).sum(0), g.sum(0)), "picture", "right times scale, elementwise"),
        (lambda g, x, s: (g * s, g.sum(0), g.sum(0)), "scale", "the gradient of scale is wrong at scale["),
        (lambda g, x, s: (g * s, g.sum(0), g.sum(0)), "scale", "It is the gradient of shift"),
        (lambda g, x, s: (g * s, (g * x).sum(0), g[-1]), "shift", "only the last entry of g along axis 0 (of 4)"),
        (lambda g, x, s: (g * s, (g * x).sum(0), g.mean(0)), "shift", "1/4, the size of axis 0 of picture (4, 3)"),
    ):
        layer = Affine(rule)
        before = {name: p.data.copy() for name, p in layer.named_parameters()}
        report = failed(layer, x)
        assert report.argument == argument
        assert words in report.text, report.text
        for name, p in layer.named_parameters():
            np.testing.assert_array_equal(p.data, before[name], err_msg="what-if puts the parameters back")


def test_numbers_are_checked_and_diagnosed():
    report = failed(planted(lambda x, y: x * y, lambda g, x, y: (g * x, g * x)), [np.array(2.0), np.array(3.0)])
    assert report.text.startswith("gradcheck: the gradient of x is wrong at x: analytic")
    report = failed(planted(lambda x: x * x, lambda g, x: g * x), [np.array(2.0)])
    assert "half of what it should be" in report.cause
    report = failed(planted(lambda x: np.exp(x), lambda g: g), [np.array(0.7)])
    assert "one factor everywhere" in report.cause, "that of one number is none elementwise"


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_nothing_beside_something_is_no_hindrance(shape):
    op = lambda rule: planted(lambda x, y: x * x + y.sum(), rule)
    right = op(lambda g, x, y: (2 * g * x, np.full_like(y, g.sum())))
    wrong = op(lambda g, x, y: (-2 * g * x, np.full_like(y, g.sum())))
    assert gradcheck(right, [A, np.ones(shape)])
    assert "wrong sign" in failed(wrong, [A, np.ones(shape)]).cause
    assert gradcheck(lambda y: y * 2, [np.ones(shape)])


def test_inputs_of_other_shapes_are_not_mixed_up():
    op = lambda rule: planted(lambda x, w, b: x @ w + b, rule)
    inputs = [NOISE.normal(size=s) for s in ((6, 3), (3, 4), (4,))]
    assert gradcheck(op(lambda g, x, w: (g @ w.T, x.T @ g, g.sum(0))), inputs)
    noise = lambda g, x, w: (g @ w.T + np.sin(9 * x), x.T @ g, g.sum(0))
    assert "of its elements are wrong" in failed(op(noise), inputs).cause
    one_row = lambda g, x, w: (g @ w.T, np.outer(x[0], g[0]), g.sum(0))
    assert "only the first entry of x along axis 0 (of 6)" in failed(op(one_row), inputs).cause


def noisy(function):
    """The rule of it is wrong in no way that has a name, so that everything is asked."""
    return planted(function, lambda g, x: g * np.cos(7 * x * x))


def test_what_if_never_raises_whatever_the_function_does_elsewhere():
    """At zeros the logarithm is infinite, of negative numbers it is none; one function even raises there."""
    x = np.array([[0.5, 2, 3], [1.5, 0.7, 4], [2.2, 0.4, 1.1]])
    for function in (lambda x: np.log(x), lambda x: np.sqrt(x), lambda x: x**-1.5):
        report = failed(noisy(function), [x.copy()])
        assert "of its elements are wrong" in report.cause

    def particular(x):
        if (x <= 0).any() or (x == 1).any():
            raise RuntimeError("not here")
        return np.log(x)

    report = failed(noisy(particular), [x])
    assert "of its elements are wrong" in report.cause
    np.testing.assert_array_equal(x[0], [0.5, 2, 3])


def test_what_if_is_asked_of_random_functions_with_the_numbers_they_drew():
    def dropped(x, rule):
        return planted(lambda x, kept: x * kept, rule)(x, tl.rand(4, 5, dtype=tl.float64))

    state = tl.random.default_generator.get_state()
    assert gradcheck(lambda x: dropped(x, lambda g, kept: (g * kept, None)), [A])
    report = failed(lambda x: dropped(x, lambda g, kept: (-g * kept, None)), [A])
    assert "wrong sign" in report.cause
    report = failed(lambda x: dropped(x * x, lambda g, x, kept: (kept, None)), [A])
    assert "The upstream gradient is missing" in report.cause
    assert tl.random.default_generator.get_state() == state


def test_a_diagnosis_leaves_everything_as_it_was():
    x, y = tl.Tensor(A.copy(), requires_grad=True), tl.Tensor(B.copy(), requires_grad=True)
    texts = {failed(noisy2(), [x, y]).text for _ in range(2)}
    assert len(texts) == 1
    np.testing.assert_array_equal(x.data, A)
    np.testing.assert_array_equal(y.data, B)
    assert x.grad is None


def noisy2():
    return planted(lambda x, y: x * y, lambda g, x, y: (g * y + np.sin(9 * x), g * x))


def test_a_large_input_is_diagnosed_with_few_calls_beyond_its_elements():
    """Two inputs of n elements: each is moved element by element once, by five calls; all else is a few hundred."""
    calls = 0

    def counted(x, y):
        nonlocal calls
        calls += 1
        return x * y

    op = planted(counted, lambda g, x, y: (g * y + np.sin(9 * x), g * x))
    n = 30 * 40
    report = failed(op, [NOISE.normal(size=(30, 40)), NOISE.normal(size=(30, 40))])
    assert re.search(r"\d+% of its elements are wrong", report.cause)
    assert calls < 2 * 5 * n + 600


def test_another_input_is_moved_only_if_it_could_be_mistaken_for_the_wrong_one():
    calls = 0

    def counted(x, y):
        nonlocal calls
        calls += 1
        return x * y.sum()

    op = planted(counted, lambda g, x, y: (g * y.sum() + np.sin(9 * x), np.full_like(y, (g * x).sum())))
    failed(op, [NOISE.normal(size=10), NOISE.normal(size=1000)])
    assert calls < 1000


def test_the_slope_of_a_function_is_known_by_its_output():
    report = failed(planted(lambda x: np.exp(x), lambda g: g), [A])
    assert "A factor is missing: it would be right times out, elementwise." in report.cause


def test_to_ask_what_if_changes_nothing():
    leaves = [tl.Tensor(a.copy()) for a in (A, B)]
    check = Check(Subject(lambda: [leaves[0] * leaves[1]], leaves, ["x", "y"], []))
    check.upstream = [np.ones((4, 5))]
    check.subject.analytic = [3 * B, A]
    before = check.upstream
    for u in (1, 3, 3 * B):
        changed = {"x": A, "y": B, "g": u * np.ones((4, 5))}
        assert check.fits(0, changed) == (np.ndim(u) == 0 and u == 3)
        assert check.upstream is before
        np.testing.assert_array_equal(leaves[0].data, A)
        np.testing.assert_array_equal(leaves[1].data, B)
    assert check.fits(0, {"x": -A, "y": 3 * B, "g": np.ones((4, 5))})
    np.testing.assert_array_equal(leaves[0].data, A)
    np.testing.assert_array_equal(leaves[1].data, B)
