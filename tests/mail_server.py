"""A real mail server for tests, and what it got."""

from __future__ import annotations

import contextlib
import email
import email.policy
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any, NamedTuple

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from .waiting import wait_until

USER, PASSWORD = "me", "s3cret, and long"


class Mail(NamedTuple):
    """A mail as it came.

    Attributes:
        sender: The sender of its envelope.
        recipients: The recipients of its envelope.
        user: Who had logged in, empty for nobody.
        encrypted: Whether it came so.
        raw: All of it.
    """

    sender: str
    recipients: list[str]
    user: str
    encrypted: bool
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, policy=email.policy.default)  # type: ignore[return-value]

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        body = self.message.get_body(("plain",))
        assert body is not None
        return str(body.get_content()).replace("\r\n", "\n")

    @property
    def plots(self) -> list[bytes]:
        return [part.get_content() for part in self.message.iter_attachments()]


class MailServer:
    """What a server got.

    Attributes:
        mails: All that came, in their order.
        refused: Recipients whom it does not take.
        port: Where it listens.
        host: On which address.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        self.port = 0
        self.mails: list[Mail] = []
        self.refused: set[str] = set()

    @property
    def address(self) -> str:
        """As the setting ``smtp`` has it."""
        return f"{self.host}:{self.port}"

    def wait_for(self, count: int) -> list[Mail]:
        """Waits until there are so many, and returns them."""
        wait_until(lambda: len(self.mails) >= count, what=f"{count} mails")
        return self.mails

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:
        login = session.auth_data
        self.mails.append(
            Mail(
                envelope.mail_from,
                list(envelope.rcpt_tos),
                login.login.decode() if login else "",
                session.ssl is not None,
                bytes(envelope.content),
            )
        )
        return "250 OK"


def certificate_for(ca: trustme.CA, host: str) -> ssl.SSLContext:
    """Returns what a server shows of itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(host).configure_cert(context)
    return context


def _knows(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, auth_data=data, handled=good)


@contextlib.contextmanager
def serving(
    host: str = "127.0.0.1",
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    login: bool = False,
) -> Iterator[MailServer]:
    """Runs one.

    Args:
        host: The address that it has.
        starttls: If given, it takes nothing before STARTTLS.
        tls: If given, it is encrypted from the first byte.
        login: Whether it takes mails of those only who have logged in.
    """
    server = MailServer(host)
    options: dict[str, Any] = {"ssl_context": tls, "tls_context": starttls}
    if starttls is not None:
        options["require_starttls"] = True
    if login:
        options |= {
            "authenticator": _knows,
            "auth_required": True,
            "auth_require_tls": starttls is not None,
        }
    controller = _AnyPort(server, hostname=host, port=0, **options)
    controller.start()
    try:
        server.port = controller.server.sockets[0].getsockname()[1]
        yield server
    finally:
        controller.stop()


class _AnyPort(Controller):
    """One that the system gives a port."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
