"""What programs leave behind that are killed, made by real ones: folders, and files of sessions."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gridengine.transport import private_files
from gridengine.transport.process_identity import ProcessIdentity

ROOT = Path(__file__).parents[1]

FOLDER = """
import sys
from gridengine.transport.run_folders import RunFolder
print(RunFolder.make(sys.argv[1]).path, flush=True)
sys.stdin.read()
"""

IDENTITY = """
import json, os
from gridengine.transport.process_identity import ProcessIdentity
print(json.dumps(ProcessIdentity.of(os.getpid())._asdict()))
"""

#: A container that shares the host's name and files, in which numbers of processes begin at one
#: that no process of the host has.
CONTAINER = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]

#: Has the host have been started so many seconds earlier, for what it runs.
ANOTHER_TIME = ["unshare", "--time", "--boottime", "100000", "--fork", "--kill-child"]
FAR = 'echo "$0" > /proc/sys/kernel/ns_last_pid; "$@"; exit $?'


def contained(command: list[str], last_pid: int) -> list[str]:
    """Returns the command that runs another one as process ``last_pid + 1`` of a container."""
    return [*CONTAINER, "sh", "-c", FAR, str(last_pid), *command]


@contextlib.contextmanager
def folder_of_a_program(
    run_dir: Path, container: int = 0, around: Sequence[str] = ()
) -> Iterator[Path]:
    """The run folder of a program that lives as long.

    Args:
        run_dir: Where it makes one.
        container: If given, the program runs in a container, with the number after it.
        around: The beginning of a command that runs it.
    """
    command = [*around, sys.executable, "-c", FOLDER, str(run_dir)]
    process = subprocess.Popen(
        contained(command, container) if container else command,
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield Path(process.stdout.readline().strip())
    finally:
        process.kill()
        process.communicate(timeout=20)


def folder_of_a_dead_program(run_dir: Path) -> Path:
    """Returns the run folder of a program that was killed, with a launch file in it."""
    with folder_of_a_program(run_dir) as folder:
        private_files.write_file(str(folder / "launch-0-1"), "{}")
    return folder


def dead_program() -> ProcessIdentity:
    """Returns which process a program was that has ended."""
    said = subprocess.check_output([sys.executable, "-c", IDENTITY], cwd=ROOT, text=True)
    return ProcessIdentity.from_json(json.loads(said))


def says(folder: Path, **changed: Any) -> None:
    """Has a run folder say something else of its program, and bear the name of that."""
    noted = json.loads(private_files.read_file(str(folder / "program")))
    noted["program"].update(changed)
    text = json.dumps(noted)
    private_files.write_file(str(folder / "program"), text, replace=True)


def session_file(run_dir: Path, name: str = "some", **changed: Any) -> Path:
    """Writes the file of a session whose processes are dead, of the Grid Engine of this process."""
    dead = dead_program()._asdict()
    noted: Mapping[str, Any] = {
        "program": dead, "session": dead, "driver": "", "queue_jobs": {}, "system": "grid_engine",
        "SGE_ROOT": os.environ.get("SGE_ROOT", ""), "SGE_CELL": "default", **changed,
    }  # fmt: skip
    path = run_dir / "sessions" / f"{name}.json"
    private_files.write_file(str(path), json.dumps(noted), replace=True)
    return path


def fake_grid_engine(root: Path, mark: Path) -> Path:
    """Makes an SGE_ROOT whose commands leave a mark, and say that there is nothing."""
    folder = root / "bin" / "any"
    folder.mkdir(parents=True)
    for name in ("qstat", "qdel"):
        (folder / name).write_text(f"#!/bin/sh\nid -u >> {mark}\necho '<job_info/>'\n")
        (folder / name).chmod(0o755)
    return root


def needs_another_time() -> str:
    """Says why there is no time namespace here, empty if there is one."""
    if os.geteuid() != 0:
        return "root alone can make a time namespace"
    done = subprocess.run([*ANOTHER_TIME, "true"], capture_output=True, check=False)
    return "" if done.returncode == 0 else f"no time namespace: {done.stderr.decode()}"


def needs_a_container() -> str:
    """Says why there is no container here, empty if there is one."""
    if os.geteuid() != 0:
        return "root alone can make a PID namespace with its own numbers"
    return "" if shutil.which("unshare") else "there is no unshare(1)"
