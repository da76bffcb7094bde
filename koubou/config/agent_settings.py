"""What the settings say of agents: programs that work in a folder, for all of them and for those of one tier."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from koubou.config.dangerous import DANGEROUS
from koubou.config.pattern_trial import WrittenPattern
from koubou.config.words import AbsolutePath, Count, Duration, Positive, Section, Size, SomeTime

_SOME = 100
_LEAST_MEMORY = 64_000_000
"""Bytes: neither program of an agent starts with less."""


def _memory(value: int) -> int:
    if value < _LEAST_MEMORY:
        raise ValueError("must be 64MB or more")
    return value


Memory = Annotated[Size, AfterValidator(_memory)]
Patterns = Annotated[tuple[WrittenPattern, ...], Field(max_length=_SOME)]


class DangerousSettings(Section):
    """Commands that destroy or carry off what they should not: counted apart, and few are borne."""

    most: Count = Field(default=10, description="An agent that runs more of them in a run is ended; 0 = at the first.")
    patterns: Patterns = Field(
        default=DANGEROUS,
        description="Regular expressions (of Python), whatever the case, looked for in each command; [] = none.",
        json_schema_extra={"shown_default": "see docs/agents.md"},
    )


class ProgramSettings(Section):
    """Where the programs are; the native files, not the wrappers that npm makes."""

    codex: AbsolutePath | None = Field(
        default=None, description="Codex CLI; null = as scripts/agents installs it, else on the PATH."
    )
    claude: AbsolutePath | None = Field(default=None, description="Claude Code; null = in the same way.")


class AgentSettings(Section):
    """How agents are run, where their tier does not say otherwise. How much they may do stands in `budget.task`."""

    memory: Memory | None = Field(
        default="4GB", validate_default=True, description="Memory of a run's whole tree of processes; null = no limit."
    )
    processes: Positive | None = Field(default=500, description="Processes of a run at once; null = no limit.")
    file_size: Size | None = Field(
        default="1GB", validate_default=True, description="The largest file that it may write; null = no limit."
    )
    idle: SomeTime | None = Field(
        default="10m",
        validate_default=True,
        description="It is ended when it says nothing for so long; null = not. Codex says nothing while it thinks.",
    )
    grace: Duration = Field(
        default="10s", validate_default=True, description="How long it may take to end when asked; then it is killed."
    )
    dangerous: DangerousSettings = Field(
        default=DangerousSettings(), description="Commands that are counted apart, of which few are borne."
    )
    keep_bodies: bool = Field(
        default=False, description="Whether the requests and answers of its calls are kept with the run's records."
    )
    in_place: bool = Field(
        default=False, description="Whether a task may say isolate: false, and have its workspace itself changed."
    )
    programs: ProgramSettings = Field(default=ProgramSettings(), description="Where the programs are.")


class TierAgentSettings(Section):
    """The same for the agent of one tier; what is left out is as `agents` says, null means the same as there."""

    program: AbsolutePath | None = Field(default=None, description="Its native file.")
    memory: Memory | None = Field(default=None, description="Memory of a run's whole tree of processes.")
    processes: Positive | None = Field(default=None, description="Processes of a run at once.")
    file_size: Size | None = Field(default=None, description="The largest file that it may write.")
    idle: SomeTime | None = Field(default=None, description="It is ended when it says nothing for so long.")
    grace: Duration | None = Field(default=None, description="How long it may take to end when asked.")
    dangerous_most: Count | None = Field(default=None, description="How many dangerous commands are borne in a run.")
    keep_bodies: bool | None = Field(default=None, description="Whether requests and answers are kept.")
    in_place: bool | None = Field(default=None, description="Whether a task may have its workspace itself changed.")
