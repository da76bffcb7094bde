"""What is wrong with a document, before anybody asks what it means."""

from __future__ import annotations

import re

from koubou.errors import KoubouError, Problem
from koubou.rules.secrets.placeholders import random_looking

Path = tuple[str | int, ...]
"""The way to a value: keys of mappings and indexes of lists."""

_WORD = re.compile(r"[\w.@-]{1,60}", re.ASCII)
_MOST_DIGITS = 3


class BadDocument(KoubouError):
    """A text that cannot be read. The edge that asked for it turns this into its own error.

    `kind` is a stable word: encoding, size, empty, yaml, json, depth, nodes, alias, tag, duplicate_key, number.
    """

    def __init__(self, kind: str, problem: Problem) -> None:
        self.kind = kind
        self.problem = problem
        super().__init__(str(problem))


def show_key(key: object) -> str:
    """A key as an error may show it: what does not look like a word of ours may be a secret, and is not shown."""
    text = str(key)
    is_word = _WORD.fullmatch(text) is not None and sum(map(str.isdigit, text)) <= _MOST_DIGITS
    return text if is_word and not random_looking(text) else "(a key)"


def show_path(path: Path) -> str:
    """`tiers.local.price` or `messages[2].role`."""
    shown = "".join(f"[{part}]" if isinstance(part, int) else f".{show_key(part)}" for part in path)
    return shown.removeprefix(".")
