"""The file of tested versions: whether it holds all that is installed with it, and nothing else."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

from packaging.requirements import Requirement

from . import constraints

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "constraints.txt").read_text(encoding="utf-8")
PINS = [Requirement(line) for line in TEXT.splitlines() if not line.startswith("#")]


def wanted() -> list[Requirement]:
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = metadata["options.extras_require"]
    texts = [
        metadata["options"]["install_requires"],
        *(extras[name] for name in constraints.EXTRAS),
    ]
    found = [Requirement(line) for text in texts for line in text.split("\n") if line.strip()]
    return [each for each in found if each.name not in constraints.BUNDLED and not each.marker]


def test_all_that_the_extras_name_has_a_version_there_that_they_take() -> None:
    pins = {constraints.name_of(pin.name): pin for pin in PINS}
    for each in wanted():
        (version,) = (part.version for part in pins[constraints.name_of(each.name)].specifier)
        assert version in each.specifier


def test_each_is_one_version_of_a_package_from_the_usual_place() -> None:
    for pin in PINS:
        assert [part.operator for part in pin.specifier] == ["=="]
        assert not pin.url
    names = [constraints.name_of(pin.name) for pin in PINS]
    assert names == sorted(set(names))
    assert not re.search(r"://|/", TEXT.replace("scripts/test", ""))


def test_it_is_used_where_an_environment_is_made() -> None:
    assert "--constraint" in (ROOT / "scripts" / "environment").read_text(encoding="utf-8")
    assert 'session.install("--editable", ".[test]")' in (ROOT / "noxfile.py").read_text()


def test_what_makes_it_writes_what_is_installed() -> None:
    lines = [constraints.line(each) for each in constraints.needed().values()]
    assert any(line.startswith("msgspec == ") for line in lines)
    assert not [line for line in lines if line.startswith(("gridengine", "pip "))]
