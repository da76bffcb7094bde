"""Whether a pattern of the settings is quick: tried on longer and longer texts that are made to be slow for it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Annotated

from pydantic import AfterValidator

from koubou.config.words import Shown
from koubou.rules.secrets.own_words import WINDOW, compiled

LONGEST = 500
_TRIES = 4
_MORE = 1.8
"""How much longer a text may take than the measure does, which takes as long as the square of its length."""
_ENOUGH = 3.0
_MEASURE = re.compile(r"\d+-\d+")
_LENGTHS = (*range(8, 40, 2), 60, 120, 250, 500, 1_000, WINDOW)
_KINDS = ("a", "A", "0", " ", "_", "-", ".", ",", "あ", "ア", "漢", "a ", "a0", "a-", "0 ", "a.", '"')
_MOST_PUMPS = 60


def why_unfit(text: str) -> str | None:
    """What is wrong with a pattern, as the rest of a sentence; None when it can be used."""
    if len(text) > LONGEST:
        return f"takes {LONGEST} characters at most"
    try:
        expression = compiled(text)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no regular expression: {error}" if isinstance(error, re.error) else "is too large an expression"
    if expression.search("") is not None:
        return "would be found in every text: it also means nothing at all"
    began = time.thread_time()
    for slow in _slow_texts(text):
        if _is_slow(expression, slow) or time.thread_time() - began > _ENOUGH:
            return (
                "is too slow on some texts: give each repetition a bound, such as {0,50}, and do not repeat repetitions"
            )
    return None


def _slow_texts(text: str) -> Iterator[str]:
    """What the pattern names and what it may stand for, again and again, with an end that it cannot mean."""
    named = re.findall(r"[^\W_]+|[^\x00-\x7f]", re.sub(r"\\[a-zA-Z]|\{[\d,]*\}", " ", text))
    whole = "".join(named)
    pumps = list(islice(dict.fromkeys((*_KINDS, *named, *whole, whole or "a")), _MOST_PUMPS))
    heads = dict.fromkeys(("", whole, named[0] if named else ""))
    for length in _LENGTHS:
        for pump in pumps:
            for head in heads:
                yield head + (pump * (length // len(pump) + 1))[:length] + "\x01"


def _is_slow(expression: re.Pattern[str], text: str) -> bool:
    """Whether a search takes long by itself: what a busy machine takes away is no fault of the pattern.

    Processor seconds are others on every machine and at every moment, so both are measured in turn.
    """
    if (seconds := _seconds(expression, text)) < _at_least() or seconds < _measure():
        return False
    both = [(_seconds(expression, text), _measure()) for _ in range(_TRIES)]
    return min(seconds for seconds, _ in both) > _MORE * min(measure for _, measure in both)


def _measure() -> float:
    return _seconds(_MEASURE, "0" * WINDOW)


@cache
def _at_least() -> float:
    """What is below takes less than the measure, were it taken at a slow moment."""
    return min(_measure() for _ in range(_TRIES)) / 2


def _seconds(expression: re.Pattern[str], text: str) -> float:
    began = time.thread_time()
    expression.search(text)
    return time.thread_time() - began


def _quick(text: str) -> str:
    if (why := why_unfit(text)) is not None:
        raise ValueError(why)
    return text


WrittenPattern = Annotated[str, AfterValidator(_quick), Shown("regular expression")]
"""A pattern that an operator wrote down, and that no text makes slow."""
