"""Bad input of every kind is refused with a reason that people and programs can read; good files beside it go on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from workshop import Workshop

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

TEXTS: Mapping[str, bytes] = {
    "unclosed.yaml": b"prompt: [a, b",
    "tab.yaml": b"prompt: hello\n\ttitle: x\n",
    "bomb.yaml": BOMB.encode() + b"prompt: *i\n",
    "deep.yaml": b"prompt: x\nmetadata: " + b"[" * 5_000 + b"]" * 5_000,
    "deep.json": b'{"prompt": "x", "metadata": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "binary.yaml": bytes(range(256)) * 40,
    "utf16.yaml": "prompt: hello".encode("utf-16")[:-1],
    "latin1.yaml": "prompt: gr\u00fc\u00df Gott".encode("latin-1"),
    "empty.yaml": b"",
    "only-comments.yaml": b"# nothing is asked here\n",
    "a-list.yaml": b"- prompt: hello\n",
    "a-word.yaml": b"hello\n",
    "unknown-key.yaml": b"prompt: hello\npriorty: high\n",
    "wrong-type.yaml": b"prompt: hello\nretries: many\n",
    "empty-prompt.yaml": b"prompt: ''\n",
    "two-questions.yaml": b"prompt: hello\nmessages: [{role: user, content: hello}]\n",
    "twice.yaml": b"prompt: hello\nprompt: again\n",
    "twice.json": b'{"prompt": "hello", "prompt": "again"}',
    "tag.yaml": b"prompt: !!python/object/apply:os.system ['true']\n",
    "bad-id.yaml": b"id: ../../etc/passwd\nprompt: hello\n",
    "no-such-tier.yaml": b"prompt: hello\ntier: gpt5_hihg\n",
    "outside.yaml": b"prompt: hello\nfiles: [../../../etc/passwd]\n",
    "nan.json": b'{"prompt": "hello", "temperature": NaN}',
    "cut.json": b'{"prompt": "hel',
    "half.yaml": b"prompt: good\n---\nprompt: [bad\n",
    "own-parent.yaml": b"id: ouroboros\nprompt: hello\ndepends_on: [ouroboros]\n",
}


def _sparse(folder: Path) -> None:
    with (folder / "huge.yaml").open("wb") as file:
        file.write(b"prompt: hello\n")
        file.truncate(100 * 1024 * 1024)


def _linked(folder: Path) -> None:
    (folder.parent / "aside.txt").write_text("prompt: hello\n")
    os.symlink(folder.parent / "aside.txt", folder / "symlink.yaml")


def _hard_linked(folder: Path) -> None:
    (folder / ".aside.tmp").write_text("prompt: hello\n")
    os.link(folder / ".aside.tmp", folder / "hardlink.yaml")


# Each maker and the name that it makes. A kind that the master cannot move may stay, with a journal line.
STRANGE: Mapping[str, Callable[[Path], object]] = {
    "huge.yaml": _sparse,
    "symlink.yaml": _linked,
    "hardlink.yaml": _hard_linked,
    "fifo.yaml": lambda folder: os.mkfifo(folder / "fifo.yaml"),
    "folder.yaml": lambda folder: (folder / "folder.yaml").mkdir(),
}
STRANGE_NAMES: Mapping[str, bytes] = {
    "with a newline": b"line\nbreak.yaml",
    "not UTF-8": b"caf\xe9.yaml",
    "long": b"n" * 240 + b".yaml",
    "an escape sequence": b"\x1b[31mred.yaml",
}


@pytest.fixture
def good(workshop: Workshop) -> Callable[[], None]:
    """Drop good files before and after; the returned check waits until all of them are answered."""
    workshop.drop_all({f"good-{n}.yaml": {"id": f"good-{n}", "prompt": f"{n}?"} for n in range(5)})

    def check() -> None:
        workshop.drop_all({f"late-{n}.yaml": {"id": f"late-{n}", "prompt": f"{n}?"} for n in range(5)})
        wanted = {f"{when}-{n}" for when in ("good", "late") for n in range(5)}
        workshop.wait_until(lambda: wanted <= workshop.completed, "the good files to be answered")

    return check


def test_bad_texts_are_rejected_with_a_reason(workshop: Workshop, good: Callable[[], None]) -> None:
    workshop.drop_all(TEXTS)
    good()
    for name, content in TEXTS.items():
        refusal = workshop.refusal(name)
        assert refusal["file"] == name
        assert refusal["error"]["class"], name
        assert refusal["error"]["message"], name
        assert (workshop.home / "tasks" / "rejected" / name).read_bytes() == content
    workshop.wait_until(lambda: workshop.counts() == {"completed": 10}, "nothing but the good ones on the board")


def test_a_refusal_says_where_and_what_was_meant(workshop: Workshop) -> None:
    workshop.drop_all({name: TEXTS[name] for name in ("unknown-key.yaml", "unclosed.yaml", "no-such-tier.yaml")})
    unknown = workshop.refusal("unknown-key.yaml")["error"]
    assert (unknown["key"], unknown["nearest"], unknown["line"]) == ("priorty", "priority", 2)
    assert workshop.refusal("unclosed.yaml")["error"]["line"] in {1, 2}
    assert workshop.refusal("no-such-tier.yaml")["error"]["nearest"] == "gpt5_high"


def test_a_refusal_does_not_quote_the_file(workshop: Workshop) -> None:
    """What stands in the file may be secret."""
    workshop.drop("secret.yaml", b"prompt: hello\npassword: 'Tr0ub4dor-planted\n  and: [never closed\n")
    refusal = json.dumps(workshop.refusal("secret.yaml"))
    assert "Tr0ub4dor" not in refusal
    workshop.wait_for_event("task.rejected")
    assert "Tr0ub4dor" not in json.dumps(workshop.lines)


def test_things_that_are_no_plain_files_harm_nobody(workshop: Workshop, good: Callable[[], None]) -> None:
    tasks = workshop.home / "tasks"
    for make in STRANGE.values():
        make(tasks)
    good()
    for name in STRANGE:
        workshop.wait_until(
            lambda name=name: name in workshop.rejected or _is_told(workshop, name), f"a word about {name}"
        )
    assert (workshop.home / "aside.txt").read_text() == "prompt: hello\n"
    workshop.wait_until(lambda: workshop.counts() == {"completed": 10}, "nothing but the good ones on the board")


def test_strange_names_harm_nobody(workshop: Workshop, good: Callable[[], None]) -> None:
    tasks = os.fsencode(workshop.home / "tasks")
    for name in STRANGE_NAMES.values():
        draft = os.path.join(tasks, b".draft.tmp")
        with open(draft, "wb") as file:
            file.write(b"prompt: hello\n")
        os.rename(draft, os.path.join(tasks, name))
    good()
    for what, name in STRANGE_NAMES.items():
        workshop.wait_until(
            lambda name=name: not os.path.lexists(os.path.join(tasks, name)) or _is_told(workshop, os.fsdecode(name)),
            f"the file whose name is {what} to be taken, refused or told of",
        )
    assert workshop.koubou("status").returncode == 0
    assert "\x1b[31m" not in workshop.koubou("list").stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read_is_refused_with_the_remedy(workshop: Workshop, good: Callable[[], None]) -> None:
    draft = workshop.home / "tasks" / ".draft.tmp"
    draft.write_text("prompt: hello\n")
    draft.chmod(0)
    draft.rename(workshop.home / "tasks" / "locked.yaml")
    good()
    assert "read" in workshop.refusal("locked.yaml")["error"]["message"]


def test_unfinished_files_are_left_alone(workshop: Workshop, good: Callable[[], None]) -> None:
    left = (".hidden.yaml", "draft.tmp", "draft.yaml.part", "draft.yaml~", ".draft.yaml.swp", "notes.txt")
    for name in left:
        (workshop.home / "tasks" / name).write_text("prompt: hello\n")
    good()
    assert {name for name in left if (workshop.home / "tasks" / name).exists()} == set(left)
    workshop.wait_until(lambda: workshop.counts() == {"completed": 10}, "nothing but the good ones on the board")


def test_a_name_that_was_rejected_before_is_kept_beside_the_new_one(workshop: Workshop) -> None:
    rejected = workshop.home / "tasks" / "rejected"
    for content in (b"prompt: [one", b"prompt: [two"):
        workshop.drop("again.yaml", content)
        workshop.wait_until(
            lambda content=content: any(path.read_bytes() == content for path in rejected.glob("[!.]*")),
            "the file to be refused",
        )
    assert len([path for path in rejected.iterdir() if not path.name.endswith(".error.json")]) == 2
    assert len(workshop.rejected) == 2


def test_one_bad_document_refuses_the_whole_file(workshop: Workshop) -> None:
    workshop.drop("several.yaml", [{"id": "one", "prompt": "fine"}, {"id": "two", "prompt": "fine", "type": "poetry"}])
    workshop.refusal("several.yaml")
    workshop.drop("good.yaml", {"id": "good", "prompt": "fine"})
    workshop.output("good")
    workshop.wait_until(lambda: workshop.counts() == {"completed": 1}, "nothing but the good ones on the board")


def _is_told(workshop: Workshop, name: str) -> bool:
    return any(name in json.dumps(line, ensure_ascii=False).replace("\\n", "\n") for line in workshop.lines)
