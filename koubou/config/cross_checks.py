"""What no single key can say: whether the parts of the settings fit one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from koubou.config.hosts import is_local_literal
from koubou.config.people import people_found
from koubou.config.settings import Settings
from koubou.config.tier_settings import TierSettings
from koubou.documents.checking import Place, nearest
from koubou.documents.problems import Path, show_path
from koubou.errors import Problem
from koubou.rules.limits import AGENTS
from koubou.rules.suited import HYBRID

_AN_ADDRESS = "must be an address such as https://hooks.example.com/koubou"


def cross_check(settings: Settings, where: Callable[[Path], Place]) -> list[Problem]:
    """Every problem between the parts; `where` gives the place of a key."""
    problems = []
    for path, message, near in _findings(settings):
        file, line, column = where(path)
        key = show_path(path)
        problems.append(Problem(message=f"{key} {message}", file=file, line=line, column=column, key=key, nearest=near))
    return problems


def _findings(settings: Settings) -> Iterator[Finding]:
    yield from _unknown_tiers(settings)
    yield from _unknown_commands(settings)
    yield from _members(settings)
    yield from _circles(settings)
    yield from _plain_http(settings)
    yield from _guardian_in_the_clear(settings)
    yield from _targets_nowhere(settings)
    yield from people_found(settings.security, settings.tiers)


Finding = tuple[Path, str, str | None]
"""Where, what, and the nearest word that would be right."""


def _unknown_tiers(settings: Settings) -> Iterator[Finding]:
    named: list[tuple[Path, str | None]] = [
        (("routing", name), getattr(settings.routing, name)) for name in ("high", "medium", "low", "judge")
    ]
    named.append((("judge", "tier"), settings.judge.tier))
    named += [(("tiers", name, "fallback"), tier.fallback) for name, tier in settings.tiers.items()]
    for path, tier in named:
        if tier is not None and tier not in settings.tiers:
            yield path, f"must be one of the tiers {', '.join(settings.tiers)}", nearest(tier, settings.tiers)


def _unknown_commands(settings: Settings) -> Iterator[Finding]:
    for name, tier in settings.tiers.items():
        kind, _, command = tier.executor.partition(":")
        if kind == "command" and command not in settings.commands:
            yield (
                ("tiers", name, "executor"),
                "names a command that commands does not have",
                nearest(command, settings.commands),
            )


def _members(settings: Settings) -> Iterator[Finding]:
    """Who works side by side: agents of the settings, one each, none of them beyond the reach that is said."""
    for name, tier in settings.tiers.items():
        for place, member in enumerate(tier.of):
            path: Path = ("tiers", name, "of", place)
            others = [other for other in settings.tiers if other != name]
            if member not in others:
                yield path, f"must be one of the other tiers {', '.join(others)}", nearest(member, others)
                continue
            other = settings.tiers[member]
            if not other.executor.startswith(AGENTS) or other.executor == HYBRID:
                yield path, f"must be a tier with an agent, and {member} works by {other.executor}", None
            elif tier.reach == "local" and other.reach != "local":
                yield ("tiers", name, "reach"), f"must be cloud, as that of {member} is", None


def _circles(settings: Settings) -> Iterator[Finding]:
    """Each circle of fallbacks, told once, at the tier of it that comes first."""
    told: set[str] = set()
    for start in settings.tiers:
        way = [start]
        while (following := _fallback(settings, way[-1])) is not None and following not in way:
            way.append(following)
        if following == start and start not in told:
            told.update(way)
            yield ("tiers", start, "fallback"), f"goes in a circle: {' -> '.join([*way, start])}", None


def _fallback(settings: Settings, name: str) -> str | None:
    tier = settings.tiers.get(name)
    return tier.fallback if tier is not None else None


def _plain_http(settings: Settings) -> Iterator[Finding]:
    for name, tier in settings.tiers.items():
        if _sends_in_the_clear(tier):
            message = "must be https, or the key and the tasks travel in the clear (else set trusted_host: true)"
            yield ("tiers", name, "base_url"), message, None


def _guardian_in_the_clear(settings: Settings) -> Iterator[Finding]:
    """The token, and an address that is its own key, travel only where nobody listens."""
    told = settings.guardian
    ways: list[tuple[Path, str, str]] = []
    if told.github.repo is not None:
        ways.append((("guardian", "github", "api"), told.github.api, "the token travels"))
    if told.webhook is not None:
        ways.append((("guardian", "webhook"), told.webhook, "what it tells, with any key in its address, travels"))
    for path, address, what in ways:
        host = _host_of(address)
        if not host:
            yield path, _AN_ADDRESS, None
        elif urlsplit(address).scheme == "http" and not is_local_literal(host):
            yield path, f"must be https, or {what} in the clear (http only to private addresses)", None


def _targets_nowhere(settings: Settings) -> Iterator[Finding]:
    for name, target in settings.notify.targets.items():
        if target.webhook is not None and not _host_of(target.webhook):
            yield ("notify", "targets", name, "webhook"), _AN_ADDRESS, None


def _host_of(address: str) -> str:
    """The host of an address; "" where there is none, or its port is no port."""
    try:
        url = urlsplit(address)
        return url.hostname or "" if url.port != 0 else ""
    except ValueError:
        return ""


def _sends_in_the_clear(tier: TierSettings) -> bool:
    url = urlsplit(tier.base_url or "")
    return (
        tier.reach == "cloud"
        and url.scheme == "http"
        and not tier.trusted_host
        and not is_local_literal(url.hostname or "")
    )
