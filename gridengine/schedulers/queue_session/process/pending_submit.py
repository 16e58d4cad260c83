"""A batch on its way to the batch system: all at once, or as much as the site allows."""

from __future__ import annotations

import dataclasses

from .messages import Submit


@dataclasses.dataclass
class PendingSubmit:
    """A batch of which not all has been submitted.

    Attributes:
        submit: What is asked for.
        left: Queue jobs that are not submitted yet.
        largest: Of how many an array is tried.
        delayed: Why it is submitted later, as was told last.
    """

    submit: Submit
    left: int
    largest: int
    delayed: str = ""

    @classmethod
    def of(cls, submit: Submit) -> PendingSubmit:
        """Returns a batch of which nothing has been submitted."""
        return cls(submit, submit.count, submit.count)

    def shrink(self, size: int) -> None:
        """Notes that an array was too large for the site, which may allow ``size``."""
        # Halved too, so that it comes to an end whatever the site says.
        self.largest = max(1, min(size, self.largest // 2))

    def grow(self) -> None:
        """Has all that is left tried at once again: what the site allows has changed since."""
        self.largest = self.left
