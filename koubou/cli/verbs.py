"""The verbs by group, each with its line of help. A verb's module is imported when it is named, not before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

GROUPS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "Give work": {
            "submit": "drop task files, or a prompt, into the workshop",
            "wait": "wait until tasks have ended; the exit code is their verdict",
            "follow": "watch an answer grow until its task has ended",
            "results": "the answers of many tasks at once, as JSON lines or CSV",
        },
        "Look": {
            "status": "how the workshop stands: tasks, tiers, workers, money",
            "top": "all of it on one screen, live, with keys to act on it",
            "workers": "who is at work, since when, and what each uses of the machine",
            "list": "the tasks, by status, tier, session, type and age",
            "show": "one task with its history",
            "log": "the answer of a task's run, as far as it came",
            "explain": "why a task is where it is, and what changes that",
            "price": "what a model costs, and what a call would cost",
            "report": "what was done in a time: success, waits, cost, what was saved; also as a page with charts",
            "budget": "how the money stands and where it went; limits set, raised, reset; the bill compared",
        },
        "Change": {
            "cancel": "end tasks without an answer",
            "finish": "file what there is of an answer, and end the task",
            "retry": "have ended tasks tried again",
            "priority": "make a task that waits more urgent, or less",
            "pause": "begin nothing new, in a tier or anywhere; what is at work goes on",
            "resume": "let go on what was paused or set aside",
            "drain": "begin nothing new, and wait until nothing is at work",
            "purge": "remove everything of ended tasks but their ids and what they cost",
            "rate": "say whether the answer of a completed task is good, for like tasks to come",
            "release": "say, by name and with a reason, that a task is no secret",
        },
        "Prepare": {
            "token": "who may come in through the window (add, list, rm)",
            "secret": "the API keys that the workshop keeps itself, sealed (set, list, rm, rotate)",
            "check": "check the settings and say what is in force",
            "estimate": "what task files would cost, on which tier, and whether they fit; nothing is submitted",
            "classify": "how secret and how hard a text is; nothing is submitted",
            "schema": "the JSON Schema of a task file, for editors",
            "model": "the embedded local models (list, get)",
        },
        "Run": {
            "serve": "start the workshop",
            "window": "open its API and page here, in the foreground",
            "board": "the board: a copy of it while in use, questions to it, is it whole, put a copy back",
            "gc": "remove now what has been kept long enough, or say what would go",
            "audit": "the history of all changes: who, from where, and whether a line was changed (verify, list)",
            "doctor": "look at everything that a person would look at, and say what to do",
            "completion": "the script with which a shell completes verbs, options, tiers and ids",
            "version": "the version of koubou",
        },
    }
)

VERBS: Mapping[str, str] = MappingProxyType({verb: line for group in GROUPS.values() for verb, line in group.items()})


BEFORE_A_VERB = ("--config", "--set")
"""The options of every verb, which may stand before it; each takes a word."""


def named_verb(words: Sequence[str]) -> str | None:
    """The verb among the words; None when there is none, or --help or --version comes first."""
    rest = iter(words)
    for word in rest:
        if word in BEFORE_A_VERB:
            next(rest, None)
        elif not word.startswith("-"):
            return word
        elif word in ("-h", "--help", "--version"):
            return None
    return None
