"""What an agent changed is listed, and its patch makes of the original what the agent made of the copy."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workspaces import baseline, changes, copied, git, tree

from koubou.folders import git as ours
from koubou.folders import stream
from koubou.folders.changes import Change, ChangeKind
from koubou.folders.copying import Bounds

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not here: apt-get install git")
ADDED, MODIFIED, DELETED = ChangeKind.ADDED, ChangeKind.MODIFIED, ChangeKind.DELETED


@pytest.fixture
def work(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    (root / "src").mkdir(parents=True)
    (root / "src" / "main.py").write_text("one\ntwo\nthree\n")
    (root / "src" / "old.py").write_text("old\n")
    (root / "picture").write_bytes(bytes(range(256)) * 40)
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "link").symlink_to("src/main.py")
    return root


def told(*pairs: tuple[str, ChangeKind]) -> tuple[Change, ...]:
    return tuple(Change(path=path, kind=kind) for path, kind in pairs)


def applies(original: Path, patch: Path, changed: Path) -> None:
    git(original, "apply", "--binary", str(patch))
    assert tree(original) == tree(changed)


def test_a_patch_of_every_kind_of_change_applies_to_the_original(work: Path, tmp_path: Path) -> None:
    shutil.copytree(work, tmp_path / "original", symlinks=True)
    taken = baseline(work, tmp_path / "base")
    (work / "src" / "main.py").write_text("one\n2\nthree")
    (work / "src" / "old.py").unlink()
    (work / "picture").write_bytes(bytes(range(255, -1, -1)) * 50)
    (work / "run.sh").chmod(0o755)
    (work / "link").unlink()
    (work / "link").symlink_to("/etc/passwd")
    (work / "made").mkdir()
    (work / "made" / "new.py").write_text("new\n")
    (work / "made" / "empty").write_text("")
    found = changes(taken, tmp_path / "changes.patch")
    assert found.files == told(
        ("link", MODIFIED),
        ("made/empty", ADDED),
        ("made/new.py", ADDED),
        ("picture", MODIFIED),
        ("run.sh", MODIFIED),
        ("src/main.py", MODIFIED),
        ("src/old.py", DELETED),
    )
    assert (found.count, found.patch, found.trouble) == (7, str(tmp_path / "changes.patch"), None)
    applies(tmp_path / "original", tmp_path / "changes.patch", work)
    assert not (tmp_path / "base").exists()


def test_nothing_changed_is_no_patch(work: Path, tmp_path: Path) -> None:
    taken = baseline(work, tmp_path / "base")
    content = (work / "src" / "main.py").read_bytes()
    (work / "src" / "main.py").write_bytes(content)
    os.utime(work / "run.sh")
    (work / "empty").mkdir()
    found = changes(taken, tmp_path / "changes.patch")
    assert (found.files, found.count, found.patch, found.trouble) == ((), 0, None, None)
    assert not (tmp_path / "changes.patch").exists()
    assert not (tmp_path / "base").exists()


def test_a_change_that_hides_behind_its_old_size_and_time_is_found(work: Path, tmp_path: Path) -> None:
    taken = baseline(work, tmp_path / "base")
    before = (work / "src" / "main.py").stat()
    (work / "src" / "main.py").write_text("one\nTWO\nthree\n")
    os.utime(work / "src" / "main.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert changes(taken, tmp_path / "changes.patch").files == told(("src/main.py", MODIFIED))


@pytest.mark.parametrize(
    "name",
    [b"new\nline", b"tab\there", b'quo"te', b"back\\slash", b"\xff\xfe", "工房".encode(), b" ", b"-rf", b"a b", b":x"],
)
def test_a_name_of_any_bytes_is_in_the_patch(work: Path, tmp_path: Path, name: bytes) -> None:
    shutil.copytree(work, tmp_path / "original", symlinks=True)
    taken = baseline(work, tmp_path / "base")
    with open(os.path.join(os.fsencode(work), name), "wb") as file:
        file.write(b"content\n")
    found = changes(taken, tmp_path / "changes.patch")
    assert found.files == told((name.decode("utf-8", "backslashreplace"), ADDED))
    applies(tmp_path / "original", tmp_path / "changes.patch", work)


@pytest.mark.parametrize("first", ["file", "folder", "link"])
@pytest.mark.parametrize("then", ["file", "folder", "link"])
def test_what_becomes_something_else_is_in_the_patch(work: Path, tmp_path: Path, first: str, then: str) -> None:
    def make(kind: str, number: int) -> None:
        if kind == "file":
            (work / "it").write_text(f"{number}\n")
        elif kind == "link":
            (work / "it").symlink_to(f"src{number}")
        else:
            (work / "it").mkdir()
            (work / "it" / f"inner{number}").write_text("inner\n")

    make(first, 1)
    shutil.copytree(work, tmp_path / "original", symlinks=True)
    taken = baseline(work, tmp_path / "base")
    if first == "folder":
        shutil.rmtree(work / "it")
    else:
        (work / "it").unlink()
    make(then, 2)
    assert changes(taken, tmp_path / "changes.patch").patch is not None
    applies(tmp_path / "original", tmp_path / "changes.patch", work)


PLACES = st.sampled_from(["a", "b", "c", "a/x", "b/y", "b/y/z", "c/é", "c/new\nline"])
CONTENTS = st.one_of(st.binary(max_size=60), st.text("ab\n\r\t ", max_size=40).map(str.encode))
DEEDS = st.lists(st.tuples(PLACES, st.sampled_from(["write", "run", "link", "remove"]), CONTENTS), max_size=12)


def do(root: Path, deeds: list[tuple[str, str, bytes]]) -> None:
    for place, deed, content in deeds:
        path = root / place
        for each in reversed(path.parents):
            if each.is_relative_to(root) and (each.is_symlink() or each.is_file()):
                each.unlink()
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        if deed == "remove":
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if deed == "link":
            path.symlink_to(content.replace(b"\0", b"").decode("latin-1") or "x")
        else:
            path.write_bytes(content)
            path.chmod(0o755 if deed == "run" else 0o644)


@given(first=DEEDS, then=DEEDS, number=st.integers(0, 1 << 60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=25)
def test_any_edits_come_through_the_patch(
    tmp_path: Path, first: list[tuple[str, str, bytes]], then: list[tuple[str, str, bytes]], number: int
) -> None:
    folder = tmp_path / str(number)
    shutil.rmtree(folder, ignore_errors=True)
    original, work = folder / "original", folder / "work"
    original.mkdir(parents=True)
    do(original, first)
    copied(original, work)
    taken = baseline(work, folder / "base")
    do(work, then)
    found = changes(taken, folder / "changes.patch")
    assert found.trouble is None
    assert (found.count == 0) == (tree(original) == tree(work))
    if found.patch is not None:
        applies(original, folder / "changes.patch", work)


def test_a_repository_is_copied_and_its_own_files_are_none_of_the_changes(work: Path, tmp_path: Path) -> None:
    git(work, "init", "-q")
    git(work, "add", "-A")
    git(work, "commit", "-qm", "first")
    copied(work, tmp_path / "copy")
    taken = baseline(tmp_path / "copy", tmp_path / "base")
    (tmp_path / "copy" / "src" / "main.py").write_text("committed\n")
    git(tmp_path / "copy", "commit", "-qam", "the agent's own")
    found = changes(taken, tmp_path / "changes.patch")
    assert found.files == told(("src/main.py", MODIFIED))
    applies(work, tmp_path / "changes.patch", tmp_path / "copy")


def test_what_gitignore_names_is_no_change_unless_git_keeps_it(work: Path, tmp_path: Path) -> None:
    (work / ".gitignore").write_text("*.pyc\nbuild/\n")
    (work / "kept.pyc").write_text("kept")
    (work / "other.pyc").write_text("other")
    git(work, "init", "-q")
    git(work, "add", "-A")
    git(work, "add", "-f", "kept.pyc")
    (work / ".git" / "info" / "exclude").write_text("private*\n")
    taken = baseline(work, tmp_path / "base")
    (work / "build").mkdir()
    for name in ("build/made", "new.pyc", ":x.pyc", "[*].pyc", "private.txt", "kept.pyc", "said.py"):
        (work / name).write_text("new")
    (work / "other.pyc").unlink()
    found = changes(taken, tmp_path / "changes.patch")
    assert found.files == told(("kept.pyc", MODIFIED), ("said.py", ADDED))


@pytest.mark.parametrize("broken", [b"", b"DIRC", os.urandom(4000)])
def test_a_broken_index_hides_nothing(work: Path, tmp_path: Path, broken: bytes) -> None:
    (work / ".gitignore").write_text("*.pyc\n")
    (work / ".git").mkdir()
    (work / ".git" / "index").write_bytes(broken)
    taken = baseline(work, tmp_path / "base")
    for name in ("a.pyc", "a.py"):
        (work / name).write_text("new")
    assert changes(taken, tmp_path / "changes.patch").files == told(("a.py", ADDED))


def test_what_agents_leave_behind_is_removed(work: Path, tmp_path: Path) -> None:
    (work / ".aws").mkdir()
    taken = baseline(work, tmp_path / "base")
    for name in (".git", ".codex", ".agents/inner", ".claude"):
        (work / name).mkdir(parents=True)
    (work / ".claude" / "settings.json").write_text("{}")
    found = changes(taken, tmp_path / "changes.patch")
    assert found.files == told((".claude/settings.json", ADDED))
    assert {".git", ".codex", ".agents"} & set(os.listdir(work)) == set()
    assert (work / ".aws").is_dir()


def test_a_link_in_the_place_of_debris_is_not_followed(work: Path, tmp_path: Path) -> None:
    (tmp_path / "empty" / "inner").mkdir(parents=True)
    taken = baseline(work, tmp_path / "base")
    (work / ".codex").symlink_to(tmp_path / "empty")
    assert changes(taken, tmp_path / "changes.patch").files == told((".codex", ADDED))
    assert (tmp_path / "empty" / "inner").is_dir()


def test_a_hostile_workspace_runs_nothing(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\necho sprung >>{tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    git(work, "init", "-q")
    for key in ("core.fsmonitor", "filter.f.clean", "filter.f.smudge", "filter.f.process", "diff.d.command"):
        git(work, "config", key, str(trap))
    for key in ("diff.d.textconv", "diff.external", "core.pager", "core.editor", "gpg.program", "alias.diff-tree"):
        git(work, "config", key, str(trap))
    git(work, "config", "core.hooksPath", str(work / "hooks"))
    shutil.copytree(work / ".git", tmp_path / "dot-git")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(trap))
    monkeypatch.setenv("GIT_DIR", str(work / ".git"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(work / ".git" / "config"))
    (work / ".gitattributes").write_text("* filter=f diff=d\n")
    (work / ".gitmodules").write_text(f'[submodule "sub"]\n\tpath = sub\n\turl = ext::sh -c {trap}\n')
    for hooks in (work / "hooks", work / ".git" / "hooks"):
        hooks.mkdir(exist_ok=True)
        for name in ("post-index-change", "reference-transaction", "pre-commit", "post-checkout"):
            shutil.copy(trap, hooks / name)
    taken = baseline(work, tmp_path / "base")
    shutil.copytree(tmp_path / "dot-git", work / "sub" / ".git")
    (work / "sub" / "inner").write_text("inner\n")
    (work / "src" / "main.py").write_text("changed\n")
    (work / ".gitattributes").write_text("* filter=f diff=d text\n")
    found = changes(taken, tmp_path / "changes.patch")
    assert found.files == told((".gitattributes", MODIFIED), ("src/main.py", MODIFIED), ("sub/inner", ADDED))
    assert "changed" in (tmp_path / "changes.patch").read_text()
    assert not (tmp_path / "sprung").exists()


def test_a_link_to_a_file_of_the_host_shows_none_of_it(work: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hidden")
    taken = baseline(work, tmp_path / "base")
    shutil.rmtree(work / "src")
    (work / "src").symlink_to(tmp_path)
    (work / "shown").symlink_to(tmp_path / "secret")
    changes(taken, tmp_path / "changes.patch")
    assert "hidden" not in (tmp_path / "changes.patch").read_text()


def test_more_than_a_patch_bears_is_listed_without_one(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_MOST", 1 << 20)
    taken = baseline(work, tmp_path / "base")
    (work / "large").write_bytes(b"x" * (2 << 20))
    found = changes(taken, tmp_path / "changes.patch")
    assert found.files == told(("large", ADDED))
    assert found.patch is None
    assert found.trouble == "the files that changed hold more than 1 MB: no patch is made of them"
    assert not (tmp_path / "changes.patch").exists()


def test_more_files_than_can_be_looked_through_are_trouble(work: Path, tmp_path: Path) -> None:
    taken = baseline(work, tmp_path / "base", bounds=Bounds(files=20))
    for number in range(30):
        (work / str(number)).write_text("")
    found = changes(taken, tmp_path / "changes.patch")
    assert found.trouble == "what the agent left cannot be looked through: it holds more than 20 files"
    assert not (tmp_path / "base").exists()


def test_where_there_is_no_git_the_list_is_all(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ours._ENVIRONMENT, "PATH", str(tmp_path))
    taken = baseline(work, tmp_path / "base")
    (work / "new").write_text("new")
    found = changes(taken, tmp_path / "changes.patch")
    assert found.files == told(("new", ADDED))
    assert found.trouble is not None
    assert "apt-get install git" in found.trouble


def test_a_folder_of_many_files_in_any_order_is_one_patch(work: Path, tmp_path: Path) -> None:
    for number in range(1_500):
        (work / f"file-{number}").write_text(f"{number}\n")
    shutil.copytree(work, tmp_path / "original", symlinks=True)
    taken = baseline(work, tmp_path / "base")
    for number in random.Random(7).sample(range(1_500), 1_200):
        (work / f"file-{number}").write_text(f"-{number}\n")
    found = changes(taken, tmp_path / "changes.patch")
    assert (found.count, len(found.files)) == (1_200, 1_000)
    applies(tmp_path / "original", tmp_path / "changes.patch", work)
