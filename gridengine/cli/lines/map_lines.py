"""Lines in, calls, lines out: what ``gridengine map`` does."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from importlib.util import find_spec
from typing import Any, TextIO

from ...client.map_runs import MapRuns
from ...client.replay import call_number
from ...client.stream_control import StreamControl
from ...errors import GridEngineError
from ...logs import printable
from ...schedulers import current
from ...schedulers.base import Scheduler
from ..targets import function_of
from .calls import LineCall
from .failures import Failures, describe, is_of_a_call
from .sink import Sink
from .source import InputLines

#: The exit status where calls of some lines have failed, and the others are done.
SOME_FAILED = 3


def map_lines(given: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Maps, and returns the exit status.

    Args:
        given: What the command line says: see `gridengine.cli.commands.map`.
        variables: What it says about the scheduler, as variables of the environment.

    Raises:
        GridEngineError: There is no such function, or the scheduler cannot be used.
        OSError: A file cannot be read or written.
    """
    os.environ.update(variables)
    with contextlib.ExitStack() as stack:
        sink = Sink(given.output)
        # Between the results nobody could tell it from them.
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        function = function_of(given.function)
        control = StreamControl()
        descriptor = stack.enter_context(_opened(given.inputs))
        lines = InputLines(descriptor, control, blank=given.text)
        failures = Failures(given.errors)
        stack.callback(failures.close)
        runs = stack.enter_context(contextlib.closing(_runs(given, function, lines, control)))
        try:
            with sink:
                _write(runs, sink, failures, lines)
        except BaseException as error:
            _tell_of_unfinished(sink)
            if not is_of_a_call(error):
                raise
            sys.stderr.write(describe(error, _number(error, lines)))
            return 1
    if failures.count:
        lines_failed = f"{failures.count} of {lines.given} lines failed"
        sys.stderr.write(f"gridengine: {lines_failed}\n")
        return SOME_FAILED
    return 0


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    if path == "-":
        if sys.stdin is None:
            raise GridEngineError("standard input is closed; name a file of lines")
        yield sys.stdin.fileno()
        return
    with open(path, "rb", buffering=0) as file:
        yield file.fileno()


def _runs(
    given: argparse.Namespace,
    function: Callable[..., Any],
    lines: InputLines,
    control: StreamControl,
) -> Generator[list[Any], None, None]:
    return MapRuns(
        LineCall(function, text=given.text, star=given.star, raw=given.raw),
        (lines,),
        arriving=lines,
        reraise=not given.keep_going,
        ordered=not given.unordered,
        scheduler=_scheduler(),
        chunksize=given.chunksize,
        retries=given.retries,
        timeout_per_call=given.timeout,
        journal=given.journal,
        progress=given.function if _shows_progress(given) else False,
    ).start(control)


def _scheduler() -> Scheduler:
    try:
        return current()
    except ValueError as error:
        raise GridEngineError(str(error)) from None


def _shows_progress(given: argparse.Namespace) -> bool:
    if given.progress is not None:
        return bool(given.progress)
    if given.output is None and _is_terminal(sys.__stdout__):
        # There the results show it, and would be written over the bar.
        return False
    return _is_terminal(sys.stderr) and find_spec("tqdm") is not None


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _write(
    runs: Generator[list[Any], None, None], sink: Sink, failures: Failures, lines: InputLines
) -> None:
    for run in runs:
        done = [value for value in run if isinstance(value, bytes)]
        if len(done) < len(run):
            for value in run:
                if isinstance(value, BaseException):
                    failures.add(value, _number(value, lines))
        sink.write(done)


def _number(error: BaseException, lines: InputLines) -> int | None:
    index = call_number(error)
    return None if index is None else lines.number(index)


def _tell_of_unfinished(sink: Sink) -> None:
    if sink.unfinished:
        done = f"gridengine: what was done until then is in {sink.unfinished}\n"
        sys.stderr.write(printable(done))
