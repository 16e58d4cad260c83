"""Runs a supervisor in this process, from what it is told to its exit status."""

from __future__ import annotations

import gc
import os
import sys
import time
from typing import Any

from ..transport.launch_file import Launch
from ..transport.unreached import UnreachedError
from .binding import keep_to
from .node_environment import NodeEnvironment
from .program_gone import clear_up
from .supervisor import Supervisor


def main(path: str, told: dict[str, Any] | None) -> None:
    """Runs a supervisor, and ends the process.

    Args:
        path: The launch file that describes it.
        told: What the program on this host has said instead, None on a node.
    """
    # Its workers share these pages with it as long as no collector writes to them.
    gc.freeze()
    gc.enable()
    launch = Launch.read(path) if told is None else Launch(**told)
    environment = NodeEnvironment(launch, dict(os.environ))
    os.environ.update(environment.at_start())
    keep_to(environment.cores)
    try:
        os.chdir(launch.cwd)
    except OSError as error:
        os.environ["PWD"] = os.getcwd()
        sys.stderr.write(f"gridengine: the working directory is not there: {error}\n")
    if launch.umask is not None:
        os.umask(launch.umask)
    begun = time.monotonic()
    if told is None and launch.channel == "files":
        launch = _through_files(launch, path, "")
    supervisor = Supervisor(launch, environment)
    try:
        status = supervisor.run()
    except UnreachedError as error:
        if launch.channel == "tcp":
            error.note.write(os.path.dirname(path), launch.queue_job.format_map(os.environ))
            clear_up(launch, path)
            sys.exit(f"gridengine: {error}")
        if launch.time_limit:
            left = launch.time_limit - (time.monotonic() - begun)
            launch = launch._replace(time_limit=max(1e-3, left))
        supervisor = Supervisor(_through_files(launch, path, str(error)), environment)
        status = supervisor.run()
    if supervisor.unheard:
        clear_up(launch, path)
    # As in the workers: to take an interpreter apart takes longer than to end them all, and the
    # program waits for it.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _through_files(launch: Launch, path: str, reason: str) -> Launch:
    # Where it is needed: what it imports takes its time.
    from .relay import stand_between

    return stand_between(launch, path, reason)
