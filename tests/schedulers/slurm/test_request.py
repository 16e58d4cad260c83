"""What is asked of Slurm, as a user writes it and as sbatch reads it."""

from __future__ import annotations

import datetime
import math
import shlex
from typing import Any

import pytest

from gridengine.schedulers.slurm import amounts
from gridengine.schedulers.slurm.request import SlurmRequest, job_name

_ALWAYS = ["--nodes=1", "--ntasks=1", "--cpus-per-task=1"]


def _words(request: SlurmRequest, *avoid: str) -> list[str]:
    return shlex.split(request.arguments(avoid))


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"partition": "long, short"}, "--partition=long,short"),
        ({"account": "physics"}, "--account=physics"),
        ({"qos": "high"}, "--qos=high"),
        ({"constraint": "[rack1|rack2]&avx"}, "--constraint=[rack1|rack2]&avx"),
        ({"time": "00:30:00"}, "--time=00:30:00"),
        ({"time": "1-12:00:00"}, "--time=1-12:00:00"),
        ({"time": "2-0"}, "--time=2-00:00:00"),
        ({"time": "90:00"}, "--time=01:30:00"),
        ({"time": "30m"}, "--time=00:30:00"),
        ({"time": "1.5h"}, "--time=01:30:00"),
        ({"time": 90}, "--time=00:01:30"),
        ({"time": datetime.timedelta(days=1, seconds=1)}, "--time=1-00:00:01"),
        ({"time": "unlimited"}, "--time=UNLIMITED"),
        ({"memory": "4G"}, "--mem=4096M"),
        ({"memory": "1.5GB"}, "--mem=1536M"),
        ({"memory": 4_000_000_000}, "--mem=3815M"),
        ({"memory": 0}, "--mem=0"),
        ({"mem": "500M"}, "--mem=500M"),
        ({"mem_per_cpu": "2G"}, "--mem-per-cpu=2048M"),
        ({"slots": 4}, "--cpus-per-task=4"),
        ({"cpus": 4}, "--cpus-per-task=4"),
        ({"cpus_per_task": 4}, "--cpus-per-task=4"),
        ({"cpus-per-task": 4}, "--cpus-per-task=4"),
        ({"gpus": 1}, "--gpus=1"),
        ({"gpus": "a100:2"}, "--gpus=a100:2"),
        ({"gres": "gpu:1,nvme:1"}, "--gres=gpu:1,nvme:1"),
        ({"hosts": "node1"}, "--nodelist=node1"),
        ({"hosts": ["node1", "node2"]}, "--only-hosts=node1,node2"),
        ({"nodelist": "node[1-3,7],big1"}, "--only-hosts=node[1-3,7],big1"),
        ({"reservation": "course"}, "--reservation=course"),
        ({"mail_type": ["END", "FAIL"]}, "--mail-type=END,FAIL"),
        ({"exclusive": True}, "--exclusive"),
        ({"nice": 100}, "--nice=100"),
        ({"exclude": ["node1", "node2"]}, "--exclude=node1,node2"),
        ({"time_min": 3600}, "--time-min=01:00:00"),
        ({"delay_boot": datetime.timedelta(minutes=5)}, "--delay-boot=00:05:00"),
        ({"mem_per_gpu": 2 * 1024**3}, "--mem-per-gpu=2048M"),
        ({"tmp": "1G"}, "--tmp=1024M"),
        ({"begin": datetime.timedelta(minutes=10)}, "--begin=now+600"),
        ({"begin": 600}, "--begin=now+600"),
        ({"begin": "16:00"}, "--begin=16:00"),
        ({"deadline": datetime.timedelta(days=1)}, "--deadline=now+86400"),
        ({"native": "-N 1 -vH --mem-bind=local"}, "--mem-bind=local"),
    ],
)
def test_what_a_user_writes_is_an_option_of_sbatch(given: dict[str, Any], option: str) -> None:
    assert option in _words(SlurmRequest.of(**given))


def test_without_a_wish_a_queue_job_has_one_core_of_one_node() -> None:
    assert _words(SlurmRequest.of(partition=None, exclusive=False)) == _ALWAYS


def test_native_options_come_last_as_they_are() -> None:
    assert SlurmRequest.of(native="--x='a b' -v").arguments().endswith(" --x='a b' -v")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"time": "30"}, "is minutes to Slurm.*write '30m', '00:30:00' or the number"),
        ({"time": "soon"}, "it takes '00:30:00'"),
        ({"time": 0}, "more than 0 seconds"),
        ({"time": math.nan}, "more than 0 seconds"),
        ({"memory": "4000"}, "is megabytes to Slurm.*write '4000M' or the number of bytes"),
        ({"memory": 4000}, "in which no Python starts; write '4G'"),
        ({"memory": "much"}, "no amount of memory; write '4G'"),
        ({"slots": 0}, "at least 1"),
        ({"slots": 2, "cpus": 4}, "ask for the same: slots"),
        ({"memory": "1G", "mem_per_cpu": "1G"}, "not both"),
        ({"partition": " "}, "is empty"),
        ({"account": "a\nb"}, r"'\\n' cannot be part"),
        ({"array": "1-3"}, "--array is not yours to say; write max_workers= instead"),
        ({"chdir": "/home"}, "write cwd= instead"),
        ({"output": "x"}, "--output is not yours to say"),
        ({"comment": "x"}, "--comment is not yours to say: an array is known by it"),
        ({"clusters": "b"}, "--clusters is not yours to say: squeue and scancel ask"),
        ({"native": "--array=1-3"}, "--array is not yours to say; write max_workers= instead"),
        ({"native": "-v --arr 1-3"}, "--array is not yours to say"),
        ({"native": "-a1-3"}, "--array is not yours to say"),
        ({"native": "-HJ x"}, "--job-name is not yours to say; write queue_job_name= instead"),
        ({"native": "-M b"}, "--clusters is not yours to say"),
        ({"native": "--comment='a b'"}, "--comment is not yours to say"),
        ({"native": "--requeue"}, "write retries= instead"),
        ({"native": "--export=NONE"}, "write env= instead"),
        ({"native": "--wrap=true"}, "--wrap is not yours to say"),
        ({"native": "-o x"}, "--output is not yours to say"),
        ({"native": "--mem=1G -- x"}, "behind -- are no options"),
        ({"native": "-x ./hosts"}, "name the hosts, and no file"),
        ({"exclude": "/tmp/hosts"}, "name the hosts, and no file"),
        ({"time_min": "30"}, "is minutes to Slurm"),
        ({"tmp": "4000"}, "is megabytes to Slurm"),
        ({"hosts": "a;b"}, "no name of a host"),
        ({"hosts": []}, "names no host"),
        ({"native": "'"}, "No closing quotation"),
        ({"nice": math.inf}, "a finite number"),
        ({"2much": 1}, "cannot be the name of an option"),
    ],
)
def test_what_cannot_be_asked_for_says_what_to_write(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SlurmRequest.of(**given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"time": None, "memory": 1.5}, "a text such as '4G', or bytes"),
        ({"time": True}, "seconds or a timedelta"),
        ({"slots": "4"}, "whole number"),
        ({"partition": 3}, "is no text"),
        ({"hosts": 3}, "neither a text nor a list"),
        ({"reservation": {}}, "not dict"),
        ({"nice": datetime.timedelta(1)}, "asked for by time=, time_min=, delay_boot=, begin="),
        ({"time_min": True}, "seconds or a timedelta"),
    ],
)
def test_what_is_of_another_type_says_so(given: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        SlurmRequest.of(**given)


def test_a_jobs_own_requests_override_the_schedulers() -> None:
    request = SlurmRequest.of(memory="4G", time="1h", partition="long", exclusive=True)
    changed = request.changed(
        {"mem_per_cpu": "1G", "cpus": 2, "time": "2h", "exclusive": False, "nice": 1}
    )
    assert changed.memory == 2 * 1024**3
    assert _words(changed) == [
        "--nodes=1", "--ntasks=1", "--cpus-per-task=2", "--partition=long", "--time=02:00:00",
        "--mem-per-cpu=1024M", "--nice=1",
    ]  # fmt: skip
    assert request.changed({}) is request
    assert changed.changed({"mem": "3G"}).memory == 3 * 1024**3


def test_a_time_limit_is_what_slurm_makes_of_it_whole_minutes() -> None:
    assert SlurmRequest.of(time=61).time_limit == 120.0
    assert SlurmRequest.of(time="UNLIMITED").time_limit == 0.0
    assert SlurmRequest.of().time_limit == 0.0


def test_hosts_to_avoid_are_named_apart_and_never_make_another_option() -> None:
    words = _words(SlurmRequest.of(), "node1", "node2.domain", "node3 --wrap=evil", "a,b")
    assert words == [*_ALWAYS, "--avoid-hosts=node1,node2.domain"]


def test_a_request_shows_the_arguments_by_which_it_was_made() -> None:
    request = SlurmRequest.of(mem="4G", time=90, cpus=2, exclusive=True, hosts="node1")
    assert str(request) == (
        "slots=2, time='00:01:30', memory='4096M', hosts=('node1',), exclusive=True"
    )


def test_names_in_the_queue_are_one_readable_word() -> None:
    assert job_name("test.<locals>.my function!") == "my_function"
    assert job_name("…") == "gridengine"
    assert len(job_name("x" * 200)) == 60


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 300.0),
        ("5:30", 330.0),
        ("01:00:30", 3630.0),
        ("1-2", 93600.0),
        ("1-02:30", 95400.0),
        ("1-00:00:01", 86401.0),
        ("UNLIMITED", 0.0),
        ("INVALID", 0.0),
    ],
)
def test_slurms_times_are_read_as_slurm_does(text: str, seconds: float) -> None:
    assert amounts.seconds_told(text) == seconds


@pytest.mark.parametrize(
    ("text", "nbytes"),
    [("1234K", 1234 * 1024), ("1.50G", 1610612736), ("100", 104857600), ("4Gn", 4 << 30), ("", 0)],
)
def test_slurms_amounts_of_memory_are_read_as_slurm_does(text: str, nbytes: int) -> None:
    assert amounts.bytes_told(text) == nbytes
