"""The look at what tests leave behind sees all sorts of it, whatever is open meanwhile."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

ROOT = Path(__file__).parent.parent

#: By test of planted_leaks.py, what is to be said of it, and of nothing else.
LEFT = {
    "test_leaves[sockets]": r"descriptor \d+ on socket:\[\d+\], descriptor \d+ on socket:\[\d+\]",
    "test_leaves[a pipe]": r"descriptor \d+ on pipe:\[(\d+)\], descriptor \d+ on pipe:\[\1\]",
    "test_leaves[a file]": r"descriptor \d+ on .*planted_leaks\.py",
    "test_leaves[memory]": r"(descriptor \d+ on /memfd:gridengine \(deleted\) \d+(, )?){2}",
    "test_leaves[a process]": r"process \d+ \(sleep 60\)",
    "test_leaves[a folder]": r"/\S+",
    "test_leaves[a thread]": r"thread planted",
    "test_leaves[a scheduler]": r"process .*, thread .*, descriptor .* on socket:.*",
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What was said, by test, in a run of planted_leaks.py."""
    report = tmp_path_factory.mktemp("planted") / "report.xml"
    options = ["-p", "no:cacheprovider", "--tb=short", f"--junitxml={report}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests/planted_leaks.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1, done.stdout
    return {
        str(case.get("name")): re.findall(r"Error: left behind: (.*)", "".join(case.itertext()))
        for case in ElementTree.parse(report).iter("testcase")
    }


@pytest.mark.parametrize("test", LEFT)
def test_what_a_test_leaves_is_named(said: dict[str, list[str]], test: str) -> None:
    (left,) = said[test]
    assert re.fullmatch(LEFT[test], left)


def test_what_an_open_scheduler_opens_is_its_own(said: dict[str, list[str]]) -> None:
    assert said["test_leaves_nothing_but_what_is_the_schedulers"] == []


def test_what_tests_share_is_looked_at_when_they_are_over(said: dict[str, list[str]]) -> None:
    # Its own are among what the whole module has left.
    (left,) = said["test_shares"]
    assert left.count("socket") >= 4


def test_every_planted_leak_was_run(said: dict[str, list[str]]) -> None:
    assert said.keys() == {
        *LEFT,
        "test_leaves_nothing_but_what_is_the_schedulers",
        "test_shares",
    }
