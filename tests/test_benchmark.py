"""The benchmark: its scores are the measures', its ranks and tests the loops of their definitions, its verdict the known truth."""

import itertools
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from explained import CLASSES, Folded, pictures, planted, state_of
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
from tinylucid import page, plot
from tinylucid.explain import grad_cam, gradient
from tinylucid.explain.evaluate import (
    benchmark,
    deletion,
    edges,
    insertion,
    mass_in_mask,
    pointing_game,
    random_map,
    relevance_rank,
    sensitivity_n,
    sparsity,
)
from tinylucid.explain.evaluate.alike import spearman
from tinylucid.explain.evaluate.bootstrap import holm, interval, near_the_best, p_values, resamples, sample_means
from tinylucid.explain.evaluate.ranking import SAME, Ranking, short
from tinylucid.findings import Findings
from tinylucid.report import Report

seeds = st.integers(0, 10**6)


def gradient_x_input(net, x, target):
    return x * gradient(net, x, target)


def nothing(net, x, target):
    return np.zeros_like(x)


def shapes_like(rng, n):
    """A net whose reason is known, and a dataset of pictures for it."""
    net, x, masks = planted(rng, n)
    return net, tl.data.ShapeDataset(x, np.zeros(n, int), masks)


# --- resampling ---------------------------------------------------------------------------------------------------------


@given(seed=seeds)
def test_sample_means_are_the_means_of_pictures_drawn_again(seed):
    rng = tl.Generator(seed)
    values = rng.normal((3, 6), tl.float64)
    values[0, rng.uniform((6,)) < 0.5] = np.nan
    counts = resamples(6, tl.Generator(seed))[:50]
    drawn = tl.Generator(seed).integers(0, 6, (5000, 6))[:50]
    means = sample_means(values, counts)
    for b, row in enumerate(drawn):
        assert sorted(np.repeat(np.arange(6), counts[b].astype(int))) == sorted(row)
        for k in range(3):
            there = [values[k, i] for i in row if not np.isnan(values[k, i])]
            assert means[b, k] == pytest.approx(sum(there) / len(there) if there else np.nan, nan_ok=True)


@given(seed=seeds)
def test_intervals_hold_the_mean_and_95_of_100_samples(seed):
    rng = tl.Generator(seed)
    values, counts = rng.normal((3, 20), tl.float64), resamples(20, rng)
    values[1], values[2] = np.nan, 7
    mean, low, high = interval(values, counts)[0]
    assert mean == pytest.approx(values[0].sum() / 20)
    assert low < mean < high
    means = sample_means(values, counts)[:, 0]
    assert np.mean(means < low) == pytest.approx(0.025, abs=0.001)
    assert np.mean(means > high) == pytest.approx(0.025, abs=0.001)
    assert np.isnan(interval(values, counts)[1]).all()
    assert interval(values, counts)[2] == pytest.approx([7, 7, 7])
    values[1, 5] = 3  # which a third of the samples do not hold
    assert interval(values, counts)[1] == pytest.approx([3, 3, 3])


def test_where_there_is_no_difference_one_test_in_twenty_finds_one():
    rng = tl.Generator(1)
    p = p_values(rng.normal((2000, 40), tl.float64), resamples(40, rng))
    assert 0.04 < np.mean(p < 0.05) < 0.075
    assert np.mean(p < 0.5) == pytest.approx(0.5, abs=0.06)
    assert p.max() <= 1


def test_p_of_differences_that_are_plain():
    counts = resamples(12, tl.Generator(2))
    rows = np.array([[0.0] * 12, [1.0] * 12, [-1.0] * 12, [1.0] * 3 + [np.nan] * 9, [np.nan] * 12, [1.0, -1.0] * 6])
    p = p_values(rows, counts)
    assert p[0] == p[4] == 1, "the same, and nothing to compare"
    assert p[1] == p[2] == 2.0**-11, "twelve that agree say no more than the sign test"
    assert p[3] > 0.2, "three that agree are no proof"
    assert p[5] > 0.5
    (p,) = p_values(np.ones((1, 40)), resamples(40, tl.Generator(2)))
    assert p == 2 / 5001, "no fewer than one sample of as many as there are"


@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holms_correction_is_the_step_down_of_its_paper(p):
    found = holm(p)
    for level in (0.01, 0.05, 0.3):
        rejected, left = set(), sorted(range(len(p)), key=lambda k: p[k])
        while left and p[left[0]] * len(left) < level:
            rejected.add(left.pop(0))
        assert {k for k, value in enumerate(found) if value < level} == rejected
    assert max(found) <= 1
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]).size == 0


def test_near_the_best_are_the_best_its_equals_and_no_other(monkeypatch):
    rng = tl.Generator(3)
    counts, noise = resamples(40, rng), rng.normal((40,), tl.float64)
    rows = np.stack([noise, noise + 1, noise + 1, noise + 1 + 0.1 * rng.normal((40,)), noise * np.nan])
    assert near_the_best(rows, counts).tolist() == [False, True, True, True, False]
    assert not near_the_best(rows[4:], counts).any()
    room = "tinylucid.explain.evaluate.bootstrap.p_values"
    monkeypatch.setattr(room, lambda differences, counts: np.array([0.001, 0.03, 0.04]))
    assert near_the_best(rows[:4], counts).sum() == 3, "twice 0.03 is not below 0.05, and then no larger one counts"


# --- what is made of scores -------------------------------------------------------------------------------------------


def made_up(rng, n=30):
    """A ranking of five methods: one clearly the best, twice, one in the middle, and the two that know nothing."""
    scores = {name: rng.normal((5, n), tl.float64) for name in ("insertion", "deletion", "sparsity")}
    scores["insertion"][:2] += 6
    scores["insertion"][2] += 3
    scores["deletion"][:3] -= 4
    for values in scores.values():
        values[1] = values[0]
    return Ranking(("one", "twin", "middle", "random_map", "edges"), np.arange(n), scores, np.full(5, 0.25))


@given(seed=seeds)
def test_ranks_are_the_loops_of_their_definition(seed):
    rng = tl.Generator(seed)
    names = ("insertion", "deletion", "sparsity", "pointing_game")
    scores = {name: rng.integers(0, 4, (5, 6)).astype(float) for name in names}
    scores["insertion"][rng.uniform((5, 6)) < 0.2] = np.nan
    result = Ranking(("a", "b", "c", "random_map", "edges"), np.arange(6), scores, np.zeros(5), seed)
    assert result.judged == ("insertion", "deletion", "pointing_game")
    for i, k in itertools.product(range(5), range(6)):
        worth = {
            "insertion": [-np.inf if np.isnan(v) else v for v in scores["insertion"][:, k]],
            "deletion": [-v for v in scores["deletion"][:, k]],
            "pointing_game": list(scores["pointing_game"][:, k]),
        }
        ranks = [sum(v > of[i] for v in of) + (1 + sum(v == of[i] for v in of)) / 2 for of in worth.values()]
        assert [result.by_measure[name][i, k] for name in worth] == ranks
        assert result.ranks[i, k] == pytest.approx(sum(ranks) / 3)
    assert np.array_equal(result.counts, resamples(6, tl.Generator(seed)))
    means = result.ranks.mean(1)
    assert list(means[result.order]) == sorted(means)
    assert (result.mean_ranks[:, 1] <= result.mean_ranks[:, 0] + 1e-12).all()
    assert (result.mean_ranks[:, 0] <= result.mean_ranks[:, 2] + 1e-12).all()


def test_verdicts_say_better_worse_or_that_it_may_be_chance():
    result = made_up(tl.Generator(4))
    assert result.verdicts == {
        "one": ("–", "better", "better"),
        "twin": (SAME, "better", "better"),
        "middle": ("worse", "better", "better"),
        "random_map": ("worse", "–", SAME),
        "edges": ("worse", SAME, "–"),
    }
    assert result.as_good["insertion"].tolist() == [True, True, False, False, False]
    assert result.as_good["deletion"].tolist() == [True, True, True, False, False]
    assert result.leaders["insertion"].tolist() == [True, True, False, False, False]
    pairs = [(0, 1), (0, 2), (0, 3), (0, 4), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)]  # with the best and the last two
    p = p_values(np.array([result.ranks[i] - result.ranks[j] for i, j in pairs]), result.counts)
    assert list(result.corrected) == pairs
    assert list(result.corrected.values()) == pytest.approx(holm(p).tolist())
    result.__dict__["corrected"] = {(0, 1): 0.049, (0, 2): 0.051}
    assert [result.verdict(1, 0), result.verdict(2, 0)] == ["worse", SAME]
    few = made_up(tl.Generator(4), n=3)
    assert {word for words in few.verdicts.values() for word in words} == {"–", SAME}, "three pictures prove nothing"


def test_a_number_has_three_digits_or_all_before_the_point():
    assert [short(v) for v in (0.012345, 12.345, 1234.5, 99.96)] == ["0.0123", "12.3", "1234", "100"]
    assert [short(-v) for v in (0.012345, 12.345, 1234.5)] == ["-0.0123", "-12.3", "-1234"]


def test_the_table_says_it_all_in_words():
    result = made_up(tl.Generator(4))
    lines = str(result).splitlines()
    assert str(result) == result.table()
    assert "5 methods on 30 pictures" in lines[0]
    assert lines[1] == "insertion, deletion"
    places = [line.split()[:2] for line in lines if line[:1].isdigit() and "methods" not in line]
    ranked, scored = places[:5], places[5:]
    assert ranked == scored
    assert [name for _, name in ranked][:3] == ["one", "twin", "middle"]
    (twin,) = [line for line in lines if line.split()[1:2] == ["twin"] and SAME in line]
    mean, low, high = result.mean_ranks[1]
    assert f"{mean:.2f} ({low:.2f} … {high:.2f})" in twin
    assert twin.split("  ")[-1].strip() == "better"
    numbers = [line for line in lines if line.split()[1:2] == ["middle"]][1].split()
    means = [f"{result.scores[m][2].mean():.3g}" for m in ("insertion", "deletion", "sparsity")]
    assert numbers == ["3", "middle", means[0], means[1], "=", means[2], "250"]
    assert "insertion ↑  deletion ↓  sparsity" in " ".join(lines)
    widths = {line.index("middle") for line in lines if "middle" in line}
    assert len(widths) == 1, "columns stand under each other"


def test_in_which_order_the_methods_are_given_does_not_matter():
    result, rows = made_up(tl.Generator(4)), [4, 2, 3, 0]  # without the twin: of equals the first is the best
    tables, files, figures = [], [], []
    for order in (rows, rows[::-1]):
        scores = {name: values[order] for name, values in result.scores.items()}
        again = Ranking(
            tuple(result.methods[k] for k in order), result.pictures, scores, np.array([0.1, 2, 30, 4, 0.5])[order]
        )
        tables.append(str(again))
        files.append(again.to_dict())
        texts = [t for part in (plot.ranking(again), *plot.ranking(again).axes) for t in part.texts]
        figures.append([(t.get_text(), t.get_fontweight(), t.get_color()) for t in texts])
    assert tables[0] == tables[1]
    assert files[0] == files[1]
    assert figures[0] == figures[1]
    assert files[0]["methods"]["middle"]["seconds"] == 30
    (cells,) = [line.split() for line in tables[0].splitlines() if line.split()[1:2] == ["middle"] and "30000" in line]
    assert cells[-1] == "30000"


def test_a_better_score_is_a_better_rank_whichever_way_the_measure_runs():
    up = {"insertion", "sensitivity_n", "pointing_game", "mass_in_mask", "relevance_rank"}
    names, methods = (*up, "deletion", "randomisation", "sparsity"), ("a", "random_map", "edges")
    scores = {name: np.array([[3.0], [2.0], [1.0]]) for name in names}
    result = Ranking(methods, np.arange(1), scores, np.zeros(3))
    assert set(result.judged) == {*names} - {"sparsity"}
    for name, ranks in result.by_measure.items():
        assert ranks[:, 0].tolist() == ([1, 2, 3] if name in up else [3, 2, 1])


def test_a_measure_without_a_value_is_a_dash_and_none_in_a_file():
    result = made_up(tl.Generator(4))
    result.scores["insertion"][2] = np.nan
    assert " – " in str(result)
    result.__dict__["leaders"] = {}  # the file tells of the scores, the figure's bold cells of the ranks
    told = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert told["methods"]["middle"]["scores"]["insertion"] == {"mean": None, "low": None, "high": None}
    one = told["methods"]["one"]
    assert one["rank"]["low"] <= one["rank"]["mean"] <= one["rank"]["high"]
    assert one["beside"] == {"the best": "–", "random_map": "better", "edges": "better"}
    assert one["as good as the best in"] == ["insertion", "deletion"]
    assert next(iter(told["methods"])) == "one"
    assert told["pictures"] == list(range(30))


# --- the benchmark itself -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("baseline", ["mean", [0.25, "blur"]])
def test_scores_are_the_measures_of_the_pictures_that_were_drawn(baseline):
    rng, of = tl.Generator(5), {"baseline": baseline}
    net, x, masks = planted(rng, 9)
    masks[4] = False
    y = rng.integers(0, 2, (9,))
    methods = {"gradient": gradient, "cam": grad_cam}
    found = benchmark(net, tl.data.ShapeDataset(x, y, masks), methods, n=6, steps=5, rng=tl.Generator(7), **of)
    draws = tl.Generator(7)
    chosen = sorted(draws.permutation(9)[:6].tolist())
    assert found.pictures.tolist() == chosen
    x, y, masks = x[chosen], y[chosen], masks[chosen]
    sets = draws.get_state()
    sensitivity_n(net, x, y, x, size=36, n=50, rng=draws)
    seed = int(draws.integers(0, 2**31, ()))
    assert found.seed == int(draws.integers(0, 2**31, ()))
    twin = planted(tl.Generator(5), 1)[0]
    tl.manual_seed(seed)
    for layer in (twin[0], twin[4]):
        layer.reset_parameters()
    assert found.methods == ("gradient", "cam", "random_map", "edges")
    for k, method in enumerate([gradient, grad_cam, random_map, edges]):
        maps, forgetful = (np.asarray(method(each, x, y)).reshape(6, -1, 12, 12).sum(1) for each in (net, twin))
        draws.set_state(sets)
        expected = {
            "deletion": deletion(net, x, y, maps, steps=5, **of).area,
            "insertion": insertion(net, x, y, maps, steps=5, **of).area,
            "sensitivity_n": sensitivity_n(net, x, y, maps, size=36, n=50, rng=draws, **of),
            "pointing_game": pointing_game(maps, masks),
            "mass_in_mask": mass_in_mask(maps, masks),
            "relevance_rank": relevance_rank(maps, masks),
            "randomisation": np.abs(spearman(maps, forgetful)),
            "sparsity": sparsity(maps),
        }
        assert list(found.scores) == list(expected)
        for name, values in expected.items():
            assert np.allclose(found.scores[name][k], values, rtol=1e-9, atol=1e-11, equal_nan=True), name
    assert (found.seconds > 0).all()


def test_where_the_reason_is_known_the_method_that_shows_it_wins_and_its_twin_is_no_worse():
    net, data = shapes_like(tl.Generator(6), 24)
    methods = {"true": gradient_x_input, "twin": gradient_x_input, "blank": nothing}
    found = benchmark(net, data, methods, rng=tl.Generator(1))
    assert found.verdicts["true"] == ("–", "better", "better")
    assert found.verdicts["twin"] == (SAME, "better", "better")
    assert found.verdicts["blank"][0] == "worse"
    assert found.methods[found.order[0]] == "true"
    assert found.as_good["pointing_game"][:3].tolist() == [True, True, False]
    assert np.isnan(found.scores["mass_in_mask"][2]).all()
    again = benchmark(net, data, methods, rng=tl.Generator(1))
    for name, values in found.scores.items():
        assert np.array_equal(values, again.scores[name], equal_nan=True)
    same = Ranking(again.methods, again.pictures, again.scores, found.seconds, again.seed)
    assert str(same) == str(found)
    other = benchmark(net, data, methods, rng=tl.Generator(2))
    assert not np.array_equal(other.scores["randomisation"], found.scores["randomisation"])


def test_a_map_that_turns_its_sign_over_when_the_net_forgets_has_not_changed():
    net, data = shapes_like(tl.Generator(9), 4)
    follows = lambda net, x, target: x if net[0].weight.data.min() > 0 else -x
    found = benchmark(net, data, {"follows": follows}, steps=3)
    assert found.scores["randomisation"][0] == pytest.approx(np.ones(4))


def test_seconds_are_the_shorter_of_both_runs_a_picture(monkeypatch):
    ticks = itertools.cycle([0, 12, 100, 106])  # when a run begins and ends
    clock = SimpleNamespace(perf_counter=lambda: next(ticks))
    monkeypatch.setattr(sys.modules["tinylucid.explain.evaluate.benchmark"], "time", clock)
    net, data = shapes_like(tl.Generator(9), 4)
    assert benchmark(net, data, [gradient], steps=3).seconds.tolist() == [1.5] * 3


def test_names_bytes_and_data_without_masks_will_do():
    rng = tl.Generator(7)
    net = Folded(rng).to(tl.float32)
    data = SimpleNamespace(x=rng.integers(0, 256, (5, 2, 6, 6)).astype(np.uint8), y=[0, 1, 2, 3, 0])
    found = benchmark(net, data, ["gradient", grad_cam], steps=3)
    assert found.methods == ("gradient", "grad_cam", "random_map", "edges")
    assert list(found.scores) == ["deletion", "insertion", "sensitivity_n", "randomisation", "sparsity"]
    x = data.x.astype(np.float32) / 255
    expected = deletion(net, x, data.y, gradient(net, x, data.y), steps=3).area
    assert found.scores["deletion"][0] == pytest.approx(expected, rel=1e-4, abs=1e-5)
    one = benchmark(net, tl.data.ArrayDataset(x[:1], data.y[:1]), ["gradient"], steps=3)
    assert set(one.verdicts["gradient"]) <= {"–", SAME}


def test_the_model_is_left_as_it_was_and_a_method_that_fails_is_named():
    rng = tl.Generator(8)
    net, x = Folded(rng), pictures(rng, 4)
    net.norm.eval()
    net(tl.Tensor(x)).sum().backward()
    data, before = tl.data.ArrayDataset(x, rng.integers(0, CLASSES, (4,))), state_of(net)
    benchmark(net, data, [gradient], steps=3)
    assert state_of(net) == before
    calls = itertools.count()

    def fails(net, x, target):
        if next(calls) == 1:  # where the net has forgotten
            raise RuntimeError("its own words")
        return gradient(net, x, target)

    with pytest.raises(RuntimeError, match="its own words") as caught:
        benchmark(net, data, {"mine": fails}, steps=3)
    assert caught.value.__notes__ == ["benchmark: this was the method 'mine'"]
    with pytest.raises(ValueError, match="shaped like x") as caught:
        benchmark(net, data, {"small": lambda net, x, target: x[:, :, :3]}, steps=3)
    assert caught.value.__notes__ == ["benchmark: this was the method 'small'"]
    assert state_of(net) == before


X = np.zeros((3, 2, 6, 6))
DATA = tl.data.ArrayDataset(X, [0, 1, 2])


@pytest.mark.parametrize(
    ("data", "methods", "more", "error", "words"),
    [
        (DATA, [], {}, ValueError, "at least one method, got none"),
        (DATA, "gradient", {}, TypeError, "a list, got 'gradient'"),
        (DATA, gradient, {}, TypeError, "a list, got <function"),
        (DATA, ["gradiant"], {}, ValueError, "no method 'gradiant'|there are: gradient, "),
        (DATA, ["evaluate"], {}, ValueError, "no method 'evaluate'"),
        (DATA, {"a": 3}, {}, TypeError, "'a' is no method|got int"),
        (DATA, [3], {}, TypeError, "3 has no name"),
        (DATA, [gradient, "gradient"], {}, ValueError, "'gradient' is there already"),
        (DATA, {"edges": gradient}, {}, ValueError, "'edges' is there already"),
        (X, [gradient], {}, TypeError, "data with x (N, C, H, W) and y (N,)|got ndarray"),
        (tl.data.ArrayDataset(X[:0], []), [gradient], {}, ValueError, "at least one picture"),
        (tl.data.ArrayDataset(X, X[:, 0].astype(int)), [gradient], {}, ValueError, "a class each|y (3, 6, 6)"),
        (tl.data.ArrayDataset(X, [0, 1, 7]), [gradient], {}, ValueError, "target 7 is outside 0 … 3"),
        (DATA, [gradient], {"n": 0}, ValueError, "benchmark: n must be|got 0"),
        (DATA, {"flat": lambda net, x, t: x[:, 0, 0]}, {}, ValueError, "(N, C, H, W) or (N, H, W), got shape (3, 6)"),
        (DATA, {"nan": lambda net, x, t: x * np.nan}, {}, ValueError, "NaN or infinity, first in number 0 of 3"),
    ],
)
def test_misuse_has_messages(data, methods, more, error, words):
    net = Folded(tl.Generator(0))
    assert len(check_message(lambda: benchmark(net, data, methods, **more), error, words).splitlines()) == 1


def test_a_function_is_no_model_to_benchmark():
    check_message(
        lambda: benchmark(lambda x: x, DATA, [gradient]), TypeError, "benchmark: expected a net, a tl.nn.Module"
    )


# --- the figure -----------------------------------------------------------------------------------------------------------


def test_the_figure_has_a_row_a_method_the_best_first_and_bold_where_none_is_better():
    result = made_up(tl.Generator(4))
    result.verdicts["twin"] = (SAME, SAME, "better")
    figure = plot.ranking(result)
    figure.canvas.draw()
    cells, dots = figure.axes
    order = result.order
    written = {(round(t.get_position()[1]), round(t.get_position()[0])): t for t in cells.texts}
    shades = cells.images[0].get_array()
    for (i, k), (j, name) in itertools.product(enumerate(order), enumerate(result.judged)):
        assert written[i, j].get_text() == f"{result.by_measure[name][k].mean():.1f}"
        assert (written[i, j].get_fontweight() == "bold") == result.leaders[name][k]
    for j, name in enumerate(result.judged):
        ranks = result.by_measure[name].mean(1)[order]
        assert (np.argsort(shades[:, j].sum(1), kind="stable") == np.argsort(ranks, kind="stable")).all(), (
            "bluer is better"
        )
    lines = dots.get_lines()
    for row, k in enumerate(order):
        assert lines[2 * row].get_xdata() == pytest.approx(result.mean_ranks[k, 1:])
        assert lines[2 * row + 1].get_xdata() == pytest.approx(result.mean_ranks[k, :1])
        assert lines[2 * row + 1].get_ydata() == [row]
        full = result.methods[k] in ("one", "middle")
        assert (lines[2 * row + 1].get_markerfacecolor() != "white") == full
    names = [t.get_text() for t in figure.texts][:5]
    assert names == [result.methods[k].replace("_", " ") for k in order]
    heights = [t.get_position()[1] for t in figure.texts[:5]]
    assert heights == sorted(heights, reverse=True)


def test_the_page_has_the_scores_the_best_first_and_names_what_does_not_see_the_net(monkeypatch):
    first, order = made_up(tl.Generator(4)), [4, 2, 3, 1, 0]
    first.scores["randomisation"] = np.array([[0.2], [0.52], [0.4], [1.0], [1.0]]) + np.linspace(-0.3, 0.3, 30)
    names = tuple(first.methods[k] for k in order)
    result = Ranking(names, first.pictures, {name: v[order] for name, v in first.scores.items()}, first.seconds)
    head, rows = page.scores(result)
    assert head == [
        "method",
        "insertion ↑",
        "deletion ↓",
        "sparsity",
        "randomisation ↓",
        "beside noise",
        "beside edges",
    ]
    for row, k in zip(rows, result.order, strict=True):
        assert row[0] == result.methods[k].replace("_", " ")
        assert row[1:5] == [result.cell(name, k).rstrip() for name in result.scores]
        assert row[5:] == list(result.verdicts[result.methods[k]][1:])
    assert any(cell.endswith("=") for row in rows for cell in row)
    seeds = []
    monkeypatch.setattr(page, "benchmark", lambda *args, rng, **more: (seeds.append(rng.seed), result)[1])
    monkeypatch.setattr(page.explain, "applied", lambda *args: ({}, {}))
    found, report = Findings("a title", 5), Report("a title", "a lead")
    found.model, found.test, found.answers = None, tl.data.ArrayDataset(X, [0, 1, 2]), np.zeros(3, int)
    page.truth(report, found)
    assert seeds == [5]
    assert "still draw much the same map (rank correlation above 0.5): twin. Do not" in report.html()
    assert "was tried on 3 held-back pictures" in report.html()
    best, *others = (result.methods[k].replace("_", " ") for k in result.order)
    assert f"{best} is best, then {', '.join(others)}." in report.html()


def test_only_a_benchmark_is_drawn():
    check_message(lambda: plot.ranking({"gradient": 1}), TypeError, "explain.evaluate.benchmark returns, got dict")
