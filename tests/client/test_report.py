"""Reports of maps, written by real ones."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine.cli import main
from gridengine.errors import JobDied
from gridengine.observers.report import page
from gridengine.schedulers import GridEngineScheduler, InlineScheduler, ProcessScheduler, Scheduler

from .. import targets
from ..cluster import Cluster
from ..conftest import warm

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")


@pytest.fixture(scope="module", params=["cores", pytest.param("inline", marks=pytest.mark.slow)])
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    made = {"cores": lambda: ProcessScheduler(2), "inline": InlineScheduler}[request.param]()
    with made as opened:
        warm(opened, 2)
        yield opened


def _row(text: str, name: str) -> str:
    """Returns the value that stands beside a name in the first table."""
    _, _, rest = text.partition(f'<th scope="row">{name}</th><td')
    return rest.partition(">")[2].partition("</td>")[0]


MAPS: dict[str, Callable[..., Any]] = {
    "map": gridengine.map,
    "imap": lambda *args, **options: list(gridengine.imap(*args, **options)),
    "imap_unordered": lambda *args, **options: list(gridengine.imap_unordered(*args, **options)),
    "aio.map": lambda *args, **options: asyncio.run(gridengine.aio.map(*args, **options)),
}


@pytest.mark.parametrize("name", MAPS)
def test_every_map_writes_one(name: str, scheduler: Scheduler, tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    MAPS[name](targets.square, range(1000), scheduler=scheduler, report=path, progress=False)
    text = path.read_text()
    assert "map of square" in text
    assert _row(text, "calls done") == "1,000"
    assert os.listdir(tmp_path) == ["run.html"]


def test_it_is_about_that_map_alone(scheduler: Scheduler, tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    values = gridengine.imap(targets.square, range(10), scheduler=scheduler, report=path)
    next(values)
    gridengine.map(targets.add, [1], [2], scheduler=scheduler)
    assert len(list(values)) == 9
    text = path.read_text()
    assert _row(text, "calls done") == "10"
    assert ">add<" not in text


def test_what_has_failed_and_what_it_was_called_with_stands_there(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    path = tmp_path / "run.html"
    values = gridengine.map(
        targets.fail_at, range(20), [7] * 20, scheduler=scheduler, report=path, reraise=False
    )
    assert isinstance(values[7], ZeroDivisionError)
    text = path.read_text()
    assert _row(text, "failed") == "1"
    assert "<strong>ZeroDivisionError: at 7</strong> (fail_at, call 7, on " in text
    assert "<td>(0, 7)</td>" in text


def test_of_a_long_message_a_part_stands_above_it(laptop: ProcessScheduler, tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    error = ValueError("long " * 200)
    gridengine.map(targets.fail, [error], scheduler=laptop, report=path, reraise=False)
    text = path.read_text()
    (heading,) = re.findall("<strong>(ValueError: .*?)</strong>", text)
    assert len(heading) == 200
    assert "long " * 199 in text


def test_it_is_written_after_an_exception_too(scheduler: Scheduler, tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    with pytest.raises(ZeroDivisionError):
        gridengine.map(targets.fail_at, range(9), [0] * 9, scheduler=scheduler, report=path)
    assert _row(path.read_text(), "remark") == "ended by ZeroDivisionError"


def test_it_is_written_when_a_loop_is_left(scheduler: Scheduler, tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    for _ in gridengine.imap(targets.square, range(9), scheduler=scheduler, report=path):
        break
    assert "wanted no more" in _row(path.read_text(), "remark")


def test_a_worker_that_died_is_told(laptop: ProcessScheduler, tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    with pytest.raises(JobDied):
        gridengine.map(
            targets.kill_self_at, range(3), [1] * 3, scheduler=laptop, report=path, retries=0
        )
    text = path.read_text()
    assert "was lost: killed from outside" in text
    assert "A cross: it died." in text


def test_it_is_written_after_ctrl_c(tmp_path: Path) -> None:
    code = (
        "import gridengine, time\n"
        "def f(x):\n"
        "    print('on', flush=True) if x else None\n"
        "    time.sleep(600 if x else 0)\n"
        "if __name__ == '__main__':\n"
        "    gridengine.map(f, range(3), scheduler='process', report='run.html')\n"
    )
    (tmp_path / "program.py").write_text(code)
    program = subprocess.Popen(
        [sys.executable, "program.py"], cwd=tmp_path, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert program.stdout is not None
    assert program.stdout.readline() == "on\n"
    program.send_signal(signal.SIGINT)
    program.communicate(timeout=60)
    text = (tmp_path / "run.html").read_text()
    assert _row(text, "remark") == "ended by KeyboardInterrupt"
    assert _row(text, "not done")


def test_a_place_where_no_page_can_be_is_refused_before_anything_runs(
    laptop: ProcessScheduler, tmp_path: Path
) -> None:
    def run(report: Any) -> None:
        gridengine.map(targets.fail, [ZeroDivisionError()], scheduler=laptop, report=report)

    for path, says in (
        ("", "takes the path of a file"),
        (tmp_path, "is a directory"),
        (tmp_path / "no" / "run.html", "there is no directory"),
        ("/proc/run.html", "report is"),
    ):
        with pytest.raises((ValueError, ZeroDivisionError), match=says) as caught:
            run(path)
        assert caught.type is ValueError
    with pytest.raises(TypeError, match="takes the path of a file"):
        run(True)


def test_a_page_that_cannot_be_written_at_the_end_fails_nothing(
    laptop: ProcessScheduler, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    values = gridengine.imap(targets.square, range(3), scheduler=laptop, report=folder / "run.html")
    assert next(values) == 0
    folder.rmdir()
    with caplog.at_level(logging.WARNING):
        assert list(values) == [1, 4]
    assert "no report is written" in caplog.text
    assert "No such file" in caplog.text


def test_a_missing_library_is_named_before_anything_runs(
    laptop: ProcessScheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "_LIBRARIES", ("no_such_library",))
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'gridengine\[report\]'"):
        gridengine.map(targets.square, [1], scheduler=laptop, report=tmp_path / "run.html")


def test_the_programs_own_settings_of_matplotlib_have_no_part_in_it(
    laptop: ProcessScheduler, tmp_path: Path
) -> None:
    import matplotlib as mpl

    path = tmp_path / "run.html"
    with mpl.rc_context({"text.usetex": True, "font.size": 33}):
        gridengine.map(targets.square, range(9), scheduler=laptop, report=path)
        assert mpl.rcParams["font.size"] == 33
    assert path.read_text().count("data:image/svg") == 3


def test_a_map_within_a_job_writes_one_too(laptop: ProcessScheduler, tmp_path: Path) -> None:
    path = str(tmp_path / "run.html")

    def nested(path: str) -> list[int]:
        return gridengine.map(targets.square, range(5), report=path)

    assert gridengine.map(nested, [path], scheduler=laptop) == [[0, 1, 4, 9, 16]]
    assert _row(Path(path).read_text(), "calls done") == "5"


# ---------------------------------------------------------------------- of logs


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("GRIDENGINE_EVENT_LOG", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_makes_one_of_the_newest_log(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ProcessScheduler(2) as scheduler:
        gridengine.map(targets.square, range(100), scheduler=scheduler)
        job = gridengine.Job(target=targets.fail, args=(ValueError("no"),), scheduler=scheduler)
        job.start()
        job.join()
        assert isinstance(job.exception, ValueError)
    assert main.main(["report"]) == 0
    assert capsys.readouterr().out == f"{run_dir / 'run.html'}\n"
    text = (run_dir / "run.html").read_text()
    assert [_row(text, name) for name in ("calls done", "failed")] == ["101", "1"]
    assert "ProcessScheduler(max_workers=2)" in text
    assert main.main(["report", "--list"]) == 0
    (log,) = (run_dir / "events").iterdir()
    assert str(log) in capsys.readouterr().out
    assert main.main(["report", str(log), "-o", "other.html"]) == 0
    assert (run_dir / "other.html").exists()


def test_without_a_log_it_says_how_to_have_one(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["report"]) == 1
    assert "run the program with GRIDENGINE_EVENT_LOG=1" in capsys.readouterr().err
    assert main.main(["report", "--list"]) == 0
    assert "run the program with GRIDENGINE_EVENT_LOG=1" in capsys.readouterr().err


def test_of_a_damaged_log_the_report_says_so(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ProcessScheduler(1) as scheduler:
        gridengine.map(targets.square, range(10), scheduler=scheduler)
    (log,) = (run_dir / "events").iterdir()
    with log.open("ab") as file:
        file.write(bytes(100))
    assert main.main(["report"]) == 1
    assert "is damaged" in capsys.readouterr().err
    text = (run_dir / "run.html").read_text()
    assert _row(text, "calls done") == "10"
    assert "is damaged" in _row(text, "remark")


def test_bad_places_are_said_in_a_line(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run_dir / "a.events").write_text("hello")
    for given in (["no.events"], ["a.events"], ["a.events", "-o", "no/run.html"]):
        assert main.main(["report", *given]) == 1
        assert capsys.readouterr().err.count("\n") == 1


def test_the_example_writes_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parents[2] / "examples" / "report.py")],
        cwd=tmp_path,
        env={**os.environ, "GRIDENGINE_SCHEDULER": "process"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("run.html has the report\n", "")
    assert _row((tmp_path / "run.html").read_text(), "calls done") == "200"


# ---------------------------------------------------------------------- on a cluster


@pytest.mark.cluster
def test_on_a_cluster_it_says_what_was_asked_for_and_how_long_it_waited(
    cluster: Cluster, tmp_path: Path
) -> None:
    path = tmp_path / "run.html"
    with GridEngineScheduler(h_vmem="1G", h_rt=600) as scheduler:
        gridengine.map(_use, range(20), scheduler=scheduler, report=path, chunksize=1)
    text = path.read_text()
    assert "A worker could have 1 GB (the red line)." in text
    assert "and 1 GB." in text
    assert "until the first started" in _row(text, "in the queue")


def _use(x: int) -> int:
    block = bytearray(50 * 1024**2)
    time.sleep(0.05)
    return len(block) + x
