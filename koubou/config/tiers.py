"""From settings to the tiers that the workshop works with: each fit for work, or with the reason why not."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from msgspec.structs import replace

from koubou.config import prices
from koubou.config.agents import grace_of, idle_of, in_a_folder, joined, manner_of, why_not_run
from koubou.config.hosts import Resolve, resolve, why_not_local
from koubou.config.keys import NoKey, fetch_keys, vault_of
from koubou.config.settings import Settings
from koubou.config.tier_settings import TierSettings
from koubou.model.instant import MINUTE, Instant
from koubou.model.tier import Reach, Tier
from koubou.rules.limits import AGENTS
from koubou.rules.suited import HYBRID
from koubou.vault.vault import Vault

_COMMAND = "command:"
_PAGE = 256
"""llama.cpp pads the context of a slot to a multiple of this (`GGML_PAD(n_ctx, 256)`)."""
_PROVIDERS: Mapping[str, str] = MappingProxyType({"api.openai.com": "openai", "api.anthropic.com": "anthropic"})
_SPEAKS_TO: Mapping[str, str] = MappingProxyType({"codex": "openai", "claude": "anthropic"})
"""Whose models an agent's program speaks to, where neither `provider` nor the address says that they are another's."""
_SERVED_FROM_THE_CLOUD = re.compile(r"[-:]cloud$", re.IGNORECASE)


def tiers(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    at: Instant | None = None,
    resolve: Resolve = resolve,
) -> tuple[dict[str, Tier], dict[str, tuple[str, ...]]]:
    """Every tier of the settings, and the API keys of those that have one, by tier name.

    `at` is the day whose prices count (now, when not given). Asks the resolver for hosts of local tiers that are
    names; raises nothing: what is wrong with a tier stands in its `unfit`.
    """
    day = time.time_ns() // 1_000_000 if at is None else at
    found: dict[str, Tier] = {}
    keys: dict[str, tuple[str, ...]] = {}
    vault = vault_of(settings, environ)
    for name, asked in settings.tiers.items():
        if asked.executor == HYBRID:
            continue
        tier = _without_price(name, asked, settings, environ)
        try:
            _refuse_unsafe(asked, tier, environ, resolve)
            if given := _keys(asked, environ, vault):
                keys[name] = given
            found[name] = _priced(asked, tier, settings, day)
        except (_Unfit, NoKey) as reason:
            keys.pop(name, None)
            found[name] = replace(tier, unfit=str(reason))
    # Of what a hybrid is made must be known first; the order stays that of the settings.
    hybrids = {name: joined(name, each, found) for name, each in settings.tiers.items() if each.executor == HYBRID}
    return {name: (hybrids if name in hybrids else found)[name] for name in settings.tiers}, keys


def whose(asked: TierSettings) -> str:
    """Who answers at a tier's address, as far as the settings tell: the word before the slash in `prices`."""
    host = urlsplit(asked.base_url or "").hostname or ""
    return asked.provider or (
        "local"
        if asked.reach == "local"
        else _PROVIDERS.get(host) or _SPEAKS_TO.get(asked.executor) or host or asked.executor
    )


class _Unfit(Exception):
    """Why a tier is not offered."""


def _without_price(name: str, asked: TierSettings, settings: Settings, environ: Mapping[str, str]) -> Tier:
    local, works = asked.reach == "local", in_a_folder(asked)
    embedded = asked.server == "embedded"
    timeout = asked.timeout or (30 if works else 5) * MINUTE
    kind, _, called = asked.executor.partition(":")
    command = settings.commands.get(called) if kind == "command" else None
    window = settings.embedded.context_tokens if embedded and asked.base_url is None else 8192
    return Tier(
        name=name,
        reach=Reach(asked.reach),
        provider=whose(asked),
        executor=asked.executor,
        base_url=asked.base_url or "",
        model=asked.model or (settings.embedded.model if embedded else asked.executor),
        price=None,
        context_tokens=asked.context_tokens or (window if local and not works else 128_000),
        window=_whole_pages(window) if embedded and asked.base_url is None else None,
        max_output_tokens=asked.max_output_tokens or (32_000 if works else 2048 if local else 16_000),
        min_output_tokens=asked.min_output_tokens or (256 if local else 1024),
        reasoning_effort=asked.reasoning_effort,
        temperature=asked.temperature,
        top_p=asked.top_p,
        errors_are_billed=asked.errors_are_billed,
        timeout=timeout,
        slow_after=asked.slow_after or (None if asked.executor.startswith(AGENTS) else timeout * 4 // 5),
        requests_per_minute=asked.rate.requests_per_minute,
        tokens_per_minute=asked.rate.tokens_per_minute,
        retries=asked.retries,
        retry_delay=asked.retry_delay,
        workers_min=asked.workers.min,
        workers_max=max(asked.workers.min, asked.workers.max or (1 if local else 2)),
        concurrency=asked.concurrency or (2 if local or works else 16),
        fallback=asked.fallback,
        embedded=embedded,
        script=asked.script,
        command=tuple(command.argv) if command is not None else (),
        idle=idle_of(asked, settings, command),
        grace=grace_of(asked, settings, command),
        agent=manner_of(asked, settings, environ),
    )


def _refuse_unsafe(asked: TierSettings, tier: Tier, environ: Mapping[str, str], resolve: Resolve) -> None:
    """Raise _Unfit for what cannot be run here, or what would carry a secret out of the house."""
    if (why := why_not_run(asked, tier, environ)) is not None:
        raise _Unfit(why)
    if tier.executor.startswith(_COMMAND) and not tier.base_url:
        return
    if tier.min_output_tokens > tier.max_output_tokens:
        raise _Unfit("min_output_tokens is above max_output_tokens")
    if tier.max_output_tokens >= tier.context_tokens:
        raise _Unfit("max_output_tokens leaves no room for a question in context_tokens")
    if tier.reach is not Reach.LOCAL or tier.executor == "rehearsal":
        return
    if _SERVED_FROM_THE_CLOUD.search(tier.model):
        raise _Unfit(f"reach is local, but a local server answers for {tier.model} from the cloud")
    if not asked.trusted_host and tier.base_url:
        reason = why_not_local(urlsplit(tier.base_url).hostname or "", resolve)
        if reason is not None:
            raise _Unfit(f"reach is local, but {reason} (if you vouch for it, set trusted_host: true)")


def _keys(asked: TierSettings, environ: Mapping[str, str], vault: Vault) -> tuple[str, ...]:
    """The tier's keys in the order in which they serve; empty where none is needed. Raises NoKey."""
    if asked.executor == "rehearsal" or (asked.executor.startswith(_COMMAND) and asked.base_url is None):
        return ()
    if asked.api_key is not None:
        return fetch_keys(asked.api_key, environ, vault)
    if asked.reach == "cloud":
        raise NoKey("a cloud tier needs a key: add api_key: {env: NAME}, {credential: NAME} or {secret: NAME}")
    return ()


def _priced(asked: TierSettings, tier: Tier, settings: Settings, at: Instant) -> Tier:
    """The tier with its price: its own, else that of the settings' table, else that of genai-prices."""
    if asked.price != "auto":
        return replace(tier, price=prices.from_settings(asked.price, f"tiers.{tier.name}.price"))
    if (price := prices.overriding(settings.prices, tier.model, tier.provider)) is not None:
        return replace(tier, price=price)
    if tier.reach is Reach.LOCAL:
        zero = f"tiers: {{{tier.name}: {{price: {{input: 0, output: 0}}}}}}"
        raise _Unfit(f"has no price; where it costs nothing, say so in the settings: {zero}")
    try:
        known = prices.from_table(tier.model, _priced_by(asked), asked.base_url, at)
    except prices.NoPrice as error:
        remedy = f"{prices.line_to_add(tier.model)} per million tokens"
        raise _Unfit(f"has no price: {error}; add to the settings: {remedy}") from None
    return replace(tier, price=known.price, window=known.window)


def _priced_by(asked: TierSettings) -> str | None:
    """Whose price list counts, where the address does not say it."""
    speaks_to = _SPEAKS_TO.get(asked.executor)
    if asked.provider is not None or speaks_to is None:
        return asked.provider
    return None if prices.provider_at(asked.base_url or "") is not None else speaks_to


def _whole_pages(tokens: int) -> int:
    """What the embedded server makes of the window that it is asked for: it rounds up to whole pages."""
    return -(-tokens // _PAGE) * _PAGE
