"""`python -m koubou.window`: the window as the master keeps it; its standard input is the line by which it lives."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from koubou.errors import KoubouError
from koubou.views.workshop import Workshop


def main(words: list[str]) -> int:
    """The exit status; one line of JSON on standard output says where it listens, or why not."""
    parser = argparse.ArgumentParser(prog="python -m koubou.window", description="The window of a workshop.")
    parser.add_argument("--config")
    parser.add_argument("--set", action="append", default=[])
    asked = parser.parse_args(words)
    overrides = dict(word.split("=", 1) for word in asked.set)
    try:
        from koubou.window.main import give_up_privileges, serve

        give_up_privileges()
        workshop = Workshop(Path(asked.config) if asked.config else None, overrides)
        return serve(workshop, None, lambda address: _say({"ready": True, "address": address}), sys.stdin.fileno())
    except KoubouError as error:
        _say({"ready": False, "message": str(error)})
        return 1


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
