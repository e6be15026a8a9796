"""A figure that shows itself: notebooks know matplotlib's only where pyplot was imported, and these do without."""

from __future__ import annotations

from io import BytesIO

from matplotlib.figure import Figure

INCH = 96  # CSS pixels: a page is as wide on the screen as on paper, and its text as large, however sharp it is


class Shown(Figure):
    """A matplotlib Figure with the PNG that a notebook asks for."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        png, (width, height) = BytesIO(), self.get_size_inches()
        self.savefig(png, format="png", metadata={"Software": None})
        return png.getvalue(), {"width": round(width * INCH), "height": round(height * INCH)}
