"""A window that listens on a path of the file system: who may reach it there, and whom it leaves it to."""

from __future__ import annotations

import http.client
import os
import socket
import stat
from pathlib import Path

import pytest
from windows import Answer, opened

from koubou.errors import BoardUnavailable
from koubou.model.access import Role
from koubou.window.listening import open_socket, tidy_up


class OverPath(http.client.HTTPConnection):
    """HTTP to a socket of the file system."""

    def __init__(self, path: Path) -> None:
        super().__init__("koubou", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(str(self._path))


def ask(path: Path, token: str | None) -> Answer:
    connection = OverPath(path)
    try:
        connection.request("GET", "/api/v1/me", None, {} if token is None else {"Authorization": f"Bearer {token}"})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def test_it_answers_there_to_who_has_a_token_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "window.sock"
    with opened(tmp_path, f"{{listen: 'unix:{path}', open_to_loopback: true}}") as window:
        assert window.address == f"unix:{path}"
        assert stat.S_IMODE(path.lstat().st_mode) == 0o660
        told = ask(path, window.token(Role.OPERATOR)).json
        assert (told["role"], told["source"]) == ("operator", "api unix")
        assert ask(path, None).status == 401, "who comes by a path may come from anywhere"
    assert not path.exists()


def test_what_a_killed_window_left_is_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "window.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    with open_socket(f"unix:{path}"):
        assert stat.S_ISSOCK(path.lstat().st_mode)


def test_a_path_at_which_somebody_listens_is_not_taken_from_him(tmp_path: Path) -> None:
    where = f"unix:{tmp_path}/window.sock"
    with open_socket(where), pytest.raises(BoardUnavailable):
        open_socket(where)


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "window.sock"
    path.write_text("precious")
    with pytest.raises(BoardUnavailable):
        open_socket(f"unix:{path}")
    tidy_up(f"unix:{path}")
    assert path.read_text() == "precious"


def test_a_window_that_ends_leaves_the_path_to_the_one_that_listens_there_by_now(tmp_path: Path) -> None:
    where = f"unix:{tmp_path}/window.sock"
    old = open_socket(where)
    old.close()
    with open_socket(where):
        tidy_up(where)
        assert os.path.exists(tmp_path / "window.sock")
