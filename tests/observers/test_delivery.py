"""Messages reach real mail servers, encrypted where those can, and no password goes unencrypted."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

pytest.importorskip("aiosmtpd")
trustme = pytest.importorskip("trustme")

from gridengine.observers.mails import delivery  # noqa: E402
from gridengine.observers.mails.delivery import Delivery, DeliveryError  # noqa: E402
from gridengine.observers.mails.message import new_message  # noqa: E402

from ..mail_server import PASSWORD, USER, certificate_for, serving  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")

#: Of this host too, but nothing that says so to who knows the usual names alone.
ELSEWHERE = "127.0.0.2"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return ca


def write_netrc(home: Path, host: str, password: str = PASSWORD) -> None:
    path = home / ".netrc"
    path.write_text(f'machine {host} login {USER} password "{password}"\n')
    path.chmod(0o600)


def send(server: str, subject: str = "subject", text: str = "text") -> None:
    to = ("a@example.org", "b@example.org")
    Delivery(to, "from@example.org", server).send(new_message(subject, text))


def test_a_message_has_its_addresses(home: Path) -> None:
    with serving() as server:
        send(server.address)
    (mail,) = server.mails
    assert (mail.sender, mail.recipients) == (
        "from@example.org",
        ["a@example.org", "b@example.org"],
    )
    message = mail.message
    assert message["To"] == "a@example.org, b@example.org"
    assert message["Auto-Submitted"] == "auto-generated"
    assert (mail.subject, mail.text, mail.user) == ("subject", "text\n", "")


def test_a_subject_can_add_no_header_and_a_text_may_be_anything(home: Path) -> None:
    text = "Größe 猫\x1b[2J\x00\ud800\u202e\r\n.\r\nQUIT\n" + "x" * 5000
    with serving() as server:
        send(server.address, "a\r\nBcc: c@example.org\n\n" + "ü" * 400, text)
    (mail,) = server.mails
    assert "Bcc" not in mail.message
    assert mail.recipients == ["a@example.org", "b@example.org"]
    assert mail.subject.startswith("a Bcc: c@example.org üü")
    assert len(mail.subject) == 150
    assert "Größe 猫\\x1b[2J\\x00\\ud800\\u202e" in mail.text
    assert mail.text.endswith("QUIT\n" + "x" * 5000 + "\n")
    assert max(map(len, mail.raw.splitlines())) < 998


def test_a_server_that_offers_encryption_and_asks_for_a_login_gets_both(
    home: Path, trusted: trustme.CA
) -> None:
    write_netrc(home, ELSEWHERE)
    with serving(ELSEWHERE, starttls=certificate_for(trusted, ELSEWHERE), login=True) as server:
        send(server.address)
    (mail,) = server.mails
    assert (mail.encrypted, mail.user) == (True, USER)


def test_a_server_may_be_encrypted_from_the_first_byte(home: Path, trusted: trustme.CA) -> None:
    with serving(ELSEWHERE, tls=certificate_for(trusted, ELSEWHERE)) as server:
        send(f"smtps://{server.address}")
    assert len(server.mails) == 1


def test_a_server_with_a_certificate_of_nobody_is_told_nothing(home: Path) -> None:
    write_netrc(home, ELSEWHERE)
    context = certificate_for(trustme.CA(), ELSEWHERE)
    with serving(ELSEWHERE, starttls=context, login=True) as server:
        with pytest.raises(DeliveryError, match="certificate verify failed"):
            send(server.address)
        assert server.mails == []


def test_this_hosts_own_server_may_have_any_certificate(home: Path) -> None:
    with serving(starttls=certificate_for(trustme.CA(), "another.example.org")) as server:
        send(server.address)
    assert server.mails[0].encrypted


def test_a_password_goes_nowhere_unencrypted_but_to_this_host(home: Path) -> None:
    write_netrc(home, ELSEWHERE)
    with serving(ELSEWHERE, login=True) as server:
        with pytest.raises(DeliveryError, match="offers no encryption") as caught:
            send(server.address)
        assert PASSWORD not in str(caught.value)
        assert server.mails == []
    write_netrc(home, "127.0.0.1")
    with serving(login=True) as server:
        send(server.address)
    assert server.mails[0].user == USER


def test_a_wrong_password_is_not_told_of(home: Path) -> None:
    write_netrc(home, "127.0.0.1", "another")
    with serving(login=True) as server, pytest.raises(DeliveryError) as caught:
        send(server.address)
    assert "does not take the login of ~/.netrc" in str(caught.value)
    assert "another" not in str(caught.value)


def test_a_broken_netrc_is_not_quoted(home: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login me passwd s3cret\n")
    (home / ".netrc").chmod(0o600)
    with serving() as server, pytest.raises(DeliveryError, match="netrc cannot be read") as caught:
        send(server.address)
    assert "s3cret" not in str(caught.value)


def test_who_is_refused_is_named(home: Path) -> None:
    with serving() as server:
        server.refused = {"b@example.org"}
        with pytest.raises(DeliveryError, match=r"b@example\.org is refused: 550 no such user"):
            send(server.address)
    assert server.mails[0].recipients == ["a@example.org"]


def test_where_nobody_listens_that_is_said(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    with pytest.raises(DeliveryError, match="refused"):
        send(f"127.0.0.1:{port}")


def test_a_server_that_is_silent_is_left(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PATIENCE", 0.2)
    silent = socket.create_server(("127.0.0.1", 0))
    with silent, pytest.raises(DeliveryError, match="timed out"):
        send(f"127.0.0.1:{silent.getsockname()[1]}")


def put_sendmail(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = folder / "sendmail"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_without_a_server_sendmail_gets_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_sendmail(tmp_path, monkeypatch, f'echo "$@" > {tmp_path}/args; cat > {tmp_path}/mail')
    send("")
    args = (tmp_path / "args").read_text().split()
    assert args == ["-i", "-f", "from@example.org", "--", "a@example.org", "b@example.org"]
    raw = (tmp_path / "mail").read_bytes()
    assert b"To: a@example.org, b@example.org\n" in raw
    assert b"\r" not in raw


def test_what_sendmail_says_is_said(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_sendmail(tmp_path, monkeypatch, "echo no such queue >&2; exit 75")
    with pytest.raises(DeliveryError, match="exit status 75: no such queue"):
        send("")
