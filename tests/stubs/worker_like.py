"""A worker as far as its leashes are concerned: runs each named behaviour in its folder, and tells how each ended.

`python worker_like.py NAME FOLDER BEHAVIOUR [FOLDER BEHAVIOUR]…`; a line of JSON for each run that is over.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from msgspec.structs import asdict

sys.path.insert(0, str(Path(__file__).parents[1]))

from leashed import a_command, has_result, limits

from koubou.leash.holding import Leashes
from koubou.leash.kernel import become_subreaper
from koubou.leash.mark import mark_of


async def work(name: str, words: list[str]) -> None:
    leashes = Leashes()

    async def one(folder: str, behaviour: str) -> None:
        command = a_command(Path(folder), behaviour, mark=mark_of(str(Path(folder).parent), name, folder[-1], 1))
        ended = await leashes.run(command, limits(), has_result)
        sys.stdout.write(json.dumps({"folder": folder, **asdict(ended)}) + "\n")
        sys.stdout.flush()

    await asyncio.gather(*(one(*pair) for pair in zip(words[::2], words[1::2], strict=True)))


if __name__ == "__main__":
    become_subreaper()
    asyncio.run(work(sys.argv[1], sys.argv[2:]))
