"""The vocabulary: every event that the journal or a history says, and what it means; docs/reference/events.md."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

EVENTS: Mapping[str, str] = MappingProxyType(
    {
        # The workshop
        "system.ready": "Dropped files are taken from now on; what a crash left is recovered.",
        "system.draining": "Asked to stop: nothing more is taken in, calls under way finish. Asked again: they end.",
        "system.stopped": "It has ended as it was asked to. A journal without this line ended in another way.",
        "system.reloaded": "The settings were taken anew.",
        "system.reload_refused": "The new settings are wrong; the old ones stay in force.",
        "system.paused": "A person stopped everything, or one tier.",
        "system.resumed": "A person lets everything, or one tier, go on.",
        "system.fault": "Something went wrong in the master, which goes on. With `where` it is a bug: report it.",
        "emergency.stop": "Nothing further starts, also after a restart, until a person says otherwise.",
        "emergency.resumed": "A person lifted a latch: the emergency stop, or that of a model.",
        "board.fault": "The board could not be read or written: it is locked, or the disk is full. It is tried again.",
        "clock.jumped": "The machine's clock was set by more than five minutes; nothing is removed for an hour.",
        "control.fault": "A command could not be answered because of a bug; nothing of it was done.",
        "hand.fault": "A word could not be passed to a hand (intake, shelving).",
        "hand.lost": "A hand ended, or could not be started; another is started in its place.",
        "journal.dropped": "So many lines were lost because nobody read them; the history on the board has everything.",
        # Files
        "intake.fault": "The folder or a file in it could not be read; it is tried again.",
        "intake.stuck": "A file can be neither taken nor moved away; it stays where it is. The reason says why.",
        "intake.paused": "No more files are taken for now: the disk is nearly full, or the workshop cannot write.",
        "intake.resumed": "Files are taken again.",
        "shelving.fault": "An answer could not be put on its shelf. It stays owed, and is tried again.",
        "retention.removed": "What was due was removed: counts, and the bytes that became free.",
        "retention.fault": "What is due could not be removed. It stays owed, and is tried again.",
        # Tasks
        "task.enqueued": "A document of a file became a task.",
        "task.duplicate": "The same document with the same id came again; there is still one task.",
        "task.rejected": "A file was refused. It lies in `rejected/`, with the reason beside it.",
        "task.classified": "How secret and how hard it is, and why.",
        "task.routed": "Its tier was chosen; the reasons are those of `koubou explain`.",
        "task.parked": "It waits, for a reason and until a time or an event.",
        "task.admitted": "Its first call is held for, and it has its place in a tier.",
        "task.started": "A worker is at work on it.",
        "task.retried": "It goes back to choosing a tier: after a failure, an interruption or `koubou retry`.",
        "task.incomplete": "An answer came that lacks something; it goes to the next tier up, or is taken as it is.",
        "task.judged": "A judge was asked about its answer, or has said what it is worth.",
        "task.upgraded": "It goes to the next tier up, once.",
        "task.prioritized": "A person changed its priority.",
        "task.rated": "A person said whether the answer was good.",
        "task.released": "A person lowered how secret it is, with a reason.",
        "task.cancel_asked": "A person cancelled it while it was at work.",
        "task.finished": "A person said that what there is of the answer is enough.",
        "task.completed": "Its answer is on its shelf.",
        "task.failed": "Its error is on its shelf.",
        "task.cancelled": "It was cancelled, and is on its shelf.",
        "task.removed": "Its text and answer were kept for as long as the settings say, and are gone.",
        "task.purged": "A person had everything of it removed.",
        "task.fault": "A bug stopped one task: it waits for an operator, and all else goes on. Please report it.",
        "guardrail.noted": "A guardrail saw something in the task: rule and place, never the text.",
        "guardrail.flagged": "Its answer holds a secret or a banned word: rule and line, never the text.",
        # Calls and money
        "call.held": "The most that a call can cost is held on every account that it touches.",
        "call.settled": "A call has ended, and what it cost is known.",
        "call.unreconciled": "A call has ended, and nobody knows what it cost: its whole hold counts.",
        "usage.recorded": "An estimate was off by more than a tenth; for whoever mends the table of operations.",
        "usage.threshold": "An account has reached one of its levels (70, 80, 90 % and so on).",
        "budget.breach": "A bill was above its hold. Its model is frozen, and the guardian is told.",
        "budget.set": "A person set a limit.",
        "budget.add": "A person gave an account more.",
        "budget.reset": "A person began an account anew.",
        "budget.reconciled": "The provider's bill was compared with the ledger.",
        # Tiers and workers
        "tier.degraded": "A tier is left alone or stopped, and why.",
        "tier.tried": "A tier that was left alone is tried, with one call at a time.",
        "tier.recovered": "A tier serves again.",
        "session.timeout": "The login or key of a tier of agents was refused so often that the tier is stopped.",
        "session.recovered": "It is taken again.",
        "worker.started": "A worker process is there.",
        "worker.retired": "A worker left as it was asked to.",
        "worker.replaced": "A worker has done or grown enough: it finishes what it has and goes.",
        "worker.hanging": "A worker gives no sign of life; it is ended, and its stack is in `worker.lost`.",
        "worker.lost": "A worker ended unasked, or could not be started. Its tasks are tried again.",
        "worker.stuck": "Processes of a worker that has gone cannot be ended.",
        # The guardian
        "guardian.told": "The guardian was told of a stop.",
        "guardian.unreachable": "The guardian could not be told, or there is no way set; with the remedy.",
        "guardian.closed": "The issue about a session was closed.",
    }
)
"""Ids, numbers, categories and sentences of ours go with them; never the text of a task, a title or an answer."""
