"""What stands between a queue job and its start, in one sentence of what the Grid Engine prints.

``qalter -w p`` tries to schedule it without doing so: that needs no setting of the site, where
``qstat -j`` gives reasons only if ``schedd_job_info`` is on. What they leave open is asked further:
the states of queues, quotas, limits. The samples in the tests are of a Grid Engine 8.1.9.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from . import queue_instances
from .amounts import largest, lists_hosts

RunCommand = Callable[..., str]

_PARTS = 3  # obstacles that are named, of those that stand in the way at the same time

_QUEUE = re.compile(r'"([^"@]+)@([^"]+)"')
_HOST = re.compile(r'at host "([^"]+)"')
_OFFERS = re.compile(r"it offers only (\w)(\w):([\w.]+)=(\S+)")
_QUOTA = re.compile(r'exceeds limit "[^"]*" in rule "([^"]+)"')
_PLACE = re.compile(r'PE "([^"]+)" because it only offers (\d+) slots')

#: Of each queue that was not asked for.
_NOISE = ("hard queue list", "All queues dropped")


def why(job: str, *, held: bool, user: str, ask: RunCommand) -> str:
    """Returns why a queue job does not start, empty if that cannot be told.

    Args:
        job: Its number.
        held: Whether ``qstat`` shows it on hold.
        user: Its owner.
        ask: Runs a command, and returns what that prints; nothing if there is none.
    """
    told = ask("qstat", "-j", job)
    if reason := _own_wish(told, job, held=held):
        return reason
    tried = ask("qalter", "-w", "p", job)
    parts = list(_obstacles(tried, job, ask))
    if not parts:
        parts = list(_limits(told, tried, user, ask))
    return "; ".join(list(dict.fromkeys(parts))[:_PARTS])


def _own_wish(told: str, job: str, *, held: bool) -> str:
    """Returns what keeps a queue job back that it was given itself."""
    after = re.search(r"^jid_predecessor_list:\s+(\S+)", told, re.MULTILINE)
    if after:
        return f"it is held until job {after[1]} is over (qsub -hold_jid)"
    if held:
        return f"it is held (state hqw); `qrls {job}` releases it, if the hold is yours"
    start = re.search(r"^execution_time:\s+(\S.*)$", told, re.MULTILINE)
    if start and "time not reached" in told:
        return f"it is not to start before {start[1].strip()} (UTC)"
    return ""


# ---------------------------------------------------------------------- what qalter -w p prints


def _obstacles(tried: str, job: str, ask: RunCommand) -> Iterator[str]:
    lines = [" ".join(each.split()) for each in tried.splitlines()]
    lines = [line for line in lines if re.search("dropped|cannot", line)]
    useful = [line for line in lines if not any(each in line for each in _NOISE)]
    # Without any other, what it was not asked for says at least that nothing was found.
    lines = useful or lines
    for rule in dict.fromkeys(match[1] for line in lines if (match := _QUOTA.search(line))):
        yield _quota(rule, ask)
    for match in filter(None, map(_PLACE.search, lines)):
        yield f"parallel environment {match[1]} has {match[2]} slots left, fewer than are asked for"
    yield from _lacking(lines, job, ask)
    yield from _queues_in_trouble(lines, ask)
    full = [(m[1], m[2]) for m in map(_QUEUE.search, filter(_is_full, lines)) if m]
    for queue, hosts in _by_first(full):
        yield f"all slots of queue {queue} on {lists_hosts(hosts)} are taken"
    yield from _others(lines)


def _is_full(line: str) -> bool:
    return "it is full" in line or "qc:slots=" in line


def _is_unavailable(line: str) -> bool:
    return "dropped because" in line and not _is_full(line)


def _quota(rule: str, ask: RunCommand) -> str:
    name = re.escape(rule)
    used = re.search(rf"^{name}\s+(\S+)", ask("qquota"), re.MULTILINE)
    return f"resource quota {rule} is used up{f' ({used[1]})' if used else ''}"


def _lacking(lines: Iterable[str], job: str, ask: RunCommand) -> Iterator[str]:
    """Names the resources of which too little is offered."""
    offers: dict[str, list[str]] = {}
    measured: set[str] = set()
    wanted: dict[str, str] = {}
    for line in lines:
        match = _OFFERS.search(line)
        if match is None or _is_full(line):
            continue
        layer, name, value = match[2], match[3], match[4]
        offers.setdefault(name, []).append(value)
        measured.update(name for _ in "l" if layer == "l")
        asked = re.search(rf"[ (,]{re.escape(name)}=([^,) ]+)", line[: match.start()])
        wanted.setdefault(name, asked[1] if asked else "")
    for name, values in offers.items():
        yield _too_little(name, wanted[name], values, ask, job, measured=name in measured)


def _too_little(
    name: str, wanted: str, values: list[str], ask: RunCommand, job: str, *, measured: bool
) -> str:
    request = f"{name}={wanted}" if wanted else name
    most = largest(values)
    if most is None:
        return f"{request} is asked for, and there is {name}={values[0]}"
    # As if nothing else ran. What is measured, such as free memory, is not known there.
    ever = measured or "found suitable" in ask("qalter", "-w", "v", job)
    if ever:
        return f"{request} is more than any host has left now ({most} at most)"
    return f"{request} is more than any host has ({most} at most): it can never start"


def _queues_in_trouble(lines: Iterable[str], ask: RunCommand) -> Iterator[str]:
    places = [m for m in map(_QUEUE.search, filter(_is_unavailable, lines)) if m]
    if not places:
        return
    known = queue_instances.troubles(ask("qstat", "-f", "-explain", "aAcE"))
    notes: dict[tuple[str, str], str] = {}
    hosts: dict[tuple[str, str], list[str]] = {}
    for match in places:
        queue, host = match.groups()
        what, note = known.get(f"{queue}@{host}", ("is not available", ""))
        notes.setdefault((queue, what), note)
        hosts.setdefault((queue, what), []).append(host)
    for (queue, what), note in notes.items():
        where = lists_hosts(hosts[queue, what])
        yield f"queue {queue} {what} on {where}{f' ({note})' if note else ''}"


def _others(lines: Iterable[str]) -> Iterator[str]:
    """Gives what has no words of its own here as it is, for all queues together."""
    texts: dict[str, list[str]] = {}
    for line in lines:
        known = _QUOTA.search(line) or _PLACE.search(line) or _OFFERS.search(line)
        if known or _is_full(line) or _is_unavailable(line):
            continue
        text = re.sub(r"^Job \d+ (?:\([^)]*\) )?", "", line)
        place = _QUEUE.search(text) or _HOST.search(text)
        hosts = texts.setdefault(_QUEUE.sub(r"\1", _HOST.sub("at a host", text)), [])
        hosts.extend([place.groups()[-1]] if place else [])
    for text, hosts in texts.items():
        yield f"it {text}{f' ({lists_hosts(hosts)})' if hosts else ''}"


def _by_first(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for queue, host in pairs:
        found.setdefault(queue, []).append(host)
    return iter(found.items())


# ---------------------------------------------------------------------- where it finds no obstacle


def _limits(told: str, tried: str, user: str, ask: RunCommand) -> Iterator[str]:
    """Names the limit of a user's running jobs, which ``qalter`` does not look at."""
    if "found suitable" not in tried:
        return
    match = re.search(r"^maxujobs\s+(\d+)", ask("qconf", "-ssconf"), re.MULTILINE)
    limit = int(match[1]) if match else 0
    if limit:
        running = len(re.findall(r"^ *\d+ ", ask("qstat", "-s", "r", "-u", user), re.MULTILINE))
        if "user limitations" in told or running >= limit:
            yield f"your limit of {limit} running at once is reached (maxujobs of qconf -ssconf)"
            return
    yield "there is room for it: the batch system has not started it yet"
