"""The till as an operator sees it: what is held and settled, what the provider bills, a last task that just fits."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from decimal import Decimal
from types import TracebackType
from typing import Any

from simulator import Simulator
from workshop import Workshop, a_tier

DOLLAR = 1_000_000_000
CENT = DOLLAR // 100
DEAR = {"input": 10, "output": 100}
"""What the provider's `gpt-dear` charges, in USD per million tokens."""
WHY = ("--reason", "a test")


def a_dear_tier(provider: Simulator, **changes: Any) -> dict[str, Any]:
    """A tier of which a short answer costs some tenths of a cent."""
    return a_tier(provider, "cloud", "gpt-dear", **{"price": DEAR, "concurrency": 64, "retry_delay": "10ms"} | changes)


def with_a_dear_tier(provider: Simulator, usd: float, **changes: Any) -> dict[str, Any]:
    """Settings of a workshop with a dear tier and a free local one, and so much money a month."""
    return {
        "tiers": {"dear": a_dear_tier(provider, **changes), "local": a_tier(provider, "house", "house-model")},
        "routing": {"high": "dear", "medium": "dear", "low": "local"},
        "budget": {"monthly": {"usd": usd}, "daily": {"usd": None}},
    }


def a_task(name: str, **asked: Any) -> dict[str, Any]:
    """A task for the dear tier whose hold is some two thirds of a cent, and whose answer costs about a fifth of one."""
    return {"id": name, "prompt": f"I am {name}.", "type": "general", "tier": "dear", "max_output_tokens": 40, **asked}


def drop_tasks(workshop: Workshop, *names: str, **asked: Any) -> None:
    """Drop a task of each name."""
    workshop.drop_all({f"{name}.yaml": a_task(name, **asked) for name in names})


def usd(nusd: int) -> str:
    """Nano-dollars as the command line takes money, exactly."""
    return f"{Decimal(nusd) / DOLLAR:.9f}"


def set_limit(workshop: Workshop, scope: str, amount: int, dimension: str = "usd") -> None:
    """`koubou budget set`."""
    workshop.ask("budget", "set", scope, f"--{dimension}", usd(amount) if dimension == "usd" else str(amount), *WHY)


def accounts(workshop: Workshop) -> dict[tuple[str, str], dict[str, Any]]:
    """The accounts by name and dimension; money in whole nano-dollars, under the names of the other dimensions."""
    found = workshop.ask("budget", "status")["accounts"]
    for each in found:
        if each["dimension"] == "usd":
            each |= {word: each[f"{word}_nusd"] for word in ("limit", "settled", "held", "left")}
    return {(each["name"], each["dimension"]): each for each in found}


def account(workshop: Workshop, name: str, dimension: str = "usd") -> dict[str, Any]:
    """The one account whose name begins so."""
    (found,) = (each for key, each in accounts(workshop).items() if key[0].startswith(name) and key[1] == dimension)
    return found


class NeverAbove:
    """Looks at the provider's bill all the time, which must never pass `limit`."""

    def __init__(self, provider: Simulator, limit: int) -> None:
        self.provider, self.limit = provider, limit
        self._passed: list[tuple[int, int]] = []
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            limit, billed = self.limit, self.provider.bill()["nusd"]
            if billed > limit:
                self._passed.append((billed, limit))

    def __enter__(self) -> NeverAbove:
        self._watcher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._done.set()
        self._watcher.join()
        assert not self._passed, f"(billed, limit): {self._passed[:5]}"
        billed = self.provider.bill()["nusd"]
        assert billed <= self.limit, f"billed {billed}, the limit is {self.limit}"


def waiting(workshop: Workshop) -> dict[str, str]:
    """Why each task waits that has not ended; "" for those that do not, or only until soon."""
    unended = "SELECT id, park, park_until FROM task WHERE status IN ('pending', 'routing', 'assigned', 'in_progress')"
    return {
        task: park if park and (until is None or park == "budget") else ""
        for task, park, until in workshop.sql(unended)
    }


def wait_for_rest(workshop: Workshop, within: float = 60) -> dict[str, str]:
    """Wait until nothing is under way, and whoever waits, waits for money or for a person; why each of them does.

    Nothing is held then.
    """
    before: list[object] = []

    def rests() -> dict[str, str] | None:
        bill, counts = workshop.provider.bill(), workshop.counts()
        now = [bill["calls"], counts]
        at_work = bill["in_flight"] or any(counts.get(status) for status in ("routing", "assigned", "in_progress"))
        if at_work or _is_taking_in(workshop) or now != before:
            before[:] = now
            return None
        why = waiting(workshop)
        return None if "" in why.values() else {**why, "": ""}

    why = workshop.wait_until(rests, "the workshop to rest", within, every=0.15) or {}
    held = workshop.held()
    assert not held, f"at rest, and held: {held}"
    return {task: reason for task, reason in why.items() if task}


def _is_taking_in(workshop: Workshop) -> bool:
    """Whether files wait, or are claimed and not on the board yet."""
    return any(path.is_file() for path in (workshop.home / "tasks").iterdir())


def run_a_twin(workshop: Workshop, **asked: Any) -> int:
    """Run a small task while there is money for it; what is held for it and for each that is like it."""
    workshop.drop("twin.yaml", a_task("twin", **{**_SMALLEST, **asked}))
    workshop.output("twin")
    told = next(line["reason"] for line in workshop.show("twin")["history"] if line["event"] == "task.admitted")
    held = re.match(r"held \$([\d.]+) for at most 20 output tokens", told)
    assert held, told
    return int(Decimal(held[1]) * DOLLAR)  # exact: a token of the dear tier costs at least ten of the last digit


def spend_what_is_left(
    workshop: Workshop, need: int, scope: str = "month", dimension: str = "usd", *, name: str = "", **asked: Any
) -> None:
    """No phantom: a last task is let through when exactly what it needs is left, and not before.

    `name` is how the account's name begins that the scope means now.
    """
    name, last = name or f"{scope}:", f"last-of-{scope}".replace(":", "-")
    settled = account(workshop, name, dimension)["settled"]
    set_limit(workshop, scope, settled + need - 1, dimension)
    workshop.drop(f"{last}.yaml", a_task(last, **{**_SMALLEST, **asked}))
    workshop.wait_for_park(last, "budget")
    set_limit(workshop, scope, settled + need, dimension)
    workshop.output(last)
    wait_for_rest(workshop)
    after = account(workshop, name, dimension)
    assert settled < after["settled"] <= settled + need, f"{settled} and {need} were to bear {after}"


_SMALLEST: Mapping[str, Any] = {"prompt": "1?", "max_output_tokens": 20, "priority": 10}


def reconcile(workshop: Workshop) -> dict[str, Any]:
    """Give the till the provider's bill by model and hour; what `koubou budget reconcile` answers."""
    pages = workshop.provider.bill()["models"]
    rows = [
        {"model": model, "hour": hour, "cost_usd": usd(nusd)}
        for model, page in pages.items()
        for hour, nusd in page["hours"].items()
    ]
    (workshop.folder / "bill.json").write_text(json.dumps(rows))
    answer: dict[str, Any] = workshop.ask("budget", "reconcile", str(workshop.folder / "bill.json"))
    return answer


def operate(workshop: Workshop) -> int:
    """Do what an operator has to until all that can be done is done; how often a bill had to be reconciled.

    He reconciles when a tier is paused (once nothing is under way), and tries again who was set aside.
    """
    reconciled = 0
    while True:
        why = wait_for_rest(workshop)
        set_aside = [task for task, reason in why.items() if reason in ("operator", "interrupted")]
        if "tier" in why.values():
            answer = reconcile(workshop)
            assert not answer["alarm"], answer["reason"]
            reconciled += 1
        elif set_aside:
            workshop.ask("retry", *set_aside)
        else:
            return reconciled
