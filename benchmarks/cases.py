"""All cases by name."""

from __future__ import annotations

from . import cases_nets, cases_ops
from .case import Case

CASES: dict[str, Case] = {case.name: case for some in (cases_nets, cases_ops) for case in some.cases()}
