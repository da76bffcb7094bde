"""Reading a claimed file with suspicion: it ends as checked requests, or as one reason to refuse it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence

from msgspec import Struct

from koubou.documents.reading import BadDocument, read_documents
from koubou.errors import Problem, TaskFileError
from koubou.folders.bounded import SUSPICIOUS, read_bounded
from koubou.folders.claim import Claim
from koubou.folders.layout import Layout
from koubou.folders.on_behalf import Giver, giver_of
from koubou.folders.requests import Asking, ReadLimits, digest
from koubou.model.task import TaskRequest

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class ReadTask(Struct, frozen=True, kw_only=True):
    """One document: what it asks for, its own text as it came, and the SHA-256 of the checked request."""

    request: TaskRequest
    source: str
    digest: str


class Drop(Struct, frozen=True, kw_only=True):
    """A file that was read: all of its documents, in order. `owner` is the uid that made the file.

    With a `giver` the workshop's own user dropped it for somebody else, who is its owner then.
    """

    claim: Claim
    owner: int
    giver: Giver | None = None
    documents: Sequence[ReadTask]


def read_claim(layout: Layout, claim: Claim, limits: ReadLimits) -> Drop:
    """Read a claimed file; all of its documents are good, or none is taken.

    Raises TaskFileError for whatever its author must mend, FileNotFoundError when somebody took the file away, and
    other OSErrors when the disk or the descriptors give out: the claim stays, and reading it later may help.
    """
    data, owner = _bytes(layout, claim, limits.document.size)
    giver = giver_of(claim.name, owner, house=frozenset((0, os.geteuid())))
    owner = owner if giver is None else giver.uid
    name = claim.shown
    try:
        documents = read_documents(data, name=name, limits=limits.document, json=claim.name.lower().endswith(b".json"))
    except BadDocument as bad:
        raise TaskFileError(bad.kind, bad.problem) from None
    if len(documents) > limits.documents:
        raise _refusal(claim, "documents", f"holds more than {limits.documents:,} documents")
    asking = Asking(name, owner, limits)
    requests = [asking.request(document) for document in documents]
    tasks = [
        ReadTask(request=request, source=document.source, digest=digest(request))
        for request, document in zip(requests, documents, strict=True)
    ]
    return Drop(claim=claim, owner=owner, giver=giver, documents=tasks)


def _bytes(layout: Layout, claim: Claim, limit: int) -> tuple[bytes, int]:
    """The bytes of a claimed file and its owner; everything is asked of the descriptor, never of the path."""
    try:
        descriptor = os.open(os.path.join(os.fsencode(layout.tasks), claim.file), SUSPICIOUS)
    except PermissionError:
        remedy = "may not be read by the workshop: let its user or group read it (mode 0640), or use koubou submit"
        raise _refusal(claim, "permission", remedy) from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _refusal(claim, "file_type", "is a symbolic link; drop the file itself") from None
        if error.errno in (errno.ENXIO, errno.ENODEV, errno.EOPNOTSUPP):
            raise _refusal(claim, "file_type", "is no regular file") from None
        raise
    try:
        found = os.fstat(descriptor)
        _check_file(claim, found, limit)
        data = read_bounded(descriptor, found.st_size, limit)
    finally:
        os.close(descriptor)
    if data is None:
        raise _too_large(claim, limit)
    return data, found.st_uid


def _check_file(claim: Claim, found: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise _refusal(claim, "file_type", f"is {kind}, not a regular file")
    if found.st_nlink != 1:
        raise _refusal(claim, "file_type", "has other names (hard links); drop a copy")
    if found.st_size > limit:
        raise _too_large(claim, limit)


def _too_large(claim: Claim, limit: int) -> TaskFileError:
    return _refusal(claim, "size", f"is larger than {limit:,} bytes (intake.max_file in the settings)")


def _refusal(claim: Claim, kind: str, message: str) -> TaskFileError:
    return TaskFileError(kind, Problem(message=message, file=claim.shown))
