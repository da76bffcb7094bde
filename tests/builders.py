"""Values for tests: each builder makes a whole one, and a test states only what it is about."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from koubou.model.account import Account, Bearer
from koubou.model.budget import NO_LIMITS, Budget, Limits
from koubou.model.call import Bill, CallError, CallResult, ErrorClass, Usage
from koubou.model.decision import Finding, Reason
from koubou.model.heard import Arrived
from koubou.model.instant import MINUTE, SECOND, Instant
from koubou.model.money import FREE, USD, Nano, Price, Rates
from koubou.model.phase import Phase
from koubou.model.routing import Routing
from koubou.model.status import Status, Waiting
from koubou.model.task import UNBOUND, Difficulty, Examination, NewTask, Sensitivity, Task, TaskBudget, TaskRequest
from koubou.model.tier import Reach, Tier
from koubou.model.worker import Bench
from koubou.rules.intake import new_task
from koubou.rules.request_body import conversation, conversation_bytes

NOW: Instant = 1_800_000_000_000
"""2027-01-15 08:00:00 UTC."""

ROUTING = Routing(tiers={Difficulty.HIGH: "high", Difficulty.MEDIUM: "medium", Difficulty.LOW: "local"})


def a_price(input_usd: int | str = 1, output_usd: int | str = 10, **changes: Any) -> Price:
    """USD per million tokens."""
    rates = Rates(
        input=int(float(input_usd) * USD),
        output=int(float(output_usd) * USD),
        cached_input=int(float(input_usd) * USD) // 10,
        cache_write=int(float(input_usd) * USD),
    )
    return Price(base=rates, **changes)


def a_tier(name: str = "medium", **changes: Any) -> Tier:
    """A cloud tier that is offered; `local` is local and free."""
    local = name == "local"
    values: dict[str, Any] = {
        "name": name,
        "reach": Reach.LOCAL if local else Reach.CLOUD,
        "provider": "openai",
        "executor": "chat",
        "base_url": "http://127.0.0.1:9/v1",
        "model": f"model-of-{name}",
        "price": FREE if local else a_price(),
        "context_tokens": 128_000,
        "max_output_tokens": 2_000,
        "min_output_tokens": 200,
        "timeout": MINUTE,
        "retry_delay": SECOND,
        "workers_max": 2,
        "concurrency": 16,
        "fallback": {"high": "medium", "medium": "local"}.get(name),
    }
    return Tier(**values | changes)


def tiers(*some: Tier) -> dict[str, Tier]:
    """high → medium → local, or the tiers given."""
    return {tier.name: tier for tier in some or (a_tier("high"), a_tier("medium"), a_tier("local"))}


def a_task(**changes: Any) -> Task:
    """A classified public task of medium difficulty that waits for its tier."""
    values: dict[str, Any] = dict.fromkeys(Task.__struct_fields__)
    values |= {
        "seq": 1,
        "id": "a-task",
        "owner": 1000,
        "type": "general",
        "title": "",
        "status": Status.ROUTING,
        "waiting": Waiting.ROUTE,
        "priority": 5,
        "sensitivity": Sensitivity.PUBLIC,
        "difficulty": Difficulty.MEDIUM,
        "requires_high_capability": False,
        "judged": "[]",
        "routed": "[]",
        "given_up": (),
        "input_bytes": 100,
        "inputs_bytes": 0,
        "message_count": 1,
        "budget": TaskBudget(),
        "bounds": UNBOUND,
        "on_interrupt": "retry",
        "has_dependencies": False,
        "attempts": 0,
        "failures": 0,
        "interruptions": 0,
        "suspect": False,
        "run": 0,
        "cancel_asked": False,
        "cost": 0,
        "phase": Phase.ANSWER,
        "released": False,
        "answer_bytes": 0,
        "waiting_since": NOW,
        "ripe_at": NOW + 5 * 30 * SECOND,
        "half_used": False,
        "has_locks": False,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Task(**values | changes)


def an_account(
    *, settled: Nano = 0, held: Nano = 0, ceiling: Nano | None = USD, name: str = "month:2027-01", **changes: Any
) -> Account:
    """An account with a limit of one dollar."""
    values: dict[str, Any] = {"name": name, "dimension": "usd", "limit": ceiling, "ceiling": ceiling}
    return Account(**values | {"settled": settled, "held": held} | changes)


def a_budget(**changes: Any) -> Budget:
    """A month of one dollar and no limit for a task; `task` may be given as money alone."""
    if not isinstance(changes.get("task", NO_LIMITS), Limits):
        changes["task"] = Limits(usd=changes["task"])
    return Budget(**{"monthly": USD} | changes)


def a_bearer(account: Account | None = None, **changes: Any) -> Bearer:
    """An account that a call may fill up to its ceiling."""
    found = account or an_account(**changes)
    return Bearer(account=found, bearable=found.ceiling, most=found.ceiling)


def a_new_task(task_id: str = "a-task", prompt: str = "What is two and two?", **changes: Any) -> NewTask:
    """A document as intake hands it over; `changes` are fields of its request, or `score` and `findings`."""
    score = changes.pop("score", 5)
    findings: tuple[Finding, ...] = changes.pop("findings", ())
    owner = changes.pop("owner", 1000)
    claim = changes.pop("claim", f"claim-of-{task_id}")
    digest = changes.pop("digest", f"digest-of-{task_id}")
    request = TaskRequest(id=task_id, prompt=prompt, **changes)
    messages = conversation(request, {})
    seen = Examination(
        findings=findings,
        score=score,
        factors=(Reason(rule="type", reason="general"),),
        type=request.type or "general",
        type_reason=Reason(rule="type", reason="asked"),
        input_bytes=conversation_bytes(messages, request.response_format),
        message_count=len(messages),
    )
    source = f"prompt: {prompt}\n"
    return new_task(request, seen, claim=claim, document=1, digest=digest, owner=owner, source=source)


def an_arrival(*tasks: NewTask) -> Arrived:
    """A file with these documents."""
    claim = tasks[0].claim
    numbered = tuple(replace(task, claim=claim, document=number) for number, task in enumerate(tasks, start=1))
    return Arrived(claim=claim, name=f"{tasks[0].id}.yaml", tasks=numbered)


def a_secret() -> Finding:
    """What makes a task confidential."""
    return Finding(category="private_key", where="prompt", rule="private-key", line=1, sample="--")


def a_bench(tier: str = "medium", room: int = 16) -> Bench:
    """A worker that takes work."""
    return Bench(worker=f"worker-of-{tier}", tier=tier, room=room)


def a_result(task: str, run: int, call: str, **changes: Any) -> CallResult:
    """A call that was answered and says what it used."""
    values: dict[str, Any] = {
        "task": task,
        "run": run,
        "call": call,
        "bill": Bill.REPORTED,
        "usage": Usage(input_tokens=20, output_tokens=50),
        "finish_reason": "stop",
        "started_at": NOW,
        "finished_at": NOW + SECOND,
        "answer_bytes": 10,
    }
    return CallResult(**values | changes)


def an_error(kind: ErrorClass = ErrorClass.SERVER, **changes: Any) -> CallError:
    """Why a call gave no answer."""
    return CallError(**{"kind": kind, "message": f"the provider says {kind}"} | changes)
