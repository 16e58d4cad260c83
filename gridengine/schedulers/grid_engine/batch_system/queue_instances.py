"""The states of queues on hosts, in words."""

from __future__ import annotations

import re

#: The letters of qstat(1), the one that explains most first.
_STATES = {
    "u": "does not answer",
    "E": "is in error",
    "d": "is disabled",
    "D": "is disabled by its calendar",
    "s": "is suspended",
    "S": "is suspended for another queue",
    "C": "is suspended by its calendar",
    "a": "is overloaded",
    "A": "suspends jobs, for it is overloaded,",
    "c": "is configured ambiguously",
    "o": "is being removed",
}


def troubles(text: str) -> dict[str, tuple[str, str]]:
    """Returns what keeps queues on hosts from taking jobs, and the Grid Engine's own words on it.

    Args:
        text: What ``qstat -f -explain aAcE`` prints.
    """
    found: dict[str, tuple[str, str]] = {}
    name = ""
    for line in text.splitlines():
        match = re.match(r"(\S+@\S+)\s+\S+\s+\S+\s+\S+\s+\S+(?:\s+([a-zA-Z]+))?$", line.rstrip())
        if match:
            name, letters = match[1], match[2] or ""
            what = next((words for letter, words in _STATES.items() if letter in letters), "")
            if what or letters:
                found[name] = what or f"is in state {letters}", ""
        elif name in found and line[:1] == "\t" and not found[name][1]:
            found[name] = found[name][0], " ".join(line.split())
        elif line.startswith(("---", "###")):
            name = ""
    return found
