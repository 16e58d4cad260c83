"""What a session has left in the queue of a Grid Engine, and how to delete it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from ...errors import SchedulerError
from ...transport.interpreter import isolation
from ..queue_session import leftovers
from ..queue_session.leftovers import Array, LeftoverQueue, SessionFile
from ..queue_session.process.commands import user
from . import drmaa_library, way
from .batch_system import ge_commands
from .batch_system.identity import own_queue_job
from .batch_system.qstat import jobs_in, listed
from .batch_system.timestamps import CLOCKS

_DELETE = (
    "import sys, types; sys.path = [*filter(None, sys.path)]; "
    "package = sys.modules['gridengine'] = types.ModuleType('gridengine'); "
    "package.__path__ = [sys.argv[1]]; sys.path += sys.argv[2:]; "
    "from gridengine.schedulers.grid_engine.batch_system.deletion import main; sys.exit(main())"
)


class GridEngineLeftovers(LeftoverQueue):
    """The queue of this process's Grid Engine."""

    def another_site(self, session: SessionFile) -> str:
        noted = session.identity
        root, cell = noted.get("SGE_ROOT", ""), noted.get("SGE_CELL", "")
        if (_real(root), cell) == (_real(own_cell()[0]), own_cell()[1]):
            return ""
        return f"it is of another Grid Engine (SGE_ROOT={root} SGE_CELL={cell}): set these for that"

    def own_job(self) -> str:
        return own_queue_job(os.environ).partition(".")[0]

    def jobs(self) -> set[str]:
        return set(jobs_in(_ask("qstat", "-xml", "-u", user())))

    def holds(self, queue_job: str) -> bool:
        told = _ask("qstat", "-xml", "-u", user())
        return bool(list(listed(told, frozenset([queue_job]))))

    def is_ours(self, array: Array) -> bool:
        told = ElementTree.fromstring(_ask("qstat", "-j", array.job, "-xml"))  # noqa: S314
        seconds = float(_text(told, "JB_submission_time") or "0")
        if seconds > 1e11:  # Univa's are milliseconds
            seconds /= 1000
        return (
            _text(told, "JB_owner") == user()
            and _text(told, "JB_job_name") == array.name != ""
            and abs(seconds - array.time) < CLOCKS
        )

    def delete_array(self, array: Array) -> None:
        _ask("qdel", array.job)

    def by_hand(self, arrays: Sequence[Array]) -> str:
        return " ".join(["qdel", *(array.job for array in arrays)])

    def delete(self, session: SessionFile, arrays: Sequence[Array]) -> None:
        if ge_commands.find("qdel") is None:
            _delete_by_drmaa(arrays)
        else:
            super().delete(session, arrays)


def _delete_by_drmaa(arrays: Sequence[Array]) -> None:
    library = drmaa_library.require()
    names = [f"{array.job}.{task + 1}" for array in arrays for task in range(array.tasks)]
    here, path = str(Path(__file__).parents[2]), filter(None, sys.path)
    try:
        done = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, *isolation(), "-c", _DELETE, here, *path],
            input="\n".join(names),
            env=drmaa_library.environment(library),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=leftovers.SECONDS,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise SchedulerError(f"DRMAA: {error}") from None
    if done.returncode != 0:
        raise SchedulerError(f"DRMAA: {' '.join(done.stderr.split())[-500:]}")


def _text(tree: ElementTree.Element, tag: str) -> str:
    return next((element.text or "" for element in tree.iter(tag)), "").strip()


def _ask(program: str, *arguments: str) -> str:
    with _own_root():
        return leftovers.ask(program, *arguments, path=ge_commands.find(program))


def own_cell() -> tuple[str, str]:
    """Returns which Grid Engine this process is at: its SGE_ROOT, empty if none, and its cell.

    By this process's environment and the places of the system, as a session's process has it.
    """
    return way.root(os.environ), os.environ.get("SGE_CELL", "default")


def _real(root: str) -> str:
    return root and os.path.realpath(root)


@contextlib.contextmanager
def _own_root() -> Iterator[None]:
    """Has commands find the Grid Engine's files where nothing in the environment says it."""
    missing = not os.environ.get("SGE_ROOT") and own_cell()[0]
    if missing:
        os.environ["SGE_ROOT"] = missing
    try:
        yield
    finally:
        if missing:
            del os.environ["SGE_ROOT"]
