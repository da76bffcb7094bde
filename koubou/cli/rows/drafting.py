"""From rows to tasks: each row checked as the intake will, with an id by which the same row is known again."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from koubou.cli.rows.reading import Row, Rows, rows_of
from koubou.cli.rows.template import BadRow, Template, template_of
from koubou.config.security_settings import policy_of
from koubou.documents.checking import nearest
from koubou.documents.problems import BadDocument, show_key
from koubou.documents.reading import Document, read_documents
from koubou.errors import Problem, TaskFileError
from koubou.folders.requests import Asking, ReadLimits, digest
from koubou.model.policy import Policy, Verdict
from koubou.model.task import TaskRequest
from koubou.rules.examine import examine
from koubou.rules.guardrails import refusal, refused_by
from koubou.views.draft import Completing, limits_of
from koubou.views.wishes import Wishes

if TYPE_CHECKING:
    from koubou.config.settings import Settings

_ODD = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_ID_LETTERS = 26


class Planned(Struct, frozen=True, kw_only=True):
    """The task of a row, ready to be dropped: `text` is its document, on one line."""

    row: Row
    id: str
    digest: str
    text: str
    request: TaskRequest


class Plan(Struct, frozen=True, kw_only=True):
    """Which rows make which tasks. `id_column` holds their ids; None = the template's, or one of their content."""

    rows: str
    template: str
    id_column: str | None
    wishes: Wishes


def planned(plan: Plan, settings: Settings) -> Iterator[Planned | Problem]:
    """The task of each row, or what is wrong with the row. Raises TaskFileError for what is wrong with all of them."""
    limits = limits_of(settings)
    template = template_of(plan.template, limits.document)
    try:
        with rows_of(plan.rows, limits.document) as rows:
            yield from _Drafting(plan, template, rows, limits, policy_of(settings.security)).planned()
    except BadDocument as bad:
        raise TaskFileError(bad.kind, bad.problem) from None


class _Drafting:
    def __init__(self, plan: Plan, template: Template, rows: Rows, limits: ReadLimits, policy: Policy) -> None:
        self._plan = plan
        self._template = template
        self._rows = rows
        self._limits = limits
        self._policy = policy
        self._refuses = Verdict.REFUSE in (policy.prompt_injection, policy.injection_shapes, policy.on_banned_word)
        self._completing = Completing(template.file, template.folder, plan.wishes, limits)
        self._seen: Counter[bytes] = Counter()
        self._ids: dict[str, int] = {}

    def planned(self) -> Iterator[Planned | Problem]:
        """See `planned` above."""
        if columns := self._rows.columns:
            self._template.check_columns(columns)
            if (wanted := self._plan.id_column) is not None and wanted not in columns:
                problem = Problem(
                    message=f"has no column {show_key(wanted)} for --id-column",
                    file=self._rows.name,
                    line=1,
                    nearest=nearest(wanted, columns),
                )
                raise TaskFileError("column", problem)
        for row in self._rows:
            yield row if isinstance(row, Problem) else self._task(row)

    def _task(self, row: Row) -> Planned | Problem:
        try:
            whole = self._completing.whole(Document(value=self._value(row), source="{}", json=True))
            request = Asking(self._rows.name, os.geteuid(), self._limits).request(whole)
            self._check_policy(request)
            same = digest(request)
            task_id = request.id or self._id_of(same)
            if (earlier := self._ids.setdefault(task_id.lower(), row.line)) != row.line:
                raise BadRow(f"has the id of line {earlier}")
        except BadRow as bad:
            return Problem(message=bad.message, file=self._rows.name, line=row.line, nearest=bad.near)
        except TaskFileError as error:
            return error.problem._replace(file=self._rows.name, line=row.line, column=None)
        text = _line({"id": task_id, **whole.value})
        if len(text.encode()) >= self._limits.document.size:
            message = f"makes a task larger than {self._limits.document.size:,} bytes (intake.max_file in the settings)"
            return Problem(message=message, file=self._rows.name, line=row.line)
        return Planned(row=row, id=task_id, digest=same, text=text, request=replace(request, id=task_id))

    def _value(self, row: Row) -> dict[str, Any]:
        value = self._template.fill(row)
        if (column := self._plan.id_column) is not None:
            if column not in row.values:
                raise BadRow(f"has no column {show_key(column)}", nearest(column, row.values))
            value["id"] = row.values[column].strip()
        return value

    def _check_policy(self, request: TaskRequest) -> None:
        """One row that the guardrails refuse would have its whole file rejected."""
        if not self._refuses:
            return
        seen = examine(request, None, self._policy, owner=os.geteuid())
        if (refused := refused_by(seen.findings, self._policy)) is not None:
            raise TaskFileError("policy", refusal(refused, self._rows.name))

    def _id_of(self, same: str) -> str:
        """By what is asked, by whom, and the how manieth row it is that asks for just this."""
        key = bytes.fromhex(same)[:16]
        self._seen[key] += 1
        said = f"{os.geteuid()}:{same}:{self._seen[key]}"
        return f"row-{hashlib.sha256(said.encode()).hexdigest()[:_ID_LETTERS]}"


def _line(value: Mapping[str, Any]) -> str:
    """A document as JSON on one line, which is YAML too: what YAML reads otherwise is escaped."""
    text = json.dumps(value, ensure_ascii=False, default=lambda date: date.isoformat())
    return _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def says_the_same(one: Planned) -> bool:
    """Whether the intake reads from a document what was meant: a template may have numbers that YAML reads as text."""
    (again,) = read_documents(one.text.encode(), name="")
    return bool(again.value == json.loads(one.text))
