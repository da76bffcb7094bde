"""Tasks put together to files of a bounded size, kept aside on the disk until it is sure that all are good."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from types import TracebackType

from msgspec import Struct

from koubou.cli.rows.drafting import Planned

_MOST_TASKS = 200
_MOST_BYTES = 1_000_000
_MOST_SIGNS = 20_000
"""Of commas and brackets: a file holds 100,000 values at most."""


class Ticket(Struct, frozen=True):
    """A task as it is told of: the line of its row, its id, and the digest by which it is known again."""

    line: int
    id: str
    digest: str


class Batch(Struct, frozen=True, kw_only=True):
    """What goes into one file: a document a line, between lines of `---`."""

    tickets: list[Ticket]
    documents: list[str]

    def data(self) -> bytes:
        """The file."""
        return "\n---\n".join(self.documents).encode() + b"\n"

    def without(self, ids: Iterable[str]) -> Batch:
        """The same without some tasks."""
        gone = {each.lower() for each in ids}
        kept = [pair for pair in zip(self.tickets, self.documents, strict=True) if pair[0].id.lower() not in gone]
        return Batch(tickets=[ticket for ticket, _ in kept], documents=[text for _, text in kept])

    def lines(self) -> list[int]:
        """The lines of the rows."""
        return [ticket.line for ticket in self.tickets]


class Aside:
    """Batches in a file that nobody else sees and that goes with us; use it in a `with`."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")  # noqa: SIM115 - __exit__ closes it
        self._tickets: list[Ticket] = []
        self._documents: list[str] = []
        self._bytes = self._signs = 0
        self.tasks = 0

    def __enter__(self) -> Aside:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def put(self, one: Planned) -> None:
        """Lay a task aside."""
        size, signs = len(one.text.encode()), sum(map(one.text.count, ",[{"))
        full = len(self._tickets) >= _MOST_TASKS or self._bytes + size > _MOST_BYTES
        if self._tickets and (full or self._signs + signs > _MOST_SIGNS):
            self._end()
        self._tickets.append(Ticket(one.row.line, one.id, one.digest))
        self._documents.append(one.text)
        self._bytes += size
        self._signs += signs
        self.tasks += 1

    def batches(self) -> Iterator[Batch]:
        """All that was laid aside, in its order."""
        if self._tickets:
            self._end()
        self._file.seek(0)
        for line in self._file:
            tickets = [Ticket(*each) for each in json.loads(line)]
            yield Batch(tickets=tickets, documents=[self._file.readline().rstrip("\n") for _ in tickets])

    def _end(self) -> None:
        told = [(ticket.line, ticket.id, ticket.digest) for ticket in self._tickets]
        self._file.write(f"{json.dumps(told)}\n")
        self._file.writelines(f"{text}\n" for text in self._documents)
        self._tickets, self._documents = [], []
        self._bytes = self._signs = 0
