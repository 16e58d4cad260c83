"""What is handed over to be shown is shown, whatever becomes of the thread that does it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from gridengine.dispatcher.printing import Printer


@pytest.fixture
def printer() -> Iterator[Printer]:
    made = Printer()
    yield made
    made.finish()


def in_a_thread(target: object) -> threading.Thread:
    thread = threading.Thread(target=target, daemon=True)  # type: ignore[arg-type]
    thread.start()
    return thread


def test_where_no_thread_can_be_had_the_end_shows_it(
    printer: Printer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_room(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_room)
        printer.show("stdout", "a\n")
        printer.show("stderr", "b\n")
        printer.settle(60.0)
        printer.finish()
    assert capsys.readouterr() == ("a\n", "b\n")
    assert not printer.pending


def test_as_soon_as_a_thread_can_be_had_it_is_shown(
    printer: Printer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_room(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_room)
        printer.show("stdout", "a\n")
    printer.settle()
    assert capsys.readouterr().out == "a\n"


def test_who_closes_a_dispatcher_does_not_wait_for_what_others_print_on(printer: Printer) -> None:
    goes_on = threading.Event()
    goes_on.set()

    def print_on() -> None:
        if goes_on.is_set():
            printer.call(print_on, 1)

    printer.call(print_on, 1)
    closing = in_a_thread(printer.finish)
    closing.join(30)
    alive = closing.is_alive()
    goes_on.clear()
    assert not alive


def test_what_is_stuck_is_waited_for_once(printer: Printer) -> None:
    goes_on = threading.Event()
    printer.call(goes_on.wait, 1)
    printer.settle(0.01)
    printer.show("stdout", "a\n")
    again = in_a_thread(lambda: printer.settle(60.0))
    again.join(30)
    alive = again.is_alive()
    goes_on.set()
    assert not alive


def test_a_stream_may_raise_what_it_likes(
    printer: Printer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Ending:
        def write(self, text: str) -> int:
            raise SystemExit(text)

    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", Ending())
        printer.show("stdout", "a\n")
        settling = in_a_thread(printer.settle)
        settling.join(30)
        assert not settling.is_alive()
    printer.show("stdout", "b\n")
    printer.settle()
    assert capsys.readouterr().out == "b\n"


def test_who_is_interrupted_amid_may_wait_again(printer: Printer) -> None:
    done = threading.Event()

    def handler_amid() -> None:
        with printer._changed:
            printer.show("stderr", "")
            printer.finish()
        done.set()

    in_a_thread(handler_amid)
    assert done.wait(30)
