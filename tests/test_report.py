"""The report: one file, whole or not at all, that names no outside address, escapes what it is given and says each picture in words."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from browser import Browser, find_chromium
from PIL import Image
from words import check_message

import tinylucid as tl
from tinylucid import demo, plot
from tinylucid.page import report_of
from tinylucid.report import Report

HOSTILE = [
    "<script>alert(1)</script>",
    'a" onerror="b',
    "$title",
    "&amp;",
    "شجرة كبيرة",
    "中文类别",
    "x" * 200,
    "\udcff",
]
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """The elements of a page as (tag, attributes), and its text; all that opens must close in order."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.words = [], [], []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    def all(self, *tags):
        return [attributes for tag, attributes in self.elements if tag in tags]


def history():
    falling = list(2 * np.exp(-np.arange(12) / 4))
    rising = list(1 - 0.9 * np.exp(-np.arange(12) / 3))
    return tl.train.History(loss=falling, accuracy=rising, val_loss=falling[::-1], val_accuracy=rising[::-1])


@pytest.fixture(scope="module")
def report():
    """A report of real patches, a real net's real maps, and names from all over the world."""
    tl.manual_seed(0)
    test = tl.data.textures(train_per_class=1, test_per_class=2).test
    x, classes = test.x[::2], test.classes
    model = tl.models.texture_net(10)
    answers = np.arange(10) // 2 * 2
    methods = (tl.explain.gradient, tl.explain.smoothgrad, tl.explain.integrated_gradients, tl.explain.grad_cam)
    maps = {method.__name__: method(model, x[:6], answers[:6]) for method in methods}
    page = Report("What a small net sees in ten surfaces", "It learned to tell ten photographed surfaces apart.")
    page.section("Accuracy").number("96.1%", "of the test pictures are answered right.")
    page.text("This is interpolation within the same photograph.\n\nIt is not the recognition of materials at large.")
    page.figure(plot.accuracy_bars({"this net": 0.961, "guess": 0.1}), "Bars: this net 96.1 %.", "Beside guessing.")
    page.table(
        ("class", "recall", "pictures"), [(name, f"{k}.0%", 100) for k, name in enumerate(classes)], "Each class"
    )
    page.section("Training").figure(plot.training_curves(history()), "The loss falls.", "Loss and accuracy.")
    page.figure(plot.confusion(np.eye(10, dtype=int) * 97 + 3, classes), "Most is on the diagonal.", "Counts.")
    said = [f"{classes[a]} {a}0%" + ("" if a == k else f"\nis {classes[k]}") for k, a in enumerate(answers)]
    page.section("Mistakes").figure(
        plot.picture_grid(x, said, answers == np.arange(10)), "Ten patches.", "The surest first."
    )
    page.section("What the answers rest on")
    page.figure(
        plot.explanation_grid(x[:6], maps, said[:6], [True, False] * 3), "Four methods.", "Red raises the answer."
    )
    page.section("Names").figure(plot.picture_grid(x[:8], HOSTILE), " ".join(HOSTILE), " ".join(HOSTILE))
    page.table(HOSTILE, [HOSTILE, HOSTILE[::-1]], " ".join(HOSTILE)).text(" ".join(HOSTILE))
    page.section(" ".join(HOSTILE)).preformatted("layer    output shape    parameters    " * 5 + "\n0", "Layers <b>")
    return page


@pytest.fixture(scope="module")
def page(report):
    return Page(report.html())


# --- the file -----------------------------------------------------------------------------------------------------------


def test_nothing_comes_from_outside_and_nothing_runs(page, report):
    html = report.html()
    assert not re.search(r"https?:|@import|url\(|javascript:", html)
    assert not page.all("script", "link", "iframe", "object", "base", "form")
    for _, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "srcset", "action"):
            assert attributes.get(name, "#").startswith(("#", "data:image/png;base64,"))
    (policy,) = (a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy


def test_pictures_are_in_it_twice_as_fine_as_shown(page):
    pictures = page.all("img")
    assert len(pictures) == 6
    for attributes in pictures:
        data = base64.b64decode(attributes["src"].removeprefix("data:image/png;base64,"))
        assert b"matplotlib" not in data.lower()  # nor its address
        width, height = Image.open(io.BytesIO(data)).size
        assert (int(attributes["width"]) * 2, int(attributes["height"]) * 2) == pytest.approx((width, height), abs=2)
        assert attributes["alt"].strip()


def test_it_is_light(report):
    assert len(report.html().encode("utf-8", "replace")) < 1.2e6


def test_it_can_be_read_by_ear_and_by_keyboard(page):
    tags = [tag for tag, _ in page.elements]
    assert page.all("html") == [{"lang": "en"}]
    assert tags.count("main") == tags.count("h1") == tags.count("title") == tags.count("nav") == 1
    headings = [int(tag[1]) for tag in tags if re.fullmatch(r"h\d", tag)]
    assert headings == [1] + [2] * (len(headings) - 1)
    assert [a["href"] for a in page.all("a")] == [f"#{a['id']}" for a in page.all("h2")]
    boxes = [a for a in page.all("div") if a["class"] == "scroll"]
    assert len(boxes) == len(page.all("table", "pre")) == 3
    assert all(a["tabindex"] == "0" and a["role"] == "region" and a["aria-label"] for a in boxes)
    assert all(a["scope"] in ("row", "col") for a in page.all("th"))
    assert len(page.all("figcaption")) == len(page.all("figure")) == 9
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")


def test_names_are_text_wherever_they_stand(page):
    said = "".join(page.words)
    together = " ".join(HOSTILE)
    assert said.count(together) == 5  # contents, two captions, a paragraph, a heading
    assert [a["aria-label"] for a in page.all("div") if a["class"] == "scroll"][1] == together
    assert together in [a["alt"] for a in page.all("img")]
    for name in HOSTILE:
        assert said.count(name) >= 8


def test_columns_of_numbers_stand_flush_right():
    rows = [("brick", "97.1%", 3, "−2", "4 KiB", "a", "–"), ("fur", "", 12, "+0.5", "12 s", "7", "3")]
    found = Page(Report("t").table(list("abcdefg"), rows, "c").html())
    sides = [a.get("class") == "right" for a in found.all("th", "td")]
    assert sides == [False, True, True, True, True, False, True] * 3


def test_a_page_without_sections_has_no_contents():
    found = Page(Report("only a title").text("").html())
    assert not found.all("nav")
    assert not found.all("p")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Report("t").table(("a", "b"), [(1, 2), (3,)], "c"), "each row needs 2 cells (a, b)|(3,)"),
        (lambda: Report("t").figure(plot.accuracy_bars({"a": 1}), " ", "c"), "alt must say in words"),
    ],
)
def test_what_cannot_be_told_is_refused(call, words):
    check_message(call, ValueError, words)


def test_saving_replaces_the_file_whole_and_leaves_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "报告.html"
    first = Report("first\udcff").text("سلام")
    assert first.save(path) == path
    saved = path.read_bytes()
    assert saved.decode("utf-8") == first.html().replace("\udcff", "?")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        Report("second").save(path)
    assert path.read_bytes() == saved
    assert list(tmp_path.iterdir()) == [path]


# --- in a browser -------------------------------------------------------------------------------------------------------

WIDTHS_AND_SCHEMES = [(width, dark) for width in (1280, 375) for dark in (False, True)]

STICKS_OUT = """
[...document.querySelectorAll('body *')].filter(e => {
  const box = e.getBoundingClientRect();
  const inside = e.parentElement.closest('.scroll');
  return !inside && box.width && (box.right > innerWidth + 0.5 || box.left < -0.5);
}).map(e => e.outerHTML.slice(0, 80))"""

CUT = """
[...document.querySelectorAll('body *')].filter(e => {
  const over = e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1;
  return over && ['hidden', 'clip'].includes(getComputedStyle(e).overflowX);
}).map(e => e.outerHTML.slice(0, 80))"""

CONTRASTS = """
(() => {
  const numbers = c => c.match(/[0-9.]+/g).map(Number);
  const light = c => {
    const [r, g, b] = numbers(c).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = e => {
    const color = getComputedStyle(e).backgroundColor;
    return numbers(color)[3] === 0 && e.parentElement ? behind(e.parentElement) : color;
  };
  const found = {};
  for (const e of document.querySelectorAll('body *'))
    if ([...e.childNodes].some(n => n.nodeType == 3 && n.data.trim())) {
      const [low, high] = [light(getComputedStyle(e).color), light(behind(e))].sort((a, b) => a - b);
      found[e.tagName] = Math.min(found[e.tagName] || 99, (high + 0.05) / (low + 0.05));
    }
  return found;
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if find_chromium() is None:
        pytest.skip("needs Chromium")
    running = Browser(tmp_path_factory.mktemp("profile"))
    yield running
    running.close()


@pytest.fixture(scope="module", params=["with names from all over the world", "of the demo"])
def address(request, report, tmp_path_factory):
    if request.param == "of the demo":
        report = report_of(demo.run(0, epochs=1, train_per_class=30, test_per_class=10))
    return report.save(tmp_path_factory.mktemp("report") / "report.html").as_uri()


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "dark"), WIDTHS_AND_SCHEMES)
def test_nothing_overflows_or_is_cut_and_all_can_be_read(browser, address, width, dark):
    browser.show(address, width, dark=dark)
    assert browser.evaluate("innerWidth") == width
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate(STICKS_OUT) == []
    assert browser.evaluate(CUT) == []
    contrasts = browser.evaluate(CONTRASTS)
    assert {"H1", "H2", "P", "A", "FIGCAPTION", "TH", "TD", "PRE", "STRONG", "SPAN"} <= set(contrasts)
    assert min(contrasts.values()) >= 4.5, contrasts
    assert browser.evaluate("Math.min(...[...document.images].map(i => i.complete ? i.naturalWidth : 0))") >= 800
    shown = browser.evaluate("[...document.images].map(i => i.getBoundingClientRect().width)")
    assert min(shown) >= min(width * 0.95, 640)
    assert {url.split(":")[0] for url in browser.requested()} <= {"file", "data"}


@pytest.mark.browser
@pytest.mark.parametrize(("width", "dark"), WIDTHS_AND_SCHEMES)
def test_the_screen_shows_it_in_the_readers_scheme(browser, address, width, dark):
    browser.show(address, width, dark=dark)
    image = pixels(browser.screenshot())
    assert image.shape[1] == width
    assert image.shape[0] == browser.evaluate("document.documentElement.scrollHeight") > 3000
    paper = image[:, 0].mean(0)  # the page's left edge
    assert (paper < 40).all() if dark else (paper > 240).all()
    for k in range(browser.evaluate("document.images.length")):
        place = "(r => [r.left, r.top + scrollY, r.right, r.bottom + scrollY])"
        left, top, right, bottom = map(
            round, browser.evaluate(f"{place}(document.images[{k}].getBoundingClientRect())")
        )
        figure = image[top:bottom, left:right]
        assert figure.std() > 15, "a blank figure"
        assert np.median(figure[4:8, 12:-12]) > 215, "figures have light paper in either scheme"


@pytest.mark.browser
def test_a_wide_table_scrolls_in_its_own_box_by_the_keyboard(browser, address):
    browser.show(address, 375)
    wide = "[...document.querySelectorAll('.scroll')].find(e => e.scrollWidth > e.clientWidth + 50)"
    browser.evaluate(f"{wide}.focus()")
    assert browser.evaluate(f"document.activeElement === {wide}")
    browser.evaluate(f"{wide}.scrollLeft = 40")
    assert browser.evaluate(f"{wide}.scrollLeft") == 40
    assert browser.evaluate("scrollX") == 0


@pytest.mark.browser
def test_the_contents_lead_to_the_sections(browser, address):
    browser.show(address, 375)
    browser.evaluate("document.querySelector('nav li:nth-child(3) a').click()")
    assert browser.evaluate("Math.abs(document.querySelector('#section-3').getBoundingClientRect().top)") < 60


@pytest.mark.browser
def test_it_prints(browser, address):
    browser.show(address, 1280, dark=True)
    printed = browser.pdf()
    assert printed.startswith(b"%PDF")
    assert 4 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 9
    browser.call(
        "Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}]
    )
    try:
        assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert browser.evaluate("getComputedStyle(document.querySelector('figure')).breakInside") == "avoid"
        assert min(browser.evaluate(CONTRASTS).values()) > 7
    finally:
        browser.call("Emulation.setEmulatedMedia", media="", features=[])
