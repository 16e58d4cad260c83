"""What is asked of batch systems that are commands: by the scheduler, and by jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gridengine.schedulers import HTCondorScheduler, LsfScheduler, PbsScheduler
from gridengine.schedulers.command_scheduler import CommandScheduler

GIB = 1024**3

schedulers = pytest.mark.parametrize("make", [HTCondorScheduler, LsfScheduler, PbsScheduler])


@schedulers
def test_slots_of_a_job_are_no_resource_of_it(make: Callable[..., CommandScheduler]) -> None:
    scheduler = make(slots=2, walltime=60)
    asked = scheduler.resources_of({"slots": 4, "mem": "1gb"})
    assert scheduler.slots_of(asked) == 4
    assert scheduler.all_resources(asked) == {"walltime": 60, "mem": "1gb"}
    # As many as the scheduler's own are no kind of its own.
    assert scheduler.resources_of({"slots": 2}) == {}
    assert scheduler.slots_of({}) == 2


@schedulers
@pytest.mark.parametrize(("slots", "error"), [("two", TypeError), (0, ValueError)])
def test_slots_that_are_none_are_refused(
    make: Callable[..., CommandScheduler], slots: object, error: type[Exception]
) -> None:
    with pytest.raises(error, match="slots is"):
        make().resources_of({"slots": slots})


@schedulers
@pytest.mark.parametrize(
    ("own", "asked", "memory"),
    [
        ({"mem": "4gb"}, {}, 4 * GIB),
        ({"mem": "4gb"}, {"mem_per_slot": 8 * GIB}, 8 * GIB),
        ({"mem_per_slot": "2gb", "slots": 2}, {"mem": "8gb"}, 4 * GIB),
        ({"mem": "4gb"}, {"slots": 4}, GIB),
        ({"mem": "4gb"}, {"walltime": 60}, 4 * GIB),
    ],
)
def test_memory_that_a_job_asks_for_replaces_that_of_its_scheduler(
    make: Callable[..., CommandScheduler],
    own: Mapping[str, Any],
    asked: Mapping[str, object],
    memory: int,
) -> None:
    scheduler = make(**own)
    assert scheduler.memory_of(scheduler.resources_of(asked)) == memory


@schedulers
@pytest.mark.parametrize("wrong", ["max_worker", "slot", "wall_time", "outputs"])
def test_an_argument_that_is_misspelled_is_no_resource(
    make: Callable[..., CommandScheduler], wrong: str
) -> None:
    with pytest.raises(TypeError, match=f"no argument '{wrong}'; did you mean"):
        make(**{wrong: 3})


@pytest.mark.parametrize(
    "name",
    ["ngpus", "vmem", "min_walltime", "max_walltime", "pmem", "cput", "software", "file", "host"],
)
def test_resources_of_pbs_are_not_taken_for_misspelled(name: str) -> None:
    assert PbsScheduler(**{name: 60}).resources == {name: 60}


@pytest.mark.parametrize(("name", "instead"), [("cpus", "slots="), ("memory", "mem=")])
def test_what_has_another_name_is_refused_with_that(name: str, instead: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is no resource of HTCondorScheduler.*{instead}"):
        HTCondorScheduler(**{name: 4})
    with pytest.raises(ValueError, match=name):
        HTCondorScheduler().resources_of({name: 4})
