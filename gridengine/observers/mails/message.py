"""A mail as a message."""

from __future__ import annotations

import email.utils
import os
from email.message import EmailMessage
from email.policy import SMTP

from ...logs import printable

#: Letters of a subject.
_SUBJECT = 150

#: A header that would end its line raises, with this policy: nothing can add another one. None is
#: folded either: a server takes 998 letters.
_POLICY = SMTP.clone(max_line_length=900)


def new_message(subject: str, text: str, plot: bytes = b"", thread: str = "") -> EmailMessage:
    """Returns a message to which its addresses are still to be added.

    Args:
        subject: What it is about; of any length, and with anything in it.
        text: What it says; likewise, but for its length.
        plot: A PNG that is attached, empty for none.
        thread: The id of messages that mail programs shall show together, empty for none.
    """
    message = EmailMessage(policy=SMTP)
    message["Subject"] = _in_one_line(subject)
    message["Date"] = email.utils.localtime()
    message["Message-ID"] = email.utils.make_msgid("gridengine", domain=_domain())
    if thread:
        message["In-Reply-To"] = message["References"] = thread
    # No vacation program answers these.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Mailer"] = "gridengine"
    # Any server takes that, however long the lines are.
    message.set_content(printable(text), charset="utf-8", cte="quoted-printable")
    if plot:
        message.add_attachment(plot, maintype="image", subtype="png", filename="usage.png")
    # Not before: it says how long the lines of the text are, too.
    message.policy = _POLICY
    return message


def new_thread() -> str:
    """Returns the id for messages about one run."""
    return email.utils.make_msgid("gridengine", domain=_domain())


def _in_one_line(text: str) -> str:
    line = printable(" ".join(text.split()))
    return line if len(line) <= _SUBJECT else f"{line[: _SUBJECT - 1]}…"


def _domain() -> str:
    name = os.uname().nodename
    return name if name.isascii() and name.replace("-", "").replace(".", "").isalnum() else "local"
