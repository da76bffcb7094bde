"""Whether the settings are right: tiers, keys, local reach, the embedded model, the guardian, who else is told."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

from koubou.cli.doctor.finding import Area, Check, Finding
from koubou.cli.doctor.patient import Patient
from koubou.config.guardian import describe_guardian
from koubou.config.notify import notify_of
from koubou.config.notify_faults import describe_notify, faults_of
from koubou.embedded.weights import default_models_dir, locate
from koubou.model.tier import Reach

SETUP = Area("settings")
_MOST = 10
_SERVICE_CACHE = Path("/var/cache/koubou")


def settings(patient: Patient) -> Iterator[Finding]:
    """Every problem of the files, or which files they are."""
    for problem in patient.problems[:_MOST]:
        yield SETUP.error("settings", str(problem), "koubou check shows them all")
    if patient.settings is not None:
        yield SETUP.ok("settings", ", ".join(patient.settings.sources) or "built in, no file")


def offered(patient: Patient) -> Iterator[Finding]:
    """Each tier: offered or why not, with what the running master says before what we see ourselves."""
    told = (patient.master.state or {}).get("tiers", {})
    unfit = {name: told[name]["unfit"] if name in told else tier.unfit for name, tier in patient.tiers.items()}
    for name, tier in patient.tiers.items():
        where = f"{tier.reach}, {tier.model}"
        if unfit[name] is None:
            keys = len(patient.keys.get(name, ()))
            key = f", {keys} key{'s' if keys > 1 else ''}" if keys else ""
            yield SETUP.ok(f"tier {name}", f"{where}: offered{key}")
        elif name in told or patient.is_owner:
            yield SETUP.warning(f"tier {name}", f"{where}: not offered: {unfit[name]}", "see docs/secrets.md for keys")
        else:
            yield SETUP.note(f"tier {name}", f"{where}: you cannot see whether it is offered: {unfit[name]}")
    if unfit and all(unfit.values()):
        yield SETUP.error("tiers", "no tier is offered: every task will wait", "mend one of those above")
    elif unfit and all(unfit[name] for name, tier in patient.tiers.items() if tier.reach is Reach.LOCAL):
        yield SETUP.note("tiers", "no local tier is offered: confidential tasks will wait", "docs/local-servers.md")


def local_reach(patient: Patient) -> Iterator[Finding]:
    """What was checked of `reach: local`, and what was only vouched for."""
    if patient.settings is None:
        return
    local = {name: tier for name, tier in patient.settings.tiers.items() if tier.reach == "local"}
    vouched = [name for name, tier in local.items() if tier.trusted_host]
    if vouched:
        says = f"taken for local because the settings vouch for it: {', '.join(vouched)}"
        yield SETUP.note("local reach", says, "confidential tasks go there: be sure that the host forwards nothing")
    elif local and all(patient.tiers[name].unfit is None for name in local):
        yield SETUP.ok("local reach", f"{', '.join(local)}: this machine or a private network")


def embedded(patient: Patient) -> Iterator[Finding]:
    """The model that the workshop serves itself: its program, its weights, a processor that can."""
    if patient.settings is None or not any(tier.embedded for tier in patient.tiers.values()):
        return
    asked = patient.settings.embedded
    if importlib.util.find_spec("xllamacpp") is None:
        yield SETUP.error("embedded", "xllamacpp is not installed", "pip install 'koubou[local]'")
    places = [Path(asked.models_dir)] if asked.models_dir else [default_models_dir(), _SERVICE_CACHE / "models"]
    found = next((path for place in places if (path := locate(asked.model, place))), None)
    if found is None:
        remedy = f"koubou model get {asked.model}, as the user who serves (sudo -u koubou XDG_CACHE_HOME=/var/cache …)"
        yield SETUP.warning("embedded", f"the weights of {asked.model} are not in {places[-1]} yet", remedy)
    else:
        yield SETUP.ok("embedded", f"{asked.model}: {found}")
    if os.uname().machine == "x86_64" and "avx2" not in Path("/proc/cpuinfo").read_text(errors="replace").split():
        yield SETUP.error("embedded", "this processor has no AVX2", "use a local server instead: docs/local-servers.md")


def secret_scanner(patient: Patient) -> Iterator[Finding]:
    """Whether the compiled rules of the secret scanner are kept: without them each start takes seconds longer."""
    del patient
    places = [_SERVICE_CACHE / "rules", default_models_dir().with_name("rules")]
    for place in places:
        try:
            if any(place.iterdir()):
                yield SETUP.ok("scanner", f"its rules are compiled: {place}")
                return
        except OSError:
            continue
    yield SETUP.note("scanner", "no compiled rules to be seen: the first start compiles them, which takes seconds")


def told(patient: Patient) -> Iterator[Finding]:
    """Whether anybody would hear of an emergency stop."""
    if patient.settings is None:
        return
    words = describe_guardian(patient.guardian)
    if not patient.guardian.audience.channels:
        yield SETUP.note("guardian", words, "docs/guardian.md")
    elif (github := patient.guardian.github) is not None and github.problem:
        yield SETUP.warning("guardian", words, "give the token where the settings say (the service's may differ)")
    else:
        yield SETUP.ok("guardian", words)


def notified(patient: Patient) -> Iterator[Finding]:
    """Whether the targets of the settings can be told, as far as we see the service's secrets."""
    if patient.settings is None or not patient.settings.notify.targets:
        return
    notify = notify_of(patient.settings, patient.environ)
    faults = faults_of(notify, patient.environ)
    if not faults:
        yield SETUP.ok("notify", describe_notify(notify))
    for fault in faults:
        says = f"{fault.key}: {fault.message}"
        find = SETUP.warning if patient.is_owner else SETUP.note
        yield find(f"notify {fault.target}", f"{says}; it is not told" if fault.hinders else says, fault.remedy)


CHECKS: tuple[Check, ...] = (settings, offered, local_reach, embedded, secret_scanner, told, notified)
