"""A real Chromium for the page of the window, and axe-core, which finds what keeps people out: see scripts/browser."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_CACHE = Path(os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")))
_PLACES = (os.environ.get("KOUBOU_BROWSER", ""), "/opt/koubou/browser", str(_CACHE / "koubou/browser"))
AXE = next((path for place in _PLACES if (path := Path(place) / "axe.min.js").is_file()), None)
CHROMIUM = shutil.which("chromium")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
"""The tags of axe's rules that must find nothing: WCAG 2.2 AA and good custom."""
# It asks nobody but this machine, not even for the address of somebody else.
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-default-apps"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-pings"),
    *("--disable-domain-reliability", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
)

needs_browser = pytest.mark.skipif(
    CHROMIUM is None or AXE is None or importlib.util.find_spec("playwright") is None,
    reason="no Chromium, axe-core or Playwright is installed: scripts/browser",
)


@contextmanager
def a_browser() -> Iterator[Browser]:
    """Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=_ARGUMENTS,
        )
        try:
            yield browser
        finally:
            browser.close()


def violations(page: Page) -> list[str]:
    """What axe finds wrong with the page as it is now: the rule, and the first element that breaks it."""
    assert AXE is not None
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text())
    found: Any = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']}).then(told => told.violations)", RULES
    )
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0]['failureSummary']}" for each in found]
