"""A batch on its way to the batch system."""

from __future__ import annotations

import dataclasses

from .messages import Submit


@dataclasses.dataclass
class PendingSubmit:
    """A batch of which not all has been submitted."""

    submit: Submit
    left: int
    largest: int
    taken: list[str] = dataclasses.field(default_factory=list)
    delayed: str = ""
