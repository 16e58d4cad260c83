"""``gridengine mail``: sends a mail, to try the settings."""

from __future__ import annotations

import argparse
import sys

from ...errors import GridEngineError
from ...logs import printable
from ...settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import Commands

_DESCRIPTION = """\
Sends a mail now, as programs do when they are over or their calls fail, and says whether the mail
server has taken it.

It goes to those whom GRIDENGINE_MAIL_TO names, or to the addresses that are given here, by the
server of GRIDENGINE_SMTP, with the login of ~/.netrc if that has one for the server.
"""

_EPILOG = """\
examples:
  gridengine mail
  GRIDENGINE_SMTP=mail.example.org:587 gridengine mail me@example.org

exit status: 0 if it was taken, 1 if not, 2 for a wrong command line.
"""


def add_to(commands: Commands) -> None:
    """Adds its parser."""
    parser = commands.add_parser(
        "mail",
        help="send a mail, to try the settings",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("addresses", metavar="ADDRESS", nargs="*", help="to whom")
    parser.set_defaults(action=_mail)


def _mail(given: argparse.Namespace) -> int:
    from ...mail_addresses import addresses_in
    from ...observers.mails.delivery import Delivery
    from ...observers.mails.message import new_message

    settings = Settings.read()
    if not given.addresses and not settings.mail_to:
        raise GridEngineError("nobody is to get it: give an address, or set GRIDENGINE_MAIL_TO")
    try:
        recipients = addresses_in(",".join(given.addresses)) if given.addresses else ()
    except ValueError as error:
        raise GridEngineError(f"it takes {error}") from None
    delivery = Delivery.of(settings, recipients)
    text = "This is a trial. Mails of programs that use gridengine will come as this one.\n"
    delivery.send(new_message("gridengine: a trial", text))
    sys.stdout.write(printable(f"sent to {', '.join(delivery.recipients)}\n"))
    return 0
