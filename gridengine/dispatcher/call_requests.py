"""What tasks ask of a batch system, as kinds of workers of one dispatcher."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..schedulers.base import Scheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ledger.requests import LearnedMemory, Requests
    from ..ledger.task import Task
    from ..schedulers.asked import Asked

#: What was asked for last that is remembered: jobs that ask for the same are many.
_REMEMBERED = 100


class CallRequests:
    """Finds the kinds of workers for what is asked for. May be used by any thread.

    Args:
        scheduler: What can be asked for.
        kind_of: Returns the kind of workers that have been given some resources.
    """

    def __init__(
        self, scheduler: Scheduler, kind_of: Callable[[Mapping[str, object]], int]
    ) -> None:
        self._scheduler = scheduler
        self._kind_of = kind_of
        self._known: list[tuple[Asked, tuple[int, Requests | None]]] = []

    def set_on(self, task: Task, asked: Asked) -> None:
        """Has a task ask for something.

        Raises:
            ValueError, TypeError: The scheduler cannot take it.
        """
        found = next((f for known, f in self._known if known is asked or known == asked), None)
        if found is None:
            found = self._found(asked)
            # Another list: somebody else may be going through that one.
            self._known = [*self._known[-_REMEMBERED:], (asked, found)]
        task.kind, task.requests = found

    def _found(self, asked: Asked) -> tuple[int, Requests | None]:
        from ..ledger.requests import Requests
        from ..schedulers.quantities import wanted_after
        from ..states import DeathCause

        resources, learned = self._with_memory(asked)
        over_time = DeathCause.OVER_TIME
        time = {n: v for n, v in asked.escalate.items() if wanted_after(n) is over_time}
        memory = {n: v for n, v in asked.escalate.items() if n not in time}
        requests = Requests(self._kind_of, resources, memory, time, learned)
        useful = bool(memory or time or learned) and self._scheduler.takes_resources
        return requests.kind, requests if useful else None

    def _with_memory(self, asked: Asked) -> tuple[dict[str, object], LearnedMemory | None]:
        from ..ledger.requests import LearnedMemory

        resources = dict(asked.resources)
        scheduler, name = self._scheduler, self._scheduler.memory_resource
        if not asked.memory or not scheduler.takes_resources:
            return resources, None
        if not name:
            raise ValueError(
                f"{scheduler!r} does not say which of its resources memory= stands for; ask for "
                "it by its own name, with resources="
            )
        slots = scheduler.slots_of(scheduler.resources_of(resources))
        if asked.learns:
            base = scheduler.memory_of(scheduler.resources_of(resources))
            return resources, LearnedMemory(name, slots, base, scheduler.memory_max)
        if name in resources:
            raise ValueError(f"memory= stands for the resource {name!r}, which resources= has too")
        if scheduler.memory_max and asked.memory > scheduler.memory_max:
            raise ValueError(
                f"memory={asked.memory} is more than the scheduler's memory_max, "
                f"{scheduler.memory_max} bytes"
            )
        resources[name] = -(-asked.memory // slots)
        return resources, None
