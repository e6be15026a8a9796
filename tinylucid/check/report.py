"""What a check found, in words."""

from __future__ import annotations

from dataclasses import dataclass

from .. import show


@dataclass(frozen=True)
class Report:
    """What a check found: ``status`` "pass", "fail" or "inconclusive", and the words for it. True only for a pass."""

    status: str
    text: str = ""
    argument: str = ""
    cause: str = ""

    def __bool__(self) -> bool:
        return self.status == "pass"

    def _repr_html_(self) -> str:
        return show.text(f"{self.status}\n{self.text}".strip())


class GradcheckError(RuntimeError):
    """A gradient is wrong; ``report`` holds the details."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.text)
        self.report = report


class InconclusiveError(GradcheckError):
    """Finite differences could not decide, e.g. at a kink that stays wherever the input is moved."""


class Found(Exception):
    """A wrong gradient, in words; carried from where it is seen to the report."""

    def __init__(self, text: str, argument: str = "", cause: str = "") -> None:
        super().__init__(text)
        self.text, self.argument, self.cause = text, argument, cause or text
