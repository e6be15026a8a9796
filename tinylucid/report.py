"""A report as one HTML file that needs nothing else: text, tables and figures, on a screen of any width and on paper."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from .io.atomic import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Report:
    """What a run found, put together from top to bottom and then saved; each method returns the report itself.

    All text is escaped: a class may be called ``<script>``. The file needs no script and names no outside address; its
    pictures are in it. It follows the reader's light or dark scheme, and prints. ``lang`` is the language's code.
    """

    def __init__(self, title: str, lead: str = "", lang: str = "en") -> None:
        self.title, self.lead, self.lang = title, lead, lang
        self.sections: list[str] = []
        self.parts: list[str] = []

    def section(self, title: str) -> Report:
        """A heading, which the contents at the top lead to."""
        self.sections.append(title)
        return self._add(f'<h2 id="section-{len(self.sections)}" dir="auto">{escape(title)}</h2>')

    def text(self, text: str) -> Report:
        """Paragraphs, apart by an empty line."""
        for paragraph in filter(str.strip, text.split("\n\n")):
            self._add(paragraph_of(paragraph))
        return self

    def number(self, value: str, meaning: str) -> Report:
        """The one number to remember, large, and what it says."""
        return self._add(
            f'<p class="number"><strong>{escape(value)}</strong> <span dir="auto">{escape(meaning)}</span></p>'
        )

    def table(self, head: Sequence[str], rows: Sequence[Sequence[Any]], caption: str) -> Report:
        """A table whose first column names its rows; columns of numbers stand flush right, and a wide table scrolls.

        Raises ValueError for a row that is not as long as ``head``.
        """
        cells = [[str(cell) for cell in row] for row in rows]
        if any(len(row) != len(head) for row in cells):
            raise ValueError(f"Report.table: each row needs {len(head)} cells ({', '.join(head)}), got {rows}")
        sides = [' class="right"' if column and all(map(numeric, column)) else "" for column in zip(*cells)]
        sides = sides or [""] * len(head)
        lines = ["".join(f'<th scope="col"{side}>{escape(name)}</th>' for name, side in zip(head, sides))]
        for row in cells:
            first = f'<th scope="row"{sides[0]} dir="auto">{escape(row[0])}</th>'
            rest = (f'<td{side} dir="auto">{escape(cell)}</td>' for cell, side in zip(row[1:], sides[1:]))
            lines.append(first + "".join(rest))
        body = "\n".join(f"<tr>{line}</tr>" for line in lines[1:])
        return self._listed(
            caption, f"<table>\n<thead><tr>{lines[0]}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
        )

    def preformatted(self, text: str, caption: str) -> Report:
        """Text whose columns and line breaks stay, such as a model's summary; what is too wide scrolls."""
        return self._listed(caption, f"<pre>{escape(text)}</pre>")

    def figure(self, figure: Figure, alt: str, caption: str) -> Report:
        """A figure, said in words (``alt``) to those who cannot see it, above its caption.

        Raises ValueError if ``alt`` is empty.
        """
        if not alt.strip():
            raise ValueError("Report.figure: alt must say in words what the figure shows, got an empty text")
        width, height = (round(100 * side) for side in figure.get_size_inches())  # CSS pixels: the text is then 16 high
        picture = f'<img src="{inlined(figure)}" alt="{escape(alt)}" width="{width}" height="{height}">'
        return self._add(f'<figure class="drawn">\n{picture}\n{caption_of(caption)}</figure>')

    def html(self) -> str:
        """The whole page."""
        template = Template(files("tinylucid").joinpath("report.html").read_text(encoding="utf-8"))
        links = "\n".join(
            f'<li><a href="#section-{k}" dir="auto">{escape(name)}</a></li>' for k, name in enumerate(self.sections, 1)
        )
        return template.substitute(
            lang=escape(self.lang),
            title=escape(self.title),
            lead=paragraph_of(self.lead) + "\n" if self.lead else "",
            contents=f'<nav aria-label="Contents">\n<ul>\n{links}\n</ul>\n</nav>\n' if links else "",
            body="".join(part + "\n" for part in self.parts),
        )

    def save(self, path: str | Path) -> Path:
        """Write the page to ``path``, whole or not at all: a report that stood there stays until the new one is written.

        Raises OSError where the folder cannot be written to or the disk is full.
        """
        page = self.html().encode("utf-8", "replace")  # a file's name may hold what is no letter
        with replacing(path) as file:
            file.write(page)
        return Path(path)

    def _add(self, part: str) -> Report:
        self.parts.append(part)
        return self

    def _listed(self, caption: str, content: str) -> Report:
        """Content in a box of its own that scrolls sideways, by keyboard too, under its caption."""
        box = f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}">\n{content}\n</div>'
        return self._add(f'<figure class="listed">\n{caption_of(caption)}{box}\n</figure>')


def paragraph_of(text: str) -> str:
    """A paragraph, in the direction of its own letters."""
    return f'<p dir="auto">{escape(text.strip())}</p>'


def caption_of(text: str) -> str:
    """What stands under a figure or over a table."""
    return f'<figcaption dir="auto">{escape(text)}</figcaption>\n'


def numeric(cell: str) -> bool:
    """Whether a cell is a number, with its unit or as a share, or stands for none."""
    return cell in ("", "–", "—", "nan") or cell.lstrip("-−+").replace(" ", "")[:1].isdigit()


def inlined(figure: Figure) -> str:
    """The figure as a PNG in a data address; twice as many pixels as it is shown at, for fine screens and for paper."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=200, metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
