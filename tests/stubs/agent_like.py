"""Stands in for an agent: speaks the events of codex, and behaves as the first word of its prompt says."""

import json
import os
import signal
import sys
import time

THREAD = "00000000-0000-7000-8000-000000000001"


def say(kind, **members):
    sys.stdout.write(json.dumps({"type": kind, **members}) + "\n")
    sys.stdout.flush()


def item(number, kind, stage="item.completed", **members):
    say(stage, item={"id": f"item_{number}", "type": kind, **members})


def done(text="all is well"):
    item(99, "agent_message", text=text)
    say("turn.completed", usage={"input_tokens": 1, "output_tokens": 1})


def wait():
    while True:
        time.sleep(60)


def behave(word, arguments):
    if word == "fail-early":
        return 3
    if word == "where":
        done(json.dumps({"cwd": os.getcwd(), "arguments": arguments, "environment": dict(os.environ)}))
        return 0
    say("thread.started", thread_id=THREAD)
    say("turn.started")
    if word == "mute-end":
        return 0
    if word == "half":
        item(1, "agent_message", text="half")
        return 0
    if word == "lingers":
        done()
        wait()
    if word.startswith("makes-"):
        with open("made.txt", "w") as file:
            file.write(word)
        done(word)
        return 0
    if word == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        wait()
    if word == "waits":
        wait()
    if word == "floods":
        while True:
            sys.stdout.write("x" * 65536)
    if word in ("edits", "edits-and-ends"):
        for number in range(3):
            for stage in ("item.started", "item.completed"):
                item(number, "file_change", stage, changes=[{"path": "a", "kind": "add"}, {"path": "b"}])
        if word == "edits":
            wait()
    if word == "commands":
        for number in range(3):
            item(number, "command_execution", "item.started", command="/bin/bash -lc 'sudo rm -rf /'")
        wait()
    if word == "fails":
        say("turn.failed", error={"message": "unexpected status 503 Service Unavailable: the task's own text"})
        return 1
    if word == "whole-but-fails":
        done()
        return 4
    if word == "no-newline":
        item(1, "agent_message", text="well")
        sys.stdout.write(json.dumps({"type": "turn.completed"}))
        return 0
    sys.stdout.write("a word of warning, no event\n[1, 2]\n")
    done()
    return 0


def main():
    if sys.argv[1] == "sandbox":
        return os.environ.get("BEHAVIOUR") == "unconfined"
    words = sys.stdin.read().split()
    word = os.environ.get("BEHAVIOUR") or words[0]
    if "resume" in sys.argv:
        known = os.path.exists(os.path.join(os.environ["CODEX_HOME"], "sessions", "thread"))
        if not known or "unknown" in sys.argv:
            return 1
        say("thread.started", thread_id=sys.argv[sys.argv.index("resume") + 1])
        done("resumed: " + " ".join(words))
        return 0
    sessions = os.path.join(os.environ["CODEX_HOME"], "sessions")
    os.makedirs(sessions, exist_ok=True)
    with open(os.path.join(sessions, "thread"), "w") as file:
        file.write(THREAD)
    return behave(word, sys.argv[1:])


sys.exit(main())
