"""What a job has printed, for whoever asks."""

from __future__ import annotations

import time

from ..ledger.task import Task
from ..ledger.task_output import TaskOutput

#: Seconds that the rest of it gets to come, of a job that is over: it may come on another
#: connection than the result, from the same node at the same time.
_PATIENCE = 2.0

#: Seconds between two looks.
_LOOK = 0.002


def output_of(task: Task) -> str:
    """Returns what a task has printed so far, as far as it is kept."""
    output = task.output
    if not isinstance(output, TaskOutput):
        return ""
    end = time.monotonic() + _PATIENCE
    while task.over and output.awaited and time.monotonic() < end:
        time.sleep(_LOOK)
    return output.text
