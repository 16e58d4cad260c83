"""The mails about a program and its maps, and that the last ones are sent at its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import GridEngineError
from ..ledger.observers import Observers
from ..observers.mails import program_mails
from ..observers.mails.map_mail import MapMail
from ..settings import Settings
from .inbox import guarded
from .registry import after_all

after_all(program_mails.close_all)


def have_told(settings: Settings, observers: Observers) -> None:
    """Has what a dispatcher tells be in the program's mails."""
    observers.add(guarded(program_mails.program_mails(settings).tally, observers))


def of_map(
    recipients: tuple[str, ...], settings: Settings, name: str, observe: Callable[..., Any]
) -> MapMail:
    """Returns what sends the mail at the end of a map.

    Args:
        recipients: To whom, empty for those of the settings.
        settings: Those of its scheduler.
        name: What the map is called.
        observe: As of `gridengine.observers.mails.map_mail.MapMail`.

    Raises:
        GridEngineError: Nobody says to whom.
    """
    if not recipients and not settings.mail_to:
        raise GridEngineError(
            "notify=True is for those whom GRIDENGINE_MAIL_TO names (mail_to in gridengine.toml), "
            'and it names nobody: give an address, notify="me@example.org"'
        )
    return MapMail(settings, recipients, name, observe)
