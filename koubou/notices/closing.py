"""Whether a person has closed an issue of ours: asked at no cost to GitHub's allowance while nothing has changed."""

from __future__ import annotations

from collections.abc import Mapping

from koubou.model.instant import Milliseconds
from koubou.model.notice import GithubWay, NotTold, Trouble, View, Views
from koubou.notices.exchange import Answer, Exchange, NotDone
from koubou.notices.github import headers_of, issues_of, refusal


def look_at_issues(way: GithubWay, known: Mapping[int, View | None]) -> Views:
    """How these issues are now, as they were `known` before; takes a minute at most. Raises nothing.

    An answer 304 to If-None-Match says that nothing has changed, and does not count against the limit of requests
    (GitHub, "Best practices for using the REST API", conditional requests).
    """
    seen: dict[int, View] = {}
    wait: Milliseconds | None = None
    trouble: NotTold | None = None
    try:
        with Exchange(headers_of(way)) as exchange:
            for issue, before in known.items():
                unchanged = {"If-None-Match": before.etag} if before is not None and before.etag else None
                answer = exchange.ask("GET", f"{issues_of(way)}/{issue}", headers=unchanged)
                wait = answer.wait()
                found = before if answer.status == 304 else _view(answer)
                if found is not None:
                    seen[issue] = found
                elif (trouble := refusal(answer)).trouble is not Trouble.SETTINGS:
                    break  # else it is this one that is gone: others may be there
    except NotDone as error:
        trouble = error.why
    except Exception as error:  # noqa: BLE001 - whatever it is, the tier is looked at in its own time too
        trouble = NotTold(trouble=Trouble.BUG, reason=f"a bug: {type(error).__name__}; please report it")
    return Views(seen=seen, wait=wait, trouble=trouble)


def _view(answer: Answer) -> View | None:
    state = answer.value.get("state") if isinstance(answer.value, Mapping) else None
    if answer.status != 200 or not isinstance(state, str):
        return None
    return View(closed=state == "closed", etag=answer.headers.get("etag", ""))
