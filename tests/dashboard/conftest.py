"""A dashboard in a process of its own, a browser, and programs to look at."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: A program as users write it: it maps until it is told to end, and says so when it does.
PROGRAM = """
import os, sys, time
import gridengine
from gridengine import Job
from gridengine.schedulers import ProcessScheduler

def work(x):
    time.sleep(0.02)
    if x % 50 == 7:
        raise ValueError("<script>document.title='attacked'</script> bad input %d" % x)
    return x

with ProcessScheduler(2) as scheduler:
    print("begun", gridengine.map(abs, [-1], scheduler=scheduler), flush=True)
    while os.path.exists(sys.argv[1]):
        Job(target=time.sleep, args=(0.3,), name="<img src=x onerror=document.title='attacked'>",
            scheduler=scheduler).start()
        gridengine.map(work, range(100), scheduler=scheduler, reraise=False)
"""

#: Nothing but this host may be asked for anything.
_OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"


class Served(NamedTuple):
    """A dashboard that runs."""

    url: str
    token: str
    port: int
    process: subprocess.Popen[str]


def first_line(process: subprocess.Popen[str], seconds: float = 60.0) -> str:
    """Returns what a process says first."""
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], seconds)[0], "it says nothing"
    return process.stdout.readline()


@contextlib.contextmanager
def dashboard(run_dir: Path, *options: str, **environ: str) -> Iterator[Served]:
    """A dashboard of the programs with this folder."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gridengine", "dashboard", "--port", "0", *options],
        env={**os.environ, "GRIDENGINE_RUN_DIR": str(run_dir), **environ},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = first_line(process)
        found = re.fullmatch(r".*?(http://127\.0\.0\.1:(\d+)/\S*\?token=(\S+))\n", line)
        assert found, line
        yield Served(found[1], found[3], int(found[2]), process)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a module's own: programs of other tests are not to be seen."""
    folder = tmp_path_factory.mktemp("run")
    folder.chmod(0o700)
    return folder


@pytest.fixture(scope="module")
def served(run_dir: Path) -> Iterator[Served]:
    """A dashboard that the tests of a module share."""
    with dashboard(run_dir) as running:
        yield running


@pytest.fixture
def program(run_dir: Path, tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts a program of a name; it ends with the test, or when somebody kills it."""
    running = tmp_path / "running"
    running.touch()
    started: list[subprocess.Popen[str]] = []

    def start(name: str) -> subprocess.Popen[str]:
        file = tmp_path / f"{name}.py"
        file.write_text(PROGRAM)
        process = subprocess.Popen(
            [sys.executable, str(file), str(running)],
            env={**os.environ, "GRIDENGINE_RUN_DIR": str(run_dir)},
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert first_line(process).startswith("begun")
        return process

    yield start
    running.unlink()
    for process in started:
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()


def _chromium() -> str | None:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real one, without a window and without a network."""
    from playwright.sync_api import expect, sync_playwright

    # Milliseconds: what is looked for comes in a second or two, on a machine that has time.
    expect.set_options(timeout=45_000)
    with sync_playwright() as playwright:
        path = _chromium()
        if path is None and not os.path.exists(playwright.chromium.executable_path):
            reason = (
                "there is no Chromium: apt-get install chromium, or playwright install chromium"
            )
            if os.environ.get("GRIDENGINE_TEST_CLUSTER"):
                pytest.fail(reason)
            pytest.skip(reason)
        running = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", _OFFLINE], timeout=60_000
        )
        # Its processes are there before the first test.
        running.new_page().close()
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a browser that has no cookies; what it complains of fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(45_000)
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("dialog", lambda dialog: wrong.append(dialog.message))
    opened.on(
        "console",
        lambda said: wrong.append(said.text) if said.type == "error" else None,
    )
    opened.on("requestfailed", lambda request: wrong.append(request.url))
    yield opened
    context.close()
    assert wrong == []
