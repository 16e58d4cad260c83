"""The server: Bokeh's, on a port of this host, with the pages of all who look."""

from __future__ import annotations

import asyncio
import errno
import secrets
import signal
import socket
from collections.abc import Callable, Iterable
from urllib.parse import quote

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.document import Document
from bokeh.server.server import BaseServer
from prometheus_client import CollectorRegistry
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop

from ..errors import GridEngineError
from .access import Access, GuardedTornado
from .metrics import MetricsHandler, ProgramsCollector
from .page import Page
from .watching import Watcher

#: The first port that is tried if none is asked for, and how many are.
_PORT, _PORTS = 8787, 50

#: Milliseconds after which the page of a browser that has gone is forgotten, and between two looks.
_FORGET, _LOOK = 5000, 5000


#: Bytes that a request may have beside its head; nothing that is asked has any.
_BODY = 65536


class Dashboard:
    """A server that has its port, and runs with `run`.

    Args:
        run_dir: As `gridengine.settings.Settings.run_dir`.
        port: Where it listens; None for a free one from 8787 on, 0 for any.
        prefix: What paths begin with, for a proxy that leaves it there.
        token: What everybody has to know; by default a new one.
        names: Further names under which it may be asked for.

    Attributes:
        port: Where it listens.
        prefix: As given, with a slash before it and none behind it.
        token: What everybody has to know.

    Raises:
        GridEngineError: The port is taken.
    """

    def __init__(
        self,
        run_dir: str = "",
        *,
        port: int | None = None,
        prefix: str = "",
        token: str = "",
        names: Iterable[str] = (),
    ) -> None:
        self.token = token or secrets.token_urlsafe(24)
        self.prefix = f"/{stripped}" if (stripped := prefix.strip("/")) else ""
        self._run_dir = run_dir
        self._names = tuple(names)
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        """The address to open, with the token."""
        return f"http://127.0.0.1:{self.port}{self.prefix}/?token={quote(self.token)}"

    def run(self, ready: Callable[[], object] = lambda: None) -> None:
        """Serves until this process is interrupted, or told to end.

        Args:
            ready: Called when it answers.
        """
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: Callable[[], object]) -> None:
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, over.set)
        watcher = Watcher(self._run_dir)
        try:
            server = self._server(watcher)
            server.start()
            ready()
            await over.wait()
            server.stop(wait=False)
            server.unlisten()
        finally:
            watcher.close()

    def _server(self, watcher: Watcher) -> BaseServer:
        def fill(document: Document) -> None:
            Page(document, watcher)

        registry = CollectorRegistry(auto_describe=False)
        registry.register(ProgramsCollector(watcher))
        tornado = GuardedTornado(
            Access(self.token, self._names),
            f"gridengine-{self.port}",
            {"/": Application(FunctionHandler(fill))},
            prefix=self.prefix,
            extra_patterns=[("/metrics", MetricsHandler, {"registry": registry})],
            unused_session_lifetime_milliseconds=_FORGET,
            check_unused_sessions_milliseconds=_LOOK,
        )
        http = HTTPServer(tornado, max_body_size=_BODY)
        http.add_socket(self._socket)
        return BaseServer(IOLoop.current(), tornado, http)


def _listen(port: int | None) -> socket.socket:
    tried = range(_PORT, _PORT + _PORTS) if port is None else (port,)
    why = ""
    for each in tried:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", each))
            listening.listen(128)
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else f"is not to be had ({error})"
            listening.close()
            continue
        listening.setblocking(False)
        return listening
    if port is not None:
        raise GridEngineError(f"port {port} {why}: give another one (--port), or none")
    raise GridEngineError(
        f"every port from {_PORT} to {_PORT + _PORTS - 1} is in use: give one (--port)"
    )
