"""From a checked document to a request: words parsed, prompt and attachments read, and a digest to know it again by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from koubou.documents.checking import Mistakes, check, nearest
from koubou.documents.limits import DEFAULT, Limits
from koubou.documents.problems import Path, show_path
from koubou.documents.reading import Document
from koubou.errors import Problem, TaskFileError
from koubou.folders.beneath import OutOfReach, Reader, parts_of, read_beneath, reader, within
from koubou.folders.task_file import InlineFile, TaskFile
from koubou.model.task import Attachment, Difficulty, Message, Sensitivity, TaskBudget, TaskRequest

"""How many problems one message tells of."""


class ReadLimits(Struct, frozen=True, kw_only=True):
    """What a task file may be. `attached` bounds, in bytes, the files of all its documents together.

    `roots` are the absolute paths under which workspaces may lie; `tiers` and `targets` (of notify) the names
    that exist, None = any.
    """

    document: Limits = DEFAULT
    documents: int = 1_000
    attached: int = 10_000_000
    roots: Sequence[str] = ()
    tiers: Collection[str] | None = None
    targets: Collection[str] | None = None


class Asking:
    """Makes requests of the documents of one file, for the one who dropped it."""

    def __init__(self, file: str, owner: int, limits: ReadLimits) -> None:
        self._file = file
        self._owner = owner
        self._limits = limits
        self._attachable = limits.attached
        self._reader: Reader | None = None

    def request(self, document: Document) -> TaskRequest:
        """The request that a document makes. Raises TaskFileError, and OSError when a disk fails."""
        try:
            task = check(TaskFile, document, file=self._file)
        except Mistakes as mistakes:
            first, *others = mistakes.problems
            raise TaskFileError("schema", first, others) from None
        return _Ask(self, document, task).request()

    def read(self, root: str, parts: tuple[str, ...]) -> bytes:
        """The bytes of a file for whoever dropped the task file. Raises OutOfReach."""
        if self._reader is None:
            self._reader = reader(self._owner)
        data = read_beneath(root, parts, self._reader, self._attachable)
        self._attachable -= len(data)
        return data

    @property
    def file(self) -> str:
        """The name of the file, for problems."""
        return self._file

    @property
    def limits(self) -> ReadLimits:
        """What the file may be."""
        return self._limits


def digest(request: TaskRequest) -> str:
    """SHA-256 of what is asked: the same whatever the layout of the file, its id, and defaults that are spelled out."""
    said = {name: value for name, value in _said(request).items() if name not in ("id", "prompt_file")}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_said)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


class _Ask:
    """One document on its way."""

    def __init__(self, asking: Asking, document: Document, task: TaskFile) -> None:
        self.asking = asking
        self.document = document
        self.task = task

    def request(self) -> TaskRequest:
        task = self.task
        self._check_tier()
        self._check_targets()
        waits_for = tuple(dict.fromkeys((*task.depends_on, *task.inputs.values())))
        if task.id is not None and task.id.lower() in (other.lower() for other in waits_for):
            raise self._refusal("cycle", ("depends_on",), "names the task itself: it would wait for ever")
        if task.expires_at is not None and task.not_before is not None and task.expires_at <= task.not_before:
            raise self._refusal("schema", ("expires_at",), "is not after not_before: the task could never be begun")
        root, way = self._workspace()
        prompt = task.prompt or ""
        if "prompt_file" in task.model_fields_set:
            prompt = self._read(root, way, task.prompt_file, ("prompt_file",))
            if not prompt.strip():
                raise self._refusal("attachment", ("prompt_file",), "is blank")
        return TaskRequest(
            id=task.id,
            type=None if task.type == "auto" else task.type,
            title=task.title,
            prompt=prompt,
            messages=tuple(Message(role=turn.role, content=turn.content) for turn in task.messages or ()),
            system=task.system,
            prompt_file="/".join(self._parts(task.prompt_file, ("prompt_file",))) if task.prompt_file else None,
            attachments=self._attachments(root, way),
            workspace=task.workspace,
            executor=None if task.executor == "auto" else task.executor,
            tier=None if task.tier == "auto" else task.tier,
            difficulty=None if task.difficulty == "auto" else Difficulty(task.difficulty),
            sensitivity=None if task.sensitivity == "auto" else Sensitivity(task.sensitivity),
            priority=task.priority,
            not_before=task.not_before,
            depends_on=waits_for,
            inputs=task.inputs,
            parent=task.parent,
            session=task.session,
            budget=_budget(task),
            max_output_tokens=task.max_output_tokens,
            temperature=task.temperature,
            response_format=task.response_format,
            expect=tuple(task.expect),
            requires_high_capability=task.requires_high_capability,
            isolate=task.isolate,
            locks=tuple(dict.fromkeys(task.locks)),
            expires_at=task.expires_at,
            retries=task.retries,
            on_interrupt=task.on_interrupt,
            metadata=task.metadata,
            notify=tuple(dict.fromkeys(task.notify)),
        )

    def _check_tier(self) -> None:
        tiers = self.asking.limits.tiers
        if tiers is None or self.task.tier == "auto" or self.task.tier in tiers:
            return
        near = nearest(self.task.tier, tiers)
        raise self._refusal("schema", ("tier",), f"is not one of auto, {', '.join(tiers)}", near)

    def _check_targets(self) -> None:
        """A task names targets of the settings, and never an address or command of its own."""
        targets = self.asking.limits.targets
        for index, name in enumerate(self.task.notify):
            if targets is not None and name not in targets:
                told = f"is not one of {', '.join(targets)}" if targets else "is no target: the settings have none"
                raise self._refusal("schema", ("notify", index), told, nearest(name, targets))

    def _workspace(self) -> tuple[str, tuple[str, ...]]:
        """The allowed root under which the workspace lies, and the way from there."""
        workspace = self.task.workspace
        if workspace is None:
            return "", ()
        if not workspace.startswith("/"):
            raise self._refusal("workspace", ("workspace",), "must be an absolute path")
        for root in self.asking.limits.roots:
            way = within(workspace, root)
            if way is not None:
                return root, way
        roots = ", ".join(self.asking.limits.roots)
        why = (
            f"must lie under one of {roots} (security.allowed_workspaces in the settings)"
            if roots
            else "is not possible: the settings allow no root for workspaces"
        )
        raise self._refusal("workspace", ("workspace",), why)

    def _attachments(self, root: str, way: tuple[str, ...]) -> tuple[Attachment, ...]:
        found: list[Attachment] = []
        names: set[str] = set()
        folders: set[str] = set()
        for index, file in enumerate(self.task.files):
            path = ("files", index)
            parts = self._parts(file.name if isinstance(file, InlineFile) else file, path)
            name = "/".join(parts)
            above = {"/".join(parts[:length]) for length in range(1, len(parts))}
            if name in names or name in folders or above & names:
                raise self._refusal("attachment", path, "has a name that an earlier file has, or that lies within one")
            names.add(name)
            folders |= above
            content = file.content if isinstance(file, InlineFile) else self._read(root, way, file, path)
            found.append(Attachment(name=name, content=content))
        return tuple(found)

    def _parts(self, name: str, path: Path) -> tuple[str, ...]:
        try:
            return parts_of(name)
        except OutOfReach as problem:
            raise self._refusal(problem.kind, path, str(problem)) from None

    def _read(self, root: str, way: tuple[str, ...], name: str, path: Path) -> str:
        if self.task.workspace is None:
            raise self._refusal("workspace", path, "needs a workspace: the folder in which the file lies")
        parts = self._parts(name, path)
        try:
            data = self.asking.read(root, way + parts)
        except OutOfReach as problem:
            raise self._refusal(problem.kind, path, str(problem)) from None
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise self._refusal("encoding", path, "is not UTF-8 text") from None
        if "\0" in text:
            raise self._refusal("encoding", path, "is binary: it has a NUL byte")
        return text

    def _refusal(self, kind: str, path: Path, message: str, near: str | None = None) -> TaskFileError:
        line, column = self.document.place(path) or (None, None)
        key = show_path(path)
        problem = Problem(
            message=f"{key} {message}", file=self.asking.file, line=line, column=column, key=key, nearest=near
        )
        return TaskFileError(kind, problem)


def _budget(task: TaskFile) -> TaskBudget:
    budget = task.budget
    return TaskBudget(
        cost=budget.cost_usd,
        tokens=budget.tokens,
        calls=budget.calls,
        time=budget.time,
        file_edits=budget.file_edits,
        commands=budget.commands,
    )


def _said(value: Any) -> Mapping[str, Any]:
    """What of a noun is not as it is by default, so that a key added in a later version changes no digest."""
    defaults = _DEFAULTS.get(type(value))
    if defaults is None:
        raise TypeError(f"a request cannot hold {type(value).__name__}")
    found = ((name, getattr(value, name), default) for name, default in defaults)
    return {name: inner for name, inner, default in found if inner != default}


def _default(field: FieldInfo) -> Any:
    return field.default_factory() if field.default_factory is not NODEFAULT else field.default


_DEFAULTS: Mapping[type, Sequence[tuple[str, Any]]] = {
    noun: tuple((field.name, _default(field)) for field in fields(noun))
    for noun in (TaskRequest, TaskBudget, Message, Attachment)
}
