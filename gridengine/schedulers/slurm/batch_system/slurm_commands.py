"""Running Slurm's commands, with none of the defaults that a user may have set for himself.

``SQUEUE_FORMAT``, ``SCANCEL_INTERACTIVE`` and their kin would change what is printed and asked. Of
those of sbatch only what says what a job needs is kept, such as ``SBATCH_ACCOUNT``.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import subprocess
import time
from collections.abc import Mapping, Sequence

from ...queue_session.process import commands
from ...queue_session.process.batch_system import Denied, Limited, TooLarge, Unreachable
from ...queue_session.process.commands import CommandFailed, CommandMissing, CommandSlow

SECONDS = 60.0
"""For one command; the controller of a large site is busy at times."""

_DEFAULTS = ("SQUEUE_", "SCANCEL_", "SACCT_", "SINFO_", "SCONTROL_", "SLURM_", "SALLOC_", "SRUN_")
_KEPT = frozenset({"SLURM_CONF", "SLURM_CONF_SERVER"})
_REFUSED = frozenset(
    {
        "SBATCH_ARRAY_INX", "SBATCH_CLUSTERS", "SBATCH_EXPORT", "SBATCH_GET_USER_ENV",
        "SBATCH_INPUT", "SBATCH_JOB_NAME", "SBATCH_OPEN_MODE", "SBATCH_OUTPUT", "SBATCH_ERROR",
        "SBATCH_REQUEUE", "SBATCH_WAIT", "SBATCH_WAIT_ALL_NODES", "SBATCH_NO_REQUEUE",
    }
)  # fmt: skip

#: What a queue job finds in its environment: the program's own comes in its launch file.
_OF_JOBS = frozenset({"HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TZ", "USER"})
#: What sbatch itself may need: of a module of a site, of a Slurm without files of its own.
_OF_SBATCH = _KEPT | {"LD_LIBRARY_PATH"}

_UNREACHABLE = re.compile(
    r"[Uu]nable to contact|[Cc]onnection (?:refused|timed out|reset)|Socket timed out|[Mm]unge|"
    r"authentication (?:error|credential)|Zero Bytes were transmitted|in standby mode|"
    r"Communication (?:connection|shutdown)|Insane message length|[Cc]ould not establish|"
    r"Message (?:send|receive) failure"
)
#: Of these nobody can tell whether the job was taken.
_UNCERTAIN = re.compile(
    r"Socket timed out|Zero Bytes were transmitted|[Cc]onnection reset|"
    r"Message (?:send|receive) failure|Communication shutdown"
)
#: sbatch itself would try it again, for two minutes.
_RETRYING = re.compile(r"(?:sleeping and )?retrying")
_LIMITED = re.compile(
    r"queue full|temporarily (?:unable|disabled)|[Jj]ob (?:count|submit) limit|Too many"
)
#: Which limit stands before the words for all of them, which name that on submissions too.
_LIMITS = re.compile(r"(?:^|; )((?:QOS|Assoc)\w+)(?=;|$)")
_TOO_LARGE = re.compile(r"Invalid job array specification")


class Uncertain(Unreachable):
    """The controller has not answered in time, and may have done what it was asked for."""


def run(program: str, *arguments: str, seconds: float = SECONDS) -> str:
    """Returns what a command prints; times in it are UTC.

    Raises:
        CommandMissing, CommandSlow, CommandFailed: It cannot be told.
    """
    return commands.run(program, *arguments, seconds=seconds, environ=environment(os.environ))


def asked(program: str, *arguments: str, seconds: float = SECONDS) -> str:
    """As `run`, for what has no use for the difference.

    Raises:
        Unreachable: The controller does not answer, or not in time.
        Denied: There is no such command, or it does not do that.
    """
    try:
        return run(program, *arguments, seconds=seconds)
    except CommandSlow:
        raise Unreachable(f"{program} has not answered within {seconds:g} s") from None
    except CommandMissing:
        raise Denied(f"there is no {program} here") from None
    except CommandFailed as error:
        text = said(error.output)
        raise (Unreachable if _UNREACHABLE.search(text) else Denied)(text) from None


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment of commands."""
    return {
        name: value
        for name, value in environ.items()
        if name in _KEPT or not (name.startswith(_DEFAULTS) or name in _REFUSED)
    }


def _of_jobs(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment of sbatch, all of which queue jobs get."""
    kept = environment(environ)
    return {
        name: value
        for name, value in kept.items()
        if name in _OF_JOBS | _OF_SBATCH or name.startswith(("SBATCH_", "LC_"))
    }


def sbatch(arguments: Sequence[str], script: str, count: int) -> str:
    """Submits an array, and returns its number.

    Args:
        arguments: Options.
        script: What each of its queue jobs runs.
        count: How many there are.

    Raises:
        Uncertain: It may have been taken.
        Unreachable, Limited, TooLarge, Denied: It was not.
    """
    try:
        process = subprocess.Popen(  # noqa: S603  # the batch system's own
            ["sbatch", "--parsable", *arguments],  # noqa: S607  # the user's own
            env=_of_jobs(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise Denied(f"sbatch cannot be run: {error}") from None
    with process:
        try:
            output, errors = _heard(process, script.encode())
        finally:
            process.kill()
    # With several clusters it names that, too; plug-ins of a site may print whatever they like.
    if process.returncode == 0 and (match := re.findall(r"^(\d+)(?:;.*)?$", output, re.MULTILINE)):
        return str(match[-1])
    raise _sorted(said(errors) or said(output), count)


def _heard(process: subprocess.Popen[bytes], script: bytes) -> tuple[str, str]:
    """Returns what sbatch prints, until it ends or begins to wait by itself."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with contextlib.suppress(OSError):
        process.stdin.write(script)
        process.stdin.close()
    heard = {process.stdout: b"", process.stderr: b""}
    deadline = time.monotonic() + SECONDS
    with selectors.DefaultSelector() as selector:
        for stream in heard:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise Uncertain(f"sbatch has not answered within {SECONDS:g} s")
            for key, _ in ready:
                data = os.read(key.fd, 65536)
                heard[key.fileobj] += data  # type: ignore[index]  # what was registered
                if not data:
                    selector.unregister(key.fileobj)
            errors = heard[process.stderr].decode(errors="replace")
            if _RETRYING.search(errors):
                # Before its pause of a second is over.
                process.kill()
                raise Limited(said(errors))
    process.wait()
    return heard[process.stdout].decode(errors="replace"), errors


def _sorted(text: str, count: int) -> Exception:
    if _UNCERTAIN.search(text):
        return Uncertain(text)
    if _UNREACHABLE.search(text):
        return Unreachable(text)
    if _is_limited(text):
        # A part of it may be allowed.
        return TooLarge(count // 2) if count > 1 else Limited(text)
    if _TOO_LARGE.search(text) and count > 1:
        return TooLarge(count // 2)
    return Denied(text)


def _is_limited(text: str) -> bool:
    """Tells whether a refusal is one for now: fewer jobs in the queue, and it would be granted."""
    if limits := _LIMITS.findall(text):
        # With all others one job asks for more than it may (DenyOnLimit).
        return any("Submit" in limit for limit in limits)
    return bool(_LIMITED.search(text))


def said(text: str) -> str:
    """Returns what a command has said, in one line and without the names of commands."""
    lines = [re.sub(r"^\w+: (?:error: )?", "", line.strip()) for line in text.splitlines()]
    lines = [re.sub(r"^Batch job submission failed: ", "", line) for line in lines]
    unwanted = ('Try "', "If munged is up")
    kept = dict.fromkeys(line for line in lines if line and not line.startswith(unwanted))
    return "; ".join(kept)
