"""koubou model: the embedded local models, and fetching their weights."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from pathlib import Path

    from koubou.views.workshop import Workshop

_MEGABYTE = 1_000_000


def declare(parser: Parser) -> None:
    parser.add_argument("what", choices=("list", "get"), nargs="?", default="list", help="list when not given")
    parser.add_argument("name", metavar="NAME", nargs="?", help="with get: which; the settings' own when not given")
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples("koubou model list", "koubou model get", "koubou model get qwen2.5-coder-0.5b")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.workshop import workshop_of

    workshop = workshop_of(arguments)
    return _get(arguments, workshop) if arguments.what == "get" else _list(arguments, workshop)


def _list(arguments: argparse.Namespace, workshop: Workshop) -> int:
    from koubou.cli.say import print_json
    from koubou.cli.table import print_table
    from koubou.embedded.registry import MODELS
    from koubou.embedded.weights import locate

    folder, chosen = _folder(workshop), workshop.settings.embedded.model
    found = {name: locate(name, folder) for name in MODELS}
    if arguments.json:
        rows = [
            {
                "name": model.name,
                "bytes": model.size,
                "licence": model.licence,
                "context_tokens": model.context_tokens,
                "file": str(found[model.name]) if found[model.name] else None,
                "chosen": model.name == chosen,
            }
            for model in MODELS.values()
        ]
        print_json(rows)
        return 0
    cells = [
        (
            f"{model.name}{' *' if model.name == chosen else ''}",
            f"{model.size // _MEGABYTE} MB",
            f"{model.context_tokens:,}",
            model.licence,
            str(found[model.name] or "not fetched"),
        )
        for model in MODELS.values()
    ]
    print_table(("MODEL", "SIZE", "CONTEXT", "LICENCE", "FILE"), cells, right=("SIZE", "CONTEXT"))
    return 0


def _get(arguments: argparse.Namespace, workshop: Workshop) -> int:
    from koubou.cli.progress import progress
    from koubou.cli.say import print_json
    from koubou.embedded.weights import fetch

    name = arguments.name or workshop.settings.embedded.model
    with progress(f"fetching {name}, in MB") as so_far:
        path = fetch(name, _folder(workshop), lambda done, of: so_far.at(done // _MEGABYTE, of // _MEGABYTE))
    if arguments.json:
        print_json({"name": name, "file": str(path)})
    else:
        print(path)
    return 0


def _folder(workshop: Workshop) -> Path:
    from pathlib import Path

    from koubou.embedded.weights import default_models_dir

    folder = workshop.settings.embedded.models_dir
    return Path(folder) if folder else default_models_dir()
