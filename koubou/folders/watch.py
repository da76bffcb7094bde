"""The doorbell of `tasks/`: something was dropped, or it is time to look. The folder itself is the truth."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import Protocol

from watchdog.observers.inotify_c import CallbackId, InotifyConstants, InotifyEvent, InotifyFD, Mask, WatchDescriptor

from koubou.folders.names import is_task_file

_READY = InotifyConstants.IN_MOVED_TO | InotifyConstants.IN_CLOSE_WRITE
_GONE = InotifyConstants.IN_DELETE_SELF | InotifyConstants.IN_MOVE_SELF | InotifyConstants.IN_UNMOUNT
_MASK = Mask(_READY | InotifyConstants.IN_DELETE_SELF | InotifyConstants.IN_MOVE_SELF | InotifyConstants.IN_ONLYDIR)
_ID = CallbackId(1)


class Ring(Protocol):
    """Hears the bell, in the bell's own thread: a name that is ready, or None for "look yourself"."""

    def __call__(self, name: bytes | None, /) -> None: ...


class Doorbell:
    """Rings for names moved into or closed in a folder. Events may be lost: scan at start and now and then."""

    def __init__(self, folder: str, ring: Ring) -> None:
        self._folder = os.fsencode(folder)
        self._rope = _Rope(ring)
        self._inotify: InotifyFD | None = None
        self._watch: WatchDescriptor | None = None
        self._watched: tuple[int, int] | None = None
        # An overflow is answered by a scan, so nothing is lost; watchdog's own warning would say otherwise.
        logging.getLogger("watchdog.observers.inotify_c").setLevel(logging.ERROR)

    def arm(self) -> bool:
        """See to it that the folder as it stands now is watched; True when a new watch was made, and a scan is due.

        Costs one stat when all is well: call it before every scan. Raises OSError: no folder, no inotify left.
        """
        found = os.stat(self._folder)
        here = (found.st_dev, found.st_ino)
        inotify = self._inotify
        if inotify is not None and not inotify.is_alive():
            self._stop()
            inotify = None
        if inotify is not None and here == self._watched and not self._rope.cut:
            return False
        if inotify is None:
            inotify = InotifyFD()
            inotify.start()
            self._inotify = inotify
        elif self._watch is not None:
            inotify.remove_callbacks([(self._watch, _ID)])
        self._rope = _Rope(self._rope.ring)
        self._watch, self._watched = _add(inotify, self._folder, self._rope), here
        return True

    def close(self) -> None:
        """Stop ringing and wait for the bell's thread to end."""
        self._stop()

    def _stop(self) -> None:
        self._rope.silent = True
        if self._inotify is not None:
            self._inotify.stop()
            self._inotify.join()
        self._inotify = self._watch = self._watched = None


class _Rope:
    """Between inotify's thread and the bell: filters first, since our own renames come through here too."""

    __slots__ = ("cut", "ring", "silent")

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self.cut = False
        self.silent = False

    def on_event(self, event: InotifyEvent) -> None:
        if event.mask & _GONE:
            self._gone()
        elif is_task_file(event.name):
            self._pull(event.name)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:  # noqa: ARG002  the name is watchdog's
        self._gone()

    def on_queue_overflow(self) -> None:
        self._pull(None)

    def _gone(self) -> None:
        self.cut = True
        self._pull(None)

    def _pull(self, name: bytes | None) -> None:
        # A master that is leaving has closed its loop already (RuntimeError); that must not end inotify's thread.
        with suppress(RuntimeError):
            if not self.silent:
                self.ring(name)


def _add(inotify: InotifyFD, folder: bytes, rope: _Rope) -> WatchDescriptor:
    watch = inotify.add_callback(folder, _MASK, rope, _ID)
    if watch < 0:  # watchdog says nothing when the kernel answers EACCES
        inotify.remove_callbacks([(watch, _ID)])
        raise PermissionError(f"{os.fsdecode(folder)} cannot be watched: it may not be read")
    return watch
