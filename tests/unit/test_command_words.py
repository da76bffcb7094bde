"""The words of a command: which verb, which settings, and what is said of words that are off."""

from __future__ import annotations

import argparse

import pytest

from koubou.cli import exits
from koubou.cli import list as list_verb
from koubou.cli import version as version_verb
from koubou.cli.filters import age, filter_of, seconds
from koubou.cli.main import main
from koubou.cli.parser import parser_for, top_help
from koubou.cli.verbs import VERBS, named_verb
from koubou.cli.workshop import overrides
from koubou.errors import (
    BoardUnavailable,
    IllegalMove,
    NoMaster,
    NotAllowed,
    Problem,
    SettingsError,
    TaskFileError,
    UnknownTask,
    UsageMistake,
    WorkshopTaken,
)
from koubou.model.instant import DAY, HOUR, MINUTE, SECOND

NOW = 1_800_000_000_000


def parsed(*words: str) -> argparse.Namespace:
    return parser_for("list", list_verb).parse_args(list(words))


@pytest.mark.parametrize(
    ("words", "verb"),
    [
        (["list"], "list"),
        (["--config", "list", "show", "x"], "show"),
        (["--config=list", "show"], "show"),
        (["--set", "a=b", "list"], "list"),
        (["--help", "list"], None),
        (["--version"], None),
        ([], None),
    ],
)
def test_the_verb_is_the_first_word_that_is_no_option(words: list[str], verb: str | None) -> None:
    assert named_verb(words) == verb


def test_settings_are_named_before_or_after_the_verb() -> None:
    assert parsed("--config", "a.yaml", "list").config == "a.yaml"
    assert parsed("list", "--config", "a.yaml").config == "a.yaml"
    assert parsed("--config", "a.yaml", "list", "--config", "b.yaml").config == "b.yaml"
    assert parsed("list").config is None


def test_overrides_from_both_sides_of_the_verb_are_kept() -> None:
    arguments = parsed("--set", "home=/a", "--set", "x=1", "list", "--set", "budget.monthly.usd=5=6")
    assert overrides(arguments) == {"home": "/a", "x": "1", "budget.monthly.usd": "5=6"}
    assert overrides(parsed("list")) == {}
    with pytest.raises(UsageMistake, match="KEY=VALUE"):
        overrides(parsed("list", "--set", "home"))


def test_one_parser_does_not_remember_the_words_of_another() -> None:
    assert parsed("list", "--status", "failed").status == ["failed"]
    assert parsed("list").status == []


def test_options_are_never_abbreviated() -> None:
    with pytest.raises(UsageMistake):
        parsed("list", "--stat", "failed")


def test_filters_take_several_values_and_know_their_words() -> None:
    wanted = filter_of(parsed("list", "--status", "failed,cancelled", "--status", "pending", "--tier", "local"), NOW)
    assert wanted.status == ["failed", "cancelled", "pending"]
    assert wanted.tier == ["local"]
    with pytest.raises(UsageMistake, match="in_progress"):
        parsed("list", "--status", "runing")


def test_ages_are_counted_back_from_now() -> None:
    wanted = filter_of(parsed("list", "--since", "2h", "--older", "30m"), NOW)
    assert (wanted.since, wanted.older) == (NOW - 2 * HOUR, NOW - 30 * MINUTE)
    assert filter_of(parsed("list", "--since", "2027-01-15T08:00:00Z"), NOW).since == NOW
    with pytest.raises(UsageMistake, match="--since"):
        filter_of(parsed("list", "--since", "yesterday"), NOW)


@pytest.mark.parametrize(
    ("text", "length"),
    [("90", 90 * SECOND), ("90s", 90 * SECOND), ("1.5h", 90 * MINUTE), ("7d", 7 * DAY), ("1w", 7 * DAY)],
)
def test_lengths_of_time(text: str, length: int) -> None:
    assert age(text) == length


@pytest.mark.parametrize("text", ["", "h", "-1h", "1y", "nan", "inf", "infd", "1 0"])
def test_what_is_no_length_of_time(text: str) -> None:
    assert age(text) is None


def test_a_timeout_is_in_seconds() -> None:
    assert seconds("2m") == 120
    with pytest.raises(argparse.ArgumentTypeError, match="soon"):
        seconds("soon")


def test_help_names_each_verb_with_a_line() -> None:
    text = top_help()
    for verb, line in VERBS.items():
        assert f"  {verb} " in text
        assert line in text


def test_no_verb_is_shown_the_help_and_told_that_something_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == exits.USAGE
    assert "koubou submit" in capsys.readouterr().out


def test_an_unknown_verb_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sumbit"]) == exits.USAGE
    told = capsys.readouterr()
    assert told.out == ""
    assert '"submit"' in told.err


@pytest.mark.parametrize(
    ("words", "told", "verb"),
    [
        ("status --jsn", 'no option "--jsn"; did you mean "--json"?', "koubou status"),
        ("submit --sesion x", 'no option "--sesion"; did you mean "--session"?', "koubou submit"),
        ("budget report --plott=x.png", 'no option "--plott"; did you mean "--plot"?', "koubou budget report"),
        ("list --zzz", 'no option "--zzz"\n', "koubou list"),
        ("version again", '"again" is one word too many', "koubou version"),
        ("--confg x.yaml status", 'no option "--confg"; did you mean "--config"?', "koubou"),
        ("--config x.yaml --st k=v status", 'no option "--st"; did you mean "--set"?', "koubou"),
    ],
)
def test_an_unknown_option_is_answered_with_the_nearest_and_the_help_of_its_verb(
    words: str, told: str, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) == exits.USAGE
    said = capsys.readouterr().err
    assert told in said
    assert f"Try: {verb} --help" in said


@pytest.mark.parametrize(
    ("resumed", "told"),
    [(["emergency"], "the workshop goes on (ended: emergency)\n"), ([], "nothing was stopped")],
    ids=["a stop", "none"],
)
def test_resume_says_what_it_ended(
    resumed: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("koubou.views.control.ask", lambda *_, **__: {"resumed": resumed})
    assert main(["budget", "resume", "--reason", "seen"]) == exits.DONE
    assert capsys.readouterr().out.startswith(told)


def test_help_of_a_verb_has_examples_and_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--help"]) == exits.DONE
    assert "Examples:" in capsys.readouterr().out


def test_a_parser_has_the_verb_that_was_named_and_no_other() -> None:
    with pytest.raises(UsageMistake):
        parser_for("version", version_verb).parse_args(["list"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError([Problem(message="off")]), 78),
        (TaskFileError("schema", Problem(message="off")), 65),
        (NoMaster("none"), 69),
        (WorkshopTaken("taken"), 69),
        (BoardUnavailable("locked"), 69),
        (NotAllowed("no"), 77),
        (PermissionError(13, "no", "x"), 77),
        (UsageMistake("which?"), 64),
        (UnknownTask("x"), 64),
        (FileNotFoundError(2, "not there", "x"), 64),
        (OSError(28, "full", "x"), 73),
        (IllegalMove("it has ended"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_each_kind_of_error_has_its_exit_code(error: Exception, code: int) -> None:
    assert exits.exit_code(error) == code
