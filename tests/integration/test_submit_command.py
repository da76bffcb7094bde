"""Submitting: what is dropped says the same as what the author wrote, stands alone, and was checked before."""

from __future__ import annotations

import io
import itertools
import json
import os
from pathlib import Path
from typing import Any

import pytest

from koubou.cli.main import main
from koubou.config.defaults import SYSTEM_FILE
from koubou.documents.reading import read_documents
from koubou.errors import TaskFileError
from koubou.folders.layout import Layout
from koubou.folders.requests import Asking, ReadLimits, digest
from koubou.model.task import Attachment, TaskRequest
from koubou.model.ulid import is_ulid
from koubou.views.draft import Draft, draft_of_file, draft_of_prompt
from koubou.views.wishes import Wishes

NOTHING = Wishes(keys={}, attach=())
LIMITS = ReadLimits(roots=("/",), tiers=("local", "gpt5_high"))


def drafted(path: Path | str, wishes: Wishes = NOTHING, limits: ReadLimits = LIMITS) -> Draft:
    numbers = itertools.count(1)
    return draft_of_file(str(path), wishes, limits, lambda: f"new-{next(numbers)}")


def as_master_reads(draft: Draft) -> list[TaskRequest]:
    """What the intake makes of the dropped bytes, which knows nothing of the folder they came from."""
    asking = Asking("dropped", os.geteuid(), LIMITS)
    return [asking.request(each) for each in read_documents(draft.data, name="", json=draft.suffix == ".json")]


def check_agreement(draft: Draft) -> list[TaskRequest]:
    """The master must read what was promised: these ids, and these digests."""
    requests = as_master_reads(draft)
    assert [request.id for request in requests] == list(draft.ids)
    assert [digest(request) for request in requests] == list(draft.digests)
    return requests


@pytest.mark.parametrize(
    "text",
    [
        "prompt: Hello\n",
        "id: my-own\nprompt: Hello\n",
        "# a comment\nprompt: |\n  Two\n  lines\n",
        "---\nprompt: Hello\n",
        "---\nprompt: a\n---\nid: b\nprompt: b\n---\nprompt: c",
        '{"prompt": "flow"}',
        "prompt: Hello\nnot_before: 2030-01-01T00:00:00+09:00\n",
        "prompt: Hello\nmetadata: {due: 2030-01-01, list: [1, 2.5, null, true]}\n",
        "metadata: &m {a: b}\nprompt: Hello\nresponse_format: *m\n",
        "prompt: 'emoji \U0001f600 工房 \u0085 tabs\\t'\n",
        "%YAML 1.1\n---\nprompt: Hello\n",
        "prompt: Hello\n...\n",
    ],
)
def test_what_is_dropped_says_the_same(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text)
    check_agreement(drafted(file))


def test_the_authors_own_words_and_comments_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("# why\nprompt: |\n  Hello   # no comment\n")
    draft = drafted(file)
    assert draft.data == b"id: new-1\n# why\nprompt: |\n  Hello   # no comment\n"
    assert draft.suffix == ".yaml"


def test_json_stays_json(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"prompt": "\\ud83d\\ude00"}')
    draft = drafted(file)
    assert draft.suffix == ".json"
    assert check_agreement(draft)[0].prompt == "\U0001f600"


def test_files_beside_it_go_inside(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text("print('工房')\n")
    (tmp_path / "question.md").write_text("Why?\n")
    file = tmp_path / "a.yaml"
    file.write_text("prompt_file: question.md\nfiles: [src/a.py, {name: b, content: c}]\n")
    (request,) = check_agreement(drafted(file))
    assert request.prompt == "Why?\n"
    assert request.attachments == (
        Attachment(name="src/a.py", content="print('工房')\n"),
        Attachment(name="b", content="c"),
    )


def test_with_a_workspace_files_stay_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("pass\n")
    file = tmp_path / "a.yaml"
    file.write_text(f"prompt: x\nworkspace: {tmp_path}\nfiles: [a.py]\n")
    draft = drafted(file)
    assert b"pass" not in draft.data
    assert check_agreement(draft)[0].attachments == (Attachment(name="a.py", content="pass\n"),)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "link", "no-such", "folder", "binary"])
def test_a_task_file_cannot_reach_out_of_its_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("s")
    inside = tmp_path / "inside"
    (inside / "folder").mkdir(parents=True)
    (inside / "link").symlink_to("../secret")
    (inside / "binary").write_bytes(b"\0")
    file = inside / "a.yaml"
    file.write_text(f"prompt: x\nfiles:\n- {name}\n")
    with pytest.raises(TaskFileError) as refused:
        drafted(file)
    assert refused.value.problem.line == 3
    assert refused.value.problem.key == "files[0]"


def test_the_command_line_replaces_keys_and_attaches_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes.txt").write_text("n")
    monkeypatch.chdir(tmp_path)
    wishes = Wishes(keys={"tier": "local", "priority": 9}, attach=("notes.txt",))
    draft = draft_of_prompt("Hello", wishes, LIMITS, lambda: "new")
    (request,) = check_agreement(draft)
    assert (request.id, request.tier, request.priority) == ("new", "local", 9)
    assert request.attachments == (Attachment(name="notes.txt", content="n"),)
    file = tmp_path / "a.yaml"
    file.write_text("prompt: x\ntier: gpt5_high\n")
    assert check_agreement(drafted(file, wishes))[0].tier == "local"


def test_every_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("promt: x\nprompt: y\nretries: many\n")
    with pytest.raises(TaskFileError) as refused:
        drafted(file)
    assert str(refused.value).count("a.yaml:") == 2
    assert "a.yaml:3" in str(refused.value)
    assert '"prompt"' in str(refused.value)


def test_an_unknown_tier_has_a_nearest(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("prompt: x\ntier: gpt5_hihg\n")
    with pytest.raises(TaskFileError, match="gpt5_high"):
        drafted(file)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A workshop that nobody serves."""
    layout = Layout(home=str(tmp_path / "home"))
    layout.ensure()
    config = tmp_path / "koubou.yaml"
    config.write_text(f"home: {layout.home}\n")
    for name in [name for name in os.environ if name.startswith("KOUBOU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KOUBOU_CONFIG", str(config))
    monkeypatch.chdir(tmp_path)
    return layout


def dropped(layout: Layout) -> list[dict[str, Any]]:
    files = sorted(Path(layout.tasks).glob("*.*"))
    return [document.value for file in files for document in read_documents(file.read_bytes(), name="", json=False)]


def test_the_printed_id_is_the_one_that_was_dropped(shop: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit", "--prompt", "Hello", "--title", "A title"]) == 0
    told = capsys.readouterr()
    (document,) = dropped(shop)
    assert told.out == f"{document['id']}\n"
    assert is_ulid(document["id"])
    assert (document["prompt"], document["title"]) == ("Hello", "A title")
    assert "koubou serve" in told.err


def test_nothing_is_dropped_when_one_of_several_files_is_bad(shop: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    Path("good.yaml").write_text("prompt: x\n")
    Path("bad.yaml").write_text("prompt: [x]\n")
    assert main(["submit", "good.yaml", "bad.yaml"]) == 65
    assert capsys.readouterr().err.startswith("koubou: bad.yaml:1")
    assert dropped(shop) == []


def test_waiting_without_a_master_drops_nothing(shop: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit", "--prompt", "Hello", "--wait"]) == 69
    assert "nothing was submitted" in capsys.readouterr().err
    assert dropped(shop) == []


def test_standard_input_may_be_yaml_or_json_or_a_prompt(
    shop: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, text in (
        (["submit", "-"], "id: a\nprompt: yaml\n"),
        (["submit", "-"], '{"id": "b", "prompt": "\\ud83d\\ude00"}'),
        (["submit", "--prompt", "-", "--id", "c"], "prompt: is the prompt"),
    ):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert main(words) == 0
    assert capsys.readouterr().out == "a\nb\nc\n"
    prompts = {document["id"]: document["prompt"] for document in dropped(shop)}
    assert prompts == {"a": "yaml", "b": "\U0001f600", "c": "prompt: is the prompt"}


def test_ids_are_also_json(shop: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.yaml").write_text("id: a\nprompt: x\n---\nid: b\nprompt: y\n")
    assert main(["submit", "two.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"id": "a", "file": "two.yaml"}, {"id": "b", "file": "two.yaml"}]


def test_no_workshop_cannot_be_dropped_into(
    shop: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["submit", "--prompt", "x", "--set", f"home={shop.home}/none"]) == 73
    assert "koubou serve" in capsys.readouterr().err


def test_words_that_are_no_text_are_a_mistake(shop: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("--prompt", "\udcff"), ("--prompt", "x", "--title", "\udcff")):
        assert main(["submit", *words]) == 64
    assert "UTF-8" in capsys.readouterr().err
    assert dropped(shop) == []


def test_a_bad_word_of_the_command_line_is_told_with_its_option(
    shop: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.yaml").write_text("prompt: x\n")
    for words in (["--prompt", "x"], ["a.yaml"]):
        assert main(["submit", *words, "--tier", "lokal", "--set", "tiers.local.model=m"]) == 65
        assert capsys.readouterr().err.startswith("koubou: --tier: is not one of auto, ")
    assert main(["submit", "--prompt", "x", "--priority", "huge", "--id", "a/b"]) == 65
    first, second = capsys.readouterr().err.splitlines()
    assert {first.split(": ")[1], second.split(": ")[1]} == {"--priority", "--id"}
    assert dropped(shop) == []


def test_a_template_without_rows_says_what_is_missing(shop: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit", "--template", "t.yaml"]) == 64
    assert "--from" in capsys.readouterr().err


def test_who_named_no_settings_is_told_how_to_name_them(
    tmp_path: Path, shop: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = f"home={tmp_path}/nowhere"
    for words, code in ((["status"], 69), (["show", "x"], 69), (["submit", "--prompt", "x"], 73)):
        assert main([*words, "--set", nowhere]) == code
        assert "KOUBOU_CONFIG" not in capsys.readouterr().err, "the settings are named"
        with monkeypatch.context() as without:
            without.delenv("KOUBOU_CONFIG")
            assert main([*words, "--set", nowhere]) == code
        assert ("KOUBOU_CONFIG" in capsys.readouterr().err) is not SYSTEM_FILE.exists()


def test_neither_files_nor_a_prompt_is_a_mistake(shop: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit"]) == 64
    assert main(["submit", "a.yaml", "--prompt", "x"]) == 64
    assert "--help" in capsys.readouterr().err
    assert dropped(shop) == []
