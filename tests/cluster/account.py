"""An ordinary user of the cluster, for what must work without being root."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from pathlib import Path

from .shell import run

_COMMENT = "user of the gridengine test cluster"  # tells an account of ours from others'


def create(name: str, home: Path) -> None:
    """Create a user, unless there is one of that name."""
    if _find(name) is None:
        options = ["--user-group", "--no-create-home", "--shell", "/bin/bash"]
        run(["useradd", *options, "--comment", _COMMENT, "--home-dir", str(home), name])
    user = pwd.getpwnam(name)
    if user.pw_gecos == _COMMENT:
        home.mkdir(parents=True, exist_ok=True)
        os.chown(home, user.pw_uid, user.pw_gid)


def remove(name: str) -> None:
    """Remove a user that `create` made, all but its home."""
    user = _find(name)
    if user is not None and user.pw_gecos == _COMMENT:
        # By force, since a process that was killed a moment ago still counts as logged in.
        run(["userdel", "--force", name])


def become(name: str, argv: Sequence[str]) -> list[str]:
    """Give the command by which root runs `argv` as a user; it gets there by exec."""
    user = pwd.getpwnam(name)
    # Where root's files lie is closed to it.
    without = ["-u", "TMPDIR", "-u", "GRIDENGINE_RUN_DIR"]
    own = [f"HOME={user.pw_dir}", f"USER={name}", f"LOGNAME={name}"]
    return [*switch(name), "env", *without, *own, *argv]


def switch(name: str) -> list[str]:
    """Give the words before a command by which root runs it as a user, in root's environment."""
    group = pwd.getpwnam(name).pw_gid
    return ["setpriv", f"--reuid={name}", f"--regid={group}", "--init-groups"]


def _find(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None
