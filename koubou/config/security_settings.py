"""Who may do what, what stays in the house, and what may come in and go out."""

from __future__ import annotations

import pwd
import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from koubou.config.pattern_trial import WrittenPattern
from koubou.config.words import (
    AbsolutePath,
    Count,
    Executor,
    Positive,
    Section,
    Shown,
    SomeTime,
    TierNamed,
    Usd,
)
from koubou.model.policy import Policy, Verdict
from koubou.model.task import PRIORITIES
from koubou.rules.priority import RIPE

_MANY = 1_000
_SOME = 100


def _word(text: str) -> str:
    if len("".join(text.split())) < 2:
        raise ValueError("needs two characters or more besides blanks")
    return text


def _submitter(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("must be the name of a user, or a uid")
    if isinstance(value, int) or value.isdecimal():
        return int(value)
    try:
        return pwd.getpwnam(value).pw_uid
    except KeyError:
        raise ValueError("must be a user of this machine, or a uid") from None


Word = Annotated[str, Field(max_length=200), AfterValidator(_word), Shown("text")]
Glob = Annotated[str, Field(min_length=1, max_length=500), Shown("glob")]
What = Annotated[Verdict, Shown("`note`, `refuse`")]


def _person(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("must be a user or a @group")
    word = str(value)
    if not _PERSON.fullmatch(word) and word != EVERYBODY_ELSE:
        raise ValueError("must be the name of a user of this machine or a uid, or a group such as @staff")
    return word


def _named(word: str) -> str:
    if word == EVERYBODY_ELSE:
        raise ValueError("must name a user or a @group; whoever is not named is a submitter")
    return word


def _level(value: object) -> object:
    found = PRIORITIES.get(value) if isinstance(value, str) else value
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= RIPE:
        raise ValueError(f"must be {', '.join(PRIORITIES)}, or 1 to {RIPE}")
    return found


EVERYBODY_ELSE = "*"
_PERSON = re.compile(r"@?[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\$?", re.ASCII)
Person = Annotated[str, BeforeValidator(_person), Shown("user, @group or *")]
"""Whether there is such a one, the cross-checks say."""
Who = Annotated[str, BeforeValidator(_person), AfterValidator(_named), Shown("user or @group")]
Level = Annotated[int, BeforeValidator(_level), Shown("priority")]
Submitter = Annotated[int, BeforeValidator(_submitter), Field(ge=0, le=2**32), Shown("user")]


class InternalSettings(Section):
    """What makes a task internal."""

    words: tuple[Word, ...] = Field(default=(), max_length=_MANY, description="Words in any text, whatever their case.")
    patterns: tuple[WrittenPattern, ...] = Field(
        default=(),
        max_length=_SOME,
        description="Regular expressions (of Python), whatever the case; each sees some 2,000 characters at once.",
    )


class ConfidentialSettings(InternalSettings):
    """What makes a task confidential, besides what Koubou knows by itself."""

    paths: tuple[Glob, ...] = Field(
        default=(),
        max_length=_MANY,
        description="Globs of attached files and of workspaces: a last name, or the way; * also stands for slashes.",
    )
    submitters: tuple[Submitter, ...] = Field(
        default=(), max_length=_MANY, description="Names or uids of users whose tasks are always confidential."
    )


class GuardrailSettings(Section):
    """What is done about what should not come in or go out: `note` in the task's history, or `refuse`."""

    prompt_injection: What = Field(
        default=Verdict.NOTE, description="Words that would turn a model, and characters that nobody sees."
    )
    injection_shapes: What = Field(
        default=Verdict.NOTE, description="Names (ids, locks, sessions, files, workspaces) shaped like commands or SQL."
    )
    banned_words: tuple[Word, ...] = Field(
        default=(), max_length=_MANY, description="Words that neither a task nor an answer should have."
    )
    on_banned_word: What = Field(default=Verdict.NOTE, description="What is done about a banned word.")
    on_secret_in_answer: What = Field(
        default=Verdict.NOTE,
        description="What is done about a secret in the answer to a task that was no secret; noted, it becomes one.",
    )


class RoleSettings(Section):
    """Users and @groups by role; who is named himself is that whatever his groups are, else the strongest counts."""

    viewer: tuple[Who, ...] = Field(
        default=(), max_length=_MANY, description="See everything but confidential texts, and change nothing."
    )
    submitter: tuple[Who, ...] = Field(
        default=(), max_length=_MANY, description="Submit, see and change their own tasks: as everybody not named."
    )
    operator: tuple[Who, ...] = Field(
        default=(), max_length=_MANY, description="See and change all tasks; pause, resume, reload, collect."
    )
    guardian: tuple[Who, ...] = Field(
        default=(), max_length=_MANY, description="Also budgets, the emergency stop, releases, tokens and audit."
    )


class BoundBudget(Section):
    """What one task may have at most, also where its file says nothing."""

    cost_usd: Usd | None = Field(default=None, description="Money; null = any.")
    tokens: Positive | None = Field(default=None, description="Tokens, in and out; null = any.")
    calls: Positive | None = Field(default=None, description="Calls to models; null = any.")
    time: SomeTime | None = Field(default=None, description="Working time; null = any.")
    file_edits: Count | None = Field(default=None, description="Files that an agent may change; null = any.")
    commands: Count | None = Field(default=None, description="Commands that an agent may run; null = any.")


class BoundSettings(Section):
    """What somebody may ask for at most; a file that asks for more is rejected."""

    tiers: tuple[TierNamed, ...] | None = Field(
        default=None, max_length=_SOME, description="The tiers that may serve the tasks; null = any."
    )
    executors: tuple[Executor, ...] | None = Field(
        default=None, max_length=_SOME, description="The executors by which these may work; null = any."
    )
    priority: Level | None = Field(default=None, description="The highest priority; null = any.")
    budget: BoundBudget = Field(default=BoundBudget(), description="What a task may use at most.")


class SecuritySettings(Section):
    """Who may do what, and where; what stays in the house; what may come in and go out."""

    roles: RoleSettings = Field(
        default=RoleSettings(),
        description="What people are, by user or @group; nobody named is a submitter, root and the service user "
        "are guardians.",
    )
    bounds: dict[Person, BoundSettings] = Field(
        default={},
        description="What people may ask for at most, by user, @group, or * for all others. A user's own entry holds "
        "instead of those of his groups, and these all together.",
    )
    allowed_workspaces: tuple[AbsolutePath, ...] = Field(
        default=("/srv",), description="The folders beneath which a task's workspace may lie."
    )
    confidential: ConfidentialSettings = Field(
        default=ConfidentialSettings(), description="What makes a task confidential, besides what Koubou knows itself."
    )
    internal: InternalSettings = Field(default=InternalSettings(), description="What makes a task internal.")
    guardrails: GuardrailSettings = Field(
        default=GuardrailSettings(), description="What is done about what should not come in or go out."
    )


def policy_of(security: SecuritySettings) -> Policy:
    """What these settings say, for those who look at texts."""
    rails = security.guardrails
    return Policy(
        confidential_words=security.confidential.words,
        confidential_patterns=security.confidential.patterns,
        confidential_paths=security.confidential.paths,
        confidential_submitters=security.confidential.submitters,
        internal_words=security.internal.words,
        internal_patterns=security.internal.patterns,
        prompt_injection=rails.prompt_injection,
        injection_shapes=rails.injection_shapes,
        banned_words=rails.banned_words,
        on_banned_word=rails.on_banned_word,
        on_secret_in_answer=rails.on_secret_in_answer,
    )
