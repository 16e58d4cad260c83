"""What to do about a request that the Grid Engine has refused, behind its own words."""

from __future__ import annotations

import re
from collections.abc import Callable

from .request import Request

# Those that most sites have, and most users ask for.
_RESOURCES = ("h_rt", "s_rt", "h_cpu", "s_cpu", "h_vmem", "s_vmem", "mem_free", "hostname")
_UNKNOWN = re.compile(r'unknown resource "([^"]+)"')
_NO_VALUE = re.compile(r'attribute "([^"]+)" is not a (time|memory) value')
_TAKEN = {
    "time": "'00:30:00', seconds or a timedelta",
    "memory": "'4G', '500M' or bytes",
}


def refusal(reason: str, request: Request, made_by: Callable[..., object]) -> str:
    """Returns why a request was refused, and what was meant, where that can be told.

    Args:
        reason: The Grid Engine's words.
        request: What was asked for.
        made_by: What takes resources beside arguments of its own, one of which may be misspelt.
    """
    if match := _UNKNOWN.search(reason):
        return reason + _did_you_mean(match[1], made_by)
    if match := _NO_VALUE.search(reason):
        name, kind = match.groups()
        if given := request.resources.get(name):
            return f"{reason}: {name} is {given!r}; it takes {_TAKEN[kind]}"
    return reason


def _did_you_mean(name: str, made_by: Callable[..., object]) -> str:
    # Programs whose requests are granted pay for none of this.
    import inspect

    from ...settings_file import nearest

    parameters = inspect.signature(made_by).parameters.values()
    arguments = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    near = nearest(name, [*arguments, *_RESOURCES])
    return f"; did you mean {near!r}?" if near else ""
