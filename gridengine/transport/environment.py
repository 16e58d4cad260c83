"""Which of the program's variables go to other hosts.

There they lie in the launch file, on a file system that others may read: the server's root, and who
listens on the network. So what looks like a credential stays here, unless it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from ..logs import Log

_log = Log(__name__)

#: Environment of the submitting host that would be wrong, or a lie, on a node.
_OF_THIS_HOST = frozenset(
    """
    HOSTNAME HOST DISPLAY XAUTHORITY XDG_RUNTIME_DIR XDG_SESSION_ID SSH_CLIENT SSH_CONNECTION
    SSH_TTY SSH_AUTH_SOCK TERM TMPDIR TMP TEMP TMUX TMUX_PANE STY DBUS_SESSION_BUS_ADDRESS
    JOB_ID JOB_NAME JOB_SCRIPT QUEUE NSLOTS NHOSTS NQUEUES PE ARC ENVIRONMENT REQUEST RESTARTED
    LD_PRELOAD OLDPWD SHLVL _
    """.split()  # noqa: SIM905  # a table is easier to read than a list of quotes
)
_OF_A_QUEUE_JOB = ("SGE_", "PE_", "DRMAA_", "SLURM_", "PBS_")

#: What looks like a credential. Not *AUTH*, for AUTHOR and XAUTHORITY; nor *TOKEN*, for
#: TOKENIZERS_PARALLELISM and MAX_TOKEN_LENGTH; nor *KEY*, for KEYBOARD. GPG_KEY is the name of a
#: public one in the images that Docker offers for Python.
DEFAULT = """
    *
    !*SECRET* !*CREDENTIAL* !*CREDS !*TOKEN !*JWT* !*_PAT
    !*PASSWORD* !*PASSWD* !*PASSPHRASE* !*_PASS !PASS !SSHPASS !DBPASS !*_PWD !*_PW
    !*API_KEY* !*APIKEY* !*ACCESS_KEY* !*PRIVATE_KEY* !*_KEY GPG_KEY
    !AUTH !AUTH_* !*_AUTH !*_AUTH_* !*OAUTH* !*AUTHORIZATION* !*_COOKIE
    !*CONNECTION_STRING* !*_DSN !DATABASE_URL !*WEBHOOK_URL* !*_WEBHOOK
"""
"""The patterns that count where none of the user's own matches."""

#: What has been told already, once in a program.
_told: set[str] = set()


class EnvironmentFilter:
    """Says which variables go to other hosts.

    Args:
        patterns: Those of the shell, with commas or white space between, without regard to upper
            and lower case; with ``!`` before it, one that leaves out. They come behind `DEFAULT`,
            and the last one that matches a name decides.
    """

    def __init__(self, patterns: str = "") -> None:
        self._own = _parse(patterns)
        self._default = _parse(DEFAULT)

    def passed(self, variables: Mapping[str, str | None]) -> list[str]:
        """Returns the names of those variables that go to other hosts.

        A warning names those that do not because they look like credentials, once in a program.

        Args:
            variables: By name; one that is to be taken away there, None, says nothing and goes.
        """
        suspicious = []
        passed = []
        for name, value in variables.items():
            if not travels(name):
                continue
            own = True if value is None else _decision(self._own, name)
            if _decision(self._default, name) if own is None else own:
                passed.append(name)
            elif own is None and name not in _told:
                suspicious.append(name)
        if suspicious:
            _told.update(suspicious)
            _warn(sorted(suspicious))
        return passed


def environment_for_nodes(environ: Mapping[str, str], patterns: str = "") -> dict[str, str]:
    """Returns the variables that a program on another host shall see as if it were here.

    Args:
        environ: The program's own environment.
        patterns: Of an `EnvironmentFilter`.
    """
    return {name: environ[name] for name in EnvironmentFilter(patterns).passed(environ)}


def travels(name: str) -> bool:
    """Tells whether a variable of this host means the same on another one."""
    return name not in _OF_THIS_HOST and not name.startswith(_OF_A_QUEUE_JOB)


def _parse(patterns: str) -> list[tuple[str, bool]]:
    words = patterns.upper().replace(",", " ").split()
    # The last one first: it decides.
    return [(word.removeprefix("!"), not word.startswith("!")) for word in reversed(words)]


def _decision(patterns: list[tuple[str, bool]], name: str) -> bool | None:
    upper = name.upper()
    return next((goes for pattern, goes in patterns if fnmatchcase(upper, pattern)), None)


def _warn(names: list[str]) -> None:
    every = ",".join(names)
    _log.warning(
        "%s %s a credential and %s not sent to the nodes, where the environment lies in a file; "
        "GRIDENGINE_ENVIRONMENT=%s sends %s, GRIDENGINE_ENVIRONMENT=%s has this not said again "
        '(in gridengine.toml: environment = "…")',
        ", ".join(names),
        "looks like" if len(names) == 1 else "look like",
        "is" if len(names) == 1 else "are",
        every,
        "it" if len(names) == 1 else "them",
        ",".join(f"!{name}" for name in names),
    )
