"""Which of the program's addresses a supervisor on another host reaches, or why it reaches none."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import time
from collections.abc import Sequence

import zmq

from ..errors import SchedulerError
from ..transport import descriptors, messages
from ..transport.launch_file import Launch
from ..transport.link import unnumbered
from ..transport.unreached import Unreached, UnreachedError
from .zeromq import connect

#: Seconds for a look at what an address says to a plain connection: refusals come at once, and
#: silence has lasted for long when this is asked.
_LOOK = 2.0


#: What to do where this host does not reach the program.
_LET_IN = (
    "have the firewall of the program's host let the nodes in at some ports and name them "
    "(GRIDENGINE_PORTS=54000-54100), and see that they can reach its address (GRIDENGINE_HOST "
    "names another one, or a network interface)"
)


def answering_endpoint(launch: Launch, address: bytes) -> str:
    """Returns the first of the dispatcher's addresses that answers with the right key.

    Args:
        launch: The addresses, and the keys.
        address: The name under which the dispatcher will know the one who asks.

    Raises:
        UnreachedError: None did: in ``connect_timeout`` seconds, or in the launch's patience
            where there was a connection at least.
            Or too few descriptors are free here.
    """
    try:
        descriptors.check_for_zeromq()
    except SchedulerError as error:
        host = os.uname().nodename
        raise UnreachedError(Unreached(host, f"{host}: {error}")) from None
    begun = time.monotonic()
    limit = min(launch.connect_timeout, launch.patience)
    with zmq.Context() as context:
        probes = {
            connect(context, launch, endpoint, b"%s?%d" % (address, i)): endpoint
            for i, endpoint in enumerate(launch.endpoints)
        }
        poller = zmq.Poller()
        for probe in probes:
            poller.register(probe, zmq.POLLIN)
            probe.send(unnumbered(messages.encode(messages.Probe())))
        try:
            answered = poller.poll(int(max(limit / 2, limit - _LOOK) * 1000))
            look = limit - (time.monotonic() - begun)
            troubles = {} if answered else _troubles(launch.endpoints, look)
            if not all(troubles.values()):
                # It is there and silent, as when it is stopped (Ctrl-Z): so it may come back.
                rest = launch.patience - (time.monotonic() - begun)
                answered = answered or poller.poll(int(max(0.0, rest) * 1000))
        finally:
            for probe in probes:
                probe.close(linger=0)
    if not answered:
        raise UnreachedError(_note(troubles, time.monotonic() - begun))
    return probes[answered[0][0]]


def _note(troubles: dict[str, str], seconds: float) -> Unreached:
    host = os.uname().nodename
    silent = "connected, but nothing there answers with this program's key"
    each = "; ".join(f"{endpoint}: {trouble or silent}" for endpoint, trouble in troubles.items())
    told = f"{host} has not reached this program within {seconds:.0f} s: {each}; {_LET_IN}"
    return Unreached(host, told)


def _troubles(endpoints: Sequence[str], seconds: float) -> dict[str, str]:
    """Returns what a plain connection to each address meets with, empty if it is made."""
    # Where it is needed, for it takes longer to import than a worker to be let in.
    import socket

    troubles = dict.fromkeys(endpoints, "no answer, as behind a firewall that drops")
    poll = select.poll()
    with contextlib.ExitStack() as stack:
        attempts: dict[int, tuple[socket.socket, str]] = {}
        for endpoint in endpoints:
            host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
            host = host.strip("[]")
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            attempt = stack.enter_context(socket.socket(family))
            attempt.setblocking(False)
            code = attempt.connect_ex((host, int(port)))
            if code == errno.EINPROGRESS:
                attempts[attempt.fileno()] = attempt, endpoint
                poll.register(attempt, select.POLLOUT)
            else:
                troubles[endpoint] = os.strerror(code) if code else ""
        end = time.monotonic() + seconds
        while attempts and (ready := poll.poll(max(0.0, end - time.monotonic()) * 1000)):
            for descriptor, _ in ready:
                attempt, endpoint = attempts.pop(descriptor)
                poll.unregister(attempt)
                code = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                troubles[endpoint] = os.strerror(code) if code else ""
    return troubles
