"""Where the settings come from: read anew when somebody asks, and priced anew when another day has begun."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from koubou.config.load import load
from koubou.config.settings import Settings
from koubou.master.workshop import Workshop, workshop_of


class Source:
    """The files, the environment and the words on the command line of one workshop."""

    def __init__(self, config: Path | None, overrides: Mapping[str, str]) -> None:
        self.config = config
        self.overrides = overrides
        self.settings: Settings = load(config, os.environ, overrides)

    def load(self) -> Workshop:
        """Read everything anew. Raises SettingsError, and keeps what was good."""
        self.settings = load(self.config, os.environ, self.overrides)
        return self.again()

    def again(self) -> Workshop:
        """The same settings at the prices of today: the table knows prices that begin or end on a day."""
        return workshop_of(self.settings, os.environ)
