"""Why queue jobs wait, in words."""

from __future__ import annotations

import pytest

from gridengine.schedulers.slurm.batch_system import reasons


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Resources", "the nodes that it could run on are busy (Slurm: Resources)"),
        ("Priority", "others in its partition come first (Slurm: Priority)"),
        ("PartitionDown", "partition main is down: it takes jobs and starts none"),
        ("JobHeldUser", "it is held; `scontrol release 12_3` releases it"),
        (
            "ReqNodeNotAvail, UnavailableNodes:node[1-2]",
            "nodes that it could run on are down, drained or reserved (node[1-2])",
        ),
        (
            "QOSMaxJobsPerUserLimit",
            (
                "its quality of service has a limit for each user on jobs that may run, which is "
                "reached (Slurm: QOSMaxJobsPerUserLimit)"
            ),
        ),
        (
            "AssocGrpCPUMinutesLimit",
            "its account has a limit on core minutes, which is reached",
        ),
        (
            "QOSMaxMemoryPerJob",
            "it asks for more memory than its quality of service allows for one job",
        ),
        ("QOSMinGRES", "it asks for less than its quality of service wants (devices)"),
        ("DependencyNeverSatisfied", "it can never start"),
        ("launch failed requeued held", "Slurm says launch failed requeued held"),
        ("SomethingNew", "Slurm says SomethingNew"),
    ],
)
def test_a_reason_is_said_in_words(reason: str, words: str) -> None:
    assert words in reasons.in_words(reason, job="12_3", partition="main")


@pytest.mark.parametrize("reason", ["None", "", "(None)"])
def test_nothing_is_said_before_the_scheduler_has_looked(reason: str) -> None:
    assert reasons.in_words(reason) == ""


def test_who_can_never_start_is_told_from_who_only_waits() -> None:
    hopeless = ("DependencyNeverSatisfied", "BadConstraints", "launch failed requeued held")
    assert all(map(reasons.is_hopeless, hopeless))
    waiting = (
        "Resources",
        "JobHeldUser",
        "JobHeldAdmin",
        "ReqNodeNotAvail, UnavailableNodes:x",
        "PartitionDown",
    )
    assert not any(map(reasons.is_hopeless, waiting))
    assert reasons.is_held("JobHeldUser")
    assert reasons.is_held("JobHeldAdmin")
    assert not reasons.is_held("Resources")
