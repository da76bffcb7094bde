"""Who may do what, what stays in the house, and what may come in and go out."""

from __future__ import annotations

import pwd
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from koubou.config.pattern_trial import WrittenPattern
from koubou.config.words import AbsolutePath, Section, Shown
from koubou.model.policy import Policy, Verdict

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


class SecuritySettings(Section):
    """Who may do what, and where; what stays in the house; what may come in and go out."""

    roles: dict[str, Any] = Field(default={}, description="Who may do what, by role.")
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
