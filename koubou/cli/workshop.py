"""The workshop that a command is about: its settings, its folders, its board for reading, and whether it is served."""

from __future__ import annotations

import argparse
import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from koubou.board.reading import Reading, open_reading
from koubou.config.load import load
from koubou.config.settings import Settings
from koubou.errors import UsageMistake
from koubou.folders.layout import Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What a verb needs of it; nothing is opened before it is asked for."""

    settings: Settings
    layout: Layout

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
        return open_reading(Path(self.layout.board) / "koubou.db", served=served)


def workshop_of(arguments: argparse.Namespace) -> Workshop:
    """The workshop of the settings that the command names. Raises SettingsError."""
    settings = load(config_file(arguments), os.environ, overrides(arguments))
    return Workshop(settings=settings, layout=Layout(home=settings.home))


def config_file(arguments: argparse.Namespace) -> Path | None:
    """The settings file that the command names; None = wherever else it is found."""
    return Path(arguments.config) if arguments.config else None


def overrides(arguments: argparse.Namespace) -> Mapping[str, str]:
    """What --set says, by dotted key. Raises UsageMistake."""
    found = {}
    for word in [*arguments.overrides, *getattr(arguments, "later_overrides", ())]:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UsageMistake("--set takes KEY=VALUE, such as --set budget.monthly.usd=50")
        found[key.strip()] = value
    return found


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
