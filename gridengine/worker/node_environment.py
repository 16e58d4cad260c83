"""The program's environment on a node: of threads and GPUs the batch system says more there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .. import nesting
from ..transport.launch_file import THREADS, Launch, thread_limits_within
from .binding import bound_cores
from .devices import divided, granted


class NodeEnvironment:
    """What the program's variables are in the workers of one supervisor.

    Args:
        launch: What the supervisor was told.
        own: The environment with which it was started.

    Attributes:
        slots: Cores that each worker is granted.
        cores: The processors that the queue job shall keep to, none if the batch system has not
            chosen any.
        shares: Variables with the devices of each place of a worker; empty if all have the same.
    """

    def __init__(self, launch: Launch, own: Mapping[str, str]) -> None:
        self._remote = not launch.parent
        self._launched = launch.environ
        self._own: Mapping[str, str] = {}
        self._threads = launch.threads
        self.slots = launch.slots
        self.cores: set[int] = set()
        self.shares: Sequence[Mapping[str, str]] = launch.devices
        if self._remote:
            devices = granted(own)
            self._own = {**devices, **{name: own[name] for name in THREADS if name in own}}
            places = max(1, launch.most, launch.workers)
            self.shares = divided(devices, places)
            # What the node says counts, but not what a queue job has started of its own accord.
            slots = nesting.slots_of_queue_job(own)
            self.cores = bound_cores(own) if slots else set()
            slots = min(slots, len(self.cores) or slots)
            self.slots = max(1, slots // places) if slots else launch.slots

    def at_start(self) -> dict[str, str]:
        """Returns the variables to set before the first worker is started."""
        if not self._remote:
            return dict(self._launched)
        asked = {**dict.fromkeys(THREADS), **self._launched}
        every = {name: self._here(name, value) for name, value in asked.items()}
        return {**{name: value for name, value in every.items() if value is not None}, **self._own}

    def settle(self, place: int) -> Mapping[str, str]:
        """Has it be that of the worker in a place; returns the variables that it alone has."""
        share = self.shares[place] if self.shares else {}
        self._own = {**self._own, **share}
        return share

    def changed(self, changes: Mapping[str, str | None]) -> dict[str, str | None]:
        """Returns what changes here when the program changes variables; None takes one away."""
        if not self._remote:
            # Without a value of the program's, a limit of threads is what it was.
            given = {n: self._launched.get(n) if v is None else v for n, v in changes.items()}
            given.update({name: self._own[name] for name in given if name in self._own})
            if not self._threads:
                return given
            limits = thread_limits_within({n: v or "" for n, v in given.items()}, self._threads)
            return {name: limits.get(name, value) for name, value in given.items()}
        return {name: self._here(name, value) for name, value in changes.items()}

    def _here(self, name: str, value: str | None) -> str | None:
        if name in self._own:
            return self._own[name]
        if name not in THREADS:
            return value
        if value is None or not value.strip().isdecimal():
            return str(self.slots) if value is None else value
        return str(min(int(value), self.slots))
