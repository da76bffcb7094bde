"""Who asks, and how far he reaches with each verb: as window and master tell it, and as a program hears it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from koubou.errors import KoubouError
from koubou.model.access import Caller, Role, Scope
from koubou.rules.access import VERBS, reach_of
from koubou.views.control import ask
from koubou.views.workshop import Workshop


class Me(Struct, frozen=True, kw_only=True):
    """Who asks."""

    actor: str
    role: Role
    uid: int
    source: str
    may: Mapping[str, Scope]

    def reaches(self, verb: str, owner: int | None = None) -> bool:
        """Whether he may do it: to a task of this owner, else to anything at all."""
        scope = self.may.get(verb, Scope.NONE)
        return scope is Scope.ALL or (scope is Scope.OWN and owner in (None, self.uid))


def me_shape(caller: Caller) -> dict[str, Any]:
    """The answer to `me`."""
    may = {verb: reach_of(caller, verb) for verb in VERBS}
    return {"actor": caller.actor, "role": caller.role, "uid": caller.uid, "source": caller.source, "may": may}


def me_by_master(workshop: Workshop) -> Me | None:
    """Who we are to the master; None where none answers, or not to us."""
    try:
        return msgspec.convert(ask(workshop.layout.run, "me", patience=2.0), Me)
    except (KoubouError, msgspec.ValidationError):
        return None
