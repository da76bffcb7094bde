"""What a rule can decide. A decision is a value; it carries its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Which rule spoke, and what it said; shown by `koubou explain` and in output.json."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something secret that was seen: category and rule, in which part of the task and line, two characters at most."""

    category: str
    where: str
    rule: str
    line: int
    sample: str
    level: str = "confidential"
