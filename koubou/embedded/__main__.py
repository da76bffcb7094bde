"""`python -m koubou.embedded`: the model server (settings on stdin); `… fetch NAME [FILE]`: fill the cache."""

from __future__ import annotations

import sys

from koubou.embedded.registry import NoLocalModel
from koubou.embedded.server import serve


def main(arguments: list[str]) -> int:
    """The exit status: 0 done, 1 not (stderr says what to do), 64 wrong words."""
    match arguments:
        case []:
            return serve()
        case ["fetch", name]:
            return _fetch(name, None)
        case ["fetch", name, source]:
            return _fetch(name, source)
        case _:
            sys.stderr.write("usage: python -m koubou.embedded fetch NAME [FILE]\n")
            return 64


def _fetch(name: str, source: str | None) -> int:
    from pathlib import Path

    from koubou.embedded.weights import default_models_dir, fetch

    try:
        path = fetch(name, default_models_dir(), source=Path(source) if source else None)
    except NoLocalModel as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
