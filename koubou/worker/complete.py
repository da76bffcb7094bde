"""Whether an answer is all that was asked for; what it lacks is named, never quoted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from koubou.rules.asides import CAP
from koubou.rules.paper import SCHEMA


def lacks(answer: str, finish_reason: str | None, expect: Sequence[str], body: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of what a whole answer lacks: its end, `expect[n]` of the parts that it should name, its schema."""
    found = [CAP] if finish_reason == "length" else []
    if expect:
        low = answer.casefold()
        found += [f"expect[{place}]" for place, part in enumerate(expect) if part.casefold() not in low]
    schema = _schema_of(body)
    if schema is not None and not _meets(answer, schema):
        found.append(SCHEMA)
    return tuple(found)


def _schema_of(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    match body.get("response_format"):
        case {"json_schema": {"schema": Mapping() as schema}}:
            return schema
    return None


def _meets(answer: str, schema: Mapping[str, Any]) -> bool:
    """Whether the answer is JSON that meets the schema. A schema that cannot be used asks for nothing."""
    from jsonschema_rs import ReferencingError, ValidationError, validator_for  # 30 ms that few runs need

    try:
        value = json.loads(answer)
    except (ValueError, RecursionError):
        return False
    try:
        return validator_for(dict(schema), retriever=_fetch_nothing).is_valid(value)
    except (ReferencingError, ValidationError, ValueError):
        return True


def _fetch_nothing(_address: str) -> NoReturn:
    raise ValueError("a schema is whole in itself: nothing is fetched")
