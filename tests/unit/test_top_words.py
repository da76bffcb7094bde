"""The words of the screen: both languages say the same things with the same parts."""

from __future__ import annotations

from string import Formatter

from koubou.cli.table import width
from koubou.cli.top.lines import KEYS
from koubou.cli.top.words import LANGUAGES, phrases


def parts(words: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(words) if name}


def test_both_languages_have_the_same_keys_and_parts() -> None:
    english, japanese = LANGUAGES["en"], LANGUAGES["ja"]
    assert english.keys() == japanese.keys()
    assert {key for key in english if parts(english[key]) != parts(japanese[key])} == set()


def test_the_environment_says_which() -> None:
    for environ, word in (
        ({}, "Tasks"),
        ({"LANG": "ja_JP.UTF-8"}, "タスク"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "Tasks"),
        ({"LANG": "de_DE.UTF-8"}, "Tasks"),
    ):
        assert phrases(environ)("tasks") == word


def test_the_keys_fit_on_the_narrowest_line() -> None:
    for words in LANGUAGES.values():
        shown = [f" {key} {words[name]} " for key, name in KEYS if name != "k_panes"]
        assert width("".join(shown)) <= 80
