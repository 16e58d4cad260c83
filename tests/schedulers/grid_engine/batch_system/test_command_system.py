"""What qsub is told, and what it prints; the samples are of a Grid Engine 8.1.9."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gridengine.schedulers.grid_engine.batch_system import command_system
from gridengine.schedulers.grid_engine.batch_system.answers import sorted_answer
from gridengine.schedulers.grid_engine.batch_system.command_system import (
    CommandSystem,
    job_number,
    submission,
)
from gridengine.schedulers.grid_engine.batch_system.qstat import job_with
from gridengine.schedulers.queue_session.process.batch_system import (
    Denied,
    Limited,
    TooLarge,
    Unreachable,
)
from gridengine.schedulers.queue_session.process.messages import Submit


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("1.1-1:1\n", "1"),
        ("5.1-10:1\n", "5"),
        ("17\n", "17"),
        ("welcome to the cluster\nyou have 3 jobs\n5.1-10:1\n", "5"),
        ("5.1-10:1\nthank you\n", "5"),
        ('Your job-array 9.1-3:1 ("x") has been submitted\n', "9"),
        ('Your job 9 ("x") has been submitted\n', "9"),
        ("", ""),
        ("thank you", ""),
    ],
)
def test_the_number_of_what_was_submitted_is_found(said: str, number: str) -> None:
    assert job_number(said) == number


def test_a_submission_says_last_what_must_hold() -> None:
    order = Submit(1, ("/py", "-t", "9 9"), 3, "x", '-r n -l h="a|b" -N other', "/run/logs")
    told = submission(order, 2, "abc")
    assert told[:2] == ["-w", "e"]
    assert told[2:8] == ["-r", "n", "-l", "h=a|b", "-N", "other"]
    assert told[-3:] == ["/py", "-t", "9 9"]
    assert told[told.index("-t") + 1] == "1-2"
    assert told[told.index("-o") + 1] == ":/run/logs/$JOB_ID.$TASK_ID.log"
    assert told.index("x") > told.index("other")


def test_nothing_is_written_where_nothing_is_to_be() -> None:
    told = submission(Submit(1, ("/py",), 1, "x", "", os.devnull), 1, "abc")
    assert told[told.index("-o") + 1] == ":/dev/null"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("job rejected: only 2 jobs are allowed per user (current job count: 3)", Limited),
        ("job rejected: you tried to submit a job with more than 75000 tasks", TooLarge),
        ('unable to send message to qmaster using port 1 on host "m": got send error', Unreachable),
        ("commlib error: got select error (Connection refused)", Unreachable),
        ('unknown resource "nosuch"', Denied),
        ('denied: host "ge-master" is not a submit host', Denied),
    ],
)
def test_answers_are_told_apart(text: str, kind: type[Exception]) -> None:
    assert type(sorted_answer(text)) is kind


_JOBS = """\
==============================================================
job_number:                 2
job_name:                   held
context:                    gridengine_submission=abc123
==============================================================
job_number:                 3
job_name:                   context: gridengine_submission=abc12
context:                    a=b,gridengine_submission=abc12
"""


def test_a_job_is_known_by_its_context() -> None:
    assert "2" == job_with("gridengine_submission", "abc123", _JOBS)
    assert "3" == job_with("gridengine_submission", "abc12", _JOBS)
    assert "" == job_with("gridengine_submission", "abc", _JOBS)


_LISTED = """\
<job_info><queue_info>
<job_list><JB_job_number>{}</JB_job_number></job_list>
<job_list><JB_job_number>{}</JB_job_number></job_list>
</queue_info></job_info>
"""

#: Of ``qstat``, for a queue in which job 2 has the last token, and job 1 has just ended.
_QSTAT = """\
#!/bin/sh
cd "$(dirname "$0")"
case "$1 $2" in
    "-xml "*) cat listed ;;
    "-j 2") echo "job_number: 2"; echo "context: $(cat token)" ;;
    *) echo "Following jobs do not exist or permissions are not sufficient: "; echo 1; exit 1 ;;
esac
"""
_QSUB = """\
#!/bin/sh
cd "$(dirname "$0")"
for each; do case $each in gridengine_submission=*) echo "$each" > token ;; esac; done
echo called >> calls
[ -e hangs ] && exec sleep 60
echo 7
"""


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a qsub that does not answer, and of a qstat."""
    for name, text in (("qsub", _QSUB), ("qstat", _QSTAT)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(stat.S_IRWXU)
    (tmp_path / "hangs").touch()
    (tmp_path / "listed").write_text(_LISTED.format(1, 2))
    monkeypatch.delenv("SGE_ROOT", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


_ORDER = Submit(1, ("/py",), 2, "x", "", os.devnull)


@pytest.fixture
def system(commands: Path) -> CommandSystem:
    """The batch system, which has not been told whether an array was taken."""
    assert commands
    made = CommandSystem()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command_system, "_SECONDS", 1.0)
        with pytest.raises(Unreachable, match="qsub has not answered"):
            made.submit(_ORDER, 2)
    return made


def test_an_array_that_was_taken_without_a_word_is_found_among_those_that_have_ended(
    commands: Path, system: CommandSystem
) -> None:
    called = (commands / "calls").read_text()
    assert system.submit(_ORDER, 2) == ["2.1", "2.2"]
    assert (commands / "calls").read_text() == called


def test_an_array_of_which_qstat_says_that_it_is_not_there_is_submitted_again(
    commands: Path, system: CommandSystem
) -> None:
    (commands / "listed").write_text(_LISTED.format(1, 1))
    (commands / "hangs").unlink()
    assert system.submit(_ORDER, 2) == ["7.1", "7.2"]


def test_while_qstat_fails_nothing_is_submitted_again(
    commands: Path, system: CommandSystem
) -> None:
    (commands / "hangs").unlink()
    (commands / "qstat").write_text(
        '#!/bin/sh\n[ "$1" = -xml ] && cat "$(dirname "$0")/listed" || '
        "{ echo error: cannot say; exit 1; }\n"
    )
    with pytest.raises(Unreachable, match="cannot say"):
        system.submit(_ORDER, 2)
    assert (commands / "calls").read_text() == "called\n"


def test_a_qstat_that_is_not_there_any_more_is_unreachable(
    commands: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (commands / "qstat").unlink()
    monkeypatch.setenv("PATH", str(commands))
    with pytest.raises(Unreachable, match="qstat cannot be run"):
        CommandSystem().states(frozenset())
    (commands / "qsub").write_text("#!/bin/sh\necho SGE 8.1.9\n")
    with pytest.raises(Denied, match="there is no qstat here"):
        CommandSystem().open("")
