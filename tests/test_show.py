"""What things show of themselves in a notebook: cards, tables and pictures; and that arrays that do are arrays for all else."""

import base64
import copy
import pickle
import re
import subprocess
import sys
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import tinylucid as tl
import tinylucid.nn.functional as F
from tinylucid import show
from tinylucid.explain.evaluate import benchmark
from tinylucid.gallery import Gallery, Maps, Pictures, giving


class Page(HTMLParser):
    """A page's rows of cells, all its text, and its pictures; all that is opened is closed, and nothing is fetched."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.sides, self.text, self.images, self.open = [], [], "", [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert tag in {"div", "table", "thead", "tbody", "tr", "th", "td", "pre", "img"}, tag
        attrs = dict(attrs)
        assert set(attrs) <= {"style", "src", "alt"}
        assert "url" not in attrs.get("style", "")
        assert "color" not in attrs.get("style", "")
        if tag == "img":
            head, data = attrs["src"].split(",")
            assert head == "data:image/png;base64"
            self.images.append(pixels(base64.b64decode(data)))
            return
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
            self.sides.append(re.search(r"text-align: (left|right)", attrs["style"])[1])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self.open and self.open[-1] in ("th", "td"):
            self.rows[-1][-1] += data


def page(thing):
    return Page(thing._repr_html_())


def pixels(png):
    """The pixels (H, W, 3) of a PNG."""
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


# --- tensors ----------------------------------------------------------------------------------------------------------


def test_a_card_says_what_a_tensor_is_and_where_it_came_from():
    x = tl.tensor([1.0, 2.0], requires_grad=True)
    assert "Tensor (2,) · float32 · cpu · requires grad · no .grad yet" in page(x).text
    y = (x * x).sum()
    assert "Tensor () · float32 · cpu · made by sum" in page(y).text
    assert ".grad" not in page(y).text
    y.backward()
    assert "cpu · requires grad · .grad is there" in page(x).text
    assert page(x.grad).text.startswith("Tensor (2,) · float32 · cpu01")  # nothing more to say, then the table
    y = (x * x).sum()
    y.retain_grad()
    y.backward()
    assert "made by sum · .grad is there" in page(y).text
    net = tl.nn.Sequential(tl.nn.Linear(2, 2))
    assert "made by linear in layer 0" in page(net(tl.zeros(1, 2))).text
    assert "Parameter (2, 2)" in page(net[0].weight).text
    assert "int64" in page(tl.tensor([1])).text


def test_names_are_escaped():
    class Odd(tl.nn.Module):
        def __init__(self):
            super().__init__()
            self.add_module("<script>&", tl.nn.Linear(2, 2))

        def forward(self, x):
            return self._modules["<script>&"](x)

    assert "in layer <script>&" in page(Odd()(tl.zeros(1, 2))).text
    assert "<script>&" in page(tl.summary(Odd(), (2,))).text
    assert page(tl.check.compare.Report("fail", "a < b <b>")).text == "fail\na < b <b>"


@given(st.integers(1, 30), st.integers(1, 30), st.sampled_from([np.float32, np.float64, np.int32, np.uint8, bool]))
def test_a_plane_is_a_table_of_its_values_under_their_numbers(height, width, dtype):
    values = (np.arange(height * width).reshape(height, width) * 37 % 101 - (dtype != np.uint8) * 50).astype(dtype)
    (_, *head), *rows = page(tl.tensor(values)).rows
    for numbers, count in ((head, width), ([row[0] for row in rows], height)):
        assert len(numbers) == min(count, 11)
        assert ("…" in numbers) == (count > 11)
        assert numbers[0] == "0"
        assert numbers[-1] == str(count - 1)
    for i, *cells in rows:
        for j, cell in zip(head, cells):
            if "…" in (i, j):
                assert cell == "…"
            else:
                assert cell == (
                    f"{values[int(i), int(j)]:.4g}" if values.dtype.kind == "f" else str(values[int(i), int(j)])
                )


def test_a_row_and_a_number_are_tables_too():
    assert page(tl.tensor([0.5, -2.0])).rows == [["0", "1"], ["0.5", "-2"]]
    assert page(tl.tensor(1 / 3)).rows == [["0.3333"]]
    assert page(tl.tensor([[True]])).rows == [["", "0"], ["0", "True"]]


def test_larger_tensors_are_told_by_their_range():
    x = np.arange(2 * 5 * 3 * 4, dtype=np.float32).reshape(2, 5, 3, 4) - 7.5
    found = page(tl.tensor(x))
    assert "min -7.5 · mean 52 · max 111.5" in found.text
    assert found.rows == found.images == []
    x[0, 0, 0] = [np.nan, np.inf, -np.inf, 1]
    assert "min -3.5 · mean 53.55 · max 111.5 · 3 NaN or infinite" in page(tl.tensor(x)).text
    assert "4 values, none of them finite" in page(tl.tensor(np.full((1, 2, 2), np.nan))).text
    for shape in ((0,), (0, 3), (2, 0, 8, 8)):
        assert "no values" in page(tl.zeros(*shape)).text
    assert "min 0 · mean 3.5 · max 7" in page(tl.arange(8).reshape(2, 2, 2)).text


@pytest.mark.parametrize(("shape", "count"), [((1, 8, 8), 1), ((3, 9, 20), 1), ((5, 1, 8, 8), 5), ((9, 3, 12, 8), 6)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_pictures_are_seen_in_their_card(shape, count, dtype, monkeypatch):
    asked = []
    grid = tl.plot.picture_grid
    monkeypatch.setattr(
        tl.plot, "picture_grid", lambda x, titles, columns: asked.append(len(x)) or grid(x, titles, columns=columns)
    )
    x = tl.rand(*shape, rng=tl.Generator(0)).numpy()
    x = (255 * x).astype(np.uint8) if dtype == np.uint8 else x.astype(dtype)
    found = page(tl.tensor(x))
    assert len(found.images) == 1
    assert asked == [count]
    assert found.images[0].std() > 20
    assert "min" in found.text


def test_what_is_no_picture_is_not_drawn():
    x = np.random.default_rng(0).random((2, 3, 8, 8), dtype=np.float32)
    hole = x.copy()
    hole[0, 0, 0, 0] = np.nan
    for other in (
        x[0, 0],
        x[:, :2],
        x[:, :, :7],
        x[:, :, :, :7],
        x - 3,
        hole,
        x[None],
        (9 * x).astype(np.int64),
        x > 0.5,
    ):
        assert page(tl.tensor(other)).images == []


def test_what_is_no_picture_does_not_wait_for_matplotlib():
    cards = "[tl.zeros(*shape)._repr_html_() for shape in ((3, 3), (2, 16, 8, 8))]"
    code = f"import sys, tinylucid as tl; {cards}; print('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


# --- what has a table of its own --------------------------------------------------------------------------------------


def words(text):
    """The words of a plain table without its ornaments."""
    return [word for word in text.split() if set(word) - {"─"}]


def test_a_summary_and_a_history_are_the_tables_that_print_gives():
    net = tl.nn.Sequential(tl.nn.Conv2d(1, 2, 3), tl.nn.ReLU(), tl.nn.Flatten(), tl.nn.LSTM(72, 2))
    table = tl.summary(net, (1, 8, 8))
    found = page(table)
    title, *notes = table.title, "– : no rule, counted as 0"
    assert found.text.startswith(" ".join([title, "  ".join(["", *notes])]))
    assert len(found.rows) == 1 + len(table.rows) + 1
    assert found.sides == len(found.rows) * (3 * ["left"] + 3 * ["right"])
    cells = [word for row in found.rows for cell in row for word in cell.split()]
    assert cells == words(str(table).removeprefix(title).removesuffix(notes[0]))

    history = tl.train.History(loss=[2.0, 1.0], accuracy=[0.5, 0.75], lr=[0.1, 0.1], grad_norm=[3.0, float("nan")])
    found = page(history)
    assert found.rows == [
        ["epoch", "loss", "accuracy", "lr", "grad_norm", ""],
        ["1", "2", "0.5", "0.1", "3", ""],
        ["2", "1", "0.75", "0.1", "nan", "best"],
    ]
    assert str(history).splitlines() == [
        "epoch         loss     accuracy           lr    grad_norm",
        "    1            2          0.5          0.1            3",
        "    2            1         0.75          0.1          nan  best",
    ]
    assert page(tl.train.History()).rows == [["epoch", ""]]


def test_a_check_says_what_it_found():
    @tl.operation
    def square(x):
        return x * x

    @square.rule
    def _(g, x):
        return g * x

    x = np.array([1.0, 3.0])
    assert page(tl.gradcheck(tl.exp, x)).text == "pass"
    report = tl.gradcheck(square, x, raise_exception=False)
    assert page(report).text == f"fail\n{report.text}"


def test_a_benchmark_is_two_tables(small):
    net, x, y = small
    result = benchmark(net, (x, y), ["gradient", "lrp"], n=4)
    found = page(result)
    assert "4 methods on 4 pictures" in found.text
    assert "after Holm's correction." in found.text
    assert [row[1] for row in found.rows] == 2 * ["method", *(result.methods[k] for k in result.order)]
    heads = found.rows[5]
    assert "sensitivity n ↑" in heads
    assert "deletion ↓" in heads
    assert "ms a picture" in heads
    assert words("".join(f" {cell}" for row in found.rows for cell in row if cell not in heads)) == [
        word for word in words(" ".join(" ".join(map(" ".join, part)) for part in (result.lines[0], result.lines[1][2:])))
        if word not in heads
    ]  # fmt: skip


# --- maps and renderings ----------------------------------------------------------------------------------------------


@pytest.fixture
def small():
    """A small net, four pictures and their classes."""
    tl.manual_seed(0)
    net = tl.nn.Sequential(tl.nn.Conv2d(1, 4, 3, padding=1), tl.nn.ReLU(), tl.nn.Flatten(), tl.nn.Linear(256, 3))
    return net, tl.rand(4, 1, 8, 8).numpy(), np.array([0, 1, 2, 0])


@pytest.mark.parametrize("name", tl.explain.METHODS)
def test_every_method_gives_maps_that_show_themselves(name, small):
    net, x, y = small
    few = {key: 20 for key in ("n", "steps") if tl.explain.takes(name, key)}
    if tl.explain.takes(name, "window"):
        few["window"] = 2
    if tl.explain.takes(name, "background"):
        few["background"] = x
    if name == "kernel_shap":
        few["features"] = np.arange(64).reshape(8, 8) // 8
    found = tl.explain.METHODS[name](net, x, y, **few)
    ready = tl.explain.ready([name], background=x)[name]
    assert type(found) is Maps
    assert type(ready(net, x[:1], y[:1])) is Maps
    assert found.dtype == np.float32
    assert pickle.loads(pickle.dumps(tl.explain.METHODS[name])) is tl.explain.METHODS[name]


def test_a_rendering_is_pictures(small):
    see = tl.visualize
    found = see.render(small[0], see.logit(1), see.pixel((2, 1, 8, 8)), steps=2)
    assert type(found) is Pictures
    assert found.dtype == np.float32
    assert pixels(found._repr_png_()[0]).std() > 20
    assert pixels(found[1]._repr_png_()[0]).std() > 20


def reds_and_blues(png):
    """Where red and where blue is seen: the mean column of each, from 0 to 1."""
    red, _, blue = np.moveaxis(pixels(png).astype(int), -1, 0)
    body = slice(0, len(red) // 2)  # above the colour bar
    return [np.nonzero(part[body])[1].mean() / red.shape[1] for part in (red - blue > 50, blue - red > 50)]


@pytest.mark.parametrize("shape", [(6, 6), (1, 6, 6), (1, 2, 6, 6)])
def test_maps_are_red_where_they_are_positive_and_blue_where_negative(shape):
    maps = np.zeros(shape, np.float32)
    maps[..., :2], maps[..., 4:] = 1, -1
    png, size = maps.view(Maps)._repr_png_()
    red, blue = reds_and_blues(png)
    assert red < 0.45
    assert blue > 0.55
    assert size["width"] == 6 * 96


def test_of_many_maps_only_the_first_are_drawn(monkeypatch):
    asked = []
    for name in ("heatmap", "picture_grid"):
        draw = getattr(tl.plot, name)
        monkeypatch.setattr(
            tl.plot, name, lambda x, *a, draw=draw, **kw: asked.append((len(x), kw)) or draw(x, *a, **kw)
        )
    for kind in (Maps, Pictures):
        for n in (1, 3, 40):
            assert np.zeros((n, 1, 8, 8)).view(kind)._repr_png_()
    counts = [(count, kw["columns"]) for count, kw in asked]
    assert counts == 2 * [(1, 5), (3, 5), (10, 5)]


def test_what_cannot_be_drawn_is_text():
    for shape in ((), (8,), (0, 8, 8), (3, 8, 0), (1, 1, 1, 8, 8), (2, 100), (1, 3, 100)):
        assert np.zeros(shape).view(Maps)._repr_png_() is None
        assert np.zeros(shape).view(Pictures)._repr_png_() is None
    assert np.zeros((8, 96)).view(Maps)._repr_png_() is not None
    assert np.full((1, 1, 8, 8), np.nan).view(Maps)._repr_png_() is None
    assert np.full((1, 3, 8, 8), 2.0).view(Pictures)._repr_png_() is None
    assert repr(np.zeros(2).view(Maps)) == "Maps([0., 0.])"


# --- arrays for all else ----------------------------------------------------------------------------------------------


@pytest.fixture(params=[Maps, Pictures])
def shown(request):
    """Some values as an array that shows itself, and plain."""
    plain = np.random.default_rng(0).standard_normal((2, 3, 8, 8)).astype(np.float32)
    return plain.copy().view(request.param), plain


PARTS = [lambda a: a[0], lambda a: a[:, 1], lambda a: a[::2], lambda a: a[[1, 0]], lambda a: a.reshape(6, 8, 8),
         lambda a: a.transpose(1, 0, 2, 3), lambda a: a.copy(), copy.copy, copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a)),
         lambda a: a.astype(np.float64), lambda a: a[a > 0]]  # fmt: skip
ARITHMETIC = [lambda a: a * 2, lambda a: 2 - a, lambda a: -a, np.abs, np.sign, lambda a: a > 0, lambda a: a.mean(1), lambda a: a.sum(),
              lambda a: a.max((2, 3), keepdims=True), lambda a: a @ a, lambda a: np.add(a, 1), lambda a: np.concatenate([a, a]),
              lambda a: np.stack([a, a]), lambda a: np.where(a > 0, a, 0), lambda a: np.clip(a, 0, 1), lambda a: a.argmax(),
              np.asarray, np.array, lambda a: np.einsum("nchw->n", a), lambda a: np.percentile(a, 9), lambda a: a + a[0],
              lambda a: a.std(0), lambda a: np.maximum.accumulate(a, 3), lambda a: np.modf(a)[0]]  # fmt: skip


@pytest.mark.parametrize("take", PARTS)
def test_parts_and_copies_show_themselves(take, shown):
    array, plain = shown
    found, right = take(array), take(plain)
    assert type(found) is type(array)
    assert found.dtype == right.dtype
    assert np.array_equal(found, right)


@pytest.mark.parametrize("compute", ARITHMETIC)
def test_arithmetic_gives_plain_arrays(compute, shown):
    array, plain = shown
    found, right = compute(array), compute(plain)
    assert type(found) is type(right)
    assert found.dtype == right.dtype
    assert np.array_equal(found, right)


def test_edits_stay_in_place_and_files_are_plain(shown, tmp_path):
    array, plain = shown
    kept = array
    array *= 2
    array[0] = 1
    assert array is kept
    assert (array[1] == 2 * plain[1]).all()
    np.add(plain, 1, out=array)
    assert (array == plain + 1).all()
    np.save(tmp_path / "maps.npy", array)
    assert type(np.load(tmp_path / "maps.npy")) is np.ndarray


def test_the_engine_takes_them_as_the_arrays_they_are(shown):
    array, plain = shown
    x = tl.Tensor(array)
    assert type(x.data) is np.ndarray
    assert np.shares_memory(x.data, array)
    assert type(tl.tensor(array).data) is np.ndarray
    for call in (
        lambda a: F.max_pool2d(a, 2),
        lambda a: F.conv2d(a, np.ones((2, 3, 3, 3), np.float32)),
        tl.exp,
        lambda a: tl.reshape(a, (2, -1)),
    ):
        assert type(call(array)) is np.ndarray, "an operation of arrays alone"
        assert np.array_equal(call(array), call(plain))
    w = tl.tensor(plain, requires_grad=True)
    for made in (w * array, array * w, w - array, tl.maximum(w, array), F.mse_loss(w, array), F.conv2d(w, array)):
        assert type(made.data) is np.ndarray
        made.sum().backward()
    assert type(w.grad.data) is np.ndarray
    y = tl.tensor(plain)
    y[0] = array[0]
    y += array
    assert type(y.data) is np.ndarray


def test_a_memory_map_is_an_array_too(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((1, 1, 4, 4), np.float32))
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert type(F.avg_pool2d(x, 2)) is np.ndarray
    assert F.avg_pool2d(tl.Tensor(x), 2).sum().item() == 4


def test_a_map_can_be_explained_evaluated_and_drawn(small):
    net, x, y = small
    maps = tl.explain.gradient(net, x, y)
    assert (tl.explain.gradient(net, x.view(Pictures), y) == maps).all()
    smooth = tl.explain.smoothgrad(net, x, y, method=tl.explain.lrp, n=2)
    assert type(smooth) is Maps
    assert tl.explain.completeness_gap(net, x, tl.explain.deeplift(net, x, y), y) == pytest.approx(0, abs=1e-5)
    assert tl.plot.saliency_grid(x, maps, "abcd")


def test_giving_leaves_a_function_its_name():
    @giving(Maps)
    def ones(n: int = 2):
        """Ones."""
        return np.ones(n)

    assert (ones.__name__, ones.__doc__) == ("ones", "Ones.")
    assert type(ones(3)) is Maps
    assert issubclass(Pictures, Gallery)
    assert show.figures() is tl.plot


# --- figures ----------------------------------------------------------------------------------------------------------


def test_a_figure_shows_itself_as_wide_as_it_is_on_paper():
    figure = tl.plot.picture_grid(np.random.default_rng(0).random((2, 1, 8, 8)), ["a", "b"])
    png, size = figure._repr_png_()
    width, height = figure.get_size_inches()
    assert size == {"width": round(96 * width), "height": round(96 * height)}
    assert pixels(png).shape[:2] == (int(200 * height), int(200 * width))
    assert b"Software" not in png
    assert figure._repr_png_()[0] == png
    assert pickle.loads(pickle.dumps(figure))._repr_png_()[0] == png
