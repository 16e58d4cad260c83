"""``gridengine mail`` says whether mails of programs would be sent."""

from __future__ import annotations

import socket

import pytest

from gridengine.cli import main

pytest.importorskip("aiosmtpd")
pytest.importorskip("trustme")

from ..mail_server import serving


def test_a_mail_is_sent_to_whom_the_setting_names_or_the_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as server:
        monkeypatch.setenv("GRIDENGINE_SMTP", server.address)
        monkeypatch.setenv("GRIDENGINE_MAIL_TO", "me@example.org")
        assert main.main(["mail"]) == 0
        assert main.main(["mail", "a@b.c", "d@e.f"]) == 0
    assert [mail.recipients for mail in server.mails] == [["me@example.org"], ["a@b.c", "d@e.f"]]
    assert capsys.readouterr().out == "sent to me@example.org\nsent to a@b.c, d@e.f\n"


def test_what_is_wrong_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main.main(["mail"]) == 1
    assert "set GRIDENGINE_MAIL_TO" in capsys.readouterr().err
    assert main.main(["mail", "Me <a@b.c>"]) == 1
    assert "it takes addresses" in capsys.readouterr().err
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    monkeypatch.setenv("GRIDENGINE_SMTP", f"127.0.0.1:{port}")
    assert main.main(["mail", "a@b.c"]) == 1
    assert f"127.0.0.1:{port}: [Errno" in capsys.readouterr().err
