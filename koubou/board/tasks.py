"""The page of tasks: what was asked, where it stands, what it waits for."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from koubou.board.ripening import SQL, Ripening
from koubou.board.rows import need_from_row, task_from_row
from koubou.errors import IllegalMove
from koubou.model.decision import Breach, Finding, Reason, Routed
from koubou.model.instant import Instant
from koubou.model.request_json import request_from_json
from koubou.model.status import Move, Park, Status, Waiting, after
from koubou.model.task import Difficulty, Need, NewTask, Sensitivity, Task, TaskRequest
from koubou.rules.priority import ripe_at, waiting_since

_NEW = tuple(name for name in NewTask.__struct_fields__ if name not in ("depends_on", "locks"))
_new_values = attrgetter(*_NEW)
_LEARNED = (
    *("failures", "interruptions", "window_over", "suspect", "phase", "answer_run", "answer_bytes", "upgraded_to"),
    *("difficulty", "judge_score"),
)
"""What a run can change of a task besides where it stands."""
_JSON = json.JSONEncoder(ensure_ascii=False)
# The step's word stands in the statement itself, or SQLite could not tell that the index has what is asked for.
_DUE = {step: SQL["due"].replace(":waiting", f"'{step}'") for step in (Waiting.CLASSIFY, Waiting.ROUTE)}


class Tasks(Ripening):
    """Every change names the status it starts from; when no row moves, somebody else was first: IllegalMove."""

    def insert(self, new: NewTask, now: Instant) -> int:
        """Take a task onto the board as pending; return its `seq`."""
        values = dict(zip(_NEW, _new_values(new), strict=True))
        since = waiting_since(now, new.not_before)
        values |= {
            "has_dependencies": bool(new.depends_on),
            "has_locks": bool(new.locks),
            "waiting_since": since,
            "ripe_at": ripe_at(since, new.priority, half_used=False),
            "now": now,
        }
        cursor = self._execute(SQL["insert"], values)
        seq = cursor.lastrowid
        assert seq is not None  # noqa: S101 - an INSERT that did not raise has a row
        self._execute(SQL["insert_request"], values | {"task": seq})
        for needed in new.depends_on:
            self._execute(SQL["insert_dependency"], {"task": seq, "needs": needed})
        for lock in new.locks:
            self._execute(SQL["insert_lock"], {"task": seq, "name": lock})
        if new.depends_on:
            self._execute(SQL["urge_needed"], {"seq": seq})
        return seq

    def get(self, task_id: str) -> Task | None:
        """A task by its id, without regard to case."""
        row = self._execute(SQL["by_id"], {"id": task_id}).fetchone()
        return task_from_row(row) if row else None

    def at(self, seq: int) -> Task:
        """A task by its place in the order of arrival."""
        return task_from_row(self._execute(SQL["by_seq"], {"seq": seq}).fetchone())

    def identity(self, task_id: str) -> tuple[str, str, int] | None:
        """(id, digest, owner) of a task, to tell whether the same was asked before."""
        row = self._execute(SQL["identity"], {"id": task_id}).fetchone()
        return tuple(row) if row else None

    def of_claim(self, claim: str) -> list[str]:
        """Ids of the tasks that a claimed file became."""
        return [row[0] for row in self._execute(SQL["of_claim"], {"claim": claim})]

    def due(self, waiting: Waiting, limit: int) -> list[Task]:
        """Tasks that wait for a step before the queue and are not parked, in dispatch order: the ripest first."""
        rows = self._execute(_DUE[waiting], {"limit": limit})
        return [task_from_row(row) for row in rows.fetchall()]

    def due_for_tier(self, tier: str, limit: int) -> list[Task]:
        """Tasks that wait for a place in this tier, in dispatch order, whosever they are."""
        rows = self._execute(SQL["due_for_tier"], {"tier": tier, "limit": limit})
        return [task_from_row(row) for row in rows.fetchall()]

    def queued(self) -> dict[str, int]:
        """How many tasks wait for a place, by tier."""
        return dict(self._execute(SQL["queued"]).fetchall())

    def request(self, seq: int) -> tuple[str, TaskRequest]:
        """The text of a task: its document as it was dropped, and the checked request."""
        row = self._execute(SQL["request_of"], {"task": seq}).fetchone()
        return row["source"], request_from_json(row["body"])

    def names_workspace(self, seq: int) -> bool:
        """Whether a task's text names a folder to work in."""
        return bool(self._execute(SQL["names_workspace"], {"task": seq}).fetchone()[0])

    def text(self, seq: int) -> tuple[str, str]:
        """The text of a task: its document as it was dropped, and the checked request as JSON (`request_json`)."""
        row = self._execute(SQL["text_of"], {"task": seq}).fetchone()
        return row["source"], row["body"]

    def examination(self, seq: int) -> tuple[Sequence[Finding], int]:
        """What the close look at a task found: what is secret, and its score of difficulty."""
        row = self._execute(SQL["examination_of"], {"task": seq}).fetchone()
        findings = [Finding(**finding) for finding in json.loads(row["findings"])] if row["findings"] != "[]" else []
        return findings, row["score"]

    def classified(
        self, task: Task, sensitivity: Sensitivity, difficulty: Difficulty, reasons: Sequence[Reason], now: Instant
    ) -> None:
        """Note how secret and how hard a task is, after the factors of its examination; it waits for its tier."""
        values = {"sensitivity": sensitivity, "difficulty": difficulty, "judged": _reasons(reasons)}
        values["phase"] = task.phase
        self._move("classified", task, Move.CLASSIFIED, values, now)

    def judged(self, task: Task, reason: Reason) -> None:
        """Note one more reason of how hard a task is."""
        self._execute(SQL["judged"], {"seq": task.seq, "reason": _reasons([reason])[1:-1]})

    def routed(self, task: Task, decision: Routed, now: Instant) -> None:
        """Note a task's tier; it waits for a place and money."""
        values = {"tier": decision.tier, "routed": _reasons(decision.reasons), "lesser": decision.lesser}
        values["phase"] = task.phase
        self._move("routed", task, Move.ROUTED, values, now)

    def parked(self, task: Task, park: Park, now: Instant, breach: Breach | None = None) -> None:
        """Leave a task pending with a reason, at the step for which it waits."""
        values = {
            "park": park.reason,
            "detail": park.detail,
            "until": park.until,
            "account": breach.account.name if breach else None,
            "dimension": breach.account.dimension if breach else None,
            "need": breach.need if breach else None,
            "least": breach.least if breach else None,
            "bearable": breach.bearable if breach else None,
            "waiting": task.waiting,
        }
        self._move("parked", task, Move.PARKED, values, now)

    def rerouted(self, task: Task, now: Instant) -> None:
        """Send a waiting task back to the step that chooses its tier."""
        self._move("reroute", task, Move.RETRIED, {}, now)

    def error_of(self, seq: int) -> Mapping[str, Any] | None:
        """Why a task ended without an answer, as error.json tells it."""
        row = self._execute(SQL["error_of"], {"seq": seq}).fetchone()
        return json.loads(row[0]) if row and row[0] else None

    def queued_up_to(self, tier: str, most: int) -> int:
        """How many tasks wait for a place in a tier, counted no further than `most`."""
        return int(self._execute(SQL["queued_up_to"], {"tier": tier, "most": most}).fetchone()[0])

    def admitted(self, task: Task, cost: int, tokens: int, now: Instant) -> int:
        """Give a task its place, with an estimate of what it will cost; return the number of its new run."""
        values = {"cost": cost, "tokens": tokens}
        return int(self._move("admitted", task, Move.ADMITTED, values, now)[0])

    def started(self, task: Task, now: Instant) -> None:
        """Note that a task's current run is under way."""
        self._move("started", task, Move.STARTED, {"run": task.run}, now)

    def retried(self, task: Task, now: Instant, park: Park | None = None) -> None:
        """Send a task back to route after a run, at once or parked, with what is known of it since as `task` says."""
        values = {name: getattr(task, name) for name in _LEARNED} | {
            "park": park.reason if park else None,
            "detail": park.detail if park else None,
            "until": park.until if park else None,
            "given_up": json.dumps(list(task.given_up)),
        }
        self._move("retried", task, Move.PARKED if park else Move.RETRIED, values, now)

    def ended(
        self, task: Task, move: Move, now: Instant, *, error: Mapping[str, Any] | None = None, answer_bytes: int = 0
    ) -> None:
        """Decide a task's end; it shows as such once it is filed."""
        values = {
            "seq": task.seq,
            "from_status": task.status,
            "outcome": after(task.status, move),
            "error": json.dumps(error, ensure_ascii=False) if error else None,
            "answer_bytes": answer_bytes,
            "now": now,
        }
        self._expect_one(self._execute(SQL["ended"], values), task, move)
        if task.has_dependencies and move is not Move.COMPLETED:
            self._urge_no_more(task)

    def finished(self, task: Task, run: int, answer_bytes: int, now: Instant) -> None:
        """What came of a run is enough: the task is completed with it."""
        values = {"run": run, "answer_bytes": answer_bytes, "judge_score": task.judge_score}
        self._move("finished", task, Move.FINISHED, values, now)

    def filed(self, seq: int, now: Instant) -> Task | None:
        """Note that a task's answer or error stands in its folder; None when that was known."""
        moved = self._execute(SQL["filed"], {"seq": seq, "now": now}).rowcount
        return self.at(seq) if moved else None

    def revived(self, task: Task, now: Instant) -> None:
        """A person wants an ended task tried again: back to route, or to classify where it never came so far."""
        self._move("revived", task, Move.RETRIED, {}, now)
        self.ripen(task.seq)

    def spent(self, task_id: str, cost: int, tokens: int) -> tuple[int, int] | None:
        """Add a call's cost and tokens to its task's page; (tokens, cost) as they had been estimated for it."""
        row = self._execute(SQL["spent"], {"id": task_id, "cost": cost, "tokens": tokens}).fetchone()
        return tuple(row) if row else None

    def set_sensitivity(self, task: Task, sensitivity: Sensitivity, now: Instant) -> None:
        """Write down how secret a task is: raised by a rule, or lowered by a named person."""
        self._execute(SQL["lowered"], {"seq": task.seq, "sensitivity": sensitivity, "now": now})

    def note_released(self, seq: int) -> None:
        """A person who knew what a task reads has said how secret it is: that does not raise it again."""
        self._execute(SQL["released"], {"seq": seq})

    def set_inputs_bytes(self, seq: int, size: int) -> None:
        """Note how many bytes the answers of other tasks add to what is sent."""
        self._execute(SQL["inputs"], {"seq": seq, "size": size})

    def set_rated(self, seq: int, rating: str) -> None:
        """Write down what a person says of its answer."""
        self._execute(SQL["rated"], {"seq": seq, "rating": rating})

    def ask_cancel(self, seq: int, now: Instant) -> None:
        """A person wants a task at work stopped."""
        self._execute(SQL["ask_cancel"], {"seq": seq, "now": now})

    def reroute_unknown(self, offered: Sequence[str], now: Instant) -> int:
        """After a change of settings: whoever waits for a tier that is not offered any more chooses again."""
        return self._execute(SQL["reroute_unknown"], {"offered": json.dumps(list(offered)), "now": now}).rowcount

    def leave_unknown(self, offered: Sequence[str], now: Instant) -> int:
        """Whoever waits for a place in a tier that is not offered chooses again."""
        return self._execute(SQL["leave_unknown"], {"offered": json.dumps(list(offered)), "now": now}).rowcount

    def leave_asides(self, tier: str | None, now: Instant) -> int:
        """Whoever waits for a place in a tier (None = in any) to be judged, or asked about, chooses again."""
        return self._execute(SQL["leave_asides"], {"tier": tier, "now": now}).rowcount

    def parked_for_tier(self, limit: int) -> list[Task]:
        """Who waits until a tier can take him, the least urgent first."""
        return [task_from_row(row) for row in self._execute(SQL["parked_for_tier"], {"limit": limit}).fetchall()]

    def owed_filings(self, limit: int) -> list[tuple[int, str]]:
        """(seq, id) of tasks whose end is decided and not yet in its folder."""
        return [(row[0], row[1]) for row in self._execute(SQL["owed_filings"], {"limit": limit})]

    def needs(self, seq: int) -> list[Need]:
        """The tasks that one needs, with how they stand."""
        return [need_from_row(row) for row in self._execute(SQL["needs"], {"task": seq}).fetchall()]

    def sensitivity_of(self, task_id: str, owner: int) -> Sensitivity | None:
        """How secret a submitter's task is; None where he has none of that id, or nobody has judged it yet."""
        row = self._execute(SQL["sensitivity_of"], {"id": task_id, "owner": owner}).fetchone()
        return Sensitivity(row[0]) if row is not None and row[0] is not None else None

    def needed_elsewhere(self, ids: Sequence[str], claim: str) -> bool:
        """Whether a task that did not come with these, by this claim, needs one of them."""
        values = {"ids": json.dumps(list(ids)), "claim": claim}
        return self._execute(SQL["needed_elsewhere"], values).fetchone() is not None

    def edges_behind(self, ids: Sequence[str]) -> list[tuple[str, str]]:
        """Who needs whom in all that stands behind these tasks, in lower case."""
        return [(row[0], row[1]) for row in self._execute(SQL["edges_behind"], {"ids": json.dumps(list(ids))})]

    def expired(self, now: Instant, limit: int) -> list[Task]:
        """Tasks that were not begun before their time was over."""
        return [task_from_row(row) for row in self._execute(SQL["expired"], {"now": now, "limit": limit}).fetchall()]

    def counted(self) -> dict[Status, int]:
        """How many tasks have each status."""
        found = dict(self._execute(SQL["counted"]).fetchall())
        return {status: found.get(status, 0) for status in Status}

    def pending_count(self) -> int:
        """How many tasks are pending; what intake is measured against."""
        return int(self._execute(SQL["pending_count"]).fetchone()[0])

    def _move(self, name: str, task: Task, move: Move, values: dict[str, Any], now: Instant) -> Sequence[Any]:
        values |= {"seq": task.seq, "from_status": task.status, "status": after(task.status, move), "now": now}
        cursor = self._execute(SQL[name], values)
        if "RETURNING" in SQL[name]:
            row = cursor.fetchone()
            if row is None:
                raise IllegalMove(f"task {task.id} is no longer {task.status}: it cannot be {move}")
            return tuple(row)
        self._expect_one(cursor, task, move)
        return ()

    def _expect_one(self, cursor: sqlite3.Cursor, task: Task, move: Move) -> None:
        if cursor.rowcount != 1:
            raise IllegalMove(f"task {task.id} is no longer {task.status}: it cannot be {move}")


def _reasons(reasons: Sequence[Reason]) -> str:
    return _JSON.encode([{"rule": reason.rule, "reason": reason.reason} for reason in reasons])
