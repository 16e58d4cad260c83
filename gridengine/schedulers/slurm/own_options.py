"""Options of ``sbatch`` that are the scheduler's own, and that nobody may ask for beside it."""

from __future__ import annotations

import shlex

#: What to write instead, if anything.
_INSTEAD = {
    "array": "max_workers=",
    "chdir": "cwd=",
    "clusters": "",
    "comment": "",
    "error": "",
    "export": "env=",
    "export_file": "env=",
    "get_user_env": "env=",
    "input": "",
    "job_name": "queue_job_name=",
    "open_mode": "",
    "output": "",
    "parsable": "",
    "requeue": "retries=",
    "no_requeue": "",
    "test_only": "",
    "wait": "",
    "wrap": "",
}
_WHY = {
    "clusters": "squeue and scancel ask the cluster of this host alone",
    "comment": "an array is known by it whose submission was not confirmed",
}
_SHORT = {
    "a": "array", "D": "chdir", "M": "clusters", "e": "error", "i": "input", "J": "job_name",
    "o": "output", "W": "wait",
}  # fmt: skip
_WITHOUT_VALUE = "bhHOQuvV"  # short options behind which others may stand


def refuse(name: str, said: str) -> None:
    """Refuses an option that is the scheduler's own.

    Args:
        name: The long one's, with underscores.
        said: What a user has written, for the message.

    Raises:
        ValueError: It is; the message says what to write instead.
    """
    if name not in _INSTEAD:
        return
    instead, why = _INSTEAD[name], _WHY.get(name)
    hint = f"; write {instead} instead" if instead else f": {why}" if why else ""
    raise ValueError(f"{said}: --{name.replace('_', '-')} is not yours to say{hint}")


def refuse_in(native: str) -> None:
    """Refuses options that are written as they are if one of them is the scheduler's own.

    Raises:
        ValueError: One is, or they cannot be read.
    """
    said = f"native={native!r}"
    try:
        words = shlex.split(native)
    except ValueError as error:
        raise ValueError(f"{said}: {error}") from None
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--":
            raise ValueError(f"{said}: behind -- are no options")
        if word.startswith("--"):
            given, _, value = word[2:].partition("=")
            refuse(_long(given.replace("-", "_")), said)
        elif word.startswith("-"):
            letters = word[1:].lstrip(_WITHOUT_VALUE)
            refuse(_SHORT.get(letters[:1], ""), said)
            given, value = letters[:1], letters[1:]
        else:
            continue
        if given in ("x", "exclude"):
            refuse_file(value or following, said)


def _long(name: str) -> str:
    # As getopt_long has it, which takes a part for the whole.
    return next((own for own in _INSTEAD if own == name or own.startswith(name)), "")


def refuse_file(hosts: str, said: str) -> None:
    """Refuses hosts to exclude that stand in a file: others are added to them.

    Raises:
        ValueError: That they do.
    """
    if "/" in hosts:
        raise ValueError(f"{said}: name the hosts, and no file of them")
