"""What the package says of itself is the same everywhere: version, extras, libraries."""

from __future__ import annotations

import ast
import configparser
import datetime
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import gridengine

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gridengine"
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

METADATA = configparser.ConfigParser()
METADATA.read(ROOT / "setup.cfg", encoding="utf-8")
EXTRAS = METADATA["options.extras_require"]

#: Those of who works on the package itself.
FOR_DEVELOPERS = {"benchmark", "docs", "interpreters", "situations", "test"}


def releases() -> list[tuple[Version, datetime.date]]:
    """Returns the versions of the changelog, with their days."""
    headings = re.findall(r"^## (.*)$", CHANGELOG, re.MULTILINE)
    if headings[0] == "Unreleased":
        del headings[0]
    found = [heading.split(" – ") for heading in headings]
    return [(Version(version), datetime.date.fromisoformat(day)) for version, day in found]


def test_the_changelog_has_this_version_first_and_the_others_after_it() -> None:
    versions = releases()
    assert versions[0][0] == Version(gridengine.__version__)
    assert versions == sorted(versions, reverse=True)


def test_the_version_stands_in_one_place() -> None:
    assert METADATA["metadata"]["version"] == "attr: gridengine.__version__"


def test_the_citation_is_one_and_of_this_version() -> None:
    yaml = pytest.importorskip("yaml")
    citation: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    # What version 1.2.0 of the format requires.
    assert {"authors", "cff-version", "message", "title"} <= citation.keys()
    assert citation["cff-version"] == "1.2.0"
    assert citation["authors"] == [{"name": "The gridengine developers"}]
    assert citation["license"] == METADATA["metadata"]["license_expression"]
    version, day = releases()[0]
    assert (Version(citation["version"]), citation["date-released"]) == (version, day)


# -- libraries that only some programs need ---------------------------------------------------


def test_every_extra_has_a_line_in_the_document() -> None:
    text = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert sorted(rows) == sorted(set(EXTRAS) - FOR_DEVELOPERS)
    assert FOR_DEVELOPERS <= set(re.findall(r"`(\w+)`", text))


#: What they bring is used where it is, and nothing fails without it.
DONE_WITHOUT = {"gpu", "mail"}


def named() -> Iterator[str]:
    """Yields the extras that the package tells users to install."""
    for path in PACKAGE.rglob("*.py"):
        yield from re.findall(r"extras\.(?:needed|command)\(\s*\"(\w+)\"", path.read_text("utf-8"))


def test_every_extra_that_an_error_names_is_there_and_the_other_way_round() -> None:
    assert set(named()) == set(EXTRAS) - FOR_DEVELOPERS - DONE_WITHOUT


#: What is imported, where it may be missing, by other means than `extras.needed`.
ELSEWHERE = {
    # The session process is started by who has asked `drmaa_library.require`.
    ("schedulers/grid_engine/batch_system/drmaa_system.py", "drmaa"),
    # It unpacks an array, so numpy has made one.
    ("compat/joblib_worker.py", "numpy"),
    # Who has that run has numpy.
    ("testing/targets.py", "numpy"),
    # It is looked for before.
    ("observers/bars.py", "tqdm"),
    # They are looked for before, and where the page is made.
    ("observers/report/figures.py", "numpy"),
    ("observers/report/plots.py", "numpy"),
    ("observers/report/plots.py", "matplotlib"),
    # It does without.
    ("worker/nvml_program.py", "pynvml"),
    ("observers/mails/usage_plot.py", "matplotlib"),
    ("compat/gridmap/plots.py", "matplotlib"),
    ("compat/joblib_worker.py", "threadpoolctl"),
    # Imported by the command `top`, which says what is missing; rich comes with textual.
    *((f"cli/top/{name}.py", "textual") for name in ("app", "row_table", "screens")),
    ("cli/top/row_table.py", "rich"),
}

#: Modules that are called otherwise than what is installed.
PROJECTS = {"zmq": "pyzmq"}


def imported(body: list[ast.stmt]) -> Iterator[str]:
    """Yields what is imported, but for type checkers, and with `extras.needed` around it."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.With) and "extras.needed" in ast.unparse(node.items[0]):
            continue
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from imported(node.orelse)
        else:
            for name in ("body", "orelse", "finalbody"):
                yield from imported(getattr(node, name, []))
            for handler in getattr(node, "handlers", []):
                yield from imported(handler.body)


def test_a_library_that_may_be_missing_is_imported_with_a_word_of_its_extra() -> None:
    lines = METADATA["options"]["install_requires"].split("\n")
    there = {*(Requirement(line).name for line in lines if line), "gridengine"}
    found = {
        (path.relative_to(PACKAGE).as_posix(), name)
        for path in PACKAGE.rglob("*.py")
        for name in imported(ast.parse(path.read_text(encoding="utf-8")).body)
        # `cli/commands/dashboard.py` imports that folder, and has looked whether it can.
        if not path.is_relative_to(PACKAGE / "dashboard")
        and name not in sys.stdlib_module_names
        and PROJECTS.get(name, name) not in there
    }
    # That of a newer Python, for which an older one has another.
    assert found - {("settings_file.py", "tomllib")} == ELSEWHERE
