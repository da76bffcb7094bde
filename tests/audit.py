"""An auditor who comes after every turn: keeps books of its own and compares the board with them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from koubou.model.account import AccountKey
from koubou.model.deed import Say
from koubou.model.heard import Asked, Heard
from koubou.model.instant import DAY, HOUR, MINUTE
from koubou.model.money import FREE, Price
from koubou.model.status import ENDS, TRANSITIONS, Status
from koubou.model.tier import Reach
from tests.second_opinion import Bound, Call, bounds, daily, day_of, free, hour_of, month_of, most
from tests.turns import Workshop

CLOCKS = 5 * MINUTE
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


@dataclass(frozen=True, kw_only=True)
class Hold:
    """What is promised to a call."""

    model: str
    tier: str
    at: int
    hour: int
    names: frozenset[str]
    """Of the accounts that it counts on, where there are such, whenever they are made."""
    accounts: tuple[AccountKey, ...]
    amounts: dict[str, int]


class Audited(Workshop):
    """A workshop that is looked over after every turn."""

    def turn(self, *heard: Heard) -> dict[int, Any]:
        """One turn, and what the auditor has to say of it."""
        replies = super().turn(*heard)
        for message in heard:
            if isinstance(message, Asked):
                self.auditor.asked(message, replies[message.ticket])
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
    person: dict[tuple[str, str], int | None] = field(default_factory=dict)
    """What a person set in place of the settings."""
    added: Counter[AccountKey] = field(default_factory=Counter)
    holds: dict[str, Hold] = field(default_factory=dict)
    """Open holds by call."""
    prices: dict[str, Price] = field(default_factory=dict)
    """What the tier of each call charged when it was let through."""
    ended: dict[str, Hold] = field(default_factory=dict)
    booked: dict[str, tuple[int, int]] = field(default_factory=dict)
    """When each call ended that a bill has not spoken of as of one that nobody knows, and what it cost."""
    settled: Counter[AccountKey] = field(default_factory=Counter)
    unreconciled: Counter[AccountKey] = field(default_factory=Counter)
    above: Counter[AccountKey] = field(default_factory=Counter)
    """By account: the most that facts, not promises, have put there in this turn beyond what was held."""
    period: dict[AccountKey, set[str]] = field(default_factory=dict)
    """By account: the calls of it that have ended since its period began."""
    unknown: dict[str, int] = field(default_factory=dict)
    """Settled calls of which nobody knows what they cost, with what was assumed."""
    by_hour: Counter[tuple[str, int]] = field(default_factory=Counter)
    """What the ledger says of each model and hour."""
    _confirmed: list[tuple[str, int]] = field(default_factory=list)
    _total: dict[AccountKey, int] = field(default_factory=dict)
    _last_line: int = 0
    _last_move: int = 0
    _history: list[tuple[Any, ...]] = field(default_factory=list)
    _new: set[str] = field(default_factory=set)
    """Calls that were let through in this turn."""

    def __post_init__(self) -> None:
        self._ask = self.shop.board.connection.execute
        self.shop.board.connection.executescript(TRACE)

    def asked(self, message: Asked, reply: Any) -> None:
        """Note what a person was granted; nobody is answered by a fault."""
        assert reply.get("error", {}).get("kind") != "unavailable", reply
        if "ok" not in reply:
            return
        words = message.arguments
        match message.verb:
            case "budget_set":
                scope = words["scope"], words["dimension"]
                self.person.pop(scope, None)
                if words["amount"] != "default":
                    self.person[scope] = words["amount"]
                account = self.account_of("day" if scope[0] == "weekend" else scope[0])
                self.added[AccountKey(account, scope[1])] = 0
            case "budget_add":
                self.added[AccountKey(self.account_of(words["account"]), words["dimension"])] += words["amount"]
            case "reconcile":
                named = {(row["model"], hour_of(row["hour"])) for row in words["rows"]}
                self._confirmed = sorted(key for key in named if not self.is_moving(*key))

    def is_moving(self, model: str, hour: int) -> bool:
        """Whether a call is under way that a provider may book in this hour, or did before it."""
        held = (hold for hold in self.holds.values() if hold.model == model and hold.amounts["usd"])
        return any(hold.at - CLOCKS < hour + HOUR for hold in held)

    def held_in(self, model: str, hours: set[int]) -> int:
        """What is held for calls that a provider may book in one of these hours."""
        held = [hold for hold in self.holds.values() if hold.model == model]
        return sum(hold.amounts["usd"] for hold in held if any(hold.at - CLOCKS < hour + HOUR for hour in hours))

    def late_in(self, model: str, hours: set[int]) -> int:
        """What calls cost that we have in other hours, and a provider may have in one of these."""
        found = 0
        for call, (ended, cost) in self.booked.items():
            hold = self.ended[call]
            touches = any(hold.at - CLOCKS < hour + HOUR and hour <= ended + CLOCKS for hour in hours)
            if hold.model == model and hold.hour not in hours and touches and hold.at >= min(hours) - DAY:
                found += cost
        return found

    def account_of(self, scope: str) -> str:
        """The name of the account that a scope means now."""
        now, budget = self.shop.now, self.shop.budget
        match scope.split(":"):
            case ["month"]:
                return month_of(now, budget)
            case ["day"]:
                return day_of(now, budget)
            case ["tier" | "model" | "submitter", _]:
                return f"{scope}:{month_of(now, budget)}"
        return scope

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
        unknown_before = self.unreconciled.copy()
        new = self._read_ledger()
        self._new = {line["call"] for line in new}
        latched = self.shop.board.crew.latches()
        assert not new or "emergency" not in latched
        expected: dict[AccountKey, Bound] = {}
        rows = {AccountKey(row["name"], row["dimension"]): row for row in self._ask("SELECT * FROM account").fetchall()}
        filled = {key: row["settled"] + row["held"] for key, row in rows.items()}
        for line in new:
            for key in keys(line):
                filled[key] -= self.holds[line["call"]].amounts[key.dimension]
        for line in new:
            assert not {f"model:{line['model']}", f"tier:{line['tier']}"} & latched.keys()
            assert not self.shop.tiers[line["tier"]].unfit
            expected |= self._let_through(line, filled)
        held: Counter[AccountKey] = Counter()
        for hold in self.holds.values():
            held.update({key: hold.amounts[key.dimension] for key in hold.accounts})
        for key, row in rows.items():
            self._account(key, row, held[key], expected.get(key))
        self._pauses(unknown_before, latched)

    def _read_ledger(self) -> list[Any]:
        """Keep the books; the holds that are new."""
        new = []
        self.above.clear()
        for line in self._ask("SELECT * FROM ledger WHERE id > ? ORDER BY id", (self._last_line,)).fetchall():
            self._last_line = line["id"]
            match line["kind"]:
                case "hold":
                    self._hold(line)
                    new.append(line)
                case "settle" | "release":
                    self._end(line)
                case "reset":
                    (key,) = keys(line)
                    assert -line["amount"] == (self.settled[key] if key.dimension == "usd" else 0)
                    self.settled[key] = self.unreconciled[key] = 0
                    self.period[key] = set()
                case "carry":
                    (key,) = keys(line)
                    amount = {"usd": line["amount"], "time": line["time"]}.get(key.dimension, line["tokens"])
                    self.settled[key] = max(0, self.settled[key] + amount)
                    self.above[key] += max(0, amount)
                case "reconcile":
                    self._correct(line)
        for model, hour in self._confirmed:
            self._confirm(model, hour)
        self._confirmed = []
        return new

    def _hold(self, line: Any) -> None:
        call = line["call"]
        assert call not in self.holds | self.ended, "a call is held for once"
        self.prices[call] = self.shop.tiers[line["tier"]].price or FREE
        self.holds[call] = Hold(
            model=line["model"],
            tier=line["tier"],
            at=self.shop.now,
            hour=hour_of(self.shop.now),
            names=self._names(line),
            accounts=keys(line),
            amounts={"usd": line["amount"], "tokens": line["tokens"], "calls": 1, "time": line["time"]},
        )

    def _end(self, line: Any) -> None:
        call, nothing = line["call"], line["kind"] == "release"
        hold = self.ended[call] = self.holds.pop(call)
        used = {"usd": line["amount"], "tokens": line["tokens"], "calls": 0 if nothing else 1, "time": line["time"]}
        assert keys(line) == hold.accounts, "a call settles in the windows in which it was held"
        assert not nothing or (used["usd"], used["tokens"]) == (0, 0)
        if line["unreconciled"]:
            assert used["usd"] == hold.amounts["usd"], "where nobody knows, all that was held counts"
            self.unknown[call] = used["usd"]
        self.by_hour[hold.model, hold.hour] += used["usd"]
        self.booked[call] = self.shop.now, used["usd"]
        for key in hold.accounts:
            self.settled[key] += used[key.dimension]
            self.unreconciled[key] += used["usd"] if line["unreconciled"] and key.dimension == "usd" else 0
            self.above[key] += max(0, used[key.dimension] - hold.amounts[key.dimension])
        for key in {*hold.accounts, *self._total}:
            if key.name in hold.names:
                self.period.setdefault(key, set()).add(call)

    def _correct(self, line: Any) -> None:
        self.by_hour[line["model"], line["begun_at"]] += line["amount"]
        opened = {self.account_of("month")}  # in this turn, before anything else
        if daily(self.shop.budget, self.person, self.shop.now) is not None:
            opened.add(self.account_of("day"))
        for key in keys(line):
            if key in self._total or key.name in opened:
                self.settled[key] = max(0, self.settled[key] + line["amount"])
                self.above[key] += max(0, line["amount"])

    def _confirm(self, model: str, hour: int) -> None:
        """Nothing of a model's hour is unknown any more."""
        for call in [call for call in self.unknown if (self.ended[call].model, self.ended[call].hour) == (model, hour)]:
            amount = self.unknown.pop(call)
            del self.booked[call]
            for key in self.ended[call].accounts:
                if key.dimension == "usd" and call in self.period[key]:
                    self.unreconciled[key] -= amount

    def _let_through(self, line: Any, filled: dict[AccountKey, int]) -> dict[AccountKey, Bound]:
        """What this hold asked of its accounts, each as full as `filled` says when its turn came."""
        task, tier, price = self.shop.task(line["task"]), self.shop.tiers[line["tier"]], self.prices[line["call"]]
        ((cap,),) = self._ask("SELECT cap FROM run WHERE call = ?", (line["call"],)).fetchall()
        call = Call(
            task=task, first=line["run"] == 1, tier=tier, price=price, input_tokens=line["tokens"] - cap, cap=cap
        )
        assert call.shortest <= cap <= tier.max_output_tokens
        assert call.input_tokens > task.input_bytes + task.inputs_bytes
        assert line["amount"] == most(price, call.input_tokens, cap)
        expected = bounds(call, self.shop.budget, self.person, self.shop.now)
        assert set(keys(line)) >= set(expected) | self._open_to(call, self._names(line))
        assert set(keys(line)) - set(expected) <= self._total.keys(), "what is open goes on counting without a limit"
        for key, bound in expected.items():
            filled[key] += self.holds[line["call"]].amounts[key.dimension]
            if bound.bearable is not None:
                assert filled[key] <= bound.bearable + self.added[key], f"{key}: more than this call may fill"
        return expected

    def _open_to(self, call: Call, names: Collection[str]) -> set[AccountKey]:
        """The accounts of a call that there were before this turn, whether or not a limit is in force."""
        moved = {"tokens", "calls", "time"} | (set() if free(call) else {"usd"})
        return {key for key in self._total if key.name in names and key.dimension in moved}

    def _names(self, line: Any) -> frozenset[str]:
        of = ["month", "day", f"tier:{line['tier']}", f"model:{line['model']}", f"task:{line['task']}"]
        of += [f"submitter:{line['submitter']}"]
        of += [] if line["session"] is None else [f"session:{line['session']}"]
        return frozenset(self.account_of(scope) for scope in of)

    def _account(self, key: AccountKey, row: Any, held: int, asked: Bound | None) -> None:
        total, ceiling = row["settled"] + row["held"], row["ceiling"]
        if key not in self._total:
            self.period[key] = {call for call, hold in self.ended.items() if key.name in hold.names}
        assert (row["settled"], row["held"]) == (self.settled[key], held), f"{key}: the ledger is the truth"
        assert row["unreconciled"] == self.unreconciled[key]
        assert row["added"] == self.added[key]
        assert row["over"] == (0 if ceiling is None else max(0, total - ceiling))
        if asked is not None:
            of_now = None if asked.ceiling is None else asked.ceiling + self.added[key]
            assert ceiling == of_now, f"{key}: a hold asks the ceiling of now"
            assert ceiling is None or total <= ceiling, f"{key}: held beyond its ceiling"
        if ceiling is not None and total > ceiling:
            assert total <= self._total.get(key, 0) + self.above[key], f"{key}: only facts stand above a ceiling"
        self._total[key] = total

    def _pauses(self, unknown_before: Counter[AccountKey], latched: Any) -> None:
        """A tier waits once a further twentieth of the month is unknown."""
        monthly = self.person.get(("month", "usd"), self.shop.budget.monthly)
        if monthly is not None:
            monthly += self.added[AccountKey(self.account_of("month"))]
        for key, unknown in self.unreconciled.items():
            if monthly and key.dimension == "usd" and key.name.startswith("tier:"):
                twentieths = unknown * 20 // monthly, unknown_before[key] * 20 // monthly
                assert twentieths[0] <= twentieths[1] or f"tier:{key.name.split(':')[1]}" in latched

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
