"""Which variables win on a node."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gridengine.transport.launch_file import THREADS, Launch
from gridengine.worker.node_environment import NodeEnvironment


def on_node(own: Mapping[str, str], program: Mapping[str, str], **launch: int) -> NodeEnvironment:
    return NodeEnvironment(Launch([], environ=dict(program), **launch), own)  # type: ignore[arg-type]


def granted(slots: int, **more: str) -> dict[str, str]:
    return {"JOB_ID": "17", "NSLOTS": str(slots), **more}


def test_libraries_get_the_slots_that_the_node_says() -> None:
    start = on_node(granted(2), {}).at_start()
    assert {start[name] for name in THREADS} == {"2"}


def test_workers_of_one_queue_job_share_its_slots() -> None:
    start = on_node(granted(8), {}, workers=4).at_start()
    assert {start[name] for name in THREADS} == {"2"}


def test_what_the_program_has_set_is_held_to_the_slots() -> None:
    assert on_node(granted(2), {"OMP_NUM_THREADS": "16"}).at_start()["OMP_NUM_THREADS"] == "2"
    assert on_node(granted(4), {"OMP_NUM_THREADS": "1"}).at_start()["OMP_NUM_THREADS"] == "1"
    assert on_node(granted(4), {"OMP_NUM_THREADS": "2,2"}).at_start()["OMP_NUM_THREADS"] == "2,2"


def test_what_was_set_for_the_queue_job_wins() -> None:
    start = on_node(granted(1, OMP_NUM_THREADS="4"), {"OMP_NUM_THREADS": "2"}).at_start()
    assert (start["OMP_NUM_THREADS"], start["MKL_NUM_THREADS"]) == ("4", "1")


@pytest.mark.parametrize(
    ("own", "visible"),
    [
        ({"CUDA_VISIBLE_DEVICES": "3"}, "3"),
        ({"CUDA_VISIBLE_DEVICES": ""}, ""),
        ({"SGE_HGR_gpu": "1 2"}, "1,2"),
        ({"SGE_HGR_gpu": "1", "CUDA_VISIBLE_DEVICES": "5"}, "5"),
        ({"SGE_HGR_gpu": "tesla0"}, "0,1,2,3"),
        ({}, "0,1,2,3"),
    ],
)
def test_devices_that_were_granted_win(own: dict[str, str], visible: str) -> None:
    environment = on_node(own, {"CUDA_VISIBLE_DEVICES": "0,1,2,3"})
    assert environment.at_start()["CUDA_VISIBLE_DEVICES"] == visible


def test_a_later_change_of_the_program_is_held_to_the_same() -> None:
    environment = on_node(granted(2, CUDA_VISIBLE_DEVICES="3"), {})
    changes = {
        "MINE": "x", "GONE": None, "OMP_NUM_THREADS": "16", "MKL_NUM_THREADS": None,
        "CUDA_VISIBLE_DEVICES": "0",
    }  # fmt: skip
    assert environment.changed(changes) == {
        "MINE": "x", "GONE": None, "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2",
        "CUDA_VISIBLE_DEVICES": "3",
    }  # fmt: skip


def test_on_the_programs_own_host_its_changes_are_as_they_are() -> None:
    environment = on_node(granted(2), {"OMP_NUM_THREADS": "1"}, parent=7)
    assert environment.at_start() == {"OMP_NUM_THREADS": "1"}
    changes = {"TMPDIR": "/here", "OMP_NUM_THREADS": "16"}
    assert environment.changed(changes) == changes
    assert environment.changed({"OMP_NUM_THREADS": None}) == {"OMP_NUM_THREADS": "1"}


def test_what_a_job_changes_is_held_to_the_threads_of_each_of_its_workers() -> None:
    environment = NodeEnvironment(Launch([], parent=1, threads=2), {})
    given = {"OMP_NUM_THREADS": "8", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": None, "A": "9"}
    assert environment.changed(given) == {**given, "OMP_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2"}
