"""Task files that came over the wire: checked, with ids, and nothing is read with the rights of who runs the window."""

from __future__ import annotations

from collections.abc import Callable

from koubou.folders.requests import Asking, ReadLimits
from koubou.model.task import TaskRequest
from koubou.views.draft import Completing, Draft, documents_of, text_of
from koubou.views.wishes import Wishes


def draft_of_body(data: bytes, is_json: bool, limits: ReadLimits, new_id: Callable[[], str]) -> Draft:
    """A draft of what came over the wire: checked, with ids, and nothing read beside it. Raises TaskFileError.

    Digests are not made: that is for who reads the files that it names, with its owner's rights.
    """
    file = "the request"
    documents = documents_of(data, file, limits, is_json)
    completing = Completing(file, "", Wishes(keys={}, attach=()), limits)
    ids, written = [], []
    for document in documents:
        completing.checked(document, document.value)
        ids.append(str(document.value.get("id") or new_id()))
        written.append((document, {**document.value, "id": ids[-1]}))
    return Draft(file=file, **text_of(written, limits, is_json=is_json), ids=ids, digests=())


def requests_of_body(data: bytes, is_json: bool, owner: int, limits: ReadLimits) -> list[TaskRequest]:
    """What came over the wire asks for; what it names is read with its owner's rights. Raises TaskFileError."""
    asking = Asking("the request", owner, limits)
    return [asking.request(document) for document in documents_of(data, "the request", limits, is_json)]
