"""What to do about a request that Slurm has refused, behind its own words."""

from __future__ import annotations

import re
from collections.abc import Callable

from .request import ALIASES, SlurmRequest

#: Long options of sbatch that most users ask for, beside those that are arguments.
_OPTIONS = (
    "begin", "cores_per_socket", "dependency", "exclude", "exclusive", "gpus_per_node",
    "gpus_per_task", "hint", "licenses", "mail_type", "mail_user", "nice", "oversubscribe",
    "prefer", "priority", "reservation", "signal", "tmp", "wckey",
)  # fmt: skip

_UNKNOWN = re.compile(r"unrecognized option '--([\w-]+)")

#: What is said behind Slurm's words, by what these are.
_ADVICE = (
    (r"[Ii]nvalid partition", "`sinfo` lists the partitions; give one of them as partition=..."),
    (r"No partition specified|default partition", "give partition=...; `sinfo` lists them"),
    (r"[Ii]nvalid account|account/partition", ("give account=...; `sacctmgr show assoc "
     "user=$USER format=account,partition,qos` lists yours")),
    (r"[Ii]nvalid qos", ("give qos=...; `sacctmgr show assoc user=$USER format=account,qos` lists "
     "yours")),
    (r"Memory specification can ?not be satisfied", ("no node has as much memory; `sinfo "
     "--format='%n %m'` says how many megabytes each has")),
    (r"generic resource \(gres\)", "`sinfo --format='%n %G'` lists the devices of each node"),
    (r"[Ii]nvalid feature", "`sinfo --format='%n %f'` lists the features of each node"),
    (r"[Ii]nvalid node name", "`sinfo --Node` lists the nodes; give some of them as hosts=..."),
    (r"node configuration is not available", ("no node has as many cores, as much memory and all "
     "else that is asked for; `sinfo --format='%n %c %m %G'` says what they have")),
    (r"time limit (?:is )?invalid|Requested time limit", ("`sinfo --format='%P %l'` lists how long "
     "each partition allows; give less time=...")),
    (r"accounting/QOS policy", ("it asks for more than your account, or its quality of service, "
     "allows at all")),
)  # fmt: skip


def refusal(reason: str, request: SlurmRequest, made_by: Callable[..., object]) -> str:
    """Returns why a request was refused, and what to do, where that can be told.

    Args:
        reason: Slurm's words.
        request: What was asked for.
        made_by: What takes options beside arguments of its own, one of which may be misspelt.
    """
    if match := _UNKNOWN.search(reason):
        return reason + _did_you_mean(match[1].replace("-", "_"), request, made_by)
    advice = next((words for pattern, words in _ADVICE if re.search(pattern, reason)), "")
    return f"{reason}; {advice}" if advice else reason


def _did_you_mean(name: str, request: SlurmRequest, made_by: Callable[..., object]) -> str:
    # Programs whose requests are granted pay for none of this.
    import inspect

    from ...settings_file import nearest

    parameters = inspect.signature(made_by).parameters.values()
    arguments = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    known = [each for each in (*arguments, *ALIASES, *_OPTIONS) if each not in request.options]
    near = nearest(name, known)
    return f"; did you mean {near!r}?" if near else ""
