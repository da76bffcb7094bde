"""The command `koubou`, before anything is imported that takes time: the signals of a master must not end it yet."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from koubou.cli.verbs import named_verb


def main(words: Sequence[str] | None = None) -> int:
    """Do what the words say (default: those of the process); return the exit code."""
    if words is None:
        words = sys.argv[1:]
        if "_ARGCOMPLETE" in os.environ:  # a shell asks how a line may go on
            from koubou.cli.completing import complete

            complete()
        if named_verb(words) == "serve":
            from koubou.master.signals import hold_signals

            hold_signals()
    from koubou.cli.command import carry_out

    return carry_out(words)
