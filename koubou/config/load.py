"""From files, environment and command line to Settings, or to everything that is wrong with them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path as FilePath
from typing import Any

from koubou.config import defaults
from koubou.config.cross_checks import cross_check
from koubou.config.layers import Layer, lay_over, where
from koubou.config.operations import OPERATIONS
from koubou.config.settings import Settings
from koubou.config.words_given import combined, from_environment, from_overrides
from koubou.documents.checking import Mistakes, Place, check_value
from koubou.documents.problems import BadDocument, Path
from koubou.documents.reading import Document, Limits, read_documents
from koubou.errors import Problem, SettingsError

SYSTEM_FILE = defaults.SYSTEM_FILE
_LIMITS = Limits(size=1_000_000)


def load(
    path: FilePath | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
    *,
    system_file: FilePath = SYSTEM_FILE,
) -> Settings:
    """The settings in force. Raises SettingsError with every problem of every source.

    Built-in defaults, then the file (`path`, else KOUBOU_CONFIG, else `system_file` where it exists), then
    `conf.d/*.yaml` beside it, then KOUBOU_ variables of `environ`, then `overrides` by dotted key.
    """
    environ = environ or {}
    layers: list[Layer] = []
    problems: list[Problem] = []
    sources: list[str] = []
    for file in _files(path, environ, system_file):
        try:
            layers.append(_read(file))
            sources.append(str(file))
        except SettingsError as error:
            problems += error.problems
    tiers_given = combined(layers).get("tiers")
    built_in = {"operations": OPERATIONS, **({} if tiers_given is not None else {"tiers": defaults.TIERS})}
    layers.insert(0, Layer(values=built_in, place=_built_in))
    named, unknown = from_environment(environ, combined(layers))
    layers += named + from_overrides(overrides or {})
    problems += unknown
    settings = _checked(layers, problems)
    settings._sources = tuple(sources)
    return settings


def _files(path: FilePath | None, environ: Mapping[str, str], system_file: FilePath) -> Iterable[FilePath]:
    asked = path or (FilePath(environ["KOUBOU_CONFIG"]) if environ.get("KOUBOU_CONFIG") else None)
    file = asked or system_file
    if asked or file.exists():
        yield file
    yield from sorted((file.parent / "conf.d").glob("*.yaml"))


def _read(file: FilePath) -> Layer:
    """One file as a layer. A file with nothing in it says nothing."""
    name = str(file)
    try:
        with file.open("rb") as stream:
            documents = read_documents(stream.read(_LIMITS.size + 1), name=name, limits=_LIMITS)
    except FileNotFoundError:
        raise SettingsError([Problem(message="there is no such file", file=name)]) from None
    except OSError as error:
        raise SettingsError([Problem(message=f"cannot be read: {error.strerror}", file=name)]) from None
    except BadDocument as error:
        if error.kind == "empty":
            return Layer(values={}, place=lambda _path: (name, None, None))
        raise SettingsError([error.problem]) from None
    if len(documents) > 1:
        message = "settings are one document; take out the line with ---"
        raise SettingsError([Problem(message=message, file=name, line=documents[1].lines_before + 1)])
    if not isinstance(documents[0].value, dict):
        raise SettingsError([Problem(message="must be a mapping (key: value)", file=name, line=1)])
    return Layer(values=documents[0].value, place=partial(_place, name, documents[0]))


def _place(name: str, document: Document, path: Path) -> Place:
    return (name, *(document.place(path) or (None, None)))


def _built_in(_path: Path) -> Place:
    return ("", None, None)


def _checked(layers: Sequence[Layer], problems: list[Problem]) -> Settings:
    """The model of what all layers say together. Raises SettingsError with `problems` and its own."""
    values = combined(layers)
    find: Callable[[Path], Place] = partial(where, layers)
    tiers, given = values.get("tiers"), values.get("routing", {})
    if isinstance(given, Mapping):
        # Where the tiers are wrong, that is the one thing to be told of, and not that routing cannot be found.
        usable = tiers if isinstance(tiers, Mapping) and tiers else defaults.TIERS
        found = defaults.routing(usable, given)
        values = lay_over(values, {"routing": found})
    told = list(problems)
    settings: Settings | None = None
    plain, removed = _plain(values), set[Path]()
    while settings is None:
        try:
            settings = check_value(Settings, plain, find)
        except Mistakes as error:
            told += [problem for problem in error.problems if problem not in told]
            # What is wrong is put aside, so that what is wrong behind it is told in the same breath.
            if not error.paths or not all(path not in removed and _put_aside(plain, path) for path in error.paths):
                break
            removed.update(error.paths)
    if settings is not None:
        told += cross_check(settings, find)
    if told or settings is None:
        raise SettingsError(told)
    return settings


def _put_aside(values: Any, path: Path) -> bool:
    """Take away what stands at a path; False where nothing does, or where the rest would make no sense without it."""
    *parents, last = path
    for part in parents:
        values = values.get(part) if isinstance(values, dict) else None
    if not isinstance(values, dict) or last not in values or path[0] == "tiers":
        return False
    del values[last]
    return True


def _plain(values: Any) -> Any:
    """The same with dicts all the way down."""
    if isinstance(values, Mapping):
        return {key: _plain(value) for key, value in values.items()}
    return values
