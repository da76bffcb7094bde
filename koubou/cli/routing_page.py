"""The tables of docs/routing.md as the rules have them; `python -m koubou.cli.routing_page docs/routing.md` renews."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from koubou.model.task import TYPES
from koubou.rules import experience
from koubou.rules.difficulty import BASE, FACTORS, HIGH, MEDIUM, TOP

_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def renewed(page: str) -> str:
    """The page with every table as it is now. Raises KeyError for one that is not known."""
    found = tables()
    return _TABLE.sub(lambda table: f"{table[1]}{found[table[2]]}{table[3]}", page)


def tables() -> Mapping[str, str]:
    """Each table by its name, as Markdown."""
    return {
        "levels": _table(
            ("difficulty", "score"),
            [("low", f"0 to {MEDIUM - 1}"), ("medium", f"{MEDIUM} to {HIGH - 1}"), ("high", f"{HIGH} to {TOP}")],
        ),
        "types": _table(("type", "begins with"), [(f"`{name}`", str(BASE[name])) for name in TYPES]),
        "factors": _table(
            ("factor", "what is counted", "a point for each that is reached"),
            [
                (
                    f"`{factor.name}`",
                    factor.counts,
                    f"{factor.sign:+d} from {', '.join(f'{step:,}' for step in factor.steps)}",
                )
                for factor in FACTORS
            ],
        ),
        "history": _table(
            ("number", "meaning"),
            [
                (f"{experience.ENOUGH}", "tasks of a type in a tier before anything is concluded"),
                (
                    f"{experience.TOO_MANY:.0%}",
                    "of them came to nothing, at the least (95 %, Wilson): the type goes a level up",
                ),
                (f"{experience.RETRIES}", "runs made again weigh like one task that came to nothing"),
                (f"{experience.PRAISED}", "good ratings, and no bad one since: work of the next level is tried there"),
                (f"{experience.LOOK_AGAIN}", "each so manieth task goes by its score all the same"),
            ],
        ),
    }


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
