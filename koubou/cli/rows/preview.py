"""A look before rows are submitted: the first tasks that they make, and what all of them would probably cost."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from koubou.cli import exits
from koubou.cli.progress import progress
from koubou.cli.rows.drafting import Plan, Planned, planned
from koubou.cli.rows.submitting import Bad
from koubou.cli.say import money, note, one_line, print_json
from koubou.errors import Problem
from koubou.model.money import usd
from koubou.views.estimating import Estimate, Estimating

if TYPE_CHECKING:
    from koubou.views.workshop import Workshop

_SHOWN = 3
_ESTIMATED = 50
_LONGEST = 400


def preview(workshop: Workshop, plan: Plan, *, as_json: bool) -> int:
    """Show them; exit 65 where rows are bad."""
    first: list[Planned] = []
    bad, tasks = Bad(problems=[]), 0
    with progress("looking at rows") as line:
        for number, one in enumerate(planned(plan, workshop.settings), start=1):
            line.says(f"{number:,} rows checked")
            if isinstance(one, Problem):
                bad.add(one)
                continue
            tasks += 1
            if len(first) < _ESTIMATED:
                first.append(one)
    estimating = Estimating(workshop, None)
    estimates = [estimating.of(one.request, plan.rows, one.row.line, os.getuid()) for one in first]
    told = _together(estimates, tasks, bad.count)
    if as_json:
        print_json({**told, "first": [{"id": one.id, "line": one.row.line} for one in first[:_SHOWN]]})
    else:
        print("\n".join(_lines(first, told)))
    if bad.count:
        note(str(bad.as_error()))
    for remark in estimating.notes:
        note(remark)
    return exits.BAD_TASK_FILE if bad.count else exits.DONE


def _together(estimates: list[Estimate], tasks: int, bad: int) -> dict[str, Any]:
    """The first calls of all tasks, by those that were estimated."""
    calls = [each.call for each in estimates if each.call is not None]
    share = tasks / len(estimates) if estimates else 0
    probably = round(sum(call.cost for call in calls) * share)
    tiers = Counter(call.tier.name for call in calls)
    return {
        "tasks": tasks,
        "bad": bad,
        "estimated": len(estimates),
        "tiers": dict(tiers.most_common()),
        "probably_nusd": probably,
        "probably_usd": usd(probably),
    }


def _lines(first: list[Planned], told: dict[str, Any]) -> Iterator[str]:
    for one in islice(first, _SHOWN):
        request = one.request
        yield f"line {one.row.line}: {one.id}" + (f" ({one_line(request.title)})" if request.title else "")
        text = one_line(request.prompt or request.messages[-1].content)
        yield f"  {text[:_LONGEST]}{'…' if len(text) > _LONGEST else ''}"
    tiers = ", ".join(f"{count} to {tier}" for tier, count in told["tiers"].items()) or "none has a tier now"
    yield f"{told['tasks']:,} tasks, {told['bad']:,} bad rows; nothing was submitted."
    yield f"Probably {money(told['probably_nusd'])} together, by the first {told['estimated']:,} ({tiers})."
