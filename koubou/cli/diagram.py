"""The table of moves as a diagram, for docs/reference/states.md: `python -m koubou.cli.diagram` prints it."""

from __future__ import annotations

from koubou.model.status import ENDS, TRANSITIONS, ParkReason

_PAGE = """# Where a task stands

Rendered from `koubou/model/status.py`; anything that is not an arrow here is an illegal move.

```mermaid
stateDiagram-v2
    [*] --> pending: enqueued
{arrows}
```

{ends} show as such once the answer or the error stands in its folder. A pending task that could otherwise go on is
parked, with a reason and, where known, the time that frees it: {parks}.
"""


def render() -> str:
    """The page, as Markdown with a Mermaid diagram."""
    arrows = [
        f"    {status} --> {after}: {move}" for status, moves in TRANSITIONS.items() for move, after in moves.items()
    ]
    ends = ", ".join(f"`{status}`" for status in sorted(ENDS))
    parks = ", ".join(f"`{reason}`" for reason in ParkReason)
    return _PAGE.format(arrows="\n".join(arrows), ends=ends, parks=parks)


if __name__ == "__main__":
    print(render(), end="")
