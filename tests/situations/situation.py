"""A situation: a small program, how it is run, and what must come out."""

from __future__ import annotations

import ast
import contextlib
import doctest
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gridengine.transport.viewer_messages import FOLDER, left_behind

from ..cluster import account

#: Seconds for a quick one, under load, and for one that has to wait for something.
QUICK, SLOW = 60.0, 240.0

#: Seconds in which what a program started is gone after it.
_PATIENCE = 20.0

_HEADER = re.compile(r"^(On|Needs|Slow|Site|Alone): *(.+)$", re.MULTILINE)


class SituationError(AssertionError):
    """It did not come out as it must."""


@dataclass(frozen=True)
class Step:
    """A command, and what it must write."""

    command: str
    expected: str


@dataclass(frozen=True)
class Situation:
    """What a file says of itself; see the README.

    Attributes:
        path: The file.
        on: Of "cores" and "cluster".
        needs: Names of modules, and "root".
        slow: Whether it takes long.
        alone: Whether nothing else is to run beside it.
        site: How the cluster must be.
        steps: The commands.
    """

    path: Path
    on: Sequence[str]
    needs: Sequence[str]
    slow: bool
    alone: bool
    site: Sequence[str]
    steps: Sequence[Step]

    @classmethod
    def read(cls, path: Path) -> Situation:
        """Reads a file.

        Raises:
            ValueError: It does not say how it is run, or has an unknown word.
        """
        text = ast.get_docstring(ast.parse(path.read_text())) or ""
        said, dollar, session = text.partition("\n$ ")
        if not dollar:
            raise ValueError(f"{path}: its docstring has no line that begins with '$ '")
        header = dict(_HEADER.findall(said))
        default = "cluster" if path.parent.name == "cluster" else "cores, cluster"
        on = _words(header.get("On", default))
        if not on or not {"cores", "cluster"}.issuperset(on):
            raise ValueError(f"{path}: On: {', '.join(on)}; it takes cores, cluster, or both")
        return cls(
            path=path,
            on=on,
            needs=_words(header.get("Needs", "")),
            slow="Slow" in header,
            alone="Alone" in header,
            site=_words(header.get("Site", "")),
            steps=[_step(part) for part in session.split("\n$ ")],
        )

    @property
    def limit(self) -> float:
        """Seconds that it may take."""
        return SLOW if self.slow else QUICK

    def missing(self) -> str | None:
        """Says what it needs and is not here, or None."""
        for name in self.needs:
            if name == "root":
                if os.geteuid() != 0:
                    return "needs root"
            elif importlib.util.find_spec(name) is None:
                return f"needs {name}"
        return None

    def run(
        self,
        environment: Mapping[str, str],
        *,
        user: str | None = None,
    ) -> None:
        """Runs it, in a fresh folder.

        Args:
            environment: What a user has set, beside what every process has.
            user: Who runs it, if not this process's user.

        Raises:
            SituationError: Something else came out, or something is left behind.
        """
        # A short path, as that of a socket has to be.
        top = Path(tempfile.mkdtemp(prefix="sit-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
        try:
            folders = {name: top / name for name in ("home", "t", "work")}
            for folder in folders.values():
                folder.mkdir(mode=0o700)
            self._fill(folders["work"])
            if user is not None:
                top.chmod(0o755)
                _give(folders.values(), pwd.getpwnam(user).pw_uid)
            values = {
                "HOME": str(folders["home"]),
                "TMPDIR": str(folders["t"]),
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                **{name: os.environ[name] for name in ("LANG", "TZ") if name in os.environ},
                **environment,
            }
            self._play(values, folders["work"], [] if user is None else account.switch(user))
            self._nothing_left(top, folders)
        finally:
            for pid in _processes(top):
                _kill(pid)
            shutil.rmtree(top, ignore_errors=True)

    def _fill(self, work: Path) -> None:
        shutil.copy(self.path, work)
        beside = self.path.with_suffix("")
        if beside.is_dir():
            shutil.copytree(
                beside, work, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
            )

    def _play(self, environment: Mapping[str, str], work: Path, switch: list[str]) -> None:
        end = time.monotonic() + self.limit
        checker = doctest.OutputChecker()
        for step in self.steps:
            got = _output([*switch, "bash", "-c", step.command], environment, work, end)
            example = doctest.Example(step.command, step.expected)
            if not checker.check_output(example.want, got, doctest.ELLIPSIS):
                told = checker.output_difference(example, got, doctest.ELLIPSIS)
                raise SituationError(f"$ {step.command}\n{told}")

    def _nothing_left(self, top: Path, folders: Mapping[str, Path]) -> None:
        end = time.monotonic() + _PATIENCE
        while left := [*map(_described, _processes(top)), *_files(folders)]:
            if time.monotonic() > end:
                raise SituationError("left behind:\n" + "\n".join(left))
            time.sleep(0.05)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _step(text: str) -> Step:
    command, *lines = text.split("\n")
    while lines and lines[0].startswith("> "):
        command += "\n" + lines.pop(0)[2:]
    expected = "\n".join(lines).strip("\n")
    return Step(command, f"{expected}\n" if expected else "")


def _output(argv: list[str], environment: Mapping[str, str], work: Path, end: float) -> str:
    """Returns what a command writes, and its status if it is not 0."""
    # Into a file: who is left behind would keep a pipe open.
    with tempfile.TemporaryFile("w+", errors="replace") as file:
        process = subprocess.Popen(
            argv, cwd=work, env=dict(environment), stdin=subprocess.DEVNULL,
            stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            status = process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            file.seek(0)
            raise SituationError(f"$ {argv[-1]}\nnot done in time; wrote:\n{file.read()}") from None
        file.seek(0)
        text = file.read()
    if status:
        text = text + "\n" * (bool(text) and not text.endswith("\n")) + f"[status {status}]\n"
    return text


def _files(folders: Mapping[str, Path]) -> list[str]:
    """Names what gridengine has left in the home and among temporary files."""
    ours = (folders["home"] / ".gridengine").rglob("*")
    temporary = (path for path in folders["t"].rglob("*") if "gridengine" in str(path))
    left = {str(path) for path in (*ours, *temporary) if not path.is_dir()}
    return sorted(left - _of_the_killed(folders["home"] / ".gridengine" / FOLDER))


def _of_the_killed(folder: Path) -> set[str]:
    """Returns the sockets for viewers of programs that were killed, which others remove."""
    try:
        place = os.open(folder, os.O_RDONLY)
    except OSError:
        return set()
    try:
        return set(left_behind(place, str(folder)))
    finally:
        os.close(place)


def _processes(top: Path) -> list[int]:
    """Finds the processes that a situation has started, by the folder that is all its own."""
    sign = os.fsencode(top)
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _has(pid, sign)]


def _has(pid: int, sign: bytes) -> bool:
    # A worker of a queue job has the folder in its arguments, everything else in its environment.
    for name in ("environ", "cmdline"):
        try:
            if sign in Path(f"/proc/{pid}/{name}").read_bytes():
                return True
        except OSError:
            continue
    return False


def _described(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    except OSError:
        words = b"ended"
    return f"process {pid}: {os.fsdecode(words)[:200]}"


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _give(folders: Iterable[Path], owner: int) -> None:
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner, -1)
