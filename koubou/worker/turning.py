"""What turns a worker: libuv's loop where agents make calls of their own, which is quicker at them, else asyncio's.

uvloop takes 10 ms to load, and a worker of plain calls gains nothing by it. Which of both it is stands in the master's
first word, which is looked at and left for the loop to hear.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType

from koubou.errors import ProtocolError
from koubou.wire.framing import TO_WORKER, Decoder
from koubou.wire.messages import Welcome

_MOST = 256 * 1024


def loop_for(wire: socket.socket) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the loop for what the master says first, which is waited for; SIGTERM ends the process well."""
    signal.signal(signal.SIGTERM, _leave)
    if _is_for_agents(_first_word(wire)):
        import uvloop

        return uvloop.new_event_loop
    return asyncio.new_event_loop


def _first_word(wire: socket.socket) -> bytes:
    """What is no whole welcome (a huge one, the end, damage) is for the loop to hear, and any loop will do."""
    try:
        return wire.recv(_MOST, socket.MSG_PEEK)
    except OSError:
        return b""


def _is_for_agents(said: bytes) -> bool:
    try:
        messages = Decoder(TO_WORKER).feed(said)
    except ProtocolError:
        return False
    return bool(messages) and isinstance(messages[0], Welcome) and messages[0].tier.metered


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
