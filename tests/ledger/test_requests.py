"""What calls ask for after they had too little memory or time, and what they learn to ask for."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gridengine.errors import Death, SchedulerError
from gridengine.ledger.certificates import SIGNAL
from gridengine.ledger.events import JobRetried
from gridengine.ledger.memory_use import MemoryUse, rounded_up, with_margin
from gridengine.ledger.orders import RequestQueueJobs
from gridengine.ledger.records import WorkerRecord
from gridengine.ledger.requests import LearnedMemory, Requests
from gridengine.ledger.task import Task
from gridengine.schedulers.events import End, Ended, Explained, Refused
from gridengine.serialization.packed import Function
from gridengine.states import DeathCause, JobState, Mode
from gridengine.transport.messages import Result

from .test_dispatcher_state import Program

MIB = 1024**2
GIB = 1024**3
FUNCTION = Function(b"f", b"", (), "f")
OUT_OF_MEMORY, OVER_TIME = DeathCause.OUT_OF_MEMORY, DeathCause.OVER_TIME

MEMORY = {"h_vmem": ("2G", "4G", "8G")}
TIME = {"h_rt": (600, 3600)}


class Kinds:
    """The kinds of workers of a dispatcher."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, object]] = [{}]

    def __call__(self, resources: Mapping[str, object]) -> int:
        if resources not in self.asked:
            self.asked.append(resources)
        return self.asked.index(resources)

    def of(self, **resources: object) -> int:
        return self.asked.index(resources)


@pytest.fixture
def kinds() -> Kinds:
    return Kinds()


@pytest.fixture
def program() -> Program:
    return Program(remote=True, linger=5.0)


def submitted(program: Program, requests: Requests, size: int = 1, **traits: object) -> Task:
    mode = Mode.CALL if size == 1 else Mode.MAP
    task = Task(FUNCTION, mode, b"", name="job", size=size, **traits)  # type: ignore[arg-type]
    task.kind, task.requests = requests.kind, requests
    program.state.ledger.submit(task)
    return task


def worker_of(program: Program, kind: int, name: bytes) -> WorkerRecord:
    """A new worker of a kind, that has been given what waits for it."""
    program.supervisor(name, queue_job=name.decode(), kind=kind)
    worker = program.worker(name + b".0")
    program.tick()
    return worker


def starves(program: Program, worker: WorkerRecord, **changed: object) -> None:
    """A worker dies for want of memory."""
    position = worker.outstanding[0].position
    facts = {"reason": OUT_OF_MEMORY.value, "status": -9, "position": position, "peak_memory": GIB}
    program.dies(worker.address, **{**facts, **changed})
    program.settle()


# ---------------------------------------------------------------------- levels


def test_each_level_is_a_kind_and_memory_and_time_go_up_by_themselves(kinds: Kinds) -> None:
    requests = Requests(kinds, {"queue": "all.q"}, MEMORY, TIME)
    first = kinds.of(queue="all.q", h_vmem="2G", h_rt=600)
    assert requests.kind == first
    more = requests.more(first, OUT_OF_MEMORY, 0, 0)
    assert more == kinds.of(queue="all.q", h_vmem="4G", h_rt=600)
    longer = requests.more(more, OVER_TIME, 1, 0)
    assert longer == kinds.of(queue="all.q", h_vmem="4G", h_rt=3600)
    assert requests.more(longer, OVER_TIME, 2, 0) is None
    last = requests.more(longer, OUT_OF_MEMORY, 2, 0)
    assert last == kinds.of(queue="all.q", h_vmem="8G", h_rt=3600)
    assert requests.more(last, OUT_OF_MEMORY, 3, 0) is None


def test_the_shorter_of_two_lists_stays_at_its_last(kinds: Kinds) -> None:
    requests = Requests(kinds, {}, {**MEMORY, "mem_free": ("1G", "2G")}, {})
    last = kinds.of(h_vmem="8G", mem_free="2G")
    assert requests.more(kinds.of(h_vmem="4G", mem_free="2G"), OUT_OF_MEMORY, 1, 0) == last
    assert requests.more(last, OUT_OF_MEMORY, 2, 0) is None


def test_what_was_tried_is_said_in_words(kinds: Kinds) -> None:
    requests = Requests(kinds, {}, {"h_vmem": (2 * GIB, "4G", "8G")}, TIME)
    memory = tuple(kinds.of(h_vmem=each, h_rt=600) for each in (2 * GIB, "4G", "8G"))
    assert requests.words(memory, OUT_OF_MEMORY) == "h_vmem 2G, 4G and 8G"
    assert requests.words(memory[:1], OVER_TIME) == "h_rt 600 s"


def test_an_impossible_request_is_told_when_it_is_made() -> None:
    def picky(resources: Mapping[str, object]) -> int:
        if resources["h_vmem"] == "8G":
            raise ValueError("no")
        return 1

    with pytest.raises(ValueError, match="no"):
        Requests(picky, {}, MEMORY, {})


# ---------------------------------------------------------------------- escalation


def test_a_job_that_dies_for_want_of_memory_is_given_more_at_no_expense_of_its_retries(
    kinds: Kinds, program: Program
) -> None:
    task = submitted(program, Requests(kinds, {}, MEMORY, {}), lost_retries=0)
    for step, amount in enumerate(("2G", "4G", "8G")):
        assert (task.state, program.state.ledger.backlog(kinds.of(h_vmem=amount))) == (
            JobState.QUEUED, 1,
        )  # fmt: skip
        worker = worker_of(program, kinds.of(h_vmem=amount), b"s%d" % step)
        assert task.state is JobState.RUNNING
        starves(program, worker)
    assert (task.state, task.attempts) == (JobState.DIED, 3)
    death = task.outcomes[0].failures[0]
    assert isinstance(death, Death)
    assert death.advice.startswith("it was tried with h_vmem 2G, 4G and 8G; ask for more memory")
    reasons = [event.reason for event in program.events if isinstance(event, JobRetried)]
    assert reasons == [
        "it had too little memory; it is to have h_vmem 4G",
        "it had too little memory; it is to have h_vmem 8G",
    ]


def test_at_the_last_step_a_job_is_not_tried_again_as_it_was(
    kinds: Kinds, program: Program
) -> None:
    task = submitted(program, Requests(kinds, {}, {"h_vmem": ("2G",)}, {}), lost_retries=5)
    starves(program, worker_of(program, kinds.of(h_vmem="2G"), b"s"))
    assert (task.state, task.attempts) == (JobState.DIED, 1)


@pytest.mark.parametrize(
    "death",
    [
        {"reason": "crashed", "status": -11, "peak_memory": MIB},
        {"reason": "exited", "status": 3},
        {"reason": SIGNAL},
    ],
)
def test_other_deaths_lead_to_no_more(
    kinds: Kinds, program: Program, death: dict[str, object]
) -> None:
    task = submitted(program, Requests(kinds, {}, MEMORY, {}), lost_retries=1)
    starves(program, worker_of(program, kinds.of(h_vmem="2G"), b"s"), **death)
    assert program.state.ledger.backlog(kinds.of(h_vmem="4G")) == 0
    assert task.state is not JobState.RUNNING


def test_a_crash_with_its_memory_nearly_full_is_want_of_memory(
    kinds: Kinds, program: Program
) -> None:
    submitted(program, Requests(kinds, {}, MEMORY, {}))
    worker = worker_of(program, kinds.of(h_vmem="2G"), b"s")
    starves(
        program, worker, reason="crashed", status=-11, peak_memory=9 * MIB, granted_memory=10 * MIB
    )
    assert program.state.ledger.backlog(kinds.of(h_vmem="4G")) == 1


def test_a_lost_node_costs_nothing_and_leads_to_no_more(kinds: Kinds, program: Program) -> None:
    task = submitted(program, Requests(kinds, {}, MEMORY, TIME), lost_retries=0)
    worker_of(program, task.kind, b"s")
    program.state.scheduler_said(Ended("s", End(cause=DeathCause.NODE_LOST)))
    program.tick()
    program.settle(after=1.5)
    assert (task.state, program.state.ledger.backlog(task.kind)) == (JobState.QUEUED, 1)


@pytest.mark.parametrize("late", [False, True])
def test_a_job_over_the_time_of_its_queue_job_is_given_more_time(
    kinds: Kinds, program: Program, late: bool
) -> None:
    task = submitted(program, Requests(kinds, {}, {}, TIME), lost_retries=0)
    worker_of(program, task.kind, b"s")
    program.state.scheduler_said(Ended("s", End(cause=OVER_TIME, final=not late)))
    program.tick()
    program.settle(after=1.5)
    if late:
        # The batch system may have more to say.
        assert program.state.ledger.backlog(kinds.of(h_rt=3600)) == 0
        program.state.scheduler_said(Explained("s", End(cause=OVER_TIME, detail="h_rt")))
    assert (task.state, program.state.ledger.backlog(kinds.of(h_rt=3600))) == (JobState.QUEUED, 1)


def test_in_a_map_only_the_call_that_had_too_little_goes_to_those_who_have_more(
    kinds: Kinds, program: Program
) -> None:
    task = submitted(program, Requests(kinds, {}, MEMORY, {}), size=5)
    worker = worker_of(program, kinds.of(h_vmem="2G"), b"s")
    starves(program, worker, position=worker.outstanding[0].position + 2)
    ledger = program.state.ledger
    assert ledger.backlog(kinds.of(h_vmem="2G")) == 4
    assert ledger.backlog(kinds.of(h_vmem="4G")) == 1
    asked = [*program.tick(), *program.tick(after=0.1)]
    assert [(order.kind, order.count) for order in asked if isinstance(order, RequestQueueJobs)][
        -1:
    ] == [(kinds.of(h_vmem="4G"), 1)]
    assert not task.over


def test_a_slice_that_had_too_little_is_searched_for_the_call_that_it_was(
    kinds: Kinds, program: Program
) -> None:
    submitted(program, Requests(kinds, {}, MEMORY, {}), size=5, lost_retries=0)
    starves(program, worker_of(program, kinds.of(h_vmem="2G"), b"s"), width=5)
    assert program.state.ledger.backlog(kinds.of(h_vmem="2G")) == 5
    worker = worker_of(program, kinds.of(h_vmem="2G"), b"t")
    starves(program, worker, position=worker.outstanding[0].position + 1)
    assert program.state.ledger.backlog(kinds.of(h_vmem="4G")) == 1


def test_a_memory_error_under_a_limit_leads_to_more_and_at_last_is_the_failure(
    kinds: Kinds, program: Program
) -> None:
    task = submitted(program, Requests(kinds, {}, {"h_vmem": ("2G", "4G")}, {}), size=3)
    small = worker_of(program, kinds.of(h_vmem="2G"), b"s")
    failure = {"failures": {1: b"MemoryError"}, "short": True, "lo": 1, "hi": 2}
    program.answer(small, task, lo=0, hi=1)
    program.answer(small, task, **failure)
    program.answer(small, task, lo=2, hi=3)
    assert task.missing == 1
    large = worker_of(program, kinds.of(h_vmem="4G"), b"t")
    program.answer(large, task, **failure)
    assert task.state is JobState.FAILED
    assert task.outcomes[-1].asked == "h_vmem 2G and 4G"
    assert task.outcomes[-1].tries == 2


def test_a_task_is_cancelled_wherever_its_calls_wait(kinds: Kinds, program: Program) -> None:
    task = submitted(program, Requests(kinds, {}, MEMORY, {}), size=5)
    worker = worker_of(program, kinds.of(h_vmem="2G"), b"s")
    starves(program, worker, position=worker.outstanding[0].position + 2)
    program.state.cancellation.kill([task], 15)
    assert task.state is JobState.CANCELLED
    assert program.state.ledger.kinds() == []
    for name, amount in ((b"t", "2G"), (b"u", "4G")):
        assert not worker_of(program, kinds.of(h_vmem=amount), name).outstanding


def test_where_more_is_refused_only_the_call_that_wanted_it_fails(
    kinds: Kinds, program: Program
) -> None:
    task = submitted(program, Requests(kinds, {}, MEMORY, {}), size=2)
    worker = worker_of(program, kinds.of(h_vmem="2G"), b"s")
    starves(program, worker)
    asked = [*program.tick(), *program.tick(after=1.0)]
    batches = [
        order.batch
        for order in asked
        if isinstance(order, RequestQueueJobs) and order.kind == kinds.of(h_vmem="4G")
    ]
    program.state.scheduler_said(Refused(batches[0], "no host has so much"))
    assert not task.over
    [outcome] = task.outcomes
    assert (outcome.lo, outcome.hi) == (0, 1)
    assert isinstance(outcome.failures[0], SchedulerError)
    assert "no host has so much" in str(outcome.failures[0])
    assert program.state.ledger.backlog(kinds.of(h_vmem="2G")) == 1


# ---------------------------------------------------------------------- learning


def test_what_is_asked_for_is_what_was_used_and_some_more_in_round_numbers() -> None:
    use = MemoryUse()
    assert [use.learn(100 * MIB) for _ in range(5)] == [False] * 4 + [True]
    assert use.request == with_margin(100 * MIB) == 192 * MIB
    assert 100 * 1.2 + 64 <= use.request / MIB <= (100 * 1.2 + 64) * 1.25


@pytest.mark.parametrize("nbytes", [1, 3, MIB, 5 * MIB + 1, 7 * GIB, 10 * GIB + 1])
def test_of_sizes_there_are_four_in_each_doubling(nbytes: int) -> None:
    size = rounded_up(nbytes)
    assert nbytes <= size <= nbytes * 1.25 + 1
    assert rounded_up(size) == size


def test_one_call_in_a_hundred_that_uses_more_is_not_what_is_asked_for() -> None:
    use = MemoryUse()
    for number in range(200):
        use.learn(GIB if number == 100 else 100 * MIB)
    for _ in range(20):
        use.learn(100 * MIB)
    assert use.request == with_margin(100 * MIB)


def test_a_request_that_was_a_little_too_large_stays() -> None:
    use = MemoryUse()
    for _ in range(5):
        use.learn(500 * MIB)
    asked = use.request
    for _ in range(300):
        use.learn(450 * MIB)
    assert use.request == asked
    for _ in range(300):
        use.learn(100 * MIB)
    assert use.request == with_margin(100 * MIB)


def learned(kinds: Kinds, **changed: int) -> Requests:
    return Requests(kinds, {}, {}, {}, LearnedMemory("h_vmem", **{"base": 4 * GIB, **changed}))


def test_what_waits_goes_to_workers_of_its_size_when_enough_is_known(
    kinds: Kinds, program: Program
) -> None:
    requests = learned(kinds)
    tasks = [submitted(program, requests) for _ in range(20)]
    worker = worker_of(program, requests.kind, b"s")
    worker.space = 100 * MIB
    for task in tasks[:5]:
        program.tick()
        program.answer(worker, task)
    small = kinds.of(h_vmem=192 * MIB)
    assert program.state.ledger.backlog(requests.kind) == 0
    assert program.state.ledger.backlog(small) == 20 - 5 - len(worker.outstanding)
    assert submitted(program, requests).kind == small
    # Who is there helps.
    while worker.outstanding:
        program.answer(worker, worker.outstanding[0].task)
    program.tick()
    assert worker.outstanding


def test_what_was_enough_so_far_is_the_most_that_is_asked_for_unless_somebody_had_too_little(
    kinds: Kinds,
) -> None:
    requests = learned(kinds, base=GIB)
    assert requests.kind == 0
    for _ in range(5):
        requests.learn(b"f", GIB - MIB)
    assert requests.kind_for(b"f") == 0
    twice = requests.more(0, OUT_OF_MEMORY, 0, GIB)
    assert twice == kinds.of(h_vmem=2 * GIB)
    for _ in range(20):
        requests.learn(b"f", GIB + 200 * MIB)
    assert requests.kind_for(b"f") == kinds.of(h_vmem=int(1.5 * GIB))


def test_a_death_for_want_of_memory_leads_to_twice_as_much_up_to_the_most(kinds: Kinds) -> None:
    requests = learned(kinds, base=GIB, most=3 * GIB)
    more = requests.more(0, OUT_OF_MEMORY, 0, 0)
    assert more == kinds.of(h_vmem=2 * GIB)
    most = requests.more(more, OUT_OF_MEMORY, 1, 0)
    assert most == kinds.of(h_vmem=3 * GIB)
    assert requests.more(most, OUT_OF_MEMORY, 2, 0) is None
    assert requests.words((0, more, most), OUT_OF_MEMORY) == "h_vmem 1G, 2G and 3G"


def test_without_a_most_it_is_doubled_four_times(kinds: Kinds) -> None:
    requests, kind = learned(kinds, base=GIB), 0
    for tried in range(4):
        more = requests.more(kind, OUT_OF_MEMORY, tried, 0)
        assert more is not None
        kind = more
    assert kind == kinds.of(h_vmem=16 * GIB)
    assert requests.more(kind, OUT_OF_MEMORY, 4, 0) is None


def test_of_a_job_without_a_limit_twice_of_what_it_had_is_asked_for(kinds: Kinds) -> None:
    requests = learned(kinds, base=0)
    assert requests.more(0, OUT_OF_MEMORY, 0, 3 * GIB) == kinds.of(h_vmem=6 * GIB)


def test_it_is_counted_for_each_slot(kinds: Kinds) -> None:
    requests = learned(kinds, base=4 * GIB, slots=4)
    assert requests.more(0, OUT_OF_MEMORY, 0, 0) == kinds.of(h_vmem=2 * GIB)


def test_of_workers_with_more_for_others_only_what_a_call_has_added_counts(
    kinds: Kinds, program: Program
) -> None:
    requests = learned(kinds)
    task = submitted(program, requests)
    worker = worker_of(program, requests.kind, b"s")
    for _ in range(5):
        requests.learn(b"f", 100 * MIB)
    worker.peak = worker.space = 3 * GIB
    for _ in range(20):
        program.state.ledger.escalation.learn(task, worker, GIB)
    assert requests.kind_for(b"f") == kinds.of(h_vmem=192 * MIB)


def test_what_calls_have_used_is_not_taken_for_that_of_the_function_behind_them(
    kinds: Kinds, program: Program
) -> None:
    requests = learned(kinds)
    learned_of: list[bytes] = []
    requests.learn = lambda key, peak: learned_of.append(key)  # type: ignore[assignment,func-returns-value]

    def submit_of(key: bytes) -> Task:
        task = Task(Function(key, b"", (), key.decode()), Mode.CALL, b"", name="job")
        task.kind, task.requests = requests.kind, requests
        program.state.ledger.submit(task)
        return task

    of_both = [submit_of(b"f"), submit_of(b"g")]
    worker = worker_of(program, requests.kind, b"s")
    worker.space = 100 * MIB
    for task in of_both:
        program.answer(worker, task, wall=0.001)
        program.tick()
    of_both = [submit_of(b"f"), submit_of(b"g")]
    program.tick()
    assert [chunk.task for chunk in worker.outstanding] == of_both
    learned_of.clear()
    results = [
        Result(
            task=task.id, attempt=task.attempts, lo=0, hi=1, payload=b"x", frames=0, failures={},
            wall=0.001, cpu=0.001, peak_memory=3,
        )
        for task in of_both
    ]  # fmt: skip
    program.state.answered(worker, results, [], program.now)
    assert learned_of == [b"f", b"g"]
