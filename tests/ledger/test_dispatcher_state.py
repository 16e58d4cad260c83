"""All that a dispatcher decides, as lists of events and orders."""

from __future__ import annotations

import math

import pytest

from gridengine.errors import Death, SchedulerError
from gridengine.ledger.capacity import Capacity
from gridengine.ledger.certificates import SIGNAL, TIMEOUT
from gridengine.ledger.dispatcher_state import DispatcherState
from gridengine.ledger.events import (
    CallFailed,
    CallsDone,
    CountsSoFar,
    DispatcherEvent,
    JobOver,
    JobRetried,
    JobsOver,
    JobsStarted,
    JobsSubmitted,
    JobStarted,
    JobSubmitted,
    NoticeGiven,
    QueueJobDeleted,
    QueueJobOver,
    QueueJobsSubmitted,
    QueueJobStarted,
    QueueJobWaiting,
    WorkerJoined,
    WorkerLost,
)
from gridengine.ledger.observers import Observers
from gridengine.ledger.orders import (
    AdjustStaff,
    AskAbout,
    AskWhy,
    Assign,
    DeleteQueueJobs,
    Dismiss,
    Inform,
    Order,
    ReadOutput,
    Release,
    RequestQueueJobs,
    StopSupervisor,
    Warn,
)
from gridengine.ledger.records import Report, SupervisorRecord, WorkerRecord
from gridengine.ledger.task import Task
from gridengine.ledger.task_output import OutputPolicy, TaskOutput
from gridengine.observers.program_view import ProgramView
from gridengine.schedulers.events import (
    End,
    Ended,
    Explained,
    Notice,
    Refused,
    Standing,
    Stuck,
    Submitted,
    Waiting,
)
from gridengine.serialization.packed import Function
from gridengine.settings import Settings
from gridengine.states import DeathCause, JobState, Mode
from gridengine.transport.messages import Result

FUNCTION = Function(b"f", b"", (), "f")
SETTINGS = Settings(heartbeat=1.0, patience=10.0, resubmissions=1)


class Program:
    """A state, and a clock that stands still until it is moved."""

    def __init__(self, capacity: Capacity | None = None, **how: object) -> None:
        self.state = DispatcherState(SETTINGS, capacity or Capacity(2, 5), **how)  # type: ignore[arg-type]
        self.now = 100.0
        self.informed: list[str] = []
        #: Where those queue jobs were that have ended unheard, if they could not reach the program.
        self.unreached_from = ""
        self.events: list[DispatcherEvent] = []
        self.state.observers.callbacks = (self.events.append,)

    def submit(self, count: int = 1, **traits: object) -> list[Task]:
        tasks = [Task(FUNCTION, Mode.CALL, b"", name="job", **traits) for _ in range(count)]  # type: ignore[arg-type]
        for task in tasks:
            self.state.ledger.submit(task)
        return tasks

    def tick(self, after: float = 0.0) -> list[Order]:
        """Returns what is ordered; what is lost is told as the dispatcher would tell it."""
        self.now += after
        self.state.tick(self.now)
        return self.orders()

    def orders(self) -> list[Order]:
        orders, self.state.orders[:] = self.state.orders[:], []
        for order in orders:
            if isinstance(order, ReadOutput):
                self.state.lost(order.supervisor, order.end, "its last lines", self.now)
            elif isinstance(order, AskWhy):
                self.state.not_started(order.queue_job, order.end.detail, self.unreached_from)
        self.informed += [order.text for order in orders if isinstance(order, Inform)]
        return [order for order in orders if not isinstance(order, (AskWhy, Inform))]

    def supervisor(self, name: bytes = b"s", queue_job: str = "1.1", kind: int = 0) -> bytes:
        record = SupervisorRecord(name, queue_job, kind, "node", 7, now=self.now)
        for worker in self.state.supervisor_arrived(record, self.now):
            worker.received = 1
        return name

    def worker(self, address: bytes = b"s.0") -> WorkerRecord:
        worker = self.state.worker_arrived(address, 8, "", self.now)
        assert worker is not None
        worker.received = 1
        return worker

    def dies(self, address: bytes = b"s.0", **changed: object) -> None:
        supervisor, _, number = address.partition(b".")
        facts = {"status": -11, "position": 0, "width": 1, "reason": "crashed", "peak_memory": 1}
        report = Report(**{**facts, "sent": 1, **changed})  # type: ignore[arg-type]
        self.state.worker_died(supervisor, int(number), report, self.now)

    def settle(self, after: float = 0.0) -> None:
        self.now += after
        self.state.settle(self.now)

    def answer(self, worker: WorkerRecord, task: Task, **changed: object) -> None:
        values = {
            "task": task.id, "attempt": task.attempts, "lo": 0, "hi": 1, "payload": b"x",
            "frames": 0, "failures": {}, "wall": 0.5, "cpu": 0.25, "peak_memory": 3,
        }  # fmt: skip
        result = Result(**{**values, **changed})  # type: ignore[arg-type]
        self.state.answered(worker, [result], [], self.now)

    def at_work(self, **traits: object) -> tuple[Task, WorkerRecord]:
        """A task that a worker has been given."""
        [task] = self.submit(**traits)
        self.supervisor()
        worker = self.worker()
        assert any(isinstance(order, Assign) for order in self.tick())
        return task, worker


@pytest.fixture
def program() -> Program:
    return Program()


@pytest.fixture
def on_a_cluster() -> Program:
    return Program(remote=True, linger=5.0)


def kinds(orders: list[Order]) -> list[type]:
    return [type(order) for order in orders]


# ---------------------------------------------------------------------- hiring


def test_queue_jobs_are_asked_for_once_as_many_as_are_wanted_and_allowed(program: Program) -> None:
    program.submit(3)
    assert program.tick() == [RequestQueueJobs(1, 0, 2, 2)]
    assert program.tick() == []
    program.submit(100)
    assert program.tick() == [RequestQueueJobs(2, 0, 3, 2)]


def test_a_supervisor_is_told_to_have_more_workers_before_more_are_asked_for(
    program: Program,
) -> None:
    program.supervisor()
    program.submit(1)
    [order] = program.tick()
    assert isinstance(order, AdjustStaff)
    assert order.supervisor.staff == 1


def test_a_request_that_is_refused_fails_the_jobs_that_wait_with_the_reason(
    program: Program,
) -> None:
    [task] = program.submit()
    program.tick()
    program.state.scheduler_said(Refused(1, "no such queue"))
    assert task.state is JobState.FAILED
    assert isinstance(task.error, SchedulerError)
    assert "no such queue" in str(task.error)
    assert program.tick() == []


def test_a_refusal_is_only_told_while_other_workers_are_there(program: Program) -> None:
    program.submit(10)
    program.tick()
    program.supervisor()
    program.worker()
    program.state.scheduler_said(Refused(1, "no more"))
    assert Warn("no more workers can be had: no more") in program.orders()


def test_queue_jobs_that_fail_to_start_are_asked_for_again_and_then_fail_the_jobs(
    program: Program,
) -> None:
    [task] = program.submit()
    orders = program.tick()
    for attempt in (1, 2):
        assert RequestQueueJobs(attempt, 0, 1, 1) in orders
        name = f"{attempt}.1"
        program.state.scheduler_said(Submitted(attempt, (name,)))
        program.state.scheduler_said(Ended(name, End(exitcode=1, detail="no python")))
        program.orders()
        orders = program.tick(after=2.0)
        orders += program.tick(after=0.1)
        assert Warn(f"queue job {name} did not start: no python") in orders
    assert str(task.error) == "queue job 2.1 did not start: no python"


def test_all_that_fail_to_start_at_one_time_are_one_failure_and_one_warning(
    program: Program,
) -> None:
    [task] = program.submit()
    program.tick()
    names = tuple(f"1.{number}" for number in range(1, 6))
    program.state.scheduler_said(Submitted(1, names))
    for name in names:
        program.state.scheduler_said(Ended(name, End(exitcode=1, detail=f"no python {name}")))
    program.orders()
    told = [order.text for order in program.tick(after=2.0) if isinstance(order, Warn)]
    assert told == ["5 queue jobs (1.1, 1.2, 1.3, ...) did not start: no python 1.1"]
    assert not task.over


def test_an_end_without_a_word_is_a_failure_to_start_whatever_its_status(
    program: Program,
) -> None:
    [task] = program.submit()
    for attempt in (1, 2):
        program.tick()
        program.state.scheduler_said(Submitted(attempt, (f"{attempt}.1",)))
        program.state.scheduler_said(Ended(f"{attempt}.1", End(exitcode=0, detail="done")))
        program.orders()
        program.tick(after=2.0)
    assert task.state is JobState.FAILED


def test_a_host_from_which_the_program_is_not_reached_gets_no_more_queue_jobs_for_a_while(
    program: Program,
) -> None:
    [task] = program.submit()
    program.tick(after=2.0)
    program.state.scheduler_said(Submitted(1, ("1.1", "1.2")))
    program.unreached_from = "node7"
    program.state.scheduler_said(Ended("1.1", End(exitcode=1, detail="no way from node7")))
    program.orders()
    orders = program.tick(after=2.0)
    # It may go to that host.
    assert DeleteQueueJobs(("1.2",)) in orders
    assert RequestQueueJobs(2, 0, 1, 1, ("node7",)) in orders
    assert DeleteQueueJobs not in kinds(program.tick(after=2.0))
    # There is no other host.
    program.state.scheduler_said(Refused(2, "no suitable queues"))
    assert "no way from node7; without node7: no suitable queues" in str(task.error)
    program.submit()
    program.tick(after=1000.0)
    program.submit(9)
    assert RequestQueueJobs(4, 0, 4, 2) in program.tick(after=2.0)


def test_a_supervisor_that_cannot_work_here_is_ended_and_its_host_gets_no_more_queue_jobs(
    program: Program,
) -> None:
    [task] = program.submit()
    program.tick()
    program.state.scheduler_said(Submitted(1, ("1.1", "1.2")))
    record = SupervisorRecord(b"s", "1.1", 0, "node7", 7, now=program.now)
    # Its worker, on a connection of its own, may be first.
    assert program.state.worker_arrived(b"s.0", 8, "", program.now) is None
    for _ in range(2):
        assert program.state.supervisor_refused(record, "node7 is too old")
    assert program.state.worker_arrived(b"s.1", 9, "", program.now) is None
    assert program.orders() == [
        StopSupervisor(b"s"), DeleteQueueJobs(("1.1",)), StopSupervisor(b"s")
    ]  # fmt: skip
    orders = program.tick(after=2.0)
    assert Warn("queue job 1.1 did not start: node7 is too old") in orders
    assert RequestQueueJobs(2, 0, 1, 1, ("node7",)) in orders
    # That it has ended then is no further failure.
    program.state.scheduler_said(Ended("1.1", End(exitcode=1, detail="no python")))
    assert not [o for o in program.tick(after=2.0) if isinstance(o, Warn)]
    program.state.scheduler_said(Refused(2, "no suitable queues"))
    assert "node7 is too old; without node7: no suitable queues" in str(task.error)


def test_who_only_says_to_be_one_of_a_queue_job_is_ended_and_nothing_else(program: Program) -> None:
    program.submit()
    program.tick()
    for number in range(3):
        name = b"%d" % number
        record = SupervisorRecord(name, f"9.{number}", 0, "node7", 7, now=program.now)
        assert not program.state.supervisor_refused(record, "node7 is too old")
        assert program.orders() == [StopSupervisor(name)]
    assert program.state.staffing.queue_jobs == {}
    assert not [o for o in program.tick(after=2.0) if isinstance(o, Warn)]


def test_a_supervisor_that_never_has_a_worker_has_not_started(program: Program) -> None:
    [task] = program.submit()
    for attempt in (1, 2):
        program.tick()
        name = f"{attempt}.1"
        program.state.scheduler_said(Submitted(attempt, (name,)))
        program.supervisor(b"s%d" % attempt, name)
        program.state.scheduler_said(Ended(name, End(exitcode=1, detail="no process is left")))
        program.orders()
        program.tick(after=2.0)
    assert "no process is left" in str(task.error)


def test_failures_to_start_are_counted_anew_after_a_worker(program: Program) -> None:
    [task] = program.submit()
    for attempt in range(1, 6):
        program.tick()
        name = f"{attempt}.1"
        program.state.scheduler_said(Submitted(attempt, (name,)))
        if attempt % 2 == 0:
            program.supervisor(b"s%d" % attempt, name)
            program.worker(b"s%d.0" % attempt)
        program.state.scheduler_said(Ended(name, End(exitcode=1, detail="no process is left")))
        program.orders()
        program.tick(after=2.0)
    assert not task.over


def test_jobs_fail_when_nobody_who_comes_can_be_let_in_and_nobody_is_there(
    program: Program,
) -> None:
    [task] = program.submit()
    program.state.shut_out("too many open files")
    assert isinstance(task.error, SchedulerError)
    assert str(task.error) == "too many open files"


def test_jobs_wait_for_those_who_are_there_when_no_more_can_be_let_in(program: Program) -> None:
    tasks = program.submit(10)
    program.tick()
    program.supervisor()
    program.worker()
    program.state.shut_out("too many open files")
    assert not any(task.over for task in tasks)


def test_a_queue_job_that_is_stuck_is_deleted_and_its_reason_told(program: Program) -> None:
    program.submit()
    program.tick()
    program.state.scheduler_said(Submitted(1, ("1.1",)))
    program.state.scheduler_said(Stuck("1.1", "error state"))
    assert program.orders() == [DeleteQueueJobs(("1.1",))]
    assert Warn("queue job 1.1 did not start: error state") in program.tick(after=2.0)
    assert QueueJobWaiting("1.1", "error state") in program.events


def test_pending_queue_jobs_are_deleted_when_nothing_waits_any_more(on_a_cluster: Program) -> None:
    tasks = on_a_cluster.submit(2)
    on_a_cluster.tick()
    on_a_cluster.tick(0.1)
    on_a_cluster.state.scheduler_said(Submitted(1, ("1.1",)))
    on_a_cluster.state.cancellation.kill(tasks, 9)
    assert on_a_cluster.tick(1.0) == [DeleteQueueJobs(("1.1",))]
    assert on_a_cluster.tick(1.0) == []


def test_an_idle_worker_is_dismissed_when_it_has_lingered(on_a_cluster: Program) -> None:
    task, worker = on_a_cluster.at_work()
    on_a_cluster.answer(worker, task)
    assert on_a_cluster.tick(4.9) == []
    on_a_cluster.state.beat(b"s", on_a_cluster.now)
    assert on_a_cluster.tick(0.6) == [Dismiss(worker)]
    assert on_a_cluster.tick(1.0) == []


def test_an_idle_worker_stays_while_another_has_calls_that_it_has_not_begun(
    on_a_cluster: Program,
) -> None:
    task, busy = on_a_cluster.at_work(size=2)
    idle = on_a_cluster.worker(b"s.1")

    def dismissed(after: float) -> bool:
        on_a_cluster.state.beat(b"s", on_a_cluster.now)
        return Dismiss(idle) in on_a_cluster.tick(after)

    assert not any(dismissed(2.0) for _ in range(5))
    on_a_cluster.answer(busy, task, lo=0, hi=1)
    assert any(dismissed(2.0) for _ in range(5))


def test_on_this_host_workers_stay(program: Program) -> None:
    task, worker = program.at_work()
    program.answer(worker, task)
    program.state.beat(b"s", program.now + 1000)
    assert program.tick(1000.0) == []


# ---------------------------------------------------------------------- who is heard first


def test_workers_that_are_heard_before_their_supervisor_join_with_it(program: Program) -> None:
    program.submit()
    assert program.state.worker_arrived(b"s.0", 8, "", program.now) is None
    assert not any(isinstance(order, Assign) for order in program.tick())
    program.supervisor()
    assert Assign in kinds(program.tick())


def test_those_that_make_up_names_do_not_fill_the_memory(program: Program) -> None:
    for number in range(20_000):
        program.state.worker_arrived(b"liar%d.0" % number, 1, "", program.now)
    assert len(program.state._early) == 10_000


def test_a_worker_whose_end_was_heard_before_its_first_word_does_not_join(
    program: Program,
) -> None:
    program.supervisor()
    program.dies()
    assert program.state.worker_arrived(b"s.0", 8, "", program.now) is None
    assert program.state.worker_arrived(b"s.0", 8, "", program.now) is not None


def test_a_worker_that_has_said_nothing_leaves_no_trace(program: Program) -> None:
    program.supervisor()
    program.dies(sent=0)
    assert program.state.staffing.supervisors[b"s"].unheard == set()


def test_a_first_word_that_comes_twice_counts_once(program: Program) -> None:
    program.supervisor()
    program.worker()
    assert program.state.worker_arrived(b"s.0", 8, "", program.now) is None
    assert program.state.supervisor_arrived(SupervisorRecord(b"s"), program.now) == []
    assert program.state.ledger.staff(0) == 1


@pytest.mark.parametrize("address", [b"", b"nobody", b"s.x"])
def test_an_address_that_is_no_workers_is_refused(program: Program, address: bytes) -> None:
    with pytest.raises(ValueError):
        program.state.worker_arrived(address, 1, "", 0.0)


# ---------------------------------------------------------------------- deaths


def test_a_death_is_settled_when_all_that_was_sent_has_been_heard(program: Program) -> None:
    task, worker = program.at_work(lost_retries=0)
    program.dies(sent=2)
    program.settle()
    assert not task.over
    worker.received = 2
    program.settle()
    assert task.state is JobState.DIED
    assert Release(worker) in program.orders()


def test_an_answer_that_comes_after_the_word_of_the_death_counts(program: Program) -> None:
    task, worker = program.at_work(lost_retries=0)
    program.dies(sent=2, width=0, position=1)
    program.settle()
    program.answer(worker, task)
    worker.received = 2
    program.settle()
    assert task.state is JobState.FINISHED


def test_a_death_is_settled_at_once_when_no_more_can_come(program: Program) -> None:
    task, _ = program.at_work(lost_retries=0)
    program.dies(sent=5)
    program.state.hung_up(b"s.0")
    program.settle()
    assert task.state is JobState.DIED


def test_what_never_comes_is_not_waited_for_long(program: Program) -> None:
    task, _ = program.at_work(lost_retries=0)
    program.dies(sent=5)
    assert program.state.due(program.now) < program.now + 2
    program.settle(after=2.0)
    assert task.state is JobState.DIED


def test_a_death_certificate_says_what_is_known(program: Program) -> None:
    task, _ = program.at_work(lost_retries=0)
    program.now += 3.0
    program.dies(output="last words")
    program.settle()
    [outcome] = task.outcomes
    death = outcome.failures[0]
    assert isinstance(death, Death)
    assert (death.job, death.host, death.pid, death.attempt) == ("job", "node", 8, 1)
    assert (death.cause, death.signal) == (DeathCause.CRASHED, "SIGSEGV")
    assert (death.wall_time, death.output) == (3.0, "last words")


@pytest.mark.parametrize(
    ("reason", "peak", "granted", "more"),
    [
        ("crashed", 800, 1000, True),
        ("crashed", 300, 1000, False),
        ("crashed", 800, 0, False),
        ("exited", 800, 1000, False),
    ],
)
def test_a_crash_with_most_of_the_memory_in_use_is_advised_to_ask_for_more(
    program: Program, reason: str, peak: int, granted: int, more: bool
) -> None:
    task, _ = program.at_work(lost_retries=0)
    program.dies(reason=reason, peak_memory=peak, granted_memory=granted)
    program.settle()
    death = task.outcomes[0].failures[0]
    assert isinstance(death, Death)
    assert more == ("ask for more (memory=" in death.advice)


def test_the_certificate_of_a_job_that_went_with_its_queue_job_has_what_had_come_of_its_output(
    program: Program,
) -> None:
    task, worker = program.at_work(lost_retries=0)
    task.output = TaskOutput(OutputPolicy(), 100)
    task.output.add(b"step 7\n")
    end = End(exitcode=-9, cause=DeathCause.OVER_TIME)
    program.state.lost(worker.supervisor, end, "", program.now)
    program.settle(after=60.0)
    death = task.outcomes[0].failures[0]
    assert isinstance(death, Death)
    assert (death.cause, death.output) == (DeathCause.OVER_TIME, "step 7\n")


def test_a_job_over_its_time_is_tried_again_as_often_as_one_that_raised(program: Program) -> None:
    task, _ = program.at_work(lost_retries=5, error_retries=1, timeout=1.0)
    program.dies(reason=TIMEOUT)
    program.settle()
    assert task.state is JobState.QUEUED
    program.worker(b"s.1")
    program.tick()
    program.dies(b"s.1", reason=TIMEOUT)
    program.settle()
    assert (task.state, task.attempts) == (JobState.FAILED, 2)


def test_a_job_over_its_time_and_one_that_was_to_end_are_not_tried_again(program: Program) -> None:
    task, _ = program.at_work(lost_retries=5, timeout=1.0)
    program.dies(reason=TIMEOUT)
    program.settle()
    assert task.state is JobState.FAILED
    killed, _ = Program.at_work(other := Program(), lost_retries=5)
    other.state.cancellation.kill([killed], 15)
    other.dies(reason=SIGNAL)
    other.settle()
    assert killed.state is JobState.CANCELLED


def test_what_comes_after_a_job_that_was_ended_is_not_said_to_be_lost(program: Program) -> None:
    quick, worker = program.at_work()
    program.answer(worker, quick, wall=1e-5)
    ended, other = program.submit(2, lost_retries=0)
    program.tick()
    assert len(worker.outstanding) == 2
    program.state.cancellation.kill([ended], 15)
    program.orders()
    program.dies(status=-15, reason=SIGNAL, position=1)
    program.settle()
    program.orders()
    assert (ended.state, other.state) == (JobState.CANCELLED, JobState.QUEUED)
    assert program.informed[-1] == "worker 8 on node was ended with a job: 1 call tried again"


def test_a_kill_from_outside_waits_for_the_batch_systems_word(on_a_cluster: Program) -> None:
    task, _ = on_a_cluster.at_work(lost_retries=0)
    on_a_cluster.dies(status=-9, reason=DeathCause.KILLED.value)
    on_a_cluster.settle(after=1.4)
    assert not task.over
    end = End(cause=DeathCause.OVER_TIME, detail="h_rt")
    on_a_cluster.state.scheduler_said(Ended("1.1", end))
    on_a_cluster.tick()
    on_a_cluster.settle()
    [outcome] = task.outcomes
    death = outcome.failures[0]
    assert isinstance(death, Death)
    assert (death.cause, death.detail) == (DeathCause.OVER_TIME, "h_rt")
    assert death.output == "its last lines"


def test_without_that_word_it_stays_a_kill(on_a_cluster: Program) -> None:
    task, _ = on_a_cluster.at_work(lost_retries=0)
    on_a_cluster.dies(status=-9, reason=DeathCause.KILLED.value)
    on_a_cluster.settle(after=1.6)
    assert task.state is JobState.DIED


@pytest.mark.parametrize("early", [True, False])
def test_a_certificate_waits_for_what_the_batch_system_writes_down_late(
    on_a_cluster: Program, early: bool
) -> None:
    task, _ = on_a_cluster.at_work(lost_retries=0)
    end = End(cause=DeathCause.OVER_TIME, detail="DRMAA", final=False)
    explained = Explained("1.1", End(cause=DeathCause.OVER_TIME, detail="qacct"))
    on_a_cluster.state.scheduler_said(Ended("1.1", end))
    if early:
        on_a_cluster.state.scheduler_said(explained)
    on_a_cluster.tick()
    on_a_cluster.settle(after=1.5)
    if not early:
        assert (task.over, on_a_cluster.state.tasks()) == (False, [task])
        on_a_cluster.state.scheduler_said(explained)
    assert (task.state, on_a_cluster.state.tasks()) == (JobState.DIED, [])
    death = task.outcomes[0].failures[0]
    assert isinstance(death, Death)
    assert death.detail == "qacct"


def test_what_is_tried_again_waits_for_nothing(on_a_cluster: Program) -> None:
    task, _ = on_a_cluster.at_work()
    on_a_cluster.state.scheduler_said(Ended("1.1", End(cause=DeathCause.KILLED, final=False)))
    on_a_cluster.tick()
    on_a_cluster.settle(after=1.5)
    assert task.state is JobState.QUEUED


def test_the_log_tells_those_who_want_to_know_of_submission_arrival_loss_and_retry(
    on_a_cluster: Program,
) -> None:
    on_a_cluster.submit()
    on_a_cluster.tick()
    on_a_cluster.tick(after=0.1)
    on_a_cluster.state.scheduler_said(Submitted(1, ("1.1",)))
    on_a_cluster.supervisor()
    on_a_cluster.worker()
    on_a_cluster.tick()
    on_a_cluster.state.scheduler_said(Ended("1.1", End(cause=DeathCause.KILLED, detail="qdel")))
    on_a_cluster.tick()
    on_a_cluster.settle(after=1.5)
    on_a_cluster.orders()
    assert on_a_cluster.informed == [
        "submitted queue job 1.1",
        "queue job 1.1 has started on node",
        "queue job 1.1 on node is over, with 1 worker: qdel",
        "worker 8 on node is lost (KILLED): 1 call tried again",
    ]


def test_the_jobs_of_a_lost_supervisor_cost_no_attempt(on_a_cluster: Program) -> None:
    task, _ = on_a_cluster.at_work(lost_retries=0)
    on_a_cluster.state.scheduler_said(Ended("1.1", End(cause=DeathCause.KILLED)))
    on_a_cluster.tick()
    on_a_cluster.settle(after=1.5)
    assert task.state is JobState.QUEUED
    assert on_a_cluster.state.ledger.backlog(0) == 1


def test_a_silent_supervisor_is_lost_its_queue_job_deleted_and_it_is_told_to_stop_if_it_returns(
    on_a_cluster: Program,
) -> None:
    task, _ = on_a_cluster.at_work()
    for _ in range(25):
        orders = on_a_cluster.tick(after=0.5)
        if AskAbout in kinds(orders):
            on_a_cluster.state.scheduler_said(Standing(("1.1",), {}))
        elif orders:
            break
    assert kinds(orders)[:2] == [ReadOutput, DeleteQueueJobs]
    on_a_cluster.settle(after=1.5)
    assert task.state is JobState.QUEUED
    on_a_cluster.tick()
    on_a_cluster.state.beat(b"s", on_a_cluster.now)
    assert on_a_cluster.orders() == [StopSupervisor(b"s")]
    on_a_cluster.supervisor()
    assert on_a_cluster.orders() == [StopSupervisor(b"s")]


def test_the_workers_of_a_lost_supervisor_get_no_work_from_that_moment_on(
    on_a_cluster: Program,
) -> None:
    on_a_cluster.submit(2)
    on_a_cluster.supervisor()
    on_a_cluster.worker()
    on_a_cluster.state.scheduler_said(Ended("1.1", End(cause=DeathCause.OVER_TIME)))
    assert Assign not in kinds(on_a_cluster.tick())


def test_all_supervisors_of_a_queue_job_are_lost_with_it(on_a_cluster: Program) -> None:
    # As when the batch system has started it again.
    on_a_cluster.supervisor(b"first")
    on_a_cluster.supervisor(b"second")
    on_a_cluster.state.scheduler_said(Ended("1.1", End(exitcode=1)))
    assert on_a_cluster.state.staffing.supervisors == {}


def test_a_supervisor_that_is_silent_when_its_queue_job_is_over_harms_nobody(
    on_a_cluster: Program,
) -> None:
    on_a_cluster.state.scheduler_said(Ended("1.1", End(exitcode=0)))
    on_a_cluster.supervisor()
    on_a_cluster.state.staffing.queue_jobs.clear()
    for _ in range(25):
        on_a_cluster.tick(after=0.5)
    assert on_a_cluster.state.staffing.supervisors == {}


def test_a_program_that_was_stopped_for_a_while_counts_nobody_as_lost(
    on_a_cluster: Program,
) -> None:
    on_a_cluster.at_work()
    assert ReadOutput not in kinds(on_a_cluster.tick(after=100.0))
    assert b"s" in on_a_cluster.state.staffing.supervisors


def test_nothing_is_due_when_nothing_has_happened(program: Program) -> None:
    program.tick()
    assert program.now < program.state.due(program.now) < math.inf


# ---------------------------------------------------------------------- events


def test_observers_hear_the_life_of_a_job_and_of_its_worker(program: Program) -> None:
    [task] = program.submit()
    program.tick()
    program.state.scheduler_said(Submitted(1, ("1.1",)))
    program.supervisor()
    worker = program.worker()
    program.tick()
    program.answer(worker, task)
    program.dies(status=0, reason="", width=0)
    program.settle()
    program.state.scheduler_said(Ended("1.1", End(exitcode=0, detail="done")))
    assert program.events == [
        JobsSubmitted((JobSubmitted(task.id, "job", 1, 0),)),
        QueueJobsSubmitted(("1.1",)),
        QueueJobStarted("1.1", "node"),
        WorkerJoined(b"s.0", "node", 8, "1.1"),
        JobsStarted((JobStarted(task.id, "job", 0, 1, 1),), "node", 8),
        JobsOver((JobOver(task.id, "job", JobState.FINISHED, 1, 0, 0.5, 0.25, 3),)),
        WorkerLost(b"s.0", "node", 8, "1.1", 0, None),
        QueueJobOver("1.1", "done"),
    ]


def test_observers_hear_who_was_deleted_as_soon_as_it_is_known(program: Program) -> None:
    program.state.scheduler_said(Ended("1.1", End(detail="at once", by_others=True)))
    assert program.events == [QueueJobOver("1.1", "at once"), QueueJobDeleted("1.1", "at once")]
    program.state.scheduler_said(Ended("1.2", End(detail="killed", final=False)))
    assert program.events[2:] == [QueueJobOver("1.2", "killed")]
    program.state.scheduler_said(Explained("1.2", End(detail="by root", by_others=True)))
    assert program.events[3:] == [QueueJobDeleted("1.2", "by root")]


def test_observers_hear_how_often_a_worker_was_lost_that_ran_a_job(program: Program) -> None:
    program.at_work(lost_retries=2)
    program.dies()
    program.settle()
    [retried] = [each for each in program.events if isinstance(each, JobRetried)]
    assert (retried.begun, retried.losses) == (True, 1)


def test_observers_hear_what_is_tried_again_and_what_fails(program: Program) -> None:
    task, worker = program.at_work(error_retries=1)
    program.answer(worker, task, payload=b"", failures={0: b"error"})
    program.tick()
    program.answer(worker, task, payload=b"", failures={0: b"error"})
    seen = [type(event) for event in program.events]
    assert seen[-5:] == [JobsStarted, JobRetried, JobsStarted, CallFailed, JobsOver]
    heard: list[DispatcherEvent] = []
    program.state.observe(heard.append, program.now)
    assert heard[0] == CountsSoFar(done=1, failed=1, waiting=0, retried=1)
    assert program.events[-2:] == [
        CallFailed(task.id, "job", -1, "node", 8, b"error"),
        JobsOver((JobOver(task.id, "job", JobState.FAILED, 1, 1, 0.5, 0.25, 3),)),
    ]


def test_observers_hear_of_deaths_cancellations_and_notices(program: Program) -> None:
    dead, _ = program.at_work(lost_retries=0)
    program.dies()
    program.settle()
    lost, failed, over = program.events[-3:]
    assert lost == WorkerLost(b"s.0", "node", 8, "1.1", 1, DeathCause.CRASHED)
    assert isinstance(failed, CallFailed)
    assert isinstance(failed.failure, Death)
    assert isinstance(over, JobsOver)
    (job,) = over.jobs
    assert (job.task, job.state, job.failures) == (dead.id, JobState.DIED, 1)
    [task] = program.submit()
    program.state.cancellation.kill([task], 9)
    last = program.events[-1]
    assert isinstance(last, JobsOver)
    assert last.jobs[0].state is JobState.CANCELLED
    program.state.scheduler_said(Notice("the master is away"))
    assert program.events[-1] == NoticeGiven("the master is away")
    program.state.scheduler_said(Waiting("2.1", "all slots are taken"))
    assert program.events[-1] == QueueJobWaiting("2.1", "all slots are taken")


def test_observers_hear_which_calls_of_a_map_are_done(program: Program) -> None:
    [task] = program.submit(size=3)
    program.tick()
    program.supervisor()
    worker = program.worker()
    program.tick()
    program.answer(worker, task, lo=0, hi=2, failures={1: b"error"}, final=False)
    assert program.events[-2:] == [
        CallsDone(task.id, "job", 0, 2, 1, 0.5, 3, "node", 8),
        CallFailed(task.id, "job", 1, "node", 8, b"error"),
    ]
    program.answer(worker, task, lo=2, hi=3)
    assert program.events[-2] == CallsDone(task.id, "job", 2, 3, 0, 0.5, 3, "node", 8)
    assert isinstance(program.events[-1], JobsOver)


def test_a_new_observer_hears_what_is_there(program: Program) -> None:
    program.submit()
    program.tick()
    program.state.scheduler_said(Submitted(1, ("1.1", "1.2")))
    program.supervisor()
    program.worker()
    heard: list[DispatcherEvent] = []
    program.state.observe(heard.append, program.now)
    assert heard == [
        CountsSoFar(0, 0, 1),
        QueueJobsSubmitted(("1.1",)),
        QueueJobStarted("1.1", "node"),
        QueueJobsSubmitted(("1.2",)),
        WorkerJoined(b"s.0", "node", 8, "1.1"),
    ]
    program.state.scheduler_said(Notice("the master is away"))
    assert heard[-1] == NoticeGiven("the master is away")


def test_who_comes_late_counts_what_has_failed_as_a_whole_as_who_has_heard_of_it(
    program: Program,
) -> None:
    program.state.ledger.submit(Task(FUNCTION, Mode.MAP, b"", name="map", size=5))
    program.submit()
    program.tick()
    program.state.scheduler_said(Refused(1, "no such queue"))
    early, late = ProgramView(), ProgramView()
    early.hear((0.0, event) for event in program.events)
    program.state.observe(lambda event: late.hear([(0.0, event)]), program.now)
    assert (early.done, early.failed) == (late.done, late.failed) == (6, 6)


def test_without_observers_no_event_is_made(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.state.observers.callbacks = ()
    monkeypatch.setattr(Observers, "tell", lambda *_: pytest.fail("an event was made"))
    task, worker = program.at_work(lost_retries=0)
    program.answer(worker, task)
    program.dies()
    program.settle()
    program.state.cancellation.kill(program.submit(), 9)
    program.state.scheduler_said(Ended("1.1", End(exitcode=0)))
    assert program.events == []
