"""Reads a provider's bill: CSV with a head, a JSON list of rows, or pages of OpenAI's and Anthropic's cost reports."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from koubou.cli.budget.bill_row import Columns, Row, charge_of
from koubou.documents.limits import Limits
from koubou.documents.problems import BadDocument
from koubou.documents.reading import Document, read_documents
from koubou.errors import BillError, Problem
from koubou.model.instant import Instant
from koubou.rules.bill import Charge

_LIMITS = Limits(size=50_000_000, nodes=2_000_000)
_TOLD_AT_ONCE = 20
_DELIMITERS = ",;\t"


class Bill(Struct, frozen=True, kw_only=True):
    """What a file charges; `more` says that the provider has further pages of it."""

    charges: Sequence[Charge]
    more: bool


def read_bill(data: bytes, name: str, language: str | None, now: Instant) -> Bill:
    """The bill in a file; `language` is csv or json, None = by its name or first letter.

    Raises BillError with every problem, each with its line; one is a time that is long after `now`.
    """
    if len(data) > _LIMITS.size:
        raise BillError([Problem(message=f"is larger than {_LIMITS.size:,} bytes: export less at once", file=name)])
    is_json = data.lstrip()[:1] in (b"[", b"{") if language is None else language == "json"
    return _read_json(data, name, now) if is_json else _read_csv(data, name, now)


class _Problems:
    """Everything that is wrong, up to a number that a person can read."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Problem] = []
        self.count = 0

    def add(self, message: str, line: Callable[[], int | None]) -> None:
        self.count += 1
        if self.count <= _TOLD_AT_ONCE:
            self.found.append(Problem(message=message, file=self.file, line=line()))

    def refuse(self) -> None:
        """Raise them, if there are any."""
        if self.count > _TOLD_AT_ONCE:
            self.found.append(Problem(message=f"and {self.count - _TOLD_AT_ONCE} more", file=self.file))
        if self.found:
            raise BillError(self.found)


def _read_csv(data: bytes, name: str, now: Instant) -> Bill:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BillError([Problem(message="is not UTF-8 text", file=name, line=line)]) from None
    head = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=head.count), strict=True)
    problems = _Problems(name)
    charges: list[Charge] = []
    try:
        columns = Columns(next(rows, []))
        if columns.missing:
            problems.add(columns.missing, lambda: 1)
            problems.refuse()
        for cells in rows:
            if any(cell.strip() for cell in cells):
                charges += _charged(columns.row(cells), now, lambda: rows.line_num, problems)
    except csv.Error as error:
        problems.add(f"cannot be read as CSV: {error}", lambda: rows.line_num)
    problems.refuse()
    return Bill(charges=charges, more=False)


def _charged(row: Row, now: Instant, line: Callable[[], int | None], problems: _Problems) -> Iterator[Charge]:
    try:
        charge = charge_of(row, now)
    except ValueError as error:
        problems.add(str(error), line)
    else:
        if charge is not None:
            yield charge


def _read_json(data: bytes, name: str, now: Instant) -> Bill:
    try:
        (document,) = read_documents(data, name=name, limits=_LIMITS, json=True)
    except BadDocument as bad:
        raise BillError([bad.problem]) from None
    problems = _Problems(name)
    charges: list[Charge] = []
    for path, row in _rows(document.value):
        # The place is looked for only where there is something to tell: that reads the whole file once more.
        line = partial(_line, document, path)
        if isinstance(row, Row):
            charges += _charged(row, now, line, problems)
        else:
            problems.add(row, line)
    problems.refuse()
    return Bill(charges=charges, more=any(page.get("has_more") is True for _, page in _pages(document.value)))


def _line(document: Document, path: tuple[str | int, ...]) -> int | None:
    place = document.place(path)
    return place[0] if place else None


def _rows(value: Any) -> Iterator[tuple[tuple[str | int, ...], Row | str]]:
    """Every row with its place in the file, or what is wrong with what stands there."""
    pages = list(_pages(value))
    if pages:
        for path, page in pages:
            yield from _rows_of_page(path, page["data"])
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, Mapping):
                columns = Columns(list(item))
                yield (index,), columns.missing or columns.row(list(item.values()))
            else:
                yield (index,), "must be an object with model, hour and cost_usd"
    else:
        yield (), 'is neither a list of rows nor a cost report: there is no list "data" in it'


def _pages(value: Any) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """The pages of a cost report: one, or a list of them."""
    found = enumerate(value) if isinstance(value, list) else [(None, value)]
    for index, page in found:
        if isinstance(page, Mapping) and isinstance(page.get("data"), list):
            yield (() if index is None else (index,)), page


def _rows_of_page(path: tuple[str | int, ...], buckets: Sequence[Any]) -> Iterator[tuple[Any, Row | str]]:
    for index, bucket in enumerate(buckets):
        here = (*path, "data", index)
        results = bucket.get("results") if isinstance(bucket, Mapping) else None
        if not isinstance(results, list):
            yield here, 'must be an object with a time and a list "results"'
            continue
        for number, result in enumerate(results):
            there = (*here, "results", number)
            if isinstance(result, Mapping):
                yield there, _of_provider(bucket, result)
            else:
                yield there, "must be an object with an amount"


def _of_provider(bucket: Mapping[str, Any], result: Mapping[str, Any]) -> Row | str:
    """A row of OpenAI's costs (dollars in `amount.value`), or of Anthropic's cost report (`amount` in cents, as text).

    https://platform.openai.com/docs/api-reference/usage/costs, https://platform.claude.com/docs/en/api/admin/cost_report
    """
    amount = result.get("amount")
    if isinstance(amount, Mapping):
        return Row(
            model=result.get("model") or result.get("line_item"),
            since=bucket.get("start_time"),
            until=bucket.get("end_time"),
            amount=amount.get("value"),
            currency=amount.get("currency"),
            remedy="ask OpenAI for group_by=line_item",
        )
    if "starting_at" in bucket:
        return Row(
            model=result.get("model") or result.get("description"),
            since=bucket.get("starting_at"),
            until=bucket.get("ending_at"),
            amount=amount,
            currency=result.get("currency"),
            in_cents=True,
            remedy="ask Anthropic for group_by[]=description",
        )
    return "has no amount: a usage report counts tokens; ask for the cost report"
