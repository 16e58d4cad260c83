"""Pages with blocks that are meant for a cluster run as their readers run them there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .cluster import Cluster

DOCS = Path(__file__).parent.parent / "docs"

#: All blocks of a page are one program: those that run anywhere, and those fenced as
#: ``python cluster``.
BLOCK = re.compile(r"^```python(?: cluster)?\n(.*?)^```", re.DOTALL | re.MULTILINE)

#: What the code of a page imports that is not everywhere.
NEEDED = {"howto/scikit-learn.md": "sklearn", "migrate/dask.md": "dask"}

#: Where blocks run that name no scheduler, if it is not the cluster: eight workers that all import
#: scikit-learn take a minute on the cores of the test cluster.
PLAIN = {"howto/scikit-learn.md": "process"}

PAGES = [
    str(page.relative_to(DOCS))
    for page in sorted(DOCS.rglob("*.md"))
    if "```python cluster\n" in page.read_text(encoding="utf-8")
]


def test_there_are_such_pages() -> None:
    assert {"start/tutorial.md", "howto/resources.md"} <= set(PAGES)


@pytest.mark.cluster
@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs_on_the_cluster(
    page: str, cluster: Cluster, tmp_path: Path
) -> None:
    if page in NEEDED:
        pytest.importorskip(NEEDED[page])
    text = (DOCS / page).read_text(encoding="utf-8")
    (tmp_path / "page.py").write_text("\n".join(BLOCK.findall(text)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "page.py"],
        cwd=tmp_path,
        env={**os.environ, "GRIDENGINE_SCHEDULER": PLAIN.get(page, "grid_engine")},
        capture_output=True,
        text=True,
        timeout=80,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
