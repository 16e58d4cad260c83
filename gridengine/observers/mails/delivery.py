"""A message on its way: to a mail server by SMTP, or to this host's own by ``sendmail``."""

from __future__ import annotations

import contextlib
import getpass
import netrc
import os
import shutil
import smtplib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage
from typing import NamedTuple

from ...errors import GridEngineError
from ...mail_addresses import addresses_in, server_in
from ...settings import Settings

#: Seconds that a server, or sendmail, may take for one answer.
PATIENCE = 8.0

#: Where sendmail is, for users who do not have it in their path.
_SENDMAIL = "/usr/sbin:/usr/lib"

#: This host: what goes there can be read by nobody on the way, and what it calls itself in its
#: certificate is as it happens.
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class DeliveryError(GridEngineError):
    """A message cannot be sent; the message says why, and what to do."""


class Delivery(NamedTuple):
    """To whom mails go, and how.

    Attributes:
        recipients: Their addresses.
        sender: That of the sender, empty for the user's at this host.
        server: As `gridengine.settings.Settings.smtp`.
    """

    recipients: tuple[str, ...]
    sender: str
    server: str

    @classmethod
    def of(cls, settings: Settings, recipients: tuple[str, ...] = ()) -> Delivery:
        """Returns what settings say, for some recipients, or theirs."""
        recipients = recipients or addresses_in(settings.mail_to)
        return cls(recipients, settings.mail_from, settings.smtp)

    def send(self, message: EmailMessage) -> None:
        """Sends a message, which gets its addresses by this.

        Raises:
            DeliveryError: It cannot be sent, or none of the recipients is taken.
        """
        sender = self.sender or f"{_user()}@{_domain()}"
        message["From"] = sender
        message["To"] = ", ".join(self.recipients)
        program = None if self.server else shutil.which("sendmail", path=_search_path())
        try:
            if program is not None:
                _hand_over(program, sender, self.recipients, message)
            else:
                _transmit(self.server, sender, self.recipients, message)
        except (OSError, ssl.SSLError, smtplib.SMTPException, subprocess.SubprocessError) as error:
            where = program or self.server or "localhost"
            raise DeliveryError(f"{where}: {_said(error)}") from None


def _user() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user id that no file knows
        name = str(os.getuid())
    return name if name.isascii() and not set(name) & set(' ,<>"') else "gridengine"


def _domain() -> str:
    # Where no name server knows this host, it may be called as all are.
    name = socket.getfqdn()
    return os.uname().nodename if name.startswith("localhost") else name


def _search_path() -> str:
    return os.pathsep.join(filter(None, [os.environ.get("PATH", ""), _SENDMAIL]))


def _said(error: Exception) -> str:
    """Returns what went wrong; no password is in it."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "the server does not take the login of ~/.netrc"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        refused = error.recipients.items()
        return "; ".join(f"{to} is refused: {code} {_text(why)}" for to, (code, why) in refused)
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    if isinstance(error, subprocess.CalledProcessError):
        return f"exit status {error.returncode}: {_text(error.stderr)}"
    if isinstance(error, subprocess.TimeoutExpired):
        return f"no answer in {PATIENCE:g} seconds"
    return str(error) or type(error).__name__


def _text(raw: bytes | str | None) -> str:
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw or "")
    return " ".join(text.split())[:500]


# ---------------------------------------------------------------------- sendmail


def _hand_over(
    program: str, sender: str, recipients: tuple[str, ...], message: EmailMessage
) -> None:
    subprocess.run(  # noqa: S603  # the user's own sendmail, and addresses
        [program, "-i", "-f", sender, "--", *recipients],
        input=message.as_bytes(policy=message.policy.clone(linesep="\n")),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=True,
        timeout=PATIENCE,
    )


# ---------------------------------------------------------------------- SMTP


def _transmit(server: str, sender: str, recipients: tuple[str, ...], message: EmailMessage) -> None:
    host, port, encrypted = server_in(server)
    login = _login_for(host)
    with _connected(host, port, encrypted=encrypted) as link:
        if login is not None:
            _log_in(link, host, *login)
        refused = link.send_message(message, sender, recipients)
    if refused:
        raise smtplib.SMTPRecipientsRefused(refused)


@contextlib.contextmanager
def _connected(host: str, port: int, *, encrypted: bool) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context()
    if host in _HERE:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    link: smtplib.SMTP
    if encrypted:
        link = smtplib.SMTP_SSL(host, port, timeout=PATIENCE, context=context)
    else:
        link = smtplib.SMTP(host, port, timeout=PATIENCE)
    with link:
        link.ehlo_or_helo_if_needed()
        if not encrypted and link.has_extn("starttls"):
            link.starttls(context=context)
        yield link


def _log_in(link: smtplib.SMTP, host: str, user: str, password: str) -> None:
    if not isinstance(link.sock, ssl.SSLSocket) and host not in _HERE:
        raise DeliveryError(
            f"{host} offers no encryption, and the password of ~/.netrc is not sent without: use "
            "smtps://, or another port (587 as a rule)"
        )
    link.ehlo_or_helo_if_needed()
    if not link.has_extn("auth"):
        raise DeliveryError(f"{host} takes no login here, but ~/.netrc has one: try port 587")
    link.login(user, password)


def _login_for(host: str) -> tuple[str, str] | None:
    try:
        entry = netrc.netrc().hosts.get(host)
    except FileNotFoundError:
        return None
    except (netrc.NetrcParseError, UnicodeDecodeError) as error:
        # Its text quotes the file, which has the passwords of all hosts.
        line = getattr(error, "lineno", None)
        raise DeliveryError(
            f"~/.netrc cannot be read{f' (line {line})' if line else ''}: it must be yours, "
            "readable by nobody else, and as netrc(5) says"
        ) from None
    return (entry[0], entry[2]) if entry is not None and entry[2] else None
