"""The Kingfisher secret scanner in this process: the tokens of some hundred vendors, at a few microseconds a text.

Only its scanner is used. Its validators and revokers, which call the vendors, are never made: nothing goes out.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from koubou.model.decision import Hit

if TYPE_CHECKING:
    from kingfisher_sdk import Finding, Scanner

_CATEGORIES = (
    ("private-key", "private_key"),
    ("jwt", "jwt"),
    ("connection-string", "connection_string"),
    ("credential-uri", "connection_string"),
    ("bearer", "authorization"),
    ("authorization", "authorization"),
)


class Kingfisher:
    """A detector that is loaded once and then scans from any thread at once; a scan lets other threads run.

    `cache_dir` keeps the compiled rules between starts; it must belong to the user who runs this, or it is not used.
    """

    def __init__(self, cache_dir: Path | None) -> None:
        self._cache_dir = cache_dir
        self._scanner: Scanner | None = None
        self._loading = threading.Lock()

    @property
    def ready(self) -> bool:
        """Whether `scan` answers at once."""
        return self._scanner is not None

    def load(self) -> None:
        """Compile the rules or read them from the cache, and return when `scan` can be used.

        Takes 0.3 s from the cache and some 3.5 s the first time; other threads run on. Loading twice does nothing.
        """
        self._loaded()

    def load_beside(self) -> None:
        """Begin to load in a thread; who scans meanwhile waits for the rest of it."""
        if not self.ready:
            threading.Thread(target=self.load, name="detector", daemon=True).start()

    def scan(self, text: bytes) -> list[Hit]:
        """What stands in `text`, by offset. Loads first if need be."""
        found = [finding for finding in self._loaded().scan(text) if finding.visible]
        return sorted((_hit(finding, text) for finding in found), key=lambda hit: (hit.start, hit.rule))

    def scan_texts(self, texts: Sequence[tuple[str, str]]) -> list[Hit]:
        """What stands in the texts of a task, each hit with the name of its text: they are scanned as one document."""
        parts = [text.encode("utf-8", "replace") for _, text in texts]
        starts, total = [], 0
        for part in parts:
            starts.append(total)
            total += len(part) + 1
        placed = []
        line, counted, last = 1, 0, -1  # hits come in order, so that lines are counted once over the whole text
        for hit in self.scan(b"\n".join(parts)):
            index = bisect_right(starts, hit.start) - 1
            offset = starts[index]
            if index != last:
                line, counted, last = 1, 0, index
            line += parts[index].count(b"\n", counted, hit.start - offset)
            counted = max(counted, hit.start - offset)
            placed.append(
                Hit(
                    rule=hit.rule,
                    category=hit.category,
                    where=texts[index][0],
                    line=line,
                    start=hit.start - offset,
                    end=hit.end - offset,
                    sample=hit.sample,
                )
            )
        return placed

    def _loaded(self) -> Scanner:
        if self._scanner is not None:
            return self._scanner
        with self._loading:
            self._scanner = self._scanner or _scanner(self._cache_dir)
        return self._scanner


@cache
def detector(cache_dir: str) -> Kingfisher:
    """The one of this process that has its rules there."""
    return Kingfisher(Path(cache_dir))


def _scanner(cache_dir: Path | None) -> Scanner:
    from kingfisher_sdk import Rules, Scanner  # 30 ms and 10 MB that a command line need not pay

    if cache_dir is not None:
        cache_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    rules = Rules(cache=cache_dir is not None, cache_dir=cache_dir)
    # Without a policy a comment such as "gitleaks:allow" in the text silences nothing.
    return Scanner(rules, dedup=False)


def _hit(finding: Finding, text: bytes) -> Hit:
    place = finding.location
    start, end = place["start_offset"], place["end_offset"]
    rule = finding.rule_id
    category = next((category for part, category in _CATEGORIES if part in rule), "vendor_token")
    sample = text[start : start + 2].decode("ascii", "replace")
    return Hit(rule=rule, category=category, where="", line=place["line"], start=start, end=end, sample=sample)
