"""What the settings add: words, patterns, paths and submitters. Nothing of them is ever told."""

from __future__ import annotations

import pytest

from koubou.model.decision import Finding
from koubou.model.policy import Policy
from koubou.model.task import Attachment, Message, TaskRequest
from koubou.rules.classify import look
from koubou.rules.examine import examine, examine_answer

WORDS = Policy(confidential_words=("Project Aurora", "極光計画"), internal_words=("kontor",))


def levels(text: str, policy: Policy) -> list[str]:
    return [finding.level for finding in look([("prompt", text)], None, policy) if finding.level != "note"]


@pytest.mark.parametrize(
    "text",
    [
        "the plan of Project Aurora",
        "PROJECT   AURORA!",
        "project\naurora_budget",
        "Ｐｒｏｊｅｃｔ　Ａｕｒｏｒａ",
        "pro\u200bject aurora",
        "来年の極光計画について",
        "?q=project%20aurora",
    ],
)
def test_a_word_is_found_however_it_is_written(text: str) -> None:
    assert levels(text, WORDS) == ["confidential"]


@pytest.mark.parametrize("text", ["Plan\u00a0\u00dcber-See", "plan U\u0308ber\u2013see", "PLAN \u00fcber\u2014SEE"])
@pytest.mark.parametrize("word", ["Plan \u00dcber-See", "Plan U\u0308ber-See", "plan \u00fcber\u2014see"])
def test_a_word_is_found_in_any_form_of_its_letters_and_dashes(word: str, text: str) -> None:
    policy = Policy(confidential_words=(word,))
    assert [finding.level for finding in look([("prompt", f"On {text} today")], None, policy)] == ["confidential"]


@pytest.mark.parametrize("text", ["see PRJ\u20111234", "see PRJ-1234", "see \u301c1234"])
def test_a_pattern_is_found_with_the_dashes_of_print_and_with_its_own(text: str) -> None:
    policy = Policy(confidential_patterns=("PRJ-[0-9]{4}", "\u301c[0-9]{4}"))
    assert look([("prompt", text)], None, policy) != ()


@pytest.mark.parametrize("text", ["project auroral lights", "subproject aurora", "aurora project"])
def test_a_word_is_a_whole_word(text: str) -> None:
    assert levels(text, WORDS) == []


def test_a_word_of_the_house_is_internal() -> None:
    assert levels("From the Kontor.", WORDS) == ["internal"]


def test_a_finding_names_the_rule_and_never_the_word() -> None:
    policy = Policy(confidential_words=("aurora",), confidential_patterns=(r"PRJ-\d{4}",))
    found = look([("title", "Aurora\nprj-1234")], None, policy)
    assert set(found) == {
        Finding(category="settings", where="title", rule="settings-word", line=1, sample=""),
        Finding(category="settings", where="title", rule="settings-pattern", line=2, sample=""),
    }


def test_a_pattern_begins_a_line_only_where_one_begins() -> None:
    policy = Policy(confidential_patterns=("^Aktenzeichen \\d{3}$",))
    assert levels("Re:\naktenzeichen 123\n", policy) == ["confidential"]
    assert levels("x" * 999 + "Aktenzeichen 123", policy) == []


def test_a_pattern_sees_every_part_of_a_long_text() -> None:
    policy = Policy(internal_patterns=(r"PRJ-\d{4}",))
    for place in (0, 995, 999, 1_998, 5_432):
        assert levels("." * place + "PRJ-1234" + "." * 3_000, policy) == ["internal"], place


def test_a_pattern_sees_no_more_than_its_window_at_once() -> None:
    policy = Policy(confidential_patterns=("begin[^!]{0,5000}end",))
    assert levels(f"begin{'.' * 900}end", policy) == ["confidential"]
    assert levels(f"begin{'.' * 3_000}end", policy) == []


def test_words_hold_wherever_text_can_stand() -> None:
    request = TaskRequest(
        id="aurora",
        title="aurora",
        system="aurora",
        messages=[Message(role="user", content="aurora")],
        attachments=[Attachment(name="aurora.txt", content="aurora")],
        metadata={"aurora": {"deep": [1]}},
        response_format={"description": "aurora"},
        expect=["aurora"],
        locks=["aurora"],
        session="aurora",
        prompt_file="aurora.md",
    )
    seen = examine(request, None, Policy(confidential_words=("aurora",)))
    assert {finding.where for finding in seen.findings} == {
        *("id", "title", "system", "messages[0]", "files[0].name", "files[0]", "metadata", "response_format"),
        *("expect", "locks", "session", "prompt_file"),
    }


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("*.pem", True),
        ("keys/*", True),
        ("KEYS/host.PEM", True),
        ("keys", True),
        ("*/host.pem", True),
        ("host", False),
        ("*.txt", False),
        ("/srv/finance", True),
        ("/srv/finance/*", True),
        ("/srv/fin*", True),
        ("/srv/other/*", False),
    ],
)
def test_paths_are_globs_of_files_and_workspaces(glob: str, found: bool) -> None:
    request = TaskRequest(
        prompt="Tea?", attachments=[Attachment(name="keys/host.pem", content="x")], workspace="/srv/finance/2026"
    )
    seen = examine(request, None, Policy(confidential_paths=(glob,)))
    assert bool(seen.findings) == found
    assert {finding.rule for finding in seen.findings} <= {"settings-path"}


def test_a_file_around_a_program_has_a_name_too() -> None:
    around = [("workspace[0].name", "plans/next.md"), ("workspace[0]", "nothing")]
    seen = examine(TaskRequest(prompt="Tea?"), None, Policy(confidential_paths=("plans/*",)), around=around)
    assert [finding.where for finding in seen.findings] == ["workspace[0].name"]


@pytest.mark.parametrize(("owner", "level"), [(1007, ["confidential"]), (1008, []), (None, [])])
def test_tasks_of_some_submitters_are_confidential(owner: int | None, level: list[str]) -> None:
    seen = examine(TaskRequest(prompt="Tea?"), None, Policy(confidential_submitters=(1007,)), owner=owner)
    assert [finding.level for finding in seen.findings] == level


def test_words_of_the_house_count_in_answers_too_and_marks_do_not() -> None:
    policy = Policy(confidential_words=("aurora",), banned_words=("goldfish",))
    flags = examine_answer(
        "STRICTLY CONFIDENTIAL is a mark.\nAurora.\nNo goldfish.\npassword = 'Kingyo#42sukui'", policy
    )
    assert {(flag.category, flag.rule, flag.line) for flag in flags} == {
        ("settings", "settings-word", 2),
        ("banned_word", "banned-word", 3),
        ("password", "password-beside-name", 4),
    }
