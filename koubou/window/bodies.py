"""What a request carries: read whole within bounds, and checked word by word."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from koubou.window.problems import Trouble

M = TypeVar("M", bound=BaseModel)
JSON, YAML = "application/json", "application/yaml"


class Body(BaseModel):
    """One JSON object of a change; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Nothing(Body):
    """Nothing need be said."""


class Reasoned(Body):
    """Why; kept in the history."""

    reason: str | None = Field(default=None, max_length=1_000)


class Where(Reasoned):
    """One tier, or everything."""

    tier: str | None = Field(default=None, max_length=40)


class Priority(Body):
    """0 to 10, or urgent, high, normal, low, background."""

    level: Annotated[int, Field(ge=-1_000, le=1_000)] | Annotated[str, Field(max_length=20)] = Field(
        examples=["high", 7]
    )


class Rating(Body):
    """What a person says of an answer."""

    rating: Literal["good", "bad"]


class Release(Body):
    """To what a task is lowered, and why."""

    to: Literal["public", "internal"]
    reason: str = Field(min_length=1, max_length=1_000)


class Money(Body):
    """An amount of one dimension: USD with decimals, milliseconds of time, or a count."""

    dimension: Literal["usd", "tokens", "calls", "time", "file_edits", "commands"] = "usd"
    usd: float | None = Field(default=None, ge=0, le=9_000_000, description="Of the dimension usd.")
    amount: int | None = Field(default=None, ge=0, le=2**53, description="Of any other dimension.")


class BudgetSet(Money):
    """Another limit in place of the settings'; neither usd nor amount: none; default: as the settings say."""

    scope: str = Field(min_length=1, max_length=200, examples=["month", "session:release-42"])
    default: bool = False
    reason: str = Field(min_length=1, max_length=1_000)


class BudgetAdd(Money):
    """More for one account than the settings give it."""

    account: str = Field(min_length=1, max_length=200, examples=["month", "task:fix-login-123"])
    reason: str | None = Field(default=None, max_length=1_000)


class Why(Body):
    """Why; kept in the history with the name of who asks."""

    reason: str = Field(min_length=1, max_length=1_000)


def kind_of(request: Request, *known: str) -> str:
    """What kind of content a request carries. Raises Trouble (415)."""
    told = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if told not in known:
        raise Trouble(415, "no_such_type", f"send {' or '.join(known)}")
    return told


def read(model: type[M], body: bytes) -> M:
    """The object that a body says. Raises Trouble (400, 422)."""
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        found = error.errors()[:100]
        mistakes = [{"key": ".".join(map(str, each["loc"])), "message": each["msg"]} for each in found]
        if any(each["type"] == "json_invalid" for each in found):
            raise Trouble(400, "bad_request", "the body is no JSON") from None
        first = mistakes[0]
        detail = f"{first['key']}: {first['message']}" if first["key"] else first["message"]
        raise Trouble(422, "unprocessable", detail, more={"problems": mistakes}) from None


def in_openapi(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """How the OpenAPI document tells of it."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": required, "content": {JSON: {"schema": schema}}}}
