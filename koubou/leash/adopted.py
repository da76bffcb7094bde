"""Ending those who came to us because their parent, a leash or a worker, was ended: the work of a subreaper."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence

from koubou.leash import tree
from koubou.leash.kernel import is_subreaper
from koubou.leash.mark import marked
from koubou.leash.tree import Process

_AGAIN = 0.005
_STUCK_AFTER = 5.0


def adopted(own: Callable[[Process], bool]) -> list[Process]:
    """Our children, zombies too, that are none of our own: nobody else waits for them."""
    children = (tree.look(pid) for pid in tree.children_of(os.getpid()))
    return [child for child in children if child is not None and child.parent == os.getpid() and not own(child)]


async def end_adopted(
    own: Callable[[Process], bool], ending: bytes, *, grace: float = 0.0, reaps: bool = True
) -> list[Process]:
    """End whom we adopted with all below them, and whoever carries a mark that ends so; return when none is left.

    For `grace` seconds they are only watched: a leash that lost its parent ends its tree by itself. Returns those that
    could not be ended within five seconds: the kernel holds them. `reaps` is for who can tell its own zombies.
    """
    loop = asyncio.get_running_loop()
    began, tried = loop.time(), 0
    while True:
        left = _adopted_trees(own)
        if reaps:
            tree.reap(left, spare=lambda _: False)
        alive = [process for process in left if process.alive] or await asyncio.to_thread(marked, ending)
        if not alive:
            return []
        waited = loop.time() - began
        if waited >= grace + _STUCK_AFTER and tried > 1:
            return alive
        if waited >= grace:
            tree.kill_all(alive)
            tried += 1
        await asyncio.sleep(_AGAIN)


def _adopted_trees(own: Callable[[Process], bool]) -> Sequence[Process]:
    """Whom we adopted, and everybody below them. Without being a subreaper we adopt nobody."""
    if not is_subreaper():
        return ()
    roots = adopted(own)
    return [*roots, *(below for root in roots for below in tree.descendants(root.pid))]
