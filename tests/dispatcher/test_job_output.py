"""What workers and supervisors say of the output of jobs is put in order, and nobody else's is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gridengine.dispatcher.job_output import JobOutput
from gridengine.dispatcher.printing import printer
from gridengine.ledger.records import Chunk, SupervisorRecord, WorkerRecord
from gridengine.ledger.task import Outcome, Place, Task
from gridengine.ledger.task_output import OutputPolicy, TaskOutput
from gridengine.serialization.packed import Function
from gridengine.settings import Settings
from gridengine.states import JobState, Mode
from gridengine.transport.output_messages import Piece, Printed, Printing


class Scene:
    """A worker that runs one job."""

    def __init__(self, mode: str | None = None, prefix: bool = False) -> None:
        self.heard: list[tuple[bytes, int]] = []
        supervisor = SupervisorRecord(b"supervisor", host="node1")
        self.worker = WorkerRecord(supervisor, 2, Place("node1", 7, "1"), 0.0, 1.0)
        self.task = Task(Function(b"f", b"", (), "f"), Mode.CALL, b"", name="job")
        self.chunk = Chunk(self.task, 0, 1)
        self.chunk.position, self.chunk.attempt = 5, 1
        self.worker.outstanding.append(self.chunk)
        self.output = JobOutput(
            Settings(output_prefix=prefix),
            mode,
            {self.worker.address: self.worker},
            lambda address, size: self.heard.append((address, size)),
            lambda request: request(),
        )

    def forward(self, *pieces: Piece, address: bytes = b"supervisor", position: int = 5) -> None:
        self.output.forwarded(address, Printing(2, position, 1, list(pieces)))

    def answer(self, *pieces: Piece, over: bool = True, task: int = 0) -> None:
        printed = Printed(task or self.task.id, 1, 0, 1, over, list(pieces))
        self.output.answered(self.worker, [printed])

    @property
    def text(self) -> str:
        assert isinstance(self.task.output, TaskOutput)
        return self.task.output.text


@pytest.fixture
def scene() -> Iterator[Scene]:
    yield Scene()
    printer.finish()


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    printer.finish()
    return capsys.readouterr().out


def out(start: int, data: bytes) -> Piece:
    return Piece(False, start, data)


def test_parts_on_two_connections_are_put_in_order(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.answer(out(4, b"c\nd"))
    assert scene.output.incomplete
    scene.worker.outstanding.clear()
    scene.forward(out(0, b"a"), out(1, b"b\n"))
    scene.forward(out(3, b"-"))
    assert not scene.output.incomplete
    assert scene.text == "ab\n-c\nd"
    assert shown(capsys) == "ab\n-c\nd\n"
    assert scene.heard == [(b"supervisor", 3), (b"supervisor", 1)]


def test_what_never_comes_is_not_waited_for_when_the_worker_has_ended(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.answer(out(4, b"the end\n"))
    assert shown(capsys) == ""
    scene.output.ended(scene.worker)
    assert not scene.output.incomplete
    assert scene.text == shown(capsys) == "the end\n"


def test_what_was_printed_between_jobs_is_shown_and_counted(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.forward(out(0, b"stray\n"), position=4)
    scene.answer(out(6, b"own\n"))
    assert not scene.output.incomplete
    assert scene.text == "own\n"
    assert shown(capsys) == "stray\nown\n"


def test_what_was_printed_between_jobs_may_be_heard_late(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.answer(out(6, b"own\n"))
    scene.forward(out(0, b"stray\n"), position=4)
    assert not scene.output.incomplete
    assert shown(capsys) == "stray\nown\n"


def test_who_comes_after_quick_jobs_that_have_printed_waits_for_nothing(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    # The supervisor has read it, and the worker has not looked after the first two.
    scene.forward(out(0, b"a\n"))
    tasks = [scene.task]
    for position in (6, 7):
        task = Task(scene.task.function, Mode.CALL, b"", name="job")
        chunk = Chunk(task, 0, 1)
        chunk.position, chunk.attempt = position, 1
        scene.worker.outstanding.append(chunk)
        tasks.append(task)
    scene.forward(out(2, b"b\n"), position=6)
    scene.answer(out(4, b""), task=tasks[2].id)
    outputs = [task.output for task in tasks]
    assert all(isinstance(output, TaskOutput) and not output.awaited for output in outputs)
    assert not scene.output.incomplete
    assert shown(capsys) == "a\nb\n"


def test_what_no_worker_of_this_program_prints_is_not_shown(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.forward(out(0, b"forged\n"), address=b"another")
    assert scene.task.output is None
    assert shown(capsys) == ""


def test_pieces_without_end_that_follow_nothing_are_given_up(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1000):
        scene.forward(out(10 + 2 * number, b"\n"))
    assert scene.heard[-1] == (b"supervisor", 1)
    assert 0 < len(shown(capsys)) <= 1000


@pytest.mark.parametrize("keep", [True, False])
def test_the_log_of_what_has_succeeded_is_removed_though_more_comes_later(
    scene: Scene, capsys: pytest.CaptureFixture[str], tmp_path: Path, keep: bool
) -> None:
    scene.task.output = OutputPolicy("discard", str(tmp_path), keep_logs=keep)
    scene.task.move(JobState.RUNNING)
    scene.answer(out(2, b"ab"))
    scene.task.finish(Outcome(0, 1, b"", (), {}, 0.0, 0.0, 0, scene.worker.place))
    scene.forward(out(0, b"12"))
    assert shown(capsys) == ""
    assert [log.read_text() for log in tmp_path.iterdir()] == ["12ab"] * keep


def test_a_line_without_end_is_taken_for_several(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(20):
        scene.forward(out(number * 65536, b"x" * 65536))
    assert len(shown(capsys)) > 1 << 20
    assert len(scene.text) == 65536
