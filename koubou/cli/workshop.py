"""The workshop that a command is about: which settings it names."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from koubou.errors import UsageMistake
from koubou.views.workshop import Workshop


def workshop_of(arguments: argparse.Namespace) -> Workshop:
    """The workshop of the settings that the command names."""
    return Workshop(config_file(arguments), overrides(arguments))


def config_file(arguments: argparse.Namespace) -> Path | None:
    """The settings file that the command names; None = wherever else it is found."""
    return Path(arguments.config) if arguments.config else None


def overrides(arguments: argparse.Namespace) -> Mapping[str, str]:
    """What --set says, by dotted key. Raises UsageMistake."""
    found = {}
    for word in [*arguments.overrides, *getattr(arguments, "later_overrides", ())]:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UsageMistake("--set takes KEY=VALUE, such as --set budget.monthly.usd=50")
        found[key.strip()] = value
    return found
