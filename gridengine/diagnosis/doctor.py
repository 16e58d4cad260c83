"""``gridengine.doctor()``: looks at this host, asks the batch system, and sends a queue job."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..dispatcher.run_folder import new_shared_folder, remove_shared_folder
from ..errors import GridEngineError, SchedulerError, SchedulerUnavailable
from ..schedulers import choice
from ..schedulers.base import Scheduler, Session
from ..schedulers.process import ProcessScheduler
from ..settings import Settings
from . import on_the_node, this_host
from .clusters import CLUSTERS, Advice, asked_for
from .report import Check, DoctorReport
from .trial import Trial, TrialOutcome
from .wanted import wanted

_MASTER = 8.0  # seconds in which the master has to answer
_ASK_WHY = 3.0  # seconds before the deadline at which it is asked why the queue job waits
_THREADS = 8

_NO_PORT = "set GRIDENGINE_HOST and GRIDENGINE_PORTS to what this host has, or take them away"


def doctor(scheduler: choice.SchedulerLike | None = None, *, timeout: float = 28.0) -> DoctorReport:
    """Tests what programs need, here and on the cluster, and says what to do where it fails.

    On a cluster it submits one small queue job, which looks at its node, connects to this host and
    ends. What it leaves behind is nothing, also after Ctrl-C: the queue job is deleted, its files
    are removed. As a command: ``gridengine doctor``.

    Args:
        scheduler: What to test, as maps and jobs take it; by default what they get that name none.
            Where a Grid Engine is what is wanted and there is none that works, that is what the
            report says, and no exception.
        timeout: Seconds that it takes at most, but for the second in which it clears up.

    Returns:
        All that was looked at; ``print`` shows it as a table.

    Raises:
        TypeError, ValueError: ``scheduler`` means none.
        GridEngineError: A setting, in the environment or in a file, is wrong.
    """
    return Doctor(settings=Settings.read(), timeout=timeout).report(scheduler)


class Doctor:
    """One round of tests.

    Args:
        settings: Those to test with.
        timeout: Seconds that it takes at most.
    """

    def __init__(self, settings: Settings, timeout: float) -> None:
        self._settings = settings
        self._begun = time.monotonic()
        self._deadline = self._begun + timeout
        self._worked: dict[str, object] = {}

    def report(self, given: choice.SchedulerLike | None) -> DoctorReport:
        """Returns what there is to say of a scheduler and of this host.

        Raises:
            TypeError, ValueError, GridEngineError: As `doctor`.
        """
        scheduler, why = wanted(given)
        with ThreadPoolExecutor(_THREADS, "gridengine-doctor") as pool:
            host = [pool.submit(_looked, check) for check in this_host.checks(self._settings)]
            there = list(self._of_the_scheduler(scheduler, pool))
            checks = [*(future.result() for future in host), why, *there]
        failed = any(check.state == "failed" for check in checks)
        return DoctorReport(
            checks=tuple(checks),
            settings={} if failed else self._worked,
            host=os.uname().nodename,
            seconds=time.monotonic() - self._begun,
        )

    def _of_the_scheduler(
        self, scheduler: Scheduler | None, pool: ThreadPoolExecutor
    ) -> Iterator[Check]:
        if scheduler is None or not scheduler.remote:
            if isinstance(scheduler, ProcessScheduler):
                self._worked["scheduler"] = "process"
            return
        cluster = CLUSTERS.get(type(scheduler))
        if cluster is None:
            yield from self._of_another(scheduler)
            return
        request: Any = scheduler.request  # type: ignore[attr-defined]  # all clusters' have one
        software = cluster.software(scheduler)
        yield software
        if software.state == "failed":
            yield from _not_tried((cluster.named, *cluster.looked_at, *_BY_A_QUEUE_JOB))
            return
        # Without patience: who is asked here is to answer, or to be found silent.
        try:
            opened = cluster.session(scheduler)
        except SchedulerUnavailable as error:
            yield Check(cluster.named, "failed", str(error))
            yield from _not_tried((*cluster.looked_at, *_BY_A_QUEUE_JOB))
            return
        with contextlib.closing(opened) as session:
            master = cluster.master(session, min(_MASTER, self._left()))
            yield master
            if master.state == "failed":
                yield from _not_tried((*cluster.looked_at, *_BY_A_QUEUE_JOB))
                return
            queue = [pool.submit(_looked, look, request) for look in cluster.looks]

            def hopeless() -> bool:
                return queue[0].done() and queue[0].result().state == "failed"

            there = list(self._by_a_queue_job(scheduler, session, hopeless))
            yield from (future.result() for future in queue)
            yield from there

    def _of_another(self, scheduler: Scheduler) -> Iterator[Check]:
        try:
            opened = scheduler.open()
        except SchedulerUnavailable as error:
            yield Check("session", "failed", str(error))
            yield from _not_tried(("test job", *on_the_node.ON_THE_NODE))
            return
        with contextlib.closing(opened) as session:
            yield from self._by_a_queue_job(scheduler, session, lambda: False)

    def _by_a_queue_job(
        self, scheduler: Scheduler, session: Session, hopeless: Callable[[], bool]
    ) -> Iterator[Check]:
        try:
            folder = new_shared_folder(self._settings.run_dir)
        except GridEngineError:
            # What is wrong with it has been said of this host.
            yield from _not_tried(("test job", *on_the_node.ON_THE_NODE))
            return
        try:
            trial = Trial(session, self._settings, folder.path)
            with contextlib.closing(trial):
                outcome = self._tried(trial, scheduler, session, hopeless)
        except SchedulerError as error:
            # Of the program's end: there is no such host, or no port is free.
            yield Check("network", "failed", str(error), _NO_PORT)
            names = (name for name in ("test job", *on_the_node.ON_THE_NODE) if name != "network")
            yield from _not_tried(tuple(names))
            return
        finally:
            remove_shared_folder(folder)
        cluster = CLUSTERS.get(type(scheduler))
        yield _test_job(outcome, cluster.advice if cluster else Advice())
        try:
            yield from list(
                on_the_node.judged(outcome, self._settings, trial.port.configured, folder.path)
            )
            self._note(scheduler, outcome)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            told = f"what has come from the node makes no sense: {type(error).__name__}: {error}"
            yield Check("the node", "failed", told, "try it again; it may be somebody else's")

    def _tried(
        self, trial: Trial, scheduler: Scheduler, session: Session, hopeless: Callable[[], bool]
    ) -> TrialOutcome:
        outcome = trial.run(self._deadline - _ASK_WHY, hopeless)
        waits = outcome.queue_job and not _has_started(outcome)
        if waits and (cluster := CLUSTERS.get(type(scheduler))) is not None:
            outcome.waits = cluster.why_it_waits(outcome.queue_job)
        if outcome.queue_job:
            session.stop([outcome.queue_job])
        return outcome

    def _note(self, scheduler: Scheduler, outcome: TrialOutcome) -> None:
        """Notes what is known to work now, as a settings file has it."""
        by_files = on_the_node.by_files(outcome, self._settings)
        cluster = CLUSTERS.get(type(scheduler))
        if cluster is not None and (by_files or on_the_node.reached(outcome)):
            self._worked["scheduler"] = cluster.name
            if by_files:
                self._worked["channel"] = "files"
            if host := on_the_node.host_setting(outcome) or self._settings.host:
                self._worked["host"] = host
            for name in ("ports", "run_dir"):
                if value := getattr(self._settings, name):
                    self._worked[name] = value
            if asked := asked_for(scheduler):
                self._worked[cluster.name] = asked

    def _left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())


_BY_A_QUEUE_JOB = ("test job", *on_the_node.ON_THE_NODE)


def _looked(look: Callable[..., Check], *arguments: object) -> Check:
    """Returns what a look has found; what it stumbles over shall not keep the others from it."""
    try:
        return look(*arguments)
    except Exception as error:
        name = getattr(look, "__name__", "?").replace("_", " ")
        return Check(name, "unknown", f"{type(error).__name__}: {error}")


def _not_tried(names: tuple[str, ...]) -> Iterator[Check]:
    for name in names:
        yield Check(name, "unknown", "not tried, for what it needs has failed")


def _has_started(outcome: TrialOutcome) -> bool:
    return bool(outcome.begun or outcome.end or outcome.stuck)


def _test_job(outcome: TrialOutcome, advice: Advice) -> Check:
    name, job = "test job", f"queue job {outcome.queue_job}"
    if outcome.refused:
        return Check(name, "failed", f"it was refused: {outcome.refused}", advice.refused)
    if not outcome.queue_job:
        told = "it was not taken within the time that there is"
        return Check(name, "failed", told, advice.not_taken)
    if outcome.stuck:
        told = f"{job} cannot be started: {outcome.stuck}"
        return Check(name, "failed", told, advice.stuck(outcome.queue_job))
    if not _has_started(outcome):
        told = f"{job} has not started in the time that there is: "
        told += outcome.waits or "nobody says why"
        if outcome.hopeless:
            return Check(name, "failed", told, advice.another)
        later = f"{advice.another}, or later: on a full cluster this is no fault"
        return Check(name, "warning", told, later)
    if outcome.node is None and outcome.exit_facts is None and not outcome.printed:
        detail = outcome.end.detail if outcome.end else ""
        told = f"{job} has ended and told nothing: {detail or 'it left no reason'}"
        return Check(name, "failed", told, outcome.end.advice if outcome.end else "")
    where = f" on {outcome.node['host']}" if outcome.node else ""
    told = f"{job} was taken after {outcome.submitted:.1f} s"
    if outcome.begun:
        told += f", and has answered{where} {outcome.begun:.1f} s later"
    return Check(name, "ok", told)
