"""koubou token: bearer tokens of the window. One is shown once, when it is made; the workshop keeps a hash of it."""

from __future__ import annotations

import argparse
from typing import Any

from koubou.cli.parser import Parser
from koubou.errors import UsageMistake
from koubou.views.ages import age

_WORDS = {
    "list": "whom each is for, what it may do, until when, and when it was used last (when no word is given)",
    "add": "make one and show it, once",
    "rm": "revoke one: from now on it opens nothing",
}
_ROLES = ("viewer", "submitter", "operator", "guardian")
_LIFE = "90d"
_FOR_GOOD = "never"


def declare(parser: Parser) -> None:
    parser.examples(
        "koubou token add ci --role submitter --user build   # tasks of this token belong to the user build",
        "koubou token add wall --role viewer --expires never",
        "koubou token list",
        "koubou token rm ci",
        "# Put it where its program reads it, not on a command line: others see those in the list of processes.",
    )
    parser.add_argument("--json", action="store_true", help="one JSON value")
    words = parser.add_subparsers(dest="what", metavar="WORD", parser_class=Parser)
    for word, line in _WORDS.items():
        inner = words.add_parser(
            word,
            help=line,
            description=f"{line[0].upper()}{line[1:]}.",
            allow_abbrev=False,
            argument_default=argparse.SUPPRESS,
        )
        inner.add_argument("--json", action="store_true", help="one JSON value")
        if word == "add":
            inner.add_argument(
                "name", metavar="NAME", help="a-z, 0-9, . _ and -: it stands in the history as token:NAME"
            )
            inner.add_argument("--role", required=True, choices=_ROLES, help="what it may do (docs/access.md)")
            inner.add_argument("--user", default=None, help="whom it acts for, who owns what it submits (you)")
            inner.add_argument(
                "--expires",
                metavar="AGE",
                default=_LIFE,
                help=f"how long it is good: 12h, 90d, or {_FOR_GOOD} ({_LIFE})",
            )
        if word == "rm":
            inner.add_argument("token", metavar="NAME", help="its name or id")


def run(arguments: argparse.Namespace) -> int:
    match arguments.what:
        case "add":
            return _add(arguments)
        case "rm":
            return _rm(arguments)
    return _list(arguments)


def _add(arguments: argparse.Namespace) -> int:
    import secrets

    from koubou.cli import say
    from koubou.rules.token import ID_BYTES, SECRET_BYTES, digest_of, id_of, written

    wanted: dict[str, Any] = {"name": arguments.name, "role": arguments.role, "expires_at": _expiry(arguments.expires)}
    if arguments.user is not None:
        wanted["uid"] = _uid(arguments.user)
    text = written(secrets.token_bytes(ID_BYTES), secrets.token_bytes(SECRET_BYTES))
    told = _ask(arguments, "token_add", id=id_of(text), digest=digest_of(text), **wanted)["token"]
    if arguments.json:
        say.print_json({**told, "token": text})
        return 0
    print(text)
    until = told["expires_at"] or "it is revoked"
    say.note(
        f"{told['name']} is a {told['role']} for uid {told['uid']} until {until}. It is shown this once: keep it now."
    )
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from koubou.cli import say
    from koubou.cli.table import print_table

    tokens = _ask(arguments, "token_list")["tokens"]
    if arguments.json:
        say.print_json(tokens)
        return 0
    if not tokens:
        print("No tokens.")
        return 0
    rows = [
        (
            token["id"],
            token["name"],
            token["role"],
            _user(token["uid"]),
            token["created_by"],
            token["expires_at"] or "–",
            token["last_used_at"] or "–",
            token["useless"] or "good",
        )
        for token in tokens
    ]
    print_table(("ID", "NAME", "ROLE", "FOR", "MADE BY", "EXPIRES", "LAST USED", "STATE"), rows)
    return 0


def _rm(arguments: argparse.Namespace) -> int:
    from koubou.cli import say

    told = _ask(arguments, "token_rm", token=arguments.token)
    if arguments.json:
        say.print_json(told)
    else:
        print(f"{told['name']} ({told['token']}) opens nothing any more")
    return 0


def _ask(arguments: argparse.Namespace, verb: str, **words: Any) -> Any:
    """By the master, or in its place while nobody serves the workshop."""
    from koubou.cli.directly import asking
    from koubou.cli.workshop import workshop_of

    with asking(workshop_of(arguments)) as ask:
        return ask(verb, **words)


def _expiry(text: str) -> int | None:
    from koubou.cli import say

    if text == _FOR_GOOD:
        return None
    length = age(text)
    if not length:
        raise UsageMistake(f"--expires takes a length of time such as 12h or 90d, or {_FOR_GOOD}")
    return say.now() + length


def _uid(word: str) -> int:
    from koubou.people import uid_named

    found = int(word) if word.isascii() and word.isdecimal() else uid_named(word)
    if found is None:
        raise UsageMistake("--user takes a user of this machine, or a uid")
    return found


def _user(uid: int) -> str:
    from koubou.people import name_of

    return name_of(uid)
