"""What a person means by a scope of limits or by an account; what no call would ever touch is refused."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct
from msgspec.structs import replace

from koubou.documents.checking import nearest
from koubou.errors import IllegalMove, UnknownTask, UsageMistake
from koubou.model.account import Dimension, Limit, Past
from koubou.model.instant import Instant
from koubou.rules.limits import DIMENSIONS_OF
from koubou.rules.windows import day, month
from koubou.steps.shop import Shop

_NAMED = ("tier", "model", "submitter")
_WINDOWS = ("month", "day", "weekend")
_DEEDS = (Dimension.FILE_EDITS, Dimension.COMMANDS)
"""Of these the ledger's calls know nothing."""
_LARGEST_UID = (1 << 32) - 1


class Scope(Struct, frozen=True, kw_only=True):
    """What a limit is of: `tier` and its name, `task` and "" for every one of them."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


def scope_of(shop: Shop, word: str, dimension: Dimension) -> Scope:
    """The scope, as its accounts are named. Raises UsageMistake or UnknownTask where no call would ever touch it."""
    kind, _, name = word.partition(":")
    allowed = DIMENSIONS_OF.get(kind)
    if allowed is None or (not name and kind in _NAMED) or (name and kind in _WINDOWS):
        raise UsageMistake(
            f"a scope is {', '.join(_WINDOWS)}, task, session, or one of {', '.join(_NAMED)}, task, session:NAME"
        )
    if dimension not in allowed:
        raise UsageMistake(f"{kind} has limits of {', '.join(allowed)}, none of {dimension}")
    return Scope(kind=kind, name=_known(shop, kind, name))


def account_of(shop: Shop, word: str, now: Instant) -> str:
    """The account that a word means now: `month` is this month's, `tier:x` that of this month."""
    kind, _, name = word.partition(":")
    if word == "month":
        return month(now, shop.budget.timezone)[0]
    if word == "day":
        return day(now, shop.budget.timezone)[0]
    if kind in _NAMED and ":month:" not in word:
        return f"{word}:{month(now, shop.budget.timezone)[0]}"
    task = shop.board.tasks.get(name) if kind == "task" else None
    return word if task is None else f"task:{task.id}"


def limit_of(shop: Shop, word: str, dimension: Dimension, now: Instant) -> Limit:
    """The limit in force of an account. Raises IllegalMove where there is none: it may use all it wants."""
    scope = scope_of(shop, _present(shop, word, now), dimension)
    if scope.kind == "task":
        found = _of_task(shop, scope.name, dimension)
    else:
        found = shop.limits.of_account(scope.kind, scope.name, dimension, now)
    if found is None:
        raise IllegalMove(
            f"{account_of(shop, str(scope), now)} has no limit of {dimension}: there is nothing to add to"
        )
    return found


def _of_task(shop: Shop, task_id: str, dimension: Dimension) -> Limit | None:
    task = shop.board.tasks.get(task_id)
    found = None if task is None else shop.limits.counted_of_task(task, "", dimension)
    if task is None or found is None or not task.attempts or dimension in _DEEDS:
        return found
    return replace(found, past=Past(column="task", value=task.id))


def _present(shop: Shop, word: str, now: Instant) -> str:
    """The scope of one account; it may be given by its whole name, while its window lasts."""
    zone = shop.budget.timezone
    this_month, today = month(now, zone)[0], day(now, zone)[0]
    if word in (this_month, today):
        return word.partition(":")[0]
    kind, _, name = word.partition(":")
    word = word.removesuffix(f":{this_month}") if kind in _NAMED else word
    if (kind in _WINDOWS and name) or (kind in _NAMED and ":month:" in word):
        raise IllegalMove(f"{word} is no account of now: there is nothing to add to")
    if kind == "weekend" or (kind in ("task", "session") and not name):
        raise UsageMistake(f"{kind} is no account: name one, as koubou budget status does")
    return word


def _known(shop: Shop, kind: str, name: str) -> str:
    """The name as calls give it; a session may be yet to come."""
    match kind:
        case "tier":
            return _one_of(name, "tier", shop.tiers)
        case "model":
            models = {tier.model for tier in shop.tiers.values()} | set(shop.board.ledger.models())
            return _one_of(name, "model", models)
        case "submitter":
            if not (name.isascii() and name.isdecimal() and int(name[:20]) <= _LARGEST_UID):
                raise UsageMistake(f'"{name}" is no uid: a submitter is named by a number here')
            return str(int(name))
        case "task" if name:
            task = shop.board.tasks.get(name)
            if task is None:
                raise UnknownTask(f'no task "{name}"')
            return task.id
    return name


def _one_of(name: str, kind: str, known: Collection[str]) -> str:
    if name in known:
        return name
    near = nearest(name, known)
    hint = f' (did you mean "{near}"?)' if near else ""
    raise UsageMistake(f'there is no {kind} "{name}"{hint}; the {kind}s are {", ".join(sorted(known))}')
