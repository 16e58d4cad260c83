"""What a program has changed is seen at the next look; what it has not is not packed anew."""

from __future__ import annotations

import multiprocessing.managers
import os
import sys
import threading
import warnings
from collections.abc import Callable
from os import chdir
from pathlib import Path
from typing import Any

import pytest

from gridengine.serialization import context, functions
from gridengine.serialization.functions import pack_function


def parts() -> Any:
    return context.unpack(context.current())


def test_where_nothing_has_changed_the_context_is_the_very_same() -> None:
    first = context.current()
    assert context.current() is first
    assert context.current(hurried=True) is first


CHANGES: dict[str, tuple[str, Callable[[pytest.MonkeyPatch, Path], object]]] = {
    "a variable": ("environ", lambda patch, _: patch.setenv("GRIDENGINE_TEST_CONTEXT", "x")),
    "the directory": ("cwd", lambda patch, folder: patch.chdir(folder)),
    "the import path": ("sys_path", lambda patch, folder: patch.syspath_prepend(folder)),
    "the arguments": ("argv", lambda patch, _: patch.setattr(sys, "argv", ["program", "-v"])),
    "the filters": ("warnings", lambda *_: warnings.simplefilter("ignore", UserWarning)),
}


@pytest.mark.parametrize("hurried", [False, True])
@pytest.mark.parametrize(("part", "change"), CHANGES.values(), ids=list(CHANGES))
def test_a_change_is_seen_at_the_next_look_and_functions_travel_anew(
    part: str,
    change: Callable[[pytest.MonkeyPatch, Path], object],
    hurried: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    context.current(hurried=hurried)
    before, packed = parts(), pack_function(os.path.join)
    change(monkeypatch, tmp_path)
    context.current(hurried=hurried)
    changed = {name for name, value in parts().items() if value != before[name]}
    # Entries of the path that are relative depend on the directory.
    assert part in changed <= {part, "sys_path"}
    again = pack_function(os.path.join)
    assert (again.payload, again.context) == (packed.payload, context.current())
    assert again.key != packed.key


@pytest.mark.parametrize("hurried", [False, True])
def test_a_directory_is_seen_to_change_by_whatever_name_the_program_changes_it(
    hurried: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(os.getcwd())
    context.current(hurried=True)
    chdir(tmp_path)
    assert context.unpack(context.current(hurried=hurried))["cwd"] == str(tmp_path)
    assert os.chdir is chdir


def test_who_looks_while_another_thread_notes_a_change_has_it_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context.current()
    real, seen, others = context._pack, [], []

    def pack_slowly(record: Any) -> bytes:
        other = threading.Thread(target=lambda: seen.append(context.current()))
        others.append(other)
        other.start()
        # It ends soon only if it takes what was there before.
        other.join(0.1)
        return real(record)

    with monkeypatch.context() as patch:
        patch.setattr(context, "_pack", pack_slowly)
        monkeypatch.setenv("GRIDENGINE_TEST_THREADS", "x")
        here = context.current()
    others[0].join(10)
    assert seen == [here]


def test_a_function_that_was_packed_while_something_changed_is_packed_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = functions.pack

    def pack_late(*args: Any) -> Any:
        monkeypatch.setenv("GRIDENGINE_TEST_MEANWHILE", "x")
        # As another thread that starts a job.
        context.current()
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(functions, "pack", pack_late)
        old = pack_function(os.path.join)
    new = pack_function(os.path.join)
    assert old.context != new.context == context.current()
    assert old.key != new.key


def test_a_variable_that_new_workers_have_from_their_start_is_told_to_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "GRIDENGINE_TEST_OTHERS"
    context.current()
    monkeypatch.setenv(name, "x")
    context.note_environment()
    assert parts()["environ"][name] == "x"


def test_a_variable_that_only_new_workers_have_is_taken_from_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "GRIDENGINE_TEST_NEW"
    context.current()
    monkeypatch.setenv(name, "x")
    context.note_environment()
    monkeypatch.delenv(name)
    assert parts()["environ"][name] is None


def test_a_program_whose_directory_was_removed_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert parts()["cwd"] is None


def test_the_key_of_multiprocessing_travels_and_is_not_shown() -> None:
    assert multiprocessing.managers
    key = bytes(multiprocessing.current_process().authkey)
    assert parts()["authkey"] == key
    assert repr(key) not in repr(pack_function(os.path.join))


def test_filters_name_their_categories() -> None:
    class Mine(UserWarning):
        pass

    warnings.filterwarnings("error", "a message", Mine, lineno=3)
    action, message, category, module, line = parts()["warnings"][0]
    assert (action, message.pattern, module, line) == ("error", "a message", None, 3)
    assert category == (__name__, Mine.__qualname__)
