"""A workspace is copied whole and as it is, within bounds, and nothing that its owner may not read comes with it."""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from workspaces import copied, tree

from koubou.folders import copying
from koubou.folders.copying import Bounds, CannotCopy
from koubou.folders.workspace import copy_workspace, place_of_workspace

NOBODY = pwd.getpwnam("nobody").pw_uid
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to somebody else")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "src" / "deep").mkdir(parents=True)
    (root / "src" / "main.py").write_text("print()\n")
    (root / "src" / "deep" / "data").write_bytes(os.urandom(300_000))
    (root / "src" / "empty").mkdir()
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o4755)
    (root / "read-only").write_text("")
    (root / "read-only").chmod(0o444)
    (root / ".git").mkdir()
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    return root


def test_a_copy_is_what_was_copied(source: Path, tmp_path: Path) -> None:
    os.utime(source / "src" / "main.py", ns=(1_000_000_007, 2_000_000_009))
    os.utime(source / "src", ns=(1_000_000_007, 3_000_000_009))
    done = copied(source, tmp_path / "copy")
    copy = tmp_path / "copy"
    assert tree(copy) == tree(source)
    assert (copy / "src" / "empty").is_dir()
    assert (copy / ".git" / "HEAD").read_text() == "ref: refs/heads/main\n"
    assert (copy / "src" / "main.py").stat().st_mtime_ns == 2_000_000_009
    assert (copy / "src").stat().st_mtime_ns == 3_000_000_009
    assert (done.files, done.folders, done.links, done.left_out) == (5, 4, 0, 0)
    assert done.bytes == sum(path.stat().st_size for path in source.rglob("*") if path.is_file())


def test_modes_are_kept_but_for_power_and_what_keeps_us_out(source: Path, tmp_path: Path) -> None:
    copied(source, tmp_path / "copy")
    modes = {name: stat.S_IMODE((tmp_path / "copy" / name).stat().st_mode) for name in ("run.sh", "read-only")}
    assert modes == {"run.sh": 0o755, "read-only": 0o644}


def test_links_are_copied_and_never_followed(source: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hidden")
    links = {
        "inner": "src/main.py",
        "up": "../secret",
        "absolute": str(tmp_path / "secret"),
        "folder": "/etc",
        "no": "x",
    }
    for name, target in links.items():
        (source / name).symlink_to(target)
    done = copied(source, tmp_path / "copy")
    assert {name: os.readlink(tmp_path / "copy" / name) for name in links} == links
    assert done.links == 5
    assert not any(content == b"hidden" for _, content in tree(tmp_path / "copy").values())


def test_the_copy_shares_no_file_with_the_source(source: Path, tmp_path: Path) -> None:
    os.link(source / "run.sh", source / "twin")
    copied(source, tmp_path / "copy")
    (tmp_path / "copy" / "twin").write_text("changed")
    assert (source / "twin").read_text() == (tmp_path / "copy" / "run.sh").read_text() == "#!/bin/sh\n"
    assert all(path.stat().st_nlink == 1 for path in (tmp_path / "copy").rglob("*") if path.is_file())


def test_devices_pipes_and_sockets_are_left_out(source: Path, tmp_path: Path) -> None:
    os.mkfifo(source / "pipe")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(source / "socket"))
    listening.close()
    assert copied(source, tmp_path / "copy").left_out == 2
    assert not {"pipe", "socket"} & set(os.listdir(tmp_path / "copy"))


@as_root
def test_what_its_owner_may_not_read_is_left_out(source: Path, tmp_path: Path) -> None:
    (source / "mine").write_text("hidden")
    (source / "mine").chmod(0o640)
    (source / "my-folder").mkdir(mode=0o711)
    (source / "my-folder" / "open").write_text("seen by name only")
    for each in (tmp_path, *tmp_path.parents):
        if each.stat().st_uid == os.geteuid() and each != Path("/") and str(each).startswith("/tmp/"):
            each.chmod(each.stat().st_mode | 0o055)
    assert copied(source, tmp_path / "copy", owner=NOBODY).left_out == 2
    assert not {"mine", "my-folder"} & set(os.listdir(tmp_path / "copy"))
    source.chmod(0o700)
    with pytest.raises(CannotCopy, match="may not be read by whoever") as refused:
        copied(source, tmp_path / "other", owner=NOBODY)
    assert refused.value.kind == "permission"
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("bounds", "kind", "words"),
    [
        (Bounds(files=8), "files", "more than 8 files"),
        (Bounds(bytes=300_000), "bytes", "more than 0 MB"),
        (Bounds(depth=1), "depth", "more than 1 folders deep"),
    ],
)
def test_a_bound_is_named_and_nothing_is_left(
    source: Path, tmp_path: Path, bounds: Bounds, kind: str, words: str
) -> None:
    with pytest.raises(CannotCopy, match=words) as refused:
        copied(source, tmp_path / "copy", bounds=bounds)
    assert refused.value.kind == kind
    assert not (tmp_path / "copy").exists()


def test_a_file_of_nothing_but_holes_counts_as_what_it_says(source: Path, tmp_path: Path) -> None:
    with (source / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(CannotCopy, match="more than 4,096 MB"):
        copied(source, tmp_path / "copy")


def _by_link(source: Path) -> Path:
    (source.parent / "link").symlink_to(source)
    return source.parent / "link"


@pytest.mark.parametrize(
    ("change", "roots", "kind"),
    [
        (lambda source: source, ("/no/such/root",), "outside"),
        (lambda source: source / ".." / ".." / "etc", None, "outside"),
        (lambda source: source / "gone", None, "missing"),
        (lambda source: source / "run.sh", None, "missing"),
        (_by_link, None, "missing"),
        (lambda source: source.parent, None, "outside"),
    ],
)
def test_what_is_no_workspace_is_refused(
    source: Path, tmp_path: Path, change: Callable[[Path], Path], roots: tuple[str, ...] | None, kind: str
) -> None:
    with pytest.raises(CannotCopy) as refused:
        copied(change(source), tmp_path / "copy", roots=roots or (str(tmp_path),))
    assert refused.value.kind == kind
    assert not (tmp_path / "copy").exists()


def test_a_root_may_be_reached_by_a_link(source: Path, tmp_path: Path) -> None:
    (tmp_path / "root").symlink_to(tmp_path)
    copied(tmp_path / "root" / "source", tmp_path / "copy", roots=(str(tmp_path / "root"),))
    assert tree(tmp_path / "copy") == tree(source)


def test_a_workspace_to_be_worked_in_itself_is_found_by_its_real_path(source: Path, tmp_path: Path) -> None:
    (tmp_path / "root").symlink_to(tmp_path)
    asked = {"roots": (str(tmp_path / "root"),), "owner": os.geteuid()}
    assert place_of_workspace(f"{tmp_path}/root/source", str(tmp_path / "run"), **asked) == str(source)
    with pytest.raises(CannotCopy, match="holds the workshop itself"):
        place_of_workspace(f"{tmp_path}/root/source", f"{source}/runs/1", **asked)
    with pytest.raises(CannotCopy, match="is no folder, or is reached by a link"):
        place_of_workspace(f"{tmp_path}/root/root", str(tmp_path / "run"), **asked)


@as_root
def test_a_workspace_that_its_owner_cannot_write_is_not_worked_in(source: Path, tmp_path: Path) -> None:
    for each in (tmp_path, tmp_path.parent, tmp_path.parent.parent, source):
        each.chmod(0o755)
    asked = {"roots": (str(tmp_path),), "owner": NOBODY}
    with pytest.raises(CannotCopy, match="may not be written by"):
        place_of_workspace(str(source), str(tmp_path / "run"), **asked)
    os.chown(source, NOBODY, NOBODY)
    assert place_of_workspace(str(source), str(tmp_path / "run"), **asked) == str(source)


def test_names_of_any_bytes_are_copied(source: Path, tmp_path: Path) -> None:
    for name in (b"new\nline", b"\xff\xfe", "工房".encode(), b" ", b"-rf", b'"quoted"'):
        Path(os.fsdecode(os.path.join(os.fsencode(source), name))).write_text("x")
    copied(source, tmp_path / "copy")
    assert tree(tmp_path / "copy") == tree(source)


def test_a_cancelled_copy_is_over_and_gone_before_the_caller_goes_on(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = copying.os.sendfile

    async def cancel_it() -> None:
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()

        def slow(*given: object) -> int:
            loop.call_soon_threadsafe(begun.set)
            return real(given[0], given[1], None, 1)  # type: ignore[arg-type]

        monkeypatch.setattr(copying.os, "sendfile", slow)
        copy = copy_workspace(str(source), str(tmp_path / "copy"), roots=(str(tmp_path),), owner=None)
        running = asyncio.ensure_future(copy)
        await begun.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not (tmp_path / "copy").exists()

    asyncio.run(cancel_it())
