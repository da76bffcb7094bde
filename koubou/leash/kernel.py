"""What Python has no word for: child subreaper, parent-death signal, no new privileges (prctl(2))."""

from __future__ import annotations

import ctypes
import os

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37
_PR_SET_NO_NEW_PRIVS = 38


def become_subreaper() -> None:
    """From now on, whoever loses its parent among our descendants becomes our child. Raises OSError."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def is_subreaper() -> bool:
    """Whether orphans among our descendants come to us."""
    answer = ctypes.c_int()
    _prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(answer))
    return bool(answer.value)


def die_with_parent(number: int, parent: int) -> bool:
    """Be sent this signal when the thread that made us ends; False when `parent` has already gone. Raises OSError."""
    _prctl(_PR_SET_PDEATHSIG, number)
    return os.getppid() == parent


def no_new_privileges() -> None:
    """No descendant gains rights by exec: one that did could not be ended by us."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _prctl(option: int, argument: object) -> None:
    if _LIBC.prctl(option, argument, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


_LIBC = ctypes.CDLL(None, use_errno=True)
