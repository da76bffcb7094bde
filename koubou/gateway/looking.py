"""The look at what a call would carry out of the house: by the rules that make a task confidential."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from koubou.detectors.kingfisher import Kingfisher
from koubou.gateway.port import Visitor
from koubou.model.policy import Policy
from koubou.model.task import Sensitivity
from koubou.model.tier import Reach, Tier
from koubou.rules.agent_request import Request
from koubou.rules.classify import Detect, look

_LONG = 20_000
"""Characters; what takes longer than some milliseconds is looked at beside the loop."""
_MOST_REMEMBERED = 10_000
_OWN = "***"
_OF_THE_SANDBOX = re.compile(
    r"(?<!\w)(?:(?:OLD)?PWD=(?:/work|/home/agent|/tmp)(?![^\s/\\\"'])(?:/[\w.-]{1,200}){0,20}"
    r"|CLAUDE_CODE_MESSAGING_TOKEN=[0-9a-f]{32}(?!\w))"
)
"""What `env` says in there and looks like a secret: where it is, and Claude Code's word to its own children."""
UNEXAMINED = "unexamined"
"""The category where the look itself has a bug: what nobody has looked at stays in the house."""


class Looker:
    """Looks at what is new. What an agent says in each of its runs (its own prompt, its tools) is looked at once."""

    def __init__(self, tier: Tier) -> None:
        self._goes_out = tier.reach is not Reach.LOCAL
        self._clean: set[tuple[bytes, Policy, str | None]] = set()

    async def secret(self, visitor: Visitor, request: Request, token: str) -> str | None:
        """The category of a secret that was about to go out; None where nothing was seen.

        What an agent sees in its own environment is none. The run's `token` opens this door and nothing else.
        """
        if not self._goes_out:
            return None
        policy, rules = visitor.policy, visitor.rules
        new = [each for each in request.texts() if (each[0], policy, rules) not in self._clean]
        if not new:
            return None
        texts = [(where, _OF_THE_SANDBOX.sub(_OWN, text.replace(token, _OWN))) for _, where, text in new]
        detect = None if rules is None else _detector(rules).scan_texts
        if detect is not None or sum(len(text) for _, text in texts) > _LONG:
            found = await asyncio.to_thread(_category, texts, detect, policy)
        else:
            found = _category(texts, detect, policy)
        if found is None and len(self._clean) < _MOST_REMEMBERED:
            self._clean.update((key, policy, rules) for key, _, _ in new if key in request.fixed)
        return found


def _category(texts: Sequence[tuple[str, str]], detect: Detect | None, policy: Policy) -> str | None:
    try:
        findings = look(texts, detect, policy)
    except Exception:  # noqa: BLE001 - a bug over a text must not let it out
        return UNEXAMINED
    return next((each.category for each in findings if each.level == Sensitivity.CONFIDENTIAL), None)


@cache
def _detector(rules: str) -> Kingfisher:
    return Kingfisher(Path(rules))
