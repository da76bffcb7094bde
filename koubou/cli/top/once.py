"""One screen as text, for pipes, tests and machines without Textual."""

from __future__ import annotations

from contextlib import closing

from koubou.cli.say import bar, paint
from koubou.cli.table import print_table
from koubou.cli.top.picture import Picture, Sight
from koubou.cli.top.rows import FILLS, alarms, head_line, money_line, outlook_line, panes, tiers_spent
from koubou.cli.top.words import Say
from koubou.views.looking import operators_only
from koubou.views.workshop import Workshop

_ROWS = 20


def print_once(workshop: Workshop, words: str, say: Say) -> None:
    """Print how everything stands. Raises NotAllowed for who may not read the board."""
    with closing(Sight(workshop)) as sight:
        picture = _look(sight, words)
    zone = workshop.timezone
    print(f"{picture.home}  {head_line(picture, say)}")
    for line in alarms(picture, say):
        print(paint(line, "red"))
    month = picture.month
    share = f"{bar(month.settled / month.limit)}  " if month is not None and month.limit else ""
    print(f"\n{say('month')}  {share}{money_line(picture, say)}\n{outlook_line(picture, zone, say)}")
    for pane in panes(picture, words, zone, say).values():
        print(f"\n{paint(say(pane.name), 'bold')}")
        if not pane.rows:
            print(pane.empty)
            continue
        heads = [say(head) for head in pane.heads]
        shown = [row.cells for row in pane.rows[:_ROWS]]
        print_table(heads, shown, right=[say(head) for head in pane.right])
        if more := len(pane.rows) - len(shown):
            print(say("and_more", count=f"{more:,}"))
        if pane.name == "tasks" and picture.cut:
            print(say("newest_only"))
        if pane.name == "spend":
            print("  ".join(f"{FILLS[place % len(FILLS)]} {name}" for place, name in enumerate(tiers_spent(picture))))


def _look(sight: Sight, words: str) -> Picture:
    try:
        return sight.look(words)
    except PermissionError:
        raise operators_only("top", "koubou show ID tells") from None
