"""An auditor who comes after every turn: keeps books of its own and compares the board with them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from koubou.model.account import AccountKey
from koubou.model.deed import Say
from koubou.model.heard import Heard
from koubou.model.money import FREE, Price
from koubou.model.status import ENDS, TRANSITIONS, Status
from koubou.model.tier import Reach
from koubou.rules.windows import month
from tests.turns import Workshop

MOVES = {(status, to) for status, moves in TRANSITIONS.items() for to in moves.values()}
WAITS = {
    Status.PENDING: {"classify", "route", "admit", "file"},
    Status.ROUTING: {"classify", "route", "file"},
    Status.ASSIGNED: {"run", "file"},
    Status.IN_PROGRESS: {"run", "file"},
}
TRACE = """
CREATE TEMP TABLE trace (id INTEGER PRIMARY KEY, task TEXT, before TEXT, after TEXT);
CREATE TEMP TRIGGER traced AFTER UPDATE OF status ON main.task WHEN OLD.status <> NEW.status
BEGIN INSERT INTO trace (task, before, after) VALUES (NEW.id, OLD.status, NEW.status); END;
"""


def keys(line: Any) -> tuple[AccountKey, ...]:
    """The accounts that a line of the ledger touches."""
    return tuple(AccountKey(*pair) for pair in json.loads(line["accounts"]))


class Audited(Workshop):
    """A workshop that is looked over after every turn."""

    def turn(self, *heard: Heard) -> dict[int, Any]:
        """One turn, and what the auditor has to say of it."""
        replies = super().turn(*heard)
        self.auditor.look()
        return replies

    @cached_property
    def auditor(self) -> Auditor:
        """Comes before the first turn."""
        return Auditor(self)


@dataclass
class Auditor:
    """Knows what was promised of money, places, secrets and moves; `look` raises AssertionError where it is broken."""

    shop: Workshop
    secret: set[str] = field(default_factory=set)
    """Ids of tasks that are confidential and that nobody has released."""
    faults_expected: bool = False
    holds: dict[str, tuple[int, tuple[AccountKey, ...]]] = field(default_factory=dict)
    """Open holds by call: money and accounts."""
    promised: dict[str, dict[str, int]] = field(default_factory=dict)
    """The same in every dimension."""
    prices: dict[str, Price] = field(default_factory=dict)
    """What the tier of each call charged when it was let through."""
    ended: set[str] = field(default_factory=set)
    settled: Counter[AccountKey] = field(default_factory=Counter)
    unreconciled: Counter[AccountKey] = field(default_factory=Counter)
    above: Counter[AccountKey] = field(default_factory=Counter)
    """By account: the most that facts, not promises, have put there beyond what was held."""
    _total: dict[AccountKey, int] = field(default_factory=dict)
    _last_line: int = 0
    _last_move: int = 0
    _history: list[tuple[Any, ...]] = field(default_factory=list)
    _new: set[str] = field(default_factory=set)
    """Calls that were let through in this turn."""

    def __post_init__(self) -> None:
        self._ask = self.shop.board.connection.execute
        self.shop.board.connection.executescript(TRACE)

    def look(self) -> None:
        """After a turn."""
        self._no_fault()
        self._money()
        self._places()
        self._tasks()
        self._paper()

    def at_rest(self) -> None:
        """When all is done: nothing is held, no place is taken, and what waits says why."""
        assert not self.holds
        assert self._ask("SELECT name FROM account WHERE held <> 0").fetchall() == []
        assert self.shop.board.runs.open_count() == {}
        for row in self._ask("SELECT * FROM task").fetchall():
            if row["park"] == "dependency":
                needs = self.shop.board.tasks.needs(row["seq"])
                assert any(need.status not in ENDS for need in needs), f"{row['id']} waits for nothing"
            ended = row["status"] in ENDS and row["filed_at"] is not None
            parked = row["status"] == "pending" and row["park"] and row["park_detail"]
            assert ended or parked, dict(row)

    def _no_fault(self) -> None:
        faults = [deed for deed in self.shop.deeds if isinstance(deed, Say) and deed.event == "task.fault"]
        assert self.faults_expected or not faults, faults

    def _money(self) -> None:
        new = self._read_ledger()
        self._new = {line["call"] for line in new}
        latched = self.shop.board.crew.latches()
        assert not new or "emergency" not in latched
        for line in new:
            assert f"model:{line['model']}" not in latched
            assert not self.shop.tiers[line["tier"]].unfit
            self._right_accounts(line)
        held: Counter[AccountKey] = Counter()
        for call, (_, accounts) in self.holds.items():
            held.update({key: self.promised[call].get(key.dimension, 0) for key in accounts})
        touched = {key for line in new for key in keys(line)}
        for row in self._ask("SELECT * FROM account").fetchall():
            key = AccountKey(row["name"], row["dimension"])
            self._account(key, row, held[key], key in touched)

    def _read_ledger(self) -> list[Any]:
        """Keep the books; the holds that are new."""
        new = []
        self.above.clear()
        for line in self._ask("SELECT * FROM ledger WHERE id > ? ORDER BY id", (self._last_line,)).fetchall():
            self._last_line = line["id"]
            call, accounts = line["call"], keys(line)
            moved = {"usd": line["amount"], "tokens": line["tokens"], "calls": 1, "time": line["time"]}
            if line["kind"] == "release":
                moved["calls"] = 0
            if line["kind"] == "hold":
                assert call not in self.holds | dict.fromkeys(self.ended), "a call is held for once"
                self.holds[call], self.promised[call] = (line["amount"], accounts), moved
                self.prices[call] = self.shop.tiers[line["tier"]].price or FREE
                new.append(line)
                continue
            amount, held_on = self.holds.pop(call)
            self.ended.add(call)
            assert accounts == held_on, "a call settles in the windows in which it was held"
            assert line["kind"] == "settle" or line["amount"] == 0
            held = self.promised[call]
            assert (held["usd"], held_on) == (amount, accounts)
            for key in accounts:
                self.settled[key] += moved[key.dimension]
                self.unreconciled[key] += line["amount"] if line["unreconciled"] and key.dimension == "usd" else 0
                self.above[key] += max(0, moved[key.dimension] - held[key.dimension])
        return new

    def _right_accounts(self, line: Any) -> None:
        name, _ = month(self.shop.now, self.shop.budget.timezone)
        task, budget = self.shop.task(line["task"]), self.shop.budget
        free = self.prices[line["call"]].free
        expected = set() if free else {AccountKey(name), AccountKey(f"tier:{line['tier']}:{name}")}
        own = {
            "usd": (task.budget.cost, budget.task.usd),
            "tokens": (task.budget.tokens, budget.task.tokens),
            "calls": (task.budget.calls, budget.task.calls),
            "time": (task.budget.time, budget.task.time),
        }
        for dimension, limits in own.items():
            if any(limit is not None for limit in limits) and not (free and dimension == "usd"):
                expected.add(AccountKey(f"task:{task.id}", dimension))
        assert set(keys(line)) == expected

    def _account(self, name: AccountKey, row: Any, held: int, got_a_hold: bool) -> None:
        total, ceiling = row["settled"] + row["held"], row["ceiling"]
        assert (row["settled"], row["held"]) == (self.settled[name], held), f"{name}: the ledger is the truth"
        assert row["unreconciled"] == self.unreconciled[name]
        assert row["over"] == (0 if ceiling is None else max(0, total - ceiling))
        if got_a_hold:
            assert ceiling == self._ceiling(name), f"{name}: a hold asks the ceiling of now"
            assert ceiling is None or total <= ceiling, f"{name}: held beyond its ceiling"
        if ceiling is not None and total > ceiling:
            assert total <= self._total.get(name, 0) + self.above[name], f"{name}: only facts stand above a ceiling"
        self._total[name] = total

    def _ceiling(self, key: AccountKey) -> int | None:
        """What the settings and the task's own file allow."""
        budget = self.shop.budget
        if key.name.startswith("month:"):
            return None if budget.monthly is None else int(budget.monthly * budget.ceiling_at)
        if key.name.startswith("tier:"):
            return None
        task = self.shop.task(key.name.removeprefix("task:"))
        own: int | None = getattr(task.budget, "cost" if key.dimension == "usd" else key.dimension)
        return own if own is not None else budget.task.of(key.dimension)

    def _places(self) -> None:
        rooms = {bench.worker: bench.room for bench in self.shop.benches}
        open_runs = self._ask("SELECT * FROM run WHERE ended_at IS NULL").fetchall()
        assert sorted(run["call"] for run in open_runs) == sorted(self.holds), "each place has its hold"
        assert len({run["task"] for run in open_runs}) == len(open_runs), "a task has at most one open run"
        taken = Counter(run["worker"] for run in open_runs)
        for worker in {run["worker"] for run in open_runs if run["call"] in self._new}:
            assert taken[worker] <= rooms[worker], f"{worker} has more than it has room for"
        for row in self._ask("SELECT r.call, r.tier, t.id FROM run r JOIN task t ON t.seq = r.task").fetchall():
            if row["call"] in self._new:
                reach = self.shop.tiers[row["tier"]].reach
                assert reach is Reach.LOCAL or row["id"] not in self.secret, f"{row['id']} is secret"

    def _tasks(self) -> None:
        runs = dict(self._ask("SELECT task, number FROM run WHERE ended_at IS NULL").fetchall())
        for row in self._ask("SELECT * FROM task").fetchall():
            status, waiting, seen = Status(row["status"]), row["waiting"], dict(row)
            if status in ENDS:
                assert waiting is None, seen
                assert row["outcome"] == status, seen
                assert row["filed_at"] is not None, seen
            else:
                assert waiting in WAITS[status], seen
                assert (row["outcome"] is not None) == (waiting == "file"), seen
                assert row["filed_at"] is None, seen
            assert (waiting == "run") == (runs.get(row["seq"]) == row["run"] and row["seq"] in runs), seen
            assert not row["park"] or (status is Status.PENDING and row["park_detail"] and not row["outcome"]), seen

    def _paper(self) -> None:
        """Moves are in the table, and history only grows."""
        for line in self._ask("SELECT * FROM trace WHERE id > ?", (self._last_move,)).fetchall():
            self._last_move = line["id"]
            assert (line["before"], line["after"]) in MOVES, dict(line)
        history = [tuple(row) for row in self._ask("SELECT * FROM history ORDER BY id").fetchall()]
        assert history[: len(self._history)] == self._history
        self._history = history
