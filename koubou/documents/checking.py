"""Holds a document against a model, and says everything that is wrong at once, in sentences of ours.

The only module of this room that imports pydantic. No message ever quotes a value: it may be a secret.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar, get_args

import pydantic
from pydantic_core import ErrorDetails

from koubou.documents.problems import Path, show_key, show_path
from koubou.documents.reading import Document
from koubou.errors import KoubouError, Problem

Model = TypeVar("Model", bound=pydantic.BaseModel)
Place = tuple[str, int | None, int | None]
"""File, line, column."""

_SENTENCES: Mapping[str, str] = {
    "int": "must be a whole number",
    "float": "must be a number",
    "finite": "must be a number",
    "bool": "must be true or false",
    "dict": "must be a mapping (key: value)",
    "mapping": "must be a mapping (key: value)",
    "model": "must be a mapping (key: value)",
    "list": "must be a list",
    "tuple": "must be a list",
    "none": "must be null",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "too_short": "needs {min_length} or more items",
    "too_long": "takes {max_length} items at most",
    "string_pattern_mismatch": "does not have the right form",
    "string_too_short": "needs {min_length} or more characters",
    "string_too_long": "takes {max_length} characters at most",
}


class Mistakes(KoubouError):
    """A document says something that the model does not allow; carries every problem, in the order of the file."""

    def __init__(self, problems: Sequence[Problem], paths: Collection[Path] = ()) -> None:
        self.problems = tuple(problems)
        self.paths = tuple(paths)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def check(model: type[Model], document: Document, *, file: str) -> Model:
    """The document as an instance of `model`. Raises Mistakes."""

    def where(path: Path) -> Place:
        return (file, *(document.place(path) or (None, None)))

    return check_value(model, document.value, where)


def check_value(model: type[Model], value: Any, where: Callable[[Path], Place]) -> Model:
    """The same for a value that came from several files; `where` says which one gave the key at a path."""
    try:
        return model.model_validate(value)
    except pydantic.ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    found: dict[Path, Problem] = {}
    for detail in details:
        path = _written(detail, value)
        found.setdefault(path, _problem(model, value, detail, path, where))
    # A union complains once for each of its branches; where one got further in, the others are noise.
    parents = {path[:length] for path in found for length in range(len(path))}
    told = {path: problem for path, problem in found.items() if path not in parents}
    problems = sorted(told.values(), key=lambda problem: (problem.file, problem.line or 0, problem.column or 0))
    raise Mistakes(problems, told)


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The one of `words` that was probably meant, if any is near."""
    known = {known.lower(): known for known in words}
    found = difflib.get_close_matches(word[:100].lower(), known, n=1, cutoff=0.6)
    return known[found[0]] if found else None


def _written(detail: ErrorDetails, value: Any) -> Path:
    """The error's path without the names that pydantic adds for the branches of a union."""
    path: list[str | int] = []
    for part in detail["loc"]:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            continue
        path.append(part)
    if detail["type"] == "missing":
        path.append(detail["loc"][-1])
    return tuple(path)


def _problem(
    model: type[pydantic.BaseModel],
    value: Any,
    detail: ErrorDetails,
    path: Path,
    where: Callable[[Path], Place],
) -> Problem:
    file, line, column = where(path)
    given = _at(value, path)
    sentence, near = _sentence(detail, given)
    shown = show_path(path)
    if detail["type"] == "extra_forbidden":
        known = _known_keys(model, path[:-1])
        within = f" in {show_path(path[:-1])}" if len(path) > 1 else ""
        message = f'unknown key "{show_key(path[-1])}"{within}'
        near = nearest(str(path[-1]), known)
        if near is None and 0 < len(known) < 12:
            message += f"; known are {', '.join(known)}"
    elif detail["type"] == "invalid_key":
        # YAML reads yes, no, on, off and numbers as what they look like, also where they are keys.
        message = f"{show_path(path[:-1])} has a key that is no text; put the key in quotes".lstrip()
    elif path:
        message = f"{shown} {sentence}"
    else:
        message = sentence
    return Problem(message=message, file=file, line=line, column=column, key=shown or None, nearest=near)


def _sentence(detail: ErrorDetails, given: Any) -> tuple[str, str | None]:
    """What is wrong, without the key; and the nearest allowed word."""
    kind, context = detail["type"], detail.get("ctx", {})
    match kind:
        case "missing":
            return "is required", None
        case "string_type":
            quotes = isinstance(given, bool | int | float | date)
            return ("must be text; put it in quotes" if quotes else "must be text"), None
        case "literal_error" | "enum":
            allowed = str(context["expected"]).replace(" or ", ", ").replace("'", "")
            near = nearest(given, allowed.split(", ")) if isinstance(given, str) else None
            return f"must be one of {allowed}", near
        case "value_error":
            return str(context["error"]), None
    for start in (kind, kind.split("_")[0]):
        if start in _SENTENCES:
            return _SENTENCES[start].format_map(context), None
    return f"is not right ({kind.replace('_', ' ')})", None


def _at(value: Any, path: Path) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _known_keys(model: type[pydantic.BaseModel], path: Path) -> list[str]:
    """The keys that may stand at `path`, from the fields of the models on the way."""
    annotations: list[Any] = [model]
    for part in path:
        annotations = [inner for annotation in annotations for inner in _inside(annotation, part)]
    models = [found for annotation in annotations for found in _models(annotation)]
    return sorted({field.alias or name for found in models for name, field in found.model_fields.items()})


def _inside(annotation: Any, part: str | int) -> Iterable[Any]:
    """What may stand under a key or index of something of this type."""
    for found in _models(annotation):
        for name, field in found.model_fields.items():
            if part in (name, field.alias):
                yield field.annotation
    for inner in get_args(annotation):
        if getattr(annotation, "__origin__", None) in _CONTAINERS:
            yield inner
        else:
            yield from _inside(inner, part)


def _models(annotation: Any) -> Iterable[type[pydantic.BaseModel]]:
    """The models that a type is, or that its union offers; not those inside its lists and mappings."""
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        yield annotation
    elif getattr(annotation, "__origin__", None) not in _CONTAINERS:
        for inner in get_args(annotation):
            yield from _models(inner)


_CONTAINERS = (dict, list, tuple, Mapping, Sequence, set, frozenset)
