"""What follows a run that brought no answer: again, another tier, or the end.

Classes and their treatment follow the providers' error codes (`provider_errors`). Waits grow by the power of two with
full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015); the chance is an argument.
"""

from __future__ import annotations

from koubou.model.call import CallError, ErrorClass
from koubou.model.decision import FallBack, Refused, RunAgain
from koubou.model.instant import MINUTE, SECOND, Milliseconds

LONGEST_WAIT: Milliseconds = 10 * MINUTE
INTERRUPTIONS_BORNE = 3

_REMEDIES = {
    ErrorClass.QUOTA: "the provider's quota or spend limit is used up: raise it there, then koubou retry ID",
    ErrorClass.AUTH: "the provider refuses the key: check api_key in the settings, then koubou retry ID",
    ErrorClass.BAD_REQUEST: "the provider refuses the request: check the model's name and the task's options",
    ErrorClass.MODEL: "the server does not have the model: check model and base_url, then koubou retry ID",
    ErrorClass.CONTEXT: "the task is too long for this model: shorten it, or name a tier with a larger context",
    ErrorClass.POLICY: "the provider's content policy refuses it: change the prompt",
    ErrorClass.UNREACHABLE: "the server does not answer: check base_url and that it runs, then koubou retry ID",
    ErrorClass.BUDGET: "koubou budget add ID gives it more, or name a cheaper tier, then koubou retry ID",
    ErrorClass.TIMEOUT: "raise the tier's timeout, or ask for less, then koubou retry ID",
}
_OF_WORKSPACES = frozenset({"outside", "missing", "permission", "files", "bytes", "depth", "disk", "isolate"})
"""Codes of what is wrong with a workspace, which no provider has seen."""
_MEND_WORKSPACE = "see to workspace: of the task and the folder that it names, then koubou retry ID"
_ONLY_ELSEWHERE = frozenset({ErrorClass.QUOTA, ErrorClass.AUTH, ErrorClass.CONTEXT, ErrorClass.MODEL})
_FINAL = frozenset({ErrorClass.BAD_REQUEST, ErrorClass.POLICY})


def after_error(
    error: CallError,
    *,
    failures: int,
    retries: int,
    retry_delay: Milliseconds,
    has_fallback: bool,
    chance: float,
    passes: bool = False,
) -> RunAgain | FallBack | Refused:
    """The next step. `failures` counts this tier's runs that failed, this one included; `chance` lies in [0, 1).

    `passes`: the login or key of an agent was refused, but not yet so often that its tier is stopped for it.
    """
    kind = error.kind
    if kind is ErrorClass.RATE:
        wait = error.retry_after if error.retry_after is not None else _backoff(retry_delay, 1, chance)
        return RunAgain(
            delay=max(SECOND, min(wait, LONGEST_WAIT)), counts=False, reason="the provider asks to slow down"
        )
    if kind in _FINAL:
        return _end(error, "")
    if error.another_key:
        return RunAgain(delay=0, counts=False, reason=f"{error.message}; another key of the tier serves")
    if passes:
        return RunAgain(delay=retry_delay, counts=False, reason=f"{error.message}; tried again, it may pass")
    if kind not in _ONLY_ELSEWHERE and failures <= retries:
        delay = _backoff(retry_delay, failures, chance)
        return RunAgain(delay=delay, counts=True, reason=f"{error.message}; try {failures + 1} of {retries + 1}")
    if has_fallback:
        return FallBack(reason=error.message)
    return _end(error, f" after {failures} tries" if failures > 1 else "")


def remedy(kind: ErrorClass) -> str:
    """What a person can do about an error of this class."""
    return _REMEDIES.get(kind, "koubou retry ID tries again")


def _end(error: CallError, tries: str) -> Refused:
    retryable = error.kind not in _FINAL and error.kind is not ErrorClass.CONTEXT
    of_workspace = error.kind is ErrorClass.BAD_REQUEST and error.code in _OF_WORKSPACES
    told = _MEND_WORKSPACE if of_workspace else remedy(error.kind)
    return Refused(kind=str(error.kind), reason=error.message + tries, remedy=told, retryable=retryable)


def _backoff(first: Milliseconds, failures: int, chance: float) -> Milliseconds:
    ceiling: int = min(first * (1 << min(failures - 1, 20)), LONGEST_WAIT)
    return max(min(SECOND // 10, ceiling), round(ceiling * chance))
