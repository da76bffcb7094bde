"""What the routes of the window work with: the workshop, its readers, what all watchers share."""

from __future__ import annotations

from contextlib import suppress

from koubou.config.window_settings import WindowSettings
from koubou.errors import SettingsError
from koubou.views.workshop import Workshop
from koubou.window.keys import Keys
from koubou.window.readers import Readers
from koubou.window.snapshot import Snapshot
from koubou.window.tail import Tail


class Window:
    """One workshop, seen from outside."""

    def __init__(self, workshop: Workshop, settings: WindowSettings) -> None:
        self.workshop = workshop
        self.settings = settings
        self.readers = Readers(workshop)
        self.snapshot = Snapshot(workshop, self.readers)
        self.tail = Tail(self.readers)
        self.is_ending = False
        self.keys = Keys(f"{workshop.layout.run}/window.db")

    def read_settings(self) -> None:
        """What others than the window's own section say now. The master has taken them: where they are bad meanwhile,
        he will say so, and those before go on."""
        with suppress(SettingsError):
            self.workshop.read_again()

    def end(self) -> None:
        """Let all who watch go: the window is being closed."""
        self.is_ending = True
        self.tail.let_go()

    async def close(self) -> None:
        """End what was started, and close the board."""
        await self.tail.close()
        self.readers.close()
        self.keys.close()
