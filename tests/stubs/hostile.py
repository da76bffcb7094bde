"""Programs that misbehave as agents do, and worse: `python -I -S hostile.py BEHAVIOUR`.

Each process signs the roll first: a line `pid born` in the file that ROLL names, so that a test can look for them by
itself. Whatever forks without end stops after LIFE seconds: a test that fails must not take the machine with it.
"""

from __future__ import annotations

import os
import signal
import sys
import time

ROLL = os.environ.get("ROLL") or sys.argv[2]  # a disguised one has no environment
LIFE = 45.0
END = time.monotonic() + LIFE


def sign() -> None:
    """Stand on the roll."""
    with open("/proc/self/stat", "rb") as file:
        born = file.read().rpartition(b")")[2].split()[19].decode()
    descriptor = os.open(ROLL, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, f"{os.getpid()} {born}\n".encode())
    os.close(descriptor)


def fork() -> bool:
    """True in the child, which has signed."""
    if os.fork() == 0:
        sign()
        return True
    return False


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def stay() -> None:
    while time.monotonic() < END:
        time.sleep(0.05)
    os._exit(0)


def deafen() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)


def detach() -> None:
    """Leaves somebody deaf who has left session and parent."""
    if fork():
        deafen()
        os.setsid()
        if fork():
            stay()
        os._exit(0)
    os.wait()


def finished() -> None:
    """As it should be."""
    say("result")


def silent() -> None:
    """Exit 0 without a result."""


def failing() -> None:
    """A result and a bad end."""
    say("result")
    os._exit(7)


def sleeper() -> None:
    """Does nothing for ever, and listens."""
    stay()


def talker() -> None:
    """Is at work: says something all the time."""
    while time.monotonic() < END:
        say("still here")
        time.sleep(0.02)


def deaf() -> None:
    """Ignores whatever asks it to end."""
    deafen()
    say("deaf")
    stay()


def daemon() -> None:
    """Leaves a double-forked child in a session of its own, and ends well."""
    detach()
    say("result")


def pipe_holder() -> None:
    """Its grandchild keeps the pipe open."""
    if fork():
        if fork():
            stay()
        os._exit(0)
    say("result")


def bomb() -> None:
    """255 processes, some of them in sessions of their own."""
    for depth in range(8):
        if os.fork() == 0 and depth % 3 == 0:
            os.setsid()
    sign()
    stay()


def hopper() -> None:
    """Three chains of processes: each forks the next, which leaves the session, and ends; none lives for long."""
    for _ in range(3):
        if os.fork() == 0:
            while time.monotonic() < END:
                if os.fork() > 0:
                    os._exit(0)
                os.setsid()
                sign()
    stay()


def mute() -> None:
    """Closes what it could say, and lives."""
    os.close(1)
    os.close(2)
    stay()


def babbler() -> None:
    """Writes to stdout for ever."""
    while time.monotonic() < END:
        os.write(1, b"x" * 65536)


def complainer() -> None:
    """Writes to stderr for ever."""
    while time.monotonic() < END:
        os.write(2, b"x" * 65536)


def scribbler() -> None:
    """Writes to a file for ever."""
    say("result")
    with open("scribbled", "wb") as file:
        while time.monotonic() < END:
            file.write(b"x" * 65536)


def lingerer() -> None:
    """Hangs after its result."""
    say("result")
    stay()


def glutton() -> None:
    """Eats memory, up to a gigabyte."""
    eaten = []
    for _ in range(100):
        eaten.append(b"\1" * (10 << 20))
        time.sleep(0.01)
    stay()


def stopped() -> None:
    """Stops itself."""
    os.kill(os.getpid(), signal.SIGSTOP)
    stay()


def disguised() -> None:
    """Wipes environment and name, and leaves."""
    if fork():
        os.setsid()
        if fork():
            os.execve(sys.executable, ["innocent", "-I", "-S", __file__, "disguise", ROLL], {})
        os._exit(0)
    say("result")
    stay()


def disguise() -> None:
    with open("/proc/self/comm", "w") as file:
        file.write("kworker")
    deafen()
    stay()


def impostor() -> None:
    """Wipes environment and name, takes the words of a program of Koubou's, and leaves."""
    folder = os.path.join(os.path.dirname(ROLL), "impostor")
    os.makedirs(os.path.join(folder, "koubou"), exist_ok=True)
    for name, text in (("__init__", ""), ("hands", f"import time\ntime.sleep({LIFE})\n")):
        with open(os.path.join(folder, "koubou", f"{name}.py"), "w") as file:
            file.write(text)
    if fork():
        os.setsid()
        if fork():
            deafen()
            os.execve(sys.executable, [sys.executable, "-P", "-m", "koubou.hands"], {"PYTHONPATH": folder})
        os._exit(0)
    say("ready")
    stay()


def vanisher() -> None:
    """Ends well, and leaves somebody deaf who has neither environment nor name."""
    if os.fork() == 0:
        deafen()
        sign()
        os.setsid()
        os.execve(sys.executable, ["innocent", "-I", "-S", __file__, "disguise", ROLL], {})
    with open(ROLL) as file:
        while len(file.readlines()) < 2:  # it is deaf by then
            file.seek(0)
            time.sleep(0.005)
    say("result")


def unreaping() -> None:
    """Leaves zombies and lets the kernel reap others."""
    for _ in range(5):
        if os.fork() == 0:
            os._exit(0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    if fork():
        stay()
    stay()


def strike(number: int) -> None:
    """At the leash that holds us; whoever has inherited us meanwhile is spared, he may not be of the tests."""
    holder = os.pidfd_open(os.getppid())
    with open(f"/proc/{os.getppid()}/cmdline", "rb") as file:
        if b"leash/__main__.py" in file.read():
            signal.pidfd_send_signal(holder, number)


def rebel() -> None:
    """Kills whoever holds it, and has left children everywhere."""
    detach()
    if fork():
        stay()
    say("rebel")
    strike(signal.SIGKILL)
    stay()


def jailer() -> None:
    """Stops whoever holds it."""
    detach()
    strike(signal.SIGSTOP)
    stay()


def family() -> None:
    """Everything that a killed leash could leave: a group, a session, a deaf daemon, a disguised one."""
    detach()
    disguised_child = os.fork() == 0
    if disguised_child:
        os.setsid()
        os.execve(sys.executable, ["innocent", "-I", "-S", __file__, "disguise", ROLL], {})
    if fork():
        stay()
    say("ready")
    stay()


def witness() -> None:
    """Shows what it was given."""
    import json
    import resource

    names = ("CORE", "NOFILE", "FSIZE", "AS", "NPROC")
    with open("/proc/self/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    mask = os.umask(0)
    say(
        json.dumps(
            {
                "environment": dict(os.environ),
                "stdin": sys.stdin.read(),
                "limits": {name: resource.getrlimit(getattr(resource, f"RLIMIT_{name}")) for name in names},
                "umask": mask,
                "directory": os.getcwd(),
                "session": os.getsid(0) == os.getpid() == os.getpgid(0),
                "descriptors": sorted(os.listdir("/proc/self/fd")),
                "ignored": status["SigIgn"],
                "blocked": status["SigBlk"],
                "no_new_privileges": status["NoNewPrivs"],
                "words": sys.argv,
            }
        )
    )


if __name__ == "__main__":
    sign()
    globals()[sys.argv[1]]()
