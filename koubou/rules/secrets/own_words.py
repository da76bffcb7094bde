"""What the operator's settings add: words, patterns, paths and submitters. Findings name the rule, never the word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

from koubou.rules.expression import Expression
from koubou.model.decision import Finding
from koubou.model.policy import Policy
from koubou.rules.secrets.pattern import Pattern
from koubou.rules.secrets.readings import plain

CATEGORY = "settings"
_FLAGS = re.IGNORECASE | re.MULTILINE
WINDOW = 2_000
"""So many characters a pattern of the settings sees at once: however slow it is, the time grows with the text alone."""


@lru_cache(8)
def patterns_of(policy: Policy) -> tuple[Pattern, ...]:
    """The words and patterns of the settings as rules, made once."""
    words = (
        *((word, "settings-word", CATEGORY, "confidential") for word in policy.confidential_words),
        *((word, "settings-word", CATEGORY, "internal") for word in policy.internal_words),
        *((word, "banned-word", "banned_word", "note") for word in policy.banned_words),
    )
    patterns = (
        *((text, "confidential") for text in policy.confidential_patterns),
        *((text, "internal") for text in policy.internal_patterns),
    )
    return (
        *(_word(word, rule, category, level) for word, rule, category, level in words),
        *(
            Pattern(
                rule="settings-pattern",
                category=CATEGORY,
                hints=("",),
                expression=Expression(text, _FLAGS),
                level=level,
                window=WINDOW,
                quotable=False,
            )
            for text, level in patterns
        ),
    )


def compiled(text: str) -> re.Pattern[str]:
    """A pattern of the settings as an expression. Raises re.error."""
    return re.compile(text, _FLAGS)


def marked_by_settings(names: Sequence[tuple[str, str]], owner: int | None, policy: Policy) -> Iterator[Finding]:
    """What is confidential for who dropped it, or for the names of its files and workspace."""
    if owner is not None and owner in policy.confidential_submitters:
        yield _finding("settings-submitter", "submitter")
    for where, name in names:
        if any(_lies_at(name, glob) for glob in policy.confidential_paths):
            yield _finding("settings-path", where)


def _word(word: str, rule: str, category: str, level: str) -> Pattern:
    folded = plain(word).lower()
    parts = folded.split()
    before = r"(?<![a-z0-9])" if re.match("[a-z0-9]", folded) else ""
    behind = r"(?![a-z0-9])" if re.search("[a-z0-9]$", folded) else ""
    return Pattern(
        rule=rule,
        category=category,
        hints=(max(re.split(r"[\s-]+", folded), key=len),),
        expression=Expression(before + r"\s{1,8}".join(map(re.escape, parts)).replace(r"\-", "[-—]") + behind),
        exact=False,
        level=level,
        quotable=False,
    )


def _lies_at(name: str, glob: str) -> bool:
    """Whether the glob means this file or folder, its last name, or a folder above it."""
    parts = [part for part in name.lower().split("/") if part not in ("", ".")]
    root, wanted = "/" if name.startswith("/") else "", glob.lower()
    above = (root + "/".join(parts[:length]) for length in range(1, len(parts) + 1))
    return (bool(parts) and fnmatchcase(parts[-1], wanted)) or any(fnmatchcase(each, wanted) for each in above)


def _finding(rule: str, where: str) -> Finding:
    return Finding(category=CATEGORY, where=where, rule=rule, line=1, sample="")
