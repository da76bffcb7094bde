"""Settings files of the tests, written for real; and the workshop that the command line finds by one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from koubou.board import Board, open_for_writing
from koubou.config.load import load
from koubou.config.settings import Settings
from koubou.errors import Problem, SettingsError
from koubou.folders.layout import Layout


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


def an_unserved_board(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    """The board of a workshop beneath a folder, which the command line takes for its own."""
    layout = Layout(home=str(folder / "home"))
    layout.ensure()
    (folder / "koubou.yaml").write_text(f"home: {layout.home}\n")
    monkeypatch.setenv("KOUBOU_CONFIG", str(folder / "koubou.yaml"))
    return Board(open_for_writing(Path(layout.board) / "koubou.db"))
