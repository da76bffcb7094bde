"""From settings to the ways by which the guardian is told."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from koubou.config.keys import NoKey, fetch_key, vault_of
from koubou.config.settings import Settings
from koubou.model.notice import GithubWay, Guardian, WebhookWay


def guardian(settings: Settings, environ: Mapping[str, str]) -> Guardian:
    """The guardian with the token. Raises nothing: what a missing token is told by is `check`, and each attempt."""
    asked = settings.guardian
    name = asked.github.assignee
    return Guardian(
        github=_github(settings, environ) if asked.github.repo is not None else None,
        webhook=WebhookWay(address=asked.webhook) if asked.webhook is not None else None,
        name=f"@{name.lstrip('@')}" if name else None,
        workshop={"host": socket.gethostname(), "home": str(settings.home)},
    )


def describe_guardian(guardian: Guardian) -> str:
    """Who is told and how, for `koubou check`; never the token, nor the webhook's address."""
    ways = []
    if (github := guardian.github) is not None:
        whom = f", assigned to {guardian.name}" if guardian.name else ""
        ways.append(f"an issue in {github.repo}{whom}" + (f" (NOT NOW: {github.problem})" if github.problem else ""))
    if guardian.webhook is not None:
        ways.append("a webhook")
    if ways:
        return f"told by {' and by '.join(ways)}"
    return "nobody is told when the workshop stops itself: set guardian.github.repo or guardian.webhook"


def _github(settings: Settings, environ: Mapping[str, str]) -> GithubWay:
    asked = settings.guardian.github
    token, problem = "", None
    try:
        token = fetch_key(asked.token, environ, vault_of(settings, environ))
    except NoKey as error:
        problem = str(error)
    assignee = asked.assignee.lstrip("@") if asked.assignee else None
    return GithubWay(
        api=asked.api,
        repo=asked.repo or "",
        token=token,
        assignee=assignee or None,
        labels=asked.labels,
        problem=problem,
    )
