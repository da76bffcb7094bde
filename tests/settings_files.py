"""Settings files of the tests, written for real."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from koubou.config.load import load
from koubou.config.settings import Settings
from koubou.errors import Problem, SettingsError


class Shelf:
    """A folder with a settings file; `load` reads it with the layers that a test gives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "koubou.yaml"

    def write(self, text: str) -> None:
        self.file.write_text(text, encoding="utf-8")

    def write_beside(self, name: str, text: str) -> None:
        (self.folder / "conf.d").mkdir(exist_ok=True)
        (self.folder / "conf.d" / name).write_text(text, encoding="utf-8")

    def load(self, environ: Mapping[str, str] | None = None, overrides: Mapping[str, str] | None = None) -> Settings:
        return load(None, environ or {}, overrides or {}, system_file=self.file)

    def problems(
        self, environ: Mapping[str, str] | None = None, overrides: Mapping[str, str] | None = None
    ) -> list[Problem]:
        with pytest.raises(SettingsError) as caught:
            self.load(environ, overrides)
        return list(caught.value.problems)
