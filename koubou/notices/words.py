"""What a notice says: an issue in Markdown, a webhook's JSON. Ids, numbers, categories and our own sentences only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from koubou import __version__
from koubou.model.instant import MINUTE, iso
from koubou.model.money import show_usd
from koubou.model.notice import Guardian, Notice
from koubou.rules.alarms import KINDS as PEOPLE
from koubou.rules.alarms import REFUSED_ACCESS, UNUSUAL_SPEND
from koubou.rules.latches import KEY, ended_by
from koubou.rules.session import SESSION, TIMEOUT

_LOGIN = re.compile(r"@[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")
_PLAIN = re.compile(r"[^\w .,:;/$%()+=-]")
_LONGEST_WORD = 300
_RESUME = 'koubou budget resume --reason "…"'

_HEADLINES: Mapping[str, str] = {
    "emergency": "emergency stop",
    "bill_above_ledger": "the provider billed more than the ledger has",
    "tier_paused": "a tier is paused",
    "model_frozen": "a model is frozen",
    TIMEOUT: "session timeout, an agent's login or key is refused",
    REFUSED_ACCESS: "somebody is refused again and again",
    UNUSUAL_SPEND: "somebody spends far more than usual",
}
_LABELS: Mapping[str, Sequence[str]] = {TIMEOUT: ("session-timeout",)}
_STOPPED = "Nothing further starts, on no tier. Calls on the wire finish: they are paid for."
_MEANINGS: Mapping[str, str] = {
    "emergency": _STOPPED,
    "bill_above_ledger": f"{_STOPPED} Something spends that the ledger does not know of, or a price is wrong.",
    "tier_paused": "No call of this tier starts; its tasks go elsewhere or wait.",
    "model_frozen": "No call of this model starts: it billed more than was held for a call, which is a bug.",
    TIMEOUT: (
        "No run of this tier starts: its provider refuses the login or key. Its tasks go elsewhere, or wait for it "
        "and go on by themselves."
    ),
    REFUSED_ACCESS: "Nothing was stopped. Somebody asks again and again for what he may not do.",
    UNUSUAL_SPEND: "Nothing was stopped. A submitter spends today more than five times what he spends on a usual day.",
}
_FACTS_OF_ALL = frozenset({"key", "month", "tasks", "at_work", "waiting", "workers", "spent", "reason"})


def title(notice: Notice, guardian: Guardian) -> str:
    """One line that says what and when."""
    about = notice.facts.get("key", notice.kind)
    named = f" ({_plain(about)})" if about != notice.kind else ""
    host = guardian.workshop.get("host")
    at = f" on {_plain(host)}" if host else ""
    return f"Koubou: {_headline(notice)}{named}{at}, {iso(notice.at)[:16].replace('T', ' ')} UTC"


def labels_of(notice: Notice) -> Sequence[str]:
    """What its issue is labelled with beside the labels of the settings."""
    return _LABELS.get(notice.kind, ())


def marker_line(marker: str) -> str:
    """What an issue of ours is known by; GitHub does not show it."""
    return f"<!-- koubou-notice: {marker} -->"


def issue_body(notice: Notice, guardian: Guardian) -> str:
    """The issue, in Markdown."""
    return "\n".join([*_opening(notice, guardian), *_numbers(notice), *_spent(notice), *_to_do(notice), ""])


def webhook_body(notice: Notice, guardian: Guardian) -> dict[str, Any]:
    """The same for programs. `text` is what chats such as Slack and Mattermost show."""
    return {
        "id": notice.marker,
        "incident": notice.incident,
        "kind": notice.kind,
        "at": iso(notice.at),
        "text": f"{title(notice, guardian)}. {_meaning(notice)} {_next(notice)}: {_resume(notice)}",
        "guardian": guardian.name,
        "workshop": {**guardian.workshop, "version": __version__},
        "facts": notice.facts,
    }


def _opening(notice: Notice, guardian: Guardian) -> Iterator[str]:
    name = guardian.name or ""
    called = f"{name}, " if _LOGIN.fullmatch(name) else ""
    where = ", ".join(f"{what} {_code(each)}" for what, each in guardian.workshop.items())
    yield f"{called}the workshop ({where}) tells of: **{_headline(notice)}**, at {iso(notice.at)}."
    yield f"\n{_meaning(notice)}\n"
    if reason := notice.facts.get("reason"):
        yield f"* reason: {_plain(reason)}"
    yield f"* about: {_code(notice.facts.get('key', notice.kind))}"
    for name, value in notice.facts.items():
        if name not in _FACTS_OF_ALL and isinstance(value, str | int | float):
            told = show_usd(value) if name.endswith("_nusd") and isinstance(value, int) else _code(value)
            yield f"* {_plain(name.removesuffix('_nusd').replace('_', ' '))}: {told}"


def _numbers(notice: Notice) -> Iterator[str]:
    facts = notice.facts
    yield f"\n## {'How the workshop stands' if notice.kind in PEOPLE else 'What was stopped'}\n"
    yield f"* tasks at work: {facts.get('at_work', 0)}; waiting: {facts.get('waiting', 0)}"
    for what in ("tasks", "workers"):
        yield f"* {what}: {_counts(facts.get(what)) or 'none'}"
    month = facts.get("month")
    if isinstance(month, Mapping):
        yield f"\n## The budget of {_code(month['name'])}\n"
        yield "| limit | settled | held | of it not reconciled | used |"
        yield "| ---: | ---: | ---: | ---: | ---: |"
        amounts = [_usd(month.get(f"{what}_nusd")) for what in ("limit", "settled", "held", "unreconciled")]
        percent = month.get("percent")
        yield f"| {' | '.join(amounts)} | {'' if percent is None else f'{percent} %'} |"


def _spent(notice: Notice) -> Iterator[str]:
    lines = notice.facts.get("spent")
    if isinstance(lines, list) and lines:
        yield "\n## What it went to\n"
        yield "| tier | model | calls | tokens | spent |"
        yield "| --- | --- | ---: | ---: | ---: |"
        for line in lines:
            tier, model = _code(line["tier"] or "reconciled"), _code(line["model"])
            yield f"| {tier} | {model} | {line['calls']:,} | {line['tokens']:,} | {_usd(line['nusd'])} |"


def _to_do(notice: Notice) -> Iterator[str]:
    yield "\n## What to do\n"
    if notice.kind == TIMEOUT:
        yield from _to_renew(notice)
    elif notice.kind in PEOPLE:
        yield "1. `koubou audit list --since 1d` shows who asked for what, from where."
        yield "2. Ask him. `koubou token rm`, `security.roles` and `security.bounds` say who may what (docs/access.md)."
        yield f"\nKoubou {__version__} tells of each person once a day; closing this issue changes nothing there."
    else:
        yield "1. `koubou budget status` shows how every account stands, `koubou status` what is stopped."
        yield "2. Find out why: `journalctl -u koubou`, and the provider's own page of usage."
        yield f"3. `{_resume(notice)}` lets the work go on. Until then it stays stopped, also after a restart."
        yield f"\nKoubou {__version__} tells of each stop once; closing this issue changes nothing there."
    yield f"\n{marker_line(notice.marker)}"


def _to_renew(notice: Notice) -> Iterator[str]:
    every = f"every {SESSION.wait // MINUTE} minutes"
    yield "1. `koubou status` shows why the tier is stopped, `koubou doctor` whether its provider takes the key."
    yield "2. Renew the login or key: at the provider; a new key with `koubou secret set`, or in the settings."
    yield "3. Close this issue: the provider is then asked at once whether it takes the key, and the tier goes on."
    yield f"   Without that it is asked {every}; `{_resume(notice)}` has a task try it without asking."
    yield f"\nKoubou {__version__} tells of each stop once, and opens no second issue for this one."


def _next(notice: Notice) -> str:
    return "To see more" if notice.kind in PEOPLE else "To go on"


def _resume(notice: Notice) -> str:
    """The command that lets the work go on, or tells more where it was not stopped."""
    if notice.kind in PEOPLE:
        return "koubou audit list --since 1d"
    key = str(notice.facts.get("key", ""))
    return ended_by(_plain(key)) if key.startswith(KEY) else _RESUME


def _headline(notice: Notice) -> str:
    return _HEADLINES.get(notice.kind, _plain(notice.kind.replace("_", " ")))


def _meaning(notice: Notice) -> str:
    return _MEANINGS.get(notice.kind, "A person should look.")


def _counts(counts: Any) -> str:
    if not isinstance(counts, Mapping):
        return ""
    return ", ".join(f"{_plain(name)} {count}" for name, count in counts.items())


def _usd(amount: Any) -> str:
    return show_usd(amount) if isinstance(amount, int) else "none"


def _plain(word: object) -> str:
    """A word that means nothing to Markdown, mentions nobody and closes nothing."""
    return _PLAIN.sub("", str(word))[:_LONGEST_WORD]


def _code(word: object) -> str:
    return f"`{re.sub(r'[`|<>]|[^ -~]', '', str(word))[:_LONGEST_WORD]}`"
