"""The workshop that is looked at: its settings, its folders, its board for reading, and whether it is served."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from koubou.board.reading import Reading, open_reading
from koubou.errors import BoardUnavailable
from koubou.folders.layout import Layout
from koubou.views.quick import is_open, look, places_of

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from koubou.config.settings import Settings


class Workshop:
    """What a verb needs of it; nothing is read or opened before it is asked for."""

    def __init__(self, config: Path | None, overrides: Mapping[str, str]) -> None:
        self._config = config
        self._overrides = overrides
        self._quick = look(config, os.environ, overrides)

    @cached_property
    def settings(self) -> Settings:
        """All of its settings, checked. Raises SettingsError."""
        from koubou.config.load import load

        return load(self._config, os.environ, self._overrides)

    def read_again(self) -> None:
        """Take its settings as they are now; its folders stay. Raises SettingsError, and keeps what was good."""
        fresh = Workshop(self._config, self._overrides)
        self.layout, self.settings = self.layout, fresh.settings
        self._quick = fresh._quick
        for name in ("places", "without_sandbox", "timezone"):
            self.__dict__.pop(name, None)

    @cached_property
    def layout(self) -> Layout:
        """Its folders. Raises SettingsError where the settings must be read whole to know them, and are bad."""
        return Layout(home=self._quick.home if self._quick else self.settings.home)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """How many calls each tier's whole crew can run at once, by the settings as they are now."""
        if self._quick is not None:
            return self._quick.places
        return {
            name: places_of(tier.reach, tier.executor, tier.workers.min, tier.workers.max, tier.concurrency)
            for name, tier in self.settings.tiers.items()
        }

    @cached_property
    def without_sandbox(self) -> Sequence[str]:
        """The tiers whose agents run without a sandbox, by the settings as they are now."""
        if self._quick is not None:
            return self._quick.without_sandbox
        return [name for name, tier in self.settings.tiers.items() if is_open(tier.executor, tier.sandbox)]

    @cached_property
    def timezone(self) -> ZoneInfo:
        """Where its months and days begin. Raises SettingsError where no such zone is known."""
        from zoneinfo import ZoneInfo

        try:
            return ZoneInfo(self._quick.timezone if self._quick else self.settings.budget.timezone)
        except (KeyError, ValueError, OSError):
            return ZoneInfo(self.settings.budget.timezone)  # says what is wrong with it

    @property
    def served(self) -> bool:
        """Whether a master holds it now."""
        return is_locked(f"{self.layout.run}/master.lock")

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Its board, read-only. Raises BoardUnavailable, or PermissionError for who may not read it."""
        board = self.open_board(served=self.served)
        try:
            yield board
        finally:
            board.close()

    def open_board(self, *, served: bool) -> Reading:
        """The same; the caller closes it, and says whether the workshop is served."""
        board = Path(self.layout.board) / "koubou.db"
        if not board.exists():
            raise BoardUnavailable(f"{board}: there is no board yet; {self.how_to_begin}")
        return open_reading(board, served=served)

    @property
    def how_to_begin(self) -> str:
        """What to do where nothing is yet: a person who named no settings may mean another workshop."""
        begin = "koubou serve makes it"
        if self._quick is not None or self.settings.sources:
            return begin
        return f"{begin}. No settings file was named: if you mean another workshop, set KOUBOU_CONFIG or --config"


def is_locked(path: str) -> bool:
    """Whether somebody holds the lock on this file. Who may not look takes it as held."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except PermissionError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
