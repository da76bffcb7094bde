"""Exit codes, by sysexits where it has a word, and which error ends with which."""

from __future__ import annotations

from koubou import errors

DONE = 0
FAILED = 1
"""The task failed, or what was asked could not be done to it."""
USAGE = 64
BAD_TASK_FILE = 65
NO_MASTER = 69
"""Nobody serves the workshop, another holds it, or its board cannot be read now."""
CANNOT_CREATE = 73
TIMED_OUT = 75
"""It takes longer than the caller wants to wait; nothing is wrong with it."""
NOT_ALLOWED = 77
SETTINGS = 78
"""The settings, the keys or the board: an operator must act, and starting again would not help."""
INTERRUPTED = 130

_CODES: tuple[tuple[type[Exception], int], ...] = (
    (errors.SettingsError, SETTINGS),
    (errors.SecretsUnusable, SETTINGS),
    (errors.BoardUnusable, SETTINGS),
    (errors.TaskFileError, BAD_TASK_FILE),
    (errors.BillError, BAD_TASK_FILE),
    (errors.NotAKey, BAD_TASK_FILE),
    (errors.NoMaster, NO_MASTER),
    (errors.WorkshopTaken, NO_MASTER),
    (errors.BoardUnavailable, NO_MASTER),
    (errors.NotAllowed, NOT_ALLOWED),
    (errors.UsageMistake, USAGE),
    (errors.UnknownTask, USAGE),
    (errors.UnknownSecret, USAGE),
    (PermissionError, NOT_ALLOWED),
    (FileNotFoundError, USAGE),
    (IsADirectoryError, USAGE),
    (OSError, CANNOT_CREATE),
)


def exit_code(error: Exception) -> int:
    """The exit code that tells a program what kind of thing is wrong; FAILED for what has no code of its own."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)
