"""How the run of a program ended, without a word of what it said: that may quote the task."""

from __future__ import annotations

import signal

from koubou.leash.orders import Ended, Why
from koubou.model.call import CallError, ErrorClass

_TOO_LONG = {Why.WALL: "no complete answer within the time given", Why.IDLE: "the command said nothing for too long"}
_TOO_MUCH = {
    Why.OUTPUT: "the command says more than an answer may hold",
    Why.MEMORY: "the command takes more memory than it may",
    Why.PROCESSES: "the command starts more processes than it may",
    Why.DISK: "what the command said could not be written",
}
_OURS = frozenset({*_TOO_MUCH, Why.NOT_STARTED, Why.LOST})


def is_ours(ended: Ended) -> bool:
    """Whether it was ended for a reason that has nothing to do with its calls."""
    return ended.why in _OURS


def error_of(ended: Ended) -> CallError:
    """What went wrong with a program that gave no answer."""
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
