"""A provider and a workshop for each test, driven only through the folder and the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from simulator import Simulator
from workshop import API_KEY, OpenWorkshop, Workshop


@pytest.fixture
def provider() -> Iterator[Simulator]:
    """A provider with a clean bill that knows the workshop's key (its local models ask for none)."""
    with Simulator() as provider:
        yield provider
        keys = {each["key"] for each in provider.requests("cloud")}
        assert keys <= {API_KEY}, "the cloud was called with another key"
        assert API_KEY not in {each["key"] for each in provider.requests("house")}, "a local model was given the key"


@pytest.fixture
def open_workshop(provider: Simulator) -> Iterator[OpenWorkshop]:
    """Make workshops (not started) with changed settings; at the end each must have left nothing behind."""
    with ExitStack() as stack:

        def make(**changes: Any) -> Workshop:
            return stack.enter_context(Workshop(provider, **changes))

        yield make


@pytest.fixture
def workshop(open_workshop: OpenWorkshop) -> Workshop:
    """A workshop with the usual settings that takes files."""
    return open_workshop().start()
