"""What nodes say of ends, read once and as a whole."""

from __future__ import annotations

from pathlib import Path

from gridengine.schedulers.queue_session.process.batch_system import Ending
from gridengine.schedulers.queue_session.process.node_ends import NodeEnds


def _expecting(tmp_path: Path) -> tuple[NodeEnds, Path]:
    run = tmp_path / "run"
    run.mkdir(mode=0o700)
    ends = NodeEnds()
    ends.expect(str(run / "logs"))
    ends.expect("/dev/null")
    return ends, run / "ends"


def _say(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def test_an_end_is_told_once(tmp_path: Path) -> None:
    ends, folder = _expecting(tmp_path)
    _say(folder / "7.1", "0 1.5\n")
    _say(folder / "7.2", "-9 0.2\n")
    told = sorted(ends.endings(), key=lambda each: each.queue_job)
    assert told == [
        Ending("7.1", exited=True, status=0, usage={"ru_wallclock": "1.5"}),
        Ending("7.2", signal="SIGKILL", usage={"ru_wallclock": "0.2"}),
    ]
    assert [] == list(ends.endings())


def test_what_is_not_whole_or_no_end_is_left_alone(tmp_path: Path) -> None:
    ends, folder = _expecting(tmp_path)
    _say(folder / "7.1.begun", "0 1.5\n")
    _say(folder / "7.2", "0 1")
    (folder / "7.3").symlink_to("7.1.begun")
    assert [] == list(ends.endings())


def test_a_folder_that_is_gone_says_nothing(tmp_path: Path) -> None:
    ends, folder = _expecting(tmp_path)
    folder.rmdir()
    assert [] == list(ends.endings())
