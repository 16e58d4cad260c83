"""Notebooks among the examples, and the page about notebooks, do in a kernel what they say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from .kernel import Kernel, close_loop

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")

ROOT = Path(__file__).parent.parent.parent
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))


def shown(cell: Any) -> list[str]:
    """Returns what a cell has shown that is the same each time and on each computer."""
    texts = []
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        texts.append(output.get("text") or output.get("evalue") or data.get("text/plain"))
        # The table itself has times, hosts and processes.
        texts += sorted(
            set(re.findall(r"failed|finished|[A-Za-z]+Error", data.get("text/html", "")))
        )
    return [re.sub(r"max_workers=\d+", "max_workers=N", text) for text in texts]


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_shows_what_it_has_been_saved_with(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDENGINE_SCHEDULER", "process")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    saved = nbformat.read(path, as_version=4)
    run = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        run, timeout=60, resources={"metadata": {"path": str(tmp_path)}}
    )
    try:
        client.execute()
    finally:
        close_loop()
    assert list(map(shown, run.cells)) == list(map(shown, saved.cells))


def test_the_cells_of_the_page_run_in_a_kernel(kernel: Kernel) -> None:
    text = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8")
    cells = re.findall(r"```python notebook\n(.*?)```", text, re.DOTALL)
    assert cells
    shown = [kernel.run(cell) for cell in cells]
    assert [outputs.traceback for outputs in shown if outputs.error] == []
    # What the page says of the first one.
    assert f"```text\n{shown[0].text}\n```" in text
    [batch] = [outputs for outputs in shown if "JobDispatcher" in outputs.html]
    assert "share of 0" in batch.html
