"""Two ordinary users of this host, made for a while: one runs programs, the other attacks them.

Only root can make them. Both may read the Python that they run, which is a copy of this one with
gridengine and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .cluster import account, pythons

#: Seconds in which what a user runs is over, under load.
PATIENCE = 60.0


@dataclass(frozen=True)
class User:
    """An ordinary user.

    Attributes:
        name: Login name.
        uid: Number.
        home: Home folder, with mode 0700.
        python: The interpreter that all users can start.
    """

    name: str
    uid: int
    home: Path
    python: Path
    _started: list[subprocess.Popen[str]] = field(default_factory=list, repr=False)

    def start(
        self, argv: Sequence[str | Path], environ: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        """Starts a command as this user, in the home folder; it is ended with the user."""
        own = {
            "HOME": str(self.home),
            "USER": self.name,
            "LOGNAME": self.name,
            "PATH": f"{self.python.parent}:/usr/bin:/bin",
            **(environ or {}),
        }
        options = {
            "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT,
            "text": True, "cwd": self.home, **options,
        }  # fmt: skip
        command = [*account.switch(self.name), *map(str, argv)]
        process = subprocess.Popen(command, env=own, start_new_session=True, **options)
        self._started.append(process)
        return process

    def run(
        self, argv: Sequence[str | Path], environ: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command as this user; what it writes, to either stream, is in ``stdout``."""
        process = self.start(argv, environ, **options)
        said, _ = process.communicate(timeout=PATIENCE)
        return subprocess.CompletedProcess(argv, process.returncode, said)

    def run_python(
        self, code: str, environ: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Runs Python code as this user, as a file of its home folder."""
        return self.run([self.python, self.program(code)], environ, **options)

    def program(self, code: str) -> Path:
        """Writes Python code into a file of this user's home folder, and returns its path."""
        descriptor, path = tempfile.mkstemp(suffix=".py", dir=self.home)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(code)
        os.chown(path, self.uid, self.uid)
        return Path(path)

    def _end(self) -> None:
        # Whatever it has started, in whichever session.
        subprocess.run(["pkill", "-KILL", "-u", str(self.uid)], check=False)
        for process in self._started:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def two_users() -> Iterator[tuple[User, User]]:
    """Makes two users of this host, and removes them with their processes and homes."""
    parent = os.environ.get("PYTEST_DEBUG_TEMPROOT")
    # Outside of what a test has: that is closed to others. Its path is short, as those of sockets.
    place = Path(tempfile.mkdtemp(prefix="gu-", dir=parent))
    place.chmod(0o755)
    try:
        python = pythons.own(place / "python")
        with contextlib.ExitStack() as stack:
            first, second = (stack.enter_context(_user(place, n, python)) for n in (1, 2))
            yield first, second
    finally:
        shutil.rmtree(place)


def let_write(path: Path, uid: int) -> bool:
    """Lets a user write into a file or folder by an access control list, as setfacl(1) does.

    Returns:
        Whether the file system has such lists.
    """
    # The format: Linux' posix_acl_xattr.h.
    entries = [(1, 7, 2**32 - 1), (2, 7, uid), (4, 0, 2**32 - 1), (16, 7, 2**32 - 1)]
    entries.append((32, 0, 2**32 - 1))
    value = (2).to_bytes(4, "little") + b"".join(
        tag.to_bytes(2, "little") + allowed.to_bytes(2, "little") + who.to_bytes(4, "little")
        for tag, allowed, who in entries
    )
    try:
        os.setxattr(path, "system.posix_acl_access", value)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _user(place: Path, number: int, python: Path) -> Iterator[User]:
    name = f"{place.name}-{number}".lower()
    home = place / f"home{number}"
    account.create(name, home)
    try:
        home.chmod(0o700)
        user = User(name, pwd.getpwnam(name).pw_uid, home, python)
        try:
            yield user
        finally:
            user._end()
    finally:
        account.remove(name)
