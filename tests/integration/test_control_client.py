"""Asking the master: over a real socket, to a master that answers well, badly, late or not at all."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from koubou.errors import BoardUnavailable, IllegalMove, KoubouError, NoMaster, NotAllowed, UnknownTask, UsageMistake
from koubou.views.control import ask, ask_for_each

Reply = Callable[[dict[str, Any]], bytes]


@contextmanager
def a_master(run: Path, reply: Reply) -> Iterator[list[dict[str, Any]]]:
    """Answers each connection once; what it was asked."""
    asked: list[dict[str, Any]] = []
    listener = socket.socket(socket.AF_UNIX)
    folder = os.open(run, os.O_PATH | os.O_DIRECTORY)
    listener.bind(f"/proc/self/fd/{folder}/control.sock")
    os.close(folder)
    listener.listen()

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                asked.append(json.loads(lines.readline()))
                connection.sendall(reply(asked[-1]))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def saying(value: object) -> Reply:
    return lambda _asked: json.dumps(value).encode() + b"\n"


def test_one_line_asks_and_one_line_answers(tmp_path: Path) -> None:
    with a_master(tmp_path, saying({"ok": {"pid": 7}})) as asked:
        assert ask(str(tmp_path), "ping", more=1) == {"pid": 7}
    assert asked == [{"verb": "ping", "more": 1}]


def test_a_path_too_long_for_a_socket_is_reached_all_the_same(tmp_path: Path) -> None:
    run = tmp_path / ("deep" * 40) / "run"
    run.mkdir(parents=True)
    with a_master(run, saying({"ok": "here"})):
        assert ask(str(run), "ping") == "here"


def test_an_answer_in_pieces_is_one_answer(tmp_path: Path) -> None:
    with a_master(tmp_path, saying({"ok": "x" * 300_000})):
        assert len(ask(str(tmp_path), "ping")) == 300_000


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("unknown_task", UnknownTask),
        ("illegal_move", IllegalMove),
        ("not_allowed", NotAllowed),
        ("usage", UsageMistake),
        ("unavailable", BoardUnavailable),
        ("of_tomorrow", KoubouError),
    ],
)
def test_what_the_master_refuses_is_raised_by_its_kind(tmp_path: Path, kind: str, error: type[KoubouError]) -> None:
    with a_master(tmp_path, saying({"error": {"kind": kind, "message": "it says why"}})):
        with pytest.raises(error, match="it says why"):
            ask(str(tmp_path), "release")


def test_nobody_there_says_how_to_start_it(tmp_path: Path) -> None:
    with pytest.raises(NoMaster, match="koubou serve"):
        ask(str(tmp_path), "ping")


def test_a_socket_that_a_dead_master_left_is_nobody(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "control.sock"))
    with pytest.raises(NoMaster, match="koubou serve"):
        ask(str(tmp_path), "ping")


def test_a_master_that_hangs_up_or_talks_nonsense_is_no_master(tmp_path: Path) -> None:
    for said in (b"", b'{"ok"', b"nonsense\n", b"[]\n", b'{"error": "no"}\n'):
        run = tmp_path / str(len(said))
        run.mkdir()
        with a_master(run, lambda _asked, said=said: said), pytest.raises(NoMaster):  # type: ignore[misc]
            ask(str(run), "ping")


def test_a_master_that_never_answers_is_not_waited_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "control.sock"))
        deaf.listen()
        with pytest.raises(NoMaster, match=r"within 0\.05 s"):
            ask(str(tmp_path), "ping", patience=0.05)


def test_thousands_of_ids_are_asked_for_in_portions(tmp_path: Path) -> None:
    def each(asked: dict[str, Any]) -> bytes:
        results = [{"id": task_id, "ok": True, "message": ""} for task_id in asked["ids"]]
        return json.dumps({"ok": {"results": results}}).encode() + b"\n"

    ids = [f"task-{number}" for number in range(1_201)]
    with a_master(tmp_path, each) as asked:
        assert [result["id"] for result in ask_for_each(str(tmp_path), "cancel", ids)] == ids
    assert [len(one["ids"]) for one in asked] == [500, 500, 201]
