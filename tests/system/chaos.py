"""Jobs run while a monkey kills, freezes and cuts off what runs them.

``python -m tests.system.chaos --jobs 10000 --seconds 60 --scheduler gridengine`` (that on the test
cluster's submit host: ``python -m tests.cluster run …``), or ``--scheduler slurm``. The same seed
does the same harm in the same order; whom it hits depends on the moment. The exit status is 0 if
every result is right, each job was recorded once, and nothing is left behind.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import psutil

import gridengine
from gridengine import Job, JobDied, JobState
from gridengine.dispatcher.waiting import when_over
from gridengine.schedulers import Scheduler

from .. import kinds
from ..cluster import BatchCluster, Cluster, Host, SlurmCluster
from ..waiting import wait_until

#: What a node may be silent for, and how often it speaks, so that many can be lost in a minute.
_ENVIRONMENT = {
    "GRIDENGINE_HEARTBEAT": "0.3",
    "GRIDENGINE_PATIENCE": "3",
    "GRIDENGINE_INFRASTRUCTURE_RETRIES": "1000",
    "GRIDENGINE_RESUBMISSIONS": "1000",
}
_PATIENCE = 3.0

#: Seconds between two deeds: a worker lives long enough to do something.
_PAUSE = 0.3

#: Attempts that a single job has: whoever is hit by chance is not to blame.
_RETRIES = 1000

#: Calls in one map; one map follows the other while the single jobs run.
_MAP = 500

#: One job in so many has arguments and a result that travel out of band.
_LARGE = 50
_LARGE_BYTES = 200_000

#: Seconds of harm at most, as a multiple of what was asked for, and besides. A machine that is too
#: busy to start workers as fast as they are killed gets nowhere until it ends.
_HARM = 5.0
_START = 20.0

#: Seconds in which all must be over from then on.
_PEACE = 60.0


class Failed(Exception):
    """A promise was broken; the message says which."""


# -- the jobs ---------------------------------------------------------------------------------


def work(number: int, seconds: float, data: bytes) -> tuple[int, bytes]:
    time.sleep(seconds)
    return number * number, data[::-1]


@dataclasses.dataclass(frozen=True)
class Task:
    """One job, and what is to come of it."""

    number: int
    seconds: float
    data: bytes

    @property
    def result(self) -> tuple[int, bytes]:
        return self.number * self.number, self.data[::-1]


def _tasks(count: int, seconds: float, chance: random.Random) -> list[Task]:
    return [
        Task(
            number,
            chance.uniform(0, 2 * seconds),
            chance.randbytes(_LARGE_BYTES if number % _LARGE == 0 else 8),
        )
        for number in range(count)
    ]


class Single:
    """A job by itself; counts how often it is over."""

    def __init__(self, task: Task, scheduler: Scheduler) -> None:
        self.task = task
        self.over = 0
        self.job = Job(
            target=work,
            args=(task.number, task.seconds, task.data),
            scheduler=scheduler,
            retries=_RETRIES,
        )
        self.job.start()
        task = self.job._task
        assert task is not None
        when_over(task, self._count)

    def _count(self) -> None:
        self.over += 1

    def check(self) -> None:
        task = self.job._task
        assert task is not None
        if self.job.state is not JobState.FINISHED:
            raise Failed(f"{self.job!r}: {self.job.exception!r}")
        if self.job.result != self.task.result:
            raise Failed(f"{self.job!r} has a wrong result: {self.job.result!r:.200}")
        if (self.over, len(task.outcomes)) != (1, 1):
            raise Failed(f"{self.job!r} was over {self.over} times: {len(task.outcomes)} answers")


class Maps(threading.Thread):
    """Maps, one after the other, in a thread of their own."""

    def __init__(self, tasks: list[Task], scheduler: Scheduler) -> None:
        super().__init__(name="maps", daemon=True)
        self.tasks = tasks
        self.scheduler = scheduler
        self.died = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            for begin in range(0, len(self.tasks), _MAP):
                self._check(self.tasks[begin : begin + _MAP])
        except BaseException as error:
            self.error = error

    def _check(self, tasks: list[Task]) -> None:
        got = gridengine.map(
            work,
            [task.number for task in tasks],
            [task.seconds for task in tasks],
            [task.data for task in tasks],
            scheduler=self.scheduler,
            reraise=False,
        )
        if len(got) != len(tasks):
            raise Failed(f"{len(got)} results of a map of {len(tasks)} calls")
        for task, value in zip(tasks, got, strict=True):
            if isinstance(value, JobDied) and value.death.attempt > 1:
                # Hit by chance as often as a call may be.
                self.died += 1
            elif value != task.result:
                raise Failed(f"call {task.number} of a map has a wrong result: {value!r:.200}")


# -- the monkey -------------------------------------------------------------------------------


class Monkey(threading.Thread):
    """Does harm at random, until it is told to stop."""

    def __init__(self, world: Local | Remote, chance: random.Random) -> None:
        super().__init__(name="monkey", daemon=True)
        self.world = world
        self.chance = chance
        self.done: collections.Counter[str] = collections.Counter()
        self.error: BaseException | None = None
        self._stop_it = threading.Event()

    def run(self) -> None:
        names = list(self.world.deeds)
        weights = [self.world.deeds[name][0] for name in names]
        try:
            while not self._stop_it.wait(self.chance.uniform(0, 2 * _PAUSE)):
                (name,) = self.chance.choices(names, weights)
                if self.world.deeds[name][1](self.chance):
                    self.done[name] += 1
        except BaseException as error:
            self.error = error

    def stop(self) -> None:
        self._stop_it.set()
        self.join()
        self.world.repair()
        if self.error is not None:
            raise self.error


Deed = Callable[[random.Random], bool]


class Local:
    """A laptop: a reaper, its supervisor, and that one's workers."""

    before_supervisors = 1

    def __init__(self) -> None:
        self.deeds: Mapping[str, tuple[float, Deed]] = {
            "worker killed": (8, lambda chance: self._kill(chance, self.workers(), signal.SIGKILL)),
            "worker crashed": (4, lambda chance: self._kill(chance, self.workers(), signal.SIGBUS)),
            "worker ended": (2, lambda chance: self._kill(chance, self.workers(), signal.SIGTERM)),
            "reaper killed": (
                0.5,
                lambda chance: self._kill(chance, self.reapers(), signal.SIGKILL),
            ),
            "supervisor killed": (1, self._kill_supervisor),
            "supervisor ended": (1, self._end_supervisor),
            "supervisor frozen": (0.5, self._freeze_supervisor),
        }

    def processes(self) -> list[psutil.Process]:
        return psutil.Process().children(recursive=True)

    def supervisors(self) -> list[psutil.Process]:
        return [each for each in self._ours() if _generation(each) == self.before_supervisors]

    def workers(self) -> list[psutil.Process]:
        return [each for each in self._ours() if _generation(each) > self.before_supervisors]

    def reapers(self) -> list[psutil.Process]:
        return [each for each in self._ours() if _generation(each) < self.before_supervisors]

    def _ours(self) -> list[psutil.Process]:
        return [each for each in self.processes() if _runs_our_program(each)]

    def _kill_reaper(self, chance: random.Random) -> bool:
        return self._kill(chance, self.reapers(), signal.SIGKILL)

    def _kill_supervisor(self, chance: random.Random) -> bool:
        return self._kill(chance, self.supervisors(), signal.SIGKILL)

    def _end_supervisor(self, chance: random.Random) -> bool:
        return self._kill(chance, self.supervisors(), signal.SIGTERM)

    def _freeze_supervisor(self, chance: random.Random) -> bool:
        victims = self.supervisors()
        if not victims:
            return False
        victim = chance.choice(victims)
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.suspend()
            # Just short of the patience, or beyond it.
            time.sleep(chance.choice([0.5, 1.3]) * _PATIENCE)
            victim.resume()
        return True

    def _kill(self, chance: random.Random, victims: list[psutil.Process], signum: int) -> bool:
        if not victims:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            chance.choice(victims).send_signal(signum)
        return True

    def repair(self) -> None:
        """Undoes the harm."""

    def left(self) -> list[str]:
        """Returns what should not be there any more."""
        return [f"process {each.pid}" for each in self._ours()]


class Remote(Local):
    """A test cluster: many supervisors, on nodes."""

    # The first process of each queue job, and the reaper.
    before_supervisors = 2

    def __init__(self, cluster: BatchCluster) -> None:
        super().__init__()
        self.cluster = cluster
        self.deeds = {
            **self.deeds,
            "queue job deleted": (2, self._delete),
            "daemon killed": (0.5, self._kill_daemon),
            "node cut off": (1, self._cut),
        }

    def processes(self) -> list[psutil.Process]:
        found = []
        for node in self.cluster.nodes:
            for pid in self.cluster.pids(node):
                with contextlib.suppress(psutil.NoSuchProcess):
                    found.append(psutil.Process(pid))
        return found

    def _delete(self, chance: random.Random) -> bool:
        running = self.cluster.running()
        if not running:
            return False
        self.cluster.delete(chance.choice(running))
        return True

    def _kill_daemon(self, chance: random.Random) -> bool:
        node = self._node(chance)
        self.cluster.stop_daemon(node)
        self.cluster.start_daemon(node)
        return True

    def _cut(self, chance: random.Random) -> bool:
        node = self._node(chance)
        self.cluster.cut(node)
        try:
            time.sleep(chance.choice([0.3, 1.3]) * _PATIENCE)
        finally:
            self.cluster.mend(node)
        return True

    def _node(self, chance: random.Random) -> Host:
        return chance.choice(self.cluster.nodes)

    def repair(self) -> None:
        for node in self.cluster.nodes:
            self.cluster.mend(node)
        for node in self.cluster.nodes:
            # One that has lost its master may seem well for a while, and takes no queue jobs.
            self.cluster.stop_daemon(node)
            self.cluster.start_daemon(node)

    def left(self) -> list[str]:
        return [*super().left(), *(f"queue job {job}" for job in self.cluster.queue_jobs())]


def _runs_our_program(process: psutil.Process) -> bool:
    try:
        words = process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
    return any(word.endswith("gridengine/worker") for word in words)


def _generation(process: psutil.Process) -> int:
    """Returns how many of a process's ancestors, one after the other, run our program."""
    try:
        parent = process.parent()
    except psutil.NoSuchProcess:
        return 0
    if parent is None or not _runs_our_program(parent):
        return 0
    return 1 + _generation(parent)


# -- the whole --------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Report:
    """What happened in a run in which every promise was kept."""

    jobs: int
    attempts: int
    died: int
    harm: Mapping[str, int]
    seconds: float

    def __str__(self) -> str:
        harm = ", ".join(f"{name} {count}×" for name, count in sorted(self.harm.items()))
        return (
            f"{self.jobs} jobs in {self.seconds:.1f} s, all right and each recorded once; "
            f"{self.attempts} attempts for the single ones; {self.died} calls of maps were hit "
            f"as often as they may be; {harm}; nothing is left"
        )


def run(
    *, jobs: int, seconds: float, seed: int, scheduler: str, workers: int | None = None
) -> Report:
    """Runs jobs for about some seconds, with the monkey at work.

    Raises:
        Failed: A promise was broken.
    """
    chance = random.Random(seed)
    clusters = {"gridengine": Cluster, "commands": Cluster, "slurm": SlurmCluster}
    cluster = clusters[scheduler]() if scheduler in clusters else None
    with _environment():
        world = Local() if cluster is None else Remote(cluster)
        count = workers or (4 if cluster is None else len(cluster.nodes) * cluster.slots)
        made = kinds.made(scheduler, count)
        begin = time.monotonic()
        with made:
            report = _run(
                made, _tasks(jobs, seconds * count / jobs, chance), world, chance, seconds
            )
        if cluster is not None:
            cluster.heal()
    wait_until(lambda: not world.left(), what="nothing is left", timeout=30)
    return dataclasses.replace(report, seconds=time.monotonic() - begin)


def _run(
    scheduler: Scheduler,
    tasks: list[Task],
    world: Local,
    chance: random.Random,
    seconds: float,
) -> Report:
    half = len(tasks) // 2
    maps = Maps(tasks[half:], scheduler)
    maps.start()
    singles = [Single(task, scheduler) for task in tasks[:half]]
    monkey = Monkey(world, chance)
    monkey.start()
    joined = [*(single.job.join for single in singles), maps.join]
    try:
        _within(_HARM * seconds + _START, joined)
    finally:
        monkey.stop()
    _within(_PEACE, joined)
    alive = [single.job for single in singles if single.job.is_alive()]
    if alive or maps.is_alive():
        raise Failed(
            f"not over {_PEACE} s after the harm: {len(alive)} single jobs, the first of them "
            f"{alive[:1]!r}, {'a map' if maps.is_alive() else 'no map'}; {dict(monkey.done)}; "
            f"{[f'{each.pid} {each.status()}' for each in world.processes()]}"
        )
    if maps.error is not None:
        raise maps.error
    for single in singles:
        single.check()
    attempts = sum(single.job.attempts for single in singles)
    return Report(len(tasks), attempts, maps.died, monkey.done, 0.0)


def _within(seconds: float, joined: Sequence[Callable[[float], object]]) -> None:
    """Waits for all, no longer than some seconds."""
    end = time.monotonic() + seconds
    for join in joined:
        join(max(0.0, end - time.monotonic()))


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(_ENVIRONMENT)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def main() -> int:
    """Does what the command line says and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.system.chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long they would take")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument(
        "--scheduler", choices=["process", "gridengine", "commands", "slurm"], default="process"
    )
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    try:
        report = run(**vars(arguments))
    except Failed as error:
        print(f"FAILED with seed {arguments.seed}: {error}", file=sys.stderr)
        return 1
    print(report)
    return 0


if __name__ == "__main__":
    # Its functions travel by the name that a worker can import, not as __main__'s.
    from tests.system import chaos

    sys.exit(chaos.main())
