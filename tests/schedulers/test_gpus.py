"""Which GPUs there are, and which worker has which: with a driver's program that is made up."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine.schedulers import ProcessScheduler, gpus

A100 = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-6d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
"""
PARTED = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
  MIG 3g.20gb     Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-6d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
"""

Driver = Callable[..., None]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """Has nvidia-smi say something."""

    def install(says: str, command: str = "cat") -> None:
        (tmp_path / "said").write_text(says)
        program = tmp_path / "nvidia-smi"
        program.write_text(f'#!/bin/sh\n[ "$1" = -L ] && exec {command} {tmp_path / "said"}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return install


def seen(scheduler: ProcessScheduler, name: str = "CUDA_VISIBLE_DEVICES") -> list[str]:
    """Returns what each worker is told, each once."""
    return sorted(share.get(name, "nothing") for share in scheduler.devices)


def test_each_worker_has_one_of_those_that_the_driver_lists(driver: Driver) -> None:
    driver(A100)
    assert gpus.shares(1, None) == [{"CUDA_VISIBLE_DEVICES": "0"}, {"CUDA_VISIBLE_DEVICES": "1"}]


def test_parts_of_a_device_are_had_by_their_names(driver: Driver) -> None:
    driver(PARTED)
    assert [each["CUDA_VISIBLE_DEVICES"] for each in gpus.shares(1, None)] == [
        "MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f",
        "MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb",
        "GPU-6d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77",
    ]


@pytest.mark.parametrize(
    ("visible", "each", "workers", "told"),
    [
        ("0,1,2,3", 1, None, ["0", "1", "2", "3"]),
        ("2, 5", 1, None, ["2", "5"]),
        ("0,1,2,3,4", 2, None, ["0,1", "2,3"]),
        ("0,1", 0.5, None, ["0", "1", "0", "1"]),
        ("0,1", 0.5, 3, ["0", "1", "0"]),
        ("7", 0.1, None, ["7"] * 10),
        ("7", 0.3, None, ["7"] * 3),
        ("GPU-5d5b,MIG-GPU-1/2/0", 1, None, ["GPU-5d5b", "MIG-GPU-1/2/0"]),
        # As CUDA has it: those before the first that is none.
        ("0,-1,1", 1, None, ["0"]),
        ("0,0,1", 1, None, ["0"]),
    ],
)
def test_those_that_the_program_may_use_are_shared_out(
    monkeypatch: pytest.MonkeyPatch, visible: str, each: float, workers: int | None, told: list[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = gpus.shares(each, workers)
    assert [share["CUDA_VISIBLE_DEVICES"] for share in found] == told


def test_those_of_amd_are_told_by_the_variable_that_names_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROCR_VISIBLE_DEVICES", "4,5")
    assert gpus.shares(1, 2) == [{"ROCR_VISIBLE_DEVICES": "4"}, {"ROCR_VISIBLE_DEVICES": "5"}]
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "0,1")
    assert gpus.shares(2, 1) == [{"HIP_VISIBLE_DEVICES": "0,1"}]


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"gpus_per_worker": 3}, ValueError, "needs 3 GPUs, and there are 2 by nvidia-smi -L"),
        (
            {"gpus_per_worker": 1, "max_workers": 3},
            ValueError,
            "needs 3 GPUs for max_workers=3, and there are 2",
        ),
        ({"gpus_per_worker": 0.5, "max_workers": 5}, ValueError, "needs 3 GPUs for max_workers=5"),
        ({"gpus_per_worker": 0}, ValueError, "a whole number from 1, or a part of one GPU"),
        ({"gpus_per_worker": -1}, ValueError, "a whole number from 1"),
        ({"gpus_per_worker": 1.5}, ValueError, "a whole number from 1"),
        ({"gpus_per_worker": float("nan")}, ValueError, "a whole number from 1"),
        ({"gpus_per_worker": float("inf")}, ValueError, "a whole number from 1"),
        ({"gpus_per_worker": "all"}, TypeError, "takes a number, such as 1 or 0.5"),
        ({"gpus_per_worker": True}, TypeError, "takes a number"),
        (
            {"gpus_per_worker": 1, "env": {"CUDA_VISIBLE_DEVICES": "1"}},
            ValueError,
            "env has CUDA_VISIBLE_DEVICES",
        ),
    ],
)
def test_what_cannot_be_had_is_told_at_once(
    driver: Driver, arguments: dict[str, Any], kind: type[Exception], words: str
) -> None:
    driver(A100)
    with pytest.raises(kind, match=words):
        ProcessScheduler(**arguments)


def test_without_any_it_is_said_who_says_so(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setenv("PATH", str(tmp_path))
        with pytest.raises(ValueError, match="there is no GPU: nvidia-smi is not found"):
            ProcessScheduler(gpus_per_worker=1)
    driver("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.")
    with pytest.raises(ValueError, match="says \"NVIDIA-SMI has failed because it couldn't"):
        ProcessScheduler(gpus_per_worker=1)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(ValueError, match="there is no GPU: CUDA_VISIBLE_DEVICES=;"):
        ProcessScheduler(gpus_per_worker=1)


def test_a_driver_that_does_not_answer_is_not_waited_for(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver("60", "sleep 60 #")
    monkeypatch.setattr(gpus, "_PATIENCE", 0.2)
    with pytest.raises(ValueError, match=r"has not answered in 0\.2 s"):
        ProcessScheduler(gpus_per_worker=1)


def test_there_are_as_many_workers_as_gpus_and_cores_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gridengine.schedulers.process.usable_cores", lambda: 8)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    assert ProcessScheduler(gpus_per_worker=1).max_workers == 3
    assert ProcessScheduler(gpus_per_worker=0.5).max_workers == 6
    assert ProcessScheduler(gpus_per_worker=1, slots=4).max_workers == 2
    made = ProcessScheduler(gpus_per_worker=1, slots=4, max_workers=3)
    assert repr(made) == "ProcessScheduler(max_workers=3, slots=4, gpus_per_worker=1)"
    assert seen(made) == ["0", "1", "2"]
    assert seen(pickle.loads(pickle.dumps(made))) == ["0", "1", "2"]


def test_a_pool_of_more_workers_than_there_are_gpus_for_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    scheduler = ProcessScheduler(2, gpus_per_worker=1)
    with pytest.raises(ValueError, match=r"3 workers are more than .* has GPUs for: 2 at most"):
        gridengine.Pool(3, scheduler=scheduler)


def test_a_job_of_other_slots_than_its_workers_have_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with ProcessScheduler(2, gpus_per_worker=1) as scheduler:
        job = gridengine.Job(target=abs, args=(-1,), slots=2, scheduler=scheduler)
        with pytest.raises(ValueError, match=r"make it with ProcessScheduler\(slots=2, gpus_per"):
            job.start()
        assert not job.is_alive()
