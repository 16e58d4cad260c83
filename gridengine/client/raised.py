"""What tells exceptions that a call raised from those that it returned."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeGuard


def raised(value: object) -> TypeGuard[BaseException]:
    """Returns True for an exception that a job raised, in a list made with ``reraise=False``.

    False for one that the function returned as its value, and for all else.
    """
    from ..errors import JobError
    from ..serialization.exceptions import RemoteTraceback

    if not isinstance(value, BaseException):
        return False
    return isinstance(value.__cause__, RemoteTraceback) or isinstance(value, JobError)
