"""Work on many files beside the loop: in a thread, and over when the caller goes on, also when he is cancelled."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from koubou.folders.copying import Going

_Result = TypeVar("_Result")


async def aside(work: Callable[[Going], _Result]) -> _Result:
    """What `work` returns; it is asked to stop when we are cancelled, and has stopped when this is over."""
    unwanted = threading.Event()
    running = asyncio.ensure_future(asyncio.to_thread(work, lambda: not unwanted.is_set()))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        unwanted.set()
        while not running.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # seen: asyncio need not tell of it
        raise
