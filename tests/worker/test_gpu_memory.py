"""What processes have on graphics processors, as nvidia-smi and NVML say it; there is none here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gridengine.worker import gpu_memory, nvml_program
from gridengine.worker.gpu_memory import GpuMemory, GpuUse, parsed

from ..waiting import wait_until

MIB = 1 << 20

#: As nvidia-smi(1) documents ``--format=csv,noheader,nounits``.
SAID = """4711, 1024
4712, [N/A]
4711, 512
4713, [Insufficient Permissions]
"""

PYNVML = """
class NVMLError(Exception): pass
class Any:
    def __init__(self, **facts): vars(self).update(facts)
def nvmlInit(): pass
def nvmlDeviceGetCount(): return 2
def nvmlDeviceGetHandleByIndex(number): return number
def nvmlDeviceGetComputeRunningProcesses(device):
    return [Any(pid=4711, usedGpuMemory=2**30), Any(pid=4712 + device, usedGpuMemory=None)]
def nvmlDeviceGetProcessUtilization(device, since):
    if device: raise NVMLError("not found")
    return [Any(pid=4711, smUtil=20), Any(pid=4711, smUtil=50)]
"""


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts an nvidia-smi first in PATH that runs some lines of shell."""

    def make(script: str) -> Path:
        path = tmp_path / "nvidia-smi"
        path.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n{script}\n', encoding="utf-8")
        path.chmod(0o755)
        return tmp_path / "asked"

    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(gpu_memory.importlib.util, "find_spec", lambda _: None)
    return make


def test_the_memory_of_a_process_on_several_devices_is_added_up() -> None:
    uses = parsed(SAID.encode())
    assert uses == {
        4711: GpuUse(1536 * MIB, 0.0), 4712: GpuUse(), 4713: GpuUse(),
    }  # fmt: skip


@pytest.mark.parametrize(
    "said", [b"", b"No running processes found\n", b"\xff\xfe, 3\n", b"NVIDIA-SMI has failed\n"]
)
def test_what_is_no_process_counts_nothing(said: bytes) -> None:
    assert parsed(said) == {}


def test_nothing_is_run_where_there_is_no_device(smi: Callable[[str], Path]) -> None:
    asked = smi("echo 1, 1")
    gpu = GpuMemory(devices="/dev/there-is-none*")
    assert gpu.of([1], 0.0) == GpuUse()
    assert gpu.processes == set()
    assert not asked.exists()


def test_what_nvidia_smi_says_is_there_at_a_later_look(smi: Callable[[str], Path]) -> None:
    asked = smi(f"cat <<'END'\n{SAID}END")
    gpu = GpuMemory(devices="/dev/null")
    try:
        assert gpu.of([4711], 100.0) == GpuUse()
        [pid] = gpu.processes
        wait_until(lambda: gpu.of([4711], 101.0).memory, what="it has said it")
        assert gpu.of([4711, 4712, 9], 101.0) == GpuUse(1536 * MIB, 0.0)
        assert gpu.processes == set()
        os.waitpid(pid, 0)
        [line] = asked.read_text().splitlines()
        assert line == "--query-compute-apps=pid,used_gpu_memory --format=csv,noheader,nounits"
        # Not again at each look.
        assert gpu.of([1], 129.0) == GpuUse()
        assert gpu.processes == set()
        gpu.of([1], 131.0)
        [pid] = gpu.processes
        os.waitpid(pid, 0)
    finally:
        gpu.close()


def test_one_that_hangs_is_neither_waited_for_nor_run_twice(smi: Callable[[str], Path]) -> None:
    smi("exec sleep 600")
    gpu = GpuMemory(devices="/dev/null")
    gpu.of([1], 100.0)
    [pid] = gpu.processes
    assert gpu.of([1], 1e6) == GpuUse()
    assert gpu.processes == {pid}
    gpu.close()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9


def test_one_that_cannot_be_started_is_no_fault(
    smi: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    smi("true")
    gpu = GpuMemory(devices="/dev/null")
    (Path(os.environ["PATH"].split(os.pathsep)[0]) / "nvidia-smi").unlink()
    assert gpu.of([1], 100.0) == GpuUse()
    assert gpu.processes == set()
    monkeypatch.setenv("PATH", "/there-is-none")
    assert GpuMemory(devices="/dev/null").of([1], 100.0) == GpuUse()


def test_nvml_says_how_busy_a_process_keeps_a_device(tmp_path: Path) -> None:
    (tmp_path / "pynvml.py").write_text(PYNVML, encoding="utf-8")
    said = subprocess.run(
        [sys.executable, nvml_program.__file__],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout
    assert said == b"4711, 1024, 50\n4712, 0, 0\n4711, 1024, 0\n4713, 0, 0\n"
    assert parsed(said)[4711] == GpuUse(2048 * MIB, 0.5)


def test_nvml_is_asked_where_python_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_memory.importlib.util, "find_spec", lambda _: object())
    assert gpu_memory._command() == (sys.executable, nvml_program.__file__)
