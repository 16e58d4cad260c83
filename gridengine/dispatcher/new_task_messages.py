"""The messages with work of a new dispatcher, as its scheduler wants them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..schedulers.arguments import checked_initializer
from ..schedulers.base import Scheduler
from ..serialization.functions import pack_function
from ..serialization.packed import Function
from ..settings import Settings
from ..transport.shared_memory import Arena
from .new_state import surroundings_of
from .sharing import Sharing
from .task_messages import TaskMessages


def new_task_messages(
    scheduler: Scheduler,
    settings: Settings,
    arena: Arena | None,
    sharing: Sharing,
    is_unwanted: Callable[[Any], bool],
) -> TaskMessages:
    """Returns what makes them; see `TaskMessages`.

    Raises:
        PackingError: The scheduler's initializer, or an argument of it, cannot travel.
        TypeError: It cannot be called.
    """
    environment = settings.environment if scheduler.remote else None
    return TaskMessages(arena, environment, _initializer(scheduler, sharing), is_unwanted)


def _initializer(scheduler: Scheduler, sharing: Sharing) -> Function | None:
    initializer = initializer_of(scheduler)
    if initializer is None:
        return None
    packed = pack_function(initializer, "the initializer")
    cwd, env = surroundings_of(scheduler)
    if cwd is not None or env:
        from ..serialization.own_surroundings import in_own_surroundings

        packed = in_own_surroundings(packed, cwd, env or {})
    return packed._replace(frames=sharing.frames(packed.frames))


def initializer_of(scheduler: Scheduler) -> Callable[[], object] | None:
    """Returns what workers call before their first job, None for nothing.

    Raises:
        TypeError: It cannot be called.
    """
    initializer, initargs = checked_initializer(scheduler.initializer, scheduler.initargs)
    return None if initializer is None else functools.partial(initializer, *initargs)
