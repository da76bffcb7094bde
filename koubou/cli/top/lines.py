"""The lines of the live screen that are no pane: the head, the names of the panes, the keys; is it light?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich.text import Text

from koubou.cli import say as told
from koubou.cli.top.picture import Picture
from koubou.cli.top.rows import head_line
from koubou.cli.top.words import Say

KEYS = (
    ("Enter", "k_show"),
    ("f", "k_follow"),
    ("c", "k_cancel"),
    ("r", "k_retry"),
    ("p", "k_pause"),
    ("/", "k_filter"),
    ("?", "k_help"),
    ("q", "k_quit"),
    ("Tab", "k_panes"),
)


VERBS: Mapping[str, str] = {"c": "cancel", "r": "retry", "p": "pause"}
"""Keys that ask the master for something, and for what."""
May = Callable[[str], bool]
"""Whether who looks may do a verb to anything at all."""


def head(picture: Picture, say: Say) -> Text:
    """When it was looked at, whether it is served, how many tasks stand where, and which workshop it is."""
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append("Koubou ", style="bold")
    line.append(f"{told.when(picture.at, picture.at)}  ", style="dim")
    line.append(head_line(picture, say), style="" if picture.served else "bold yellow")
    if picture.me is not None:
        line.append(f"  {told.one_line(picture.me.actor)}, {say(picture.me.role)}", style="dim")
    line.append(f"  {picture.home}", style="dim")
    return line


def strip(panes: Sequence[str], current: str, say: Say) -> Text:
    """The names of the panes, and which of them is shown where there is room for one."""
    line = Text(no_wrap=True)
    for number, name in enumerate(panes, 1):
        mark, style = ("▸", "bold reverse") if name == current else (" ", "")
        line.append(f"{mark}{number} {say(name)} ", style=style)
        line.append(" ")
    return line


def keys(say: Say, may: May) -> Text:
    """What can be pressed by who looks; what fits least well is last."""
    line = Text(no_wrap=True, overflow="ellipsis")
    for key, name in KEYS:
        if key in VERBS and not may(VERBS[key]):
            continue
        line.append(f" {key}", style="bold")
        line.append(f" {say(name)} ")
    return line


def is_light(asked: str, environ: Mapping[str, str]) -> bool:
    """Whether the terminal is light: as asked for, else by COLORFGBG, which some terminals set ("0;15")."""
    if asked != "auto":
        return asked == "light"
    return environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")
