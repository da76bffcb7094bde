"""The shelving's detector: one for all of its threads, loaded in the background from the first task on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from koubou.detectors.kingfisher import Kingfisher
from koubou.model.decision import Hit


class Looking:
    """Whoever asks before it is loaded waits for it: no answer is shelved that was not looked at."""

    def __init__(self) -> None:
        self._detector: Kingfisher | None = None

    def begin(self, rule_cache: str) -> None:
        """Load it, if nobody has begun."""
        if self._detector is None:
            self._detector = Kingfisher(Path(rule_cache))
            self._detector.load_beside()

    def scan(self, texts: Sequence[tuple[str, str]]) -> Sequence[Hit]:
        """What stands in the texts; nothing where none was asked for."""
        return self._detector.scan_texts(texts) if self._detector is not None else ()
