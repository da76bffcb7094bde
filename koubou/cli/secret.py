"""koubou secret: the API keys that the workshop keeps itself, sealed. Values come from a prompt or a pipe only."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from koubou.cli.parser import Parser
from koubou.errors import UsageMistake

if TYPE_CHECKING:
    from koubou.vault.vault import Value, Vault
    from koubou.views.workshop import Workshop

_KEPT = 2
_MOST_KEPT = 10


_TOO_MUCH = (
    "koubou secret takes one NAME, options and nothing else; if the rest was the key, others could read it in the list "
    "of processes: make a new one with its provider, and give that by prompt or pipe"
)
_WORDS = {
    "list": "names, when each was set and how many values it has, never a value (when no word is given)",
    "set": "keep a key under a name, in place of what is there",
    "rotate": "put a new value before the one that is there, which serves where the new one is refused",
    "rm": "forget a key; needs neither key file nor passphrase",
}


class _Discreet(Parser):
    """Does not quote what stands there too much, as argparse would: it is likely the key."""

    def parse_known_args(self, *words: Any, **more: Any) -> Any:
        namespace, rest = super().parse_known_args(*words, **more)
        if rest:
            raise UsageMistake(_TOO_MUCH)
        return namespace, rest


def declare(parser: Parser) -> None:
    parser.examples(
        "koubou secret set openai     # asks for the key, shows nothing",
        "pass show openai | koubou secret set openai",
        "koubou secret rotate openai  # the old key serves where the new one is refused",
        "koubou secret rotate openai --drop-old",
        "# A running master takes a change over at once; calls under way finish with the key they have.",
    )
    _options(parser)
    words = parser.add_subparsers(dest="what", metavar="WORD", parser_class=_Discreet)
    for word, line in _WORDS.items():
        inner = words.add_parser(
            word,
            help=line,
            description=f"{line[0].upper()}{line[1:]}.",
            allow_abbrev=False,
            argument_default=argparse.SUPPRESS,  # what stood before the word is not wiped out by it
        )
        _options(inner)
        if word != "list":
            inner.add_argument("name", metavar="NAME", help="as {secret: NAME} in the settings has it")
        if word == "rotate":
            kept = f"how many values are kept, with the new one ({_KEPT})"
            inner.add_argument("--keep", type=int, metavar="N", default=_KEPT, help=kept)
            inner.add_argument(
                "--drop-old", action="store_true", default=False, help="no new value: forget all but the newest"
            )


def _options(parser: Parser) -> None:
    parser.add_argument("--passphrase", action="store_true", help="open by a passphrase, asked for on the terminal")
    parser.add_argument(
        "--passphrase-fd", type=int, metavar="FD", help="the same for programs: it is read from this descriptor"
    )
    parser.add_argument("--json", action="store_true", help="one JSON value")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.workshop import workshop_of

    _check_words(arguments)
    workshop = workshop_of(arguments)
    vault = _vault(arguments, workshop)
    if arguments.what == "list":
        return _list(arguments, vault)
    told = _change(arguments, vault, arguments.name)
    _finish(arguments, workshop, vault, told)
    return 0


def _check_words(arguments: argparse.Namespace) -> None:
    arguments.what = what = arguments.what or "list"
    if what == "rotate" and not 1 <= arguments.keep <= _MOST_KEPT:
        raise UsageMistake(f"--keep takes 1 to {_MOST_KEPT}")
    if arguments.passphrase and arguments.passphrase_fd is not None:
        raise UsageMistake("either --passphrase or --passphrase-fd")
    if arguments.passphrase_fd == 0 and what in ("set", "rotate"):
        raise UsageMistake("standard input is for the key; give the passphrase by another descriptor")


def _vault(arguments: argparse.Namespace, workshop: Workshop) -> Vault:
    import os

    from koubou.cli.passphrase import from_descriptor, from_person
    from koubou.config.keys import vault_of

    ask = None
    if arguments.passphrase_fd is not None:
        ask = from_descriptor(arguments.passphrase_fd)
    elif arguments.passphrase:
        ask = from_person
    return vault_of(workshop.settings, os.environ, ask)


def _change(arguments: argparse.Namespace, vault: Vault, name: str) -> dict[str, Any]:
    """Do what is asked; the shape of what came of it."""
    from koubou.cli.say import now

    match arguments.what:
        case "rm":
            vault.remove(name)
            return {"name": name, "removed": True}
        case "rotate" if arguments.drop_old:
            values = vault.drop_old(name)
        case "rotate":
            vault.values(name)  # before anybody is asked for a value that could not be kept
            values = vault.rotate(name, _value(name), now(), arguments.keep)
        case _:
            values = vault.set(name, _value(name), now())
    return _shape(name, values)


def _value(name: str) -> str:
    """The key: from a person who is not shown what he types, or from a pipe. Raises NotAKey."""
    import getpass
    import sys

    from koubou.config.keys import why_not_kept
    from koubou.errors import NotAKey

    if sys.stdin.isatty():
        text = getpass.getpass(f"Key for {name} (not shown): ")
    else:
        text = sys.stdin.buffer.read(1_000_000).decode("utf-8", errors="replace")
    key = text.strip()
    if (why := why_not_kept(key)) is not None:
        raise NotAKey(f"this is no API key: {why}; nothing was changed")
    return key


def _finish(arguments: argparse.Namespace, workshop: Workshop, vault: Vault, told: dict[str, Any]) -> None:
    """Say what was done, and have a running master take it over."""
    from koubou.cli.say import note, print_json

    for line in vault.notes:
        note(line)
    taken_over = _tell_master(workshop)
    if arguments.json:
        print_json({**told, "taken_over": taken_over})
        return
    count = told.get("values")
    done = "forgotten" if count is None else f"kept with {count} value{'s' if count != 1 else ''}"
    since = "uses it no longer" if count is None else "uses it from now on"
    print(f"{told['name']}: {done}{f'; the running workshop {since}' if taken_over else ''}")


def _tell_master(workshop: Workshop) -> bool:
    """Whether a master runs and has taken the change over. What stands in the way is told, and no failure."""
    from koubou.cli.progress import progress
    from koubou.cli.say import note
    from koubou.errors import KoubouError
    from koubou.views.control import ask

    if not workshop.served:
        return False
    try:
        with progress("having the workshop read its keys anew"):
            problems = ask(workshop.layout.run, "reload")["problems"]
    except KoubouError as error:
        note(f"the running master was not told: {error}; have it read the keys anew: systemctl reload koubou")
        return False
    for problem in problems:
        note(f"the running master keeps its settings and keys: {problem}")
    return not problems


def _list(arguments: argparse.Namespace, vault: Vault) -> int:
    from koubou.cli.say import note, now, print_json, when
    from koubou.cli.table import print_table
    from koubou.errors import SecretsUnusable

    found = vault.survey()
    good = {name: values for name, values in found.items() if not isinstance(values, SecretsUnusable)}
    damaged = {name: str(problem) for name, problem in found.items() if isinstance(problem, SecretsUnusable)}
    if arguments.json:
        print_json([_shape(name, good.get(name, ())) | {"problem": damaged.get(name)} for name in found])
    else:
        heads = ("SECRET", "VALUES", "SET")
        rows = [(name, str(len(values)), when(values[0].set_at, now())) for name, values in good.items()]
        print_table(heads, rows, right=heads[1:2])
    for each in vault.exposed():
        note(f"{each.says}; {each.remedy}")
    if damaged:
        raise SecretsUnusable("\n".join(damaged.values()))
    return 0


def _shape(name: str, values: Sequence[Value]) -> dict[str, Any]:
    from koubou.model.instant import iso

    return {
        "name": name,
        "values": len(values),
        "set_at": iso(values[0].set_at) if values else None,
        "values_set_at": [iso(value.set_at) for value in values],
    }
