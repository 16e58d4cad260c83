"""What users ask for, as options of qsub."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pytest

from gridengine.schedulers.grid_engine.request import Request, job_name
from gridengine.schedulers.quantities import parse_memory, parse_time


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"queue": "all.q"}, "-q all.q"),
        ({"queue": "all.q, long.q@node1"}, "-q all.q,long.q@node1"),
        ({"slots": 4, "parallel_environment": "smp"}, "-pe smp 4"),
        ({"project": "research"}, "-P research"),
        ({"hosts": "node1"}, "-l hostname=node1"),
        ({"hosts": "node1, node2"}, "-l hostname=node1|node2"),
        ({"hosts": ["node1", "node2*"]}, "-l hostname=node1|node2*"),
        ({"native": "-R y -p -7"}, "-r n -R y -p -7"),
        ({"h_rt": "00:10:00", "h_vmem": "4G"}, "-l h_rt=00:10:00,h_vmem=4G"),
        ({"h_rt": datetime.timedelta(days=1, seconds=5)}, "-l h_rt=86405"),
        ({"h_rt": 1.5}, "-l h_rt=2"),
        ({"h_vmem": 2**30}, "-l h_vmem=1073741824"),
        ({"mem_free": 1e9}, "-l mem_free=1000000000"),
        ({"load": 0.5}, "-l load=0.5"),
        ({"gpu": True, "ssd": False}, "-l gpu=true,ssd=false"),
        ({"n": np.int64(3)}, "-l n=3"),
        ({"n": None}, "-r n"),
    ],
)
def test_requests_become_options(given: dict[str, Any], option: str) -> None:
    assert option in Request.of(**given).options()


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({}, "-l hostname=!(n1|n1.*|n2|n2.*) -r n"),
        ({"hosts": "a|b*"}, "-l hostname=(a|b*)&!(n1|n1.*|n2|n2.*) -r n"),
        ({"h": "a", "h_rt": 9}, "-l h_rt=9,hostname=(a)&!(n1|n1.*|n2|n2.*) -r n"),
    ],
)
def test_hosts_can_be_left_out_of_any_request(given: dict[str, Any], option: str) -> None:
    assert option == Request.of(**given).options(avoid=["n1.site.org", "n2"])


def test_an_empty_request_asks_only_not_to_be_run_again() -> None:
    assert "-r n" == Request.of().options()


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"slots": 2}, ValueError, "parallel_environment"),
        ({"h_vmem": 4}, ValueError, "'4' is 4 bytes, in which no Python starts; write h_vmem='4G'"),
        ({"slots": 0}, ValueError, "one slot at least"),
        ({"slots": 1.5}, TypeError, "whole number"),
        ({"slots": True}, TypeError, "whole number"),
        ({"queue": "a b"}, ValueError, "' '"),
        ({"queue": ""}, ValueError, "empty"),
        ({"queue": 3}, TypeError, "no text"),
        ({"project": "a,b"}, ValueError, "','"),
        ({"hosts": 7}, TypeError, "hosts"),
        ({"hosts": ["a", 7]}, TypeError, "no text"),
        ({"hosts": "a", "hostname": "b"}, ValueError, "not both"),
        ({"native": "-p 'x"}, ValueError, "No closing quotation"),
        ({"native": "-p\n7"}, ValueError, "line break"),
        ({"native": ["-p"]}, TypeError, "no text"),
        ({"h_rt": "1,h_vmem=1G"}, ValueError, "','"),
        ({"h_rt": "1\n"}, ValueError, r"'\\n'"),
        ({"h_rt": "$(id)"}, ValueError, r"'\$'"),
        ({"h_rt": -1}, ValueError, "not negative"),
        ({"h_rt": float("nan")}, ValueError, "finite"),
        ({"h_rt": [1]}, TypeError, "not list"),
        ({"h rt": 1}, ValueError, "name of a resource"),
    ],
)
def test_what_cannot_be_asked_for_is_said(
    given: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        Request.of(**given)


def test_a_jobs_own_requests_add_override_and_remove() -> None:
    request = Request.of(queue="all.q", h_rt=60, h_vmem="1G")
    changed = request.changed({"h_rt": 90, "h_vmem": None, "gpu": 1})
    assert "-q all.q -l h_rt=90,gpu=1 -r n" == changed.options()
    assert "-q b.q -l h_rt=60,h_vmem=1G -r n" == request.changed({"queue": "b.q"}).options()
    assert request is request.changed({})


def test_limits_are_known_as_numbers() -> None:
    request = Request.of(slots=2, parallel_environment="smp", h_vmem="1.5G", h_rt="01:00:30")
    assert (3 * 2**30, 3630) == (request.memory, request.seconds)
    assert (0, 0) == (Request.of().memory, Request.of().seconds)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("4G", 4 * 2**30),
        ("4g", 4 * 10**9),
        ("512", 512),
        ("1.5M", 3 * 2**19),
        ("1.100GB", 1181116006),
        ("", 0),
        ("INFINITY", 0),
        ("4Q", 0),
    ],
)
def test_memory_is_read(text: str, count: int) -> None:
    assert count == parse_memory(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60", 60),
        ("00:10:00", 600),
        ("1:1:1", 3661),
        ("::30", 30),
        ("", 0),
        ("INFINITY", 0),
        ("1.2.3", 0),
    ],
)
def test_times_are_read(text: str, seconds: float) -> None:
    assert seconds == parse_time(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("my_job-1.x", "my_job-1.x"),
        ("7 samurai", "j7_samurai"),
        ("a/b:c@d\\e*f?g", "a_b_c_d_e_f_g"),
        ("<lambda>", "lambda"),
        ("größe\n", "gr_e"),
        ("-x", "j-x"),
        ("", "gridengine"),
        ("///", "gridengine"),
        ("x" * 500, "x" * 60),
    ],
)
def test_job_names_are_made_legal(text: str, name: str) -> None:
    assert name == job_name(text)


@pytest.mark.parametrize(
    "host", ["x -S /tmp/evil", "x,h_vmem=1", "*", "", "x\n-S /tmp/evil", "!x", "ü"]
)
def test_what_is_no_name_of_a_host_is_no_option_of_qsub(host: str) -> None:
    assert Request.of().options(avoid=[host]) == Request.of().options()
    assert Request.of().options(avoid=["n1", host]) == Request.of().options(avoid=["n1"])
