"""Sends mails one after the other, and says once that it cannot."""

from __future__ import annotations

from ...logs import Log
from ...settings import Settings
from .delivery import Delivery, DeliveryError
from .message import new_message, new_thread

log = Log(__name__)


class Letterbox:
    """For the mails about one run.

    Args:
        settings: Say how they go.
        recipients: To whom; by default as the settings say.
    """

    def __init__(self, settings: Settings, recipients: tuple[str, ...] = ()) -> None:
        self._delivery = Delivery.of(settings, recipients)
        self._thread = new_thread()
        self._has_failed = False

    def send(self, subject: str, text: str, plot: bytes = b"") -> bool:
        """Sends one; returns whether that has worked."""
        try:
            self._delivery.send(new_message(subject, text, plot, self._thread))
        except DeliveryError as error:
            if not self._has_failed:
                to = ", ".join(self._delivery.recipients)
                log.warning("no mail can be sent to %s: %s", to, error)
            self._has_failed = True
            return False
        self._has_failed = False
        return True
