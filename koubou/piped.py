"""A child process that lives by the pipe on its standard input: it is asked to end by closing that, and waited for."""

from __future__ import annotations

import asyncio
import os
from subprocess import Popen


async def end(process: Popen[bytes], grace: float) -> None:
    """Ask it to end, and wait; after `grace` seconds it is killed."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(ended(process), grace)
    except TimeoutError:
        process.kill()
        await ended(process)


async def ended(process: Popen[bytes]) -> int:
    """Wait until it has ended; its status."""
    if process.poll() is None:
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        pidfd = os.pidfd_open(process.pid)
        loop.add_reader(pidfd, over.set)
        try:
            await over.wait()
        finally:
            loop.remove_reader(pidfd)
            os.close(pidfd)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    return process.wait()
