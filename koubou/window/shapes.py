"""What the OpenAPI document says of answers. Names are added, never changed; the functions of `views` make them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """One JSON object; more names may come."""

    model_config = ConfigDict(extra="allow")


class Park(Shape):
    """Why a task waits, and until when if that is known."""

    reason: str
    until: str | None
    detail: str


class TaskShape(Shape):
    """A task as `koubou list --json` gives it. Who may not read its words gets an empty title and no session."""

    id: str
    task: str
    title: str
    type: str
    status: str
    park: Park | None
    tier: str | None
    sensitivity: str | None
    difficulty: str | None
    priority: int
    session: str | None
    attempts: int
    cost_usd: float
    cost_nusd: int
    created_at: str
    updated_at: str
    started_at: str | None
    finished_at: str | None


class TaskPage(Shape):
    """Tasks, the newest first. `next` is the cursor of those that follow; null after the last."""

    tasks: list[TaskShape]
    next: str | None


class WholeTask(TaskShape):
    """A task as `koubou show --json` gives it."""

    parent: str | None
    waiting: str | None
    run: int | None
    route: list[dict[str, Any]]
    error: dict[str, Any] | None
    runs: list[dict[str, Any]]
    history: list[dict[str, Any]]
    folder: str | None


class Why(Shape):
    """Why a task is where it is, as `koubou explain --json` gives it."""

    id: str
    status: str
    park: Park | None
    queue: dict[str, Any] | None
    priority: dict[str, Any] | None
    route: list[dict[str, Any]]
    now: list[str]


class Log(Shape):
    """The answer of a run as far as it came, as `koubou log --json` gives it."""

    task: str
    run: int | None
    text: str | None
    record: dict[str, Any] | None


class Result(Shape):
    """output.json or error.json of an ended task."""

    task: str
    status: str


class StatusShape(Shape):
    """How the workshop stands, as `koubou status --json` gives it; `accounts` only for those who may see money."""

    tasks: dict[str, int]
    parked: dict[str, int]
    tiers: dict[str, dict[str, Any]]
    workers: list[dict[str, Any]]
    emergency: bool
    latches: dict[str, str]
    served: bool
    draining: bool
    uptime_ms: int | None


class Me(Shape):
    """Who asks, and how far he reaches with each verb: none, own (tasks), or all."""

    actor: str
    role: str
    uid: int
    source: str
    may: dict[str, str]


class Tiers(Shape):
    """The tiers by name, strongest first."""

    tiers: dict[str, dict[str, Any]]


class Workers(Shape):
    """Who is at work, and what each uses of the machine."""

    workers: list[dict[str, Any]]


class Budget(Shape):
    """How the accounts stand, as `koubou budget --json` gives it."""

    accounts: list[dict[str, Any]]
    by_hand: list[dict[str, Any]]
    emergency: bool
    latches: dict[str, str]
    forecast: dict[str, Any] | None
    burn: dict[str, Any]


class Report(Shape):
    """What was spent on what, as `koubou budget report --json` gives it."""

    since: str
    until: str
    timezone: str
    by: str
    rows: list[dict[str, Any]]
    total: dict[str, Any]
