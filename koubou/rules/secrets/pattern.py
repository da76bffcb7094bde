"""How a secret is recognised: cheap hints first, then a bounded expression, then a look at what it caught."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from msgspec import Struct

from koubou.rules.expression import Expression

MOST_LOOKS = 5_000
"""Places of one rule that are judged in one text; each may cost 50 µs on a text that was written to be slow."""
MANY_LOOKS = 40 * MOST_LOOKS
"""For a rule that looks at every number or long word: a log of some megabytes has so many."""

Judge = Callable[[re.Match[str], str], bool]
"""Looks at a match again, with the text as it was written (the match may be of its lower-case form)."""


def always(_match: re.Match[str], _text: str) -> bool:
    """For expressions that need no second look."""
    return True


class Sighting(Struct, frozen=True, kw_only=True):
    """Something that was seen in a text, by character offsets."""

    rule: str
    category: str
    start: int
    end: int
    level: str = "confidential"
    quotable: bool = True


class Pattern(Struct, frozen=True, kw_only=True):
    """One rule. `hints` are lower-case strings: the expression is tried only where one of them stands ("" always does).

    With `around` it sees only so many characters to both sides of a hint; with `begins` besides, a match must begin
    where that expression finds something there, and may end anywhere.

    The expression runs on the lower-case text unless `exact`; its last named group, if any, is what was seen. Every
    repetition in it is bounded, so that the time is linear in the text whatever stands there; one that others wrote
    sees a `window` of so many characters at a time. Of what is not `quotable`, no character is ever told.
    """

    rule: str
    category: str
    hints: tuple[str, ...]
    expression: Expression
    accepts: Judge = always
    exact: bool = True
    level: str = "confidential"
    around: int = 0
    begins: Expression | None = None
    window: int = 0
    quotable: bool = True
    looks: int = MOST_LOOKS

    def seen_in(self, text: str, low: str) -> Iterator[Sighting]:
        """Where the rule holds in `text`; `low` is the same text in lower case, of the same length.

        A text with more places to look at than anybody writes is not looked through to its end: it counts as seen.
        """
        for looks, match in enumerate(self._matches(text if self.exact else low, low)):
            if looks >= self.looks or self.accepts(match, text):
                start, end = match.span(match.lastgroup or 0)
                yield Sighting(
                    rule=self.rule,
                    category=self.category,
                    start=start,
                    end=end,
                    level=self.level,
                    quotable=self.quotable,
                )
            if looks >= self.looks:
                return

    def _matches(self, text: str, low: str) -> Iterator[re.Match[str]]:
        if self.around:
            spans = _spans(low, self.hints, self.around)
            if self.begins is not None:
                return self._from(text, spans, self.begins)
            return chain.from_iterable(self.expression.compiled.finditer(text, start, end) for start, end in spans)
        if not self.window:
            return self.expression.compiled.finditer(text)
        starts = range(0, max(1, len(text)), self.window // 2)
        return chain.from_iterable(self.expression.compiled.finditer(text, start, start + self.window) for start in starts)

    def _from(self, text: str, spans: Iterable[tuple[int, int]], begins: Expression) -> Iterator[re.Match[str]]:
        for start, end in spans:
            for begin in begins.compiled.finditer(text, start, end):
                match = self.expression.compiled.match(text, begin.start())
                if match is not None:
                    yield match


def _spans(low: str, hints: Sequence[str], around: int) -> Iterator[tuple[int, int]]:
    """The parts of a text that lie around a hint; where two overlap, as one."""
    start, end = -1, -1
    for place in sorted(place for hint in hints for place in _places(low, hint)):
        if place - around > end:
            if end >= 0:
                yield start, end
            start = max(0, place - around)
        end = place + around
    if end >= 0:
        yield start, end


def _places(low: str, hint: str) -> Iterator[int]:
    place = low.find(hint)
    while place >= 0:
        yield place
        place = low.find(hint, place + len(hint))


def sightings(patterns: Sequence[Pattern], text: str, low: str) -> Iterator[Sighting]:
    """What the patterns see. This loop runs for every task and every pattern, so it is written out flat."""
    # ASCII is searched twice as fast, and what stands in a text stands in its ASCII letters too.
    ascii_low = low if low.isascii() else low.encode("ascii", "ignore").decode()
    for pattern in patterns:
        for hint in pattern.hints:
            if hint in (ascii_low if hint.isascii() else low):
                yield from pattern.seen_in(text, low)
                break
