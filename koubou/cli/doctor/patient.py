"""The workshop that the doctor looks at: its settings where they are right, its folders, its master if one answers."""

from __future__ import annotations

import argparse
import os
import socket
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec import Struct

from koubou.cli.workshop import config_file, overrides
from koubou.config import hosts
from koubou.config.guardian import guardian
from koubou.config.load import load
from koubou.config.settings import Settings
from koubou.config.tiers import tiers
from koubou.errors import KoubouError, NotAllowed, Problem, SettingsError
from koubou.folders.layout import Layout
from koubou.model.notice import Guardian
from koubou.model.tier import Tier
from koubou.views.control import ask
from koubou.views.quick import look
from koubou.views.workshop import is_locked

_USUAL_HOME = "/var/koubou"
_MASTER_WITHIN = 1.0
_RESOLVED_WITHIN = 1.0


class Master(Struct, frozen=True, kw_only=True):
    """What is known of who serves the workshop. `why_silent` where it holds the lock and gave no answer to us."""

    held: bool
    pid: int | None = None
    version: str | None = None
    state: Mapping[str, Any] | None = None
    why_silent: str = ""
    forbidden: bool = False


class Patient:
    """Everything is read once, when it is first asked for."""

    def __init__(self, config: Path | None, given: Mapping[str, str], environ: Mapping[str, str]) -> None:
        self.config = config
        self.environ = environ
        self.problems: Sequence[Problem] = ()
        self.settings: Settings | None = None
        try:
            self.settings = load(config, environ, given)
        except SettingsError as error:
            self.problems = error.problems
        quick = look(config, environ, given)
        home = self.settings.home if self.settings else quick.home if quick else _USUAL_HOME
        self.layout = Layout(home=str(home))

    @cached_property
    def _tiers_and_keys(self) -> tuple[Mapping[str, Tier], Mapping[str, tuple[str, ...]]]:
        if self.settings is None:
            return {}, {}
        return tiers(self.settings, self.environ, resolve=_resolve_in_time)

    @property
    def tiers(self) -> Mapping[str, Tier]:
        """The tiers as they are offered with what we see of keys; empty where the settings are bad."""
        return self._tiers_and_keys[0]

    @property
    def keys(self) -> Mapping[str, tuple[str, ...]]:
        """The keys that we see, by tier. Never shown."""
        return self._tiers_and_keys[1]

    @cached_property
    def guardian(self) -> Guardian:
        """Who is told when the workshop stops itself."""
        return guardian(self.settings, self.environ) if self.settings else Guardian()

    @cached_property
    def master(self) -> Master:
        """Whether somebody serves, and what he says."""
        held = is_locked(f"{self.layout.run}/master.lock")
        try:
            known = ask(self.layout.run, "ping", patience=_MASTER_WITHIN)
            state = ask(self.layout.run, "state", patience=_MASTER_WITHIN)
        except NotAllowed as error:
            return Master(held=held, why_silent=str(error), forbidden=True)
        except KoubouError as error:
            return Master(held=held, why_silent=str(error))
        return Master(held=True, pid=known.get("pid"), version=known.get("version"), state=state)

    @property
    def is_owner(self) -> bool:
        """Whether we see all: root, or the user whose workshop it is."""
        try:
            return os.geteuid() in (0, os.stat(self.layout.home).st_uid)
        except OSError:
            return os.geteuid() == 0


def patient_of(arguments: argparse.Namespace) -> Patient:
    """The workshop of the settings that the command names."""
    return Patient(config_file(arguments), overrides(arguments), os.environ)


def _resolve_in_time(name: str) -> Sequence[str]:
    """As the resolver says within a second; one that does not answer is no reason to wait."""
    found: list[Sequence[str]] = []

    def resolve() -> None:
        try:
            found.append(hosts.resolve(name))
        except (OSError, UnicodeError):
            found.append(())

    worker = threading.Thread(target=resolve, daemon=True)
    worker.start()
    worker.join(_RESOLVED_WITHIN)
    if not found or not found[0]:
        raise socket.gaierror(f"{name} has no address now")
    return found[0]
