"""How a dispatcher begins: with workers of this host, or with a port for those of others."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from .. import nesting
from ..schedulers.base import Scheduler
from ..settings import Settings
from ..transport import descriptors
from .early_start import EarlyStart
from .queue_jobs import QueueJobs, launch_for

# The transports take long to import: see `gridengine.dispatcher.dispatcher`.
if TYPE_CHECKING:
    from ..ledger.observers import Observers
    from ..observers.event_log import EventLog
    from ..transport.base import Connections
    from ..transport.run_folders import RunFolder


def open_here(
    undo: contextlib.ExitStack,
    scheduler: Scheduler,
    settings: Settings,
    ahead: EarlyStart,
    *,
    share: bool,
) -> tuple[Connections, QueueJobs]:
    """Opens the connections to workers of this host, some of which are on their way.

    Args:
        undo: Gets what closes it.
        scheduler: Whose workers they are.
        settings: Those of the session.
        ahead: What was started for it.
        share: Whether they see memory of this program.
    """
    session = ahead.session
    undo.callback(session.close)
    launch = launch_for(scheduler, settings, (), None, share=share)
    queue_jobs = QueueJobs(session, scheduler, launch, "")
    if ahead.workers:
        # It waits for that, and imports in the meantime what it needs.
        queue_jobs.started_early(ahead.workers)
    from ..transport.local import LocalConnections

    connections = LocalConnections(session.controls)
    undo.callback(connections.close)
    return connections, queue_jobs


def open_network(
    undo: contextlib.ExitStack,
    scheduler: Scheduler,
    settings: Settings,
    host: str,
    ports: str,
    folder: RunFolder | None,
) -> tuple[Connections, QueueJobs]:
    """Opens a port for workers of any host, and the session with the batch system.

    Args:
        undo: Gets what closes it.
        scheduler: Starts the workers.
        settings: Those of the session.
        host: Under which names workers find this one.
        ports: Which may be used.
        folder: For what nodes are told.

    Raises:
        SchedulerError: The scheduler or the network cannot be used.
    """
    connections = _network(undo, settings, host, ports, folder)
    session = scheduler.open()
    undo.callback(session.close)
    connections.when_lost = session.doubt
    launch = launch_for(scheduler, settings, connections.endpoints, connections.keys, share=False)
    return connections, QueueJobs(session, scheduler, launch, folder.path if folder else "")


def _network(
    undo: contextlib.ExitStack, settings: Settings, host: str, ports: str, folder: RunFolder | None
) -> Connections:
    """Returns the connections to nodes, by the ways that the settings allow."""
    files = None
    if settings.channel != "files":
        descriptors.check_for_zeromq()
    if settings.channel != "tcp" and folder is not None:
        from ..serialization.undeliverable import failing_run
        from ..transport import relay_words
        from ..transport.files import FileConnections
        from ..transport.private_files import new_folder
        from .run_folder import no_folder

        path = os.path.join(folder.path, relay_words.FOLDER)
        try:
            new_folder(path)
            expected = settings.channel == "files"
            files = FileConnections(path, settings.patience, failing_run, expected=expected)
        except OSError as error:
            raise no_folder(error) from None
        undo.callback(files.close)
        if expected:
            return files
    from ..transport.zeromq import ZeroMQConnections

    network = ZeroMQConnections(host, ports)
    undo.callback(network.close)
    if files is None:
        return network
    from ..transport.network_and_files import NetworkAndFiles

    return NetworkAndFiles(network, files)


def open_mails(settings: Settings, observers: Observers) -> None:
    """Has mails tell of it, if the settings ask for that."""
    if settings.mail_to and not nesting.in_job():
        from . import mails

        mails.have_told(settings, observers)


def open_observers(
    undo: contextlib.ExitStack, scheduler: Scheduler, settings: Settings, observers: Observers
) -> EventLog | None:
    """Has mails tell of it, and all that is told written to a file, if the settings ask for it.

    Args:
        undo: Gets what closes it.
        scheduler: Whose workers they are.
        settings: Those of the session.
        observers: Get it.

    Returns:
        What is to be closed last; None if nothing is written.

    Raises:
        GridEngineError: There is no place for it.
    """
    open_mails(settings, observers)
    if not settings.event_log or nesting.in_job():
        return None
    from ..observers.event_log import EventLog, folder_of

    workers = scheduler.max_queue_jobs * scheduler.workers_per_queue_job
    event_log = EventLog(
        folder_of(settings.run_dir), repr(scheduler), workers * scheduler.slots, scheduler.slots
    )
    undo.callback(event_log.close)
    observers.add(event_log)
    return event_log
