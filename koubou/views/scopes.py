"""The words for scopes and accounts as people give them: users also by name, whom the accounts know by uid."""

from __future__ import annotations

from koubou.errors import UsageMistake

SCOPES = ("month", "day", "weekend", "session", "task")
NAMED = ("session", "task", "tier", "model", "submitter")
_WINDOWS = ("month", "day")


def scope_named(word: str) -> str:
    """The scope of limits that a word means. Raises UsageMistake where there is none."""
    kind, colon, name = word.partition(":")
    if word not in SCOPES and not (colon and name and kind in NAMED):
        named = ", ".join(f"{each}:…" for each in NAMED)
        raise UsageMistake(f'there is no scope "{word}"; the scopes are {", ".join(SCOPES)}, {named}')
    return f"{kind}:{uid_named(name)}" if kind == "submitter" else word


def account_named(word: str) -> str:
    """The account that a word means: a bare word that is no window is a task's id, which has no colon."""
    if word in _WINDOWS:
        return word
    kind, colon, name = word.partition(":")
    if not colon:
        return f"task:{word}"
    if not name or kind not in (*_WINDOWS, *NAMED):
        raise UsageMistake(f'"{word}" is no account; koubou budget status shows those there are')
    if kind != "submitter":
        return word
    user, colon, window = name.partition(":")
    return f"{kind}:{uid_named(user)}{colon}{window}"


def uid_named(name: str) -> str:
    """The uid of a user of this machine, by name or uid. Raises UsageMistake for a name that nobody has."""
    import pwd

    from koubou.documents.checking import nearest

    if name.isascii() and name.isdecimal():
        return name
    try:
        return str(pwd.getpwnam(name).pw_uid)
    except (KeyError, ValueError):
        near = nearest(name, [entry.pw_name for entry in pwd.getpwall()])
        hint = f' (did you mean "{near}"?)' if near else ""
        raise UsageMistake(f'this machine knows no user "{name}"{hint}; give the uid') from None
