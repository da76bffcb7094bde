"""The tables of docs/routing.md as the rules have them; `python -m koubou.cli.routing_page docs/routing.md` renews."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from koubou.model.circuit import BreakerRules
from koubou.model.instant import MINUTE, SECOND
from koubou.model.phase import Lesser
from koubou.model.task import TYPES
from koubou.rules import experience
from koubou.rules.difficulty import BASE, FACTORS, HIGH, MEDIUM, TOP
from koubou.rules.route import OBSTACLES

_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def renewed(page: str) -> str:
    """The page with every table as it is now. Raises KeyError for one that is not known."""
    found = tables()
    return _TABLE.sub(lambda table: f"{table[1]}{found[table[2]]}{table[3]}", page)


def tables() -> Mapping[str, str]:
    """Each table by its name, as Markdown."""
    return {
        "flow": _flow(),
        "breaker": _breaker(),
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


_ASKED: Mapping[str, str] = {
    "secrecy": "confidential, and the tier is in the cloud?",
    "sandbox": "confidential, and its agent has no sandbox?",
    "bounds": "its owner may not use this tier?",
    "availability": "no key, left alone by its breaker, or frozen?",
    "executor": "the task asks for another executor?",
    "window": "surely too long for its model?",
}


def _flow() -> str:
    """How a tier is chosen, as a Mermaid diagram: the obstacles in the order of the rules."""
    lines = ["flowchart TD", "  way([the next tier on the way]) --> vain{failed this task?}"]
    last = "vain"
    for name in OBSTACLES:
        lines += [f"  {last} -- no --> {name}{{{_ASKED[name]}}}", f"  {last} -- yes --> way"]
        last = name
    lines += [
        f"  {last} -- yes --> way",
        f"  {last} -- no --> rate{{may not be asked for longer than patience?}}",
        "  rate -- yes --> way",
        "  rate -- no --> lesser{a lesser tier than the task should have?}",
        "  lesser -- no --> routed([routed])",
        *(f"  lesser -- {policy} --> {_LESSER[policy]}" for policy in Lesser),
        "  way -- none is left --> rest{why?}",
        "  rest -- a tier may be asked later --> rated([parked: rate, until then])",
        "  rest -- all failed this task, and none of the others is only left alone --> failed([failed: no_tier])",
        "  rest -- confidential --> secret([parked: secrecy])",
        "  rest -- else --> tier([parked: tier])",
    ]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


_LESSER: Mapping[Lesser, str] = {
    Lesser.PROCEED: "routed",
    Lesser.VERIFY: "verified([routed, then its answer is judged])",
    Lesser.DEFER: "deferred([parked until the tier is back])",
    Lesser.SIMPLIFY: "simplified([routed, asked for the main part])",
}


def _breaker() -> str:
    rules = BreakerRules()
    part = f"{rules.share:.0%} of the last {rules.of_last}"
    wait, longest = rules.wait // SECOND, rules.longest_wait // MINUTE
    lines = [
        "stateDiagram-v2",
        "  [*] --> closed",
        f"  closed --> open: {rules.in_a_row} failures in a row, or {part}, or the model is missing",
        "  open --> open: its server is asked how it is, and is not well",
        f"  open --> half_open: it says that it is well, after {wait} s; doubled each time, {longest} min at most",
        "  half_open --> open: one failure",
        f"  half_open --> closed: {rules.successes} good calls in a row, one at a time",
    ]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
