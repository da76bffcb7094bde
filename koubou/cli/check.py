"""koubou check: whether the settings are right, and what is in force."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from koubou.config.notify_faults import Fault
    from koubou.config.settings import Settings
    from koubou.errors import SettingsError
    from koubou.model.notice import Guardian
    from koubou.model.notification import Notify
    from koubou.model.tier import Tier


def declare(parser: Parser) -> None:
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="one JSON value")
    shape.add_argument(
        "--unit", action="store_true", help="what the systemd unit must allow for these settings, as a drop-in"
    )
    parser.examples("koubou check", "koubou check --config new.yaml && sudo systemctl reload koubou")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli import exits
    from koubou.cli.say import print_json
    from koubou.cli.workshop import config_file, overrides
    from koubou.config.guardian import guardian
    from koubou.config.load import load
    from koubou.config.notify import notify_of
    from koubou.config.notify_faults import describe_notify, faults_of
    from koubou.config.report import describe
    from koubou.config.tiers import tiers
    from koubou.errors import SettingsError

    try:
        settings = load(config_file(arguments), os.environ, overrides(arguments))
    except SettingsError as error:
        if not arguments.json:
            raise
        print_json(_problems(error))
        return exits.SETTINGS
    if arguments.unit:
        from koubou.config.unit import drop_in

        print(drop_in(settings), end="")
        return exits.DONE
    found, _keys = tiers(settings, os.environ)
    told = guardian(settings, os.environ)
    notify = notify_of(settings, os.environ)
    faults = faults_of(notify, os.environ)
    if arguments.json:
        print_json({**_in_force(settings, found, told), "notify": _told(notify, faults)})
    else:
        print("\n".join(describe(settings, found, told)))
        print(f"notify     {describe_notify(notify)}")
        for fault in faults:
            print(f"  {'NOT NOW: ' if fault.hinders else ''}{fault.key}: {fault.message}; {fault.remedy}")
        if by_hand := _set_by_hand(arguments):
            print(f"by hand    {', '.join(by_hand)}: set in place of these settings; see koubou budget")
    return exits.DONE


def _set_by_hand(arguments: argparse.Namespace) -> list[str]:
    """Whose limits are not those of the settings, as far as there is a board and we may read it."""
    from koubou.cli.workshop import workshop_of
    from koubou.errors import KoubouError

    try:
        with workshop_of(arguments).reading() as board:
            return [f"{limit.scope} ({limit.dimension.replace('_', ' ')})" for limit in board.limits_by_hand()]
    except (KoubouError, OSError):
        return []


def _problems(error: SettingsError) -> dict[str, Any]:
    return {"ok": False, "problems": [problem._asdict() for problem in error.problems]}


def _told(notify: Notify, faults: Sequence[Fault]) -> dict[str, Any]:
    from msgspec.structs import asdict

    ways = {name: "webhook" if target.webhook else "command" for name, target in notify.targets.items()}
    return {"targets": ways, "faults": [asdict(fault) for fault in faults]}


def _in_force(settings: Settings, found: Mapping[str, Tier], told: Guardian) -> dict[str, Any]:
    from koubou.rules.limits import AGENTS
    from koubou.rules.suited import why_open

    tiers = {
        name: {
            "offered": tier.unfit is None,
            "unfit": tier.unfit,
            "reach": tier.reach,
            "executor": tier.executor,
            "sandbox": why_open(tier) is None if tier.executor.startswith(AGENTS) else None,
            "base_url": tier.base_url,
            "model": tier.model,
            "places": tier.places,
            "fallback": tier.fallback,
            "free": tier.price is not None and tier.price.free,
        }
        for name, tier in found.items()
    }
    return {
        "ok": True,
        "problems": [],
        "sources": list(settings.sources),
        "home": settings.home,
        "tiers": tiers,
        "routing": settings.routing.model_dump(),
        "guardian": {
            "channels": list(told.audience.channels),
            "repo": told.github.repo if told.github is not None else None,
            "assignee": told.name,
            "problem": told.github.problem if told.github is not None else None,
        },
    }
