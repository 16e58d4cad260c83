"""What looks like a credential does not leave the host, unless it is asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import gridengine
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler, Scheduler
from gridengine.transport import environment

from .peers import OverTcp

SECRET = "open sesame"


def looked_up(name: str) -> str | None:
    import os

    return os.environ.get(name)


def look(scheduler: Scheduler, *names: str) -> list[str | None]:
    return gridengine.map(looked_up, names, scheduler=scheduler, chunksize=len(names))


@pytest.fixture(autouse=True)
def nothing_told_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_told", set())


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "run"))
    return tmp_path / "run"


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("HF_TOKEN", SECRET)
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")


def all_that_is_written(folder: Path) -> bytes:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert [path for path in files if path.name.startswith("launch-")]
    return b"".join(path.read_bytes() for path in files)


@pytest.fixture(params=["tcp", pytest.param("cluster", marks=pytest.mark.cluster)])
def remote(request: pytest.FixtureRequest, run_dir: Path) -> type[Scheduler]:
    if request.param == "tcp":
        # Its workers are this program's children; so they are looked at, not what they inherit.
        return OverTcp
    request.getfixturevalue("cluster")
    return GridEngineScheduler


@pytest.mark.usefixtures("credentials")
def test_no_credential_lies_in_a_file_or_is_seen_on_a_node(
    remote: type[Scheduler], run_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with remote() as scheduler:
        there = look(scheduler, "AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "TOKENIZERS_PARALLELISM")
        written = all_that_is_written(run_dir)
    assert SECRET.encode() not in written
    assert b"TOKENIZERS_PARALLELISM" in written
    if remote is GridEngineScheduler:
        assert there == [None, None, "false"]
    (told,) = [text for text in caplog.messages if "credential" in text]
    assert "AWS_SECRET_ACCESS_KEY, HF_TOKEN" in told
    assert SECRET not in caplog.text


@pytest.mark.usefixtures("credentials")
def test_what_is_asked_for_goes(
    remote: type[Scheduler],
    run_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("GRIDENGINE_ENVIRONMENT", "HF_TOKEN, !AWS_*")
    with remote() as scheduler:
        assert look(scheduler, "HF_TOKEN") == [SECRET]
        written = all_that_is_written(run_dir)
    assert written.count(SECRET.encode()) == 1
    assert b"AWS_SECRET_ACCESS_KEY" not in written
    assert not [text for text in caplog.messages if "credential" in text]


def test_a_file_of_settings_says_it_too(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gridengine.toml").write_text('environment = "!*,PATH,LD_LIBRARY_PATH"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOMETHING", SECRET)
    with OverTcp() as scheduler:
        look(scheduler, "PATH")
        assert SECRET.encode() not in all_that_is_written(run_dir)


def test_what_is_set_later_is_held_to_the_same_over_a_network(
    remote: type[Scheduler], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("LATER", "LATER_TOKEN", "TMPDIR_OF_MINE"):
        monkeypatch.delenv(name, raising=False)
    with remote() as scheduler:
        assert look(scheduler, "LATER", "LATER_TOKEN") == [None, None]
        os.environ.update(LATER="x", LATER_TOKEN=SECRET, SGE_OF_MINE="x")
        try:
            names = "LATER", "LATER_TOKEN", "SGE_OF_MINE"
            assert look(scheduler, *names) == ["x", None, None]
            assert [text for text in caplog.messages if text.startswith("LATER_TOKEN looks like")]
            del os.environ["LATER"]
            assert look(scheduler, *names) == [None, None, None]
        finally:
            for name in ("LATER", "LATER_TOKEN", "SGE_OF_MINE"):
                os.environ.pop(name, None)


@pytest.mark.usefixtures("credentials")
def test_on_this_host_workers_have_all_as_children_do(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with ProcessScheduler(1) as scheduler:
        assert look(scheduler, "HF_TOKEN") == [SECRET]
        monkeypatch.setenv("LATER_TOKEN", SECRET)
        assert look(scheduler, "LATER_TOKEN") == [SECRET]
    assert not [text for text in caplog.messages if "credential" in text]
