"""What has failed, run again in this process, with the arguments that it had."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import JobError
from ..ledger.task import Task
from ..schedulers.inline import InlineScheduler
from ..serialization import by_value
from ..serialization.batches import unpack_each
from ..serialization.exceptions import RemoteTraceback
from ..serialization.function_options import FunctionWithOptions
from ..serialization.own_surroundings import own_surroundings_of
from ..serialization.serializer import unpack
from ..states import Mode
from ..transport.shared_memory import Loan
from ..worker.own_surroundings import Surroundings
from ..worker.seeds import SeededCalls, streams_of
from .job_object import run_job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .job import Job


def replay(failed: BaseException | Job[Any]) -> Any:
    """Runs a call that has failed again: here, in this process and thread.

    It gets copies of the arguments that it had when it was started, whatever the program has made
    of them since, and its own seed, directory and variables; so for a debugger:
    ``pdb.runcall(gridengine.replay, error)``. Globals of modules
    are this process's, and those of ``__main__`` are as they are now. Maps and jobs that it starts
    run here too, as by an `gridengine.schedulers.InlineScheduler`.

    What has killed a worker (`gridengine.JobDied`) may kill this program.

    Example:
        >>> import gridengine
        >>> with gridengine.schedulers.InlineScheduler():
        ...     (error,) = gridengine.map(int, ["two"], reraise=False)
        >>> gridengine.replay(error)
        Traceback (most recent call last):
        ValueError: invalid literal for int() with base 10: 'two'

    Args:
        failed: The exception, as it came from a map or a job; or a job, which is waited for. An
            exception has a method ``replay`` for it too, unless it has something else of that name.

    Returns:
        What the function returns this time.

    Raises:
        BaseException: What it raises, with the frames in which it does.
        ValueError: It has not failed; or the arguments are not there: of a job that was cancelled,
            of a copy of the exception from another process, and of a map within a job of one core.
        TypeError: It is neither.
    """
    if not isinstance(failed, BaseException):
        if not hasattr(failed, "replay"):
            raise TypeError(f"replay() takes an exception of a job, or a job, not {failed!r}")
        return failed.replay()
    again = _replay_of(failed)
    if again is None:
        raise ValueError(f"nothing is known of how to run again what has raised {failed!r}")
    return again()


def call_number(failed: BaseException) -> int | None:
    """Returns which call of its map has raised an exception, from 0; None if that is not known."""
    again = _replay_of(failed)
    return None if again is None else again.number


def _replay_of(failed: BaseException) -> Replay | None:
    again = failed._again if isinstance(failed, JobError) else vars(failed).get("replay")
    if not isinstance(again, Replay) and isinstance(failed.__cause__, RemoteTraceback):
        again = failed.__cause__.again
    return again if isinstance(again, Replay) else None


class Replay:
    """A call that has failed, to be run again. It has no meaning elsewhere, and arrives as None.

    Args:
        task: The record of the job, or of the calls of a map.
        index: Which of them.

    Attributes:
        number: Which call of the map that is, from 0.
    """

    __slots__ = (
        "_apart",
        "_frames",
        "_function",
        "_index",
        "_mode",
        "_name",
        "_payload",
        "number",
    )

    def __init__(self, task: Task, index: int) -> None:
        self._function = task.function
        self._mode = task.mode
        self._payload = task.payload
        self._frames = task.frames
        self._apart = task.apart
        self._index = index
        self.number = task.first + index
        self._name = task.name
        keep(task)

    def __call__(self) -> Any:
        """Runs it; see `replay`."""
        # As few lines as can be: whoever steps through them wants to be in the function.
        function, args, kwargs, here = self._ready()
        with here:
            return function(*args, **kwargs)

    def _ready(
        self,
    ) -> tuple[
        Callable[..., Any], Sequence[Any], Mapping[str, Any], contextlib.AbstractContextManager[Any]
    ]:
        """Returns what is called with what, and what it is to be called in, which is entered."""
        function, args, kwargs = self._unpacked()
        options = function if isinstance(function, FunctionWithOptions) else None
        seed = None if options is None else options.seed
        if options is not None:
            function = options.function
        if seed is not None:
            function = SeededCalls(function, Mode.STARMAP, seed)
            args = self.number, args
        own = own_surroundings_of(self._function)
        with contextlib.ExitStack() as stack:
            surroundings = Surroundings()
            stack.callback(surroundings.leave)
            surroundings.enter(*own)
            stack.enter_context(InlineScheduler(cwd=own.cwd, env=own.env))
            stack.enter_context(streams_of(seed))
            return function, args, kwargs, stack.pop_all()

    def __repr__(self) -> str:
        return f"<replay of {self._name!r}, call {self._index}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception that lets itself be pickled shall be so with it, and be unpacked anywhere.
        return type(None), ()

    def __copy__(self) -> Replay:
        return self

    def __deepcopy__(self, _: object) -> Replay:
        return self

    def _unpacked(self) -> tuple[Callable[..., Any], Sequence[Any], Mapping[str, Any]]:
        # Packed in this process: it has the classes, and keeps its globals.
        with by_value.from_here():
            function = unpack(self._function.payload, _read(self._function.frames))
            frames = _read(self._frames)
            if self._mode is Mode.CALL:
                args, kwargs = unpack(self._payload, frames)
                # A job that is an object has its `run` called by this, which answers more.
                return (args[0].run, (), {}) if function is run_job else (function, args, kwargs)
            items = (unpack_each if self._apart else unpack)(self._payload, frames)
            (item,) = items[self._index : self._index + 1]
            return function, item if self._mode is Mode.STARMAP else (item,), {}


def attach(error: BaseException, task: Task, index: int) -> None:
    """Gives an exception what it takes to run again the call that has raised it, if that is there.

    Args:
        error: The exception.
        task: The record of the job, or of the calls of a map.
        index: Which of them.
    """
    if not task.payload and not task.frames:
        return
    again = Replay(task, index)
    if isinstance(error.__cause__, RemoteTraceback):
        error.__cause__.again = again
    if isinstance(error, JobError):
        error._again = again
    # One that has passed through another job may have None.
    elif not hasattr(type(error), "replay") and vars(error).get("replay") is None:
        # Past a class that lets nobody set its attributes.
        BaseException.__setattr__(error, "replay", again)


def keep(task: Task) -> None:
    """Has the large arguments of a task outlive the dispatcher."""
    for frame in (*task.frames, *task.function.frames):
        if isinstance(frame, Loan):
            frame.keep()


def _read(frames: Sequence[Any]) -> Sequence[Any]:
    from ..worker.inline import copied

    own = [frame.read() if isinstance(frame, Loan) else frame for frame in frames]
    if None in own:
        raise ValueError("the arguments are gone: the scheduler was closed before the failure came")
    return copied(own)
