"""What a function relies on is in the worker as it is in the program when the job is started."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine import Job, JobDied
from gridengine.schedulers import ProcessScheduler


class OwnWarning(UserWarning):
    """A category that no worker has imported."""


def _wait_for(path: Path) -> None:
    end = time.monotonic() + 20
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.005)


def _run(scheduler: ProcessScheduler, target: Any, *args: Any) -> Any:
    job = Job(target=target, args=args, scheduler=scheduler)
    job.start()
    return job.result


def test_variables_that_come_change_and_go_follow(
    laptop: ProcessScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in ("a", "b"):
        monkeypatch.setenv("OF_THE_TEST", value)
        assert _run(laptop, os.getenv, "OF_THE_TEST") == value
    monkeypatch.delenv("OF_THE_TEST")
    assert gridengine.map(os.getenv, ["OF_THE_TEST"] * 9, scheduler=laptop) == [None] * 9


def test_a_variable_follows_to_the_workers_of_every_scheduler(
    laptop: ProcessScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run(laptop, os.getenv, "OF_ALL") is None
    monkeypatch.setenv("OF_ALL", "x")
    with ProcessScheduler(1) as another:
        assert _run(another, os.getenv, "OF_ALL") == "x"
        assert _run(laptop, os.getenv, "OF_ALL") == "x"
        monkeypatch.delenv("OF_ALL")
        assert _run(another, os.getenv, "OF_ALL") is None


def test_each_of_many_jobs_has_the_directory_and_the_variable_that_it_was_started_with(
    laptop: ProcessScheduler, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMBER", "none")
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    jobs = []
    for number in range(60):
        os.chdir(folders[number % 3])
        os.environ["NUMBER"] = str(number // 2)
        jobs.append(Job(target=lambda: (os.getcwd(), os.environ["NUMBER"]), scheduler=laptop))
        jobs[-1].start()
    expected = [(str(folders[number % 3]), str(number // 2)) for number in range(60)]
    assert [job.result for job in jobs] == expected


def test_a_map_that_goes_on_after_a_change_keeps_what_it_was_started_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def items() -> Iterator[str]:
        yield "OF_LATER"
        monkeypatch.setenv("OF_LATER", "x")
        assert gridengine.map(os.getenv, ["OF_LATER"], scheduler=scheduler) == ["x"]
        yield "OF_LATER"

    with ProcessScheduler(1) as scheduler:
        assert gridengine.map(os.getenv, items(), scheduler=scheduler) == [None, None]


def test_what_a_job_sets_stays_as_long_as_the_program_changes_nothing_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def changes() -> None:
        os.environ["OF_A_JOB"] = "x"
        os.chdir("/")

    with ProcessScheduler(1) as scheduler:
        _run(scheduler, changes)
        monkeypatch.setenv("OF_THE_TEST", "y")
        look = lambda: (os.environ.get("OF_A_JOB"), os.environ["OF_THE_TEST"], os.getcwd())  # noqa: E731
        assert _run(scheduler, look) == ("x", "y", "/")
        monkeypatch.chdir(tmp_path)
        assert _run(scheduler, look) == ("x", "y", str(tmp_path))


def test_a_module_is_found_where_the_program_finds_it_since(
    laptop: ProcessScheduler, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert _run(laptop, abs, -1) == 1
    (tmp_path / "found_since.py").write_text("def f(): return __file__\n")
    monkeypatch.syspath_prepend(tmp_path)
    from found_since import f  # type: ignore[import-not-found]

    assert _run(laptop, f) == str(tmp_path / "found_since.py")
    del sys.modules["found_since"]


def test_arguments_recursion_limit_and_filters_follow(
    laptop: ProcessScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = sys.getrecursionlimit()
    monkeypatch.setattr(sys, "argv", ["program", "--flag"])

    def look() -> Any:
        with pytest.raises(OwnWarning):
            warnings.warn("of mine", OwnWarning, stacklevel=1)
        warnings.warn("not of mine", UserWarning, stacklevel=1)
        return sys.argv, sys.getrecursionlimit()

    warnings.simplefilter("ignore")
    warnings.simplefilter("error", OwnWarning)
    try:
        sys.setrecursionlimit(limit + 123)
        assert _run(laptop, look) == (["program", "--flag"], limit + 123)
    finally:
        sys.setrecursionlimit(limit)


def test_a_filter_for_warnings_of_a_module_does_not_have_workers_import_it() -> None:
    warnings.simplefilter("ignore", pytest.PytestWarning)
    with ProcessScheduler(1) as scheduler:
        assert _run(scheduler, eval, "'pytest' in __import__('sys').modules") is False


def test_a_folder_that_is_gone_is_said_and_the_job_runs_where_the_worker_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    with ProcessScheduler(1) as scheduler:
        was = _run(scheduler, os.getcwd)
        before = Job(target=_wait_for, args=(tmp_path / "go on",), scheduler=scheduler)
        before.start()
        monkeypatch.chdir(gone)
        job = Job(target=os.getcwd, scheduler=scheduler)
        job.start()
        gone.rmdir()
        (tmp_path / "go on").touch()
        assert job.result == was
    assert "the program's cwd is not had here" in capfd.readouterr().err


def test_proxies_of_a_manager_work_in_jobs(laptop: ProcessScheduler) -> None:
    with multiprocessing.Manager() as manager:
        numbers = manager.dict()
        gridengine.map(lambda x: numbers.update({x: x * x}), range(5), scheduler=laptop)
        assert dict(numbers) == {x: x * x for x in range(5)}


def test_a_worker_in_the_midst_of_a_long_job_is_replaced_after_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    source, go_on = tmp_path / "long_job.py", tmp_path / "go_on"
    text = (
        "import os, time\n"
        "def slow(path):\n"
        "    open(path + ' began', 'w').close()\n"
        "    while not os.path.exists(path): time.sleep(0.005)\n"
        "    return value()\n"
        "def value(): return os.getpid(), {}\n"
    )
    source.write_text(text.format("'old'"))
    import importlib

    module = importlib.import_module("long_job")
    try:
        with ProcessScheduler(1) as scheduler:
            slow = Job(target=module.slow, args=(str(go_on),), scheduler=scheduler)
            slow.start()
            _wait_for(tmp_path / "go_on began")
            source.write_text(text.format("'changed'"))
            importlib.reload(module)
            after = Job(target=module.value, scheduler=scheduler)
            after.start()
            go_on.touch()
            (old, was), (new, now) = slow.result, after.result
            assert (was, now) == ("old", "changed")
            assert old != new
            assert _run(scheduler, os.getpid) == new
    finally:
        del sys.modules["long_job"]


def test_a_worker_that_a_job_ends_with_status_0_is_replaced() -> None:
    with ProcessScheduler(1) as scheduler:
        for _ in range(2):
            job = Job(target=os._exit, args=(0,), scheduler=scheduler)
            job.start()
            assert isinstance(job.exception, JobDied)
        assert _run(scheduler, abs, -1) == 1
