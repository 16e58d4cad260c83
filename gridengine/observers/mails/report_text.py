"""What a mail says of a run, as text."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator

from ...errors import format_bytes
from ...logs import printable
from ..map_counts import clock
from .tally import CallCounts, FailedCall, FailureKind, Tally

#: Characters of a mail's text: what a server takes, and somebody reads.
_LONGEST = 100_000


def summary(tally: Tally) -> str:
    """Returns counts, the time it has taken, and what was used; to be called with its lock."""
    lines = [f"Calls     {_calls(tally)}", f"Time      {_time(tally)}"]
    if tally.lost:
        lines.append(f"Workers   {tally.lost:,} died")
    points = tally.usage.points
    if points:
        most = max(point.memory for point in points)
        largest = max(point.largest for point in points)
        cores = max(point.cores for point in points)
        busy = f", {cores:.1f} cores busy" if cores else ""
        lines.append(
            f"At most   {format_bytes(most)} of memory in all workers together, "
            f"{format_bytes(largest)} in one{busy}"
        )
    lines += ["", *map(_of_name, tally.counts.values())] if len(tally.counts) > 1 else []
    return "\n".join(lines) + "\n"


def failures(kinds: Iterable[FailureKind]) -> str:
    """Returns the certificates of failures that no mail had yet, and notes that one has them."""
    text = "\n".join(_of_kind(kind) for kind in kinds if kind.count > kind.told)
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}\n... (the rest is left out)\n"
    return text


def number_of_calls(count: int) -> str:
    """Returns ``1 call``, ``12,000 calls``."""
    return f"{count:,} call{'s' * (count != 1)}"


def program_name() -> str:
    """Returns the name of this program's file; its arguments may be nobody else's business."""
    path = sys.argv[0] if sys.argv else ""
    folder, name = os.path.split(path)
    if name == "__main__.py":
        name = os.path.basename(folder)
    return "a prompt" if name in ("", "-") else f"python {name}" if name == "-c" else name


def _calls(tally: Tally) -> str:
    parts = [f"{tally.done:,} done"]
    for count, what in (
        (tally.failed, "failed"), (tally.cancelled, "cancelled"), (tally.retried, "tried again"),
    ):  # fmt: skip
        if count:
            parts.append(f"{count:,} {what}")
    return ", ".join(parts)


def _time(tally: Tally) -> str:
    begin = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(tally.began))
    busy = sum(counts.wall for counts in tally.counts.values())
    return f"{clock(tally.took)} since {begin}; the calls took {clock(busy)} together"


def _of_name(counts: CallCounts) -> str:
    each = counts.wall / counts.done if counts.done else 0.0
    failed = f", {counts.failed:,} failed" if counts.failed else ""
    memory = f", at most {format_bytes(counts.peak_memory)}" if counts.peak_memory else ""
    name = counts.name or "others"
    return f"  {name}: {counts.done:,} done{failed}, {each:.3g} s each{memory}"


def _of_kind(kind: FailureKind) -> str:
    return "\n".join(_lines_of(kind)) + "\n"


def _lines_of(kind: FailureKind) -> Iterator[str]:
    new = kind.count - kind.told
    more = f", {kind.count:,} in all" if kind.told else ""
    what = f"{kind.name}: {kind.reason}" if kind.name else kind.reason
    yield f"{what} ({number_of_calls(new)}{more})"
    shown = kind.first[kind.told :]
    for failure in shown:
        yield ""
        yield f"  {_where(failure)}"
        yield from (f"    {line}" for line in failure.text.strip().splitlines())
    if 0 < len(shown) < new:
        yield ""
        yield f"  ... and {new - len(shown):,} more"
    kind.told = kind.count


def _where(failure: FailedCall) -> str:
    when = time.strftime("%H:%M:%S", time.localtime(failure.when))
    call = f", call {failure.call}" if failure.call >= 0 else ""
    host = f" on {failure.host}" if failure.host else ""
    return printable(f"{when} {failure.name}{call}{host}")
