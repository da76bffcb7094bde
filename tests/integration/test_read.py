"""Whatever is dropped ends as checked requests, or as one reason to refuse it; never as a crash or a hang."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from intake import a_layout, claimed, put, read, the_claim

from koubou.documents.limits import Limits
from koubou.errors import TaskFileError
from koubou.folders.layout import Layout
from koubou.folders.read import read_claim
from koubou.folders.requests import ReadLimits

BOMB = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n".encode()
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

BAD: Mapping[str, tuple[str, bytes]] = {
    "bad YAML": ("yaml", b"prompt: [a, b"),
    "an alias bomb": ("nodes", BOMB + b"prompt: *i\n"),
    "many aliases": ("alias", b"a: &a x\nmetadata: [" + b"*a, " * 100 + b"]\n"),
    "deep nesting": ("depth", b"prompt: x\nmetadata: " + b"[" * 5_000 + b"]" * 5_000),
    "a binary": ("encoding", bytes(range(256)) * 40),
    "NUL bytes": ("encoding", b"prompt: a\0b\n"),
    "Latin-1": ("encoding", "prompt: grüß Gott\n".encode("latin-1")),
    "UTF-16": ("encoding", "prompt: hello".encode("utf-16")),
    "an empty file": ("empty", b""),
    "only a BOM": ("empty", b"\xef\xbb\xbf"),
    "only comments": ("empty", b"# nothing is asked here\n"),
    "a list": ("schema", b"- prompt: hello\n"),
    "a word": ("schema", b"hello\n"),
    "null": ("schema", b"null\n"),
    "an unknown key": ("schema", b"prompt: hello\npriorty: high\n"),
    "a wrong type": ("schema", b"prompt: hello\nretries: many\n"),
    "a duplicate key": ("duplicate_key", b"prompt: hello\nprompt: again\n"),
    "a tag": ("tag", b"prompt: !!python/object/apply:os.system ['true']\n"),
    "an impossible date": ("number", b"prompt: hello\nnot_before: 2026-13-45\n"),
    "a self-reference": ("alias", b"prompt: hello\nmetadata: &a {again: *a}\n"),
    "a bad second document": ("schema", b"prompt: good\n---\nprompt: [bad]\n"),
}
BAD_JSON: Mapping[str, tuple[str, bytes]] = {
    "bad JSON": ("json", b'{"prompt": "hel'),
    "deep nesting": ("depth", b'{"prompt": "x", "metadata": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "a duplicate key": ("duplicate_key", b'{"prompt": "hello", "prompt": "again"}'),
    "NaN": ("number", b'{"prompt": "hello", "temperature": NaN}'),
    "half a surrogate pair": ("encoding", b'{"prompt": "\\ud83d"}'),
    "a NUL escape": ("encoding", b'{"prompt": "a\\u0000b"}'),
    "an empty file": ("empty", b""),
    "two values": ("json", b'{"prompt": "a"}{"prompt": "b"}'),
}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return a_layout(tmp_path)


def refusal(layout: Layout, name: bytes | str, content: bytes | str, limits: ReadLimits | None = None) -> TaskFileError:
    with pytest.raises(TaskFileError) as refused:
        read(layout, name, content, limits)
    return refused.value


@pytest.mark.parametrize(("kind", "content"), BAD.values(), ids=BAD)
def test_bad_yaml_is_refused_for_what_it_is(layout: Layout, kind: str, content: bytes) -> None:
    assert refusal(layout, "a.yaml", content).kind == kind


@pytest.mark.parametrize(("kind", "content"), BAD_JSON.values(), ids=BAD_JSON)
def test_bad_json_is_refused_for_what_it_is(layout: Layout, kind: str, content: bytes) -> None:
    assert refusal(layout, "a.json", content).kind == kind


def test_a_refusal_says_where_and_what_was_meant(layout: Layout) -> None:
    problem = refusal(layout, "a.yaml", "prompt: hello\npriorty: high\n").problem
    assert (problem.file, problem.line, problem.column) == ("a.yaml", 2, 1)
    assert (problem.key, problem.nearest) == ("priorty", "priority")


def test_a_refusal_tells_of_every_mistake(layout: Layout) -> None:
    error = refusal(layout, "a.yaml", "prompt: hello\nretries: x\nisolate: 7\nlocks: 8\n").as_json()
    assert error["message"] == (
        "retries must be a whole number; line 3: isolate must be true or false; line 4: locks must be a list"
    )
    assert [(each["line"], each["key"]) for each in error["problems"]] == [(2, "retries"), (3, "isolate"), (4, "locks")]


def test_every_mistake_of_a_refusal_has_what_was_meant(layout: Layout) -> None:
    error = refusal(layout, "a.yaml", "prompt: hello\npriorty: 1\nretires: 2\ntitel: x\n").as_json()
    assert error["nearest"] == "priority"
    assert [each["nearest"] for each in error["problems"]] == ["priority", "retries", "title"]
    assert error["message"].count("did you mean") == 3


def test_of_very_many_mistakes_some_are_told_and_the_others_counted(layout: Layout) -> None:
    error = refusal(layout, "a.yaml", "prompt: hello\n" + "".join(f"key_{at}: 1\n" for at in range(9))).as_json()
    assert error["message"].count("unknown key") == 5
    assert error["message"].endswith("; and 4 more")
    assert len(error["problems"]) == 9


def test_a_refusal_names_the_line_within_the_whole_file(layout: Layout) -> None:
    assert refusal(layout, "a.yaml", "prompt: good\n---\nprompt: good\nretries: x\n").problem.line == 4


def test_a_refusal_never_quotes_the_file(layout: Layout) -> None:
    for text in ("sk-planted: [", "prompt: x\nretries: sk-planted\n", "prompt: x\nsk-planted value: 1\n"):
        assert "sk-planted" not in str(refusal(layout, "a.yaml", text))


def test_a_huge_file_is_refused_without_reading_it(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    with open(put(layout, "huge.yaml"), "r+b") as file:
        file.truncate(100 * 1024 * 1024)
    claim = the_claim(layout)
    monkeypatch.setattr(os, "read", lambda *_: pytest.fail("it was read"))
    with pytest.raises(TaskFileError) as refused:
        read_claim(layout, claim, ReadLimits())
    assert refused.value.kind == "size"


def test_a_file_that_grows_while_it_is_read_is_bounded(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(layout, "a.yaml", b"prompt: " + b"x" * 500)
    claim = the_claim(layout)
    real = os.read

    def growing(descriptor: int, length: int) -> bytes:
        with open(os.path.join(os.path.dirname(path), claim.file), "ab") as file:
            file.write(b"y" * 400)
        return real(descriptor, length)

    monkeypatch.setattr(os, "read", growing)
    with pytest.raises(TaskFileError) as refused:
        read_claim(layout, claim, ReadLimits(document=Limits(size=1_000)))
    assert refused.value.kind == "size"


def test_a_file_of_exactly_the_largest_size_is_read(layout: Layout) -> None:
    text = b"prompt: " + b"x" * 992
    assert (
        read(layout, "a.yaml", text, ReadLimits(document=Limits(size=1_000))).documents[0].request.prompt == "x" * 992
    )


def _listen(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        try:
            door.bind(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
        finally:
            os.close(folder)


def _hard_link(path: str) -> None:
    aside = f"{os.path.dirname(path)}/aside.txt"
    Path(aside).write_text("prompt: hello\n")
    os.link(aside, path)


STRANGE: Mapping[str, Callable[[str], object]] = {
    "a symbolic link": lambda path: os.symlink("/etc/hostname", path),
    "a symbolic link that leads nowhere": lambda path: os.symlink("/nowhere", path),
    "a pipe": os.mkfifo,
    "a socket": _listen,
    "a folder": os.mkdir,
    "a hard link": _hard_link,
}


@pytest.mark.parametrize("make", STRANGE.values(), ids=STRANGE)
def test_what_is_no_plain_file_is_refused_without_waiting(layout: Layout, make: Callable[[str], object]) -> None:
    make(f"{layout.tasks}/x.yaml")
    with pytest.raises(TaskFileError) as refused:
        read_claim(layout, the_claim(layout), ReadLimits())
    assert refused.value.kind == "file_type"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused_with_the_remedy(layout: Layout) -> None:
    os.chmod(put(layout, "a.yaml"), 0)
    with pytest.raises(TaskFileError, match="mode 0640") as refused:
        read_claim(layout, the_claim(layout), ReadLimits())
    assert refused.value.kind == "permission"


def test_a_claim_that_somebody_took_away_is_no_refusal(layout: Layout) -> None:
    claim = claimed(layout, "a.yaml")
    os.unlink(os.path.join(os.fsencode(layout.tasks), claim.file))
    with pytest.raises(FileNotFoundError):
        read_claim(layout, claim, ReadLimits())


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"line\nbreak.yaml", "line\\nbreak.yaml"),
        (b"caf\xe9.yaml", "caf\\xe9.yaml"),
        (b"\x1b[31m.yaml", "\\x1b[31m.yaml"),
    ],
)
def test_files_of_strange_names_are_read_and_refused_like_others(layout: Layout, name: bytes, shown: str) -> None:
    assert read(layout, name, "prompt: hello\n").claim.name == name
    for file in os.listdir(layout.tasks):
        if file.startswith(".claim-"):
            os.unlink(os.path.join(layout.tasks, file))
    assert refusal(layout, name, "prompt: [").problem.file == shown


def test_a_bom_before_the_text_is_passed_over(layout: Layout) -> None:
    assert read(layout, "a.yaml", b"\xef\xbb\xbfprompt: hello\n").documents[0].request.prompt == "hello"


def test_every_document_of_a_file_is_read_with_its_own_text(layout: Layout) -> None:
    drop = read(layout, "a.yaml", "prompt: one\n---\nprompt: two\nid: second\n")
    assert [document.request.prompt for document in drop.documents] == ["one", "two"]
    assert "one" in drop.documents[0].source
    assert "one" not in drop.documents[1].source
    assert drop.owner == os.geteuid()


def test_a_file_may_hold_so_many_documents_and_no_more(layout: Layout) -> None:
    limits = ReadLimits(documents=3)
    assert refusal(layout, "a.yaml", "prompt: x\n---\n" * 4, limits).kind == "documents"


def test_json_says_emoji_by_escapes(layout: Layout) -> None:
    assert read(layout, "a.JSON", '{"prompt": "\\ud83d\\ude00"}').documents[0].request.prompt == "😀"


def test_a_long_name_keeps_its_language(layout: Layout) -> None:
    assert read(layout, "n" * 240 + ".json", '{"prompt": "\\u0041"}').documents[0].request.prompt == "A"
