"""The worker: takes blocks of calls, runs them, sends the outcomes."""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import signal
import time
from collections.abc import Callable
from typing import Any, TypeVar

from .. import nesting
from ..serialization.batches import are_plain, unpack_each
from ..serialization.function_options import FunctionWithOptions
from ..serialization.packed import ShortOfMemory
from ..serialization.serializer import pack, unpack
from ..settings import FLUSH_SECONDS, SLICE_SECONDS
from ..states import Mode
from ..transport import messages
from ..transport.borrowed import OpenArena, insert_borrowed
from ..transport.messages import Beat, Call, Ready, Run, Stop, Unseen
from ..transport.shared_memory import Arena
from . import os_support
from .calls import Items, Span, is_success, next_width, pack_failure, pack_values, run_slice
from .connection import Connection
from .hooks import speak_to_program
from .known_functions import KnownFunctions
from .outbox import Outbox
from .output import Output
from .printed_by_calls import PrintedByCalls
from .progress_page import MAX_WIDTH, ProgressPage
from .termination import RESULTS_WANTED, Terminated, Termination

T = TypeVar("T")


class Worker:
    """Runs calls until it is told to leave.

    Args:
        connection: To the dispatcher. It gives up waiting after a heartbeat, so that a worker
            without work says that it has none.
        page: Shared with the supervisor.
        output: Shared with it too.
        termination: Whether this process shall end.
        on_deadline: Called when a job with a time limit begins, or what it has logged waits.
        functions: Those that it will be sent.
        arena: Memory that the program sees too.
    """

    def __init__(
        self,
        connection: Connection,
        page: ProgressPage,
        output: Output,
        termination: Termination,
        on_deadline: Callable[[], None],
        functions: KnownFunctions,
        arena: Arena | None = None,
    ) -> None:
        self._connection = connection
        self._page = page
        self._termination = termination
        self._on_deadline = on_deadline
        self._functions = functions
        self._arena = arena
        self._theirs: dict[str, OpenArena] = {}
        # Calls in a slice, as the last task left it, and of which function that was.
        self._width = b"", 1
        # While calls of a map run: the task, those of it that are not answered for, the first of
        # the slice, and when that was.
        self._running: tuple[Call, Span, int, float] | None = None
        self._outbox = Outbox(connection, page, arena, on_deadline)
        self._records = self._outbox.records
        self._printed = PrintedByCalls(output, self._outbox)
        self._pid = os.getpid()
        self._parent = os.getppid()

    def run(self, *, once: bool = False) -> None:
        """Works until the dispatcher says that it is enough, or for one block.

        Raises:
            MemoryError: It cannot bring a call its arguments, or away its result, for want of
                memory; how much is noted for the supervisor. What was done before is answered for.
            Terminated: This process shall end; so is what was done before.
        """
        try:
            self._work(once=once)
        except Terminated:
            # The jobs that are done are not to run again; where that cannot be said, they are.
            with contextlib.suppress(Exception):
                self._outbox.say_last_words()
            # What they have started gets to clear up, too, as long as their own grace lasts.
            with contextlib.suppress(Exception):
                if nesting.opened is not None:
                    nesting.opened.end()
            raise
        except MemoryError as error:
            self._note_shortage(error)
            self._outbox.drain()
            raise

    def _work(self, *, once: bool) -> None:
        where = self._arena.path if self._arena is not None else ""
        self._outbox.say(Ready(self._pid, where))
        signal.signal(RESULTS_WANTED, self._on_results_wanted)
        speak_to_program(self._records)
        while True:
            message, frames = self._receive()
            if type(message) is Run:
                self._run_block(message, frames)
                # Before the answer is sent, which also says what memory is not used any more.
                del message, frames
                if once:
                    self._printed.check()
                    self._outbox.flush()
                    # Nobody else could say it again.
                    self._outbox.drain()
                    break
            elif type(message) is Unseen:
                if self._arena is not None:
                    self._arena.close()
                self._arena = None
                self._outbox.share_nothing()
            elif type(message) is Stop:
                self._outbox.flush()
                self._page.set_leaving(replaced=message.replaced)
                break
        if nesting.opened is not None:
            nesting.opened.close()

    def _note_shortage(self, error: MemoryError) -> None:
        nbytes = error.nbytes if isinstance(error, ShortOfMemory) else resource.getpagesize()
        limited = resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
        self._page.set_shortage(nbytes + (os_support.address_space() if limited else 0))
        # What they refer to is in the way of the last words.
        each: BaseException | None = error
        while each is not None:
            each.__traceback__ = None
            each = each.__context__
        self._outbox.flush()

    def _receive(self) -> tuple[object, list[Any]]:
        """Returns the next message; says what is done, and rests, if there is none yet."""
        if not self._undisturbed(self._connection.ready):
            self._printed.check()
            self._outbox.flush()
        message = self._undisturbed(self._connection.receive)
        while message is None:
            self._while_idle()
            message = self._undisturbed(self._connection.receive)
        header, *frames = message
        return messages.decode_to_node(header), frames

    def _undisturbed(self, receive: Callable[[], T]) -> T:
        # A signal's handler may send nothing meanwhile.
        self._outbox.receiving = True
        try:
            return receive()
        finally:
            self._outbox.receiving = False

    def _while_idle(self) -> None:
        if os.getppid() != self._parent:
            # Where the kernel does not end a worker with its supervisor.
            os._exit(1)
        # What a thread has logged that its job has left behind.
        self._outbox.flush()
        self._outbox.say(Beat(), sign_of_life=True)
        if self._arena is not None:
            self._arena.trim()
        if nesting.opened is not None:
            nesting.opened.rest()

    # ------------------------------------------------------------------ a block

    def _run_block(self, block: Run, frames: list[Any]) -> None:
        for offset in block.released:
            self._outbox.take_back(offset)
        if block.shared:
            insert_borrowed(
                frames, block.shared, self._open(block.arena), self._outbox.released.append
            )
        self._functions.forget(block.forget)
        at = 0
        if block.calls:
            # On whose account it is what is done from here on.
            self._records.task = block.calls[0].task
        if block.functions:
            # To unpack a function may be the end already: then its first call has done it.
            self._page.claim(block.position, 1)
        for definition in block.functions:
            self._functions.learn(definition, frames[at : at + definition.frames])
            at += definition.frames
        if block.functions:
            self._end_call()
        position = block.position
        for call in block.calls:
            own = frames[at : at + call.frames]
            if own:
                # Who unpacks them shall be the only one to hold them.
                frames[at : at + call.frames] = [None] * call.frames
                at += call.frames
            self._records.task = call.task
            self._printed.be_quiet(call.quiet)
            self._functions.enter_context_of(call.function)
            if call.mode == Mode.CALL:
                self._run_single(call, own, position)
            else:
                self._run_many(call, own, position)
            position += call.hi - call.lo
            if time.perf_counter() - self._outbox.flushed > FLUSH_SECONDS:
                self._printed.check()
                self._outbox.flush()

    def _open(self, arena: str) -> OpenArena:
        if arena not in self._theirs:
            self._theirs[arena] = OpenArena(arena)
        return self._theirs[arena]

    def _run_single(self, call: Call, frames: list[Any], position: int) -> None:
        if self._page.claim(position, 1) == position:
            return
        if call.timeout:
            self._page.set_deadline(time.monotonic() + call.timeout)
            self._on_deadline()
        cpu = time.process_time()
        begin = time.perf_counter()
        failures = {}
        final = short = False
        try:
            args, kwargs = unpack(call.payload, frames)
            if frames:
                frames.clear()
            value = self._functions[call.function](*args, **kwargs)
            packed, buffers = pack(value, "the result", upward=True)
        except ShortOfMemory:
            raise
        except BaseException as error:
            self._end_call()
            packed, buffers = b"", ()
            if not is_success(error):
                failures[0], short = pack_failure(error), os_support.was_kept_from_memory(error)
                options = self._functions.options_of(call.function)
                final = self._functions.is_broken(call.function) or (
                    options is not None and not options.may_be_tried_again(error)
                )
            else:
                packed = pickle.dumps(None)
        else:
            self._end_call()
        wall = time.perf_counter() - begin
        if call.timeout:
            self._page.set_deadline(0)
        cpu = time.process_time() - cpu
        self._printed.note(call, 0, 1, wall, over=True)
        self._outbox.add(call, 0, 1, packed, buffers, failures, wall, cpu, final, short)

    def _run_many(self, call: Call, frames: list[Any], position: int) -> None:
        """Runs the calls of a map."""
        try:
            items = (unpack_each if call.apart else unpack)(call.payload, frames)
            function = self._functions[call.function]
        except ShortOfMemory:
            raise
        except BaseException as error:
            self._end_call()
            self._fail_all(call, position, pack_failure(error))
            return
        options = self._functions.options_of(call.function)
        if options is None or options.seed is None:
            self._run_items(call, position, function, call.mode, items, options)
            return
        # Not imported for who does not need it.
        from .seeds import NumberedItems, SeededCalls, streams_of

        seeded = SeededCalls(function, call.mode, options.seed)
        with streams_of(options.seed):
            numbered = NumberedItems(items, call.first)
            self._run_items(call, position, seeded, Mode.STARMAP, numbered, options)

    def _run_items(
        self,
        call: Call,
        position: int,
        function: Callable[..., Any],
        mode: int,
        items: Items,
        options: FunctionWithOptions | None,
    ) -> None:
        """Runs calls in slices, each noted before it begins.

        A slice is as many calls as take about a millisecond: one, if they are slow.
        """
        clock = time.perf_counter
        span = Span(call.lo, options)
        at, width = call.lo, self._usual_width(call.function)
        # Whose time it is, or who is guilty, is known of one call at a time.
        apart = call.one_at_a_time or call.timeout
        while at < call.hi:
            start = position + at - call.lo
            end = self._page.claim(start, 1 if apart else min(width, call.hi - at))
            if end == start:
                break
            begin = clock()
            if call.timeout:
                self._page.set_deadline(time.monotonic() + call.timeout)
                self._on_deadline()
            span.end = at + end - start
            self._running = call, span, at, begin
            at = run_slice(function, mode, items, at, span, call.fail_fast, self._end_call)
            self._running = None
            now = clock()
            if call.timeout:
                self._page.set_deadline(0)
            width = next_width(width, now - begin)
            if span.failures and call.fail_fast:
                # The host takes the rest for not begun.
                break
            if at < call.hi and now - max(self._outbox.flushed, span.begin) > FLUSH_SECONDS:
                self._printed.note(call, span.lo, at, now - span.begin, over=False)
                self._answer(call, span, at)
                self._outbox.flush()
                span = Span(at, options)
        self._width = call.function, width
        self._printed.note(call, span.lo, at, clock() - span.begin, over=True)
        if span.first < at:
            self._answer(call, span, at)

    def _on_results_wanted(self, *_: object) -> None:
        """Handles the signal that comes while a call lasts: it is to hold up no other one.

        What those before it in its slice returned is sent; those behind it may be run by others.
        """
        if self._running is not None and self._outbox.can_send:
            call, span, at, begin = self._running
            span.cut()
            # What somebody else takes back now is not in the list any more.
            self._page.narrow(span.end - at)
            # Those of the slice may have started jobs, which are waited for when it ends.
            end = span.now if nesting.opened is None else at
            # Not objects of any class: to pack them may need a lock that this very call holds.
            if span.first < end and are_plain(span.values):
                # When the call that lasts has begun is not known, but that a slice is short.
                when = begin if end == at else min(time.perf_counter(), begin + SLICE_SECONDS)
                wall = max(0.0, when - span.begin)
                cpu = min(wall, time.process_time() - span.cpu)
                self._answer_for(call, span, end, wall, cpu)
                span.answered(end, when, cpu)
        self._outbox.flush_within_a_call()

    def _usual_width(self, function: bytes) -> int:
        # A task goes on where the one before it was, if it is of the same function: to find the
        # width anew takes longer than to make a hundred trivial calls.
        known, width = self._width
        return width if known == function else 1

    def _fail_all(self, call: Call, position: int, failure: bytes) -> None:
        """Answers for calls that cannot be run: for those that were not taken back meanwhile."""
        final = self._functions.is_broken(call.function)
        at = call.lo
        while at < call.hi:
            start = position + at - call.lo
            end = self._page.claim(start, min(call.hi - at, MAX_WIDTH))
            if end == start:
                return
            failures = dict.fromkeys(range(at, at + end - start), failure)
            self._outbox.add(call, at, at + end - start, b"", (), failures, 0.0, 0.0, final)
            at += end - start

    def _answer(self, call: Call, span: Span, end: int) -> None:
        wall, cpu = time.perf_counter() - span.begin, time.process_time() - span.cpu
        self._answer_for(call, span, end, wall, cpu)

    def _answer_for(self, call: Call, span: Span, end: int, wall: float, cpu: float) -> None:
        # What may be tried again is answered for by itself: what stands beside it is not.
        for lo, hi, failures, final, short in span.parts(end):
            share = (hi - lo) / (end - span.first)
            values = span.values[lo - span.lo : hi - span.lo]
            packed, buffers = pack_values(values, lo, failures)
            self._outbox.add(
                call, lo, hi, packed, buffers, failures, wall * share, cpu * share, final, short
            )

    def _end_call(self) -> None:
        # A job that forked, and whose child came back here, has made a second worker of itself.
        if os.getpid() != self._pid:
            os._exit(0)
        # Whatever the job has made of that.
        if self._termination.asked:
            raise Terminated
        # As a process waits for its own, a job for the jobs that it has started.
        if nesting.opened is not None:
            nesting.opened.wait()
