"""What settings and arguments say of mails: to whom, and by which server."""

from __future__ import annotations

#: What begins a comment, a group or an option, or ends a line.
_WRONG = frozenset("<>()[]:;\\\"' \t")

_PORT, _ENCRYPTED_PORT = 25, 465


def addresses_in(text: str) -> tuple[str, ...]:
    """Returns the addresses of a text, which has commas between them.

    Raises:
        ValueError: One is none, or there is none; the message is what is taken.
    """
    found = tuple(part for each in text.split(",") if (part := each.strip()))
    if not found or not all(map(_is_address, found)):
        raise ValueError("addresses such as me@example.org, with commas between")
    return found


def _is_address(text: str) -> bool:
    # A name alone is a user of this host. A dash before it might make it an option of sendmail.
    user, at, host = text.rpartition("@")
    plain = text.isascii() and text.isprintable() and not _WRONG & set(text)
    return plain and text[0] != "-" and "@" not in user and bool(host and (user or not at))


def server_in(text: str) -> tuple[str, int, bool]:
    """Returns host and port of a mail server, and whether it is encrypted from the first byte.

    Args:
        text: ``host``, ``host:port`` or ``smtps://host:port``; empty for this host.

    Raises:
        ValueError: It is none of them; the message is what is taken.
    """
    scheme, _, rest = text.rpartition("://")
    encrypted = scheme == "smtps"
    host, colon, digits = rest.rpartition(":")
    if not colon or rest.endswith("]"):
        host, digits = rest, str(_ENCRYPTED_PORT if encrypted else _PORT)
    host = host.removeprefix("[").removesuffix("]") or ("" if text else "localhost")
    good = host.isascii() and host.isprintable() and not set(host) & set("/@ \\")
    number = int(digits) if digits.isascii() and digits.isdecimal() else 0
    if not host or not good or scheme not in ("", "smtp", "smtps") or not 0 < number < 65536:
        raise ValueError("a mail server such as mail.example.org:587, or smtps://mail.example.org")
    return host, number, encrypted


def recipients_in(notify: object) -> tuple[str, ...] | None:
    """Returns the addresses of an argument ``notify=``: none for True, None if it asks for no mail.

    Raises:
        TypeError, ValueError: It can be no such argument.
    """
    if notify is None or notify is False:
        return None
    if notify is True:
        return ()
    every = [notify] if isinstance(notify, str) else notify
    if not isinstance(every, (list, tuple)) or not all(isinstance(each, str) for each in every):
        raise TypeError(f"notify is {notify!r}; it takes an address, a list of some, or True")
    try:
        return addresses_in(",".join(every))
    except ValueError as error:
        raise ValueError(f"notify is {notify!r}; it takes {error}") from None
