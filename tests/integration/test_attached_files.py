"""Prompt files and attachments: inside the workspace only, no links, and only what the submitter may read himself."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from intake import a_layout, an_open_folder, read

from koubou.errors import TaskFileError
from koubou.folders.beneath import OutOfReach, Reader, read_beneath, within
from koubou.folders.layout import Layout
from koubou.folders.requests import ReadLimits
from koubou.model.task import Attachment

STRANGER = Reader(uid=54_321, groups=frozenset({54_321}))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return a_layout(tmp_path)


@pytest.fixture
def root() -> Iterator[Path]:
    """An allowed root with one workspace `app`, which everybody may read."""
    with an_open_folder() as folder:
        app = folder / "srv" / "app" / "src"
        app.mkdir(parents=True)
        (app / "login.py").write_text("x = 1\n")
        (app.parent / "ask.md").write_text("Please mend it.\n")
        for part in (app.parent.parent, app.parent, app):
            part.chmod(0o755)
        for file in (app / "login.py", app.parent / "ask.md"):
            file.chmod(0o644)
        yield folder / "srv"


def ask(layout: Layout, root: Path, text: str, **limits: int) -> list[Attachment]:
    drop = read(layout, "a.yaml", f"workspace: {root}/app\n{text}", ReadLimits(roots=[str(root)], **limits))
    return list(drop.documents[0].request.attachments)


def test_files_of_the_workspace_come_with_the_task(layout: Layout, root: Path) -> None:
    assert ask(layout, root, "prompt: x\nfiles: [./src/login.py, {name: b, content: c}]\n") == [
        Attachment(name="src/login.py", content="x = 1\n"),
        Attachment(name="b", content="c"),
    ]


def test_a_prompt_may_stand_in_a_file(layout: Layout, root: Path) -> None:
    text = f"workspace: {root}/app\nprompt_file: ask.md\n"
    drop = read(layout, "a.yaml", text, ReadLimits(roots=["/nowhere", str(root)]))
    assert drop.documents[0].request.prompt == "Please mend it.\n"


def test_the_same_task_with_another_file_is_another_task(layout: Layout, root: Path) -> None:
    text = f"workspace: {root}/app\nprompt: x\nfiles: [ask.md]\n"
    limits = ReadLimits(roots=[str(root)])
    first = read(layout, "a.yaml", text, limits).documents[0].digest
    (root / "app" / "ask.md").write_text("Something else.\n")
    for file in os.listdir(layout.tasks):
        if file.startswith(".claim-"):
            os.unlink(os.path.join(layout.tasks, file))
    assert read(layout, "a.yaml", text, limits).documents[0].digest != first


def _link(app: Path) -> None:
    os.symlink("ask.md", app / "bad")


def _folder_link(app: Path) -> None:
    os.symlink("src", app / "way")
    os.symlink("/etc", app / "out")


BAD: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "going up": ("attachment", "../other", lambda app: (app.parent / "other").write_text("x")),
    "going up within": ("attachment", "src/../../other", lambda app: (app.parent / "other").write_text("x")),
    "absolute": ("attachment", "/etc/hostname", lambda app: None),
    "empty": ("attachment", ".", lambda app: None),
    "not there": ("attachment", "src/none.py", lambda app: None),
    "a link": ("file_type", "bad", _link),
    "through a link": ("file_type", "way/login.py", _folder_link),
    "out through a link": ("file_type", "out/hostname", _folder_link),
    "a folder": ("file_type", "src", lambda app: None),
    "a file as a folder": ("file_type", "ask.md/x", lambda app: None),
    "a pipe": ("file_type", "bad", lambda app: os.mkfifo(app / "bad")),
    "a binary": ("encoding", "bad", lambda app: (app / "bad").write_bytes(b"\xff\xfe")),
    "NUL": ("encoding", "bad", lambda app: (app / "bad").write_bytes(b"a\0b")),
    "too large": ("size", "bad", lambda app: (app / "bad").write_bytes(b"x" * 1_001)),
    "a long name": ("attachment", "n" * 201, lambda app: None),
}


@pytest.mark.parametrize(("kind", "name", "make"), BAD.values(), ids=BAD)
def test_what_cannot_be_attached_is_refused(
    layout: Layout, root: Path, kind: str, name: str, make: Callable[[Path], object]
) -> None:
    make(root / "app")
    with pytest.raises(TaskFileError) as refused:
        ask(layout, root, f"prompt: x\nfiles: [{name}]\n", attached=1_000)
    assert (refused.value.kind, refused.value.problem.key, refused.value.problem.line) == (kind, "files[0]", 3)


def test_the_limit_is_for_all_files_of_all_documents_together(layout: Layout, root: Path) -> None:
    (root / "app" / "big").write_bytes(b"x" * 600)
    document = f"workspace: {root}/app\nprompt: x\nfiles: [big]\n"
    with pytest.raises(TaskFileError) as refused:
        read(layout, "a.yaml", f"{document}---\n{document}", ReadLimits(roots=[str(root)], attached=1_000))
    assert (refused.value.kind, refused.value.problem.line) == ("size", 7)


@pytest.mark.parametrize("workspace", ["/etc", "{root}-other", "{root}/../etc", "src"])
def test_a_workspace_lies_under_an_allowed_root(layout: Layout, root: Path, workspace: str) -> None:
    text = f"prompt: x\nworkspace: {workspace.format(root=root)}\n"
    with pytest.raises(TaskFileError) as refused:
        read(layout, "a.yaml", text, ReadLimits(roots=[str(root)]))
    assert refused.value.kind == "workspace"


def test_a_root_is_compared_name_by_name() -> None:
    assert within("/srv/app/x", "/srv/app/") == ("x",)
    assert within("/srv/app", "/srv/app") == ()
    assert within("/srv/application", "/srv/app") is None
    assert within("/srv/app/../x", "/srv/app") is None


def may(root: Path, who: Reader, *parts: str) -> bool:
    try:
        return bool(read_beneath(str(root), parts, who, 1_000))
    except OutOfReach as problem:
        if problem.kind != "permission":
            raise
        return False


def test_a_stranger_gets_what_everybody_may_read(root: Path) -> None:
    assert may(root, STRANGER, "app", "ask.md")


def test_a_stranger_does_not_get_what_only_the_workshop_may_read(root: Path) -> None:
    (root / "app" / "ask.md").chmod(0o640)
    assert not may(root, STRANGER, "app", "ask.md")


def test_a_closed_folder_on_the_way_closes_what_lies_beneath(root: Path) -> None:
    (root / "app").chmod(0o750)
    assert not may(root, STRANGER, "app", "ask.md")
    (root / "app").chmod(0o755)
    root.parent.chmod(0o700)
    assert not may(root, STRANGER, "app", "ask.md")


def test_a_member_of_the_group_gets_what_the_group_may_read(root: Path) -> None:
    file = root / "app" / "ask.md"
    file.chmod(0o640)
    member = Reader(uid=STRANGER.uid, groups=frozenset({file.stat().st_gid}))
    assert may(root, member, "app", "ask.md")
    file.chmod(0o604)
    assert not may(root, member, "app", "ask.md")


def test_an_owner_gets_what_the_owner_may_read(root: Path) -> None:
    owner = Reader(uid=os.geteuid(), groups=frozenset())
    (root / "app" / "ask.md").chmod(0o400)
    assert may(root, owner, "app", "ask.md")


def test_where_an_access_list_speaks_a_stranger_gets_nothing(root: Path) -> None:
    file = root / "app" / "ask.md"
    nobody = 0xFFFFFFFF
    entries = [(1, 6, nobody), (2, 0, STRANGER.uid), (4, 4, nobody), (0x10, 4, nobody), (0x20, 4, nobody)]
    access_list = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(file, "system.posix_acl_access", access_list)
    except OSError:
        pytest.skip("this file system has no access lists")
    assert file.stat().st_mode & 0o004
    assert not may(root, STRANGER, "app", "ask.md")


def test_root_gets_everything(root: Path) -> None:
    (root / "app").chmod(0o700)
    assert may(root, Reader(uid=0, groups=frozenset()), "app", "ask.md")
