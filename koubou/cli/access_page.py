"""The table of docs/access.md as the rules have it; `python -m koubou.cli.access_page docs/access.md` renews it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from koubou.model.access import Role, Scope
from koubou.rules.access import OF_THE_HOUSE, VERBS, words_of

_TABLE = re.compile(r"(<!-- table: who may -->\n).*?(<!-- end -->)", re.DOTALL)
_SHOWN = {Scope.NONE: "–", Scope.OWN: "own", Scope.ALL: "all"}


def renewed(page: str) -> str:
    """The page with the table as it is now."""
    return _TABLE.sub(lambda found: f"{found[1]}{table()}{found[2]}", page)


def table() -> str:
    """Who may do what, as Markdown."""
    lines = [f"| to … | verb | {' | '.join(Role)} |", "| --- | --- |" + " --- |" * len(Role)]
    for verb, scopes in VERBS.items():
        if verb not in OF_THE_HOUSE:
            lines.append(f"| {words_of(verb)} | `{verb}` | {' | '.join(_SHOWN[scope] for scope in scopes)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
