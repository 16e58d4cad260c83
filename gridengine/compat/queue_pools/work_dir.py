"""The folder of one map: its function, its tasks by the chunk, and what became of them.

==================================  ==============================================================
``worker_node_script.py``           what a queue job runs, with a chunk's file for its argument
``function.pkl``                    the function; its code too, if no node could import it
``000000000.pkl``                   the tasks of a chunk, a pickled list
``000000000.pkl.out``               their results, a pickled list; None for what has failed
``000000000.pkl.failures``          what failed: numbers within the chunk, and packed exceptions
``000000000.pkl.o``, ``.pkl.e``     what the queue job printed
``num_resubmissions_by_ichunk.json``  how often a chunk was submitted again
``session.json``                    which map it is, for who goes on with it
``log.jsonl``                       what happened, a JSON object in each line
==================================  ==============================================================

Names are those of the predecessors, whose users have programs that read them. What is in there is
unpickled, so only its owner may write it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from ...errors import GridEngineError
from . import files, outcomes, packing

_FORMAT = 1


class MapSession(NamedTuple):
    """Which map a folder is of.

    Attributes:
        session_id: Begins the names of its queue jobs.
        function: What people call its function.
        tasks: How many tasks each chunk has.
        array: Whether its queue jobs are tasks of arrays.
    """

    session_id: str
    function: str
    tasks: tuple[int, ...]
    array: bool = False


class WorkDir:
    """A folder.

    Args:
        path: Where it lies.
        session: Whose it is.
    """

    def __init__(self, path: str, session: MapSession) -> None:
        self.path = path
        self.session = session

    @classmethod
    def make(cls, path: str, session: MapSession) -> WorkDir:
        """Makes one, which nobody else can read or write.

        Raises:
            FileExistsError: There is something of that name; it may be another map's.
            OSError: It cannot be made.
        """
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            why = (
                "it is there: Pool.resume() goes on with the map that has left it, another work_dir"
            )
            raise FileExistsError(errno.EEXIST, f"{why} is for another map", path) from None
        made = cls(path, session)
        noted = {"format": _FORMAT, **session._asdict()}
        files.write(made._path("session.json"), json.dumps(noted))
        return made

    @classmethod
    def found(cls, path: str) -> WorkDir:
        """Returns one that a map has left, this program's or another's.

        Raises:
            GridEngineError: It is none, or somebody else could have written into it.
        """
        try:
            _check_owner(path)
            noted = json.loads(files.read(os.path.join(path, "session.json")))
            if noted.pop("format") != _FORMAT:
                raise ValueError
            session = MapSession(**noted)
        except OSError as error:
            raise GridEngineError(f"{path} is no work_dir that a map has left: {error}") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise GridEngineError(
                f"{path} is a work_dir of another version, or its session.json is damaged"
            ) from None
        return cls(path, session._replace(tasks=tuple(session.tasks)))

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Has the folder for this program alone.

        Raises:
            GridEngineError: Another one goes on with its map.
        """
        with open(self._path("session.json"), "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise GridEngineError(
                    f"another program goes on with the map of {self.path}"
                ) from None
            except OSError:
                # A file system without locks.
                pass
            yield

    def forget_failed(self) -> None:
        """Has chunks done again of which a task has failed."""
        for ichunk in range(len(self.session.tasks)):
            if os.path.exists(outcomes.failures_of(self.tasks(ichunk))):
                # First: as long as it is there, the chunk is done.
                os.unlink(outcomes.results_of(self.tasks(ichunk)))
                os.unlink(outcomes.failures_of(self.tasks(ichunk)))

    def _path(self, name: str) -> str:
        return os.path.join(self.path, name)

    @property
    def script(self) -> str:
        """What queue jobs run."""
        return self._path("worker_node_script.py")

    @property
    def function(self) -> str:
        """Where the function lies."""
        return self._path("function.pkl")

    @property
    def log(self) -> str:
        """Where it is noted what happens."""
        return self._path("log.jsonl")

    @property
    def resubmissions(self) -> str:
        """Where it is noted which chunks were submitted again."""
        return self._path("num_resubmissions_by_ichunk.json")

    def tasks(self, ichunk: int) -> str:
        """Returns where the tasks of a chunk lie."""
        return self._path(f"{ichunk:09d}.pkl")

    def stdout(self, ichunk: int) -> str:
        """Returns where a chunk's queue job prints to."""
        return self._path(f"{ichunk}.stdout") if self.session.array else f"{self.tasks(ichunk)}.o"

    def stderr(self, ichunk: int) -> str:
        """Returns where it writes errors to."""
        return self._path(f"{ichunk}.stderr") if self.session.array else f"{self.tasks(ichunk)}.e"

    def write(
        self, function: Callable[..., Any], chunks: Sequence[Sequence[Any]], *, star: bool
    ) -> None:
        """Writes all that is to be done.

        Raises:
            PackingError: The function or a task cannot travel.
            OSError: There is no room for it.
        """
        files.write(self.function, packing.dump_function(function, star=star))
        for ichunk, tasks in enumerate(chunks):
            files.write(self.tasks(ichunk), packing.dumps(list(tasks), f"chunk {ichunk}"))

    def is_done(self, ichunk: int) -> bool:
        """Tells whether there are results of a chunk."""
        # A listing may be an older one than the file, on a network's file system; a look is not.
        return os.path.exists(outcomes.results_of(self.tasks(ichunk)))

    def outcome(self, ichunk: int) -> tuple[list[Any], dict[int, BaseException]]:
        """Returns the results of a chunk, and its exceptions by their tasks' numbers within it.

        Raises:
            GridEngineError: They cannot be read.
        """
        try:
            results, failures = outcomes.read(self.tasks(ichunk))
        # What is unpickled has code of its own.
        except Exception as error:
            raise GridEngineError(
                f"what chunk {ichunk} has made cannot be read: {error!r}"
            ) from error
        if len(results) != self.session.tasks[ichunk]:
            raise GridEngineError(f"chunk {ichunk} has made {len(results)} results, not its own")
        return results, failures

    def note(self, ichunk: int, results: list[Any], failures: dict[int, BaseException]) -> None:
        """Writes what a chunk has made that no queue job of its own has run.

        Raises:
            OSError: There is no room for it.
        """
        outcomes.write(self.tasks(ichunk), results, failures)
        files.write(self.stdout(ichunk), "")
        files.write(self.stderr(ichunk), outcomes.told(failures))

    def end_of_stderr(self, ichunk: int, most: int = 2000) -> str:
        """Returns the last characters of what a chunk's queue job wrote as errors."""
        try:
            return files.read(self.stderr(ichunk))[-most:].decode(errors="replace").strip()
        except OSError:
            return ""


def _check_owner(path: str) -> None:
    status = os.stat(path)
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError("others could have written into it, and it would be unpickled")
