"""Who may see the dashboard: whoever has its token, under a name of this host, from its own page.

Everything that is asked of the server comes through here first, be it a page, a script, a figure
for Prometheus or a WebSocket: other users of this host can reach the port too, and pages of others
in the user's browser.
"""

from __future__ import annotations

import hmac
import html
import secrets
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from bokeh.resources import Resources
from bokeh.server.tornado import BokehTornado
from bokeh.server.views.static_handler import StaticHandler
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import GZipContentEncoding, OutputTransform, RequestHandler

#: Names under which a browser on this host, or at the end of a tunnel, asks.
LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})

_SCRIPT = b"<script"

#: Nothing but what this server has, and its own scripts in the page; Bokeh sets styles itself.
_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)

# A redirection would be a part of the click that led here, which may have been on another site's
# page; then the browser would not send the cookie. This page asks by itself.
_WELCOME = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>gridengine</title>
<meta http-equiv="refresh" content="0; url={url}"></head><body><a href="{url}">dashboard</a>
</body></html>"""


class Access:
    """Says who may see it.

    Args:
        token: What everybody has to know.
        names: Further names under which it may be asked for, without a port.

    Attributes:
        token: As given.
    """

    def __init__(self, token: str, names: Iterable[str] = ()) -> None:
        self.token = token
        self._names = LOCAL_NAMES | {name.lower() for name in names}

    def refusal(self, request: HTTPServerRequest, cookie: str) -> str:
        """Returns why a request is not answered, empty if it is.

        Args:
            request: What was asked.
            cookie: Name of the cookie with the token.
        """
        name = _name_in(f"//{request.host}")
        if name not in self._names:
            return (
                f"The dashboard is not known as {name!r}: ask for 127.0.0.1 or localhost, or start "
                "it with --allow-host and that name."
            )
        if request.headers.get("Upgrade", "").lower() == "websocket":
            origin = urlsplit(request.headers.get("Origin", "")).netloc
            if origin.lower() != request.host.lower():
                return "A page of another site may not connect to the dashboard."
        elif _is_part_of_another_page(request):
            return "A page of another site may not load anything of the dashboard."
        if not any(map(self._is_token, _tokens(request, cookie))):
            return (
                "This needs the token: open the address that `gridengine dashboard` has printed, "
                "the one that ends in ?token=..."
            )
        return ""

    def has_token_in_url(self, request: HTTPServerRequest) -> bool:
        """True if the address itself has the token."""
        return any(map(self._is_token, request.query_arguments.get("token", ())))

    def _is_token(self, given: bytes) -> bool:
        return hmac.compare_digest(given, self.token.encode())


class GuardedTornado(BokehTornado):
    """Bokeh's application, which only those reach whom `Access` lets in."""

    def __init__(self, access: Access, cookie: str, *arguments: Any, **options: Any) -> None:
        self._access = access
        self._cookie = cookie
        super().__init__(
            *arguments,
            # What a page's script can read is not to have the cookie in it.
            include_headers=[],
            include_cookies=[],
            # `Access` looks at it, for this server's own name and port.
            extra_websocket_origins=["*"],
            transforms=[_Headers, GZipContentEncoding],
            **options,
        )

    def resources(self, absolute_url: str | bool | None = None) -> Resources:
        """Returns where the page has its scripts from: this server, whatever is set for others."""
        return Resources(
            mode="server",
            root_url=f"{self.prefix}/",
            path_versioner=StaticHandler.append_version,
            # Not what draws formulas, or with a graphics processor.
            components=["bokeh", "bokeh-widgets", "bokeh-tables"],
        )

    def find_handler(self, request: HTTPServerRequest, **options: Any) -> Any:
        """Returns who answers a request."""
        refusal = self._access.refusal(request, self._cookie)
        if refusal:
            return self.get_handler_delegate(request, _Refused, {"reason": refusal})
        root = request.path.rstrip("/") == self.prefix
        if root and request.method == "GET" and self._access.has_token_in_url(request):
            said = {"token": self._access.token, "cookie": self._cookie, "path": self.prefix + "/"}
            return self.get_handler_delegate(request, _Welcome, said)
        return super().find_handler(request, **options)


class _Refused(RequestHandler):
    """Answers who may not see anything, whatever was asked."""

    def initialize(self, reason: str) -> None:
        self._said = reason

    def prepare(self) -> None:
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(self._said + "\n")


class _Welcome(RequestHandler):
    """Answers the address that has the token: it is kept in a cookie from then on."""

    def initialize(self, token: str, cookie: str, path: str) -> None:
        self._token, self._name, self._path = token, cookie, path

    def get(self) -> None:
        self.set_cookie(self._name, self._token, path=self._path, httponly=True, samesite="Strict")
        self.finish(_WELCOME.format(url=html.escape(self._path)))


class _Headers(OutputTransform):
    """Adds to every answer what a browser is to hold the page to."""

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        nonce = secrets.token_urlsafe(18)
        headers["Content-Security-Policy"] = _POLICY.format(nonce=nonce)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if headers.get("Content-Type", "").startswith("text/html"):
            headers["Cache-Control"] = "no-store"
            # What users have named is not in the page itself, but comes through the WebSocket.
            chunk = chunk.replace(_SCRIPT, _SCRIPT + f' nonce="{nonce}"'.encode())
            if finishing and "Content-Length" in headers:
                headers["Content-Length"] = str(len(chunk))
        return status_code, headers, chunk


def _is_part_of_another_page(request: HTTPServerRequest) -> bool:
    site: str = request.headers.get("Sec-Fetch-Site", "none")
    return site == "cross-site" and bool(request.headers.get("Sec-Fetch-Mode") != "navigate")


def _name_in(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _tokens(request: HTTPServerRequest, cookie: str) -> list[bytes]:
    found = list(request.query_arguments.get("token", ()))
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        found.append(value.strip().encode())
    if cookie in request.cookies:
        found.append(request.cookies[cookie].value.encode())
    return found
