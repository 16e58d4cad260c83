"""A pool whose maps have a folder each; the faces of two predecessors give it their arguments."""

from __future__ import annotations

import functools
import itertools
import os
import shutil
import stat
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from logging import Logger
from typing import Any, Literal, NamedTuple

from ...client.map import map as gridengine_map
from ...client.raised import raised
from ...schedulers import GridEngineScheduler, Scheduler, current
from ...settings import Settings
from ...transport.environment import environment_for_nodes
from . import chunks as chunking
from . import files, log
from .queues import QueueCommands
from .run import ChunkJobs, OneByOne, ProtocolRun, RunLimits
from .script import script_of
from .work_dir import MapSession, WorkDir

PoolMode = Literal["workers", "protocol"]
OnError = Literal["raise", "none"]


class Options(NamedTuple):
    """What all pools have.

    Attributes:
        num_chunks: Chunks of a map at most, None for one of each task.
        python_path: The interpreter of queue jobs.
        polling_interval: Seconds between two looks at the queue.
        work_dir: Where folders are made, None for the working directory.
        keep_work_dir: Whether a map's folder stays though all went well.
        max_num_resubmissions: How often a queue job is submitted again, None for no limit.
        verbose: Whether it is printed how all stands.
        mode: ``"protocol"`` for queue jobs that read and write files alone, ``"workers"`` for those
            of gridengine.
        on_error: What becomes of a failed task, ``"raise"`` or ``"none"``.
    """

    num_chunks: int | None
    python_path: str
    polling_interval: float
    work_dir: str | None
    keep_work_dir: bool
    max_num_resubmissions: int | None
    verbose: bool
    mode: PoolMode
    on_error: OnError

    @classmethod
    def of(
        cls,
        *,
        python_path: str | None,
        polling_interval: float,
        work_dir: str | os.PathLike[str] | None,
        keep_work_dir: bool,
        max_num_resubmissions: int | None,
        mode: PoolMode,
        on_error: OnError,
        num_chunks: int | None = None,
        verbose: bool = False,
    ) -> Options:
        """Returns what a user has given; ``python_path`` None is this program's interpreter.

        Raises:
            ValueError: ``mode`` or ``on_error`` is none that there is.
        """
        _check(mode, "mode", ("workers", "protocol"))
        _check(on_error, "on_error", ("raise", "none"))
        folder = None if work_dir is None else os.fspath(work_dir)
        return cls(
            num_chunks, python_path or sys.executable, float(polling_interval), folder,
            keep_work_dir, max_num_resubmissions, verbose, mode, on_error,
        )  # fmt: skip


def _check(given: object, name: str, values: Sequence[str]) -> None:
    if given not in values:
        raise ValueError(f"{name} is {given!r}; it takes {' or '.join(map(repr, values))}")


class Face(NamedTuple):
    """What is peculiar to one predecessor.

    Attributes:
        name: What begins the names of folders, and what is printed.
        keys: Order of the keys in its log.
        folders: Whether ``work_dir`` is where each map makes its folder; else it is the map's own.
        filter_stderr: Leaves out of what was written as errors what is none.
    """

    name: str
    keys: Sequence[str]
    folders: bool
    filter_stderr: Callable[[str], str] | None = None


class FolderPool:
    """Maps as `multiprocessing.pool.Pool` does, each with a folder that says what became of it.

    Args:
        options: As given.
        face: Which predecessor's it is.
        queue: The batch system of ``mode="protocol"``.
        scheduler: Makes what runs the calls of ``mode="workers"``.

    Raises:
        ValueError: Workers are to run another interpreter.
    """

    def __init__(
        self, options: Options, face: Face, queue: QueueCommands, scheduler: Callable[[], Scheduler]
    ) -> None:
        if options.mode == "workers" and options.python_path != sys.executable:
            raise ValueError(
                "python_path is for mode=\"protocol\": gridengine's workers run the program's own"
            )
        self._options, self._face = options, face
        self._queue, self._scheduler = queue, scheduler

    def __repr__(self) -> str:
        return "Pool()"

    def map(
        self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int | None = None
    ) -> list[Any]:
        """Returns what ``func`` makes of each element, in their order.

        Raises:
            Exception: The first in order of what tasks have raised, if the pool raises.
            JobDied: A queue job has ended without results, as often as it may be tried again.
            FileExistsError: The folder is there already.
            GridEngineError: The batch system refuses.
        """
        return self._map(func, list(iterable), chunksize, star=False)

    def starmap(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
    ) -> list[Any]:
        """As `map`, with the arguments of each call in an iterable."""
        return self._map(func, [tuple(task) for task in iterable], chunksize, star=True)

    def resume(self, work_dir: str) -> list[Any]:
        """Returns what a map has made, or makes yet, whose folder was kept.

        What has results is not done again, but for chunks of which a task has failed. Its queue
        jobs that wait or run are waited for: they outlive their program in ``mode="protocol"``. The
        others are submitted anew, whatever ``mode`` is.

        Raises:
            GridEngineError: It is no such folder, or another program is at it.
            Exception: As `map`.
        """
        work = WorkDir.found(os.path.abspath(work_dir))
        with work.held(), log.logging_to(work.log, self._face.keys) as logger:
            logger.info("resumed")
            work.forget_failed()
            self._write_script(work)
            return self._run(work, logger)

    # ------------------------------------------------------------------ one map

    def _map(
        self, func: Callable[..., Any], tasks: list[Any], chunksize: int | None, *, star: bool
    ) -> list[Any]:
        chunks = self._chunks(len(tasks), chunksize)
        if not tasks:
            return []
        name = getattr(func, "__qualname__", type(func).__name__)
        session = MapSession(session_id(), name, tuple(map(len, chunks)), self._is_array)
        work = WorkDir.make(self._folder(session.session_id), session)
        parts = [[tasks[number] for number in chunk] for chunk in chunks]
        with work.held(), log.logging_to(work.log, self._face.keys) as logger:
            logger.debug("%s", self._options)
            if self._options.mode == "workers":
                return self._by_workers(work, func, parts, logger, star=star)
            work.write(func, parts, star=star)
            self._write_script(work)
            return self._run(work, logger)

    #: Whether queue jobs are tasks of arrays.
    _is_array = False

    def _chunks(self, tasks: int, chunksize: int | None) -> list[list[int]]:
        if chunksize is None:
            return chunking.assign_tasks_to_chunks(tasks, self._options.num_chunks)
        if chunksize < 1:
            raise ValueError(f"chunksize is {chunksize}; it takes at least 1")
        return chunking.of_size(tasks, chunksize)

    def _folder(self, session: str) -> str:
        parent = self._options.work_dir
        if parent is None:
            return os.path.abspath(f".{self._face.name}_{session}")
        path = os.path.abspath(parent)
        return os.path.join(path, session) if self._face.folders else path

    def _write_script(self, work: WorkDir) -> None:
        environ = environment_for_nodes(os.environ, Settings.read().environment)
        folder = work.path if work.session.array else ""
        files.write(work.script, script_of(self._options.python_path, environ, folder))
        os.chmod(work.script, stat.S_IRWXU)

    def _run(self, work: WorkDir, logger: Logger) -> list[Any]:
        limits = RunLimits(self._options.polling_interval, self._options.max_num_resubmissions)
        run = ProtocolRun(work, self._jobs(work, logger), limits, logger, self._say)
        try:
            run.run()
        except BaseException:
            self._say(f"kept: {work.path}; Pool.resume() goes on with it")
            raise
        return self._reduced(work, run.failed, logger)

    def _jobs(self, work: WorkDir, logger: Logger) -> ChunkJobs:
        return OneByOne(work, self._queue, logger)

    def _say(self, text: str) -> None:
        if self._options.verbose:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S")
            print(f"[{self._face.name}] {stamp} {text}")  # noqa: T201  # what it was asked for

    # ------------------------------------------------------------------ what came of it

    def _reduced(self, work: WorkDir, failed: dict[int, Any], logger: Logger) -> list[Any]:
        results: list[Any] = []
        errors: list[BaseException] = []
        for ichunk, size in enumerate(work.session.tasks):
            if ichunk in failed:
                logger.warning("Expected results in: %s.out", work.tasks(ichunk))
                errors.append(failed[ichunk])
                results += [None] * size
                continue
            done, failures = work.outcome(ichunk)
            errors += [failures[number] for number in sorted(failures)]
            results += done
        self._keep_or_remove(work, bool(errors), logger)
        if errors and self._options.on_error == "raise":
            raise errors[0]
        return results

    def _keep_or_remove(self, work: WorkDir, failed: bool, logger: Logger) -> None:
        clean = not failed and all(
            self._is_clean(work.stderr(ichunk)) for ichunk in range(len(work.session.tasks))
        )
        if self._options.keep_work_dir or not clean:
            logger.warning("Keeping work_dir: %s", work.path)
            self._say(f"kept: {work.path}")
            return
        log.close(logger)
        shutil.rmtree(work.path, ignore_errors=True)

    def _is_clean(self, path: str) -> bool:
        try:
            said = files.read(path).decode(errors="replace")
        except OSError:
            return False
        return not (self._face.filter_stderr(said) if self._face.filter_stderr else said)

    # ------------------------------------------------------------------ by workers

    def _by_workers(
        self,
        work: WorkDir,
        func: Callable[..., Any],
        chunks: list[list[Any]],
        logger: Logger,
        *,
        star: bool,
    ) -> list[Any]:
        call = functools.partial(_starred, func) if star else func
        results = gridengine_map(
            call, itertools.chain.from_iterable(chunks), scheduler=self._scheduler(),
            chunksize=max(work.session.tasks), reraise=False,
        )  # fmt: skip
        errors = [each for each in results if raised(each)]
        for number, each in enumerate(results):
            if raised(each):
                logger.error("task %d: %r", number, each)
        if errors or self._options.keep_work_dir:
            work.write(func, chunks, star=star)
            _note(work, results)
            logger.warning("Keeping work_dir: %s", work.path)
            self._say(f"kept: {work.path}")
        else:
            log.close(logger)
            shutil.rmtree(work.path, ignore_errors=True)
        if errors and self._options.on_error == "raise":
            raise errors[0]
        return [None if raised(each) else each for each in results]


def _starred(func: Callable[..., Any], task: tuple[Any, ...]) -> Any:
    return func(*task)


def _note(work: WorkDir, results: list[Any]) -> None:
    """Writes what workers have sent as queue jobs would have."""
    begin = 0
    for ichunk, size in enumerate(work.session.tasks):
        part = results[begin : begin + size]
        failures = {number: each for number, each in enumerate(part) if raised(each)}
        work.note(ichunk, [None if raised(each) else each for each in part], failures)
        begin += size


def session_id() -> str:
    """Returns what tells a map from others: the time, and something beside it."""
    return f"{time.strftime('%Y-%m-%dT%H-%M-%S', time.gmtime())}_{uuid.uuid4().hex[:6]}"


def grid_engine_of(queue_name: str | None) -> Scheduler:
    """Returns what runs the calls of ``mode="workers"``: the queue's scheduler, one for each.

    Without a queue that is what maps use at this moment that name none.
    """
    return current() if queue_name is None else _of_queue(queue_name)


@functools.cache
def _of_queue(queue_name: str) -> Scheduler:
    return GridEngineScheduler(queue=queue_name)
