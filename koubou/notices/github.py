"""The guardian's issue on GitHub: opened once, however often it has to be tried.

Opening an issue is not idempotent (https://docs.github.com/rest/issues/issues). Each carries a marker that only we
know; where an earlier attempt may have arrived, we first look whether an issue with the marker is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from koubou.model.instant import DAY, iso
from koubou.model.notice import GithubWay, Guardian, Notice, NotTold, Told, Trouble
from koubou.notices.exchange import Answer, Exchange, NotDone
from koubou.notices.words import issue_body, labels_of, marker_line, title

_PAGE = 100
_MOST_PAGES = 10
_SECONDARY_WAIT = 60_000
"""Milliseconds; what "Best practices for using the REST API" asks for where GitHub does not say how long to wait."""


def tell_github(way: GithubWay, notice: Notice, guardian: Guardian) -> Told | NotTold:
    """Open the issue, or find that it was opened. Raises NotDone."""
    if way.problem is not None:
        return NotTold(trouble=Trouble.SETTINGS, reason=way.problem, remedy="check guardian.github.token")
    with Exchange(headers_of(way)) as exchange:
        if notice.begun_at is not None and (number := _find(exchange, way, notice)) is not None:
            return Told(issue=number, found=True)
        return _open(exchange, way, notice, guardian)


def headers_of(way: GithubWay) -> Mapping[str, str]:
    """What every request of ours carries; the token goes nowhere else."""
    return {
        "Authorization": f"Bearer {way.token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }


def issues_of(way: GithubWay) -> str:
    """The address of the repository's issues."""
    return f"{way.api.rstrip('/')}/repos/{way.repo}/issues"


def refusal(answer: Answer) -> NotTold:
    """What an answer means that is neither an issue nor a list of them. GitHub's own words are not passed on."""
    status, wait = answer.status, answer.wait()
    words = str(answer.value.get("message", "")).lower() if isinstance(answer.value, Mapping) else ""
    if status == 429 or (status == 403 and (wait is not None or "rate limit" in words or "abuse" in words)):
        asked = wait if wait is not None else _SECONDARY_WAIT
        return NotTold(trouble=Trouble.RATE, reason="GitHub asks to slow down", wait=asked)
    if status >= 500 or status == 408:
        return NotTold(trouble=Trouble.SERVER, reason=f"GitHub answered {status}", wait=wait)
    if 200 <= status < 300:
        return NotTold(trouble=Trouble.SERVER, reason=f"an answer of {status} that is not GitHub's: is api right?")
    remedy = _REMEDIES.get(status, "check guardian.github in the settings, then systemctl reload koubou")
    return NotTold(trouble=Trouble.SETTINGS, reason=f"GitHub answered {status}", remedy=remedy)


def _find(exchange: Exchange, way: GithubWay, notice: Notice) -> int | None:
    """The issue that an earlier attempt opened. Labels are not asked for: GitHub drops those we may not set."""
    since = iso(notice.at - DAY)  # clocks differ
    for page in range(1, _MOST_PAGES + 1):
        query = f"state=all&sort=created&direction=desc&since={since}&per_page={_PAGE}&page={page}"
        answer = exchange.ask("GET", f"{issues_of(way)}?{query}")
        if answer.status != 200 or not isinstance(answer.value, list):
            raise NotDone(refusal(answer))
        issues = [issue for issue in answer.value if isinstance(issue, Mapping)]
        for issue in issues:
            if marker_line(notice.marker) in str(issue.get("body")):
                return _number(issue)
        if len(issues) < _PAGE or str(issues[-1].get("created_at", "9")) < since:
            return None
    return None  # a thousand newer issues: rather told twice than not at all


def _open(exchange: Exchange, way: GithubWay, notice: Notice, guardian: Guardian) -> Told | NotTold:
    """Open it as asked; where GitHub refuses whom or what, without, rather than not at all."""
    issue = {"title": title(notice, guardian), "body": issue_body(notice, guardian)}
    answer = None
    for extras, without in _ways_to_ask(way, notice):
        answer = exchange.ask("POST", issues_of(way), {**issue, **extras})
        if answer.status == 201 and isinstance(answer.value, Mapping):
            return Told(issue=_number(answer.value), without=without)
        if answer.status != 422:
            break
    return refusal(answer) if answer is not None else NotTold(trouble=Trouble.BUG, reason="nothing was asked")


def _ways_to_ask(way: GithubWay, notice: Notice) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    names = [*way.labels, *labels_of(notice)]
    labels = {"labels": names} if names else {}
    assignees = {"assignees": [way.assignee]} if way.assignee else {}
    yield {**labels, **assignees}, ()
    if assignees:
        yield labels, ("assignee",)
    if labels:
        yield {}, (*(["assignee"] if assignees else []), "labels")


def _number(issue: Mapping[str, Any]) -> int | None:
    number = issue.get("number")
    return number if isinstance(number, int) else None


_AGAIN = "then systemctl reload koubou"
_REMEDIES: Mapping[int, str] = {
    301: f"the repository has moved: name it as it is called now in guardian.github.repo, {_AGAIN}",
    307: f"the repository has moved: name it as it is called now in guardian.github.repo, {_AGAIN}",
    401: f"GitHub does not accept the token: make a new one with issues: write, {_AGAIN}",
    403: f"the token may not open issues there: give it issues: write for that repository, {_AGAIN}",
    404: f"no such repository, or the token does not see it: check guardian.github.repo and token, {_AGAIN}",
    410: f"the repository has no issues: switch them on, or name another in guardian.github.repo, {_AGAIN}",
}
