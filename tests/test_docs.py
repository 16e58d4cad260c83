"""What the documents name is there."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
SECURITY = ROOT / "docs" / "security.md"


def test_there_are_documents() -> None:
    assert {"design.md", "performance.md", "reliability.md", "security.md"} <= {
        document.name for document in DOCUMENTS
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_links_to_is_there(document: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


#: What the code in a document imports that is not everywhere.
NEEDED = {
    "asyncio.md": ("anyio", "trio"),
    "debugging.md": (),
    "executor.md": ("dask", "numpy"),
    "map.md": ("numpy",),
    "options.md": ("numpy",),
    "output.md": (),
    "pool.md": (),
    "what-follows.md": ("numpy",),
}


@pytest.mark.parametrize("name", NEEDED)
def test_the_code_in_a_document_runs(name: str, tmp_path: Path) -> None:
    for library in NEEDED[name]:
        pytest.importorskip(library)
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    (tmp_path / "document.py").write_text("\n".join(blocks), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "document.py"],
        cwd=tmp_path,
        env={**os.environ, "GRIDENGINE_SCHEDULER": "process"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
