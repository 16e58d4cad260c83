"""Any order of events: no call lost, none recorded twice, and everything comes to an end."""

from __future__ import annotations

import collections
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gridengine.ledger.cancellation import Cancellation
from gridengine.ledger.ledger import Ledger
from gridengine.ledger.observers import Observers
from gridengine.ledger.orders import Order, SignalCalls, TakeBack
from gridengine.ledger.records import SupervisorRecord, WorkerRecord
from gridengine.ledger.task import Outcome, Place, Task
from gridengine.serialization.packed import Function
from gridengine.settings import BLOCK_SECONDS
from gridengine.states import JobState, Mode

KINDS = (0, 1)
#: Mostly the same kind, so that there is something to share.
some_kind = st.sampled_from((0, 0, 0, 1))
FUNCTIONS = {name: Function(name.encode(), b"", (), name) for name in ("quick", "slow")}
WALL = {"quick": BLOCK_SECONDS / 50, "slow": BLOCK_SECONDS * 2}


@dataclass
class Call:
    """A call as its worker sees it."""

    position: int
    task: Task
    attempt: int
    index: int
    one_at_a_time: bool


@dataclass
class Answer:
    task: Task
    attempt: int
    lo: int
    hi: int
    failed: bool


@dataclass
class Node:
    """An honest worker and its supervisor: runs what it has in the order of the positions.

    Attributes:
        mail: Blocks that are on their way to it.
        queue: What it has heard and not begun.
        slice: What it runs.
        begun: Position and width of the latest slice, as in the page.
        unsent: Answers that it has not sent.
        recall: Where the range ends that it shall begin nothing of, if one is on its way.
    """

    record: WorkerRecord
    mail: collections.deque[list[Call]] = field(default_factory=collections.deque)
    queue: collections.deque[Call] = field(default_factory=collections.deque)
    slice: list[Call] = field(default_factory=list)
    begun: tuple[int, int] = (0, 0)
    unsent: list[Answer] = field(default_factory=list)
    recall: int | None = None


def for_some_node(able: Callable[[Node], object], **drawn: st.SearchStrategy[Any]) -> Any:
    """Makes a rule of a method: for any node that is ``able``."""

    def decorate(method: Callable[..., None]) -> Any:
        def act(self: LedgerMachine, data: st.DataObject, **values: Any) -> None:
            method(self, data.draw(st.sampled_from(self.able_nodes(able))), **values)

        act.__name__ = method.__name__
        return precondition(lambda self: self.able_nodes(able))(rule(data=st.data(), **drawn)(act))

    return decorate


class LedgerMachine(RuleBasedStateMachine):
    """The dispatcher's part: turns what nodes do into events, and orders into what nodes get."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.ledger = Ledger(infrastructure_retries=2)
        self.orders: list[Order] = []
        self.cancellation = Cancellation(self.ledger, self.orders, Observers())
        self.supervisors: dict[tuple[int, float, bool], SupervisorRecord] = {}
        self.tasks: list[Task] = []
        self.nodes: dict[bytes, Node] = {}
        self.joined = 0
        self.sent: list[tuple[bytes, Answer]] = []
        self.answered: list[tuple[WorkerRecord, int, int]] = []
        self.recorded: dict[Task, list[int]] = collections.defaultdict(list)
        self.attempts: dict[Task, int] = collections.defaultdict(int)

    def able_nodes(self, able: Callable[[Node], object]) -> list[Node]:
        return [node for node in self.nodes.values() if able(node)]

    # ------------------------------------------------------------------ the program

    @initialize(sizes=st.lists(st.integers(1, 20), min_size=1, max_size=4))
    def open(self, sizes: list[int]) -> None:
        self.join(0)
        for size in sizes:
            self.submit(size, "slow", 1, kind=0, lost_retries=1, error_retries=1, fail_fast=False)

    @rule(
        size=st.integers(1, 20),
        function=st.sampled_from(sorted(FUNCTIONS)),
        kind=some_kind,
        lost_retries=st.integers(0, 2),
        error_retries=st.integers(0, 1),
        fail_fast=st.booleans(),
        copies=st.integers(1, 5),
    )
    def submit(self, size: int, function: str, copies: int, **traits: Any) -> None:
        for _ in range(copies):
            mode = Mode.CALL if size == 1 else Mode.MAP
            task = Task(FUNCTIONS[function], mode, b"", size=size, **traits)
            self.tasks.append(task)
            self.ledger.submit(task)

    @precondition(lambda self: self.live_tasks())
    @rule(data=st.data(), kill=st.booleans())
    def cancel(self, data: st.DataObject, kill: bool) -> None:
        unwanted = data.draw(st.sets(st.sampled_from(self.live_tasks()), max_size=5))
        held = self.held_tasks()
        if kill:
            self.cancellation.kill(unwanted, 9)
        else:
            self.cancellation.drop(unwanted)
        for task in unwanted:
            assert task.over is (not kill or task not in held)
        self.obey()

    @precondition(lambda self: not all(map(self.ledger.staff, KINDS)))
    @rule()
    def give_up(self) -> None:
        [kind, *_] = [kind for kind in KINDS if not self.ledger.staff(kind)]
        unwanted = self.ledger.waiting_tasks(kind)
        self.cancellation.drop(unwanted)
        assert not self.ledger.backlog(kind)
        self.obey()

    def obey(self) -> None:
        """Does what was ordered; a signal is heard, or is not."""
        for order in self.orders:
            if isinstance(order, TakeBack):
                self.order_recall(order.worker)
            else:
                assert isinstance(order, SignalCalls)
                assert any(chunk.task.exit_signal for chunk in order.worker.outstanding)
        self.orders.clear()

    # ------------------------------------------------------------------ the nodes

    @rule(kind=some_kind, life=st.sampled_from((math.inf, math.inf, 0.01, 2.0)))
    def join(self, kind: int, life: float = math.inf) -> None:
        self.joined += 1
        key = kind, life, bool(self.joined % 2)
        supervisor = self.supervisors.get(key)
        if supervisor is None or not key[2]:
            deadline = self.now + life
            supervisor = SupervisorRecord(b"s%d" % self.joined, kind=kind, deadline=deadline)
            self.supervisors[key] = supervisor
        place = Place("host", self.joined, "1.1")
        worker = self.ledger.joined(supervisor, self.joined, place, self.now)
        self.nodes[worker.address] = Node(worker)

    @rule()
    def assign(self) -> None:
        for order in self.ledger.assign(self.now):
            worker = order.worker
            assert order.chunks
            assert not worker.leaving
            assert not worker.recalling
            calls = [
                Call(
                    chunk.position + i - chunk.lo, chunk.task, chunk.attempt, i, chunk.one_at_a_time
                )
                for chunk in order.chunks
                for i in range(chunk.lo, chunk.hi)
            ]
            assert all(call.task.wanted for call in calls)
            assert all(call.task.kind == worker.kind for call in calls)
            together = worker.supervisor.workers
            if any(chunk.isolated for chunk in order.chunks):
                assert len(order.chunks) == 1
                assert not any(w.outstanding for w in together if w is not worker)
            else:
                beside = [c for w in together if w is not worker for c in w.outstanding]
                assert not any(chunk.isolated for chunk in beside)
            if any(call.one_at_a_time for call in calls):
                assert list(worker.outstanding) == order.chunks
                assert len(order.chunks) == 1
            self.nodes[worker.address].mail.append(calls)
        for worker in self.ledger.out_of_time():
            assert not worker.outstanding
            assert worker.leaving

    @rule()
    def assign_and_work(self) -> None:
        self.assign()
        for node in self.nodes.values():
            self.hear_block(node)
            self.begin_slice(node, 2)

    @for_some_node(lambda node: node.mail)
    def hear(self, node: Node) -> None:
        self.hear_block(node)

    def hear_block(self, node: Node) -> None:
        if node.mail:
            node.queue.extend(node.mail.popleft())

    @for_some_node(lambda node: node.queue and not node.slice, width=st.integers(1, 8))
    def begin(self, node: Node, width: int) -> None:
        self.begin_slice(node, width)

    @for_some_node(lambda node: node.queue or node.mail, slices=st.integers(1, 5))
    def work(self, node: Node, slices: int) -> None:
        self.hear_block(node)
        for _ in range(slices):
            self.begin_slice(node, 3)
            self.finish_slice(node)

    def begin_slice(self, node: Node, width: int) -> None:
        if node.slice or not node.queue:
            return
        first = node.queue[0]
        while node.queue and len(node.slice) < (1 if first.one_at_a_time else width):
            call = node.queue[0]
            if (call.task, call.attempt) != (first.task, first.attempt):
                break
            node.slice.append(node.queue.popleft())
        node.begun = first.position, len(node.slice)

    @for_some_node(lambda node: node.slice, failed=st.booleans())
    def finish(self, node: Node, failed: bool) -> None:
        self.finish_slice(node, failed)

    def finish_slice(self, node: Node, failed: bool = False) -> None:
        if not node.slice:
            return
        first, last = node.slice[0], node.slice[-1]
        node.unsent.append(Answer(first.task, first.attempt, first.index, last.index + 1, failed))
        node.slice = []
        if failed and first.task.fail_fast:
            rest = (first.task, first.attempt)
            while node.queue and (node.queue[0].task, node.queue[0].attempt) == rest:
                node.queue.popleft()

    @for_some_node(lambda node: node.unsent)
    def flush(self, node: Node) -> None:
        self.send_answers(node)

    @for_some_node(lambda node: node.unsent)
    def lose_the_first_answer(self, node: Node) -> None:
        node.unsent.pop(0)

    def send_answers(self, node: Node) -> None:
        answers, node.unsent = node.unsent, []
        for answer in answers:
            self.sent.append((node.record.address, answer))
            self.answer(node.record, answer)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def answer_again(self, data: st.DataObject) -> None:
        address, answer = data.draw(st.sampled_from(self.sent))
        worker = self.ledger.workers.get(address)
        if worker is not None:
            assert not self.answer(worker, answer)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def answer_for_another(self, data: st.DataObject) -> None:
        _, answer = data.draw(st.sampled_from(self.sent))
        for worker in self.ledger.workers.values():
            assert not self.answer(worker, answer)

    def answer(self, worker: WorkerRecord, answer: Answer) -> bool:
        wall = WALL[answer.task.function.name] * (answer.hi - answer.lo)
        task = self.ledger.done(
            worker, answer.task.id, answer.attempt, answer.lo, answer.hi,
            wall=wall, failed=answer.failed, now=self.now,
        )  # fmt: skip
        self.ledger.answered(worker)
        if task is None:
            return False
        assert task is answer.task
        self.record(task, answer.lo, answer.hi, answer.failed)
        return True

    def record(self, task: Task, lo: int, hi: int, failed: bool) -> None:
        assert not task.over
        assert not set(range(lo, hi)) & set(self.recorded[task])
        self.recorded[task].extend(range(lo, hi))
        failures = {lo: b"packed"} if failed else {}
        task.record(Outcome(lo, hi, b"", (), failures, 0, 0, 0, Place("h", 1, "")))
        if task.over and task.missing:
            self.cancellation.take_back_rest([task])
            self.obey()

    @for_some_node(lambda node: True, seen=st.booleans(), blame=st.booleans(), final=st.booleans())
    def die(self, node: Node, seen: bool, blame: bool, final: bool) -> None:
        del self.nodes[node.record.address]
        held = {
            (chunk.task, index)
            for chunk in node.record.outstanding
            for index in range(chunk.lo, chunk.hi)
        }
        position, width = node.begun if seen else (None, 0)
        verdicts = self.ledger.ended(
            node.record, position=position, width=width, blame=blame, final=final
        )
        begun = {(call.task, call.index) for call in node.slice}
        finished = {(a.task, i) for a in node.unsent for i in range(a.lo, a.hi)}
        for verdict in verdicts:
            guilty = verdict.task, verdict.index
            assert guilty in held
            if seen and blame and node.slice:
                assert guilty in begun - finished
        for verdict in verdicts:
            if verdict.task.exit_signal and not verdict.task.over:
                self.cancellation.ended(verdict.task, Place("host", 1, "1.1"))
                self.obey()
            elif not verdict.task.over:
                self.record(verdict.task, verdict.index, verdict.index + 1, failed=True)

    @for_some_node(lambda node: not node.record.outstanding and not node.record.recalling)
    def retire(self, node: Node) -> None:
        self.ledger.retire(node.record)

    # ------------------------------------------------------------------ taking back

    @rule(seconds=st.sampled_from([0.001, 1.0]))
    def look_around(self, seconds: float) -> None:
        self.now += seconds
        self.cancellation.end_given_back()
        for order in self.ledger.recalls(self.now):
            worker = order.worker
            if len(worker.outstanding) == 1:
                assert not self.ledger.backlog(worker.kind)
                assert self.ledger.idle(worker.kind)
            self.order_recall(worker)

    def order_recall(self, worker: WorkerRecord) -> None:
        node = self.nodes.get(worker.address)
        if node is not None:
            node.recall = worker.position

    @for_some_node(lambda node: node.recall is not None)
    def recalled(self, node: Node) -> None:
        self.take_back_unbegun(node)

    @for_some_node(lambda node: node.record.outstanding and not node.record.recalling)
    def recall_later(self, node: Node) -> None:
        self.recall(node)

    def recall(self, node: Node) -> None:
        self.order_recall(self.ledger.recall(node.record).worker)

    @for_some_node(lambda node: node.slice and not node.record.recalling)
    def recall_at_once(self, node: Node) -> None:
        self.recall(node)
        self.take_back_unbegun(node)

    def take_back_unbegun(self, node: Node) -> None:
        if node.recall is None:
            return
        end, node.recall = node.recall, None
        low = min(sum(node.begun), end)
        for calls in (node.queue, *node.mail):
            kept = [call for call in calls if not low <= call.position < end]
            calls.clear()
            calls.extend(kept)
        self.ledger.recalled(node.record, low, end, self.now)
        self.answered.append((node.record, low, end))

    @precondition(lambda self: self.answered)
    @rule(data=st.data())
    def answer_a_recall_again(self, data: st.DataObject) -> None:
        worker, low, end = data.draw(st.sampled_from(self.answered))
        self.ledger.recalled(worker, low, end, self.now)

    # ------------------------------------------------------------------ what always holds

    def live_tasks(self) -> list[Task]:
        return [task for task in self.tasks if not task.over]

    def held_tasks(self) -> set[Task]:
        workers = self.ledger.workers.values()
        return {chunk.task for worker in workers for chunk in worker.outstanding}

    @invariant()
    def every_call_is_in_exactly_one_place(self) -> None:
        places: dict[Task, list[int]] = collections.defaultdict(list)
        for kind, queue in self.ledger._queues.of_kind.items():
            for chunk in queue.chunks:
                assert chunk.task.kind == kind
                assert chunk.task.wanted or queue.cancelled
                places[chunk.task].extend(range(chunk.lo, chunk.hi))
        for worker in self.ledger.workers.values():
            for chunk in worker.outstanding:
                places[chunk.task].extend(range(chunk.lo, chunk.hi))
        for task in self.live_tasks():
            if not task.wanted:
                continue
            calls = places[task] + self.recorded[task]
            assert sorted(calls) == list(range(task.size))
            assert task.missing == task.size - len(self.recorded[task])

    @invariant()
    def the_chunks_of_a_worker_are_in_the_order_of_their_positions(self) -> None:
        for worker in self.ledger.workers.values():
            free = 0
            for chunk in worker.outstanding:
                assert chunk.lo < chunk.hi
                assert chunk.position >= free
                free = chunk.position + chunk.hi - chunk.lo
            assert free <= worker.position
            assert sorted(worker.ends) == list(worker.ends)

    @invariant()
    def attempts_only_grow(self) -> None:
        for task in self.tasks:
            assert task.attempts >= self.attempts[task]
            self.attempts[task] = task.attempts

    @invariant()
    def the_counters_count_what_is_there(self) -> None:
        workers = self.ledger.workers.values()
        for kind in KINDS:
            waiting = [c for c in self.ledger._queues.of(kind).chunks if c.task.wanted]
            assert self.ledger.backlog(kind) == sum(chunk.hi - chunk.lo for chunk in waiting)
            assert self.ledger.staff(kind) == sum(worker.kind == kind for worker in workers)
            # Whoever is beside one that works alone is neither idle nor at work.
            assert set(self.ledger.idle(kind)) == {
                worker
                for worker in workers
                if worker.kind == kind
                and not (worker.outstanding or worker.recalling or worker.leaving)
                and worker.supervisor.alone is None
            }
            busy = self.ledger.staff(kind) - len(self.ledger.idle(kind))
            assert busy <= self.ledger.wanted(kind) <= busy + self.ledger.backlog(kind)
        assert set(self.ledger.tasks()) <= set(self.live_tasks())

    @invariant()
    def who_waits_or_is_held_is_said_to_be(self) -> None:
        for task in self.live_tasks():
            if task.size == 1 and task.wanted:
                held = task in self.held_tasks()
                assert task.state is (JobState.RUNNING if held else JobState.QUEUED)

    def teardown(self) -> None:
        """Everything can be brought to its end."""
        for kind in KINDS:
            self.join(kind)
        for _ in range(5 * (10 + sum(task.size for task in self.tasks))):
            if not self.live_tasks():
                break
            self.assign()
            for node in list(self.nodes.values()):
                self.take_back_unbegun(node)
                self.hear_block(node)
                while node.slice or node.queue:
                    self.begin_slice(node, 8)
                    self.finish_slice(node)
                self.send_answers(node)
                # An answer that was lost with its worker shows when this one is no more.
                if node.record.outstanding and not node.mail:
                    self.bury(node)
                    self.join(node.record.kind)
            self.cancellation.end_given_back()
            self.obey()
        assert not self.live_tasks()
        self.every_call_is_in_exactly_one_place()
        self.the_counters_count_what_is_there()
        assert not any(self.ledger.backlog(kind) for kind in KINDS)

    def bury(self, node: Node) -> None:
        del self.nodes[node.record.address]
        for verdict in self.ledger.ended(node.record, blame=False):
            if not verdict.task.over:
                self.record(verdict.task, verdict.index, verdict.index + 1, failed=True)


LedgerMachine.TestCase.settings = settings(
    max_examples=200,
    stateful_step_count=60,
    deadline=None,
    derandomize=True,
    database=None,
)
TestLedger = LedgerMachine.TestCase
