"""What the tests' jobs do to their own process, and when: at any step of a job's life."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Crash = Callable[[], None]


# -- ways to end a process --------------------------------------------------------------------


def by_sigkill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def by_sigsegv() -> None:
    _leave_no_core()
    ctypes.string_at(0)


def by_sigabrt() -> None:
    _leave_no_core()
    os.abort()


def by_sigterm() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def by_os_exit() -> None:
    os._exit(3)


def by_killing_the_parent(signum: int) -> None:
    os.kill(os.getppid(), signum)
    # The end comes from there.
    threading.Event().wait()


def _leave_no_core() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


# -- a log of attempts ------------------------------------------------------------------------


class Attempts:
    """A file with a line for each time that a job began, and where that was.

    Lines are short and appended in one write, so that two processes never mix theirs.
    """

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def note(self) -> None:
        # Of the Grid Engine, or of Slurm.
        job = os.environ.get("JOB_ID") or os.environ.get("SLURM_ARRAY_JOB_ID", "")
        task = os.environ.get("SGE_TASK_ID") or os.environ.get("SLURM_ARRAY_TASK_ID", "")
        queue_job = f"{job}.{task}"
        line = f"{os.getpid()} {os.getppid()} {queue_job} {os.uname().nodename} {time.monotonic()}"
        with open(self.path, "ab", buffering=0) as file:
            file.write(line.encode() + b"\n")

    def noted(self) -> list[Attempt]:
        try:
            lines = Path(self.path).read_text().splitlines()
        except FileNotFoundError:
            return []
        return [Attempt(line) for line in lines]


class Attempt:
    """One line of `Attempts`: ``time`` is on the monotonic clock that all processes share."""

    def __init__(self, line: str) -> None:
        pid, parent, self.queue_job, self.host, begun = line.split()
        self.pid, self.supervisor, self.time = int(pid), int(parent), float(begun)

    def __repr__(self) -> str:
        return f"<Attempt in process {self.pid} on {self.host} at {self.time:.3f}>"


# -- when -------------------------------------------------------------------------------------


def crash_while_running(crash: Crash, attempts: Attempts) -> None:
    attempts.note()
    crash()


class CrashesAtUnpickle:
    """An argument that arrives nowhere."""

    def __init__(self, crash: Crash, attempts: Attempts) -> None:
        self.crash = crash
        self.attempts = attempts

    def __repr__(self) -> str:
        return f"something that ends its process {self.crash.__name__}"

    def __reduce__(self) -> Any:
        return crash_while_running, (self.crash, self.attempts)


class CrashesAtPickle:
    """A result that never leaves."""

    def __init__(self, crash: Crash, attempts: Attempts) -> None:
        self.crash = crash
        self.attempts = attempts

    def __reduce__(self) -> Any:
        self.attempts.note()
        self.crash()
        raise AssertionError("still alive")


def return_what_crashes_at_pickle(crash: Crash, attempts: Attempts) -> CrashesAtPickle:
    return CrashesAtPickle(crash, attempts)


def return_and_crash_when_told(crash: Crash, attempts: Attempts, fifo: str) -> int:
    """Returns the worker's process id; the end comes when somebody writes to the fifo."""
    attempts.note()

    def wait() -> None:
        with open(fifo, "rb") as file:
            file.read()
        crash()

    threading.Thread(target=wait, daemon=True).start()
    return os.getpid()


def kill_the_supervisor_once(attempts: Attempts) -> str:
    attempts.note()
    if len(attempts.noted()) == 1:
        by_killing_the_parent(signal.SIGKILL)
    return "survived"


class KillsTheSupervisorAtUnpickle:
    def __init__(self, attempts: Attempts) -> None:
        self.attempts = attempts

    def __reduce__(self) -> Any:
        return kill_the_supervisor_once, (self.attempts,)


class KillsTheSupervisorAtPickle:
    def __init__(self, attempts: Attempts) -> None:
        self.attempts = attempts

    def __reduce__(self) -> Any:
        return str, (kill_the_supervisor_once(self.attempts),)


class ExitsAtUnpickleOnTheHost:
    """A result that leaves a worker well, and calls ``sys.exit`` where it is looked at."""

    def __reduce__(self) -> Any:
        return sys.exit, (7,)


class RaisesAtUnpickleOnTheHost:
    """As `ExitsAtUnpickleOnTheHost`, with an exception that is no `Exception`."""

    def __reduce__(self) -> Any:
        return _interrupt, ()


def _interrupt() -> None:
    raise KeyboardInterrupt("from a result")


def exits_at_unpickle(_: Any = None) -> ExitsAtUnpickleOnTheHost:
    return ExitsAtUnpickleOnTheHost()


def raises_at_unpickle(_: Any = None) -> RaisesAtUnpickleOnTheHost:
    return RaisesAtUnpickleOnTheHost()


# -- waiting for the test ---------------------------------------------------------------------


def run_until(attempts: Attempts, path: str, value: int = 0) -> int:
    """Notes that it runs, and returns ``value`` once there is a file ``path``."""
    attempts.note()
    wait_for(path)
    return value


def run_for_ever_the_first_time(attempts: Attempts, value: int) -> int:
    first = not attempts.noted()
    attempts.note()
    while first:
        signal.pause()
    return value


def crash_the_first_time(crash: Crash, attempts: Attempts, value: int) -> int:
    first = not attempts.noted()
    attempts.note()
    if first:
        crash()
    return value


def wait_for(path: str) -> None:
    while not os.path.exists(path):
        time.sleep(0.01)


def pid_after(path: str) -> int:
    wait_for(path)
    return os.getpid()


# -- what else jobs do to their process -------------------------------------------------------


def hold_the_gil(seconds: int, attempts: Attempts) -> int:
    """Sleeps in C without letting go of the interpreter's lock."""
    attempts.note()
    ctypes.PyDLL(None).sleep(seconds)
    return seconds


def fork_and_come_back(value: int) -> int:
    os.fork()
    return value


def forked_children_end_at_once(rounds: int) -> int:
    """Ends children before they come to run anything; returns how many were deaf to it."""
    deaf = 0
    for _ in range(rounds):
        pid = os.fork()
        if pid == 0:
            signal.pause()
            os._exit(0)
        os.kill(pid, signal.SIGTERM)
        if not _ends(pid, 2.0):
            deaf += 1
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return deaf


def _ends(pid: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True


def close_all_descriptors(_: Any = None) -> str:
    os.closerange(3, 4096)
    return "closed"


def close_standard_streams(_: Any = None) -> str:
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        stream.close()
    return "closed"


def close_standard_descriptors(_: Any = None) -> str:
    os.closerange(0, 3)
    return "closed"


class NotAStream:
    """Stands in for `sys.stdout`, badly."""


def replace_standard_streams(_: Any = None) -> str:
    sys.stdout = sys.stderr = NotAStream()  # type: ignore[assignment]
    return "replaced"


def change_directory(path: str) -> str:
    os.chdir(path)
    return os.getcwd()


def change_to_a_folder_and_remove_it(path: str) -> str:
    os.mkdir(path)
    os.chdir(path)
    os.rmdir(path)
    return path


def ignore_signals_and_wait(attempts: Attempts) -> None:
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    attempts.note()
    while True:
        signal.pause()


def install_handlers(_: Any = None) -> str:
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGUSR1):
        signal.signal(signum, lambda *_: None)
    return "installed"


def print_megabytes(count: int) -> int:
    line = "x" * 1023 + "\n"
    for _ in range(count * 1024):
        sys.stdout.write(line)
    return count


def start_threads_that_never_end(count: int) -> int:
    for _ in range(count):
        threading.Thread(target=threading.Event().wait, daemon=False).start()
    return count


def import_what_crashes(folder: str, name: str) -> None:
    sys.path.insert(0, folder)
    __import__(name)


def recurse() -> int:
    # With a default for an argument it has no end in CPython 3.13.0 to 3.13.7, gh-132744.
    return recurse() + 1


class OwnBaseException(BaseException):
    """Neither an `Exception` nor one of Python's own."""


def raise_it(error: BaseException) -> None:
    raise error


def exit_in_a_thread(_: Any = None) -> str:
    thread = threading.Thread(target=sys.exit, args=(5,))
    thread.start()
    thread.join()
    return "joined"


def break_the_hooks(_: Any = None) -> None:
    def hook(*_: Any) -> None:
        os._exit(9)

    sys.excepthook = hook
    sys.unraisablehook = hook
    raise ValueError("past the hooks")


def start_a_subprocess_and_leave_it(_: Any = None) -> int:
    return _sleeper().pid


def start_a_subprocess_and_wait(attempts: Attempts, path: str) -> None:
    """Writes down the process ids of this worker and of what it has started; never ends."""
    subprocess_pid = _sleeper().pid
    grandchild = _daemon()
    with open(path + ".new", "w") as file:
        file.write(f"{os.getpid()} {os.getppid()} {subprocess_pid} {grandchild}")
    os.rename(path + ".new", path)
    attempts.note()
    while True:
        signal.pause()


def _sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "1000"], start_new_session=True)


def _daemon() -> int:
    """Starts a process that has left its parent, as daemons do; returns its id."""
    command = "setsid sleep 1000 >/dev/null 2>&1 & echo $!"
    return int(subprocess.check_output(["sh", "-c", command]))


def stop_waiting(path: str) -> None:
    """Lets `run_until` and its like go on."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
