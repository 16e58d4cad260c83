"""Which devices and cores of a node the workers of one queue job have."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gridengine.transport.launch_file import Launch
from gridengine.worker.binding import bound_cores
from gridengine.worker.devices import Places, divided, granted
from gridengine.worker.node_environment import NodeEnvironment


@pytest.mark.parametrize(
    ("said", "visible"),
    [
        ("0 1", "0,1"),
        ("gpu2 gpu3", "2,3"),
        ("cuda0,cuda1", "0,1"),
        ("/dev/nvidia1", "1"),
        ("GPU-5d5ba0d6-d33d", "GPU-5d5ba0d6-d33d"),
    ],
)
def test_a_resource_map_names_devices_as_sites_do(said: str, visible: str) -> None:
    assert granted({"SGE_HGR_gpu": said}) == {"CUDA_VISIBLE_DEVICES": visible}


def test_other_maps_and_other_names_say_nothing() -> None:
    assert granted({"SGE_HGR_gpu": "tesla0 0"}) == granted({"SGE_HGR_license": "0"}) == {}


@pytest.mark.parametrize(
    ("devices", "places", "parts"),
    [
        ("0,1,2,3", 2, ["0,1", "2,3"]),
        ("0,1,2", 2, ["0", "1,2"]),
        ("4,5", 4, ["4", "4", "5", "5"]),
        ("3", 2, ["3", "3"]),
        ("", 2, ["", ""]),
    ],
)
def test_the_devices_of_a_queue_job_are_divided_among_its_workers(
    devices: str, places: int, parts: list[str]
) -> None:
    shares = divided({"CUDA_VISIBLE_DEVICES": devices}, places)
    assert [share["CUDA_VISIBLE_DEVICES"] for share in shares] == parts


def test_those_of_amd_are_counted_anew_among_the_workers_own() -> None:
    own = {"ROCR_VISIBLE_DEVICES": "2,3,5,7", "HIP_VISIBLE_DEVICES": "0,1,2,3"}
    assert divided(own, 2) == [
        {"ROCR_VISIBLE_DEVICES": "2,3", "HIP_VISIBLE_DEVICES": "0,1"},
        {"ROCR_VISIBLE_DEVICES": "5,7", "HIP_VISIBLE_DEVICES": "0,1"},
    ]


def test_a_place_is_given_again_when_it_is_free() -> None:
    places = Places([{"A": "0"}, {"A": "1"}])
    assert (places.take(), places.take()) == (0, 1)
    places.free(1)
    places.free(0)
    assert (places.take(), places.take()) == (0, 1)
    assert places.most == 2


def test_what_a_worker_was_given_stays_its_own_whatever_the_program_changes() -> None:
    own = {"JOB_ID": "1", "NSLOTS": "8", "CUDA_VISIBLE_DEVICES": "0,1"}
    on_a_node = NodeEnvironment(Launch([], most=2), own)
    devices = [{"CUDA_VISIBLE_DEVICES": "0"}, {"CUDA_VISIBLE_DEVICES": "1"}]
    here = NodeEnvironment(Launch([], most=2, parent=7, devices=devices), {})
    for environment in (on_a_node, here):
        assert environment.settle(1) == {"CUDA_VISIBLE_DEVICES": "1"}
        changes = {"CUDA_VISIBLE_DEVICES": "0", "MINE": "x"}
        assert environment.changed(changes) == {"CUDA_VISIBLE_DEVICES": "1", "MINE": "x"}
        assert environment.changed({"CUDA_VISIBLE_DEVICES": None}) == {"CUDA_VISIBLE_DEVICES": "1"}
    assert on_a_node.slots == 4


@pytest.mark.parametrize(
    ("said", "cores"),
    [("0", {0}), ("3 1 2", {1, 2, 3}), ("NONE", set()), ("", set()), ("linear:2", set())],
)
def test_chosen_cores_are_read(said: str, cores: set[int]) -> None:
    assert bound_cores({"SGE_BINDING": said}) == cores


def test_there_are_no_more_threads_than_cores_were_chosen() -> None:
    own = {"JOB_ID": "1", "NSLOTS": "8", "SGE_BINDING": "2 3"}
    environment = NodeEnvironment(Launch([]), own)
    assert (environment.slots, environment.cores) == (2, {2, 3})
    # Outside of a queue job it is somebody else's.
    assert NodeEnvironment(Launch([]), {"SGE_BINDING": "2 3"}).cores == set()


KEEPS = """
import os
from gridengine.worker.binding import keep_to
first = min(os.sched_getaffinity(0))
before = os.sched_getaffinity(0)
keep_to(set()), keep_to({max(before) + 1000}), keep_to(before)
assert os.sched_getaffinity(0) == before
keep_to({first, max(before) + 1000})
assert os.sched_getaffinity(0) == {first}
"""


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system has no affinity")
def test_a_process_is_kept_to_the_cores_that_it_may_use() -> None:
    subprocess.run([sys.executable, "-c", KEEPS], check=True, timeout=60)
