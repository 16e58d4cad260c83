"""joblib, and scikit-learn with it, on workers of each scheduler."""

from __future__ import annotations

import contextlib
import gc
import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gridengine
from gridengine.schedulers import GridEngineScheduler, InlineScheduler, ProcessScheduler, Scheduler

from ..conftest import warm
from ..waiting import wait_until

joblib = pytest.importorskip("joblib", reason="joblib is not installed (the extra `situations`)")

from joblib import Parallel, delayed, parallel_config  # noqa: E402

import gridengine.compat.joblib  # noqa: E402
from gridengine.compat.joblib import GridEngineBackend  # noqa: E402
from gridengine.compat.joblib_arrays import BatchPacker  # noqa: E402

from . import joblib_targets as targets  # noqa: E402

ROOT = Path(__file__).parents[2]

#: Elements of an array that joblib takes for large.
LARGE = 300_000


@pytest.fixture(
    scope="module",
    params=["process", pytest.param("gridengine", marks=[pytest.mark.cluster, pytest.mark.slow])],
)
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """Each scheduler in turn, its two workers shared by the tests of this file."""
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
def configured(scheduler: Scheduler) -> Iterator[None]:
    """Has joblib use the scheduler."""
    with parallel_config("gridengine", scheduler=scheduler):
        yield


# ---------------------------------------------------------------------- calls and values


@pytest.mark.parametrize("count", [0, 1, 5, 3000])
def test_the_values_are_those_of_the_calls_in_their_order(configured: None, count: int) -> None:
    got = Parallel()(delayed(targets.double)(x) for x in range(count))
    assert got == [2 * x for x in range(count)]


def test_functions_of_no_module_travel(configured: None) -> None:
    step = 3
    assert Parallel()(delayed(lambda x: x + step)(x) for x in range(10)) == list(range(3, 13))


@pytest.mark.parametrize("batch_size", ["auto", 1, 7])
@pytest.mark.parametrize("pre_dispatch", ["all", 1, "3*n_jobs"])
def test_batches_and_what_is_drawn_ahead_are_as_they_are_asked_for(
    configured: None, batch_size: Any, pre_dispatch: Any
) -> None:
    parallel = Parallel(batch_size=batch_size, pre_dispatch=pre_dispatch)
    assert parallel(delayed(targets.double)(x) for x in range(50)) == list(range(0, 100, 2))


def test_generators_give_values_as_they_come(configured: None) -> None:
    calls = [delayed(targets.double)(x) for x in range(50)]
    assert list(Parallel(return_as="generator")(calls)) == list(range(0, 100, 2))
    assert sorted(Parallel(return_as="generator_unordered")(calls)) == list(range(0, 100, 2))


def test_a_loop_over_values_may_have_another_parallel_in_it(configured: None) -> None:
    got = []
    for value in Parallel(return_as="generator")(delayed(targets.double)(x) for x in range(8)):
        got += Parallel()(delayed(targets.double)(value + y) for y in range(3))
    assert got == [2 * (2 * x + y) for x in range(8) for y in range(3)]


def test_the_scheduler_of_the_with_around_it_is_used_where_none_is_named(
    scheduler: ProcessScheduler,
) -> None:
    with ProcessScheduler(3), parallel_config("gridengine"):
        assert joblib.effective_n_jobs(-1) == 3
        assert os.getpid() not in Parallel()(delayed(os.getpid)() for _ in range(4))


def test_a_parallel_takes_the_scheduler_too(scheduler: Scheduler) -> None:
    parallel = Parallel(-1, backend="gridengine", scheduler=scheduler)
    assert parallel(delayed(targets.double)(x) for x in range(9)) == list(range(0, 18, 2))


def test_progress_is_told(configured: None, capsys: pytest.CaptureFixture[str]) -> None:
    Parallel(verbose=1)(delayed(targets.double)(x) for x in range(9))
    told = capsys.readouterr().err
    assert "GridEngineBackend with 2 concurrent workers" in told
    assert "Done   9 out of   9" in told


# ---------------------------------------------------------------------- how many at a time


@pytest.mark.parametrize(("n_jobs", "effective"), [(-1, 2), (None, 2), (2, 2), (7, 2), (1, 1)])
def test_all_workers_are_used_but_no_more_than_were_asked_for(
    configured: None, n_jobs: int | None, effective: int
) -> None:
    assert joblib.effective_n_jobs(n_jobs) == effective


def test_no_jobs_at_a_time_are_an_error(configured: None) -> None:
    with pytest.raises(ValueError, match="n_jobs == 0"):
        Parallel(n_jobs=0)([])


def test_no_more_calls_run_at_a_time_than_were_asked_for() -> None:
    with ProcessScheduler(4) as four:
        warm(four, 4)
        with parallel_config("gridengine", scheduler=four, n_jobs=2):
            spans = Parallel(batch_size=1, pre_dispatch="all")(
                delayed(targets.interval)(x) for x in range(12)
            )
    at_once = [sum(b <= begin < e for b, e in spans) for begin, _ in spans]
    assert max(at_once) <= 2


@pytest.mark.parametrize("n_jobs", [None, -1, 3])
@pytest.mark.parametrize("make", [GridEngineScheduler, ProcessScheduler])
def test_one_worker_counts_as_two_unless_one_is_asked_for(make: Any, n_jobs: int | None) -> None:
    backend = GridEngineBackend(make(max_workers=1))
    assert backend.effective_n_jobs(n_jobs) == 2
    assert backend.effective_n_jobs(1) == 1


def test_one_worker_does_the_calls_and_not_this_process() -> None:
    with ProcessScheduler(1) as one, parallel_config("gridengine", scheduler=one):
        pids = set(Parallel(batch_size=1)(delayed(os.getpid)() for _ in range(4)))
    assert len(pids) == 1
    assert os.getpid() not in pids


def test_all_but_one_of_two_workers_run_one_call_at_a_time() -> None:
    with ProcessScheduler(2) as two, parallel_config("gridengine", scheduler=two, n_jobs=-2):
        warm(two, 2)
        spans = sorted(Parallel(batch_size=1)(delayed(targets.interval)(x) for x in range(6)))
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(spans))


def test_inline_calls_are_as_elsewhere() -> None:
    shared: list[int] = []
    options = {"initializer": targets.note, "initargs": ("inline", 1)}
    targets.called.clear()
    inline = InlineScheduler()
    with inline, parallel_config("gridengine", scheduler=inline, **options):
        assert Parallel()(delayed(targets.grow)(shared) for _ in range(6)) == [1] * 6
        with pytest.raises(gridengine.PackingError, match="a generator stands in the middle"):
            Parallel()(delayed(targets.never_ending)() for _ in range(2))
    assert shared == []
    assert targets.called == [("inline", 1)]


# ---------------------------------------------------------------------- what goes wrong


def test_what_a_call_raises_is_raised_with_its_traceback(configured: None) -> None:
    with pytest.raises(ValueError, match="no 5") as raised:
        Parallel(batch_size=1)(delayed(targets.fail_at)(x, 5) for x in range(40))
    assert "in fail_at" in str(raised.value.__cause__)
    assert "fail_at(5, 5)" in "".join(getattr(raised.value, "__notes__", [])) or (
        sys.version_info < (3, 11)
    )


def test_a_parallel_goes_on_after_a_failure(configured: None) -> None:
    with Parallel() as parallel:
        for _ in range(3):
            with pytest.raises(ValueError, match="no 30"):
                parallel(delayed(targets.fail_at)(x, 30) for x in range(60))
            assert parallel(delayed(targets.double)(x) for x in range(9)) == list(range(0, 18, 2))


def test_a_call_that_kills_its_worker_is_named(configured: None) -> None:
    with pytest.raises(gridengine.JobDied, match=r"die_at\(3, 3\)") as raised:
        Parallel(batch_size=1)(delayed(targets.die_at)(x, 3) for x in range(8))
    assert raised.value.signal == "SIGKILL"
    assert Parallel()(delayed(targets.double)(x) for x in range(4)) == [0, 2, 4, 6]


def test_a_call_over_its_time_ends_all(configured: None, tmp_path: Path) -> None:
    with pytest.raises(multiprocessing.TimeoutError):
        Parallel(timeout=0.5)(delayed(targets.block)(str(tmp_path / str(x))) for x in range(2))
    assert Parallel()(delayed(targets.double)(x) for x in range(4)) == [0, 2, 4, 6]


def test_a_loop_that_is_left_early_ends_what_runs(configured: None) -> None:
    values = Parallel(return_as="generator", batch_size=1)(
        delayed(targets.double)(x) for x in range(1000)
    )
    assert next(values) == 0
    with warnings.catch_warnings():
        # joblib says how much was not used.
        warnings.simplefilter("ignore")
        values.close()
    assert Parallel()(delayed(targets.double)(x) for x in range(4)) == [0, 2, 4, 6]


@pytest.mark.parametrize("bad", [0, 30])
def test_an_argument_that_cannot_travel_is_an_error_that_says_so(
    configured: None, bad: int
) -> None:
    with pytest.raises(gridengine.PackingError, match="lock"):
        Parallel(batch_size=1)(delayed(str)(threading.Lock() if x == bad else x) for x in range(40))


def test_what_draws_the_calls_may_fail(configured: None) -> None:
    def calls() -> Iterator[Any]:
        for x in range(20):
            yield delayed(targets.double)(x)
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        Parallel()(calls())


def test_a_scheduler_that_is_closed_meanwhile_is_an_error(tmp_path: Path) -> None:
    scheduler = ProcessScheduler(2)
    markers = [tmp_path / "0", tmp_path / "1"]

    def close() -> None:
        wait_until(lambda: all(m.exists() for m in markers), what="both calls run")
        scheduler.close()

    closer = threading.Thread(target=close)
    closer.start()
    with parallel_config("gridengine", scheduler=scheduler), pytest.raises(gridengine.JobError):
        Parallel()(delayed(targets.block)(str(marker)) for marker in markers)
    closer.join()


def test_ctrl_c_ends_what_runs(tmp_path: Path) -> None:
    markers = [tmp_path / "0", tmp_path / "1"]

    def interrupt() -> None:
        wait_until(lambda: all(m.exists() for m in markers), what="both calls run")
        os.kill(os.getpid(), signal.SIGINT)

    killer = threading.Thread(target=interrupt)
    with ProcessScheduler(2) as own, parallel_config("gridengine", scheduler=own):
        killer.start()
        with pytest.raises(KeyboardInterrupt):
            Parallel()(delayed(targets.block)(str(marker)) for marker in markers)
        killer.join()
        assert Parallel()(delayed(targets.double)(x) for x in range(4)) == [0, 2, 4, 6]


def test_an_option_of_another_name_is_refused() -> None:
    with pytest.raises(TypeError, match=r"does not take shedule.*takes scheduler, initializer"):
        parallel_config("gridengine", shedule="process")
    parallel = Parallel(2, backend="gridengine", shedule="process")
    with pytest.raises(TypeError, match="does not take shedule"):
        parallel([])


# ---------------------------------------------------------------------- large arrays


def test_an_array_of_many_calls_travels_once_to_each_worker(configured: None) -> None:
    array = np.full(LARGE, 7.0)
    places = Parallel(batch_size=1)(delayed(targets.where)(array, x) for x in range(20))
    # The first call has taken it along.
    assert len(set(places[1:])) <= 2
    assert {value for _, _, value in places} == {7.0}


def test_an_array_in_something_else_travels_once_too(configured: None) -> None:
    array = np.zeros((2, LARGE))
    places = Parallel(batch_size=1)(
        delayed(lambda held: targets.where(held["rows"][0], 0))({"rows": array[1:]})
        for _ in range(20)
    )
    assert len(set(places[1:])) <= 2


def test_what_several_calls_share_cannot_be_written_as_with_joblib(configured: None) -> None:
    array = np.zeros(LARGE)
    with pytest.raises(ValueError, match="read-only"):
        Parallel(batch_size=1)(delayed(targets.add_one)(array) for _ in range(8))


@pytest.mark.parametrize("options", [{"mmap_mode": "c"}, {"max_nbytes": None}])
def test_each_call_may_have_its_own_copy(configured: None, options: dict[str, Any]) -> None:
    array = np.zeros(LARGE)
    got = Parallel(batch_size=1, **options)(delayed(targets.add_one)(array) for _ in range(8))
    assert got == [1.0] * 8
    assert not array.any()


def test_an_array_is_sent_as_it_is_when_a_parallel_is_called(configured: None) -> None:
    array = np.zeros(LARGE)
    with Parallel(batch_size=1) as parallel:
        for value in range(4):
            array[0] = value
            got = parallel(delayed(targets.where)(array, x) for x in range(6))
            assert {seen for _, _, seen in got} == {float(value)}


def packer() -> BatchPacker:
    return BatchPacker(remote=False, least=1024, mmap_mode="r", threads=None, initializer=None)


def test_arrays_that_only_one_batch_has_are_not_kept() -> None:
    ours = packer()
    for _ in range(3):
        array = np.zeros(LARGE)
        seen = weakref.ref(array)
        numbers, _ = ours.pack([array, array])
        assert not numbers
        del array, _
        gc.collect()
        assert seen() is None


def test_another_view_of_the_same_array_is_the_same() -> None:
    ours, array = packer(), np.arange(LARGE)
    assert [ours.pack(array[5:])[0] for _ in range(3)] == [set(), {0}, {0}]
    assert [ours.pack(array[6:])[0], ours.pack(array[::2])[0]] == [set(), set()]


def test_an_array_of_objects_is_never_shared() -> None:
    ours, array = packer(), np.array([[] for _ in range(5000)] + [None], dtype=object)
    assert [ours.pack(array)[0] for _ in range(3)] == [set()] * 3


def test_what_calls_write_to_a_memory_map_stands_in_its_file(tmp_path: Path) -> None:
    values = np.memmap(tmp_path / "values", dtype=float, mode="w+", shape=(30,))
    with ProcessScheduler(2) as own, parallel_config("gridengine", scheduler=own):
        Parallel()(delayed(targets.write)(values[10:], x) for x in range(20))
    assert values.tolist() == [0.0] * 10 + [x + 1.0 for x in range(20)]


def test_any_part_of_a_memory_map_arrives(configured: None, tmp_path: Path) -> None:
    np.save(tmp_path / "values.npy", np.arange(20.0).reshape(4, 5))
    values = np.load(tmp_path / "values.npy", mmap_mode="r")
    parts = [values, values.T, values[1:], values[::-1, ::2], np.asarray(values)[2]]
    assert Parallel()(delayed(np.copy)(part) for part in parts) != []
    for got, part in zip(Parallel()(delayed(np.copy)(p) for p in parts), parts, strict=True):
        assert (got == part).all()


# ---------------------------------------------------------------------- inside a job


@pytest.mark.parametrize("n_jobs", [-1, 1])
def test_a_parallel_in_a_job_keeps_to_its_one_core(configured: None, n_jobs: int) -> None:
    backend, places, pid = Parallel()(delayed(targets.in_parallel)(n_jobs) for _ in range(2))[0]
    assert backend == "SequentialBackend"
    assert set(places) == {(pid, "MainThread")}


def test_a_parallel_in_a_job_has_as_many_threads_as_it_asks_for(configured: None) -> None:
    backend, places, pid = Parallel()(delayed(targets.in_parallel)(2) for _ in range(2))[0]
    assert backend == "GrantedThreads"
    assert {each for each, _ in places} == {pid}
    assert "MainThread" not in {name for _, name in places}


def test_gridengine_in_a_job_with_one_core_runs_in_it(configured: None) -> None:
    for _, pids, pid in Parallel()(delayed(targets.in_gridengine)(x) for x in range(2)):
        assert pids == {pid}


def test_shared_memory_is_that_of_threads_here(configured: None) -> None:
    places = Parallel(2, require="sharedmem")(delayed(targets.place)() for _ in range(4))
    assert {pid for pid, _ in places} == {os.getpid()}


def test_numeric_libraries_in_a_job_keep_to_the_threads_they_are_given(
    scheduler: Scheduler,
) -> None:
    pytest.importorskip("threadpoolctl")
    before = Parallel(2, backend="gridengine", scheduler=scheduler)(
        [delayed(os.getenv)("OMP_NUM_THREADS")]
    )
    with parallel_config("gridengine", scheduler=scheduler, inner_max_num_threads=1):
        for variable, counts in Parallel()(delayed(targets.threads)() for _ in range(4)):
            assert (variable, counts) == ("1", {1})
    after = Parallel(2, backend="gridengine", scheduler=scheduler)(
        [delayed(os.getenv)("OMP_NUM_THREADS")]
    )
    assert before == after


def test_each_worker_is_initialized_once(scheduler: Scheduler) -> None:
    options = {"initializer": targets.note, "initargs": ("ready", 1)}
    with parallel_config("gridengine", scheduler=scheduler, **options):
        for _ in range(2):
            for _, called in Parallel(batch_size=1)(delayed(targets.noted)(x) for x in range(9)):
                assert called.count(("ready", 1)) == 1


def test_what_an_initializer_raises_is_raised(scheduler: Scheduler) -> None:
    options = {"initializer": targets.fail_at, "initargs": (1, 1)}
    with (
        parallel_config("gridengine", scheduler=scheduler, **options),
        pytest.raises(ValueError, match="no 1"),
    ):
        Parallel()(delayed(targets.double)(x) for x in range(4))


def test_a_memory_caches_in_jobs(tmp_path: Path) -> None:
    with ProcessScheduler(2) as own, parallel_config("gridengine", scheduler=own):
        for _ in range(2):
            got = Parallel()(delayed(targets.cached)(str(tmp_path), x) for x in range(4))
            assert got == [0, 2, 4, 6]
    assert len(list(tmp_path.rglob("output.pkl"))) == 4


# ---------------------------------------------------------------------- scikit-learn


@contextlib.contextmanager
def models() -> Iterator[Any]:
    """Skips where there is no scikit-learn."""
    pytest.importorskip("sklearn", reason="scikit-learn is not installed (extra `situations`)")
    from sklearn.datasets import load_iris

    yield load_iris(return_X_y=True)


def test_a_grid_search_finds_what_it_finds_here(configured: None) -> None:
    with models() as (X, y):
        from sklearn.model_selection import GridSearchCV
        from sklearn.svm import SVC

        grid = {"C": [0.1, 1.0, 10.0], "kernel": ["linear", "rbf"]}
        here = GridSearchCV(SVC(), grid, n_jobs=1).fit(X, y)
        there = GridSearchCV(SVC(), grid, n_jobs=-1).fit(X, y)
    assert here.best_params_ == there.best_params_
    for score in ("mean_test_score", "std_test_score", "rank_test_score"):
        assert (here.cv_results_[score] == there.cv_results_[score]).all()


def test_cross_validation_scores_as_it_does_here(configured: None) -> None:
    with models() as (X, y):
        from sklearn.model_selection import cross_val_score
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from sklearn.tree import DecisionTreeClassifier

        model = make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0))
        here, there = (cross_val_score(model, X, y, cv=6, n_jobs=n_jobs) for n_jobs in (1, -1))
    assert (here == there).all()


def test_a_forest_grows_in_threads_and_in_jobs_as_it_does_here(configured: None) -> None:
    with models() as (X, y):
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.model_selection import cross_val_score

        forests = [RandomForestClassifier(8, n_jobs=n, random_state=0) for n in (1, 2)]
        here, threads = (forest.fit(X, y).predict_proba(X) for forest in forests)
        alone, nested = (cross_val_score(forest, X, y, n_jobs=-1) for forest in forests)
    assert (here == threads).all()
    assert (alone == nested).all()


# ---------------------------------------------------------------------- examples


@pytest.mark.slow
def test_the_example_finds_the_best_model() -> None:
    pytest.importorskip("sklearn")
    assert "best:" in _run(ROOT / "examples" / "grid_search.py")


def test_the_example_says_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "sklearn.py").write_text("raise ImportError('hidden')", encoding="utf-8")
    told = _run(ROOT / "examples" / "grid_search.py", PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert "pip install scikit-learn" in told


def _run(program: Path, **environ: str) -> str:
    environ = {"PYTHONPATH": str(ROOT), **environ, "GRIDENGINE_SCHEDULER": "process"}
    done = subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, **environ}, capture_output=True, text=True, timeout=80,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
