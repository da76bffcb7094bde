"""Results of the tasks that a filter means, read page by page from the board."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from types import TracebackType
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from koubou.cli import exits
from koubou.cli.progress import progress
from koubou.cli.results.records import NAMES, Records
from koubou.cli.say import note
from koubou.cli.waiting import looks
from koubou.cli.watching import BoardWatch
from koubou.model.status import ENDS, Status
from koubou.views.looking import operators_only

if TYPE_CHECKING:
    from koubou.board.filter import Filter
    from koubou.views.workshop import Workshop

_PAGE = 500
_MOST_KEYS = 100
_BETWEEN_LOOKS = 1.0
_OPEN = tuple(str(status) for status in Status if status not in ENDS)
_NOT_COMPLETED = tuple(str(status) for status in ENDS if status is not Status.COMPLETED)


class Selected:
    """Use it in a `with`. Raises NotAllowed for who may not read the board."""

    def __init__(self, workshop: Workshop, wanted: Filter) -> None:
        self._wanted = wanted
        self._records = Records(workshop)
        self._workshop = workshop
        try:
            self._board = workshop.open_board(served=workshop.served)
        except PermissionError:
            raise operators_only("results", "give the rows with --from") from None

    def __enter__(self) -> Selected:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._board.close()

    def wait(self, timeout: float) -> int:
        """Until all that are meant, whatever their status, have ended; the exit code tells how."""
        meant = replace(self._wanted, status=())
        unfinished, bad = replace(meant, status=_OPEN), replace(meant, status=_NOT_COMPLETED)
        with progress("waiting") as line, closing(BoardWatch(self._workshop)) as watch:
            for _ in looks(timeout, _BETWEEN_LOOKS):
                board = watch.board
                waiting, tasks = board.how_many(unfinished), board.how_many(meant)
                failed = board.how_many(bad)
                if not waiting:
                    break
                line.says(f"{tasks - waiting:,} of {tasks:,} tasks have ended")
        self._board.close()
        self._board = self._workshop.open_board(served=self._workshop.served)
        if waiting:
            note(f"{waiting:,} of {tasks:,} tasks have not ended in time")
            return exits.TIMED_OUT
        return exits.FAILED if failed else exits.DONE

    def columns(self) -> Sequence[str]:
        """The columns of a table of them."""
        keys = self._board.results.metadata_keys(*self._wanted.conditions(), _MOST_KEYS)
        return [*NAMES, *(f"metadata.{key}" for key in keys)]

    def records(self) -> Iterator[dict[str, Any]]:
        """Each of them, in the order of arrival."""
        conditions, values = self._wanted.conditions()
        after = -1
        while page := self._board.results.page(conditions, values, after, _PAGE):
            for result in page:
                yield self._records.of_board(result)
            after = page[-1].seq
        self._records.tell()
