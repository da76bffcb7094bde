"""An agent: a command-line program that works in a folder and makes calls of its own, each through the gateway.

`Manner` is what the settings say of a tier whose executor is one; `Work` what one run of it is to do.
"""

from __future__ import annotations

from msgspec import Struct

from koubou.model.instant import Instant
from koubou.model.money import Nano


class Manner(Struct, frozen=True, kw_only=True):
    """How a tier's agent is run.

    `program` is the native file, found or as the settings name it. `sandbox` False was written by the operator.
    `memory` and `file_size` are bytes; `memory` and `processes` are for the whole tree of a run, `file_size` for each
    file. `prompt_in_file`: the program takes the path of its prompt as last argument, not the prompt on standard input.
    `usage` are patterns with a group `input_tokens`, `output_tokens` … for what a command of the settings says that it
    used. `dangerous` are patterns of commands that count against `dangerous_most`. `keep_bodies`: requests and answers
    stand in `calls.jsonl` too. `in_place`: a task may ask to work in its workspace itself.
    """

    program: str = ""
    sandbox: bool = True
    memory: int | None = None
    processes: int | None = None
    file_size: int | None = None
    prompt_in_file: bool = False
    usage: tuple[str, ...] = ()
    dangerous: tuple[str, ...] = ()
    dangerous_most: int = 10
    keep_bodies: bool = False
    in_place: bool = False


class Work(Struct, frozen=True, kw_only=True):
    """What one run of an agent works on.

    `workspace` is the folder that was asked for (None: an empty one). It lies beneath one of `roots`, and what `owner`
    may read of it is worked on: in a copy in the run's folder where `isolate`. `edits` and `commands` are how many it
    may do still, None = any number. `session` is that of the run which this one resumes, `resumes` the folder of that
    run; `budget` is what its task may still cost.
    """

    workspace: str | None = None
    roots: tuple[str, ...] = ()
    owner: int | None = None
    isolate: bool = True
    edits: int | None = None
    commands: int | None = None
    session: str | None = None
    resumes: str | None = None
    budget: Nano | None = None
    deadline: Instant | None = None


class Deeds(Struct, frozen=True, kw_only=True):
    """What a run of an agent has done, as its events say: counted against the task's limits."""

    edits: int = 0
    commands: int = 0
    dangerous: int = 0
