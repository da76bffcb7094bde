"""Making task files fit to be dropped: checked, with an id, and with the files that lie beside them put inside.

Files are read as the caller, who may read more or less than the workshop does.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from koubou.documents.checking import Mistakes, check
from koubou.documents.limits import Limits
from koubou.documents.problems import BadDocument, Path, show_path
from koubou.documents.reading import Document, read_documents
from koubou.errors import Problem, TaskFileError
from koubou.folders.beneath import OutOfReach, Reader, parts_of, read_beneath
from koubou.folders.requests import Asking, ReadLimits, digest
from koubou.folders.task_file import TaskFile
from koubou.model.task import TaskRequest
from koubou.views.wishes import Wishes, at_its_option

if TYPE_CHECKING:
    from koubou.config.settings import Settings

_THE_KERNEL_ASKS = Reader(uid=0, groups=frozenset())
"""We read with the caller's own rights, so nobody else needs to compare modes."""
_START = re.compile(r"\A---[ \t]*\n")


class Draft(Struct, frozen=True, kw_only=True):
    """A file ready to be dropped: its bytes, how it is to be read, and the id and digest of each document."""

    file: str
    data: bytes
    suffix: str
    ids: Sequence[str]
    digests: Sequence[str]


def limits_of(settings: Settings) -> ReadLimits:
    """What a task file may be, by the settings; the same as the intake has it."""
    return ReadLimits(
        document=Limits(size=settings.intake.max_file),
        attached=settings.intake.max_attached,
        roots=settings.security.allowed_workspaces,
        tiers=tuple(settings.tiers),
        targets=tuple(settings.notify.targets),
    )


def draft_of_prompt(prompt: str, wishes: Wishes, limits: ReadLimits, new_id: Callable[[], str]) -> Draft:
    """A draft of a prompt alone."""
    text = json.dumps({"prompt": prompt}, ensure_ascii=True)
    return _draft("--prompt", text.encode(), True, os.getcwd(), wishes, limits, new_id)


def draft_of_file(path: str, wishes: Wishes, limits: ReadLimits, new_id: Callable[[], str]) -> Draft:
    """A draft of a task file, or of standard input for `-`. Raises TaskFileError; OSError where none is."""
    file, data, folder, is_json = _given(path, limits)
    return _draft(file, data, is_json, folder, wishes, limits, new_id)


def requests_of_file(path: str, limits: ReadLimits) -> list[TaskRequest]:
    """What a task file asks for, or standard input for `-`, as `submit` would drop it and the intake would read it.

    Raises TaskFileError; OSError where there is no such file.
    """
    file, data, folder, is_json = _given(path, limits)
    asking = Asking(file, os.geteuid(), limits)
    completing = Completing(file, folder, Wishes(keys={}, attach=()), limits)
    documents = documents_of(data, file, limits, is_json)
    return [asking.request(completing.whole(document)) for document in documents]


def request_of(path: str, document: Document) -> TaskRequest:
    """What a document asks for, wherever its workspace lies and whichever tier it names. Raises TaskFileError."""
    folder = os.getcwd() if path == "-" else os.path.dirname(os.path.abspath(path))
    limits = ReadLimits(roots=("/",))
    whole = Completing(path, folder, Wishes(keys={}, attach=()), limits).whole(document)
    return Asking(path, os.geteuid(), limits).request(whole)


def read_text(path: str, limit: int) -> str:
    """The text of a file that the caller names. Raises OSError, and TaskFileError for what is no text."""
    with open(path, "rb") as file:
        return _text(file.read(limit + 1), path, limit)


def _draft(
    file: str,
    data: bytes,
    is_json: bool,
    folder: str,
    wishes: Wishes,
    limits: ReadLimits,
    new_id: Callable[[], str],
) -> Draft:
    documents = documents_of(data, file, limits, is_json)
    asking = Asking(file, os.geteuid(), limits)
    try:
        return _written(file, documents, asking, Completing(file, folder, wishes, limits), is_json, new_id)
    except TaskFileError as error:
        first, *others = [at_its_option(problem, wishes) for problem in (error.problem, *error.others)]
        raise TaskFileError(error.kind, first, others) from None
    except UnicodeEncodeError:
        # The documents were read as UTF-8, so it is a word or file name of the command line.
        problem = Problem(message="the command line says something that is not UTF-8 text")
        raise TaskFileError("encoding", problem) from None


def _given(path: str, limits: ReadLimits) -> tuple[str, bytes, str, bool]:
    """The name of what is read, its bytes, the folder beside which its files lie, and whether it is JSON."""
    largest = limits.document.size + 1
    if path == "-":
        data = sys.stdin.buffer.read(largest)
        return "standard input", data, os.getcwd(), _is_json(data)
    with open(path, "rb") as file:
        data = file.read(largest)
    return path, data, os.path.dirname(os.path.abspath(path)), path.lower().endswith(".json")


def documents_of(data: bytes, file: str, limits: ReadLimits, is_json: bool) -> list[Document]:
    """The documents of a file. Raises TaskFileError."""
    try:
        documents = read_documents(data, name=file, limits=limits.document, json=is_json)
    except BadDocument as bad:
        raise TaskFileError(bad.kind, bad.problem) from None
    if len(documents) > limits.documents:
        problem = Problem(message=f"holds more than {limits.documents:,} documents", file=file)
        raise TaskFileError("documents", problem)
    return documents


def _written(
    file: str,
    documents: Sequence[Document],
    asking: Asking,
    completing: Completing,
    is_json: bool,
    new_id: Callable[[], str],
) -> Draft:
    ids, digests, written = [], [], []
    for document in documents:
        whole = completing.whole(document)
        request = asking.request(whole)
        task_id = request.id or new_id()
        ids.append(task_id)
        digests.append(digest(request))
        written.append((document, {"id": task_id, **whole.value}))
    return Draft(file=file, **text_of(written, asking.limits, is_json=is_json), ids=ids, digests=digests)


def text_of(
    written: Sequence[tuple[Document, dict[str, Any]]], limits: ReadLimits, *, is_json: bool
) -> Mapping[str, Any]:
    """The bytes of a file with these documents, and how it is to be read."""
    alone_in_json = len(written) == 1 and (is_json or not _own_words(*written[0], limits))
    text = _as_json(written[0][1]) if alone_in_json else _as_yaml(written, limits)
    return {"data": text, "suffix": ".json" if alone_in_json else ".yaml"}


class Completing:
    """Makes the documents of one file stand alone."""

    def __init__(self, file: str, folder: str, wishes: Wishes, limits: ReadLimits) -> None:
        self.file = file
        self.folder = folder
        self.wishes = wishes
        self.limits = limits

    def whole(self, document: Document) -> Document:
        """A document with the command line's wishes, needing nothing beside it. Raises TaskFileError."""
        value = document.value
        if isinstance(value, dict):
            value = {**value, **self.wishes.keys}
        task = self.checked(document, value)
        if task.workspace is None:
            value = self._with_neighbours(document, value)
        if self.wishes.attach:
            value = {**value, "files": [*value.get("files", ()), *map(self._attached, self.wishes.attach)]}
        return replace(document, value=value)

    def checked(self, document: Document, value: Any) -> TaskFile:
        """A document as a task file. Raises TaskFileError for what is none."""
        try:
            return check(TaskFile, replace(document, value=value), file=self.file)
        except Mistakes as mistakes:
            first, *others = mistakes.problems
            raise TaskFileError("schema", first, others) from None

    def _with_neighbours(self, document: Document, value: dict[str, Any]) -> dict[str, Any]:
        if isinstance(value.get("prompt_file"), str):
            prompt = self._neighbour(document, value["prompt_file"], ("prompt_file",))
            value = {key: inner for key, inner in value.items() if key != "prompt_file"} | {"prompt": prompt}
        if value.get("files"):
            files = [
                {"name": file, "content": self._neighbour(document, file, ("files", index))}
                if isinstance(file, str)
                else file
                for index, file in enumerate(value["files"])
            ]
            value = {**value, "files": files}
        return value

    def _neighbour(self, document: Document, name: str, path: Path) -> str:
        """The text of a file beside the task file."""
        try:
            data = read_beneath(self.folder, parts_of(name), _THE_KERNEL_ASKS, self.limits.attached)
            return _text(data, name, self.limits.attached)
        except OutOfReach as problem:
            kind, why = problem.kind, "may not be read by you" if problem.kind == "permission" else str(problem)
        except TaskFileError as error:
            kind, why = error.kind, error.problem.message
        line, column = document.place(path) or (None, None)
        key = show_path(path)
        problem_here = Problem(message=f"{key} {why}", file=self.file, line=line, column=column, key=key)
        raise TaskFileError(kind, problem_here)

    def _attached(self, path: str) -> dict[str, str]:
        relative = os.path.relpath(path)
        name = os.path.basename(path) if relative.startswith("..") else relative
        return {"name": name, "content": read_text(path, self.limits.attached)}


def _text(data: bytes, name: str, limit: int) -> str:
    if len(data) > limit:
        raise TaskFileError("size", Problem(message=f"is larger than {limit:,} bytes", file=name))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TaskFileError("encoding", Problem(message="is not UTF-8 text", file=name)) from None
    if "\0" in text:
        raise TaskFileError("encoding", Problem(message="is binary: it has a NUL byte", file=name))
    return text


def _own_words(document: Document, value: dict[str, Any], limits: ReadLimits) -> str | None:
    """The author's own text, with the id set before it; None where that would not say the same as `value`."""
    if document.json:
        return None
    source = _START.sub("", document.source)
    text = source if document.value == value else f"id: {value['id']}\n{source}"
    try:
        (again,) = read_documents(text.encode(), name="", limits=limits.document)
    except (BadDocument, ValueError):
        return None
    return text if again.value == value else None


def _as_json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=_date, indent=1).encode()


def _as_yaml(written: Iterable[tuple[Document, dict[str, Any]]], limits: ReadLimits) -> bytes:
    texts = (_own_words(document, value, limits) or _yaml(value) for document, value in written)
    return "---\n".join(text if text.endswith("\n") else f"{text}\n" for text in texts).encode()


def _yaml(value: dict[str, Any]) -> str:
    import yaml

    class Plain(yaml.CSafeDumper):
        """Without anchors: what is said twice is written twice."""

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - its shape is given
            return True

    return str(yaml.dump(value, Dumper=Plain, allow_unicode=True, sort_keys=False))


def _date(value: object) -> str:
    """Dates are the only values of YAML that JSON cannot say."""
    return value.isoformat()  # type: ignore[attr-defined,no-any-return]


def _is_json(data: bytes) -> bool:
    """Whether standard input is one JSON value: what YAML would not read of it (escapes) is then read rightly."""
    if not data.lstrip().startswith(b"{"):
        return False
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True
