"""When each task ripens, kept true as its priority, its money and those who wait for it change."""

from __future__ import annotations

from koubou.board.parked import SQL, Parked
from koubou.errors import IllegalMove
from koubou.model.instant import Instant
from koubou.model.task import Task
from koubou.rules.priority import ripe_at

__all__ = ["SQL", "Ripening"]

_VISITS_AT_MOST = 1_000
"""Of a change that goes on from a task to what it needs; what stands behind that keeps its old urgency."""


class Ripening(Parked):
    """The part of the page of tasks that is about who comes first."""

    def ripen(self, seq: int) -> None:
        """Work out anew when a task ripens, and what it needs with it."""
        todo = [seq]
        for each in todo:
            task_id, owner, before, since, priority, half_used = self._execute(
                SQL["inputs_of_ripeness"], {"seq": each}
            ).fetchone()
            own = ripe_at(since, priority, half_used=bool(half_used))
            urged = self._execute(SQL["urged"], {"id": task_id, "owner": owner}).fetchone()[0]
            ripe = own if urged is None else min(own, urged)
            if ripe == before:
                continue
            self._execute(SQL["set_ripe_at"], {"seq": each, "ripe_at": ripe})
            if len(todo) < _VISITS_AT_MOST:
                todo += self._needed(each, owner)

    def prioritized(self, task: Task, priority: int, now: Instant) -> None:
        """A person gives a waiting task another priority."""
        values = {"seq": task.seq, "priority": priority, "now": now}
        if self._execute(SQL["set_priority"], values).rowcount != 1:
            raise IllegalMove(f"task {task.id} does not wait any more")
        self.ripen(task.seq)

    def weighed(self, task_id: str, half_used: bool) -> None:
        """Note whether more than half of a task's own budget is used."""
        row = self._execute(SQL["set_half_used"], {"id": task_id, "half_used": half_used}).fetchone()
        if row is not None:
            self.ripen(row[0])

    def _urge_no_more(self, task: Task) -> None:
        """It has ended: what it needed is urgent only for itself and for others."""
        for needed in self._needed(task.seq, task.owner):
            self.ripen(needed)

    def _needed(self, seq: int, owner: int) -> list[int]:
        rows = self._execute(SQL["needed_of_owner"], {"seq": seq, "owner": owner})
        return [row[0] for row in rows.fetchall()]
