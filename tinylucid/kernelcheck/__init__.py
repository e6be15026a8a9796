"""Checking one's own CUDA kernel without a GPU: beside a NumPy function of its name, and counting what it asks of memory.

``source`` reads the file, ``plan`` what its comments say of sizes and the launch, ``twin`` the function, ``cases`` draws,
``trial`` runs, ``numbers`` and ``words`` say what is wrong; ``profile`` counts.
"""

from __future__ import annotations

PARTED = "times parted"  # the unit in which a profile counts branches


class Unable(Exception):
    """Why a file cannot be checked, and what to write; ``hint`` is text to copy, kept in its lines."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint
