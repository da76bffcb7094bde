"""koubou doctor: looks at everything that a person would look at, and says what to do. Nothing is written."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from koubou.cli.doctor.finding import Finding
    from koubou.cli.doctor.patient import Patient
    from koubou.cli.progress import Progress

_MARKS = {"ok": ("✓", "green"), "note": ("·", "dim"), "warning": ("!", "yellow"), "error": ("✗", "red")}


def declare(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON value: every check with its level and remedy")
    parser.examples(
        "sudo koubou doctor                       as root or the service's user it sees most",
        "koubou doctor --json | jq '.checks[] | select(.level == \"error\")'",
        "Exit codes: 0 no error, 1 something must be mended. Nothing is written, no key is shown.",
    )


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli import exits
    from koubou.cli.doctor.patient import patient_of
    from koubou.cli.progress import progress
    from koubou.cli.say import print_json

    with progress("looking") as so_far:
        findings = list(_examine(patient_of(arguments), so_far))
    sick = any(finding.level == "error" for finding in findings)
    if arguments.json:
        print_json({"ok": not sick, "counts": _counts(findings), "checks": [finding.shape() for finding in findings]})
    else:
        _print(findings)
    return exits.FAILED if sick else exits.DONE


def _examine(patient: Patient, so_far: Progress) -> Iterator[Finding]:
    from koubou.cli.doctor import agents, board, folders, machine, service, setup
    from koubou.cli.doctor.finding import guarded
    from koubou.cli.doctor.reach import Probes

    probes = Probes(patient)  # they are under way while the rest is looked at
    checks = (*setup.CHECKS, *agents.CHECKS, *folders.CHECKS, *machine.CHECKS, *service.CHECKS, *board.CHECKS)
    for done, check in enumerate(checks):
        so_far.at(done, len(checks))
        yield from guarded(check, patient)
    so_far.says("waiting for the servers' answers")
    yield from probes.findings()


def _counts(findings: Sequence[Finding]) -> dict[str, int]:
    return {level: sum(finding.level == level for finding in findings) for level in _MARKS}


def _print(findings: Sequence[Finding]) -> None:
    from koubou.cli.say import one_line, paint

    area = ""
    for finding in findings:
        if finding.area != area:
            area = finding.area
            print(paint(area, "bold"))
        mark, colour = _MARKS[finding.level]
        print(f"  {paint(mark, colour)} {finding.name:<16} {one_line(finding.says)}")
        if finding.remedy:
            print(f"  {'':<18} → {one_line(finding.remedy)}")
    counts = _counts(findings)
    if not counts["error"] and not counts["warning"]:
        print(f"\nall is well: {counts['ok']} checks, {counts['note']} notes")
    else:
        print(f"\n{counts['error']} errors, {counts['warning']} warnings, {counts['note']} notes, {counts['ok']} well")
