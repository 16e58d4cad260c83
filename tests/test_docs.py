"""What the documents name is there, and their code runs."""

from __future__ import annotations

import importlib.util
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gridengine.cli import main

from . import documents
from .cluster import Cluster
from .documents import DOCS, PAGES, ROOT

DOCUMENTS = [path for name, path in PAGES.items() if name != "CHANGELOG.md"]
SECURITY = DOCS / "security.md"


def test_there_are_documents() -> None:
    assert {"design.md", "performance.md", "reliability.md", "security.md"} <= {
        document.name for document in DOCUMENTS
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_test_that_a_document_names_is_there(document: Path) -> None:
    file = None
    missing = []
    # ``tests/x.py``, ``tests/x.py::test_y`` or, of the file named last, ``…test_y``; what ends in
    # ``…`` is the beginning of a name.
    for path, name in re.findall(
        r"`(tests/[\w/]+\.py)?(?:::|…)?(test_\w+)?…?`", document.read_text(encoding="utf-8")
    ):
        if path:
            file = ROOT / path
            if not file.exists():
                missing.append(path)
        source = file.read_text(encoding="utf-8") if file is not None and file.exists() else ""
        if name and f"def {name}" not in source:
            missing.append(f"{path}::{name}")
    assert missing == []


def promises() -> list[str]:
    """Returns the lines of all tables in docs/security.md that say what is held."""
    lines = SECURITY.read_text(encoding="utf-8").splitlines()
    return [
        line
        for before, line in itertools.pairwise(lines)
        if line.startswith("|") and not re.match(r"\|[ |-]+$", line) and before.startswith("|")
    ]


def test_every_promise_of_security_names_a_test_that_is_collected() -> None:
    named = {line: re.findall(r"`(tests/[\w/]+\.py::test_\w+)`", line) for line in promises()}
    assert len(named) > 20
    assert [line for line, tests in named.items() if not tests] == []
    wanted = {test for tests in named.values() for test in tests}
    files = sorted({test.partition("::")[0] for test in wanted})
    assert [file for file in files if not (ROOT / file).exists()] == []
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=80,
    )
    collected = {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line}
    assert wanted - collected == set(), done.stdout[-2000:] + done.stderr


def test_it_is_said_how_to_report_a_hole() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "(docs/security.md)" in text
    for heading in ("Reporting a hole", "What to expect", "Which versions get fixes"):
        assert f"\n## {heading}\n" in text
    assert "SECURITY.md" in SECURITY.read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_that_a_document_links_to_is_there(document: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_figures_of_the_readme_stand_in_the_documents_that_say_how_they_were_measured() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line for line in readme.partition("| measured |")[2].splitlines() if line[:1] == "|"]
    figures = {each for row in rows for each in re.findall(r"\d[\d.,]*\d|\d", row)}
    documents = [ROOT / "docs" / name for name in ("performance.md", "reliability.md")]
    text = " ".join(document.read_text(encoding="utf-8") for document in documents)
    assert len(figures) > 20
    assert figures - set(re.findall(r"\d[\d.,]*\d|\d", text)) == set()


# ---------------------------------------------------------------------- code

# Not by sybil or pytest-markdown-docs, which run blocks in the test's own process: these are
# programs, whose ``__main__`` travels to workers.

#: The pages whose code is run. What other pages show is pieces.
RUN = [name for name in PAGES if name == "README.md" or name.startswith("docs/")]


def _pages_with(*abouts: str) -> list[str]:
    return [name for name in RUN if documents.program(documents.blocks(PAGES[name]), *abouts)]


def _runs(name: str, code: str, tmp_path: Path, scheduler: str) -> str:
    """Runs the code of a page as one program, and returns what it prints."""
    for library in sorted(documents.libraries(code)):
        pytest.importorskip(library)
    (tmp_path / "document.py").write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "document.py"],
        cwd=tmp_path,
        env={**os.environ, "GRIDENGINE_SCHEDULER": scheduler},
        capture_output=True,
        text=True,
        timeout=80,
    )
    assert done.returncode == 0, f"the lines are those of {name}\n{done.stdout}{done.stderr}"
    return done.stdout


def _marks(name: str) -> list[pytest.MarkDecorator]:
    code = documents.program(documents.blocks(PAGES[name]), "")
    # Its import alone takes seconds, in the program and in each worker.
    return [pytest.mark.slow] if "sklearn" in documents.libraries(code) else []


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=_marks(name)) for name in _pages_with("")]
)
def test_the_code_in_a_document_runs(name: str, tmp_path: Path) -> None:
    blocks = documents.blocks(PAGES[name])
    printed = _runs(name, documents.program(blocks, ""), tmp_path, "process")
    # The README's has a test of its own: test_docstrings.
    assert name == "README.md" or printed == documents.printed(blocks)


@pytest.mark.cluster
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=_marks(name)) for name in _pages_with("cluster")]
)
def test_the_code_for_a_cluster_runs_on_one(name: str, cluster: Cluster, tmp_path: Path) -> None:
    blocks = documents.blocks(PAGES[name])
    code = documents.program(blocks, "", "cluster")
    assert _runs(name, code, tmp_path, "grid_engine") == documents.printed(blocks)


@pytest.mark.cluster
@pytest.mark.usefixtures("slurm")
@pytest.mark.parametrize("name", _pages_with("slurm"))
def test_the_code_for_slurm_runs_on_one(name: str, tmp_path: Path) -> None:
    blocks = documents.blocks(PAGES[name])
    printed = _runs(name, documents.program(blocks, "", "slurm"), tmp_path, "slurm")
    assert printed == documents.printed(blocks)


@pytest.mark.parametrize("name", RUN)
def test_all_code_of_a_document_is_run_or_is_said_not_to_be(name: str) -> None:
    for block in documents.blocks(PAGES[name]):
        if block.language == "python":
            assert block.about in {"", "cluster", "slurm", "no-run", "notebook"}, (
                f"{name}:{block.line}"
            )
            if block.about != "notebook":  # which may have what IPython alone understands
                compile(block.text, f"{name}:{block.line}", "exec")


@pytest.mark.parametrize("name", PAGES)
def test_the_commands_that_a_document_shows_are_there(name: str) -> None:
    blocks = documents.blocks(PAGES[name])
    for block in blocks:
        if block.language in {"sh", "bash"}:
            subprocess.run(["sh", "-n"], input=block.text, text=True, check=True)
    missing = [words for words in documents.commands(blocks) if not _is_there(words)]
    assert missing == []


def _is_there(words: list[str]) -> bool:
    """Tells whether a command of ours is one, and takes its options; of others True."""
    while "=" in words[0] and len(words) > 1:
        words = words[1:]
    program, *given = words
    if program.startswith("scripts/"):
        return os.access(ROOT / program, os.X_OK)
    if program.endswith("python") and "-m" in given:
        module = given[given.index("-m") + 1]
        if module.split(".")[0] in {"gridengine", "tests", "benchmarks"}:
            return importlib.util.find_spec(module) is not None
    if program.endswith("gridengine"):
        try:
            main.parser().parse_args(given)
        except SystemExit as over:
            return over.code == 0
    return True
