"""Whether a process lives is said where that can be told, and nowhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from gridengine.transport.process_identity import ProcessIdentity

from ..left_behind import IDENTITY, ROOT, contained, dead_program, needs_a_container
from ..waiting import wait_until

#: Says of the process that the argument tells of whether it lives, and why that is not known.
LIVES = """
import json, sys
from gridengine.transport.process_identity import ProcessIdentity
process = ProcessIdentity.from_json(json.loads(sys.argv[1]))
print(process.lives(), process.unknown_because())
"""


def this() -> ProcessIdentity:
    return ProcessIdentity.of(os.getpid())


def test_this_process_lives_and_is_the_same_whoever_asks() -> None:
    assert this().lives() is True
    asked = f"""
import os
from gridengine.transport.process_identity import ProcessIdentity
print(ProcessIdentity.of({os.getpid()}) == {tuple(this())!r})
"""
    assert "True\n" == subprocess.check_output([sys.executable, "-c", asked], cwd=ROOT, text=True)


@pytest.mark.skipif(sys.platform != "linux", reason="what psutil counts from is Linux' own start")
def test_it_began_when_it_began() -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    since_boot = psutil.Process().create_time() - psutil.boot_time()
    assert abs(this().start / ticks - since_boot) < 1.1
    assert this().start / ticks <= time.clock_gettime(time.CLOCK_BOOTTIME)


def test_one_that_has_ended_is_dead() -> None:
    assert dead_program().lives() is False


def test_one_that_has_ended_and_was_not_waited_for_is_dead() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert process.stdin is not None
    identity = ProcessIdentity.of(process.pid)
    assert identity.lives() is True
    process.stdin.close()
    wait_until(lambda: identity.lives() is False, what="the process has ended")
    assert process.returncode is None
    process.wait()
    assert identity.lives() is False


def test_one_that_began_at_another_time_only_has_the_number() -> None:
    assert this()._replace(start=this().start - 1).lives() is False
    assert this()._replace(start=this().start + 1).lives() is False


def test_one_whose_start_is_not_known_may_live_while_there_is_one_of_the_number() -> None:
    assert this()._replace(start=0).lives() is True
    assert dead_program()._replace(start=0).lives() is False


def test_a_name_with_brackets_does_not_hide_the_start(tmp_path: Path) -> None:
    (tmp_path / "a) Z 1 (").symlink_to("/bin/sleep")
    process = subprocess.Popen([tmp_path / "a) Z 1 (", "60"])
    try:
        named = psutil.Process(process.pid)
        wait_until(lambda: named.name().startswith("a) Z"), what="it has begun")
        identity = ProcessIdentity.of(process.pid)
        assert this().start <= identity.start < this().start + 10**9
        assert identity.lives() is True
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"host": "elsewhere"}, "it can be looked at on elsewhere only"),
        ({"boot": "another"}, "this host has been started since"),
        ({"namespace": "pid:[1]"}, "another PID namespace"),
    ],
)
def test_of_another_host_start_or_container_it_is_not_told(
    changed: dict[str, str], reason: str
) -> None:
    for process in (this(), dead_program()):
        elsewhere = process._replace(**changed)
        assert elsewhere.lives() is None
        assert reason in elsewhere.unknown_because()


@pytest.mark.parametrize(
    "noted",
    [
        None, [], {}, {**this()._asdict(), "pid": "1"}, {**this()._asdict(), "pid": True},
        {**this()._asdict(), "host": None}, {**this()._asdict(), "more": 1},
    ],
)  # fmt: skip
def test_what_is_none_is_refused(noted: Any) -> None:
    with pytest.raises(ValueError, match="does not say which process it is"):
        ProcessIdentity.from_json(noted)


# ---------------------------------------------------------------------- in containers


@pytest.fixture
def container() -> None:
    if reason := needs_a_container():
        pytest.skip(reason)


def asked(process: ProcessIdentity, around: list[str]) -> str:
    """Returns what is said of a process by another one, which a command around it starts."""
    command = [sys.executable, "-c", LIVES, json.dumps(process._asdict())]
    return subprocess.check_output([*around, *command], cwd=ROOT, text=True, timeout=60)


def test_of_a_container_on_the_same_host_it_is_not_told_nor_there_of_the_host(
    container: None,
) -> None:
    inside = contained([sys.executable, "-c", IDENTITY], 54320)
    said = subprocess.check_output(inside, cwd=ROOT, text=True, timeout=60)
    identity = ProcessIdentity.from_json(json.loads(said))
    assert (54321, this().host, this().boot) == (identity.pid, identity.host, identity.boot)
    assert identity.lives() is None
    assert "None it is of another PID namespace" in asked(this(), contained([], 54320))
    assert "True \n" == asked(this(), [])


def test_where_proc_is_of_others_its_numbers_are_not_believed(container: None) -> None:
    # As `unshare --pid` without a /proc of its own: process 1 is another one there.
    there = ["unshare", "--pid", "--fork", "--kill-child"]
    code = IDENTITY.replace("print", "process = ProcessIdentity.of(os.getpid())\nprint", 1)
    code += "print(process.pid, process.start, process.lives())"
    said = subprocess.check_output([*there, sys.executable, "-c", code], cwd=ROOT, text=True)
    assert said.endswith("1 0 True\n")
    assert "None it is of another PID namespace" in asked(this(), there)


def test_without_proc_it_is_not_told(container: None) -> None:
    there = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc; "$@"', "sh"]
    code = IDENTITY + "print(ProcessIdentity.of(os.getpid()).lives())"
    said = subprocess.check_output([*there, sys.executable, "-c", code], cwd=ROOT, text=True)
    assert said.endswith("None\n")
