"""What a worker is made of, in the process that was forked for it."""

from __future__ import annotations

import contextlib
import os
from _socket import socket
from collections.abc import Callable

from .. import nesting
from ..transport.addresses import worker_address
from ..transport.launch_file import Launch
from ..transport.shared_memory import Arena
from .connection import open_connection
from .context import WorkerContext
from .known_functions import KnownFunctions
from .node_environment import NodeEnvironment
from .termination import Termination
from .worker import Worker
from .worker_process import WorkerProcess


def run_worker(
    child: WorkerProcess,
    inherited: socket | None,
    launch: Launch,
    environment: NodeEnvironment,
    supervisor: bytes,
    queue_job: str,
    wake: Callable[[], None],
) -> None:
    """Is a worker, until it is told to end.

    Args:
        child: What its supervisor knows of it.
        inherited: Its connection, None if it makes one itself.
        launch: What its supervisor was told.
        environment: What the program's variables are here.
        supervisor: The address of its supervisor.
        queue_job: The name of its queue job.
        wake: Wakes the supervisor.
    """
    os.environ.update(environment.settle(child.place))
    nesting.grant(environment.slots, queue_job)
    nesting.note_jobs = child.page.set_inner_jobs
    # A program that hangs up has no more use for a worker, and the supervisor knows it.
    with contextlib.suppress(ConnectionError):
        address = worker_address(supervisor, child.number)
        connection = open_connection(launch, address, inherited)
        arena = Arena.make() if launch.share else None
        functions = KnownFunctions(WorkerContext(launch.cwd, launch.sys_path, environment))
        # Not before the connection: there is no job yet that could clear up.
        termination = Termination()
        worker = Worker(connection, child.page, child.output, termination, wake, functions, arena)
        worker.run(once=launch.fresh)
        connection.close()
