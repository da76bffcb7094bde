"""A nursery for a test that stands in for the master."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from koubou.leash import kernel
from koubou.master.nursery import Nursery


@contextmanager
def a_nursery() -> Iterator[Nursery]:
    """One that is open; meanwhile this process adopts, as a master does."""
    nursery = Nursery()
    kernel.become_subreaper()
    try:
        nursery.open()
        yield nursery
    finally:
        nursery.close()
        kernel._prctl(kernel._PR_SET_CHILD_SUBREAPER, 0)
