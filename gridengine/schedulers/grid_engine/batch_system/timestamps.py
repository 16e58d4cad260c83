"""The times that Grid Engines print, and how far they can be relied on."""

from __future__ import annotations

import calendar
import contextlib
import time

CLOCKS = 600.0
"""Seconds by which the clocks of master and submit host may differ."""

# English, whatever the C library has been told.
_MONTHS = {
    "Jan": "1", "Feb": "2", "Mar": "3", "Apr": "4", "May": "5", "Jun": "6",
    "Jul": "7", "Aug": "8", "Sep": "9", "Oct": "10", "Nov": "11", "Dec": "12",
}  # fmt: skip
_FORMS = ((4, "%m %d %H:%M:%S %Y"), (2, "%m/%d/%Y %H:%M:%S"), (2, "%Y-%m-%d %H:%M:%S"))


def seconds_of(text: str) -> float:
    """Returns the seconds since 1970 of a time in UTC as a Grid Engine writes it; 0 if it is none.

    ``Thu Nov 26 05:13:33 2026`` is Sun's and its successors', ``11/26/2026 05:13:33.123`` Univa's,
    ``2026-11-26 05:13:33.123456`` of the Open Cluster Scheduler.
    """
    words = [_MONTHS.get(word, word) for word in text.partition(".")[0].split()]
    for count, form in _FORMS:
        with contextlib.suppress(ValueError):
            return float(calendar.timegm(time.strptime(" ".join(words[-count:]), form)))
    return 0.0
