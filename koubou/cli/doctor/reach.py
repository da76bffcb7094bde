"""Whether the servers that the settings name answer: asked all at once, for a moment, while the rest is looked at."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from msgspec import Struct, field

from koubou.cli.doctor.finding import Area, Finding
from koubou.cli.doctor.patient import Patient
from koubou.errors import KoubouError
from koubou.model.tier import Reach, Tier
from koubou.rules.model_list import LISTING, headers_of, models_address

SERVERS = Area("servers")
_WITHIN = 2.0
"""Seconds for all of them together."""
_LONGEST_LIST = 2_000_000
_SKEW = 30.0
_SHOWN = 4
_KEY_REFUSED = (http.client.UNAUTHORIZED, http.client.FORBIDDEN)


class Answer(Struct, kw_only=True):
    """What came of asking one address; `status` None where only the connection was tried."""

    milliseconds: int = 0
    status: int | None = None
    models: frozenset[str] | None = None
    skew: float | None = None
    trouble: str = ""


class Probe(Struct, kw_only=True):
    """One address, asked by a thread of its own that nobody waits for beyond its time."""

    name: str
    address: str
    headers: Mapping[str, str] = field(default_factory=dict)
    lists: bool = False
    answer: Answer | None = None

    def __repr__(self) -> str:
        return f"Probe(name={self.name!r}, answer={self.answer!r})"  # never a header: one has the key

    def ask(self) -> None:
        """Without proxies and without following redirects: it goes to this host or nowhere."""
        began, answer = time.monotonic(), Answer()
        try:
            if self.lists:
                self._ask_for_models(answer)
            else:
                parts = urlsplit(self.address)
                port = parts.port or (443 if parts.scheme == "https" else 80)
                socket.create_connection((parts.hostname or "", port), timeout=_WITHIN).close()
        except ssl.SSLError as error:
            answer.trouble = f"no safe connection: {error.reason or error}"
        except TimeoutError:
            answer.trouble = "no answer in time"
        except (OSError, http.client.HTTPException, ValueError) as error:
            answer.trouble = getattr(error, "strerror", None) or str(error) or type(error).__name__
        answer.milliseconds = round((time.monotonic() - began) * 1000)
        self.answer = answer

    def _ask_for_models(self, answer: Answer) -> None:
        parts = urlsplit(self.address)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=_WITHIN)
        try:
            connection.request("GET", parts.path, headers=dict(self.headers))
            reply = connection.getresponse()
            answer.status = reply.status
            answer.skew = _skew(reply.getheader("Date"))
            if reply.status == http.client.OK:
                answer.models = _models(reply.read(_LONGEST_LIST))
        finally:
            connection.close()


class Probes:
    """Asks the server of every tier and every way to the guardian."""

    def __init__(self, patient: Patient) -> None:
        self._patient = patient
        self._ends = time.monotonic() + _WITHIN
        self._of_tiers = {name: probe for name, tier in patient.tiers.items() if (probe := _of_tier(patient, tier))}
        self._of_guardian = list(_of_guardian(patient))
        self._threads = [
            threading.Thread(target=probe.ask, daemon=True) for probe in (*self._of_tiers.values(), *self._of_guardian)
        ]
        for thread in self._threads:
            thread.start()

    def findings(self) -> Iterator[Finding]:
        """What came of it by now, or in the little time that is left."""
        for thread in self._threads:
            thread.join(max(0.0, self._ends - time.monotonic()))
        for name, probe in self._of_tiers.items():
            yield _of_answer(self._patient.tiers[name], probe.answer or Answer(trouble="no answer in time"))
        for probe in self._of_guardian:
            answer = probe.answer or Answer(trouble="no answer in time")
            if answer.trouble:
                remedy = "notices stay owed until it answers: see to the network"
                yield SERVERS.warning(probe.name, f"not reached: {answer.trouble}", remedy)
            else:
                yield SERVERS.ok(probe.name, f"reached in {answer.milliseconds} ms")
        yield from self._clock()

    def _clock(self) -> Iterator[Finding]:
        """Only servers elsewhere count: those of this machine have its own clock."""
        skews = {
            name: probe.answer.skew
            for name, probe in self._of_tiers.items()
            if probe.answer and probe.answer.skew is not None and self._patient.tiers[name].reach is Reach.CLOUD
        }
        if not skews:
            return
        name, skew = max(skews.items(), key=lambda each: abs(each[1]))
        if abs(skew) > _SKEW:
            says = f"this machine is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the server of {name}"
            yield SERVERS.warning("clock", says, "set it: timedatectl set-ntp true")
        else:
            yield SERVERS.ok("clock", f"as the server of {name} has it")


def _of_tier(patient: Patient, tier: Tier) -> Probe | None:
    if not tier.base_url or tier.executor == "rehearsal" or "reach is local, but" in (tier.unfit or ""):
        return None
    if tier.executor not in LISTING:
        return Probe(name=tier.name, address=tier.base_url)
    key = next(iter(patient.keys.get(tier.name, ())), None)
    return Probe(name=tier.name, address=models_address(tier), headers=headers_of(tier, key), lists=True)


def _of_guardian(patient: Patient) -> Iterator[Probe]:
    told = patient.guardian
    if told.github is not None:
        yield Probe(name="github", address=told.github.api)
    if told.webhook is not None:
        yield Probe(name="webhook", address=told.webhook.address)


def _of_answer(tier: Tier, answer: Answer) -> Finding:
    name, host = f"tier {tier.name}", urlsplit(tier.base_url).netloc.rpartition("@")[2]
    local = tier.reach is Reach.LOCAL
    if answer.trouble:
        says = f"{host} does not answer: {answer.trouble}"
        if tier.unfit is not None:
            return SERVERS.note(name, f"{says}; the tier is not offered anyway")
        remedy = "start it (docs/local-servers.md)" if local else "see to the network; its tasks wait or fall back"
        return SERVERS.warning(name, says, remedy)
    says = f"{host} answers in {answer.milliseconds} ms"
    if answer.status in _KEY_REFUSED:
        if tier.unfit is None and not local:
            remedy = "koubou secret set NAME, or mend the variable that api_key names"
            return SERVERS.error(name, f"{host} refuses the key ({answer.status})", remedy)
        return SERVERS.note(name, f"{says}, and lists its models only with a key")
    if answer.models is None:
        return SERVERS.ok(name, says if answer.status in (None, 200) else f"{says} ({answer.status} for its models)")
    if tier.model not in answer.models:
        has = ", ".join(sorted(answer.models)[:_SHOWN]) or "none"
        more = ", …" if len(answer.models) > _SHOWN else ""
        return SERVERS.warning(name, f"{says}, and has no model {tier.model}", f"it has {has}{more}: load or name one")
    return SERVERS.ok(name, f"{says} and has {tier.model}")


def _models(data: bytes) -> frozenset[str] | None:
    with suppress(ValueError, AttributeError, TypeError, KoubouError):
        listed = json.loads(data)["data"] if data else []
        return frozenset(str(each["id"]) for each in listed if isinstance(each, Mapping) and "id" in each)
    return None


def _skew(date: str | None) -> float | None:
    """How far our clock is ahead of the server's; its Date has whole seconds."""
    with suppress(ValueError, TypeError, KeyError):
        return time.time() - parsedate_to_datetime(date or "").timestamp()
    return None
