"""What the operator's settings say on secrets and on what may come in and go out; travels to whoever looks at texts."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Verdict(StrEnum):
    """What is done about something that a guardrail sees."""

    NOTE = "note"
    """It stands in the task's history, and the task goes on."""
    REFUSE = "refuse"
    """The file is rejected, or the task fails, with class `policy`."""


class Policy(Struct, frozen=True, kw_only=True):
    """`confidential_*` and `internal_*` raise how secret a task is; the others are the guardrails.

    Words and patterns hold in any text, whatever its case; paths are globs of files and workspaces; submitters uids.
    """

    confidential_words: tuple[str, ...] = ()
    confidential_patterns: tuple[str, ...] = ()
    confidential_paths: tuple[str, ...] = ()
    confidential_submitters: tuple[int, ...] = ()
    internal_words: tuple[str, ...] = ()
    internal_patterns: tuple[str, ...] = ()
    prompt_injection: Verdict = Verdict.NOTE
    injection_shapes: Verdict = Verdict.NOTE
    banned_words: tuple[str, ...] = ()
    on_banned_word: Verdict = Verdict.NOTE
    on_secret_in_answer: Verdict = Verdict.NOTE


OPEN = Policy()
"""Nothing but what Koubou knows by itself."""


class Flag(Struct, frozen=True, kw_only=True):
    """Something in an answer that should not be there: what it is, by which rule, in which line. Never what it says."""

    category: str
    rule: str
    line: int
