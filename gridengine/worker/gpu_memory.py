"""What processes have on NVIDIA's graphics processors, said by a program that is run rarely.

That is ``nvidia-smi``, which takes some tenths of a second, or `gridengine.worker.nvml_program`
where Python has ``pynvml``, which also says how busy they are. Neither is ever waited for; and
where there is no such device, neither is run.
"""

from __future__ import annotations

import contextlib
import glob
import importlib.util
import os
import signal
import sys
from collections.abc import Iterable
from typing import NamedTuple

from . import os_support

#: Seconds between two runs: the driver of a host with many devices takes as long as a second.
_EVERY = 30.0

#: Bytes of what one run says that are read, at most.
_LENGTH = 1 << 20

_MIB = 1 << 20

_NVIDIA_SMI = ("--query-compute-apps=pid,used_gpu_memory", "--format=csv,noheader,nounits")


class GpuUse(NamedTuple):
    """What processes have of the devices.

    Attributes:
        memory: Bytes, 0 if they have none or that is not known.
        use: How busy they keep them, 1 for one of them all the time; 0 if that is not known.
    """

    memory: int = 0
    use: float = 0.0


class GpuMemory:
    """Says what processes have of the devices, as of the last run that has ended.

    Args:
        devices: Pattern of the files of the devices; without one, nothing is run.
    """

    def __init__(self, devices: str = "/dev/nvidia[0-9]*") -> None:
        self._command = _command() if glob.glob(devices) else ()
        self._uses: dict[int, GpuUse] = {}
        self._due = 0.0
        self._pid = 0
        self._output = -1
        self._said = b""

    def of(self, pids: Iterable[int], now: float) -> GpuUse:
        """Returns what these processes have together.

        Args:
            pids: They.
            now: On the monotonic clock.
        """
        if not self._command:
            return GpuUse()
        self._look(now)
        found = [self._uses[pid] for pid in pids if pid in self._uses]
        return GpuUse(sum(each.memory for each in found), sum(each.use for each in found))

    @property
    def processes(self) -> set[int]:
        """The process that runs for this now."""
        return {self._pid} if self._pid else set()

    def _look(self, now: float) -> None:
        if self._output >= 0:
            self._read()
        elif now >= self._due:
            self._due = now + _EVERY
            # It is tried again: there may be no room for a process just now.
            with contextlib.suppress(OSError):
                self._run()

    def _run(self) -> None:
        self._output, end = os.pipe()
        os.set_blocking(self._output, False)
        self._said = b""
        null = os.devnull
        try:
            self._pid = os.posix_spawn(
                self._command[0], self._command, os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, null, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, end, 1),
                    (os.POSIX_SPAWN_OPEN, 2, null, os.O_WRONLY, 0),
                ],
            )  # fmt: skip
        except OSError:
            os.close(self._output)
            self._output = -1
            raise
        finally:
            os.close(end)

    def _read(self) -> None:
        try:
            while len(self._said) < _LENGTH and (data := os.read(self._output, 65536)):
                self._said += data
        except BlockingIOError:
            return
        os.close(self._output)
        self._output, self._pid = -1, 0
        self._uses = parsed(self._said)

    def close(self) -> None:
        """Ends what runs."""
        if self._pid:
            os_support.kill(self._pid, signal.SIGKILL)
            os.close(self._output)
            self._output = -1


def _command() -> tuple[str, ...]:
    if importlib.util.find_spec("pynvml") is not None:
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nvml_program.py")
        return sys.executable, program
    import shutil  # which takes long, and few have a device

    path = shutil.which("nvidia-smi")
    return (path, *_NVIDIA_SMI) if path else ()


def parsed(said: bytes) -> dict[int, GpuUse]:
    """Returns what each process has, from lines of its number, MiB, and perhaps its per cent.

    A process that uses several devices has a line for each. What is not known is ``[N/A]``.
    """
    uses: dict[int, GpuUse] = {}
    for line in said.decode("utf-8", errors="replace").splitlines():
        words = [word.strip() for word in line.split(",")]
        if not words[0].isdecimal():
            # Such as "No running processes found".
            continue
        memory, percent = (
            int(words[place]) if len(words) > place and words[place].isdecimal() else 0
            for place in (1, 2)
        )
        before = uses.get(int(words[0]), GpuUse())
        uses[int(words[0])] = GpuUse(before.memory + memory * _MIB, before.use + percent / 100)
    return uses
