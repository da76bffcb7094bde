"""From settings to who is told when tasks and sessions end."""

from __future__ import annotations

from collections.abc import Mapping

from koubou.config.keys import NoKey, fetch_key, vault_of
from koubou.config.notify_settings import TargetSettings
from koubou.config.settings import Settings
from koubou.model.notification import Notify, Target


def notify_of(settings: Settings, environ: Mapping[str, str]) -> Notify:
    """The targets with their secrets. Raises nothing: what a missing secret hinders, each try says."""
    asked = settings.notify
    return Notify(
        targets={name: _target(target, settings, environ) for name, target in asked.targets.items()},
        types=asked.types,
        sessions=asked.sessions,
        default=asked.default,
        give_up_after=asked.give_up_after,
    )


def _target(asked: TargetSettings, settings: Settings, environ: Mapping[str, str]) -> Target:
    secret, problem = "", None
    if asked.secret is not None:
        try:
            secret = fetch_key(asked.secret, environ, vault_of(settings, environ))
        except NoKey as error:
            problem = str(error)
    return Target(
        events=asked.events, webhook=asked.webhook, secret=secret, command=asked.command or (), problem=problem
    )
