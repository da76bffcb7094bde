"""The part of one member in a hybrid run: a sink of its own; what all have done together is told to the run's."""

from __future__ import annotations

import os
from collections.abc import Sequence

from msgspec.structs import replace

from koubou.backends.port import Sink
from koubou.model.agent import Deeds, Work
from koubou.model.call_lines import MEMBER
from koubou.model.tier import Tier

_BETWEEN, _IS = " ", "="


def folder_of(member: str) -> str:
    """The name of a member's folder in the run's; no agent can make one there."""
    return f"{MEMBER}{member}"


class Whole:
    """The run, as its parts see it: who is in which session, and what each has done."""

    def __init__(self, sink: Sink, names: Sequence[str]) -> None:
        self.sink = sink
        self.share = len(names)
        said = sink.work.session if sink.work is not None else None
        self.earlier = dict(each.split(_IS, 1) for each in (said or "").split(_BETWEEN) if _IS in each)
        self._sessions: dict[str, str] = {}
        self._deeds: dict[str, Deeds] = {}

    def noted(self, name: str, session: str | None, deeds: Deeds) -> None:
        """What a part's events say so far; the run's session names those of all parts, its deeds are the sum."""
        if session is not None:
            self._sessions[name] = session
        self._deeds[name] = deeds
        together = _BETWEEN.join(f"{part}{_IS}{named}" for part, named in sorted(self._sessions.items()))
        done = self._deeds.values()
        self.sink.noted(
            together or None,
            Deeds(
                edits=sum(each.edits for each in done),
                commands=sum(each.commands for each in done),
                dangerous=sum(each.dangerous for each in done),
            ),
        )


class Part:
    """A sink below the run's folder, in which an answer waits until it is chosen."""

    def __init__(self, whole: Whole, tier: Tier) -> None:
        sink = whole.sink
        self.tier = tier
        self.folder = os.path.join(sink.folder, folder_of(tier.name))
        # Of its own: by its mark a leash knows what belongs to its run, and ends that. It ends as the run's does.
        self.mark = f"{tier.name}:{sink.mark}"
        self.task = sink.task
        self.run = sink.run
        self.policy = sink.policy
        self.rules = sink.rules
        self.work = None if sink.work is None else _share(whole, sink.work, tier.name)
        self.text = ""
        self._whole = whole

    def sent(self) -> None:
        """Nothing leaves but through a member's door."""

    def write(self, text: str) -> None:
        self.text += text

    def noted(self, session: str | None, deeds: Deeds) -> None:
        self._whole.noted(self.tier.name, session, deeds)


def _share(whole: Whole, work: Work, name: str) -> Work:
    """What one part is to do: its share of what may be done, rounded up, and its own earlier session."""
    return replace(
        work,
        edits=_of(work.edits, whole.share),
        commands=_of(work.commands, whole.share),
        session=whole.earlier.get(name),
        resumes=None if work.resumes is None else os.path.join(work.resumes, folder_of(name)),
    )


def _of(most: int | None, share: int) -> int | None:
    return None if most is None else -(-most // share)
