"""How secret a task is: what stands in its texts, and what was asked. Machines only raise it, never lower it."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from koubou.model.decision import Finding, Hit, Reason
from koubou.model.policy import OPEN, Policy
from koubou.model.task import Sensitivity, TaskRequest
from koubou.rules import guardrails
from koubou.rules.guardrails import NOTE
from koubou.rules.secrets import assignments, credentials, identity_numbers, markers, spoken, tokens
from koubou.rules.secrets.lone_numbers import lone_numbers
from koubou.rules.secrets.own_words import patterns_of
from koubou.rules.secrets.pattern import Pattern, Sighting, sightings
from koubou.rules.secrets.readings import even, readings

_LONGEST_ENDING = 5
MOST_FINDINGS = 100
"""More of one level are not kept: the level is decided by one, and a list of thousands helps nobody."""

Detect = Callable[[Sequence[tuple[str, str]]], Sequence[Hit]]
"""A detector: the hits in texts that are named by their places."""

_PATTERNS: tuple[Pattern, ...] = (
    *assignments.PATTERNS,
    *credentials.PATTERNS,
    *tokens.PATTERNS,
    *markers.PATTERNS,
    *spoken.PATTERNS,
    *guardrails.INJECTIONS,
)
_SAYS_NO_NAME = frozenset({"default", "const", "example", "examples", "enum", "value"})
"""Keys of JSON Schema and the like whose value belongs to the key above them."""


def texts_of(request: TaskRequest) -> list[tuple[str, str]]:
    """Every text of a request with the name of its place; the names never hold text of the task."""
    named = [("prompt", request.prompt), ("system", request.system), ("title", request.title)]
    named += [(f"messages[{place}]", message.content) for place, message in enumerate(request.messages)]
    for place, attachment in enumerate(request.attachments):
        named += [(f"files[{place}].name", _names(attachment.name)), (f"files[{place}]", attachment.content)]
    named += [
        ("metadata", as_lines(request.metadata)),
        ("response_format", as_lines(request.response_format)),
        ("expect", "\n".join(request.expect)),
        ("inputs", as_lines(request.inputs)),
        ("depends_on", "\n".join(request.depends_on)),
        ("locks", "\n".join(request.locks)),
        ("session", request.session),
        ("parent", request.parent),
        ("workspace", request.workspace),
        ("prompt_file", request.prompt_file),
        ("id", request.id),
    ]
    return [(where, text) for where, text in named if text]


def look(
    texts: Sequence[tuple[str, str]], detect: Detect | None = None, policy: Policy = OPEN, *, thorough: bool = False
) -> tuple[Finding, ...]:
    """What is secret in the texts, as they stand and as they are meant, and what the guardrails see in them.

    Where our own rules have found a secret, a detector could only find more: it is asked all the same if `thorough`.
    """
    read = readings(texts)
    found = find(texts, (), policy) + (find(read, (), policy) if read else ())
    if detect is not None and (thorough or not any(finding.level == Sensitivity.CONFIDENTIAL for finding in found)):
        found += detected(texts, detect)
    return tuple({(finding.rule, finding.where, finding.line): finding for finding in reversed(found)}.values())[::-1]


def detected(texts: Sequence[tuple[str, str]], detect: Detect) -> tuple[Finding, ...]:
    """What a detector sees in the texts, as they stand and as they are meant."""
    read = readings(texts)
    return believed(texts, detect(texts)) + (believed(read, detect(read)) if read else ())


def believed(texts: Sequence[tuple[str, str]], hits: Sequence[Hit]) -> tuple[Finding, ...]:
    """What a detector saw in the texts, as far as it is to be believed."""
    encoded = {where: text.encode("utf-8", "replace") for where, text in texts} if hits else {}
    return tuple(islice((_finding(hit) for hit in hits if not _is_harmless(hit, encoded)), MOST_FINDINGS))


def _names(path: str) -> str:
    """The name of a file, and again without its ending: what looks like the name of a file is taken for no secret."""
    stem, dot, ending = path.rpartition(".")
    return f"{path}\n{stem}" if dot and stem and len(ending) <= _LONGEST_ENDING else path


def find(texts: Sequence[tuple[str, str]], hits: Sequence[Hit], policy: Policy = OPEN) -> tuple[Finding, ...]:
    """What is secret in the texts as they stand, by a detector's hits and by Koubou's own rules and the settings'."""
    heard = believed(texts, hits)
    texts = [(where, _in_lines(text)) for where, text in texts]
    document = "\n".join(text for _, text in texts)
    starts, total = [], 0
    for _, text in texts:
        starts.append(total)
        total += len(text) + 1
    kept: dict[tuple[str, str, int], Finding] = {}
    told: Counter[str] = Counter()
    seen = chain(_sightings(document, policy), lone_numbers(texts, starts))
    for finding in chain(heard, _placed(seen, document, starts, texts)):
        key = (finding.rule, finding.where, finding.line)
        # Each level has its own room: a hundred marks of the house must not hide the one secret behind them.
        if key not in kept and told[finding.level] < MOST_FINDINGS:
            kept[key] = finding
            told[finding.level] += 1
        if told["confidential"] >= MOST_FINDINGS:
            break
    return tuple(kept.values())


def sensitivity(findings: Sequence[Finding], asked: Sensitivity | None) -> tuple[Sensitivity, Reason]:
    """The highest of what was found and what was asked; what was asked may raise it, never lower it."""
    findings = [finding for finding in findings if finding.level != NOTE]
    found, why = Sensitivity.PUBLIC, "nothing secret was found"
    for finding in findings:
        level = Sensitivity(finding.level)
        if level.rank > found.rank:
            found, why = level, f"{finding.category} in {finding.where}, line {finding.line} ({finding.rule})"
    if len(findings) > 1 and found is not Sensitivity.PUBLIC:
        why += f" and {len(findings) - 1} more"
    if asked is not None and asked.rank > found.rank:
        return asked, Reason(rule="sensitivity.asked", reason=f"the task file asks for it; {why}")
    if asked is not None and asked.rank < found.rank:
        why += f"; the task file asks for {asked}, which is not enough"
    return found, Reason(rule="sensitivity.found", reason=why)


def raise_to(current: Sensitivity | None, found: Sensitivity) -> Sensitivity:
    """The higher of the two."""
    return found if current is None or found.rank > current.rank else current


def _in_lines(text: str) -> str:
    """With the line ends that the rules know."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _sightings(document: str, policy: Policy) -> Iterator[Sighting]:
    text = even(document)
    low = text.lower()
    yield from sightings(_PATTERNS, text, low)
    if policy is not OPEN:
        yield from sightings(patterns_of(policy), text, low)
        if text != document:  # the settings may name a sign that was evened out
            yield from sightings(patterns_of(policy), document, low)
    if identity_numbers.DIGITS.search(text):
        yield from sightings(identity_numbers.PATTERNS, text, low)


def _placed(
    sightings: Iterator[Sighting], document: str, starts: list[int], texts: Sequence[tuple[str, str]]
) -> Iterator[Finding]:
    """The sightings with the text and line where they stand; the lines are counted once, and only if there is one."""
    ends: list[int] | None = None
    for sighting in sightings:
        if ends is None:
            ends = [match.start() for match in re.finditer("\n", document)]
        place = bisect_right(starts, sighting.start) - 1
        yield Finding(
            category=sighting.category,
            where=texts[place][0],
            rule=sighting.rule,
            line=bisect_left(ends, sighting.start) - bisect_left(ends, starts[place]) + 1,
            sample=document[sighting.start : min(sighting.start + 2, sighting.end)] if sighting.quotable else "",
            level=sighting.level,
        )


def _is_harmless(hit: Hit, texts: Mapping[str, bytes]) -> bool:
    """Whether a detector took an address with placeholders for credentials; everything else of it is believed."""
    if hit.category != "connection_string" or hit.where not in texts:
        return False
    whole = texts[hit.where]
    before = whole[max(0, hit.start - 300) : hit.start].rpartition(b"\n")[2]
    behind = whole[hit.start : hit.end + 300].partition(b"\n")[0]
    return credentials.is_harmless_address((before + behind).decode("utf-8", "replace"))


def _finding(hit: Hit) -> Finding:
    return Finding(category=hit.category, where=hit.where, rule=hit.rule, line=hit.line, sample=hit.sample[:2])


def as_lines(value: Mapping[str, Any] | None) -> str:
    """A nested value as lines `key: value`, so that a name and what stands beside it are read together.

    The value of `properties.password.default` stands beside `password`.
    """
    lines: list[str] = []
    waiting: list[tuple[str, Any]] = [("", value)] if value else []
    while waiting:
        name, part = waiting.pop()
        match part:
            case Mapping():
                waiting += [(name if name and key in _SAYS_NO_NAME else str(key), part[key]) for key in reversed(part)]
                if name:
                    lines.append(f"{name}:")
            case list() | tuple():
                waiting += [(name, item) for item in reversed(part)]
                if name and not part:
                    lines.append(f"{name}:")
            case _:
                lines.append(f"{name}: {part}")
    return "\n".join(lines)
