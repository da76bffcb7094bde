"""What the simulated provider is told to do with a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

STEPS = frozenset({"tool", "patch", "write", "edit", "read", "say"})


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """What the provider does with a call. Probabilities are between 0 and 1.

    `errors` is either a list, used up call by call (None = answer), or probabilities by kind:
    rate, rate_silent (no Retry-After), quota, server, overload, proxy, proxy_json, auth, context, not_found. While a
    model is `stalled`, its calls are taken and not answered; while it is `stalled_midway`, a stream rests in its
    middle. With `count_along` every piece of a stream of chat completions says what was used up to there; with
    `cut_politely` an answer that is cut ends as if it were whole. With `failure` (a code, as server_error) an answer
    that was billed fails in its middle, in the words of its API. A model that is `missing` is neither served nor
    listed. `headers` go with every answer. `written_tokens` are those that a cache is told to keep, of Anthropic's.

    `script` is a conversation with a program that has tools. Each request gets the step whose number is that of the
    tool results it carries, and the last step when there are no more, so that many conversations go on at once:

        {"tool": COMMAND}   run a shell command        {"write": {"path", "text"}}
        {"patch": TEXT}     what apply_patch takes     {"edit": {"path", "old", "new"}}
        {"say": TEXT}       the last word              {"read": PATH}

    Which tool that is, is found among those that the request offers; where none is, the request is refused.
    """

    latency_ms: float = 0
    stalled: bool = False
    stalled_midway: bool = False
    stream_ms: float = 0
    output_tokens: int = 50
    tokens_per_byte: float = 0.25
    cached_tokens: int = 0
    written_tokens: int = 0
    reasoning_tokens: int = 0
    answer: str | None = None
    echo: bool = False
    script: Sequence[Mapping[str, Any]] = ()
    errors: Any = field(default_factory=dict)
    retry_after: float = 0.05
    cut_after_billing: float = 0
    cut_politely: bool = False
    failure: str | None = None
    count_along: bool = False
    bill_proxy_errors: bool = False
    missing_usage: float = 0
    redirect_to: str | None = None
    finish_reason: str | None = None
    missing: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    def changed(self, wishes: Mapping[str, Any]) -> Behaviour:
        """This behaviour with `wishes` applied. Raises ValueError for a word that is none of its fields."""
        known = {each.name for each in fields(self)}
        if unknown := set(wishes) - known:
            raise ValueError(f"no such behaviour: {sorted(unknown)}; there are {sorted(known)}")
        changed = replace(self, **wishes)
        for step in changed.script:
            if len(step) != 1 or not STEPS.issuperset(step):
                raise ValueError(f"no such step of a script: {step}; each has one of {sorted(STEPS)}")
        return replace(changed, errors=list(changed.errors)) if isinstance(changed.errors, list) else changed
