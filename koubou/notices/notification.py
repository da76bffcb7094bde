"""Telling a program once: a signed POST, or a command that reads JSON; whatever happens comes back as a value."""

from __future__ import annotations

import hashlib
import hmac
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Protocol

from koubou.model.notice import NotTold, Told, Trouble
from koubou.model.notification import Notification, Target
from koubou.notices.exchange import Exchange, NotDone

_COMMAND_WITHIN = 30.0
"""Seconds; then it is ended with all that it started."""
_END_WITHIN = 5.0

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")


class Children(Protocol):
    """Whom this process has started itself: nobody takes them for orphans, or takes their status away."""

    def start(self, begin: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]: ...

    def forget(self, pid: int) -> None: ...


def signature(secret: str, at: int, body: bytes) -> str:
    """`X-Koubou-Signature`: HMAC-SHA256 over the seconds of `at`, a dot, and the body."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={signed.hexdigest()}"


def tell_target(target: Target, one: Notification, children: Children) -> Told | NotTold:
    """Try once. Raises nothing."""
    try:
        if target.problem is not None:
            return NotTold(trouble=Trouble.SETTINGS, reason=target.problem, remedy="check notify.targets")
        return _post(target, one) if target.webhook is not None else _run(target, one, children)
    except NotDone as error:
        return error.why
    except Exception as error:  # noqa: BLE001 - whatever it is, it is still to be told
        return NotTold(trouble=Trouble.BUG, reason=f"a bug: {type(error).__name__}; please report it")


def _post(target: Target, one: Notification) -> Told | NotTold:
    body = one.body.encode()
    headers = {
        "Idempotency-Key": f'"{one.marker}"',
        "X-Koubou-Signature": signature(target.secret, int(time.time()), body),
    }
    with Exchange({}) as exchange:
        answer = exchange.ask("POST", target.webhook or "", headers=headers, data=body)
    status, said = answer.status, f"the webhook answered {answer.status}"
    if 200 <= status < 300:
        return Told()
    if status == 429:
        return NotTold(trouble=Trouble.RATE, reason=said, wait=answer.wait())
    if status >= 500 or status == 408:
        return NotTold(trouble=Trouble.SERVER, reason=said, wait=answer.wait())
    return NotTold(trouble=Trouble.SETTINGS, reason=said, remedy="check notify.targets")


def _run(target: Target, one: Notification, children: Children) -> Told | NotTold:
    """Run the command, which ends with all that it started. Nothing of ours is in its environment."""
    argv = [sys.executable, "-P", "-m", "koubou.notices.held", str(os.getpid()), *target.command]
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    process = children.start(
        lambda: subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
    )
    try:
        process.communicate(one.body.encode(), timeout=_COMMAND_WITHIN)
    except subprocess.TimeoutExpired:
        return NotTold(trouble=Trouble.SERVER, reason="the command took too long and was ended")
    finally:
        _end(process)
        children.forget(process.pid)
    if process.returncode == 0:
        return Told()
    return NotTold(trouble=Trouble.SERVER, reason=f"the command ended with {process.returncode}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Asked, who holds the command ends all that is below it."""
    process.terminate()
    try:
        process.wait(_END_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
