"""What the master has answered, sorted by what to do about it."""

from __future__ import annotations

import re

from ...queue_session.process.batch_system import Denied, Limited, TooLarge, Unreachable

_UNREACHABLE = re.compile(r"unable to (?:send|contact)|commlib|qmaster.*(?:port|going down)")
_HOST = re.compile(r"denied: host .* (?:submit|admin) host")
_TOO_LARGE = re.compile(r"more than (\d+) tasks")
_LIMITED = re.compile(r"jobs? (?:is|are) allowed per")


def sorted_answer(
    text: str, *, unreachable: bool = False, limited: bool = False
) -> Unreachable | TooLarge | Limited | Denied:
    """Returns what a request's refusal means.

    Args:
        text: The master's words, or those of who could not reach it.
        unreachable: Whether it is known already that it was not reached.
        limited: Whether it is known already that the site allows no more for now.
    """
    if unreachable or _UNREACHABLE.search(text):
        return Unreachable(text)
    if (match := _TOO_LARGE.search(text)) and (size := int(match[1])):
        return TooLarge(size)
    return Limited(text) if limited or _LIMITED.search(text) else Denied(text)


def is_about_this_host(text: str) -> bool:
    """Tells whether a host may not submit at all."""
    return bool(_HOST.search(text))
