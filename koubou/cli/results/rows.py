"""Results of the tasks of rows, in the order of the rows and with their columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from koubou.board.results import Results
from koubou.cli import exits
from koubou.cli.progress import progress
from koubou.cli.results.records import NAMES, Records
from koubou.cli.rows.drafting import Plan, Planned, planned
from koubou.cli.say import note
from koubou.cli.waiting import looks
from koubou.cli.watching import Watch, watching
from koubou.errors import Problem, UsageMistake
from koubou.model.status import ENDS, Status
from koubou.views.looking import Told

if TYPE_CHECKING:
    from koubou.views.workshop import Workshop

_AT_ONCE = 500
_BETWEEN_LOOKS = 1.0
_ROW = "row"


class OfRows:
    """The rows are read again each time, and bad ones are left out: no more than some are in memory at once."""

    def __init__(self, workshop: Workshop, plan: Plan, statuses: Collection[str]) -> None:
        if plan.rows == "-":
            raise UsageMistake("results reads the rows twice: --from takes a file here")
        self._workshop = workshop
        self._plan = plan
        self._statuses = statuses
        self._records = Records(workshop)

    def wait(self, timeout: float) -> int:
        """Until the tasks of all rows have ended; the exit code tells how."""
        waiting = [one.id for one in self._tasks()]
        tasks, failed = len(waiting), False
        with progress("waiting") as line, watching(self._workshop) as watch:
            for _ in looks(timeout, _BETWEEN_LOOKS):
                ended = {task_id: status for task_id, status in _standing(watch, waiting) if status in ENDS}
                failed = failed or any(status is not Status.COMPLETED for status in ended.values())
                waiting = [task_id for task_id in waiting if task_id.lower() not in ended]
                if not waiting:
                    break
                line.says(f"{tasks - len(waiting):,} of {tasks:,} tasks have ended")
        if waiting:
            note(f"{len(waiting):,} of {tasks:,} tasks have not ended in time")
            return exits.TIMED_OUT
        return exits.FAILED if failed else exits.DONE

    def columns(self) -> Sequence[str]:
        """The columns of the rows, then ours; where a column has one of our names, ours is koubou_<name>."""
        first = next(self._tasks(), None)
        if first is None:
            return NAMES
        own = list(first.row.values)
        ours = [*NAMES, *(f"metadata.{key}" for key in first.request.metadata)]
        return [*(f"{_ROW}.{name}" for name in own), *ours]

    def records(self) -> Iterator[dict[str, Any]]:
        """Each row's, in the order of the rows."""
        tasks = self._tasks()
        try:
            board = self._workshop.open_board(served=self._workshop.served)
        except PermissionError:
            yield from self._told(tasks, Told(self._workshop.layout.run))
        else:
            try:
                yield from self._read(tasks, board.results)
            finally:
                board.close()
        self._records.tell()

    def _read(self, tasks: Iterator[Planned], board: Results) -> Iterator[dict[str, Any]]:
        while some := list(islice(tasks, _AT_ONCE)):
            known = board.of([one.id for one in some])
            for one in some:
                result = known.get(one.id.lower())
                record = (
                    self._records.unknown(one.id, one.request.metadata)
                    if result is None
                    else self._records.of_board(result)
                )
                yield from self._wanted(one, record)

    def _told(self, tasks: Iterator[Planned], master: Told) -> Iterator[dict[str, Any]]:
        while some := list(islice(tasks, _AT_ONCE)):
            known = master.standing([one.id for one in some])
            for one in some:
                status = known.get(one.id.lower())
                metadata = one.request.metadata
                record = (
                    self._records.unknown(one.id, metadata)
                    if status is None
                    else self._records.of_shelf(one.id, status, metadata)
                )
                yield from self._wanted(one, record)

    def _wanted(self, one: Planned, record: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if not self._statuses or record["status"] in self._statuses:
            yield {_ROW: dict(one.row.values), "line": one.row.line, **record}

    def _tasks(self) -> Iterator[Planned]:
        each = planned(self._plan, self._workshop.settings)
        return (one for one in each if not isinstance(one, Problem))


def _standing(watch: Watch, ids: Sequence[str]) -> Iterator[tuple[str, Status]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield from watch.standing(ids[start : start + _AT_ONCE]).items()
