"""Fixtures: a scheduler of each sort, the real cluster, and a look at what is left behind."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import zmq

import gridengine
from gridengine.schedulers import ProcessScheduler, Scheduler

from . import traces
from .cluster import BatchCluster, Cluster, SlurmCluster, pythons
from .two_users import User, two_users

#: Set by CI: there, a cluster that cannot be had is a failure, not a reason to skip.
_MUST_HAVE_CLUSTER = "GRIDENGINE_TEST_CLUSTER"

#: Where this run has its temporary files, and its dispatchers their folders.
_OWN_FOLDER = pytest.StashKey[Path]()

#: Seconds in which what a test has ended is gone.
PATIENCE = 40.0


#: The files that take longest, the longest first: from 40 s to three minutes.
_LONGEST = (
    "system/test_faults.py",
    "schedulers/slurm/test_sessions_on_slurm.py",
    "system/test_contract.py",
    "system/test_on_the_cluster.py",
    "system/test_program_death.py",
    "schedulers/grid_engine/test_scheduler_on_the_cluster.py",
    "test_docs.py",
    "diagnosis/test_doctor_on_the_cluster.py",
    "client/test_requests.py",
    "schedulers/grid_engine/test_reasons_on_the_cluster.py",
    "system/test_chaos.py",
    "cluster/test_slurm_cluster.py",
    "test_site.py",
    "dashboard/test_page.py",
    "system/test_contract_by_files.py",
)


def _place_of(path: Path) -> int:
    name = os.path.relpath(path, Path(__file__).parent)
    return _LONGEST.index(name) if name in _LONGEST else len(_LONGEST)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--large", action="store_true", help="run the tests that need much memory too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--large"):
        for item in items:
            if item.get_closest_marker("large"):
                item.add_marker(pytest.mark.skip(reason="needs much memory and time: --large"))
    # Files are run at once, and are over sooner if nothing long comes last.
    items.sort(key=lambda item: _place_of(item.path))


def pytest_collection_finish() -> None:
    # What is loaded by now stays. It is 300,000 objects, and each test after which everything is
    # collected would have all of them looked at, for a third of a second.
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    # Some plugins begin only now, and ask who refers to what.
    gc.unfreeze()


def pytest_configure(config: pytest.Config) -> None:
    # Whatever a test leaves behind lies where nobody else puts anything. The path is short, as
    # that of a socket has to be; what `tmp_path` keeps for the curious stays where it was.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    folder = Path(tempfile.mkdtemp(prefix="get-", dir=os.environ["PYTEST_DEBUG_TEMPROOT"]))
    (folder / "run" / "sessions").mkdir(mode=0o700, parents=True)
    (folder / "run").chmod(0o700)
    config.stash[_OWN_FOLDER] = folder
    os.environ.update(TMPDIR=str(folder), GRIDENGINE_RUN_DIR=str(folder / "run"))
    tempfile.tempdir = None
    # A shell has what it starts in the background ignore it, and so would the tests' programs.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[_OWN_FOLDER], ignore_errors=True)


@pytest.fixture(autouse=True, scope="session")
def pyzmq_at_work() -> None:
    """pyzmq's thread for what it sends uncopied lasts as long as the process: no test starts it."""
    with zmq.Context() as context, context.socket(zmq.PAIR) as one, context.socket(zmq.PAIR) as two:
        one.bind("inproc://here")
        two.connect("inproc://here")
        one.send(bytes(zmq.COPY_THRESHOLD), copy=False)
        two.recv()


@pytest.fixture(autouse=True, scope="module")
def nothing_left_behind_by_a_module(pytestconfig: pytest.Config) -> Iterator[None]:
    """What tests share ends with them."""
    with _leaving_nothing(pytestconfig):
        yield


@pytest.fixture(autouse=True)
def nothing_left_behind(
    pytestconfig: pytest.Config, nothing_left_behind_by_a_module: None
) -> Iterator[None]:
    """Every test leaves the children, threads, descriptors and folders that it found."""
    with _leaving_nothing(pytestconfig):
        yield


@contextlib.contextmanager
def _leaving_nothing(config: pytest.Config) -> Iterator[None]:
    folder = config.stash[_OWN_FOLDER]
    folders = [folder, folder / "run", folder / "run" / "sessions"]
    before = traces.look(folders)
    yield
    left = traces.new(before, traces.look(folders))
    if left:
        # What nobody refers to any more is gone with the next collection, whenever that would be.
        gc.collect()
    end = time.monotonic() + PATIENCE
    while left and time.monotonic() < end:
        time.sleep(0.01)
        left = traces.new(before, traces.look(folders))
    assert not left, f"left behind: {', '.join(left)}"


def warm(scheduler: Scheduler, workers: int) -> None:
    """Has a scheduler open all that it needs: what tests that share it add is theirs."""
    assert len(gridengine.map(abs, range(workers), scheduler=scheduler, chunksize=1)) == workers


@pytest.fixture(scope="module")
def laptop() -> Iterator[ProcessScheduler]:
    """A ProcessScheduler with two workers, shared by the tests of a module."""
    with ProcessScheduler(2) as scheduler:
        warm(scheduler, 2)
        yield scheduler


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The real Grid Engine; the tests themselves run on its submit host."""
    return the_cluster()


@pytest.fixture(scope="module")
def slurm() -> Iterator[SlurmCluster]:
    """The real Slurm, whose submit host is the same one."""
    made = _brought_up(SlurmCluster)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in made.environment().items():
            patch.setenv(name, value)
        yield made


def the_cluster() -> Cluster:
    """Returns the real Grid Engine; skips the test, or fails it in CI, where there is none."""
    return _brought_up(Cluster)


_Cluster = TypeVar("_Cluster", bound=BatchCluster)


def _brought_up(which: type[_Cluster]) -> _Cluster:
    reason = which.unavailable()
    if reason is None and socket.gethostname() != which.submit_host.name:
        reason = "this is not its submit host; `scripts/test` runs the tests there"
    if reason is None:
        return which.up()
    if os.environ.get(_MUST_HAVE_CLUSTER):
        pytest.fail(f"the test cluster cannot be had: {reason}")
    pytest.skip(f"the test cluster cannot be had: {reason}")


@pytest.fixture(scope="module")
def users() -> Iterator[tuple[User, User]]:
    """Two ordinary users of this host: whose programs are attacked, and who does it."""
    if os.geteuid() != 0:
        pytest.skip("root alone can make two users, of whom one attacks the other")
    with two_users() as made:
        yield made


@pytest.fixture
def everybodys_python() -> Iterator[Path]:
    """A Python with this package that any user may run."""
    # Where all users come; several runs may be at it at once.
    with tempfile.TemporaryDirectory(prefix="gridengine-", dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        yield pythons.own(Path(folder) / "python")
