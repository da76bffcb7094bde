"""How hypothesis looks for counterexamples: quickly here, the same ones each time where CI is set.

`HYPOTHESIS_PROFILE=thorough pytest tests/property` looks two hundred times as long; do that before a release.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings

# Nothing is written into the checkout, which may belong to somebody else; a loaded machine is no failure.
_ANYWHERE = {"database": None, "deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("quick", max_examples=25, derandomize=os.environ.get("CI") == "true", **_ANYWHERE)
settings.register_profile("thorough", max_examples=5_000, print_blob=True, **_ANYWHERE)
# For scripts/mutants, to which any counterexample is as good as the smallest.
settings.register_profile("unshrunk", max_examples=50, phases=[Phase.explicit, Phase.generate], **_ANYWHERE)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was tried a second time is told with what went wrong at the first."""
    for report in terminalreporter.stats.get("rerun", ()):
        terminalreporter.section(f"tried again: {report.nodeid}", sep="-")
        terminalreporter.write_line(report.longreprtext[-3_000:])
