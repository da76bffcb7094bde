"""Leaving a run's record so that it survives kill -9 and power loss. Runs in a thread: fsync must not stop the loop."""

from __future__ import annotations

import asyncio
import errno
import os
from concurrent.futures import Executor

from msgspec.structs import replace

from koubou import crash
from koubou.model.call import CallError, ErrorClass
from koubou.wire.record import NAME, Record, encode_record

_PATIENCE = (
    0.1,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    20.0,
)  # seconds: a full disk may have room again, and the answer is paid for
_PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.EINTR})


async def keep_trying(writers: Executor, folder: str, record: Record) -> Record:
    """Leave the record; for about 40 s while the disk is full. Returns the record as it is to be told.

    Where it cannot be left the money in it still counts, but the answer is nowhere: it becomes an error.
    """
    loop = asyncio.get_running_loop()
    for pause in (*_PATIENCE, None):
        try:
            await loop.run_in_executor(writers, leave_record, folder, record)
        except OSError as error:
            if pause is None or error.errno not in _PASSING:
                return _without_record(record, error)
            await asyncio.sleep(pause)
        else:
            break
    return record


def leave_record(folder: str, record: Record) -> None:
    """Write, fsync, rename, fsync the folder, once each. Raises OSError.

    The folder's own fsync is not spared: the master settles on the word that follows, and the answer stands only here.
    On ext4 it costs some 50 µs, since the file's fsync has just written the journal.
    """
    path = os.path.join(folder, NAME)
    temporary = f"{path}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        data = memoryview(encode_record(record))
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    crash.at("record.written")
    os.rename(temporary, path)
    crash.at("record.renamed")
    parent = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def _without_record(record: Record, error: OSError) -> Record:
    word = errno.errorcode.get(error.errno or 0, "unknown")
    message = f"the result could not be written into the run's folder ({word}): see to the disk, then retry the task"
    failure = CallError(kind=ErrorClass.INTERNAL, message=message, code=word.lower())
    return replace(record, result=replace(record.result, error=record.result.error or failure))
