"""`python -P checking.py`: says which parts an answer lacks, in a process of its own, whose end costs nobody else.

Task, schema and answer are strangers' work, and no schema tells how long it takes. On standard input comes
`{"answer": …, "expect": […], "schema": {…} or null}`; what is missing goes out line by line as it is found, then DONE.
The file is run by its path and knows no other of ours: the quicker it starts.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

DONE = "done"
SCHEMA = "response_format"
CPU_SECONDS = 2
MEMORY = 1024 * 1024 * 1024
_NICER = 5


def missing_parts(answer: str, expect: Sequence[str]) -> Iterator[str]:
    """`expect[n]` of each part that the answer does not name, in whatever case."""
    low = answer.casefold()
    for place, part in enumerate(expect):
        if part.casefold() not in low:
            yield f"expect[{place}]"


def meets(answer: str, schema: Mapping[str, Any]) -> bool:
    """Whether the answer is JSON that meets the schema. A schema that cannot be used asks for nothing."""
    from jsonschema_rs import ReferencingError, ValidationError, validator_for  # 30 ms that few answers need

    try:
        value = json.loads(answer)
    except (ValueError, RecursionError):
        return False
    try:
        return validator_for(dict(schema), retriever=_fetch_nothing).is_valid(value)
    except (ReferencingError, ValidationError, ValueError):
        return True


def main() -> None:
    """Be bounded first, whoever started us and whether or not he lives; then read, look and say."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.nice(_NICER)
    sys.excepthook = lambda *_: None  # what is wrong with it may quote the answer
    asked = json.loads(sys.stdin.buffer.read().decode("utf-8", "surrogatepass"))
    for name in missing_parts(asked["answer"], asked["expect"]):
        _say(name)
    if asked["schema"] is not None and not meets(asked["answer"], asked["schema"]):
        _say(SCHEMA)
    _say(DONE)


def _say(name: str) -> None:
    sys.stdout.write(f"{name}\n")
    sys.stdout.flush()


def _fetch_nothing(_address: str) -> NoReturn:
    raise ValueError("a schema is whole in itself: nothing is fetched")


if __name__ == "__main__":
    main()
