"""For a batch system that is three commands: one submits, one tells the status, one deletes."""

from __future__ import annotations

import abc
import enum
import os
import re
import shlex
import shutil
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from ..errors import SchedulerUnavailable
from .arguments import take_common, whole_number
from .base import Scheduler
from .events import End
from .queue_arguments import take_of_queue
from .requested import refuse_misspelled, without_replaced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .command_session import CommandSession


class Phase(enum.Enum):
    """Where a queue job stands."""

    WAITING = "waiting"
    """It has not started."""
    RUNNING = "running"
    """It has."""
    SUSPENDED = "suspended"
    """The batch system, or somebody, has stopped it, and will have it go on."""
    STUCK = "stuck"
    """It will not start unless a person does something, for it is held, or in error."""
    OVER = "over"
    """It has ended, or was deleted."""


class Status(NamedTuple):
    """What a batch system says of a queue job.

    Attributes:
        phase: Where it stands.
        reason: Why it waits, is suspended or is stuck, in the batch system's words; empty if that
            is not known.
        end: What is known of its end if it is over.
    """

    phase: Phase
    reason: str = ""
    end: End = End()


class Submission(NamedTuple):
    """What is to be submitted: copies of a script, an array if there are such.

    Attributes:
        script: A shell script (``/bin/sh``) that runs the command, with what it prints in the
            right file. Its copies are all the same.
        copies: How many.
        name: What people shall read in the queue; `legal_name` makes one that is legal.
        resources: What is asked for: the scheduler's own requests, with those of the job.
        slots: Cores of each copy, on one host.
        avoid: Names of hosts on which none shall run.
        logs: A folder that is the program's alone, on all hosts.
    """

    script: str
    copies: int
    name: str
    resources: Mapping[str, object]
    slots: int
    avoid: Sequence[str]
    logs: str

    def script_file(self) -> str:
        """Writes the script into a file, for a batch system that takes none by standard input.

        Raises:
            OSError: It cannot be written.
        """
        path = os.path.join(self.logs, f"script-{zlib.crc32(self.script.encode()):08x}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.script)
        return path


class CommandScheduler(Scheduler):
    """A scheduler for a batch system that is commands; a subclass says which.

    It has to say `submit`, `status` and `delete`, and ``queue_job_template``. These are called in
    a thread of the session, one after the other, and may take their time; they should run what
    they run by `gridengine.schedulers.plugin.run`. What they raise is told to the program.

    The batch system is asked for the status of all queue jobs at once: a second after something
    has happened, and then less and less often, down to every 15 seconds (`polls`). A queue job
    that two answers do not name is over.

    A program that is closed, or ends, deletes its queue jobs. One that is killed cannot do so:
    then each of them ends by itself when it has not heard of the program for
    ``GRIDENGINE_PATIENCE`` seconds, 120 at least where messages go through files, or, if it still
    waits in the queue, soon after its start.

    Args:
        max_workers: Queue jobs at one time, at most, each with one worker; by default as many as
            calls can use, up to ``GRIDENGINE_QUEUE_JOBS``.
        slots: Cores of each worker; jobs may ask for another number of them.
        queue_job_name: What people read in the queue; by default the name of the first job.
        fresh: As of `ProcessScheduler`, like all that follows but ``resources``.
        initializer: See there.
        initargs: See there.
        cwd: See there.
        env: See there.
        output: See there.
        settings: See there.
        resources: What each queue job asks for, by name; jobs may ask for something else.

    Attributes:
        not_resources: Names that mean something else here: what is to be said in their place.
        commands: Names of the commands that have to be on the PATH.
        polls: Seconds between two looks at the queue: at least, and at most.
        listed_after: Seconds in which the status names what was submitted: one that it has never
            named is not over before. 0 if it names all at once.

    Raises:
        TypeError, ValueError: An argument is impossible, or a resource is called nearly like one.
        GridEngineError: Something in ``settings`` is.
    """

    not_resources: ClassVar[Mapping[str, str]] = {}
    commands: ClassVar[Sequence[str]] = ()
    polls: ClassVar[tuple[float, float]] = (1.0, 15.0)
    listed_after: ClassVar[float] = 10.0

    max_workers: int | None

    def __init__(
        self,
        *,
        max_workers: int | None = None,
        slots: int = 1,
        queue_job_name: str | None = None,
        fresh: bool = False,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        output: str | None = None,
        settings: Mapping[str, object] | None = None,
        **resources: object,
    ) -> None:
        take_common(
            self, fresh=fresh, initializer=initializer, initargs=initargs, cwd=cwd, env=env,
            output=output, settings=settings,
        )  # fmt: skip
        take_of_queue(self, max_workers=max_workers, queue_job_name=queue_job_name or None)
        self.slots = whole_number("slots", slots, 1)
        refuse_misspelled(type(self), resources)
        self.resources = self.resources_of(resources)

    def __repr__(self) -> str:
        said = dict(self.resources)
        if self.slots > 1:
            said = {"slots": self.slots, **said}
        if self.max_workers is not None:
            said["max_workers"] = self.max_workers
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in said.items())})"

    @abc.abstractmethod
    def submit(self, submission: Submission) -> Sequence[str]:
        """Submits copies of a script, and returns the names of these queue jobs.

        A name is what ``queue_job_template`` makes of the environment of the queue job. If they
        are fewer than was asked for, as where arrays have a limit, it is called again for the rest.

        Raises:
            SchedulerError: The batch system refuses; the jobs that wait for it fail with that.
        """

    @abc.abstractmethod
    def status(self, queue_jobs: Sequence[str]) -> Mapping[str, Status]:
        """Returns how queue jobs stand, by one question if that is possible.

        Of those that the batch system does not know any more nothing is said.

        Raises:
            SchedulerError: It has not answered; it is asked again, less often.
        """

    @abc.abstractmethod
    def delete(self, queue_jobs: Sequence[str]) -> None:
        """Deletes queue jobs, pending or running; some of them may be over already.

        Raises:
            SchedulerError: That did not work; it is tried again.
        """

    def end_of(self, queue_job: str) -> End:
        """Returns what is known of a queue job that the status does not name any more.

        For a batch system with a command for accounting. By default that is nothing.
        """
        return End(detail="the batch system does not know the queue job any more")

    def checked_resources(self, resources: Mapping[str, object]) -> Mapping[str, object]:
        """Returns what is asked for in the form that `Submission` has, so that mistakes are told.

        Called with the scheduler's own requests, and with those of each job when it is started.
        Slots are not among them.

        Raises:
            ValueError, TypeError: A request has a value that the batch system cannot take.
        """
        return resources

    def resources_of(self, resources: Mapping[str, object]) -> dict[str, object]:
        """Returns ``slots``, if others are asked for, and what `checked_resources` returns.

        Raises:
            ValueError, TypeError: The batch system cannot take it, or it means something else.
        """
        wanted = {name: value for name, value in resources.items() if name != "slots"}
        for name in wanted.keys() & self.not_resources.keys():
            raise ValueError(
                f"{name} is no resource of {type(self).__name__}; say {self.not_resources[name]}"
            )
        checked = dict(self.checked_resources(wanted))
        if resources.get("slots") is not None:
            slots = whole_number("slots", resources["slots"], 1)
            if slots != self.slots:
                checked["slots"] = slots
        return checked

    def slots_of(self, resources: Mapping[str, object]) -> int:
        """Returns what a job has asked for, or what each worker has."""
        asked = resources.get("slots")
        return asked if isinstance(asked, int) else self.slots

    def all_resources(self, resources: Mapping[str, object]) -> dict[str, object]:
        """Returns what a queue job asks for: the scheduler's own requests under those of a job.

        Args:
            resources: What `resources_of` has returned.
        """
        asked = {name: value for name, value in resources.items() if name != "slots"}
        return {**without_replaced(self.resources, asked), **asked}

    def open(self) -> CommandSession:
        from .command_session import CommandSession

        missing = [name for name in self.commands if shutil.which(name) is None]
        if missing:
            raise SchedulerUnavailable(
                f"no {' and no '.join(missing)} on this host: {type(self).__name__} can be used "
                "where the commands of the batch system are on the PATH"
            )
        return CommandSession(self)


def script_for(command: Sequence[str], template: str, logs: str) -> str:
    """Returns a shell script that runs a command and has all that it prints in one file.

    Args:
        command: The program and its arguments.
        template: That of the names of queue jobs, such as ``{JOB_ID}.{TASK_ID}``; the file is
            called so.
        logs: The folder of that file.
    """
    parts = re.split(r"\{(\w+)\}", template)
    name = "".join(
        f'"${{{part}}}"' if odd % 2 else shlex.quote(part) if part else ""
        for odd, part in enumerate(parts)
    )
    return (
        "#!/bin/sh\n"
        f"exec </dev/null >{shlex.quote(logs)}/{name}.log 2>&1\n"
        f"exec {shlex.join(command)}\n"
    )


def legal_name(name: str, *, length: int = 60) -> str:
    """Returns a name that any batch system takes: a letter, then letters, digits, ``_-.``."""
    legal = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_")
    if not legal[:1].isalpha():
        legal = f"j_{legal}"
    return legal[:length]
