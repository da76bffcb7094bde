"""`python -m koubou.embedded`: the model server (settings on stdin); `… fetch NAME [FILE]`: fill the cache."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from koubou.embedded.registry import NoLocalModel
from koubou.embedded.server import serve


def main(arguments: list[str]) -> int:
    """The exit status: 0 done, 1 not (stderr says what to do), 2 wrong words."""
    if not arguments:
        return serve()
    asked = _parser().parse_args(arguments)
    from koubou.embedded.weights import default_models_dir, fetch

    try:
        path = fetch(asked.name, asked.into or default_models_dir(), source=asked.file)
    except NoLocalModel as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{path}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m koubou.embedded", description="The language model in the house.")
    verbs = parser.add_subparsers(required=True)
    fetching = verbs.add_parser("fetch", help="put the weights of a model into the cache, and print where they are")
    fetching.add_argument("name", help="a registered model, such as smollm2-135m")
    fetching.add_argument("file", nargs="?", type=Path, help="take them from this file instead of fetching them")
    fetching.add_argument("--into", metavar="DIR", type=Path, help="the cache (default: ~/.cache/koubou/models)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
