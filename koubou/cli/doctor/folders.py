"""Whether the workshop's folders are there, are whose they should be, and lie where they can be relied on."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
import time
from collections.abc import Iterator, Mapping

from koubou.cli.doctor.finding import Area, Check, Finding
from koubou.cli.doctor.patient import Patient
from koubou.config.keys import vault_of
from koubou.folders.layout import GROUP
from koubou.folders.reject import refused_since

FOLDERS = Area("folders")
_DROP_ONLY = 0o3730
_TMPFILES = "/etc/tmpfiles.d/koubou.conf"
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs"})
_FORGETFUL = frozenset({"tmpfs", "ramfs"})
_FEW_INODES = 10_000
_OLD_CLAIM = 60.0
_DAY = 86_400.0
_MB = 1_000_000


def home(patient: Patient) -> Iterator[Finding]:
    """It exists, and belongs to one user with all that is in it."""
    layout = patient.layout
    try:
        owner = os.stat(layout.home).st_uid
    except FileNotFoundError:
        remedy = "koubou serve makes it (its parent must be writable), or sudo scripts/install --system"
        yield FOLDERS.error("home", f"{layout.home} does not exist", remedy)
        return
    strangers, missing = [], []
    for folder in (layout.tasks, layout.board, layout.run, layout.secrets, *_shelves(patient)):
        try:
            if os.stat(folder).st_uid != owner:
                strangers.append(folder)
        except FileNotFoundError:
            missing.append(folder)
        except PermissionError:
            continue
    if strangers:
        says = f"not owned by {_user(owner)}, who owns the home: {', '.join(strangers)}"
        yield FOLDERS.error("owners", says, f"chown -R {_user(owner)} {' '.join(strangers)}")
    if missing:
        yield FOLDERS.note("home", f"not there yet: {', '.join(missing)}", "koubou serve makes them")
    if not strangers and not missing:
        yield FOLDERS.ok("home", f"{layout.home}, of {_user(owner)}")


def modes(patient: Patient) -> Iterator[Finding]:
    """Who may look where. Wider than it should be is an error where secrets or others' tasks are concerned."""
    layout = patient.layout
    found = {
        folder: mode
        for folder in (layout.tasks, layout.board, layout.secrets, *_shelves(patient))
        if (mode := _mode(folder)) is not None
    }
    wide = [
        (layout.secrets, 0o077, "0700", "anybody else could take the sealed keys"),
        (layout.board, 0o027, "0750", "others could read every task"),
        (layout.tasks, 0o007, "3730", "others could drop or list tasks"),
        *((shelf, 0o066, "0711", "others could list the tasks there") for shelf in _shelves(patient)),
    ]
    worse = [(folder, right, why) for folder, mask, right, why in wide if found.get(folder, 0) & mask]
    for folder, right, why in worse:
        yield FOLDERS.error("modes", f"{folder} has mode {found[folder]:04o}: {why}", _mend(folder, right))
    yield from _drop_folder(layout.tasks, found)
    if found and not worse:
        yield FOLDERS.ok("modes", f"{len(found)} folders let in nobody that they should not")


def keys(patient: Patient) -> Iterator[Finding]:
    """Whether the sealed keys, and the way to the key that opens them, are closed to others."""
    if patient.settings is None:
        return
    exposed = vault_of(patient.settings, patient.environ).exposed()
    for each in exposed:
        yield FOLDERS.error("keys", each.says, each.remedy)
    if not exposed:
        yield FOLDERS.ok("keys", "nobody else reaches the keys that the workshop keeps")


def submitters(patient: Patient) -> Iterator[Finding]:
    """Whether access lists can give each submitter the answers of his own."""
    try:
        os.getxattr(patient.layout.home, "system.posix_acl_access")
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            remedy = "use a file system with POSIX access lists (ext4, xfs, btrfs; mount option acl)"
            yield FOLDERS.warning("answers", "there are no access lists: submitters cannot read their answers", remedy)
            return
        if error.errno != errno.ENODATA:
            raise
    yield FOLDERS.ok("answers", "access lists let each submitter read his own")


def space(patient: Patient) -> Iterator[Finding]:
    """Bytes and inodes that are left."""
    figures = os.statvfs(patient.layout.home)
    free = figures.f_bavail * figures.f_frsize
    least = patient.settings.intake.min_free_disk if patient.settings else 0
    says = f"{free // _MB:,} MB free"
    if free < least:
        yield FOLDERS.error("space", f"{says}, below intake.min_free_disk: nothing is taken in", "make room: koubou gc")
    elif free < 2 * least:
        yield FOLDERS.warning("space", f"{says}; below {least // _MB:,} MB nothing is taken in", "make room: koubou gc")
    else:
        yield FOLDERS.ok("space", says)
    if figures.f_files and figures.f_favail < _FEW_INODES:
        says = f"{figures.f_favail:,} inodes left; a task takes about ten"
        yield FOLDERS.warning("inodes", says, "remove small files, or use a file system with more")


def file_system(patient: Patient) -> Iterator[Finding]:
    """Of what kind it is, and whether what was synced survives power loss."""
    os.stat(patient.layout.home)
    device, kind, options = _mount_of(os.path.realpath(patient.layout.home))
    if kind in _NETWORK:
        says = f"home lies on {kind}: SQLite's locks and shared memory do not work over a network"
        yield FOLDERS.error("file system", says, "move home to a local disk")
    elif kind in _FORGETFUL:
        yield FOLDERS.warning("file system", f"home lies on {kind}: all is lost at the next boot", "move it to a disk")
    elif kind == "ext4" and _without_journal(device):
        yield FOLDERS.note("file system", "ext4 without a journal: power loss may cost more than the last second")
    elif {"nobarrier", "barrier=0"} & set(options):
        yield FOLDERS.warning(
            "file system", "write barriers are off: power loss may cost answers", "mount with barriers"
        )
    else:
        yield FOLDERS.ok("file system", kind)


def claims(patient: Patient) -> Iterator[Finding]:
    """Files that were claimed and not taken in: a master that died takes them up at its next start."""
    now = time.time()
    ages = [
        now - entry.stat(follow_symlinks=False).st_ctime
        for entry in os.scandir(patient.layout.tasks)
        if entry.name.startswith(".claim-")
    ]
    old = sum(age > _OLD_CLAIM for age in ages)
    if old and patient.master.held:
        says = f"{old} claimed files have not been taken in for more than a minute"
        yield FOLDERS.warning("claims", says, "see the journal for intake.fault and board.fault")
    elif ages and not patient.master.held:
        yield FOLDERS.note("claims", f"{len(ages)} claimed files wait for the next start")
    else:
        yield FOLDERS.ok("claims", "no claimed file is left over")


def rejected(patient: Patient) -> Iterator[Finding]:
    """Files that were refused within the last day: whoever dropped them may not know it."""
    count = refused_since(patient.layout, time.time() - _DAY)
    if count:
        says = f"{count:,} file{'' if count == 1 else 's'} refused within the last day"
        yield FOLDERS.note("rejected", says, f"{patient.layout.rejected}/*.error.json say why")
    else:
        yield FOLDERS.ok("rejected", "no file was refused within the last day")


CHECKS: tuple[Check, ...] = (home, modes, keys, submitters, space, file_system, claims, rejected)


def _shelves(patient: Patient) -> tuple[str, ...]:
    layout = patient.layout
    return layout.in_progress, layout.completed, layout.failed, layout.rejected


def _drop_folder(tasks: str, found: Mapping[str, int]) -> Iterator[Finding]:
    if tasks not in found:
        return
    try:
        group = grp.getgrnam(GROUP).gr_gid
    except KeyError:
        yield FOLDERS.note("submitters", f"there is no group {GROUP}: only the workshop's own user may drop files")
        return
    if os.stat(tasks).st_gid != group or found[tasks] != _DROP_ONLY:
        says = f"{tasks} has mode {found[tasks]:04o} and is not {GROUP}'s to drop into without seeing others' files"
        yield FOLDERS.warning("submitters", says, _mend(tasks, f"{_DROP_ONLY:o}"))
    else:
        yield FOLDERS.ok("submitters", f"members of {GROUP} may drop, and neither list nor replace")


def _mode(folder: str) -> int | None:
    try:
        return stat.S_IMODE(os.stat(folder).st_mode)
    except OSError:
        return None


def _mend(folder: str, mode: str) -> str:
    if os.path.exists(_TMPFILES) and folder.startswith("/var/koubou/"):
        return "systemd-tmpfiles --create koubou.conf"
    return f"chmod {mode} {folder}" + (f" && chgrp {GROUP} {folder}" if mode == "3730" else "")


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _mount_of(path: str) -> tuple[str, str, list[str]]:
    """(device number, kind, options) of the file system that a path is on, by the longest mount point above it."""
    best = ("", "", "unknown", [""])
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            head, _, tail = line.partition(" - ")
            fields, kind = head.split(), tail.split()
            place = fields[4].replace("\\040", " ")
            if (path == place or path.startswith(place.rstrip("/") + "/")) and len(place) >= len(best[0]):
                best = (place, fields[2], kind[0], [*fields[5].split(","), *kind[2].split(",")])
    return best[1], best[2], best[3]


def _without_journal(device: str) -> bool:
    """Only what the kernel says for sure: its folder for this ext4 is there, and names no task of a journal."""
    name = os.path.basename(os.path.realpath(f"/sys/dev/block/{device}"))
    return os.path.isdir(f"/sys/fs/ext4/{name}") and not os.path.exists(f"/sys/fs/ext4/{name}/journal_task")
