"""What jobs and maps ask for their calls: attempts, time, surroundings, random numbers."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine import Job, JobDied, JobState, JobTimeout
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler, Scheduler

from ..conftest import warm


@pytest.fixture(
    scope="module",
    params=["process", pytest.param("gridengine", marks=[pytest.mark.cluster, pytest.mark.slow])],
)
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """Each scheduler in turn, its workers shared by the tests of this file."""
    made: Scheduler
    if request.param == "process":
        made = ProcessScheduler(2)
    else:
        request.getfixturevalue("cluster")
        made = GridEngineScheduler(max_workers=2)
    with made:
        warm(made, 2)
        yield made


@pytest.fixture
def shared(scheduler: Scheduler, tmp_path: Path) -> Iterator[Path]:
    """A folder that the workers see, too."""
    if not scheduler.remote:
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(dir=Path.home()))
    yield folder
    shutil.rmtree(folder)


class Flaky(Exception):
    pass


class Worse(Flaky):
    pass


def attempt(folder: Path, name: object) -> int:
    """Notes an attempt, and returns its number."""
    with (folder / f"{name}").open("a") as file:
        file.write("x")
    return (folder / f"{name}").stat().st_size


def fails_at_first(folder: Path, name: object, times: int, error: BaseException) -> int:
    number = attempt(folder, name)
    if number <= times:
        raise error
    return number


def dies_at_first(folder: Path, name: object, times: int) -> int:
    number = attempt(folder, name)
    if number <= times:
        os._exit(7)
    return number


def ended(scheduler: Scheduler, target: Any, *args: Any, **options: Any) -> Job[Any]:
    job = Job(target=target, args=args, scheduler=scheduler, **options)
    job.start()
    assert job.exception is None or isinstance(job.exception, Exception)
    return job


# -- attempts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "raised", "attempts"),
    [
        ({}, OSError(), 1),
        ({"retries": 2}, OSError(), 3),
        ({"retry_on": OSError}, FileNotFoundError(), 2),
        ({"retry_on": (KeyError, OSError)}, OSError(), 2),
        ({"retry_on": (KeyError,)}, OSError(), 1),
        ({"retries": 2, "retry_on": (KeyError,)}, OSError(), 1),
        ({"retries": 3, "retry_on": (OSError,)}, OSError(), 4),
        ({"retries": 3, "retry_on": ()}, OSError(), 1),
        ({"retry_on": Flaky}, Worse(), 2),
    ],
)
def test_a_job_is_tried_again_after_the_exceptions_that_it_names(
    scheduler: Scheduler, shared: Path, options: Any, raised: BaseException, attempts: int
) -> None:
    job = ended(scheduler, fails_at_first, shared, "job", 99, raised, **options)
    assert type(job.exception) is type(raised)
    assert job.attempts == attempts == (shared / "job").stat().st_size
    [note] = job.exception.__notes__
    assert f"attempt {attempts} on" in note


def test_losses_and_exceptions_are_counted_apart(scheduler: Scheduler, shared: Path) -> None:
    def hapless() -> int:
        number = attempt(shared, "hapless")
        if number in (1, 3):
            os._exit(7)
        if number in (2, 4):
            raise Flaky
        return number

    job = ended(scheduler, hapless, retries=2, retry_on=Flaky)
    assert (job.result, job.attempts) == (5, 5)


def test_a_job_is_tried_again_after_losses_alone(scheduler: Scheduler, shared: Path) -> None:
    job = ended(scheduler, dies_at_first, shared, "lost", 3, retries=3, retry_on=())
    assert job.result == 4


def test_a_class_of_main_is_known_again_in_the_worker(scheduler: Scheduler, shared: Path) -> None:
    class Local(Exception):
        pass

    def raise_once() -> int:
        number = attempt(shared, "local")
        if number == 1:
            raise Local
        return number

    assert ended(scheduler, raise_once, retry_on=Local).result == 2


@pytest.mark.parametrize("reraise", [True, False])
@pytest.mark.parametrize("chunksize", [None, 7])
def test_a_map_tries_the_calls_again_that_failed_and_no_others(
    scheduler: Scheduler, shared: Path, reraise: bool, chunksize: int | None
) -> None:
    bad = {3, 4, 20, 39}

    def call(x: int) -> tuple[int, int]:
        number = attempt(shared, x)
        if x in bad and number == 1:
            raise Flaky(x)
        return x, number

    values = gridengine.map(
        call, range(40), scheduler=scheduler, retry_on=Flaky, reraise=reraise, chunksize=chunksize
    )
    assert values == [(x, 2 if x in bad else 1) for x in range(40)]


def test_a_map_gives_up_what_fails_too_often_or_by_something_else(
    scheduler: Scheduler, shared: Path
) -> None:
    def call(x: int) -> int:
        number = attempt(shared, x)
        if x == 5:
            raise KeyError(x)
        if x == 6:
            raise Flaky(x)
        return number

    values: list[Any] = gridengine.map(
        call, range(10), scheduler=scheduler, retries=2, retry_on=Flaky, reraise=False
    )
    assert [type(value) for value in values[5:7]] == [KeyError, Flaky]
    notes = [note for value in values[5:7] for note in value.__notes__]
    assert [note.partition("attempt ")[2][0] for note in notes] == ["1", "3"]
    assert [(shared / f"{x}").stat().st_size for x in range(10)] == [1] * 5 + [1, 3] + [1] * 3
    with pytest.raises(KeyError):
        gridengine.map(call, range(5, 6), scheduler=scheduler, retries=2, retry_on=Flaky)


def test_retries_of_a_map_are_for_any_exception_and_for_losses(
    scheduler: Scheduler, shared: Path
) -> None:
    def call(x: int) -> int:
        number = attempt(shared, x)
        if x == 1 and number <= 2:
            raise ValueError(x)
        if x == 2 and number <= 2:
            os._exit(7)
        return number

    values = list(gridengine.imap(call, range(4), scheduler=scheduler, retries=2, chunksize=1))
    assert values[1:3] == [3, 3]
    unordered = gridengine.imap_unordered(call, [0, 3], scheduler=scheduler, retries=0)
    assert len(list(unordered)) == 2
    with pytest.raises(JobDied):
        gridengine.map(
            lambda x: dies_at_first(shared, "gone", 1), [0], scheduler=scheduler, retries=0
        )


class Unreadable:
    """A function that fails to be made anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, _: object) -> None: ...

    def __reduce__(self) -> Any:
        return fails_at_first, (self.folder, "unreadable", 10, ValueError("unreadable"))


@pytest.mark.parametrize("many", [False, True])
def test_a_function_that_cannot_be_made_is_not_tried_again(
    scheduler: Scheduler, shared: Path, many: bool
) -> None:
    function = Unreadable(shared)
    if many:
        (error,) = gridengine.map(function, [1], retries=5, scheduler=scheduler, reraise=False)
    else:
        job = Job(target=function, args=(1,), retries=5, scheduler=scheduler)
        job.start()
        error = job.exception
    assert repr(error) == "ValueError('unreadable')"
    assert attempt(shared, "unreadable") == 2


def test_nothing_behind_a_failure_is_run_twice(scheduler: Scheduler, shared: Path) -> None:
    # Each call takes longer than a worker keeps its answers.
    def call(x: int) -> int:
        number = attempt(shared, x)
        time.sleep(0.01)
        if number == 1 and x % 2:
            raise Flaky
        return number

    values = gridengine.map(call, range(12), scheduler=scheduler, retry_on=Flaky, chunksize=6)
    assert values == [1, 2] * 6


# -- time -------------------------------------------------------------------------------------


def slow_at(x: int, bad: int) -> int:
    if x == bad:
        time.sleep(60)
    return x


def test_a_call_that_takes_too_long_fails_and_no_other(scheduler: Scheduler) -> None:
    def call(x: int) -> int:
        return slow_at(x, 3)

    values: list[Any] = gridengine.map(
        call, range(8), scheduler=scheduler, timeout_per_call=0.3, chunksize=8, reraise=False
    )
    assert type(values[3]) is JobTimeout
    assert "call 3, ran longer than its timeout of 0.3 s" in str(values[3])
    assert values[:3] + values[4:] == [0, 1, 2, 4, 5, 6, 7]
    with pytest.raises(JobTimeout):
        gridengine.map(call, range(2, 8), scheduler=scheduler, timeout_per_call=0.3)


def test_the_time_of_a_call_begins_with_it(scheduler: Scheduler) -> None:
    def nap(x: int) -> int:
        time.sleep(0.1)
        return x

    values = gridengine.map(nap, range(8), scheduler=scheduler, timeout_per_call=0.6, chunksize=8)
    assert values == list(range(8))


@pytest.mark.parametrize(
    ("retry_on", "again"),
    [(TimeoutError, True), (JobTimeout, True), (OSError, True), (KeyError, False)],
)
def test_a_call_that_took_too_long_is_tried_again_if_that_is_named(
    scheduler: Scheduler, shared: Path, retry_on: Any, again: bool
) -> None:
    # The builtin TimeoutError is an OSError.
    def slow_at_first(x: int) -> int:
        number = attempt(shared, f"{retry_on.__name__}{x}")
        if number == 1:
            time.sleep(60)
        return number

    [value] = gridengine.map(
        slow_at_first, [0], scheduler=scheduler, timeout_per_call=0.3, retry_on=retry_on,
        reraise=False,
    )  # fmt: skip
    assert value == 2 if again else type(value) is JobTimeout
    job = ended(scheduler, slow_at_first, 1, timeout=0.3, retry_on=retry_on)
    assert job.state is (JobState.FINISHED if again else JobState.FAILED)


# -- a directory, and variables ---------------------------------------------------------------


def seen(*names: str) -> list[str | None]:
    return [os.getcwd(), *(os.environ.get(name) for name in names)]


def test_a_job_runs_in_its_directory_and_the_next_one_does_not(
    scheduler: Scheduler, shared: Path
) -> None:
    for _ in range(2):
        assert ended(scheduler, seen, cwd=shared).result == [str(shared)]
        assert ended(scheduler, seen).result == [os.getcwd()]
    values = gridengine.map(lambda _: seen(), range(4), scheduler=scheduler, cwd=str(shared))
    assert values == [[str(shared)]] * 4


def test_a_directory_that_is_not_there_is_the_jobs_error(
    scheduler: Scheduler, shared: Path
) -> None:
    missing = shared / "missing"
    error = ended(scheduler, seen, cwd=missing).exception
    assert isinstance(error, FileNotFoundError)
    assert error.filename == str(missing)
    assert "the job's cwd= on " in str(error)
    assert ended(scheduler, seen).result == [os.getcwd()]
    missing.mkdir()
    for _ in range(4):
        assert ended(scheduler, seen, cwd=missing).result == [str(missing)]
    with pytest.raises(FileNotFoundError):
        gridengine.map(abs, range(3), scheduler=scheduler, cwd=shared / "never")


def test_variables_are_a_jobs_own(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_PROGRAM", "1")
    names = "OF_THE_PROGRAM", "MY_API_KEY"
    before = [os.getcwd(), "1", None]
    for _ in range(3):
        env = {"OF_THE_PROGRAM": None, "MY_API_KEY": "s3cret"}
        # What is named goes, though it looks like a credential.
        assert ended(scheduler, seen, *names, env=env).result == [os.getcwd(), None, "s3cret"]
        assert ended(scheduler, seen, *names).result == before
    values = gridengine.map(
        lambda _: seen(*names), range(4), scheduler=scheduler, env={"OF_THE_PROGRAM": "2"}
    )
    assert values == [[os.getcwd(), "2", None]] * 4


def test_what_a_job_sets_beside_them_stays_as_it_does_without(scheduler: Scheduler) -> None:
    def add(name: str) -> None:
        os.environ[name] = "set"

    gridengine.map(add, ["LEFT"] * 8, scheduler=scheduler, env={"OWN": "1"}, chunksize=1)
    values = gridengine.map(
        lambda _: seen("LEFT", "OWN")[1:], range(8), scheduler=scheduler, chunksize=1
    )
    assert ["set", None] in values
    assert all(own is None for _, own in values)


def test_variables_are_set_before_the_function_is_unpacked(
    scheduler: Scheduler, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shared / "module_that_looks.py").write_text(
        "import os\nSEEN = os.environ.get('OWN')\ndef look(): return SEEN\n"
    )
    monkeypatch.syspath_prepend(str(shared))
    import module_that_looks  # type: ignore[import-not-found]

    try:
        assert module_that_looks.SEEN is None
        assert ended(scheduler, module_that_looks.look, env={"OWN": "early"}).result == "early"
    finally:
        del sys.modules["module_that_looks"]


@pytest.mark.parametrize("kind", ["process", pytest.param("grid", marks=pytest.mark.cluster)])
def test_a_scheduler_has_a_directory_and_variables_for_all_its_jobs(
    kind: str, request: pytest.FixtureRequest
) -> None:
    home = str(Path.home())
    options: Any = {"max_workers": 1, "cwd": "/", "env": {"A": "all", "B": "all"}}
    options["initializer"] = lambda: os.environ.update(INITIAL=" ".join(map(str, seen("A"))))
    if kind == "grid":
        request.getfixturevalue("cluster")
        made: Scheduler = GridEngineScheduler(**options)
    else:
        made = ProcessScheduler(**options)
    with made:
        assert ended(made, seen, "A", "B", "INITIAL").result == ["/", "all", "all", "/ all"]
        own = ended(made, seen, "A", "B", env={"B": "own"}, cwd=home)
        assert own.result == [home, "all", "own"]
        assert gridengine.map(lambda n: seen(n), ["A"]) == [["/", "all"]]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"retries": -1}, ValueError, "retries is -1"),
        ({"retry_on": "OSError"}, TypeError, "retry_on is 'OSError'; it takes exceptions' classes"),
        ({"retry_on": (int,)}, TypeError, "exceptions' classes"),
        ({"cwd": 3}, TypeError, "cwd is 3; it takes the path"),
        ({"cwd": ""}, ValueError, "cwd is ''"),
        ({"env": ["A=1"]}, TypeError, "it takes a dict of variables"),
        ({"env": {"A": 1}}, TypeError, "env has 'A': 1; it takes texts"),
        ({"env": {"A=B": "1"}}, ValueError, "no environment can have"),
    ],
)
def test_what_cannot_be_is_refused_at_once(options: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        Job(target=abs, **options)
    with pytest.raises(error, match=message):
        gridengine.imap(abs, [1], **options)
    if "retries" not in options and "retry_on" not in options:
        with pytest.raises(error, match=message):
            ProcessScheduler(1, **options)


def test_what_a_map_alone_takes_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match="timeout_per_call is 0"):
        gridengine.map(abs, [1], timeout_per_call=0)
    with pytest.raises(TypeError, match=r"seed is 1\.5"):
        gridengine.map(abs, [1], seed=1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seed is -1"):
        gridengine.map(abs, [1], seed=-1)


# -- random numbers ---------------------------------------------------------------------------


def drawn(_: object = None) -> tuple[Any, ...]:
    import numpy as np

    generator = np.random.default_rng(gridengine.seed_sequence())
    return random.random(), float(np.random.random()), float(generator.random())


def test_seeded_calls_draw_the_same_wherever_and_however_they_run(scheduler: Scheduler) -> None:
    pytest.importorskip("numpy")
    first = gridengine.map(drawn, range(30), scheduler=scheduler, seed=42)
    assert len(set(first)) == 30
    for chunksize in (1, 7, 30):
        again = gridengine.map(drawn, range(30), scheduler=scheduler, seed=42, chunksize=chunksize)
        assert again == first
    assert list(gridengine.imap(drawn, range(30), scheduler=scheduler, seed=42)) == first
    assert gridengine.map(drawn, range(30), scheduler=scheduler, seed=43) != first
    unordered = gridengine.imap_unordered(drawn, range(30), scheduler=scheduler, seed=42)
    assert sorted(unordered) == sorted(first)


def test_seeded_calls_draw_the_same_on_one_core_and_in_place(scheduler: Scheduler) -> None:
    pytest.importorskip("numpy")
    first = gridengine.map(drawn, range(5), scheduler=scheduler, seed=7)
    with ProcessScheduler(1) as one:
        assert gridengine.map(drawn, range(5), scheduler=one, seed=7) == first

    def inside() -> tuple[Any, ...]:
        state = random.getstate()
        values = gridengine.map(drawn, range(5), seed=7)
        return values, random.getstate() == state, os.getpid()

    values, untouched, _ = ended(scheduler, inside).result
    assert values == first
    assert untouched


def test_seeded_calls_draw_what_numpy_says() -> None:
    np = pytest.importorskip("numpy")

    def state(_: int) -> Any:
        sequence = gridengine.seed_sequence()
        assert sequence is gridengine.seed_sequence()
        return sequence.entropy, sequence.spawn_key  # type: ignore[union-attr]

    with ProcessScheduler(1):
        assert gridengine.map(state, range(2), seed=3) == [(3, (0,)), (3, (1,))]
        parent = np.random.SeedSequence(9, spawn_key=(4,))
        assert gridengine.map(state, range(2), seed=parent) == [(9, (4, 0)), (9, (4, 1))]
        values = gridengine.map(drawn, range(3), seed=3)
    for call, (_, legacy, own) in enumerate(values):
        sequence = np.random.SeedSequence(3, spawn_key=(call,))
        assert own == np.random.default_rng(sequence).random()
        assert legacy == np.random.RandomState(sequence.generate_state(4)).random()


def test_numpy_that_is_imported_within_a_call_is_seeded_and_not_imported_for_others() -> None:
    pytest.importorskip("numpy")

    def imported(_: int) -> bool:
        return "numpy" in sys.modules

    with ProcessScheduler(1, fresh=True):
        cold = gridengine.map(drawn, range(3), seed=1)
    with ProcessScheduler(1):
        assert gridengine.map(imported, range(3), seed=1) == [False] * 3
        assert gridengine.map(drawn, range(3), seed=1) == cold


def test_a_call_that_is_tried_again_draws_the_same(scheduler: Scheduler, shared: Path) -> None:
    def call(x: int) -> float:
        value = random.random()
        if attempt(shared, x) == 1 and x % 3 == 0:
            raise Flaky
        return value

    plain = gridengine.map(lambda x: random.random(), range(10), scheduler=scheduler, seed=5)
    assert plain == gridengine.map(call, range(10), scheduler=scheduler, seed=5, retry_on=Flaky)


def test_after_a_seeded_map_random_numbers_are_no_bodys_to_foresee(scheduler: Scheduler) -> None:
    def unseeded(_: object) -> Any:
        return random.random(), gridengine.seed_sequence()

    twice = []
    for _ in range(2):
        gridengine.map(drawn, range(8), scheduler=scheduler, seed=1)
        twice += gridengine.map(unseeded, range(8), scheduler=scheduler)
    assert {sequence for _, sequence in twice} == {None}
    assert len({value for value, _ in twice}) == 16


def test_seeded_calls_may_take_many_arguments_and_name_their_inputs(scheduler: Scheduler) -> None:
    def add(a: int, b: int) -> int:
        if b == 13:
            raise ValueError(b)
        return a + b

    values: list[Any] = gridengine.map(
        add, range(3), [10, 13, 12], scheduler=scheduler, seed=0, reraise=False
    )
    assert (values[0], values[2]) == (10, 14)
    [note] = values[1].__notes__
    assert "call 1 with (1, 13)" in note


def test_outside_of_seeded_calls_there_is_no_sequence() -> None:
    assert gridengine.seed_sequence() is None


# -- the page and the example -----------------------------------------------------------------


def test_the_example_runs(tmp_path: Path) -> None:
    program = Path(__file__).parents[2] / "examples" / "options.py"
    done = subprocess.run(
        [sys.executable, str(program)],
        cwd=tmp_path,
        env={**os.environ, "GRIDENGINE_SCHEDULER": "process"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("pi is about 3.1")
