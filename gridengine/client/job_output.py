"""What a job has printed, for whoever asks."""

from __future__ import annotations

from ..dispatcher.waiting import await_output
from ..ledger.task import Task
from ..ledger.task_output import TaskOutput


def output_of(task: Task) -> str:
    """Returns what a task has printed so far, as far as it is kept."""
    if task.over:
        await_output(task)
    return task.output.text if isinstance(task.output, TaskOutput) else ""
