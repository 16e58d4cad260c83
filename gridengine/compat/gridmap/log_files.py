"""The files of what jobs print, two for each attempt: ``NAME.oID`` and ``NAME.eID``."""

from __future__ import annotations

import contextlib
import errno
import functools
import itertools
import os
import re
import stat
import threading
from typing import NamedTuple

from ...dispatcher.printing import printer
from ...ledger.task import Task
from ...logs import Log

log = Log("gridmap.job")

#: What a file's name shall not have in it.
_UNFIT = re.compile(r"[/\0]+")

#: Without following a link, and without waiting for the other end of a pipe.
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

#: Folders of which it was said that nothing can be written there.
_failed: set[str] = set()

#: The paths that jobs of this program have, and may still write to.
_taken: set[str] = set()
_lock = threading.Lock()


class Files(NamedTuple):
    """Those of one attempt.

    Attributes:
        stdout: The path of the one for what it prints.
        stderr: The path of the one for what it prints on stderr.
    """

    stdout: str
    stderr: str


def id_of(task: Task, *, remote: bool) -> str:
    """Returns the number of a job that was given to a worker.

    Args:
        task: The job.
        remote: Whether its worker is in a queue job, whose number that is.
    """
    place = task.place
    return place.queue_job if remote and place else f"{os.getpid()}.{task.id}"


def make_folder(folder: str) -> None:
    """Makes the folder for the files; that it cannot be made is said in the log."""
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        _say(folder, error)


def _say(folder: str, error: OSError) -> None:
    if folder not in _failed:
        _failed.add(folder)
        log.warning(
            "what jobs print is written to no file: %s: %s (temp_dir=, or DEFAULT_TEMP_DIR)",
            folder,
            error.strerror,
        )


class JobFiles:
    """The files of one job: there as soon as it has printed something, or when it has failed.

    Any thread may use it; but for `keep` and `remove`, which are for the one that waits for the
    job, nothing blocks.

    Args:
        folder: Where they are.
        name: What the job is called.
        remote: As of `id_of`.
    """

    def __init__(self, folder: str, name: str, *, remote: bool) -> None:
        self._folder = folder
        self._name = _UNFIT.sub("_", name)
        self._remote = remote
        self._attempts: dict[tuple[int, str], Files] = {}
        self._is_removed = self._has_some = False

    def write(self, task: Task, data: bytes, stream: int) -> None:
        """Has bytes written to the end of one of them.

        Args:
            task: The job.
            data: They.
            stream: 0 for what was printed, 1 for what was printed on stderr.
        """
        self._has_some = True
        path = self.of_latest(task)[stream]
        printer.call(functools.partial(self._append, path, data), len(data))

    def of_latest(self, task: Task) -> Files:
        """Returns the paths of those of the latest attempt."""
        attempt = task.attempts, id_of(task, remote=self._remote)
        with _lock:
            files = self._attempts.get(attempt)
            if files is None:
                files = self._attempts[attempt] = self._free(attempt[1])
            return files

    def keep(self, task: Task, more: str) -> None:
        """Has both be there.

        Args:
            task: The job.
            more: What is added to the one of stderr.
        """
        files = self.of_latest(task)
        self._append(files.stdout, b"")
        self._append(files.stderr, more.encode("utf-8", "replace"))

    def remove(self, task: Task) -> None:
        """Removes those of the latest attempt; what comes later is not written any more."""
        self._is_removed = True
        files = self.of_latest(task)
        for path in files if self._has_some else ():
            with contextlib.suppress(OSError):
                os.unlink(path)
        with _lock:
            _taken.difference_update(files)

    def _free(self, number: str) -> Files:
        # A worker runs many jobs, some of which may have the same name.
        for suffix in itertools.chain([""], map("-{}".format, itertools.count(2))):
            beside = os.path.join(self._folder, self._name)
            files = Files(f"{beside}.o{number}{suffix}", f"{beside}.e{number}{suffix}")
            if files.stdout not in _taken:
                break
        _taken.update(files)
        return files

    def _append(self, path: str, data: bytes) -> None:
        if self._is_removed:
            return
        try:
            with open(_opened(path), "ab") as file:
                file.write(data)
        except OSError as error:
            _say(self._folder, error)


def _opened(path: str) -> int:
    """Returns a descriptor to write to the end of a file of this user's.

    The folder may be everybody's, who can guess the names in it.

    Raises:
        OSError: It cannot be opened; or it is a link, or not this user's file.
    """
    descriptor = os.open(path, _APPEND, 0o666)
    status = os.fstat(descriptor)
    own = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
    if own and status.st_nlink <= 1:
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EPERM, f"{os.path.basename(path)} is not a file of this user's alone")
