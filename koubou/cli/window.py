"""koubou window: the API and the page of a workshop, in the foreground."""

from __future__ import annotations

import argparse

from koubou.cli.parser import Parser


def declare(parser: Parser) -> None:
    parser.add_argument("--listen", metavar="WHERE", help="ADDRESS:PORT or unix:/PATH, in place of window.listen")
    parser.examples(
        "koubou window --listen 127.0.0.1:8700",
        'curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8700/api/v1/status',
        "koubou serve keeps it alive by itself where window.listen is set; koubou token add makes tokens.",
    )


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.say import note
    from koubou.cli.workshop import workshop_of
    from koubou.errors import UsageMistake

    if arguments.listen is not None:
        from koubou.config.words import window_address

        try:
            window_address(arguments.listen)
        except ValueError as error:
            raise UsageMistake(f"--listen {error}") from None
    from koubou.window.main import give_up_privileges, serve

    give_up_privileges()
    return serve(workshop_of(arguments), arguments.listen, lambda address: note(f"the window is open: {address}"))
