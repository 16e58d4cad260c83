"""Where workers are, asked by their supervisor: without their help, and without waiting for it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable

from ..transport.messages import STACK_LENGTH, ShowStack, Stack
from . import os_support, process_facts
from .stack_dump import (
    STACK_FORCED,
    STACK_WANTED,
    for_people,
    waits_for_work,
    written_when_forced,
    written_when_wanted,
)
from .worker_process import WorkerProcess

#: Seconds that Python has to write the stacks, before that of the job's thread is forced. In Python
#: code it does within milliseconds, unless other threads are in the way.
_PYTHONS = 0.5

#: Seconds after which a process does not answer.
_PATIENCE = 3.0

#: Seconds of processor time in which Python code would have answered.
_RAN = 0.05

#: Seconds between two looks at what is written.
_LOOK = 0.005

_ONE_THREAD = (
    "(The other threads are not shown: the job's thread is in C code, or waits for the "
    "interpreter.)"
)


class _Dump:
    """What is under way for one worker.

    Attributes:
        child: The worker.
        questions: Who has asked.
        since: When it was asked.
        ran: The processor time that its main thread had had by then.
        forced: Whether it is forced by now.
    """

    def __init__(self, child: WorkerProcess, question: ShowStack) -> None:
        self.child = child
        self.questions = [question]
        self.since = time.monotonic()
        self.ran = process_facts.processor_time(child.pid)
        self.forced = False

    def in_c_code(self) -> bool:
        """Tells whether the main thread waits, or runs, and Python does not come to it."""
        state = process_facts.state(self.child.pid)
        if state.startswith(("T", "t")):
            # Once it goes on, it may do so in Python code.
            return False
        ran = process_facts.processor_time(self.child.pid)
        # One that has only not had the processor may be in Python code, too.
        runs = state.startswith("R") and ran is not None and self.ran is not None
        return not runs or ran - self.ran > _RAN  # type: ignore[operator]  # both are numbers


class StackDumps:
    """Asks workers where they are, and passes on what they write.

    Args:
        say: Sends the dispatcher a message.
    """

    def __init__(self, say: Callable[[Stack], None]) -> None:
        self._say = say
        self._dumps: dict[int, _Dump] = {}

    def ask(self, child: WorkerProcess | None, question: ShowStack) -> None:
        """Has the question answered: at once, or by `look`."""
        if child is None or not child.is_at(
            (question.position, question.position + question.width)
        ):
            self._say(Stack(question.request))
        elif child.pid in self._dumps:
            self._dumps[child.pid].questions.append(question)
        elif obstacle := _obstacle(child):
            self._say(Stack(question.request, "", obstacle))
        else:
            child.output.forget_file()
            self._dumps[child.pid] = _Dump(child, question)
            os_support.kill(child.pid, STACK_WANTED)

    def due(self, now: float) -> float:
        """Returns when `look` is to be called, on the monotonic clock."""
        return now + _LOOK if self._dumps else math.inf

    def look(self) -> None:
        """Passes on what has been written meanwhile, or why nothing was."""
        now = time.monotonic()
        for dump in list(self._dumps.values()):
            data = dump.child.output.file()
            text = written_when_wanted(data)
            if not text and dump.forced and (forced := written_when_forced(data)):
                text = f"{forced}\n\n{_ONE_THREAD}"
            if text:
                self._answer(dump, text, "")
            elif now > dump.since + _PATIENCE:
                # As far as it came.
                self._answer(dump, for_people(data), "" if data else _silence(dump.child))
            elif now > dump.since + _PYTHONS and not (dump.forced or data) and dump.in_c_code():
                dump.forced = True
                os_support.kill(dump.child.pid, STACK_FORCED)

    def ended(self, child: WorkerProcess) -> None:
        """Answers that this worker, which has ended, is nowhere."""
        dump = self._dumps.pop(child.pid, None)
        for question in dump.questions if dump is not None else ():
            self._say(Stack(question.request))

    def _answer(self, dump: _Dump, text: str, obstacle: str) -> None:
        del self._dumps[dump.child.pid]
        between_jobs = waits_for_work(dump.child.output.file())
        dump.child.output.forget_file()
        if text and (children := process_facts.described_children(dump.child.pid)):
            text = "\n  ".join([f"{text}\n\nIts child processes:", *children])
        for question in dump.questions:
            calls = question.position, question.position + question.width
            if dump.child.is_at(calls) and not between_jobs:
                answer = Stack(question.request, text[:STACK_LENGTH], obstacle[:STACK_LENGTH])
            else:
                answer = Stack(question.request)
            self._say(answer)


def _obstacle(child: WorkerProcess) -> str:
    """Returns why a worker need not be asked, empty if it may answer."""
    pid = child.pid
    state = process_facts.state(pid)
    if state.startswith(("T", "t")):
        return f"process {pid} is stopped: its state is {state}"
    taken = _names(s for s in (STACK_WANTED, STACK_FORCED) if not process_facts.catches(pid, s))
    if taken:
        return f"process {pid} does not handle {taken} any more: the job has changed that"
    if not process_facts.has_open(pid, child.output.descriptor):
        return f"process {pid} has closed the file that it would write to: the job has done that"
    return ""


def _silence(child: WorkerProcess) -> str:
    """Returns what is known of a worker that does not answer."""
    pid = child.pid
    state, where = process_facts.state(pid), process_facts.waits_in(pid)
    blocked = _names(s for s in (STACK_WANTED, STACK_FORCED) if process_facts.blocks(pid, s))
    facts = [f"process {pid} does not answer"]
    if state:
        facts.append(f"its state is {state}{f' in {where}' if where else ''}")
    if blocked:
        facts.append(f"it blocks {blocked}")
    return "; ".join(facts)


def _names(signals: Iterable[int]) -> str:
    return " and ".join(f"signal {signum}" for signum in signals)
