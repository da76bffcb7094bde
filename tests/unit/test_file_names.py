"""Which names are task files, how claims are called, and how strange names are shown."""

from __future__ import annotations

import pytest

from koubou.folders.names import claim_file, is_task_file, kept, read_claim_file, shown

ULID = "01ARYZ6S410000000000000000"


@pytest.mark.parametrize("name", [b"a.yaml", b"A.YML", b"a.b.Json", b"\xff.yaml", b"a\nb.yaml", b"~.yaml"])
def test_a_task_file_is_known_by_its_suffix(name: bytes) -> None:
    assert is_task_file(name)


@pytest.mark.parametrize(
    "name", [b".a.yaml", b"a.yaml~", b"a.yaml.tmp", b"a.yaml.part", b".a.yaml.swp", b"a.txt", b"yaml", b".yaml", b""]
)
def test_hidden_unfinished_and_other_files_are_left_alone(name: bytes) -> None:
    assert not is_task_file(name)


def test_a_claim_carries_its_ulid_and_its_name() -> None:
    assert claim_file(ULID, b"a.yaml") == b".claim-" + ULID.encode() + b"~a.yaml"
    assert read_claim_file(claim_file(ULID, b"a~b.yaml")) == (ULID, b"a~b.yaml")


@pytest.mark.parametrize(
    "file",
    [b"a.yaml", b".claim-", b".claim-short~a.yaml", b".claim-" + b"U" * 26 + b"~a.yaml", b".claim-" + ULID.encode()]
    + [b".claim-" + ULID.encode() + b"~" + bad for bad in (b"", b"..", b".", b".hidden.yaml", b"a.txt")],
)
def test_what_is_no_claim_of_a_task_file_is_not_taken_for_one(file: bytes) -> None:
    assert read_claim_file(file) is None


def test_a_long_name_is_cut_but_keeps_the_suffix_that_says_how_to_read_it() -> None:
    assert kept(b"n" * 240 + b".json") == b"n" * 195 + b".json"
    assert kept(b"n" * 195 + b".json") == b"n" * 195 + b".json"
    assert len(claim_file(ULID, b"n" * 250 + b".yml")) <= 255 - len("~" + ULID + ".error.json") + len(".claim-" + ULID)


def test_a_long_name_is_cut_between_characters() -> None:
    cut = kept("工".encode() * 80 + b".yaml")
    assert cut.decode() == "工" * 65 + ".yaml"


def test_a_strange_name_is_shown_on_one_line_as_valid_text() -> None:
    assert shown(b"line\nbreak\x1b[31m.yaml") == "line\\nbreak\\x1b[31m.yaml"
    assert shown(b"caf\xe9.yaml") == "caf\\xe9.yaml"
    assert shown("工房.yaml".encode()) == "工房.yaml"
