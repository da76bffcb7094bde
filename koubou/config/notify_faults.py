"""What keeps the targets of the settings from being told, or lets others listen: for `koubou check` and the doctor."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from koubou.config.hosts import is_loopback
from koubou.model.notification import Notify, Target


class Fault(Struct, frozen=True, kw_only=True):
    """`key` says where; `hinders` whether this target is not told at all."""

    target: str
    key: str
    message: str
    remedy: str
    hinders: bool


def faults_of(notify: Notify, environ: Mapping[str, str]) -> list[Fault]:
    """Every fault of the targets, as far as we see what the service will see."""
    return [fault for name, target in notify.targets.items() for fault in _of(name, target, environ)]


def describe_notify(notify: Notify) -> str:
    """Who is told and how; never an address, for it may be its own key."""
    if not notify.targets:
        return "no target: nobody is told when tasks and sessions end"
    ways = {name: "a webhook" if target.webhook else target.command[0] for name, target in notify.targets.items()}
    return ", ".join(f"{name} by {way}" for name, way in ways.items())


def _of(name: str, target: Target, environ: Mapping[str, str]) -> Iterator[Fault]:
    def fault(key: str, message: str, remedy: str, *, hinders: bool) -> Fault:
        return Fault(target=name, key=f"notify.targets.{name}.{key}", message=message, remedy=remedy, hinders=hinders)

    if target.problem is not None:
        remedy = "give the secret where the settings say (the service's may differ)"
        yield fault("secret", target.problem, remedy, hinders=True)
    if target.webhook is not None and _is_heard_by_others(target.webhook):
        yield fault(
            "webhook", "is http to another machine: whoever listens reads what is told", "use https", hinders=False
        )
    if target.command and not _is_program(target.command[0], environ):
        message = f"{target.command[0]} is not there, or may not be run"
        yield fault("command", message, "install it, or name it by its whole path", hinders=True)


def _is_program(name: str, environ: Mapping[str, str]) -> bool:
    """Whether it can be run: in `/`, where commands are run."""
    return shutil.which(os.path.join("/", name) if "/" in name else name, path=environ.get("PATH")) is not None


def _is_heard_by_others(address: str) -> bool:
    """Whether it goes unsealed to another machine."""
    url = urlsplit(address)
    host = (url.hostname or "").rstrip(".")
    return url.scheme == "http" and host != "localhost" and not is_loopback(host)
