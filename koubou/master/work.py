"""What a run of an agent is to work on, and what it may still do: put together when it is handed over."""

from __future__ import annotations

from koubou.board.board import Board
from koubou.folders.beneath import within
from koubou.folders.layout import Layout
from koubou.master.workshop import Workshop
from koubou.model.account import AccountKey, Dimension
from koubou.model.agent import Work
from koubou.model.run import Run
from koubou.model.task import Task, TaskRequest
from koubou.model.tier import Tier
from koubou.rules.limits import LimitsInForce


def work_of(board: Board, workshop: Workshop, task: Task, run: Run, request: TaskRequest, tier: Tier) -> Work | None:
    """None for a tier whose executor is no agent. Raises ValueError for a workspace outside of the allowed folders."""
    if tier.agent is None and not tier.members:
        return None
    roots = tuple(workshop.intake.roots)
    if request.workspace is not None and not any(within(request.workspace, root) is not None for root in roots):
        raise ValueError("its workspace does not lie beneath security.allowed_workspaces any more")
    in_place = not request.isolate and all(
        member.agent is not None and member.agent.in_place for member in (tier.members or (tier,))
    )
    before = _resumed(board, task, run)
    return Work(
        workspace=request.workspace,
        roots=roots,
        owner=task.owner,
        isolate=not in_place,
        edits=_left(board, workshop, task, tier, Dimension.FILE_EDITS),
        commands=_left(board, workshop, task, tier, Dimension.COMMANDS),
        session=None if before is None else before.session,
        resumes=None if before is None else _folder(workshop.layout, task, before),
        budget=_money_left(board, task),
        deadline=run.admitted_at + run.timeout,
    )


def _left(board: Board, workshop: Workshop, task: Task, tier: Tier, dimension: Dimension) -> int | None:
    """How many it may do still; None = any number."""
    limits = LimitsInForce(budget=workshop.budget, set=board.ledger.set_limits(), is_open=board.ledger.is_open)
    limit = limits.counted_of_task(task, tier.executor, dimension)
    if limit is None or limit.limit is None:
        return None
    account = board.ledger.account(*limit.key)
    return limit.limit if account is None else max(0, limit.limit + account.added - account.settled)


def _money_left(board: Board, task: Task) -> int | None:
    account = board.ledger.account(*AccountKey(f"task:{task.id}"))
    return None if account is None else account.left


def _resumed(board: Board, task: Task, run: Run) -> Run | None:
    """The run that this one goes on from: the one before it, where it was broken off in a session of the same tier."""
    if task.on_interrupt != "resume" or run.number < 2:
        return None
    before = board.runs.get(task.seq, run.number - 1)
    if before is None or before.session is None or before.tier != run.tier or before.outcome == "answered":
        return None
    return before


def _folder(layout: Layout, task: Task, run: Run) -> str:
    return f"{layout.task_folder('in_progress', task.id)}/runs/{run.number}"
