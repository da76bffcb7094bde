"""What workers say of their runs, as words for the next turn."""

from __future__ import annotations

from koubou.model.heard import AgentTold, CallAsked, CallEnded, Heard, RunFinished, RunStarted
from koubou.wire.messages import AgentSays, CallDone, CallWanted, Finished, FromWorker, Started


def heard_of(message: FromWorker) -> Heard | None:
    """The word for the turn; None for what a worker says of itself."""
    match message:
        case Started(task=task, run=run):
            return RunStarted(task=task, run=run)
        case Finished(result=result):
            return RunFinished(result=result)
        case CallWanted(wanted=wanted):
            return CallAsked(wanted=wanted)
        case CallDone(result=result):
            return CallEnded(result=result)
        case AgentSays(task=task, run=run, session=session, deeds=deeds):
            return AgentTold(task=task, run=run, session=session, deeds=deeds)
        case _:
            return None
