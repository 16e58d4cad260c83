"""What may be said of mails, and what may not."""

from __future__ import annotations

from typing import Any

import pytest

from gridengine.errors import GridEngineError
from gridengine.mail_addresses import addresses_in, recipients_in, server_in
from gridengine.settings import Settings


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("me@example.org", ("me@example.org",)),
        (" a@b.c , d@e.f,", ("a@b.c", "d@e.f")),
        ("root", ("root",)),
        ("first.last+tag@x-y.example.org", ("first.last+tag@x-y.example.org",)),
    ],
)
def test_addresses_have_commas_between(text: str, addresses: tuple[str, ...]) -> None:
    assert addresses_in(text) == addresses


@pytest.mark.parametrize(
    "text",
    ["", " , ", "me@", "@x.org", "a@b@c", "Me <me@x.org>", "a b", "-oQ/tmp@x.org", "a@b\nBcc: c@d",
     "a@b\r\nc", "é@x.org", "me@x.org;you@x.org", "a@\x00b"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"me@example\.org"):
        addresses_in(text)


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("", ("localhost", 25, False)),
        ("mail", ("mail", 25, False)),
        ("mail.example.org:587", ("mail.example.org", 587, False)),
        ("smtp://mail", ("mail", 25, False)),
        ("smtps://mail", ("mail", 465, True)),
        ("smtps://mail:1465", ("mail", 1465, True)),
        ("[::1]", ("::1", 25, False)),
        ("[::1]:2525", ("::1", 2525, False)),
    ],
)
def test_a_server_may_have_a_port(text: str, server: tuple[str, int, bool]) -> None:
    assert server_in(text) == server


@pytest.mark.parametrize(
    "text", ["mail:", "mail:x", "mail:0", "mail:65536", "http://mail", "me:pw@mail", "a b", ":25"]
)
def test_what_is_no_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="mail server"):
        server_in(text)


def test_notify_takes_addresses_or_true() -> None:
    assert recipients_in(None) is recipients_in(False) is None
    assert recipients_in(True) == ()
    assert recipients_in("a@b.c, d") == recipients_in(["a@b.c", "d"]) == ("a@b.c", "d")


@pytest.mark.parametrize("given", [1, [], "", ["a b"], [1], {"a@b.c"}, b"a@b.c"])
def test_another_notify_is_refused(given: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="notify is"):
        recipients_in(given)


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("mail_to", "Me <me@x.org>", "addresses"),
        ("mail_from", "a@b.c,d@e.f", "one address"),
        ("smtp", "mail:smtp", "mail server"),
        ("mail_on", "never", "all or end or failure"),
    ],
)
def test_a_setting_of_mails_says_what_it_takes(name: str, value: str, right: str) -> None:
    with pytest.raises(GridEngineError, match=right):
        Settings.read({f"GRIDENGINE_{name.upper()}": value})
