"""Who says what to whom: the drawing, one message for each line of it, and bytes ↔ message.

::

      HOST                                      NODE (or this laptop)

      Dispatcher                                Supervisor
       │ ◀────────────────────────────── Probe ── │  "are you there?", at every address
       │ ── Here ──────────────────────────────▶ │
       │ ◀───────────────────────── Supervising ── │  "I am queue job 17.3 on node2"
       │ ── Staff(3) ──────────────────────────▶ │  "have three workers"
       │                                          │ fork()
       │                                          ▼
       │                                        Worker
       │ ◀────────────────────────────── Ready ── │  "I am worker 2 of that supervisor"
       │ ── Unseen ────────────────────────────▶ │  "I cannot see your memory: send all"
       │ ── Run(functions, calls) ─────────────▶ │  a block of work; the next one may
       │ ── Run(…) ────────────────────────────▶ │  be sent before the first is done
       │ ◀───────────────────────────── Logged ── │  what calls have logged and warned of so far
       │ ◀─────────────────────────────── Done ── │  the outcomes of some calls
       │ ── Stop ──────────────────────────────▶ │  "end, you are not needed", or "leave your
       │                                          │  place to one that has imported nothing yet"
       │
       │                                        Supervisor
       │ ◀─────────────────────────────── Beat ── │  every few seconds, as an idle worker's
       │ ── Beat ──────────────────────────────▶ │  the answer
       │ ◀──────────────────── Sampled(worker, …) ─ │  what workers use, every few seconds, too
       │ ◀──────────────────── Died(worker, …) ── │  how a worker ended, and where it was
       │ ── Recall(worker) ────────────────────▶ │  "let it begin nothing more"
       │ ◀─────────────────────── Recalled(at) ── │  "it will begin nothing from there on"
       │ ── Signal(worker, position) ──────────▶ │  terminate() and kill() of a running job
       │ ── ShowStack(worker, position) ───────▶ │  "where is it now?"
       │ ◀──────────────────────── Stack(text) ── │  the stack of its threads, or why there is none
       │ ◀────────────── Printing(worker, …) ── │  what a call that runs has printed; of one
       │                                          │  that is over, the rest comes with `Done`
       │ ── OutputHeard(bytes) ────────────────▶ │  "so much more of it may come"
       │ ── Stop ──────────────────────────────▶ │  "end, with all your workers"

`Probe` and `Here` may be lost. All others arrive, once and in the order in which one side has sent
them to the other: on one host by the socket, over a network by `gridengine.transport.link`. A
supervisor and its workers have connections of their own: what is said on one of them may be heard
before what was said earlier on another.

All calls handed to one worker are numbered in order, its *positions*. The worker notes the
position that it is at in a page of memory which it shares with its supervisor, so the supervisor
knows it whatever the job does to the worker, and can take back what has not begun without
the worker's help.

One frame with the typed message is followed by the large buffers. A worker never hears from another
worker, and the host unpickles nothing before the typed message has been validated.
"""

from __future__ import annotations

import contextlib
from typing import Annotated, Any, Union

import msgspec
from msgspec import Meta, Struct

from .logged import Logged
from .numbers import Count, Seconds
from .output_messages import OutputHeard, Printed, Printing
from .sample_messages import Sampled

VERSION = 7
"""Grows when two sides of different versions could misunderstand each other."""


STACK_LENGTH = 65536
"""Characters of a `Stack`, at most."""

Version = Annotated[str, Meta(max_length=80, pattern=r"^[ -~]*\Z")]
"""A version, or the name of what has one: people read it."""

LoanPlace = tuple[Count, Count, Count]
"""A buffer that lies in the sender's arena, instead of following as a frame: where it belongs
among the frames, its offset in the arena, its size."""


class Call(Struct, array_like=True, gc=False):
    """The calls ``lo`` to ``hi`` of a task, for one attempt.

    An empty payload stands for the first of its frames. ``first`` is the number within its map of
    the task's own first call. What ``quiet`` calls print nobody wants to see.
    """

    task: Count
    attempt: Count
    function: bytes
    mode: int
    lo: Count
    hi: Count
    payload: bytes
    frames: Count
    timeout: Seconds = 0.0
    one_at_a_time: bool = False
    fail_fast: bool = False
    apart: bool = False
    first: Count = 0
    quiet: bool = False


INITIALIZER = b"initializer"
"""The key of what a worker calls at once, before all else."""


class FunctionDefinition(Struct, array_like=True, gc=False):
    """A function that the worker has not heard of yet, and the context in which to call it.

    One with ``content`` is to be kept under that name; without frames, it is what is kept there.
    The `INITIALIZER` comes first of all, and once.
    """

    key: bytes
    payload: bytes
    frames: Count
    context: bytes = b""
    content: bytes = b""


class Result(Struct, array_like=True, gc=False):
    """The outcome of the calls ``lo`` to ``hi`` of a task.

    What is ``final`` is not to be tried again, whatever the task says; what is ``short`` had less
    memory than it wanted, where that is limited.
    """

    task: Count
    attempt: Count
    lo: Count
    hi: Count
    payload: bytes
    frames: Count
    failures: dict[int, bytes]
    wall: Seconds
    cpu: Seconds
    peak_memory: Count
    final: bool = False
    short: bool = False


class Probe(Struct, tag="probe", array_like=True, frozen=True):
    """Are you there?"""


class Here(Struct, tag="here", array_like=True, frozen=True):
    """The answer to a `Probe`."""


class Supervising(Struct, tag="supervising", array_like=True, frozen=True):
    """A supervisor's first word; it has ``time_left`` seconds, 0 for no limit.

    Each of its workers may have ``memory_limit`` bytes, 0 for no limit. The fields up to ``pid``
    stay as they are in every `VERSION`, so that another one can be told. Those of versions are as
    `gridengine.transport.versions` says them.
    """

    version: Count
    queue_job: str
    kind: Count
    host: str
    pid: Count
    time_left: Seconds = 0.0
    python: Version = ""
    gridengine: Version = ""
    libraries: Annotated[dict[Version, Version], Meta(max_length=20)] = {}
    memory_limit: Count = 0


class _OtherVersion(Struct, tag="supervising", array_like=True, frozen=True):
    """What every `VERSION` of a `Supervising` begins with."""

    version: Count
    queue_job: str
    kind: Count
    host: str
    pid: Count


class Staff(Struct, tag="staff", array_like=True, frozen=True):
    """Have so many workers."""

    workers: Count


class Ready(Struct, tag="ready", array_like=True, frozen=True):
    """A worker's first word."""

    pid: Count
    arena: str = ""


class Unseen(Struct, tag="unseen", array_like=True, frozen=True):
    """The worker's arena cannot be opened: nothing shall be lent."""


class Run(Struct, tag="run", array_like=True, gc=False):
    """A block of work; its first call has ``position``."""

    block: Count
    position: Count
    functions: list[FunctionDefinition]
    forget: list[bytes]
    calls: list[Call]
    shared: list[LoanPlace] = []
    released: list[Count] = []
    arena: str = ""


class Done(Struct, tag="done", array_like=True, gc=False):
    """The outcomes of some calls.

    ``space`` is the address space that the queue job of the worker has needed at most, 0 if that is
    not told.
    """

    results: list[Result]
    shared: list[LoanPlace] = []
    released: list[Count] = []
    printed: list[Printed] = []
    space: Count = 0


class Beat(Struct, tag="beat", array_like=True, frozen=True):
    """A sign of life, and its answer."""


class Died(Struct, tag="died", array_like=True, frozen=True):
    """How worker number ``worker`` ended.

    ``status`` is its exit code, -N for signal N. It was at ``position``, and at any of the
    ``width`` calls from there, and had begun to send ``sent`` messages. ``reason`` is why the
    supervisor itself ended it, or what the kernel says, a `gridengine.states.DeathCause` value or
    ``timeout`` or ``signal``; ``replaced`` if another one takes its place, and empty if it was
    told to end and did. ``needed_memory`` is what it would have needed, if it is known that it had
    too little, and ``granted_memory`` what it may have, 0 if not limited. ``cpu`` is the time
    that it has had of processors, with the children for which it has waited.
    """

    worker: Count
    status: int
    position: Count
    width: Count
    reason: str
    peak_memory: Count
    sent: Count = 0
    output: str = ""
    needed_memory: Count = 0
    granted_memory: Count = 0
    cpu: Seconds = 0.0


class Recall(Struct, tag="recall", array_like=True, frozen=True):
    """Begin nothing more before position ``end``.

    But if nothing has been begun from ``start`` on, what stands before ``keep`` may be.
    """

    worker: Count
    end: Count
    start: Count = 0
    keep: Count = 0


class Recalled(Struct, tag="recalled", array_like=True, frozen=True):
    """Nothing from ``position`` to ``end``, that of the recall, will be begun."""

    worker: Count
    position: Count
    end: Count


class Signal(Struct, tag="signal", array_like=True, frozen=True):
    """End any of the ``width`` calls from ``position`` on with a signal, if one of them runs.

    ``reason`` is that of its `Died`, if it is not that the program has asked for the end of a job.
    """

    worker: Count
    position: Count
    width: Count
    signum: int
    reason: str = ""


class ShowStack(Struct, tag="show stack", array_like=True, frozen=True):
    """Say where a worker is, if it runs any of the ``width`` calls from ``position`` on.

    The answer is a `Stack` with the number of this ``request``.
    """

    request: Count
    worker: Count
    position: Count
    width: Count


class Stack(Struct, tag="stack", array_like=True, frozen=True):
    """Where a worker is: ``text`` for people, or what has been in the way of one.

    Both are empty if it does not run what was asked about.
    """

    request: Count
    text: Annotated[str, Meta(max_length=STACK_LENGTH)] = ""
    obstacle: Annotated[str, Meta(max_length=STACK_LENGTH)] = ""


class Stop(Struct, tag="stop", array_like=True, frozen=True):
    """End: a worker by itself, a supervisor with all its workers.

    A worker may have to leave its place to another one, which has imported nothing yet.
    """

    replaced: bool = False


ToHost = Union[
    Probe, Supervising, Ready, Logged, Done, Beat, Sampled, Died, Recalled, Stack, Printing
]  # fmt: skip
ToNode = Union[Here, Staff, Unseen, Run, Beat, Recall, Signal, ShowStack, Stop, OutputHeard]

_encoder = msgspec.msgpack.Encoder()
_to_host: msgspec.msgpack.Decoder[ToHost] = msgspec.msgpack.Decoder(ToHost)
_of_another_version = msgspec.msgpack.Decoder(_OtherVersion)
_to_node: msgspec.msgpack.Decoder[ToNode] = msgspec.msgpack.Decoder(ToNode)

encode = _encoder.encode

# Text that is no UTF-8 msgspec reports as Python does.
_RUBBISH = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class ProtocolError(Exception):
    """What arrived is no message of this protocol."""


def decode_to_host(frame: Any) -> ToHost:
    """Returns the message for the host in ``frame``.

    Of a supervisor that speaks another `VERSION` it is as much of its first word as they share.

    Raises:
        ProtocolError: There is none.
    """
    try:
        return _to_host.decode(frame)
    except _RUBBISH as error:
        with contextlib.suppress(*_RUBBISH):
            other = _of_another_version.decode(frame)
            if other.version != VERSION:
                return Supervising(*msgspec.structs.astuple(other))
        raise ProtocolError(str(error)) from None


def decode_to_node(frame: Any) -> ToNode:
    """Returns the message for a supervisor or worker in ``frame``.

    Raises:
        ProtocolError: There is none.
    """
    try:
        return _to_node.decode(frame)
    except _RUBBISH as error:
        raise ProtocolError(str(error)) from None
