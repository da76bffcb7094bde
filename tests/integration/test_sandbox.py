"""From inside the walls nothing of the machine is seen or reached but what was given."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
from pathlib import Path

import pytest
from inside import ENVIRONMENT, House, needs_walls

from koubou.sandbox import preflight
from koubou.sandbox.preflight import why_not
from koubou.sandbox.walls import NoWall, walled

pytestmark = needs_walls

TRY = """
def tried(what):
    try:
        return what()
    except OSError as error:
        return error.strerror or type(error).__name__
"""


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_nothing_of_the_workshop_or_of_other_tasks_is_there(house: House) -> None:
    paths = [
        *map(str, house.secrets),
        str(house.home),
        str(house.run),
        "/etc/shadow",
        "/etc/koubou",
        "/etc/ssl/private",
    ]
    code = "print(json.dumps([path for path in sys.argv[1:] if os.path.lexists(path)]))"
    assert house.python(code, *paths) == []


def test_the_machine_shows_system_programs_and_nothing_else(house: House) -> None:
    folders = ("/", "/home", "/home/agent", "/work", "/tmp", "/run", "/var")
    seen = house.python("print(json.dumps({path: sorted(os.listdir(path)) for path in sys.argv[1:]}))", *folders)
    assert set(seen["/"]) <= {
        *("bin", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "proc", "root", "run", "sbin", "tmp", "usr"),
        *("var", "work"),
    }
    assert seen["/home"] == ["agent"]
    assert [seen[path] for path in ("/home/agent", "/work", "/tmp", "/run")] == [[], [], [], []]
    assert seen["/var"] == ["run", "tmp"]


def test_only_the_devices_without_power_are_there(house: House) -> None:
    code = "print(json.dumps([name for name in sorted(os.listdir('/dev')) if not os.path.islink('/dev/' + name)]))"
    assert set(house.python(code)) <= {
        *("console", "full", "null", "pts", "random", "shm", "tty", "urandom", "zero"),
    }


def test_the_work_and_the_home_are_written_and_last(house: House) -> None:
    house.work.joinpath("given").write_text("a")
    done = house.execute("sh", "-c", "cat given; echo b >given; echo c >~/kept; echo d >/tmp/gone; pwd; id -un; id -u")
    assert done.stdout == "a/work\nagent\n1000\n"
    assert house.work.joinpath("given").read_text() == "b\n"
    assert house.agent_home.joinpath("kept").read_text() == "c\n"
    assert house.work.joinpath("given").stat().st_uid == os.geteuid()


def test_further_files_are_seen_as_they_are_asked_for(house: House, tmp_path: Path) -> None:
    for name in ("read", "write"):
        tmp_path.joinpath(name).mkdir()
        tmp_path.joinpath(name, "file").write_text("given")
    reading, writing = str(tmp_path / "read"), str(tmp_path / "write")
    walls = house.walls(readable=(reading,), writable=(writing,))
    code = "cat $0/file; echo new >$1/file; echo new >$0/file"
    done = house.execute("sh", "-c", code, reading, writing, walls=walls)
    assert done.stdout == "given"
    assert "Read-only file system" in done.stderr
    assert [tmp_path.joinpath(name, "file").read_text() for name in ("read", "write")] == ["given", "new\n"]


@pytest.mark.parametrize(
    "path", ["/usr/x", "/bin/x", "/etc/x", "/etc/passwd", "/x", "/run/x", "/var/x", "/root/x", "/home/x", "/dev/x"]
)
def test_nothing_else_can_be_written(house: House, path: str) -> None:
    code = TRY + "print(json.dumps(tried(lambda: os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT))))"
    assert house.python(code, path) == "Read-only file system"


def test_the_settings_of_the_kernel_cannot_be_written_even_where_root_runs_the_workshop(house: House) -> None:
    code = (
        TRY
        + """
found = [os.path.join(folder, name) for folder, _, names in os.walk("/proc/sys") for name in names]
found += ["/proc/sysrq-trigger", "/proc/self/../sys/kernel/core_pattern"]
print(json.dumps([path for path in found if type(tried(lambda: os.open(path, os.O_WRONLY))) is int]))
"""
    )
    assert house.python(code) == []


def test_no_power_is_left_and_none_can_be_gained(house: House) -> None:
    code = "print(json.dumps(dict(line.split(':\\t') for line in open('/proc/self/status') if ':\\t' in line)))"
    seen = {name: value.strip() for name, value in house.python(code).items()}
    assert {seen[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert seen["NoNewPrivs"] == "1"
    mounts = house.execute("cat", "/proc/self/mountinfo").stdout.splitlines()
    options = {line.split()[4]: line.split()[5].split(",") for line in mounts}
    assert [place for place, given in options.items() if "nosuid" not in given] == []
    assert [place for place, given in options.items() if "nodev" not in given and not place.startswith("/dev")] == []


@pytest.mark.parametrize(
    "deed",
    [
        "os.mknod('/work/disk', 0o060600, os.makedev(254, 0))",
        "os.mknod('/tmp/memory', 0o020600, os.makedev(1, 1))",
        "os.chroot('/work')",
        "os.setuid(0)",
        "os.setgroups([0])",
        "os.chown('/work', 0, 0)",
        "os.kill(int(sys.argv[1]), 9)",
        "os.pidfd_open(int(sys.argv[1]))",
        "open(f'/proc/{sys.argv[1]}/environ').read()",
        "open('/proc/kcore').read(1)",
        "open('/dev/kmsg').read(1)",
        "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))",
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect(('127.0.0.1', int(sys.argv[2])))",
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect(('192.0.2.1', 80))",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
        "socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect('\\0' + sys.argv[3])",
        "socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect(sys.argv[4])",
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
    ],
)
def test_nobody_outside_is_reached(house: House, tmp_path: Path, deed: str) -> None:
    abstract = f"koubou-test-{os.getpid()}"
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as nameless:
            with socket.socket(socket.AF_UNIX) as control:
                nameless.bind("\0" + abstract)
                nameless.listen()
                control.bind(str(tmp_path / "control.sock"))
                control.listen()
                given = (str(stranger.pid), str(tcp.getsockname()[1]), abstract, str(tmp_path / "control.sock"))
                answer = house.python(f"{TRY}print(json.dumps([tried(lambda: {deed})]))", *given)
        assert type(answer[0]) is str, answer
        assert answer[0] != ""
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_datagram_to_this_machine_arrives_at_nobody(house: House) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        code = (
            "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', int(sys.argv[1]))); print(1)"
        )
        house.python(code, str(listening.getsockname()[1]))
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.recv(1)


def test_the_only_interface_is_its_own_loopback(house: House) -> None:
    assert house.python("print(json.dumps(socket.if_nameindex()))") == [[1, "lo"]]


def test_only_its_own_processes_are_seen(house: House) -> None:
    seen = house.python("print(json.dumps([name for name in os.listdir('/proc') if name.isdecimal()]))")
    assert len(seen) == 2


def test_a_user_namespace_of_its_own_gives_no_power_over_the_machine(house: House) -> None:
    tricks = (
        "umount /proc/sys",
        "mount -o remount,rw,bind /proc/sys",
        "mount -t proc new /proc",
        "mount -o remount,rw,bind /usr",
        "mount -o remount,rw,bind /etc/passwd",
        "umount /usr",
        "mount -t sysfs new /sys",
        "mount -t ext4 /dev/vda /tmp",
        "nsenter -t 1 -n true",
        "touch /usr/x",
        "echo core >/proc/sys/kernel/core_pattern",
        "ip link add a type dummy && ip route add 192.0.2.0/24 dev a && echo x >/dev/tcp/192.0.2.1/80",
    )
    script = "".join(f"({trick}) 2>/dev/null && echo {number}\n" for number, trick in enumerate(tricks))
    done = house.execute("unshare", "-Urmpf", "bash", "-c", f"id -u\n{script}true")
    assert done.stdout == "0\n", done.stdout + done.stderr


def test_a_setuid_program_gains_nothing(house: House) -> None:
    """Its own: nobody but root can make one of root's, and then it is root who is inside."""
    program = house.work / "id"
    program.write_bytes(Path("/usr/bin/id").read_bytes())
    program.chmod(0o4755)
    if os.geteuid() == 0:
        os.chown(program, 65534, 65534)
        program.chmod(0o4755)
    assert program.stat().st_mode & stat.S_ISUID
    assert house.execute("./id", "-u").stdout == "1000\n"


def test_the_environment_is_what_was_given(house: House) -> None:
    seen = house.python("print(json.dumps(dict(os.environ)))")
    assert {name: seen[name] for name in seen if name not in ("LC_CTYPE", "PWD")} == ENVIRONMENT


def test_no_descriptor_leads_outside(house: House, tmp_path: Path) -> None:
    code = "print(json.dumps([int(name) for name in os.listdir('/proc/self/fd')]))"
    with tmp_path.joinpath("on-the-host").open("rb"):
        assert len(house.python(code)) == 4  # and that of the listing


def test_a_sandbox_within_the_sandbox_works(house: House) -> None:
    inner = ("bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--bind", "/work", "/work", "--unshare-all")
    done = house.execute(*inner, "--die-with-parent", "sh", "-c", "echo within >/work/made; touch /home/agent/x")
    assert house.work.joinpath("made").read_text() == "within\n"
    assert "Read-only file system" in done.stderr


def test_its_own_tmp_is_bounded(house: House) -> None:
    code = "print(json.dumps([os.statvfs(path).f_blocks * os.statvfs(path).f_frsize for path in ('/tmp', '/dev/shm')]))"
    assert house.python(code) == [512 << 20, 512 << 20]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"readable": ("{home}/board",)}, "lies in"),
        ({"writable": ("{home}/tasks",)}, "lies in"),
        ({"readable": ("{folder}",)}, "holds"),
        ({"work": "{folder}"}, "holds"),
        ({"work": "{home}"}, "holds"),
        ({"work": "{link}"}, "holds"),
        ({"hidden": ("/usr/share",)}, "holds"),
    ],
)
def test_walls_that_would_show_the_workshop_are_not_put_up(
    house: House, tmp_path: Path, changes: dict[str, str | tuple[str, ...]], words: str
) -> None:
    tmp_path.joinpath("link").symlink_to(tmp_path)
    names = {"home": house.home, "folder": tmp_path, "link": tmp_path / "link"}
    given = {
        key: value.format(**names) if isinstance(value, str) else tuple(each.format(**names) for each in value)
        for key, value in changes.items()
    }
    with pytest.raises(NoWall, match=words):
        walled(("true",), house.walls(**given))


def test_what_keeps_walls_from_standing_is_told_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert why_not() is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert why_not() == "there is no bwrap: apt-get install bubblewrap"
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    broken.chmod(0o755)
    told = why_not()
    assert told is not None
    assert told.startswith("bwrap does not work (setting up uid map: Permission denied): as a service, the unit needs")
    monkeypatch.setattr(preflight, "_read", lambda path: "1" if "apparmor" in path else None)
    told = why_not()
    assert told is not None
    assert "AppArmor keeps bwrap from user namespaces" in told
