"""What Slurm has taken without a word of it, and what it does not tell, with commands that fail."""

from __future__ import annotations

import pytest

from gridengine.schedulers.queue_session.process.batch_system import Unreachable
from gridengine.schedulers.slurm.batch_system import slurm_system
from gridengine.schedulers.slurm.batch_system.slurm_system import SlurmSystem

from .fake_slurm import CONFIG, FakeSlurm, order

_LISTED = "12|1|TIMEOUT|0|0:03|10:00|node1|main|0|TimeLimit|\n"


@pytest.fixture
def doubted(system: SlurmSystem, fake: FakeSlurm) -> str:
    """The mark of an array whose submission was not confirmed."""
    error = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"
    fake.says("sbatch", error=error, status=1)
    with pytest.raises(Unreachable, match="Socket timed out"):
        system.submit(order(), 2)
    assert not fake.calls("squeue")  # of the controller that has just not answered
    fake.says("sbatch", "12\n")
    return _mark(fake)


def _mark(fake: FakeSlurm) -> str:
    *_, called = fake.calls("sbatch")
    *_, mark = (each.partition("=")[2] for each in called if each.startswith("--comment="))
    return mark


def test_an_array_that_was_taken_without_a_word_is_not_submitted_again(
    system: SlurmSystem, fake: FakeSlurm, doubted: str
) -> None:
    fake.says("squeue", f"7|other\n31|{doubted}\n31|{doubted}\n")
    assert system.submit(order(), 2) == ["31.1", "31.2"]
    assert len(fake.calls("sbatch")) == 1
    # Those that have ended already are there, too.
    assert "--states=all" in fake.calls("squeue")[0]
    system.close()
    assert not fake.calls("scancel")
    assert system.submit(order(), 2) == ["12.1", "12.2"]


@pytest.mark.parametrize(
    "error", ["Unable to contact slurm controller", "Access/permission denied"]
)
def test_while_squeue_fails_nothing_is_submitted_and_nothing_is_refused(
    system: SlurmSystem, fake: FakeSlurm, doubted: str, error: str
) -> None:
    fake.says("squeue", error=f"slurm_load_jobs error: {error}", status=1)
    for _ in range(3):
        with pytest.raises(Unreachable, match=error):
            system.submit(order(), 2)
    assert len(fake.calls("sbatch")) == 1
    fake.says("squeue", f"31|{doubted}\n")
    assert system.submit(order(), 2) == ["31.1", "31.2"]


def test_an_array_that_is_not_found_is_submitted_again_and_a_late_one_ends_at_the_close(
    system: SlurmSystem, fake: FakeSlurm, doubted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.says("squeue", "7|other\n")
    monkeypatch.setattr(slurm_system, "_CATCHES_UP", 600.0)
    for _ in range(2):
        with pytest.raises(Unreachable, match="not known yet"):
            system.submit(order(), 2)
    monkeypatch.setattr(slurm_system, "_CATCHES_UP", 0.0)
    assert system.submit(order(), 2) == ["12.1", "12.2"]
    assert _mark(fake) != doubted
    fake.says("squeue", f"12|{_mark(fake)}\n31|{doubted}\n")
    system.close()
    assert fake.calls("scancel") == [["31"]]


def test_an_array_that_was_never_asked_for_again_ends_at_the_close(
    system: SlurmSystem, fake: FakeSlurm, doubted: str
) -> None:
    fake.says("squeue", f"7|other\n31|{doubted}\n")
    system.close()
    assert fake.calls("scancel") == [["31"]]


@pytest.fixture
def accounted(fake: FakeSlurm) -> SlurmSystem:
    """The batch system of a Slurm that has slurmdbd."""
    fake.says("scontrol", CONFIG.replace("storage/none", "storage/slurmdbd"))
    made = SlurmSystem()
    made.open("")
    return made


def test_without_slurmdbd_an_answer_what_squeue_tells_of_ends_counts(
    accounted: SlurmSystem, fake: FakeSlurm
) -> None:
    error = "sacct: error: Problem talking to the database: Connection refused"
    fake.says("sacct", error=error, status=1)
    fake.says("squeue", _LISTED)
    accounted.states(frozenset(["12.1", "12.2"]))
    for _ in range(3):
        found = accounted.accounts("12", {"12.1": None, "12.2": None})
        assert {name: record["JobState"] for name, record in found.items()} == {"12.1": "TIMEOUT"}
    # It may come back.
    assert len(fake.calls("sacct")) == 3
    assert accounted.account_delay() > 0


def test_a_slow_sacct_is_given_up_and_squeue_is_not(
    accounted: SlurmSystem, fake: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm_system, "_SACCT_SECONDS", 1.0)
    (fake.folder / "sacct.hangs").touch()
    fake.says("sacct")
    fake.says("squeue", _LISTED)
    accounted.states(frozenset(["12.1", "12.2"]))
    for _ in range(3):
        assert list(accounted.accounts("12", {"12.1": None, "12.2": None})) == ["12.1"]
    assert len(fake.calls("sacct")) == 2
    assert accounted.account_delay() == 0
