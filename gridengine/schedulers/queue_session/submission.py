"""What is submitted: a batch of queue jobs, and what they ask for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Protocol

from .process import messages


class QueueRequest(Protocol):
    """What a queue job asks for, as a batch system's request says it."""

    @property
    def memory(self) -> int:
        """Bytes that a queue job may use, 0 if not limited."""

    def changed(self, changes: Mapping[str, object]) -> QueueRequest:
        """Returns the request with a job's own ones: they add to these and override them.

        Raises:
            ValueError, TypeError: They cannot be asked for.
        """


@dataclasses.dataclass
class OpenBatch:
    """A batch of which not all has been taken."""

    request: QueueRequest
    order: messages.Submit
