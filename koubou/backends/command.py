"""A program of the operator's answers: the conversation on its standard input, the answer on its standard output.

It runs in a folder of its own, sees no environment but PATH, HOME and language, and lives on a leash. What it costs
nobody says: its calls are settled at what was held, which is nothing where the tier is free.
"""

from __future__ import annotations

import codecs
import os
import shutil
import signal
from collections.abc import Mapping
from typing import Any

from koubou.backends.port import Answer, CannotServe, Sink
from koubou.leash import cgroup
from koubou.leash.holding import Leashes
from koubou.leash.orders import MEGABYTE, Command, Ended, Limits, Why
from koubou.model.call import Bill, CallError, ErrorClass
from koubou.model.tier import Tier

_LONGEST = 16 * MEGABYTE
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ")
_TOO_LONG = {Why.WALL: "no complete answer within the time given", Why.IDLE: "the command said nothing for too long"}
_TOO_MUCH = {
    Why.OUTPUT: "the command says more than an answer may hold",
    Why.MEMORY: "the command takes more memory than it may",
    Why.PROCESSES: "the command starts more processes than it may",
    Why.DISK: "what the command said could not be written",
}


class CommandBackend:
    """Runs the tier's command once for each request."""

    def __init__(self, tier: Tier) -> None:
        if not tier.command or shutil.which(tier.command[0]) is None:
            program = tier.command[0] if tier.command else tier.executor
            raise CannotServe(f"tier {tier.name}: there is no program {program}", "mend argv of its command")
        self._tier = tier
        self._leashes = Leashes(control_group=cgroup.delegated())

    async def answer(self, body: Mapping[str, Any], sink: Sink) -> Answer:
        """Run it to its end; nothing that it started lives when this returns, nor when it is cancelled."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")

        def take(data: bytes) -> bool:
            sink.write(decoder.decode(data))
            return False  # a plain command has no last record but its end

        limits = Limits(wall=self._tier.timeout, idle=self._tier.idle, grace=self._tier.grace, output=_LONGEST)
        sink.sent()
        ended = await self._leashes.run(_command(self._tier, body, sink), limits, take)
        sink.write(decoder.decode(b"", final=True))
        if ended.why is Why.EXITED and ended.status == 0 and ended.stdout:
            return Answer(bill=Bill.UNKNOWN, finish_reason="stop", model=self._tier.model)
        bill = Bill.NONE if ended.why is Why.NOT_STARTED else Bill.UNKNOWN
        return Answer(bill=bill, error=_error(ended))

    async def close(self) -> None:
        """Nothing is held."""


def _command(tier: Tier, body: Mapping[str, Any], sink: Sink) -> Command:
    # Not the run's folder itself: the record there is ours.
    work = os.path.join(sink.folder, "work")
    os.makedirs(work, mode=0o700, exist_ok=True)
    prompt = os.path.join(sink.folder, "prompt.txt")
    with open(prompt, "w", encoding="utf-8", errors="replace", opener=_private) as file:
        file.write(_conversation(body))
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return Command(
        argv=tier.command,
        environment={**passed_on, "HOME": work},
        directory=work,
        stdin=prompt,
        stdout=os.path.join(sink.folder, "stdout.txt"),
        stderr=os.path.join(sink.folder, "stderr.txt"),
        mark=sink.mark,
    )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _conversation(body: Mapping[str, Any]) -> str:
    contents = (message.get("content") for message in body.get("messages", ()))
    return "\n\n".join(text for text in contents if isinstance(text, str)) + "\n"


def _error(ended: Ended) -> CallError:
    """What went wrong, without a word of what the command said: that may quote the task."""
    if ended.why in _TOO_LONG:
        return CallError(kind=ErrorClass.TIMEOUT, message=_TOO_LONG[ended.why], code=ended.why)
    if ended.why in _TOO_MUCH:
        return CallError(kind=ErrorClass.SERVER, message=_TOO_MUCH[ended.why], code=ended.why)
    if ended.why is Why.NOT_STARTED:
        message = f"the command cannot be started: {ended.message}"
        return CallError(kind=ErrorClass.INTERNAL, message=message, code=ended.why)
    if ended.why is Why.LOST:
        return CallError(kind=ErrorClass.LOST, message="the leash of the command was ended", code=ended.why)
    if ended.signal is not None:
        name = _name(ended.signal)
        return CallError(kind=ErrorClass.SERVER, message=f"the command was ended by {name}", code=name.lower())
    if ended.status:
        message = f"the command ended with status {ended.status}; see stderr.txt of the run"
        return CallError(kind=ErrorClass.SERVER, message=message, code=f"exit_{ended.status}")
    return CallError(kind=ErrorClass.CUT, message="the command ended well and said nothing", code="no_answer")


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
