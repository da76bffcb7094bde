"""The look into a workspace: what is likely comes first, no link is followed, and it has an end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from koubou.folders.around import Bounds, look_around

SECRET = "DB_PASSWORD=kingyo42sukui\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "srv" / "app"
    folder.mkdir(parents=True)
    return folder


def names(root: Path, *way: str, **bounds: float) -> list[str]:
    return [name for _, name, _ in look_around(str(root), way, Bounds(**bounds))]  # type: ignore[arg-type]


def write(path: Path, content: str | bytes = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_likely_files_come_first_however_deep(workspace: Path) -> None:
    for number in range(20):
        write(workspace / f"a{number}.py")
    write(workspace / "deploy" / "prod" / ".env", SECRET)
    write(workspace / ".git" / "config", "[remote]")
    write(workspace / "keys" / "host.pem")
    found = look_around(str(workspace.parent), ("app",))
    assert {name for _, name, _ in found[:3]} == {"deploy/prod/.env", ".git/config", "keys/host.pem"}
    assert len(found) == 23
    assert (("workspace[.git/config]", ".git/config", "[remote]")) in found
    assert all(place.startswith("workspace[") and "prod" not in place for place, _, _ in found)


def test_no_link_is_followed(workspace: Path, tmp_path: Path) -> None:
    write(tmp_path / "outside" / ".env", SECRET)
    (workspace / ".env").symlink_to(tmp_path / "outside" / ".env")
    (workspace / "folder").symlink_to(tmp_path / "outside")
    (workspace.parent / "way").symlink_to(tmp_path / "outside")
    assert names(workspace.parent, "app") == []
    assert names(workspace.parent, "way") == []


def test_the_root_itself_may_be_reached_by_a_link(workspace: Path, tmp_path: Path) -> None:
    write(workspace / ".env", SECRET)
    (tmp_path / "link").symlink_to(workspace.parent)
    assert names(tmp_path / "link", "app") == [".env"]


def test_a_look_has_bounds(workspace: Path) -> None:
    for number in range(50):
        write(workspace / f"{number:02}.txt", "y" * 100_000)
    assert len(names(workspace.parent, "app", files=7)) == 7
    assert len(names(workspace.parent, "app", entries=9)) == 9
    assert {len(begins) for _, _, begins in look_around(str(workspace.parent), ("app",))} == {1_024}
    write(workspace / "a" / "b" / "c" / ".env", SECRET)
    assert ".env" not in " ".join(names(workspace.parent, "app", depth=1))


def test_a_look_ends_in_time(workspace: Path) -> None:
    for number in range(10):
        write(workspace / f"{number}.txt")
    times = iter(range(100))
    assert len(look_around(str(workspace.parent), ("app",), Bounds(seconds=14), lambda: float(next(times)))) < 10


def test_pipes_programs_and_what_nobody_may_read_are_passed_over(workspace: Path) -> None:
    os.mkfifo(workspace / "secret.pipe")
    write(workspace / "node_modules" / ".env", SECRET)
    write(workspace / "binary.key", b"\x00\x01" + SECRET.encode())
    write(workspace / "wide.txt", ("\ufeff" + SECRET).encode("utf-16-le"))
    found = {name: begins for _, name, begins in look_around(str(workspace.parent), ("app",))}
    assert found == {"binary.key": "", "wide.txt": SECRET}


def test_where_there_is_no_such_folder_there_is_nothing(tmp_path: Path) -> None:
    assert names(tmp_path, "none") == []
